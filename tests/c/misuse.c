/* Bad handles and bad arguments give results, and every output is empty then. */
#include "check.h"

/* Every function that takes a client. */
static void bad_client(uint64_t id) {
    wsaddin_client c = {id};
    wsaddin_message *message;
    int32_t flag;
    int64_t value;
    size_t needed;
    char text[8];
#define BAD(call) EXPECT(call, WSADDIN_BAD_HANDLE)
#define BAD_NUMBER(get) (SPOIL(value), BAD(get(c, &value)), CHECK_ZERO(value))
#define BAD_TEXT(get) (SPOIL(needed), SPOIL(text), BAD(get(c, text, sizeof text, &needed)), CHECK_ZERO(needed), CHECK_ZERO(text[0]))
#define CHECK_ZERO(place) expect(__FILE__, __LINE__, #place, (int)((place) != 0), 0)
    BAD(wsaddin_client_free(c));
    BAD(wsaddin_client_connect(c, WSADDIN_TEXT("ws://127.0.0.1/")));
    BAD(wsaddin_client_begin_connect(c, WSADDIN_TEXT("ws://127.0.0.1/")));
    SPOIL(flag);
    BAD(wsaddin_client_disconnect(c, 1000, NULL, 0, &flag));
    BAD(wsaddin_client_abort(c));
    CHECK_ZERO(flag);
    BAD(wsaddin_client_send_text(c, WSADDIN_TEXT("x")));
    BAD(wsaddin_client_send_binary(c, WSADDIN_TEXT("x")));
    SPOIL(message);
    BAD(wsaddin_client_receive(c, WSADDIN_WAIT_FOREVER, &message));
    CHECK_ZERO(message);
    SPOIL(message);
    BAD(wsaddin_client_receive_event(c, WSADDIN_WAIT_FOREVER, &message));
    CHECK_ZERO(message);
    SPOIL(value);
    BAD(wsaddin_client_ping(c, WSADDIN_WAIT_FOREVER, &value));
    CHECK_ZERO(value);
    SPOIL(message);
    BAD(wsaddin_client_request(c, WSADDIN_TEXT("{}"), 100, WSADDIN_TEXT("id"), NULL, 0, &message));
    CHECK_ZERO(message);
    BAD(wsaddin_client_set_header(c, WSADDIN_TEXT("X"), WSADDIN_TEXT("y")));
    BAD(wsaddin_client_set_client_certificate(c, NULL, 0, NULL, 0, NULL, 0));
    BAD(wsaddin_client_set_handler(c, NULL, NULL));
    BAD(wsaddin_client_set_protocols(c, WSADDIN_TEXT("chat")));
    BAD(wsaddin_client_set_proxy(c, WSADDIN_TEXT("env")));
    BAD(wsaddin_client_set_ca_file(c, NULL, 0));
    BAD(wsaddin_client_set_pinned_certificates(c, NULL, 0));
    BAD(wsaddin_client_set_verify_certificate(c, 1));
    BAD(wsaddin_client_set_connect_timeout(c, 1));
    BAD_NUMBER(wsaddin_client_get_verify_certificate);
    BAD_TEXT(wsaddin_client_get_ca_file);
    BAD_NUMBER(wsaddin_client_get_status);
    BAD_NUMBER(wsaddin_client_get_ready_state);
    BAD_NUMBER(wsaddin_client_get_buffered_amount);
    BAD_NUMBER(wsaddin_client_get_queued);
    BAD_NUMBER(wsaddin_client_get_close_code);
    BAD_NUMBER(wsaddin_client_get_handshake_status);
    BAD_NUMBER(wsaddin_client_get_error_code);
    BAD_NUMBER(wsaddin_client_get_connect_timeout);
    BAD_TEXT(wsaddin_client_get_server);
    BAD_TEXT(wsaddin_client_get_protocol);
    BAD_TEXT(wsaddin_client_get_extensions);
    BAD_TEXT(wsaddin_client_get_close_reason);
    BAD_TEXT(wsaddin_client_get_response_headers);
    BAD_TEXT(wsaddin_client_get_response_body);
    BAD_TEXT(wsaddin_client_get_protocols);
    BAD_TEXT(wsaddin_client_get_proxy);
    BAD_TEXT(wsaddin_client_statistics);
    CHECK(said("no such object"));
}

static void bad_server(uint64_t id) {
    wsaddin_server c = {id};
    wsaddin_message *message;
    int64_t value;
    size_t needed;
    char text[8];
    BAD(wsaddin_server_free(c));
    BAD(wsaddin_server_run(c, NULL, 0, 0));
    BAD(wsaddin_server_run_tls(c, NULL, 0, 0, NULL, 0, NULL, 0, NULL, 0));
    BAD(wsaddin_server_reload_certificate(c, NULL, 0, NULL, 0, NULL, 0));
    BAD(wsaddin_server_stop(c));
    BAD(wsaddin_server_send_text(c, 1, WSADDIN_TEXT("x")));
    BAD(wsaddin_server_send_binary(c, 1, WSADDIN_TEXT("x")));
    SPOIL(value);
    BAD(wsaddin_server_broadcast_text(c, WSADDIN_TEXT("x"), &value));
    CHECK_ZERO(value);
    SPOIL(value);
    BAD(wsaddin_server_broadcast_binary(c, WSADDIN_TEXT("x"), &value));
    CHECK_ZERO(value);
    SPOIL(value);
    BAD(wsaddin_server_broadcast_group_text(c, WSADDIN_TEXT("g"), WSADDIN_TEXT("x"), &value));
    CHECK_ZERO(value);
    SPOIL(value);
    BAD(wsaddin_server_broadcast_group_binary(c, WSADDIN_TEXT("g"), WSADDIN_TEXT("x"), &value));
    CHECK_ZERO(value);
    SPOIL(value);
    BAD(wsaddin_server_broadcast(c, WSADDIN_KIND_TEXT, WSADDIN_TEXT("x"), NULL, 0, 0, 0, &value));
    CHECK_ZERO(value);
    SPOIL(needed);
    BAD(wsaddin_server_name_info(c, WSADDIN_TEXT("a"), text, sizeof text, &needed));
    CHECK_ZERO(needed);
    SPOIL(needed);
    BAD(wsaddin_server_name_list(c, NULL, 0, text, sizeof text, &needed));
    CHECK_ZERO(needed);
    BAD(wsaddin_server_disconnect_name(c, WSADDIN_TEXT("a"), 1000, NULL, 0));
    BAD(wsaddin_server_set_name(c, 1, WSADDIN_TEXT("a")));
    BAD(wsaddin_server_send_to_name_text(c, WSADDIN_TEXT("a"), WSADDIN_TEXT("x")));
    BAD(wsaddin_server_send_to_name_binary(c, WSADDIN_TEXT("a"), WSADDIN_TEXT("x")));
    BAD(wsaddin_server_join_group(c, 1, WSADDIN_TEXT("g")));
    BAD(wsaddin_server_leave_group(c, 1, WSADDIN_TEXT("g")));
    SPOIL(message);
    BAD(wsaddin_server_receive(c, WSADDIN_WAIT_FOREVER, &message));
    CHECK_ZERO(message);
    SPOIL(message);
    BAD(wsaddin_server_receive_event(c, WSADDIN_WAIT_FOREVER, &message));
    CHECK_ZERO(message);
    BAD(wsaddin_server_disconnect(c, 1, 1000, NULL, 0));
    SPOIL(value);
    BAD(wsaddin_server_ping(c, 1, 100, &value));
    CHECK_ZERO(value);
    SPOIL(needed);
    BAD(wsaddin_server_connection_info(c, 1, text, sizeof text, &needed));
    CHECK_ZERO(needed);
    BAD_TEXT(wsaddin_server_connection_list);
    BAD(wsaddin_server_set_handler(c, NULL, NULL));
    BAD(wsaddin_server_set_protocols(c, NULL, 0));
    BAD(wsaddin_server_abort(c, 1));
    BAD(wsaddin_server_pause(c, 1, 1));
    BAD(wsaddin_server_set_response_header(c, WSADDIN_TEXT("X"), WSADDIN_TEXT("y")));
    BAD(wsaddin_server_set_paths(c, NULL, 0));
    BAD(wsaddin_server_set_client_certificates(c, NULL, 0));
    BAD(wsaddin_server_set_client_ca_file(c, NULL, 0));
    BAD(wsaddin_server_accept(c, 1));
    BAD(wsaddin_server_reject(c, 1, 403, NULL, 0));
    BAD(wsaddin_server_set_io_threads(c, 1));
    BAD_NUMBER(wsaddin_server_get_port);
    BAD_NUMBER(wsaddin_server_get_connection_count);
    BAD_NUMBER(wsaddin_server_get_queued);
    BAD_NUMBER(wsaddin_server_get_io_threads);
    BAD_NUMBER(wsaddin_server_get_error_code);
    BAD_TEXT(wsaddin_server_get_server);
    BAD_TEXT(wsaddin_server_get_connections);
    BAD_TEXT(wsaddin_server_get_protocols);
    BAD_TEXT(wsaddin_server_statistics);
}

void bad_handles(void) {
    wsaddin_client client, freed_client;
    wsaddin_server server, freed_server;
    GOOD(wsaddin_client_new(&freed_client));
    GOOD(wsaddin_server_new(&freed_server));
    GOOD(wsaddin_client_free(freed_client));
    GOOD(wsaddin_server_free(freed_server));
    GOOD(wsaddin_client_new(&client)); /* takes the freed places */
    GOOD(wsaddin_server_new(&server));
    CHECK(client.id != freed_client.id && server.id != freed_server.id);
    uint64_t numbers[] = {0, 1, 2, UINT64_MAX, UINT64_MAX >> 1, client.id + 1, client.id ^ (1ULL << 40),
                          client.id & 0x3FFFFFF, client.id >> 26, freed_client.id, freed_server.id};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        bad_client(numbers[i]);
        bad_server(numbers[i]);
    }
    bad_client(server.id);
    bad_server(client.id);
    srand(4711);
    for (int i = 0; i < 10000; i++) {
        uint64_t id = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
        int64_t value = 0;
        if (id != client.id) EXPECT(wsaddin_client_get_status((wsaddin_client){id}, &value), WSADDIN_BAD_HANDLE);
        if (id != server.id) EXPECT(wsaddin_server_free((wsaddin_server){id}), WSADDIN_BAD_HANDLE);
    }
    CHECK(number(wsaddin_client_get_status, client) == 0);
    free_pair(server, client);
    GOOD(wsaddin_client_new(&client));
    GOOD(wsaddin_server_new(&server));
    GOOD(wsaddin_client_release(client));
    GOOD(wsaddin_server_release(server));
    EXPECT(wsaddin_client_release(client), WSADDIN_BAD_HANDLE);
    EXPECT(wsaddin_server_release(server), WSADDIN_BAD_HANDLE);
    EXPECT(wsaddin_client_free(client), WSADDIN_BAD_HANDLE);
    EXPECT(wsaddin_server_free(server), WSADDIN_BAD_HANDLE);
}

static void messages(wsaddin_server server, wsaddin_client client) {
    wsaddin_message *message, *kept;
    CHECK(wsaddin_message_event(NULL) == WSADDIN_EVENT_NONE && wsaddin_message_kind(NULL) == WSADDIN_KIND_TEXT);
    CHECK(wsaddin_message_data(NULL) != NULL && wsaddin_message_size(NULL) == 0);
    CHECK(wsaddin_message_connection(NULL) == 0);
    wsaddin_message_free(NULL);
    SPOIL(kept);
    EXPECT(wsaddin_message_keep(NULL, &kept), WSADDIN_BAD_ARGUMENT);
    CHECK(kept == NULL && said("message is NULL"));
    GOOD(wsaddin_client_send_text(client, WSADDIN_TEXT("kept")));
    GOOD(wsaddin_server_receive(server, LONG, &message));
    EXPECT(wsaddin_message_keep(message, NULL), WSADDIN_BAD_ARGUMENT);
    GOOD(wsaddin_message_keep(message, &kept));
    CHECK(wsaddin_message_connection(kept) == wsaddin_message_connection(message));
    CHECK(wsaddin_message_data(kept) == wsaddin_message_data(message)); /* shared */
    take_text(message, "kept", 4);
    take_text(kept, "kept", 4);
    static char many[5000];
    memset(many, 'k', sizeof many);
    GOOD(wsaddin_client_send_text(client, many, sizeof many));
    GOOD(wsaddin_server_receive(server, LONG, &message));
    GOOD(wsaddin_message_keep(message, &kept));
    CHECK(wsaddin_message_data(kept) == wsaddin_message_data(message)); /* the same for long ones */
    take_text(message, many, sizeof many);
    take_text(kept, many, sizeof many);
}

void bad_arguments(void) {
    static const char not_utf8[] = "ab\xC3(";
    wsaddin_server server;
    wsaddin_client client;
    uint64_t connection = pair(&server, &client);
    wsaddin_message *message;
    int64_t value;
    size_t needed = 7, index;
    char text[64];
#define WRONG(call, words) (EXPECT(call, WSADDIN_BAD_ARGUMENT), expect(__FILE__, __LINE__, words, !said(words), 0))
#define NO_TEXT(call, words) (EXPECT(call, WSADDIN_BAD_UTF8), expect(__FILE__, __LINE__, words, !said(words), 0))
    WRONG(wsaddin_client_new(NULL), "client is NULL");
    WRONG(wsaddin_server_new(NULL), "server is NULL");
    WRONG(wsaddin_client_connect(client, NULL, 5), "url is NULL");
    WRONG(wsaddin_client_begin_connect(client, NULL, 5), "url is NULL");
    WRONG(wsaddin_client_send_text(client, NULL, 1), "text is NULL");
    WRONG(wsaddin_client_send_binary(client, NULL, 1), "data is NULL");
    WRONG(wsaddin_client_send_binary(client, text, SIZE_MAX), "data: no memory has the size");
    WRONG(wsaddin_client_send_text(client, text, SIZE_MAX / 2 + 1), "text: no memory has the size");
    WRONG(wsaddin_client_disconnect(client, 1000, NULL, 0, NULL), "clean is NULL");
    WRONG(wsaddin_client_disconnect(client, 1000, NULL, 1, &(int32_t){0}), "reason is NULL");
    WRONG(wsaddin_client_receive(client, WSADDIN_NO_WAIT, NULL), "message is NULL");
    WRONG(wsaddin_client_receive_event(client, WSADDIN_NO_WAIT, NULL), "message is NULL");
    WRONG(wsaddin_client_ping(client, 100, NULL), "round_trip_ms is NULL");
    WRONG(wsaddin_client_request(client, NULL, 1, 100, NULL, 0, NULL, 0, &message), "text is NULL");
    WRONG(wsaddin_client_request(client, WSADDIN_TEXT("{}"), 100, NULL, 1, NULL, 0, &message), "id_field is NULL");
    WRONG(wsaddin_client_request(client, WSADDIN_TEXT("{}"), 100, NULL, 0, NULL, 1, &message), "reply_field is NULL");
    WRONG(wsaddin_client_request(client, WSADDIN_TEXT("{}"), 100, NULL, 0, NULL, 0, NULL), "reply is NULL");
    WRONG(wsaddin_client_set_header(client, NULL, 1, NULL, 0), "name is NULL");
    WRONG(wsaddin_client_set_header(client, WSADDIN_TEXT("X"), NULL, 1), "value is NULL");
    WRONG(wsaddin_client_set_client_certificate(client, NULL, 1, NULL, 0, NULL, 0), "certificate is NULL");
    WRONG(wsaddin_client_set_client_certificate(client, NULL, 0, NULL, 1, NULL, 0), "key is NULL");
    WRONG(wsaddin_client_set_client_certificate(client, NULL, 0, NULL, 0, NULL, 1), "password is NULL");
    WRONG(wsaddin_client_get_status(client, NULL), "value is NULL");
    WRONG(wsaddin_client_get_server(client, text, sizeof text, NULL), "needed is NULL");
    WRONG(wsaddin_client_get_server(client, NULL, 1, &needed), "buffer is NULL");
    CHECK(needed == 0);
    WRONG(wsaddin_server_run(server, NULL, 1, 0), "interface_name is NULL");
    WRONG(wsaddin_server_run_tls(server, NULL, 1, 0, NULL, 0, NULL, 0, NULL, 0), "interface_name is NULL");
    WRONG(wsaddin_server_reload_certificate(server, NULL, 1, NULL, 0, NULL, 0), "certificate is NULL");
    WRONG(wsaddin_server_send_text(server, connection, NULL, 1), "text is NULL");
    WRONG(wsaddin_server_send_binary(server, connection, NULL, 1), "data is NULL");
    WRONG(wsaddin_server_send_text(server, 4711, WSADDIN_TEXT("x")), "connection 4711 was never issued");
    WRONG(wsaddin_server_broadcast_text(server, WSADDIN_TEXT("x"), NULL), "count is NULL");
    WRONG(wsaddin_server_broadcast_binary(server, NULL, 1, &value), "data is NULL");
    WRONG(wsaddin_server_broadcast_group_text(server, NULL, 1, WSADDIN_TEXT("x"), &value), "group is NULL");
    WRONG(wsaddin_server_broadcast_group_binary(server, WSADDIN_TEXT("g"), WSADDIN_TEXT("x"), NULL), "count is NULL");
    WRONG(wsaddin_server_set_name(server, connection, NULL, 1), "name is NULL");
    WRONG(wsaddin_server_set_name(server, connection, "a\nb", 3), "control characters");
    WRONG(wsaddin_server_set_name(server, 4711, WSADDIN_TEXT("a")), "connection 4711 was never issued");
    WRONG(wsaddin_server_send_to_name_text(server, NULL, 1, WSADDIN_TEXT("x")), "name is NULL");
    WRONG(wsaddin_server_send_to_name_binary(server, WSADDIN_TEXT("a"), NULL, 1), "data is NULL");
    WRONG(wsaddin_server_join_group(server, connection, NULL, 0), "Group");
    WRONG(wsaddin_server_leave_group(server, 4711, WSADDIN_TEXT("g")), "connection 4711 was never issued");
    WRONG(wsaddin_server_receive(server, WSADDIN_NO_WAIT, NULL), "message is NULL");
    WRONG(wsaddin_server_receive_event(server, WSADDIN_NO_WAIT, NULL), "message is NULL");
    WRONG(wsaddin_server_disconnect(server, connection, 1000, NULL, 1), "reason is NULL");
    WRONG(wsaddin_server_ping(server, connection, 100, NULL), "round_trip_ms is NULL");
    WRONG(wsaddin_server_connection_info(server, connection, NULL, 1, &needed), "buffer is NULL");
    WRONG(wsaddin_server_connection_list(server, text, sizeof text, NULL), "needed is NULL");
    WRONG(wsaddin_wait_any(&client.id, 0, 100, &index), "at least one");
    WRONG(wsaddin_wait_any(NULL, 1, 100, &index), "ids is NULL");
    WRONG(wsaddin_wait_any(&client.id, 1, 100, NULL), "index is NULL");
    WRONG(wsaddin_wait_any(&client.id, SIZE_MAX, 100, &index), "ids: no memory has the size");
    NO_TEXT(wsaddin_client_connect(client, not_utf8, 4), "url is not valid UTF-8 (at byte 2)");
    NO_TEXT(wsaddin_client_send_text(client, not_utf8, 4), "text is not valid UTF-8");
    NO_TEXT(wsaddin_client_send_text(client, "\xED\xA0\x80", 3), "text is not valid UTF-8"); /* a surrogate */
    NO_TEXT(wsaddin_client_disconnect(client, 1000, not_utf8, 4, &(int32_t){0}), "reason is not valid UTF-8");
    NO_TEXT(wsaddin_client_set_proxy(client, not_utf8, 4), "value is not valid UTF-8");
    NO_TEXT(wsaddin_client_set_protocols(client, not_utf8, 4), "value is not valid UTF-8");
    NO_TEXT(wsaddin_client_set_hello_message(client, not_utf8, 4), "value is not valid UTF-8");
    NO_TEXT(wsaddin_server_send_text(server, connection, not_utf8, 4), "text is not valid UTF-8");
    NO_TEXT(wsaddin_server_broadcast_text(server, not_utf8, 4, &value), "text is not valid UTF-8");
    NO_TEXT(wsaddin_server_disconnect(server, connection, 1000, not_utf8, 4), "reason is not valid UTF-8");
    GOOD(wsaddin_client_send_binary(client, not_utf8, 4)); /* any bytes will do */
    GOOD(wsaddin_server_receive(server, LONG, &message));
    wsaddin_message_free(message);
    CHECK(number(wsaddin_client_get_status, client) == 1);
    messages(server, client);
    free_pair(server, client);
}
