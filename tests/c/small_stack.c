/*
 * Every blocking and working call from a host's threads that have a stack of 32 KiB. A guard page lies below it: who needs
 * more dies.
 * Usage: small_stack <certificate> <key>
 */
#include "check.h"

#include <unistd.h>

#define STACK (32 * 1024)

static const char *certificate, *key;

static void talk(const char *scheme, wsaddin_server server) {
    wsaddin_client client;
    wsaddin_message *message;
    int64_t port, round_trip;
    uint64_t connection;
    int32_t clean;
    size_t needed;
    char text[2048];
    char *large = malloc(1 << 20);
    CHECK(large != NULL);
    GOOD(wsaddin_server_get_port(server, &port));
    GOOD(wsaddin_client_new(&client));
    GOOD(wsaddin_client_set_verify_certificate(client, 0));
    GOOD(wsaddin_client_set_connect_timeout(client, 4 * LONG));
    snprintf(text, sizeof text, "%s://localhost:%d/", scheme, (int)port);
    GOOD(wsaddin_client_connect(client, text, strlen(text)));
    GOOD(wsaddin_client_ping(client, LONG, &round_trip));
    /* What does not shrink, and what does: the compressor works in both. */
    unsigned seed = 1;
    for (int i = 0; i < 1 << 20; i++) large[i] = (char)('a' + (seed = seed * 1103515245 + 12345) / 65536 % 26);
    for (int turn = 0; turn < 4; turn++) {
        if (turn == 2) memset(large, 'x', 1 << 20);
        GOOD(wsaddin_client_send_text(client, large, 1 << 20));
        GOOD(wsaddin_server_receive(server, LONG, &message));
        connection = wsaddin_message_connection(message);
        CHECK(wsaddin_message_size(message) == 1 << 20);
        GOOD(wsaddin_server_send_text(server, connection, wsaddin_message_data(message), wsaddin_message_size(message)));
        wsaddin_message_free(message);
        GOOD(wsaddin_client_receive(client, LONG, &message));
        CHECK(wsaddin_message_size(message) == 1 << 20 && memcmp(wsaddin_message_data(message), large, 1 << 20) == 0);
        wsaddin_message_free(message);
    }
    free(large);
    /* A refusal, whose text is long, and the texts of everything. */
    CHECK(wsaddin_client_connect(client, WSADDIN_TEXT("ws://a.b.invalid:x/")) != WSADDIN_OK);
    CHECK(strlen(wsaddin_error_description()) > 0);
    GOOD(wsaddin_server_connection_info(server, connection, text, sizeof text, &needed));
    GOOD(wsaddin_client_statistics(client, text, sizeof text, &needed));
    GOOD(wsaddin_client_disconnect(client, 1000, NULL, 0, &clean));
    EXPECT(wsaddin_client_connect(client, WSADDIN_TEXT("ws://127.0.0.1:1/")), WSADDIN_REFUSED);
    GOOD(wsaddin_client_set_proxy(client, WSADDIN_TEXT("http://user:password@127.0.0.1:1")));
    CHECK(wsaddin_client_connect(client, WSADDIN_TEXT("wss://example.invalid/")) != WSADDIN_OK);
    GOOD(wsaddin_client_free(client));
}

static void *host(void *argument) {
    wsaddin_server server;
    (void)argument;
    for (int secure = 0; secure < 2; secure++) {
        GOOD(wsaddin_server_new(&server));
        if (secure) {
            GOOD(wsaddin_server_run_tls(server, WSADDIN_TEXT("localhost"), 0, certificate, strlen(certificate), key,
                                        strlen(key), NULL, 0));
            GOOD(wsaddin_server_reload_certificate(server, NULL, 0, NULL, 0, NULL, 0));
        } else {
            GOOD(wsaddin_server_run(server, WSADDIN_TEXT("localhost"), 0));
        }
        talk(secure ? "wss" : "ws", server);
        GOOD(wsaddin_server_stop(server));
        GOOD(wsaddin_server_free(server));
    }
    return NULL;
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    certificate = argv[1];
    key = argv[2];
    pthread_attr_t attributes;
    pthread_t threads[2];
    GOOD(wsaddin_set_log(WSADDIN_TEXT("small_stack.log"), WSADDIN_LOG_FRAMES));
    CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, STACK) == 0);
    for (int i = 0; i < 2; i++) CHECK(pthread_create(&threads[i], &attributes, host, NULL) == 0);
    for (int i = 0; i < 2; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    puts("small_stack: everything as expected");
    return 0;
}

void expect(const char *file, int line, const char *call, wsaddin_result result, wsaddin_result expected) {
    if (result == expected) return;
    fprintf(stderr, "%s:%d: %s is %d instead of %d; the last error is: %s\n", file, line, call, (int)result,
            (int)expected, wsaddin_error_description());
    abort();
}
