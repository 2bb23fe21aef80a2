/* Every function that takes a connection's number says the same of a wrong one. */
#include "check.h"

typedef wsaddin_result (*call)(wsaddin_server, uint64_t);

static wsaddin_result send_text(wsaddin_server s, uint64_t c) { return wsaddin_server_send_text(s, c, WSADDIN_TEXT("x")); }

static wsaddin_result send_binary(wsaddin_server s, uint64_t c) {
    return wsaddin_server_send_binary(s, c, WSADDIN_TEXT("x"));
}

static wsaddin_result disconnect(wsaddin_server s, uint64_t c) { return wsaddin_server_disconnect(s, c, 1000, NULL, 0); }

static wsaddin_result set_name(wsaddin_server s, uint64_t c) { return wsaddin_server_set_name(s, c, WSADDIN_TEXT("x")); }

static wsaddin_result join(wsaddin_server s, uint64_t c) { return wsaddin_server_join_group(s, c, WSADDIN_TEXT("x")); }

static wsaddin_result leave(wsaddin_server s, uint64_t c) { return wsaddin_server_leave_group(s, c, WSADDIN_TEXT("x")); }

static wsaddin_result reject(wsaddin_server s, uint64_t c) { return wsaddin_server_reject(s, c, 403, NULL, 0); }

static wsaddin_result ping(wsaddin_server s, uint64_t c) {
    int64_t time;
    SPOIL(time);
    wsaddin_result result = wsaddin_server_ping(s, c, LONG, &time);
    CHECK(time == 0);
    return result;
}

static wsaddin_result info(wsaddin_server s, uint64_t c) {
    char text[8];
    size_t needed;
    SPOIL(needed);
    wsaddin_result result = wsaddin_server_connection_info(s, c, text, sizeof text, &needed);
    CHECK(needed == 0 && text[0] == '\0');
    return result;
}

static wsaddin_result hold(wsaddin_server s, uint64_t c) { return wsaddin_server_pause(s, c, 1); }

void connection_numbers(void) {
    static const struct {
        call call;
        wsaddin_result of_one_gone;
    } calls[] = {
        {send_text, WSADDIN_CLOSED},
        {send_binary, WSADDIN_CLOSED},
        {disconnect, WSADDIN_CLOSED},
        {set_name, WSADDIN_CLOSED},
        {join, WSADDIN_CLOSED},
        {leave, WSADDIN_CLOSED},
        {wsaddin_server_accept, WSADDIN_CLOSED},
        {reject, WSADDIN_CLOSED},
        {wsaddin_server_abort, WSADDIN_CLOSED},
        {hold, WSADDIN_CLOSED},
        {info, WSADDIN_CLOSED},
        {ping, WSADDIN_NOT_CONNECTED}, /* a call that needs a connection, as a client's */
    };
    static const uint64_t never[] = {0, 2, 4711, UINT64_MAX, (uint64_t)1 << 63, (uint64_t)1 << 32 | 1};
    wsaddin_server server;
    wsaddin_client client;
    wsaddin_message *event = NULL;
    int32_t clean;
    CHECK(pair(&server, &client) == 1);
    GOOD(wsaddin_client_disconnect(client, 1000, NULL, 0, &clean));
    do {
        wsaddin_message_free(event);
        GOOD(wsaddin_server_receive_event(server, LONG, &event));
    } while (wsaddin_message_event(event) != WSADDIN_EVENT_CLOSE);
    wsaddin_message_free(event);
    for (int running = 1; running >= 0; running--) {
        for (size_t at = 0; at < sizeof calls / sizeof *calls; at++) {
            for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
                EXPECT(calls[at].call(server, never[i]), WSADDIN_BAD_ARGUMENT);
                CHECK(said("was never issued"));
            }
            EXPECT(calls[at].call(server, 1), calls[at].of_one_gone);
        }
        GOOD(wsaddin_server_stop(server));
    }
    free_pair(server, client);
}
