/* What `benches/compare/stalls` measures: our library with one connection that echoes and others with large messages.
 *
 *   stalls server handler|receive [CERTIFICATE]            prints its port
 *   stalls client handler|receive ws://… | wss://… COUNT   COUNT clients
 *
 * "e…" comes back; "g SIZE KIND" is answered with such a message, from a thread of the host; "b SIZE KIND" is sent to
 * everybody; anything else is large, and acknowledged with "k". KIND: t, a text that shrinks; n, bytes that do not. */
#include "websocket_addin.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KINDS = 2, LARGEST = 64 << 20, MAX_ORDERS = 64, MAX_CLIENTS = 16 };

struct order {
    size_t from;
    uint64_t connection;
    size_t size;
    char kind, to;
};

static uint8_t *payloads[KINDS];
static wsaddin_server server;
static wsaddin_client clients[MAX_CLIENTS];
static int is_server;
static struct order orders[MAX_ORDERS];
static size_t first, count;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void check(wsaddin_result result) {
    if (result != WSADDIN_OK) {
        fprintf(stderr, "stalls: %d: %s\n", (int)result, wsaddin_error_description());
        exit(1);
    }
}

static void make_payloads(void) {
    uint64_t state = 88172645463325252u;
    for (int kind = 0; kind < KINDS; kind++) {
        payloads[kind] = malloc(LARGEST);
        for (size_t at = 0; at < LARGEST; at++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            payloads[kind][at] = (uint8_t)state;
        }
    }
    char line[128];
    for (size_t at = 0; at < LARGEST;) {
        const unsigned number = payloads[1][at] | (unsigned)payloads[1][at + 1 < LARGEST ? at + 1 : 0] << 8;
        const int size = snprintf(line, sizeof line, "{\"id\":%zu,\"name\":\"item %u\",\"price\":%u.50},", at, number, number % 997);
        const size_t room = LARGEST - at, part = room < (size_t)size ? room : (size_t)size;
        memcpy(payloads[0] + at, line, part);
        at += part;
    }
}

static void answer(size_t from, uint64_t connection, wsaddin_kind kind, const void *data, size_t size) {
    if (is_server)
        kind == WSADDIN_KIND_TEXT ? wsaddin_server_send_text(server, connection, data, size)
                                  : wsaddin_server_send_binary(server, connection, data, size);
    else
        kind == WSADDIN_KIND_TEXT ? wsaddin_client_send_text(clients[from], data, size)
                                  : wsaddin_client_send_binary(clients[from], data, size);
}

static void *carry_out(void *nothing) {
    (void)nothing;
    for (;;) {
        pthread_mutex_lock(&mutex);
        while (count == 0) pthread_cond_wait(&changed, &mutex);
        const struct order order = orders[first];
        first = (first + 1) % MAX_ORDERS;
        count--;
        pthread_mutex_unlock(&mutex);
        const uint8_t *payload = payloads[order.kind == 'n'];
        const wsaddin_kind kind = order.kind == 'n' ? WSADDIN_KIND_BINARY : WSADDIN_KIND_TEXT;
        int64_t reached;
        if (order.to == 'g')
            answer(order.from, order.connection, kind, payload, order.size);
        else if (kind == WSADDIN_KIND_TEXT)
            check(wsaddin_server_broadcast_text(server, payload, order.size, &reached));
        else
            check(wsaddin_server_broadcast_binary(server, payload, order.size, &reached));
    }
    return NULL;
}

static void take(size_t from, const wsaddin_message *message) {
    if (wsaddin_message_event(message) != WSADDIN_EVENT_MESSAGE) return;
    const uint8_t *data = wsaddin_message_data(message);
    const size_t size = wsaddin_message_size(message);
    const uint64_t connection = is_server ? wsaddin_message_connection(message) : 0;
    if (size > 0 && size < 100 && data[0] == 'e') {
        answer(from, connection, wsaddin_message_kind(message), data, size);
    } else if (size > 4 && size < 100 && (data[0] == 'g' || data[0] == 'b')) {
        char text[100] = {0};
        memcpy(text, data, size);
        struct order order = {from, connection, 0, 't', (char)data[0]};
        if (sscanf(text + 1, "%zu %c", &order.size, &order.kind) != 2 || order.size > LARGEST) return;
        pthread_mutex_lock(&mutex);
        orders[(first + count++) % MAX_ORDERS] = order;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&mutex);
    } else {
        answer(from, connection, WSADDIN_KIND_BINARY, "k", 1);
    }
}

static void on_event(const wsaddin_message *message, void *user_data) {
    take((size_t)(uintptr_t)user_data, message);
}

static void *receive(void *user_data) {
    const size_t from = (size_t)(uintptr_t)user_data;
    for (;;) {
        wsaddin_message *message = NULL;
        const wsaddin_result result = is_server ? wsaddin_server_receive(server, WSADDIN_WAIT_FOREVER, &message)
                                                : wsaddin_client_receive(clients[from], WSADDIN_WAIT_FOREVER, &message);
        if (result != WSADDIN_OK) return NULL;
        take(from, message);
        wsaddin_message_free(message);
    }
}

static void run_server(int with_handler, const char *certificate) {
    int64_t port;
    check(wsaddin_server_new(&server));
    check(wsaddin_server_set_max_connections(server, 100000));
    check(wsaddin_server_set_send_queue_bytes(server, 1 << 28));
    if (with_handler) check(wsaddin_server_set_handler(server, on_event, NULL));
    if (certificate != NULL)
        check(wsaddin_server_run_tls(server, "127.0.0.1", 9, 0, certificate, strlen(certificate), NULL, 0, NULL, 0));
    else
        check(wsaddin_server_run(server, "127.0.0.1", 9, 0));
    check(wsaddin_server_get_port(server, &port));
    printf("%d\n", (int)port);
    fflush(stdout);
    if (!with_handler) receive(NULL);
    pause();
}

static void run_clients(int with_handler, const char *url, size_t many) {
    for (size_t at = 0; at < many && at < MAX_CLIENTS; at++) {
        pthread_t thread;
        check(wsaddin_client_new(&clients[at]));
        check(wsaddin_client_set_verify_certificate(clients[at], 0));
        check(wsaddin_client_set_send_queue_bytes(clients[at], 1 << 28));
        if (with_handler) check(wsaddin_client_set_handler(clients[at], on_event, (void *)(uintptr_t)at));
        check(wsaddin_client_connect(clients[at], url, strlen(url)));
        if (!with_handler && pthread_create(&thread, NULL, receive, (void *)(uintptr_t)at) != 0) exit(1);
    }
    pause();
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    pthread_t thread;
    make_payloads();
    if (pthread_create(&thread, NULL, carry_out, NULL) != 0) return 1;
    const int with_handler = strcmp(argv[2], "handler") == 0;
    is_server = strcmp(argv[1], "server") == 0;
    if (is_server) run_server(with_handler, argc > 3 ? argv[3] : NULL);
    if (argc < 5) return 2;
    run_clients(with_handler, argv[3], (size_t)atol(argv[4]));
}
