/*
 * An echo server from one thread that takes many messages with one call and answers them with another.
 *
 *   cc -std=c11 batch.c -lwebsocket_addin -o batch
 *   ./batch 9098
 *
 * Ends when it has echoed "quit".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "websocket_addin.h"

#define MOST 1024 /* what one batch holds at most */

static int failed(const char *what) {
    fprintf(stderr, "%s: %s\n", what, wsaddin_error_description());
    return 1;
}

static int is_quit(const wsaddin_message *message) {
    return wsaddin_message_size(message) == 4 && memcmp(wsaddin_message_data(message), "quit", 4) == 0;
}

int main(int argc, char **argv) {
    static wsaddin_outgoing answers[MOST];
    wsaddin_server server;
    wsaddin_batch *batch;
    int64_t port = argc > 1 ? atol(argv[1]) : 9098;
    int goes_on = 1;
    if (wsaddin_server_new(&server) != WSADDIN_OK) return failed("new");
    if (wsaddin_server_run(server, WSADDIN_TEXT("127.0.0.1"), port) != WSADDIN_OK) return failed("run");
    wsaddin_server_get_port(server, &port);
    printf("ws://127.0.0.1:%d/\n", (int)port);
    fflush(stdout);

    while (goes_on && wsaddin_server_receive_batch(server, WSADDIN_WAIT_FOREVER, &batch) == WSADDIN_OK) {
        size_t count = wsaddin_batch_count(batch), first = 0, queued = 0;
        for (size_t i = 0; i < count; i++) {
            const wsaddin_message *message = wsaddin_batch_at(batch, i);
            answers[i].connection = wsaddin_message_connection(message);
            answers[i].kind = wsaddin_message_kind(message);
            answers[i].data = wsaddin_message_data(message);
            answers[i].size = wsaddin_message_size(message);
            if (is_quit(message)) goes_on = 0;
        }
        /* Whoever has left, or does not read, loses its answers; the others get theirs. */
        while (first < count) {
            wsaddin_result result = wsaddin_server_send_batch(server, answers + first, count - first, &queued);
            first += queued;
            if (result == WSADDIN_OK) break;
            if (result != WSADDIN_CLOSED && result != WSADDIN_QUEUE_FULL) return failed("send");
            first++;
        }
        wsaddin_batch_free(batch); /* only now: the answers lie in it */
    }
    wsaddin_server_free(server); /* writes what is queued, closes with 1001 */
    return 0;
}
