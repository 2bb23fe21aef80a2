/* Runs every part. Usage: harness [rounds of the race test] */
#include "check.h"

void expect(const char *file, int line, const char *call, wsaddin_result result, wsaddin_result expected) {
    if (result == expected) return;
    fprintf(stderr, "%s:%d: %s is %d instead of %d; the last error is: %s\n", file, line, call, (int)result,
            (int)expected, wsaddin_error_description());
    abort();
}

int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void pause_ms(int ms) {
    struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

int said(const char *part) {
    if (strstr(wsaddin_error_description(), part) != NULL) return 1;
    fprintf(stderr, "the last error lacks \"%s\": %s\n", part, wsaddin_error_description());
    return 0;
}

int64_t number(wsaddin_result (*get)(wsaddin_client, int64_t *), wsaddin_client client) {
    int64_t value;
    SPOIL(value);
    GOOD(get(client, &value));
    return value;
}

int64_t server_number(wsaddin_result (*get)(wsaddin_server, int64_t *), wsaddin_server server) {
    int64_t value;
    SPOIL(value);
    GOOD(get(server, &value));
    return value;
}

wsaddin_server running_server(void) {
    wsaddin_server server;
    GOOD(wsaddin_server_new(&server));
    GOOD(wsaddin_server_run(server, WSADDIN_TEXT("127.0.0.1"), 0));
    return server;
}

void connect_to(wsaddin_client client, wsaddin_server server) {
    char url[64];
    int size = snprintf(url, sizeof url, "ws://127.0.0.1:%d/", (int)server_number(wsaddin_server_get_port, server));
    GOOD(wsaddin_client_connect(client, url, (size_t)size));
}

uint64_t pair(wsaddin_server *server, wsaddin_client *client) {
    wsaddin_message *open;
    *server = running_server();
    GOOD(wsaddin_client_new(client));
    connect_to(*client, *server);
    GOOD(wsaddin_server_receive_event(*server, LONG, &open));
    CHECK(wsaddin_message_event(open) == WSADDIN_EVENT_OPEN);
    uint64_t connection = wsaddin_message_connection(open);
    wsaddin_message_free(open);
    GOOD(wsaddin_client_receive_event(*client, LONG, &open));
    CHECK(wsaddin_message_event(open) == WSADDIN_EVENT_OPEN && wsaddin_message_connection(open) == 0);
    wsaddin_message_free(open);
    return connection;
}

void free_pair(wsaddin_server server, wsaddin_client client) {
    GOOD(wsaddin_client_free(client));
    GOOD(wsaddin_server_free(server));
}

void take_text(wsaddin_message *message, const void *text, size_t size) {
    CHECK(wsaddin_message_event(message) == WSADDIN_EVENT_MESSAGE);
    CHECK(wsaddin_message_kind(message) == WSADDIN_KIND_TEXT);
    CHECK(wsaddin_message_size(message) == size);
    CHECK(memcmp(wsaddin_message_data(message), text, size) == 0);
    wsaddin_message_free(message);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    int rounds = argc > 1 ? atoi(argv[1]) : 20;
    CHECK(strcmp(wsaddin_error_description(), "") == 0);
    numbers_and_properties();
    puts("numbers and properties");
    conversation();
    secure_conversation();
    puts("conversation");
    batches();
    puts("batches");
    letting_in();
    puts("letting in");
    closing();
    puts("closing");
    error_texts();
    puts("error texts");
    bad_handles();
    puts("bad handles");
    bad_arguments();
    puts("bad arguments");
    connection_numbers();
    puts("connection numbers");
    handlers();
    puts("handlers");
    releasing();
    puts("releasing");
    waiting_for_any();
    puts("waiting for any");
    waking_blocked_calls();
    puts("waking blocked calls");
    races_with_free(rounds);
    puts("races with free");
    puts("harness: everything as expected");
    return 0;
}
