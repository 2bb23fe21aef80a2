/* The numbers of the interface never change, and what is set is what is read. */
#include "check.h"

typedef wsaddin_result (*client_get)(wsaddin_client, int64_t *);
typedef wsaddin_result (*client_set)(wsaddin_client, int64_t);
typedef wsaddin_result (*server_get)(wsaddin_server, int64_t *);
typedef wsaddin_result (*server_set)(wsaddin_server, int64_t);

static void frozen_numbers(void) {
    static const wsaddin_result results[] = {
        WSADDIN_BAD_HANDLE,      WSADDIN_BAD_ARGUMENT,    WSADDIN_BAD_UTF8,   WSADDIN_NOT_CONNECTED,
        WSADDIN_ALREADY_CONNECTED, WSADDIN_CONNECTING,    WSADDIN_NOT_RUNNING, WSADDIN_ALREADY_RUNNING,
        WSADDIN_CANCELLED,       WSADDIN_CONNECT_TIMEOUT, WSADDIN_RESOLVE,    WSADDIN_REFUSED,
        WSADDIN_TLS,             WSADDIN_CERTIFICATE,     WSADDIN_PROXY,      WSADDIN_HANDSHAKE,
        WSADDIN_QUEUE_FULL,      WSADDIN_TOO_BIG,         WSADDIN_PING_TIMEOUT, WSADDIN_REQUEST_TIMEOUT,
        WSADDIN_ADDRESS,         WSADDIN_FILE,            WSADDIN_WOULD_DEADLOCK, WSADDIN_HANDLER_SET,
        WSADDIN_UNSUPPORTED,     WSADDIN_NO_MEMORY,       WSADDIN_IO,         WSADDIN_PANIC,
    };
    int count = (int)(sizeof results / sizeof *results);
    CHECK(count == 28);
    for (int i = 0; i < count; i++) CHECK(results[i] == -1 - i);
    CHECK(WSADDIN_OK == 0 && WSADDIN_TIMEOUT == 1 && WSADDIN_CLOSED == 2 && WSADDIN_NOT_FOUND == 3);
    CHECK(WSADDIN_WAIT_FOREVER == 0 && WSADDIN_NO_WAIT == -1);
    CHECK(WSADDIN_EVENT_NONE == 0 && WSADDIN_EVENT_OPEN == 1 && WSADDIN_EVENT_MESSAGE == 2);
    CHECK(WSADDIN_EVENT_CLOSE == 3 && WSADDIN_EVENT_ERROR == 4 && WSADDIN_EVENT_PENDING == 5);
    CHECK(WSADDIN_EVENT_EXPIRED == 6 && WSADDIN_EVENT_DRAINED == 7);
    CHECK(WSADDIN_KIND_TEXT == 0 && WSADDIN_KIND_BINARY == 1);
    CHECK(WSADDIN_LANGUAGE_ENGLISH == 0 && WSADDIN_LANGUAGE_RUSSIAN == 1);
}

static void client_properties(wsaddin_client client) {
    static const struct {
        client_get get;
        client_set set;
        int64_t initial, below, above;
    } rows[] = {
        {wsaddin_client_get_connect_timeout, wsaddin_client_set_connect_timeout, 10000, -1, 1LL << 31},
        {wsaddin_client_get_close_timeout, wsaddin_client_set_close_timeout, 3000, -1, 1LL << 31},
        {wsaddin_client_get_send_timeout, wsaddin_client_set_send_timeout, 5000, -(1LL << 31) - 1, 1LL << 31},
        {wsaddin_client_get_ping_interval, wsaddin_client_set_ping_interval, 20000, -1, 1LL << 31},
        {wsaddin_client_get_pong_timeout, wsaddin_client_set_pong_timeout, 20000, -1, 1LL << 31},
        {wsaddin_client_get_max_message_size, wsaddin_client_set_max_message_size, 64 << 20, 0, (1LL << 53) + 1},
        {wsaddin_client_get_receive_queue_messages, wsaddin_client_set_receive_queue_messages, 65536, 0, INT64_MAX},
        {wsaddin_client_get_receive_queue_bytes, wsaddin_client_set_receive_queue_bytes, 64 << 20, 0, INT64_MAX},
        {wsaddin_client_get_send_queue_bytes, wsaddin_client_set_send_queue_bytes, 64 << 20, 0, INT64_MAX},
        {wsaddin_client_get_reconnect_interval, wsaddin_client_set_reconnect_interval, 0, -1, 1LL << 31},
        {wsaddin_client_get_max_reconnect_attempts, wsaddin_client_set_max_reconnect_attempts, 0, -1, 1LL << 31},
        {wsaddin_client_get_reconnect_max_interval, wsaddin_client_set_reconnect_max_interval, 0, -1, 1LL << 31},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK(number(rows[i].get, client) == rows[i].initial);
        GOOD(rows[i].set(client, 4711));
        EXPECT(rows[i].set(client, rows[i].below), WSADDIN_BAD_ARGUMENT);
        EXPECT(rows[i].set(client, rows[i].above), WSADDIN_BAD_ARGUMENT);
        CHECK(said("is out of range"));
        CHECK(number(rows[i].get, client) == 4711);
        GOOD(rows[i].set(client, rows[i].below + 1));
        GOOD(rows[i].set(client, rows[i].initial));
    }
    char pins[128];
    TEXT_OF(wsaddin_client_get_pinned_certificates, client, pins);
    CHECK(strcmp(pins, "") == 0);
    GOOD(wsaddin_client_set_pinned_certificates(client, WSADDIN_TEXT("sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")));
    EXPECT(wsaddin_client_set_pinned_certificates(client, WSADDIN_TEXT("sha256/AAAA")), WSADDIN_BAD_ARGUMENT);
    CHECK(said("PinnedCertificates: the value sha256/AAAA is not allowed"));
    TEXT_OF(wsaddin_client_get_pinned_certificates, client, pins);
    CHECK(strcmp(pins, "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=") == 0);
    GOOD(wsaddin_client_set_pinned_certificates(client, NULL, 0));
    CHECK(number(wsaddin_client_get_max_redirects, client) == 0);
    EXPECT(wsaddin_client_set_max_redirects(client, 21), WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_client_set_max_redirects(client, -1), WSADDIN_BAD_ARGUMENT);
    GOOD(wsaddin_client_set_max_redirects(client, 20));
    CHECK(number(wsaddin_client_get_max_redirects, client) == 20);
    GOOD(wsaddin_client_set_max_redirects(client, 0));
    CHECK(number(wsaddin_client_get_compression, client) == 1);
    GOOD(wsaddin_client_set_compression(client, 0));
    EXPECT(wsaddin_client_set_compression(client, 2), WSADDIN_BAD_ARGUMENT);
    CHECK(number(wsaddin_client_get_compression, client) == 0);
    GOOD(wsaddin_client_set_compression(client, 1));
    CHECK(number(wsaddin_client_get_compression_context, client) == 0);
    GOOD(wsaddin_client_set_compression_context(client, 1));
    CHECK(number(wsaddin_client_get_compression_context, client) == 1);
    GOOD(wsaddin_client_set_compression_context(client, 0));
    CHECK(number(wsaddin_client_get_compression_window_bits, client) == 15);
    EXPECT(wsaddin_client_set_compression_window_bits(client, 7), WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_client_set_compression_window_bits(client, 16), WSADDIN_BAD_ARGUMENT);
    GOOD(wsaddin_client_set_compression_window_bits(client, 8));
    CHECK(number(wsaddin_client_get_compression_window_bits, client) == 8);
    GOOD(wsaddin_client_set_compression_window_bits(client, 15));
    char text[32];
    GOOD(wsaddin_client_set_proxy(client, WSADDIN_TEXT("http://user:secret@localhost:3128")));
    EXPECT(wsaddin_client_set_proxy(client, WSADDIN_TEXT("ftp://localhost")), WSADDIN_BAD_ARGUMENT);
    TEXT_OF(wsaddin_client_get_proxy, client, text);
    CHECK(strcmp(text, "http://user:***@localhost:3128") == 0);
    GOOD(wsaddin_client_set_proxy(client, NULL, 0));
    TEXT_OF(wsaddin_client_get_protocols, client, text);
    CHECK(strcmp(text, "") == 0);
    GOOD(wsaddin_client_set_protocols(client, WSADDIN_TEXT("chat, v2.chat")));
    EXPECT(wsaddin_client_set_protocols(client, WSADDIN_TEXT("two words")), WSADDIN_BAD_ARGUMENT);
    TEXT_OF(wsaddin_client_get_protocols, client, text);
    CHECK(strcmp(text, "chat, v2.chat") == 0);
    GOOD(wsaddin_client_set_protocols(client, NULL, 0));
    TEXT_OF(wsaddin_client_get_hello_message, client, text);
    CHECK(strcmp(text, "") == 0);
    GOOD(wsaddin_client_set_hello_message(client, WSADDIN_TEXT("id:1234")));
    TEXT_OF(wsaddin_client_get_hello_message, client, text);
    CHECK(strcmp(text, "id:1234") == 0);
    GOOD(wsaddin_client_set_hello_message(client, NULL, 0));

    CHECK(number(wsaddin_client_get_status, client) == 0);
    CHECK(number(wsaddin_client_get_ready_state, client) == 3);
    CHECK(number(wsaddin_client_get_buffered_amount, client) == 0);
    CHECK(number(wsaddin_client_get_queued, client) == 0);
    CHECK(number(wsaddin_client_get_close_code, client) == 0);
    TEXT_OF(wsaddin_client_get_server, client, text);
    CHECK(strcmp(text, "") == 0);
    TEXT_OF(wsaddin_client_get_protocol, client, text);
    TEXT_OF(wsaddin_client_get_extensions, client, text);
    TEXT_OF(wsaddin_client_get_close_reason, client, text);
    CHECK(strcmp(text, "") == 0);
    CHECK(number(wsaddin_client_get_handshake_status, client) == 0);
    TEXT_OF(wsaddin_client_get_response_headers, client, text);
    CHECK(strcmp(text, "") == 0);
    TEXT_OF(wsaddin_client_get_response_body, client, text);
    CHECK(strcmp(text, "") == 0);
    EXPECT(wsaddin_client_send_text(client, WSADDIN_TEXT("x")), WSADDIN_NOT_CONNECTED);
    CHECK(number(wsaddin_client_get_error_code, client) == WSADDIN_NOT_CONNECTED);

    GOOD(wsaddin_client_set_header(client, WSADDIN_TEXT("X-Name"), WSADDIN_TEXT("value")));
    GOOD(wsaddin_client_set_header(client, WSADDIN_TEXT("X-Name"), NULL, 0));
    EXPECT(wsaddin_client_set_header(client, WSADDIN_TEXT("X Name"), WSADDIN_TEXT("value")), WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_client_set_header(client, WSADDIN_TEXT("X"), WSADDIN_TEXT("a\r\nY: b")), WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_client_set_header(client, WSADDIN_TEXT("Sec-WebSocket-Key"), WSADDIN_TEXT("x")), WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_client_set_header(client, WSADDIN_TEXT("host"), WSADDIN_TEXT("x")), WSADDIN_BAD_ARGUMENT);
}

static void server_properties(wsaddin_server server) {
    static const struct {
        server_get get;
        server_set set;
        int64_t initial, below, above;
    } rows[] = {
        {wsaddin_server_get_close_timeout, wsaddin_server_set_close_timeout, 3000, -1, 1LL << 31},
        {wsaddin_server_get_send_timeout, wsaddin_server_set_send_timeout, -1, -(1LL << 31) - 1, 1LL << 31},
        {wsaddin_server_get_ping_interval, wsaddin_server_set_ping_interval, 20000, -1, 1LL << 31},
        {wsaddin_server_get_pong_timeout, wsaddin_server_set_pong_timeout, 20000, -1, 1LL << 31},
        {wsaddin_server_get_max_message_size, wsaddin_server_set_max_message_size, 64 << 20, 0, (1LL << 53) + 1},
        {wsaddin_server_get_receive_queue_messages, wsaddin_server_set_receive_queue_messages, 65536, 0, INT64_MAX},
        {wsaddin_server_get_receive_queue_bytes, wsaddin_server_set_receive_queue_bytes, 64 << 20, 0, INT64_MAX},
        {wsaddin_server_get_send_queue_bytes, wsaddin_server_set_send_queue_bytes, 4 << 20, 0, INT64_MAX},
        {wsaddin_server_get_max_connections, wsaddin_server_set_max_connections, 10000, 0, INT64_MAX},
        {wsaddin_server_get_max_connections_per_address, wsaddin_server_set_max_connections_per_address, 0, -1, INT64_MAX},
        {wsaddin_server_get_accept_timeout, wsaddin_server_set_accept_timeout, 30000, 0, 600001},
        {wsaddin_server_get_handshake_timeout, wsaddin_server_set_handshake_timeout, 10000, 0, 600001},
        {wsaddin_server_get_assembly_bytes, wsaddin_server_set_assembly_bytes, 256 << 20, 0, INT64_MAX},
        {wsaddin_server_get_idle_timeout, wsaddin_server_set_idle_timeout, 0, -1, 1LL << 31},
        {wsaddin_server_get_messages_per_second, wsaddin_server_set_messages_per_second, 0, -1, 1000000001},
        {wsaddin_server_get_connection_queue_messages, wsaddin_server_set_connection_queue_messages, 1024, 0, INT64_MAX},
        {wsaddin_server_get_connection_queue_bytes, wsaddin_server_set_connection_queue_bytes, 16 << 20, 0, INT64_MAX},
        {wsaddin_server_get_io_threads, wsaddin_server_set_io_threads, 1, 0, 65},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK(server_number(rows[i].get, server) == rows[i].initial);
        GOOD(rows[i].set(server, 17));
        EXPECT(rows[i].set(server, rows[i].below), WSADDIN_BAD_ARGUMENT);
        EXPECT(rows[i].set(server, rows[i].above), WSADDIN_BAD_ARGUMENT);
        CHECK(server_number(rows[i].get, server) == 17);
        GOOD(rows[i].set(server, rows[i].initial));
    }
    CHECK(server_number(wsaddin_server_get_compression, server) == 1);
    GOOD(wsaddin_server_set_compression(server, 0));
    EXPECT(wsaddin_server_set_compression(server, 2), WSADDIN_BAD_ARGUMENT);
    CHECK(server_number(wsaddin_server_get_compression, server) == 0);
    GOOD(wsaddin_server_set_compression(server, 1));
    CHECK(server_number(wsaddin_server_get_compression_context, server) == 0);
    GOOD(wsaddin_server_set_compression_context(server, 1));
    CHECK(server_number(wsaddin_server_get_compression_context, server) == 1);
    GOOD(wsaddin_server_set_compression_context(server, 0));
    CHECK(server_number(wsaddin_server_get_compression_window_bits, server) == 15);
    EXPECT(wsaddin_server_set_compression_window_bits(server, 7), WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_server_set_compression_window_bits(server, 16), WSADDIN_BAD_ARGUMENT);
    GOOD(wsaddin_server_set_compression_window_bits(server, 8));
    CHECK(server_number(wsaddin_server_get_compression_window_bits, server) == 8);
    GOOD(wsaddin_server_set_compression_window_bits(server, 15));
    char text[32];
    GOOD(wsaddin_server_set_protocols(server, WSADDIN_TEXT("chat")));
    TEXT_OF(wsaddin_server_get_protocols, server, text);
    CHECK(strcmp(text, "chat") == 0);
    CHECK(server_number(wsaddin_server_get_manual_accept, server) == 0);
    GOOD(wsaddin_server_set_manual_accept(server, 1));
    EXPECT(wsaddin_server_set_manual_accept(server, 2), WSADDIN_BAD_ARGUMENT);
    CHECK(server_number(wsaddin_server_get_manual_accept, server) == 1);
    GOOD(wsaddin_server_set_manual_accept(server, 0));
    GOOD(wsaddin_server_set_paths(server, WSADDIN_TEXT("/chat, /api/" "*")));
    EXPECT(wsaddin_server_set_paths(server, WSADDIN_TEXT("chat")), WSADDIN_BAD_ARGUMENT);
    CHECK(said("is not a path"));
    TEXT_OF(wsaddin_server_get_paths, server, text);
    CHECK(strcmp(text, "/chat, /api/" "*") == 0);
    GOOD(wsaddin_server_set_paths(server, NULL, 0));
    GOOD(wsaddin_server_set_trusted_proxies(server, WSADDIN_TEXT("10.0.0.0/8, unix")));
    EXPECT(wsaddin_server_set_trusted_proxies(server, WSADDIN_TEXT("10.0.0.0/33")), WSADDIN_BAD_ARGUMENT);
    TEXT_OF(wsaddin_server_get_trusted_proxies, server, text);
    CHECK(strcmp(text, "10.0.0.0/8, unix") == 0);
    GOOD(wsaddin_server_set_trusted_proxies(server, NULL, 0));
    GOOD(wsaddin_server_set_client_ca_file(server, WSADDIN_TEXT("ca.pem")));
    TEXT_OF(wsaddin_server_get_client_ca_file, server, text);
    CHECK(strcmp(text, "ca.pem") == 0);
    GOOD(wsaddin_server_set_client_ca_file(server, NULL, 0));
    GOOD(wsaddin_server_set_client_certificates(server, WSADDIN_TEXT("require")));
    EXPECT(wsaddin_server_set_client_certificates(server, WSADDIN_TEXT("always")), WSADDIN_BAD_ARGUMENT);
    CHECK(said("is no value of ClientCertificates"));
    TEXT_OF(wsaddin_server_get_client_certificates, server, text);
    CHECK(strcmp(text, "require") == 0);
    EXPECT(wsaddin_server_run(server, NULL, 0, 0), WSADDIN_BAD_ARGUMENT);
    CHECK(said("ClientCertificates needs TLS"));
    GOOD(wsaddin_server_set_client_certificates(server, NULL, 0));
    GOOD(wsaddin_server_set_response_header(server, WSADDIN_TEXT("X-Name"), WSADDIN_TEXT("value")));
    GOOD(wsaddin_server_set_response_header(server, WSADDIN_TEXT("x-name"), NULL, 0));
    EXPECT(wsaddin_server_set_response_header(server, WSADDIN_TEXT("Upgrade"), WSADDIN_TEXT("x")), WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_server_set_response_header(server, WSADDIN_TEXT("X"), WSADDIN_TEXT("a\r\nY: b")), WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_server_pause(server, 1, 2), WSADDIN_BAD_ARGUMENT);
    CHECK(server_number(wsaddin_server_get_draining, server) == 0);
    GOOD(wsaddin_server_set_draining(server, 1));
    EXPECT(wsaddin_server_set_draining(server, 2), WSADDIN_BAD_ARGUMENT);
    CHECK(server_number(wsaddin_server_get_draining, server) == 1);
    GOOD(wsaddin_server_set_draining(server, 0));
    GOOD(wsaddin_server_set_name_parameter(server, WSADDIN_TEXT("X-StatefulSocketId")));
    TEXT_OF(wsaddin_server_get_name_parameter, server, text);
    CHECK(strcmp(text, "X-StatefulSocketId") == 0);
    GOOD(wsaddin_server_set_name_parameter(server, NULL, 0));
    CHECK(server_number(wsaddin_server_get_resume_timeout, server) == 60000);
    EXPECT(wsaddin_server_set_resume_timeout(server, -1), WSADDIN_BAD_ARGUMENT);
    GOOD(wsaddin_server_set_resume_timeout(server, 0));
    CHECK(server_number(wsaddin_server_get_resume_timeout, server) == 0);
    GOOD(wsaddin_server_set_resume_timeout(server, 60000));
    GOOD(wsaddin_server_set_health_path(server, WSADDIN_TEXT("/health")));
    EXPECT(wsaddin_server_set_health_path(server, WSADDIN_TEXT("health")), WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_server_set_health_path(server, WSADDIN_TEXT("/a?b")), WSADDIN_BAD_ARGUMENT);
    TEXT_OF(wsaddin_server_get_health_path, server, text);
    CHECK(strcmp(text, "/health") == 0);
    GOOD(wsaddin_server_set_health_path(server, NULL, 0));
    GOOD(wsaddin_server_set_pages_folder(server, WSADDIN_TEXT("/srv/pages")));
    TEXT_OF(wsaddin_server_get_pages_folder, server, text);
    CHECK(strcmp(text, "/srv/pages") == 0);
    GOOD(wsaddin_server_set_pages_folder(server, NULL, 0));
    GOOD(wsaddin_server_set_control_path(server, WSADDIN_TEXT("/control")));
    TEXT_OF(wsaddin_server_get_control_path, server, text);
    CHECK(strcmp(text, "/control") == 0);
    GOOD(wsaddin_server_set_control_path(server, NULL, 0));
    GOOD(wsaddin_server_set_control_token(server, WSADDIN_TEXT("secret")));
    TEXT_OF(wsaddin_server_get_control_token, server, text);
    CHECK(strcmp(text, "***") == 0);
    GOOD(wsaddin_server_set_control_token(server, NULL, 0));
    char metrics[8192];
    TEXT_OF(wsaddin_metrics, server, metrics);
    CHECK(strstr(metrics, "\nwebsocket_connections 0\n") != NULL);
    GOOD(wsaddin_server_set_access_token(server, WSADDIN_TEXT("secret")));
    TEXT_OF(wsaddin_server_get_access_token, server, text);
    CHECK(strcmp(text, "***") == 0);
    GOOD(wsaddin_server_set_access_token(server, NULL, 0));
    TEXT_OF(wsaddin_server_get_access_token, server, text);
    CHECK(strcmp(text, "") == 0);
    GOOD(wsaddin_server_set_allowed_origins(server, WSADDIN_TEXT("https://a.example, null")));
    EXPECT(wsaddin_server_set_allowed_origins(server, WSADDIN_TEXT("example")), WSADDIN_BAD_ARGUMENT);
    TEXT_OF(wsaddin_server_get_allowed_origins, server, text);
    CHECK(strcmp(text, "https://a.example, null") == 0);
    GOOD(wsaddin_server_set_allowed_origins(server, NULL, 0));
    EXPECT(wsaddin_server_accept(server, 1), WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_server_reject(server, 1, 403, NULL, 0), WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_server_reject(server, 1, 399, NULL, 0), WSADDIN_BAD_ARGUMENT);
    TEXT_OF(wsaddin_server_get_server, server, text);
    CHECK(strcmp(text, "") == 0);
    TEXT_OF(wsaddin_server_get_connections, server, text);
    CHECK(strcmp(text, "") == 0);
    CHECK(server_number(wsaddin_server_get_error_code, server) == WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_server_run(server, WSADDIN_TEXT("nowhere"), 0), WSADDIN_ADDRESS);
    CHECK(server_number(wsaddin_server_get_error_code, server) == WSADDIN_ADDRESS);
    CHECK(server_number(wsaddin_server_get_port, server) == 0);
    CHECK(server_number(wsaddin_server_get_connection_count, server) == 0);
    CHECK(server_number(wsaddin_server_get_queued, server) == 0);
}

void numbers_and_properties(void) {
    frozen_numbers();
    CHECK(strlen(wsaddin_version()) >= 5 && strchr(wsaddin_version(), '.') != NULL);
    wsaddin_client client;
    wsaddin_server server;
    GOOD(wsaddin_client_new(&client));
    GOOD(wsaddin_server_new(&server));
    CHECK(client.id != 0 && server.id != 0);
    client_properties(client);
    server_properties(server);
    free_pair(server, client);
}
