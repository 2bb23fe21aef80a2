/*
 * Ends its process while the library is in the midst of everything: connections are open, plain and under TLS, threads
 * of the host wait in calls, a connect hangs, a handler does not return.
 * Usage: exits <exit|_exit|quick_exit|abort|return> <main|thread|handler> <certificate> <key>
 * The process is to end with 7, or by SIGABRT, and to say nothing.
 */
#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

void expect(const char *file, int line, const char *call, wsaddin_result result, wsaddin_result expected) {
    if (result == expected) return;
    fprintf(stderr, "%s:%d: %s is %d instead of %d; the last error is: %s\n", file, line, call, (int)result,
            (int)expected, wsaddin_error_description());
    /* No end that is asked for looks like this one. */
    _exit(99);
}

static const char *way, *place;
static atomic_int waiting;

static void end(void) {
    if (strcmp(way, "exit") == 0) exit(7);
    if (strcmp(way, "_exit") == 0) _exit(7);
    if (strcmp(way, "quick_exit") == 0) quick_exit(7);
    if (strcmp(way, "abort") == 0) abort();
    _exit(98);
}

static void *receive(void *argument) {
    wsaddin_message *message;
    wsaddin_client client = *(wsaddin_client *)argument;
    atomic_fetch_add(&waiting, 1);
    wsaddin_result result = wsaddin_client_receive(client, WSADDIN_WAIT_FOREVER, &message);
    fprintf(stderr, "receive has returned %d\n", (int)result);
    _exit(97);
}

static void *receive_of_all(void *argument) {
    wsaddin_message *message;
    wsaddin_server server = *(wsaddin_server *)argument;
    atomic_fetch_add(&waiting, 1);
    for (;;) {
        GOOD(wsaddin_server_receive_event(server, WSADDIN_WAIT_FOREVER, &message));
        wsaddin_message_free(message);
    }
    return NULL;
}

static void *wait_any(void *argument) {
    size_t index;
    atomic_fetch_add(&waiting, 1);
    wsaddin_result result = wsaddin_wait_any((uint64_t *)argument, 1, WSADDIN_WAIT_FOREVER, &index);
    fprintf(stderr, "wait_any has returned %d\n", (int)result);
    _exit(97);
}

/* Nobody answers there. */
static void *connect_silent(void *argument) {
    wsaddin_client client;
    char url[64];
    GOOD(wsaddin_client_new(&client));
    GOOD(wsaddin_client_set_connect_timeout(client, 0));
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/", *(int *)argument);
    atomic_fetch_add(&waiting, 1);
    wsaddin_result result = wsaddin_client_connect(client, url, strlen(url));
    fprintf(stderr, "connect has returned %d\n", (int)result);
    _exit(97);
}

static void *other_thread(void *argument) {
    (void)argument;
    end();
    return NULL;
}

/* Ends the process, or does not return. */
static void handler(const wsaddin_message *message, void *user) {
    if (wsaddin_message_event(message) != WSADDIN_EVENT_MESSAGE) return;
    if (strcmp((const char *)user, "end") == 0) end();
    atomic_fetch_add(&waiting, 1);
    sem_t never;
    sem_init(&never, 0, 0);
    for (;;) sem_wait(&never);
}

static void start(void *(*body)(void *), void *argument) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, body, argument) == 0);
    CHECK(pthread_detach(thread) == 0);
}

static wsaddin_client connected(wsaddin_server server, const char *scheme) {
    wsaddin_client client;
    int64_t port;
    char url[64];
    GOOD(wsaddin_server_get_port(server, &port));
    GOOD(wsaddin_client_new(&client));
    GOOD(wsaddin_client_set_verify_certificate(client, 0));
    GOOD(wsaddin_client_set_connect_timeout(client, 4 * LONG));
    snprintf(url, sizeof url, "%s://127.0.0.1:%d/", scheme, (int)port);
    GOOD(wsaddin_client_connect(client, url, strlen(url)));
    return client;
}

int main(int argc, char **argv) {
    CHECK(argc == 5);
    way = argv[1];
    place = argv[2];
    static wsaddin_server plain, secure;
    static wsaddin_client clients[3];
    static int silent_port;
    GOOD(wsaddin_server_new(&plain));
    GOOD(wsaddin_server_run(plain, WSADDIN_TEXT("127.0.0.1"), 0));
    GOOD(wsaddin_server_new(&secure));
    GOOD(wsaddin_server_run_tls(secure, WSADDIN_TEXT("127.0.0.1"), 0, argv[3], strlen(argv[3]), argv[4], strlen(argv[4]),
                                NULL, 0));
    clients[0] = connected(plain, "ws");
    clients[1] = connected(secure, "wss");
    clients[2] = connected(plain, "ws");

    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(silent >= 0 && bind(silent, (struct sockaddr *)&address, size) == 0 && listen(silent, 1) == 0);
    CHECK(getsockname(silent, (struct sockaddr *)&address, &size) == 0);
    silent_port = ntohs(address.sin_port);

    start(receive, &clients[0]);
    start(receive_of_all, &plain);
    start(receive_of_all, &secure);
    start(connect_silent, &silent_port);
    wsaddin_message *opened;
    while (wsaddin_client_receive_event(clients[2], WSADDIN_NO_WAIT, &opened) == WSADDIN_OK) wsaddin_message_free(opened);
    start(wait_any, &clients[2].id);
    while (atomic_load(&waiting) < 5) pause_ms(1);
    /* What has been counted is about to wait. */
    pause_ms(20);

    static wsaddin_server handled;
    GOOD(wsaddin_server_new(&handled));
    int in_handler = strcmp(place, "handler") == 0;
    GOOD(wsaddin_server_set_handler(handled, handler, in_handler ? "end" : "stay"));
    GOOD(wsaddin_server_run(handled, WSADDIN_TEXT("127.0.0.1"), 0));
    wsaddin_client client = connected(handled, "ws");
    GOOD(wsaddin_client_send_text(client, WSADDIN_TEXT("now")));
    if (in_handler) {
        for (;;) pause();
    }
    while (atomic_load(&waiting) < 6) pause_ms(1);
    if (strcmp(place, "thread") == 0) {
        start(other_thread, NULL);
        for (;;) pause();
    }
    if (strcmp(way, "return") == 0) return 7;
    end();
}

void pause_ms(int ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}
