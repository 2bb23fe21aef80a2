/*
 * A device as SimpleUI's: it names itself with the first message, `id:DEVICE`, and comes back every second until it is told
 * to stop. Everything happens in handlers; what is typed is sent.
 *
 *     cc device.c -lwebsocket_addin -o device
 *     ./device ws://127.0.0.1:9098/ 1234
 *
 * It prints `open`, `message TEXT`, `close CODE` and `error`, a line each; `stop` ends it.
 */
#include <stdio.h>
#include <string.h>
#include "websocket_addin.h"

#define LINE 4096

static int failed(const char *what) {
    fprintf(stderr, "%s: %s\n", what, wsaddin_error_description());
    return 1;
}

/* On the I/O thread. It prints and returns: whatever takes longer belongs to another thread. */
static void on_event(const wsaddin_message *message, void *user_data) {
    const char *data = (const char *)wsaddin_message_data(message);
    const int size = (int)wsaddin_message_size(message);
    (void)user_data;
    switch (wsaddin_message_event(message)) {
    case WSADDIN_EVENT_OPEN: printf("open\n"); break;
    case WSADDIN_EVENT_MESSAGE: printf("message %.*s\n", size, data); break;
    case WSADDIN_EVENT_CLOSE: printf("close %.*s\n", size, data); break;
    case WSADDIN_EVENT_ERROR: printf("error %.*s\n", size, data); break;
    default: break;
    }
    fflush(stdout);
}

int main(int argc, char **argv) {
    char hello[64], line[LINE];
    int32_t clean;
    wsaddin_client client;
    if (argc != 3 || strlen(argv[2]) > sizeof hello - 4) {
        fprintf(stderr, "usage: device URL ID\n");
        return 2;
    }
    /* It leaves first after every connect, before what has waited. */
    const int size = sprintf(hello, "id:%s", argv[2]);
    if (wsaddin_client_new(&client) != WSADDIN_OK) return failed("new");
    if (wsaddin_client_set_reconnect_interval(client, 1000) != WSADDIN_OK ||
        wsaddin_client_set_hello_message(client, (const uint8_t *)hello, (size_t)size) != WSADDIN_OK ||
        wsaddin_client_set_handler(client, on_event, NULL) != WSADDIN_OK ||
        wsaddin_client_begin_connect(client, (const uint8_t *)argv[1], strlen(argv[1])) != WSADDIN_OK)
        return failed("connect");

    while (fgets(line, sizeof line, stdin) != NULL && strcmp(line, "stop\n") != 0) {
        /* While there is no connection it waits for the next one, within SendQueueBytes. */
        if (wsaddin_client_send_text(client, (const uint8_t *)line, strcspn(line, "\n")) != WSADDIN_OK) failed("send");
    }
    wsaddin_client_disconnect(client, 1000, WSADDIN_TEXT(""), &clean); /* and no reconnection after it */
    wsaddin_client_free(client);
    return 0;
}
