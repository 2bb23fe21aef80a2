/* Who may come in, as a C program decides it. */
#include "check.h"

/* The next event of the server, which has to be of this kind; its connection. */
static uint64_t next(wsaddin_server server, wsaddin_event kind, const char *says) {
    wsaddin_message *message;
    GOOD(wsaddin_server_receive_event(server, LONG, &message));
    CHECK(wsaddin_message_event(message) == kind);
    /* Data is followed by a NUL only in our copy. */
    char text[4096] = {0};
    CHECK(wsaddin_message_size(message) < sizeof text);
    memcpy(text, wsaddin_message_data(message), wsaddin_message_size(message));
    CHECK(strstr(text, says) != NULL);
    uint64_t connection = wsaddin_message_connection(message);
    wsaddin_message_free(message);
    return connection;
}

static void begin(wsaddin_client client, wsaddin_server server, const char *query) {
    char url[128];
    int size = snprintf(url, sizeof url, "ws://127.0.0.1:%d/way%s", (int)server_number(wsaddin_server_get_port, server), query);
    GOOD(wsaddin_client_begin_connect(client, url, (size_t)size));
}

/* The client's next event is an error that says this. */
static void refused(wsaddin_client client, const char *says) {
    wsaddin_message *message;
    char text[1024] = {0};
    GOOD(wsaddin_client_receive_event(client, LONG, &message));
    CHECK(wsaddin_message_event(message) == WSADDIN_EVENT_ERROR && wsaddin_message_size(message) < sizeof text);
    memcpy(text, wsaddin_message_data(message), wsaddin_message_size(message));
    wsaddin_message_free(message);
    CHECK(strstr(text, says) != NULL);
}

void letting_in(void) {
    wsaddin_server server = running_server();
    wsaddin_client client;
    wsaddin_message *message;
    int32_t clean;
    GOOD(wsaddin_client_new(&client));

    GOOD(wsaddin_server_set_access_token(server, WSADDIN_TEXT("secret")));
    begin(client, server, "");
    refused(client, "401");
    GOOD(wsaddin_server_set_manual_accept(server, 1));
    begin(client, server, "?access_token=secret");
    uint64_t connection = next(server, WSADDIN_EVENT_PENDING, "\"query\":\"access_token=***\"");
    CHECK(server_number(wsaddin_server_get_connection_count, server) == 0);
    EXPECT(wsaddin_server_send_text(server, connection, "early", 5), WSADDIN_CLOSED);
    EXPECT(wsaddin_server_reject(server, connection, 200, NULL, 0), WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_server_reject(server, connection, 403, "\xff", 1), WSADDIN_BAD_UTF8);
    GOOD(wsaddin_server_accept(server, connection));
    GOOD(wsaddin_server_send_text(server, connection, "welcome", 7));
    EXPECT(wsaddin_server_accept(server, connection), WSADDIN_CLOSED);
    EXPECT(wsaddin_server_reject(server, connection, 403, NULL, 0), WSADDIN_CLOSED);
    CHECK(next(server, WSADDIN_EVENT_OPEN, "\"state\":\"open\"") == connection);
    GOOD(wsaddin_client_receive(client, LONG, &message));
    take_text(message, "welcome", 7);
    GOOD(wsaddin_client_disconnect(client, 1000, NULL, 0, &clean));
    CHECK(next(server, WSADDIN_EVENT_CLOSE, "1000") == connection);

    begin(client, server, "?access_token=secret");
    GOOD(wsaddin_server_reject(server, next(server, WSADDIN_EVENT_PENDING, ""), 404, WSADDIN_TEXT("no such way")));
    refused(client, "404");
    GOOD(wsaddin_server_set_accept_timeout(server, 50));
    begin(client, server, "?access_token=secret");
    connection = next(server, WSADDIN_EVENT_PENDING, "");
    refused(client, "503");
    CHECK(next(server, WSADDIN_EVENT_CLOSE, "1006") == connection);
    EXPECT(wsaddin_server_accept(server, connection), WSADDIN_CLOSED);
    free_pair(server, client);
}
