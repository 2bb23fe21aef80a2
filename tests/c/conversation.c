/* A server and several clients talk, close, and fail with texts. */
#include "check.h"

#define CLIENTS 3
#define TEXT "embedded \0 NUL, \xF0\x9F\x98\x80 and \xD1\x81\xD0\xBB\xD0\xBE\xD0\xB2\xD0\xBE"
#define BIG ((size_t)1 << 20)

static void there_and_back(wsaddin_server server, wsaddin_client client, uint64_t connection) {
    wsaddin_message *message;
    GOOD(wsaddin_client_send_text(client, WSADDIN_TEXT(TEXT)));
    GOOD(wsaddin_client_send_text(client, NULL, 0));
    GOOD(wsaddin_client_send_binary(client, NULL, 0));
    GOOD(wsaddin_server_receive(server, LONG, &message));
    CHECK(wsaddin_message_connection(message) == connection);
    take_text(message, TEXT, sizeof TEXT - 1);
    GOOD(wsaddin_server_receive(server, LONG, &message));
    take_text(message, "", 0);
    GOOD(wsaddin_server_receive(server, LONG, &message));
    CHECK(wsaddin_message_kind(message) == WSADDIN_KIND_BINARY && wsaddin_message_size(message) == 0);
    CHECK(wsaddin_message_data(message) != NULL);
    wsaddin_message_free(message);

    unsigned char *big = malloc(BIG);
    CHECK(big != NULL);
    for (size_t i = 0; i < BIG; i++) big[i] = (unsigned char)(i * 31 + i / 251);
    GOOD(wsaddin_client_send_binary(client, big, BIG));
    GOOD(wsaddin_server_receive(server, LONG, &message));
    CHECK(wsaddin_message_size(message) == BIG && memcmp(wsaddin_message_data(message), big, BIG) == 0);
    GOOD(wsaddin_server_send_binary(server, connection, wsaddin_message_data(message), BIG));
    wsaddin_message_free(message);
    GOOD(wsaddin_client_receive(client, LONG, &message));
    CHECK(wsaddin_message_kind(message) == WSADDIN_KIND_BINARY);
    CHECK(wsaddin_message_size(message) == BIG && memcmp(wsaddin_message_data(message), big, BIG) == 0);
    wsaddin_message_free(message);
    free(big);
}

static void questions(wsaddin_server server, wsaddin_client client, uint64_t connection) {
    char text[4096];
    size_t needed;
    int64_t round_trip;
    GOOD(wsaddin_client_ping(client, LONG, &round_trip));
    CHECK(round_trip >= 0 && round_trip < LONG);
    GOOD(wsaddin_server_ping(server, connection, LONG, &round_trip));
    CHECK(round_trip >= 0 && round_trip < LONG);

    GOOD(wsaddin_server_connection_info(server, connection, text, sizeof text, &needed));
    CHECK(needed == strlen(text) && strstr(text, "\"address\":\"127.0.0.1:") != NULL);
    EXPECT(wsaddin_server_connection_info(server, 4711, text, sizeof text, &needed), WSADDIN_BAD_ARGUMENT);
    CHECK(needed == 0 && text[0] == '\0' && said("connection 4711 was never issued"));
    GOOD(wsaddin_server_connection_list(server, text, sizeof text, &needed));
    CHECK(text[0] == '[' && needed == strlen(text));
    EXPECT(wsaddin_server_connection_list(server, NULL, 0, &needed), WSADDIN_TOO_BIG);
    CHECK(needed == strlen(text));
    EXPECT(wsaddin_server_connection_list(server, text, needed, &needed), WSADDIN_TOO_BIG);
    CHECK(text[0] == '\0' && said("the buffer holds"));
    TEXT_OF(wsaddin_server_statistics, server, text);
    CHECK(strstr(text, "\"messages_in\":") != NULL);
    TEXT_OF(wsaddin_client_statistics, client, text);
    CHECK(strstr(text, "\"messages_out\":") != NULL);
    TEXT_OF(wsaddin_server_get_connections, server, text);
    CHECK(strstr(text, "1: 127.0.0.1:") == text);
    TEXT_OF(wsaddin_server_get_server, server, text);
    CHECK(strcmp(text, "127.0.0.1") == 0);
    TEXT_OF(wsaddin_client_get_server, client, text);
    CHECK(strstr(text, "ws://127.0.0.1:") == text);
}

/* By name and by group. */
static void names(wsaddin_server server, wsaddin_client client, uint64_t connection) {
    wsaddin_message *message;
    int64_t count;
    GOOD(wsaddin_server_set_name(server, connection, WSADDIN_TEXT("first")));
    EXPECT(wsaddin_server_send_to_name_text(server, WSADDIN_TEXT("First"), WSADDIN_TEXT("x")), WSADDIN_NOT_FOUND);
    EXPECT(wsaddin_server_send_to_name_binary(server, NULL, 0, WSADDIN_TEXT("x")), WSADDIN_NOT_FOUND);
    GOOD(wsaddin_server_send_to_name_text(server, WSADDIN_TEXT("first"), WSADDIN_TEXT("by name")));
    GOOD(wsaddin_server_send_to_name_binary(server, WSADDIN_TEXT("first"), "\xFF", 1));
    GOOD(wsaddin_server_join_group(server, connection, WSADDIN_TEXT("team")));
    GOOD(wsaddin_server_broadcast_group_text(server, WSADDIN_TEXT("team"), WSADDIN_TEXT("by group"), &count));
    CHECK(count == 1);
    GOOD(wsaddin_server_broadcast_group_binary(server, WSADDIN_TEXT("team"), "\xFE", 1, &count));
    CHECK(count == 1);
    GOOD(wsaddin_server_leave_group(server, connection, WSADDIN_TEXT("team")));
    GOOD(wsaddin_server_broadcast_group_text(server, WSADDIN_TEXT("team"), WSADDIN_TEXT("x"), &count));
    CHECK(count == 0);
    GOOD(wsaddin_client_receive(client, LONG, &message));
    take_text(message, "by name", 7);
    GOOD(wsaddin_client_receive(client, LONG, &message));
    wsaddin_message_free(message);
    GOOD(wsaddin_client_receive(client, LONG, &message));
    take_text(message, "by group", 8);
    GOOD(wsaddin_client_receive(client, LONG, &message));
    wsaddin_message_free(message);
    GOOD(wsaddin_server_join_group(server, connection, WSADDIN_TEXT("solo")));
    GOOD(wsaddin_server_broadcast(server, WSADDIN_KIND_TEXT, WSADDIN_TEXT("x"), WSADDIN_TEXT("solo"), connection, 0, &count));
    CHECK(count == 0);
    GOOD(wsaddin_server_leave_group(server, connection, WSADDIN_TEXT("solo")));
    GOOD(wsaddin_server_broadcast(server, WSADDIN_KIND_BINARY, WSADDIN_TEXT("x"), WSADDIN_TEXT("nobody"), 0, WSADDIN_SKIP_FULL, &count));
    CHECK(count == 0);
    SPOIL(count);
    EXPECT(wsaddin_server_broadcast(server, 7, WSADDIN_TEXT("x"), NULL, 0, 0, 0, &count), WSADDIN_BAD_ARGUMENT);
    CHECK(count == 0 && said("kind"));
    EXPECT(wsaddin_server_broadcast(server, WSADDIN_KIND_TEXT, WSADDIN_TEXT("x"), NULL, 0, 0, 1u << 31, &count), WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_server_broadcast(server, WSADDIN_KIND_TEXT, WSADDIN_TEXT("x"), NULL, 0, 4711, 0, &count), WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_server_broadcast(server, WSADDIN_KIND_TEXT, "\xFF", 1, NULL, 0, 0, 0, &count), WSADDIN_BAD_UTF8);
    char json[1024];
    size_t needed;
    GOOD(wsaddin_server_name_info(server, WSADDIN_TEXT("first"), json, sizeof json, &needed));
    CHECK(needed == strlen(json) && strstr(json, "\"state\":\"open\"") != NULL && strstr(json, "\"groups\":[]") != NULL);
    EXPECT(wsaddin_server_name_info(server, WSADDIN_TEXT("First"), json, sizeof json, &needed), WSADDIN_NOT_FOUND);
    CHECK(needed == 0 && json[0] == '\0');
    GOOD(wsaddin_server_name_list(server, WSADDIN_TEXT("fi"), json, sizeof json, &needed));
    CHECK(strstr(json, "[{\"name\":\"first\"") == json);
    GOOD(wsaddin_server_name_list(server, WSADDIN_TEXT("x"), json, sizeof json, &needed));
    CHECK(strcmp(json, "[]") == 0);
    EXPECT(wsaddin_server_disconnect_name(server, WSADDIN_TEXT("First"), 1000, NULL, 0), WSADDIN_NOT_FOUND);
    EXPECT(wsaddin_server_disconnect_name(server, WSADDIN_TEXT("first"), 1005, NULL, 0), WSADDIN_BAD_ARGUMENT);
    GOOD(wsaddin_server_set_name(server, connection, NULL, 0));
}

void conversation(void) {
    wsaddin_server server = running_server();
    wsaddin_client clients[CLIENTS];
    wsaddin_message *message;
    uint64_t connections[CLIENTS];
    int64_t count;
    EXPECT(wsaddin_server_run(server, WSADDIN_TEXT("127.0.0.1"), 0), WSADDIN_ALREADY_RUNNING);
    for (int i = 0; i < CLIENTS; i++) {
        GOOD(wsaddin_client_new(&clients[i]));
        connect_to(clients[i], server);
        GOOD(wsaddin_server_receive_event(server, LONG, &message));
        CHECK(wsaddin_message_event(message) == WSADDIN_EVENT_OPEN);
        connections[i] = wsaddin_message_connection(message);
        CHECK(connections[i] == (uint64_t)i + 1);
        wsaddin_message_free(message);
        CHECK(number(wsaddin_client_get_status, clients[i]) == 1);
        CHECK(number(wsaddin_client_get_ready_state, clients[i]) == 1);
    }
    EXPECT(wsaddin_client_connect(clients[0], WSADDIN_TEXT("ws://127.0.0.1:1/")), WSADDIN_ALREADY_CONNECTED);
    EXPECT(wsaddin_client_begin_connect(clients[0], WSADDIN_TEXT("ws://127.0.0.1:1/")), WSADDIN_ALREADY_CONNECTED);
    CHECK(server_number(wsaddin_server_get_connection_count, server) == CLIENTS);
    for (int i = 0; i < CLIENTS; i++) there_and_back(server, clients[i], connections[i]);
    questions(server, clients[0], connections[0]);

    GOOD(wsaddin_server_broadcast_text(server, WSADDIN_TEXT("to all"), &count));
    CHECK(count == CLIENTS);
    GOOD(wsaddin_server_broadcast_binary(server, "\xFF\0", 2, &count));
    CHECK(count == CLIENTS);
    for (int i = 0; i < CLIENTS; i++) {
        GOOD(wsaddin_server_send_text(server, connections[i], WSADDIN_TEXT("to one")));
        GOOD(wsaddin_client_receive(clients[i], LONG, &message));
        take_text(message, "to all", 6);
        GOOD(wsaddin_client_receive(clients[i], LONG, &message));
        CHECK(wsaddin_message_size(message) == 2 && wsaddin_message_kind(message) == WSADDIN_KIND_BINARY);
        wsaddin_message_free(message);
        GOOD(wsaddin_client_receive(clients[i], LONG, &message));
        take_text(message, "to one", 6);
        SPOIL(message);
        EXPECT(wsaddin_client_receive(clients[i], WSADDIN_NO_WAIT, &message), WSADDIN_TIMEOUT);
        CHECK(message == NULL);
        int64_t before = now_ms();
        EXPECT(wsaddin_client_receive_event(clients[i], 30, &message), WSADDIN_TIMEOUT);
        CHECK(message == NULL && now_ms() - before >= 29);
        names(server, clients[i], connections[i]);
    }
    /* A JSON request, answered by hand. */
    EXPECT(wsaddin_client_request(clients[0], WSADDIN_TEXT("[1]"), 50, WSADDIN_TEXT("id"), NULL, 0, &message),
           WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_client_request(clients[0], WSADDIN_TEXT("{\"id\":1}"), 50, WSADDIN_TEXT("id"), NULL, 0, &message),
           WSADDIN_REQUEST_TIMEOUT);
    CHECK(message == NULL);
    for (int i = 0; i < CLIENTS; i++) GOOD(wsaddin_client_free(clients[i]));
    GOOD(wsaddin_server_free(server));
}

/* The next close event of a server. */
static void closed(wsaddin_server server, uint64_t connection, const char *data) {
    wsaddin_message *message;
    GOOD(wsaddin_server_receive_event(server, LONG, &message));
    CHECK(wsaddin_message_event(message) == WSADDIN_EVENT_CLOSE && wsaddin_message_connection(message) == connection);
    CHECK(wsaddin_message_kind(message) == WSADDIN_KIND_TEXT);
    CHECK(wsaddin_message_size(message) == strlen(data));
    CHECK(memcmp(wsaddin_message_data(message), data, strlen(data)) == 0);
    wsaddin_message_free(message);
}

void closing(void) {
    wsaddin_server server;
    wsaddin_client client;
    wsaddin_message *message;
    char text[512];
    int32_t clean;
    uint64_t connection = pair(&server, &client);
    EXPECT(wsaddin_client_disconnect(client, 1005, NULL, 0, &clean), WSADDIN_BAD_ARGUMENT);
    CHECK(said("1005"));
    memset(text, 'x', 124);
    EXPECT(wsaddin_client_disconnect(client, 1000, text, 124, &clean), WSADDIN_BAD_ARGUMENT);
    CHECK(said("123") && number(wsaddin_client_get_status, client) == 1);
    EXPECT(wsaddin_server_disconnect(server, connection, 999, NULL, 0), WSADDIN_BAD_ARGUMENT);

    /* The client closes. */
    clean = 7;
    GOOD(wsaddin_client_disconnect(client, 4001, WSADDIN_TEXT("enough"), &clean));
    CHECK(clean == 1);
    closed(server, connection, "{\"code\":4001,\"reason\":\"enough\",\"clean\":true}");
    EXPECT(wsaddin_server_send_text(server, connection, WSADDIN_TEXT("late")), WSADDIN_CLOSED);
    EXPECT(wsaddin_server_send_binary(server, connection, WSADDIN_TEXT("late")), WSADDIN_CLOSED);
    EXPECT(wsaddin_server_disconnect(server, connection, 1000, NULL, 0), WSADDIN_CLOSED);
    EXPECT(wsaddin_server_connection_info(server, connection, NULL, 0, &(size_t){0}), WSADDIN_CLOSED);
    EXPECT(wsaddin_client_send_text(client, WSADDIN_TEXT("late")), WSADDIN_NOT_CONNECTED);
    EXPECT(wsaddin_client_send_binary(client, WSADDIN_TEXT("late")), WSADDIN_NOT_CONNECTED);
    EXPECT(wsaddin_client_ping(client, 100, &(int64_t){0}), WSADDIN_NOT_CONNECTED);
    clean = 7;
    GOOD(wsaddin_client_disconnect(client, 1000, NULL, 0, &clean));
    CHECK(clean == 0);
    EXPECT(wsaddin_client_receive(client, WSADDIN_WAIT_FOREVER, &message), WSADDIN_CLOSED);
    CHECK(message == NULL);

    /* The server closes; what it had sent before arrives first. */
    connect_to(client, server);
    GOOD(wsaddin_server_receive_event(server, LONG, &message));
    connection = wsaddin_message_connection(message);
    wsaddin_message_free(message);
    GOOD(wsaddin_server_send_text(server, connection, WSADDIN_TEXT("last words")));
    GOOD(wsaddin_server_disconnect(server, connection, 4002, WSADDIN_TEXT("\xD0\xBF\xD0\xBE\xD0\xBA\xD0\xB0")));
    GOOD(wsaddin_client_receive(client, LONG, &message));
    take_text(message, "last words", 10);
    EXPECT(wsaddin_client_receive(client, LONG, &message), WSADDIN_CLOSED);
    CHECK(number(wsaddin_client_get_close_code, client) == 4002);
    TEXT_OF(wsaddin_client_get_close_reason, client, text);
    CHECK(strcmp(text, "\xD0\xBF\xD0\xBE\xD0\xBA\xD0\xB0") == 0);
    CHECK(number(wsaddin_client_get_status, client) == 0);

    /* The server stops. */
    connect_to(client, server);
    GOOD(wsaddin_server_stop(server));
    GOOD(wsaddin_server_stop(server));
    EXPECT(wsaddin_client_receive(client, LONG, &message), WSADDIN_CLOSED);
    CHECK(number(wsaddin_client_get_close_code, client) == 1001);
    CHECK(server_number(wsaddin_server_get_port, server) == 0);
    while (wsaddin_server_receive_event(server, WSADDIN_WAIT_FOREVER, &message) == WSADDIN_OK) {
        wsaddin_message_free(message);
    }
    EXPECT(wsaddin_server_receive(server, WSADDIN_WAIT_FOREVER, &message), WSADDIN_CLOSED);
    EXPECT(wsaddin_server_send_text(server, connection, WSADDIN_TEXT("x")), WSADDIN_CLOSED);
    free_pair(server, client);
}

void error_texts(void) {
    wsaddin_server server = running_server(), other;
    wsaddin_client client;
    wsaddin_message *message;
    char url[64];
    int64_t port = server_number(wsaddin_server_get_port, server);
    GOOD(wsaddin_server_new(&other));
    EXPECT(wsaddin_server_run(other, WSADDIN_TEXT("127.0.0.1"), port), WSADDIN_ADDRESS);
    CHECK(said("the port is in use"));
    EXPECT(wsaddin_server_run(other, WSADDIN_TEXT("192.0.2.1"), 0), WSADDIN_ADDRESS);
    CHECK(said("192.0.2.1") && said("does not belong to this machine"));
    EXPECT(wsaddin_server_run(other, WSADDIN_TEXT("127.0.0.1"), 65536), WSADDIN_BAD_ARGUMENT);
    GOOD(wsaddin_server_stop(server));

    GOOD(wsaddin_client_new(&client));
    int size = snprintf(url, sizeof url, "ws://127.0.0.1:%d/", (int)port);
    EXPECT(wsaddin_client_connect(client, url, (size_t)size), WSADDIN_REFUSED);
    CHECK(said("connecting to 127.0.0.1:") && said(": connection refused"));
    CHECK(number(wsaddin_client_get_status, client) == -1);
    GOOD(wsaddin_set_log("", 0, WSADDIN_LOG_ERROR));
    GOOD(wsaddin_set_log(NULL, 0, WSADDIN_LOG_DEBUG));
    GOOD(wsaddin_set_log(NULL, 0, WSADDIN_LOG_FRAMES));
    EXPECT(wsaddin_set_log("", 0, 0), WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_set_log("/", 1, WSADDIN_LOG_INFO), WSADDIN_FILE);
    GOOD(wsaddin_set_language(WSADDIN_LANGUAGE_RUSSIAN));
    EXPECT(wsaddin_client_connect(client, url, (size_t)size), WSADDIN_REFUSED);
    CHECK(said("\xD1\x81\xD0\xBE\xD0\xB5\xD0\xB4\xD0\xB8\xD0\xBD\xD0\xB5\xD0\xBD\xD0\xB8\xD0\xB5 \xD0\xBE\xD1\x82\xD0\xBA\xD0\xBB\xD0\xBE\xD0\xBD\xD0\xB5\xD0\xBD\xD0\xBE"));
    EXPECT(wsaddin_set_language(2), WSADDIN_BAD_ARGUMENT);
    GOOD(wsaddin_set_language(WSADDIN_LANGUAGE_ENGLISH));
    EXPECT(wsaddin_client_connect(client, WSADDIN_TEXT("http://127.0.0.1/")), WSADDIN_BAD_ARGUMENT);
    CHECK(said("ws, wss or ws+unix is needed"));
    EXPECT(wsaddin_client_connect(client, WSADDIN_TEXT("ws://nowhere.invalid/")), WSADDIN_RESOLVE);
    CHECK(said("nowhere.invalid"));

    /* Without waiting the same error is an event. */
    GOOD(wsaddin_client_begin_connect(client, url, (size_t)size));
    GOOD(wsaddin_client_receive_event(client, LONG, &message));
    CHECK(wsaddin_message_event(message) == WSADDIN_EVENT_ERROR);
    CHECK(wsaddin_message_size(message) > 0 && wsaddin_message_kind(message) == WSADDIN_KIND_TEXT);
    CHECK(memcmp(wsaddin_message_data(message), "connecting to ", 14) == 0);
    wsaddin_message_free(message);
    EXPECT(wsaddin_server_broadcast_text(server, WSADDIN_TEXT("x"), &(int64_t){0}), WSADDIN_NOT_RUNNING);
    EXPECT(wsaddin_server_send_to_name_text(server, WSADDIN_TEXT("a"), WSADDIN_TEXT("x")), WSADDIN_NOT_FOUND);
    EXPECT(wsaddin_server_broadcast_binary(server, WSADDIN_TEXT("x"), &(int64_t){0}), WSADDIN_NOT_RUNNING);
    EXPECT(wsaddin_server_ping(server, 1, 100, &(int64_t){0}), WSADDIN_BAD_ARGUMENT);
    CHECK(said("connection 1 was never issued"));
    GOOD(wsaddin_server_free(other));
    free_pair(server, client);
}
