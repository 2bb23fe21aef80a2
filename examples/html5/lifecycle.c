/*
 * The life of a connection as index.html has it, by our client: the same four events and four states.
 *
 *     cc lifecycle.c -lwebsocket_addin -o lifecycle
 *     ./lifecycle ws://127.0.0.1:9098/
 *
 * It prints each event with the state that is true then. What is typed is sent; `close` closes with 1000.
 */
#include <stdio.h>
#include <string.h>
#include "websocket_addin.h"

#define LINE 4096

static const char *const STATES[] = {"CONNECTING", "OPEN", "CLOSING", "CLOSED"};

static int failed(const char *what) {
    fprintf(stderr, "%s: %s\n", what, wsaddin_error_description());
    return 1;
}

static void note(wsaddin_client client, const char *what, const char *data, size_t size) {
    int64_t state = 3;
    wsaddin_client_get_ready_state(client, &state);
    printf("%s %.*s%s[%s]\n", what, (int)size, data, size > 0 ? " " : "", STATES[state]);
    fflush(stdout);
}

/* The next event; 0 when there will be none. */
static int step(wsaddin_client client) {
    wsaddin_message *message;
    if (wsaddin_client_receive_event(client, WSADDIN_WAIT_FOREVER, &message) != WSADDIN_OK) return 0;
    const char *data = (const char *)wsaddin_message_data(message);
    const size_t size = wsaddin_message_size(message);
    int goes_on = 1;
    switch (wsaddin_message_event(message)) {
    case WSADDIN_EVENT_OPEN: note(client, "open", "", 0); break;
    case WSADDIN_EVENT_MESSAGE: note(client, "message", data, size); break;
    case WSADDIN_EVENT_ERROR: note(client, "error", data, size), goes_on = 0; break;
    case WSADDIN_EVENT_CLOSE: note(client, "close", data, size), goes_on = 0; break;
    default: break;
    }
    wsaddin_message_free(message);
    return goes_on;
}

int main(int argc, char **argv) {
    const char *url = argc > 1 ? argv[1] : "ws://127.0.0.1:9098/";
    char line[LINE];
    int32_t clean;
    wsaddin_client client;
    if (wsaddin_client_new(&client) != WSADDIN_OK) return failed("new");
    /* As in a browser: it returns at once, and the outcome is an event. */
    if (wsaddin_client_begin_connect(client, (const uint8_t *)url, strlen(url)) != WSADDIN_OK) return failed("connect");
    note(client, "begin_connect", "", 0);
    while (step(client) && fgets(line, sizeof line, stdin) != NULL) {
        if (strcmp(line, "close\n") == 0) {
            wsaddin_client_disconnect(client, 1000, WSADDIN_TEXT("пока"), &clean);
        } else if (wsaddin_client_send_text(client, (const uint8_t *)line, strcspn(line, "\n")) != WSADDIN_OK) {
            failed("send");
        }
    }
    wsaddin_client_free(client);
    return 0;
}
