/* An echo server and a client in one program: cc echo.c -lwebsocket_addin */
#include "websocket_addin.h"

#include <stdio.h>

static void echo(const wsaddin_message *message, void *server) {
    if (wsaddin_message_event(message) == WSADDIN_EVENT_MESSAGE)
        wsaddin_server_send_text(*(wsaddin_server *)server, wsaddin_message_connection(message),
                                 wsaddin_message_data(message), wsaddin_message_size(message));
}

/* Only errors, which are negative, have a text. */
static int failed(wsaddin_result result) {
    fprintf(stderr, "%s\n", result < 0 ? wsaddin_error_description() : "no answer");
    return 1;
}

int main(void) {
    wsaddin_server server;
    wsaddin_client client;
    wsaddin_message *answer = NULL;
    wsaddin_result result;
    int64_t port;
    char url[64];
    int size;

    /* Port 0 takes one that is free. */
    if ((result = wsaddin_server_new(&server)) || (result = wsaddin_server_set_handler(server, echo, &server)) ||
        (result = wsaddin_server_run(server, WSADDIN_TEXT("127.0.0.1"), 0)) ||
        (result = wsaddin_server_get_port(server, &port)))
        return failed(result);
    size = snprintf(url, sizeof url, "ws://127.0.0.1:%d/", (int)port);

    if ((result = wsaddin_client_new(&client)) || (result = wsaddin_client_connect(client, url, (size_t)size)) ||
        (result = wsaddin_client_send_text(client, WSADDIN_TEXT("hello"))) ||
        (result = wsaddin_client_receive(client, 5000, &answer)))
        return failed(result);
    printf("%.*s\n", (int)wsaddin_message_size(answer), (const char *)wsaddin_message_data(answer));

    wsaddin_message_free(answer);
    wsaddin_client_free(client);
    wsaddin_server_free(server);
    return 0;
}
