/* An echo on the library, through its C interface.
 *
 *   ours handler              a server that answers in its handler, on the I/O thread
 *   ours receive              a server that answers from one thread of the host
 *   ours batch                the same, many messages at a time
 *   ours broadcast            a server that sends what begins with "!" to everybody, from one thread of the host
 *   ours client HOST:PORT N   N clients that send back what they get, in their handlers
 *
 * A second word that is the file of a certificate and its key makes a server speak TLS; "threads N" gives it so many I/O
 * threads, "pings MS" that PingInterval. Prints its port. */
#include "websocket_addin.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void check(wsaddin_result result) {
    if (result != WSADDIN_OK) {
        fprintf(stderr, "ours: %d: %s\n", (int)result, wsaddin_error_description());
        exit(1);
    }
}

static void broadcast(wsaddin_server server, const wsaddin_message *message) {
    int64_t count;
    const uint8_t *data = wsaddin_message_data(message);
    const size_t size = wsaddin_message_size(message);
    if (size > 0 && data[0] == '!') check(wsaddin_server_broadcast_binary(server, data, size, &count));
}

static void answer(wsaddin_server server, const wsaddin_message *message) {
    const void *data = wsaddin_message_data(message);
    const size_t size = wsaddin_message_size(message);
    const uint64_t connection = wsaddin_message_connection(message);
    if (wsaddin_message_kind(message) == WSADDIN_KIND_TEXT)
        wsaddin_server_send_text(server, connection, data, size);
    else
        wsaddin_server_send_binary(server, connection, data, size);
}

static void answer_all(wsaddin_server server, const wsaddin_batch *batch) {
    static wsaddin_outgoing answers[1024];
    const size_t count = wsaddin_batch_count(batch);
    size_t queued;
    for (size_t at = 0; at < count; at++) {
        const wsaddin_message *message = wsaddin_batch_at(batch, at);
        answers[at].connection = wsaddin_message_connection(message);
        answers[at].kind = wsaddin_message_kind(message);
        answers[at].data = wsaddin_message_data(message);
        answers[at].size = wsaddin_message_size(message);
    }
    for (size_t done = 0; done < count; done += queued)
        /* One that cannot have its answer goes without. */
        if (wsaddin_server_send_batch(server, answers + done, count - done, &queued) != WSADDIN_OK) queued++;
}

static void on_server(const wsaddin_message *message, void *user_data) {
    if (wsaddin_message_event(message) == WSADDIN_EVENT_MESSAGE) answer(*(wsaddin_server *)user_data, message);
}

static void on_client(const wsaddin_message *message, void *user_data) {
    const wsaddin_client client = *(wsaddin_client *)user_data;
    if (wsaddin_message_event(message) == WSADDIN_EVENT_MESSAGE)
        wsaddin_client_send_binary(client, wsaddin_message_data(message), wsaddin_message_size(message));
}

static void run_clients(const char *address, size_t count) {
    wsaddin_client *clients = calloc(count, sizeof *clients);
    char url[100];
    const int size = snprintf(url, sizeof url, "ws://%s/", address);
    for (size_t at = 0; at < count; at++) {
        check(wsaddin_client_new(&clients[at]));
        check(wsaddin_client_set_handler(clients[at], on_client, &clients[at]));
        check(wsaddin_client_connect(clients[at], url, (size_t)size));
    }
    pause();
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "handler";
    if (strcmp(mode, "client") == 0 && argc == 4) run_clients(argv[2], (size_t)atol(argv[3]));
    wsaddin_server server;
    int64_t port;
    check(wsaddin_server_new(&server));
    check(wsaddin_server_set_max_connections(server, 100000));
    check(wsaddin_server_set_send_queue_bytes(server, 1 << 28));
    if (strcmp(mode, "handler") == 0) check(wsaddin_server_set_handler(server, on_server, &server));
    const char *certificate = NULL;
    for (int at = 2; at < argc; at++) {
        if (strcmp(argv[at], "threads") == 0 && at + 1 < argc)
            check(wsaddin_server_set_io_threads(server, atol(argv[++at])));
        else if (strcmp(argv[at], "pings") == 0 && at + 1 < argc)
            check(wsaddin_server_set_ping_interval(server, atol(argv[++at])));
        else
            certificate = argv[at];
    }
    if (certificate != NULL) {
        check(wsaddin_server_run_tls(server, "127.0.0.1", 9, 0, certificate, strlen(certificate), NULL, 0, NULL, 0));
    } else {
        check(wsaddin_server_run(server, "127.0.0.1", 9, 0));
    }
    check(wsaddin_server_get_port(server, &port));
    printf("%d\n", (int)port);
    fflush(stdout);
    for (;;) {
        if (strcmp(mode, "handler") == 0) {
            pause();
            continue;
        }
        if (strcmp(mode, "batch") == 0) {
            wsaddin_batch *batch = NULL;
            check(wsaddin_server_receive_batch(server, WSADDIN_WAIT_FOREVER, &batch));
            answer_all(server, batch);
            wsaddin_batch_free(batch);
            continue;
        }
        wsaddin_message *message = NULL;
        check(wsaddin_server_receive(server, WSADDIN_WAIT_FOREVER, &message));
        if (strcmp(mode, "broadcast") == 0)
            broadcast(server, message);
        else
            answer(server, message);
        wsaddin_message_free(message);
    }
}
