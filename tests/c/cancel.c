/* Threads of the host that are cancelled inside each call: the call goes on as if nothing had happened, and the thread
 * ends when it leaves the call. With the asynchronous type those that are blocked: anywhere else a thread may not be
 * cancelled so, in nobody's code. */
#include "websocket_addin.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <time.h>
#include <unistd.h>

/* What a call waits that nobody ends. */
#define WHILE 300
#define CHECK(condition)                                                                                             \
    do {                                                                                                             \
        if (!(condition)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, wsaddin_error_description());        \
            abort();                                                                                                 \
        }                                                                                                            \
    } while (0)
#define GOOD(call) CHECK((call) == WSADDIN_OK)

static wsaddin_server server, other, deaf;
static wsaddin_client client, busy, stuck;
static uint64_t connection;
static char url[64], deaf_url[64], silent_url[64];
static char large[1 << 20];

static void nap_ms(int ms) {
    struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

static void echo(const wsaddin_message *event, void *unused) {
    (void)unused;
    if (wsaddin_message_event(event) != WSADDIN_EVENT_MESSAGE) return;
    wsaddin_server_send_text(other, wsaddin_message_connection(event), wsaddin_message_data(event),
                             wsaddin_message_size(event));
}

/* A handler that is still running when it is taken away. */
static void slow(const wsaddin_message *event, void *unused) {
    (void)event, (void)unused;
    nap_ms(5);
}

static void free_message(wsaddin_message **message) { wsaddin_message_free(*message); }

/* --- the calls ----------------------------------------------------------------------------------------------------- */

static void connects(void) { CHECK(wsaddin_client_connect(stuck, silent_url, strlen(silent_url)) != WSADDIN_OK); }
static void begins(void) {
    wsaddin_client_begin_connect(stuck, silent_url, strlen(silent_url));
    wsaddin_client_disconnect(stuck, 1000, NULL, 0, &(int32_t){0});
}
static void comes_and_goes(void) {
    GOOD(wsaddin_client_connect(stuck, url, strlen(url)));
    GOOD(wsaddin_client_disconnect(stuck, 1000, NULL, 0, &(int32_t){0}));
}
static void makes_and_frees(void) {
    wsaddin_client made = {0};
    wsaddin_server also = {0};
    GOOD(wsaddin_client_new(&made));
    GOOD(wsaddin_client_connect(made, url, strlen(url)));
    GOOD(wsaddin_server_new(&also));
    GOOD(wsaddin_server_run(also, WSADDIN_TEXT("127.0.0.1"), 0));
    GOOD(wsaddin_server_stop(also));
    GOOD(wsaddin_server_free(also));
    GOOD(wsaddin_client_free(made));
}
static void receives(void) {
    wsaddin_message *message;
    CHECK(wsaddin_client_receive(client, WHILE, &message) == WSADDIN_TIMEOUT);
    CHECK(wsaddin_server_receive_event(server, WHILE, &message) == WSADDIN_TIMEOUT);
}
static void waits(void) {
    size_t index;
    uint64_t ids[] = {client.id, server.id};
    CHECK(wsaddin_wait_any(ids, 2, WHILE, &index) == WSADDIN_TIMEOUT);
}
static void pings(void) {
    int64_t ms;
    GOOD(wsaddin_client_ping(client, 10000, &ms));
    GOOD(wsaddin_server_ping(server, connection, 10000, &ms));
}
static void requests(void) {
    wsaddin_message *reply;
    wsaddin_result result = wsaddin_client_request(client, WSADDIN_TEXT("{}"), WHILE, WSADDIN_TEXT("id"), NULL, 0, &reply);
    CHECK(result == WSADDIN_REQUEST_TIMEOUT);
    GOOD(wsaddin_server_receive(server, 10000, &reply));
    wsaddin_message_free(reply);
}
/* The led loop of a host that takes message after message. */
static void talks(void) {
    wsaddin_message *got = NULL;
    GOOD(wsaddin_client_send_text(busy, WSADDIN_TEXT("hello")));
    GOOD(wsaddin_client_receive(busy, 10000, &got));
    wsaddin_message_free(got);
}
static void sends_to_the_full(void) {
    wsaddin_result result = wsaddin_client_send_binary(stuck, large, sizeof large);
    CHECK(result == WSADDIN_OK || result == WSADDIN_QUEUE_FULL);
}
static void broadcasts(void) {
    GOOD(wsaddin_server_broadcast_text(other, WSADDIN_TEXT("to all"), &(int64_t){0}));
}
static void disconnects_slowly(void) {
    wsaddin_client made;
    GOOD(wsaddin_client_new(&made));
    GOOD(wsaddin_client_set_close_timeout(made, WHILE));
    GOOD(wsaddin_client_connect(made, deaf_url, strlen(deaf_url)));
    GOOD(wsaddin_client_disconnect(made, 1000, NULL, 0, &(int32_t){0}));
    GOOD(wsaddin_client_free(made));
}
static void logs(void) {
    GOOD(wsaddin_set_log(WSADDIN_TEXT("cancel.log"), WSADDIN_LOG_FRAMES));
    GOOD(wsaddin_set_log(NULL, 0, WSADDIN_LOG_INFO));
}
static void handles(void) {
    GOOD(wsaddin_server_set_handler(other, slow, NULL));
    GOOD(wsaddin_server_set_handler(other, NULL, NULL));
    GOOD(wsaddin_server_set_handler(other, echo, NULL));
}
static void fails(void) {
    CHECK(wsaddin_client_set_client_certificate(client, WSADDIN_TEXT("/nowhere"), NULL, 0, NULL, 0) == WSADDIN_FILE);
    CHECK(wsaddin_server_run(server, WSADDIN_TEXT("127.0.0.1"), 0) == WSADDIN_ALREADY_RUNNING);
    CHECK(wsaddin_server_reload_certificate(server, WSADDIN_TEXT("/nowhere"), NULL, 0, NULL, 0) < 0);
}
static void looks(void) {
    char text[4096];
    size_t needed;
    int64_t number;
    GOOD(wsaddin_client_statistics(client, text, sizeof text, &needed));
    GOOD(wsaddin_server_connection_list(server, text, sizeof text, &needed));
    GOOD(wsaddin_client_get_status(client, &number));
}

static const struct {
    const char *name;
    void (*call)(void);
    int blocks;
} CALLS[] = {
    {"connect", connects, 1}, {"receive", receives, 1}, {"wait_any", waits, 1}, {"request", requests, 1},
    {"send to a full queue", sends_to_the_full, 1}, {"disconnect a deaf peer", disconnects_slowly, 1},
    {"begin_connect", begins, 0}, {"connect, disconnect", comes_and_goes, 0},
    {"new, run, stop, free", makes_and_frees, 0}, {"ping", pings, 0}, {"talk", talks, 0},
    {"broadcast", broadcasts, 0}, {"set_log", logs, 0}, {"set_handler", handles, 0}, {"errors", fails, 0},
    {"statistics", looks, 0},
};

/* --- the threads --------------------------------------------------------------------------------------------------- */

static atomic_int cleaned, thread_id;
static int asynchronous;

static void clean(void *unused) {
    (void)unused;
    cleaned++;
}

static void *victim(void *call) {
    int before;
    CHECK(pthread_setcanceltype(asynchronous ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED, &before) == 0);
    pthread_cleanup_push(clean, NULL);
    thread_id = (int)gettid();
    for (;;) {
        (*(void (*const *)(void))call)();
        pthread_testcancel();
    }
    pthread_cleanup_pop(0);
    return NULL;
}

/* Whether the thread sleeps, as it does in a call that waits. */
static int sleeps(void) {
    char path[64], text[256] = {0};
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread_id);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    CHECK(size > 0);
    const char *name_end = strrchr(text, ')');
    return name_end != NULL && name_end[2] == 'S';
}

static void cancel_inside(size_t at, int after_ms) {
    pthread_t thread;
    void *result;
    struct timespec limit;
    thread_id = cleaned = 0;
    CHECK(pthread_create(&thread, NULL, victim, (void *)&CALLS[at].call) == 0);
    while (thread_id == 0) sched_yield();
    nap_ms(after_ms);
    for (int seen = 0; asynchronous && seen < 5; nap_ms(3)) seen = sleeps() ? seen + 1 : 0;
    CHECK(pthread_cancel(thread) == 0);
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 30;
    CHECK(pthread_timedjoin_np(thread, &result, &limit) == 0);
    CHECK(result == PTHREAD_CANCELED && cleaned == 1);
}

static int silent_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(descriptor >= 0 && bind(descriptor, (struct sockaddr *)&address, size) == 0 && listen(descriptor, 64) == 0);
    CHECK(getsockname(descriptor, (struct sockaddr *)&address, &size) == 0);
    return ntohs(address.sin_port);
}

static void at_port(char *text, size_t size, wsaddin_server of) {
    int64_t port;
    GOOD(wsaddin_server_run(of, WSADDIN_TEXT("127.0.0.1"), 0));
    GOOD(wsaddin_server_get_port(of, &port));
    snprintf(text, size, "ws://127.0.0.1:%d/", (int)port);
}

static wsaddin_client connected(const char *to) {
    wsaddin_client made;
    wsaddin_message *open = NULL;
    GOOD(wsaddin_client_new(&made));
    GOOD(wsaddin_client_connect(made, to, strlen(to)));
    GOOD(wsaddin_client_receive_event(made, 10000, &open));
    free_message(&open);
    return made;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    int rounds = argc > 1 ? atoi(argv[1]) : 5;
    char main_url[64];
    wsaddin_message *open;
    GOOD(wsaddin_server_new(&server));
    GOOD(wsaddin_server_new(&other));
    GOOD(wsaddin_server_new(&deaf));
    at_port(main_url, sizeof main_url, server);
    at_port(url, sizeof url, other);
    at_port(deaf_url, sizeof deaf_url, deaf);
    /* One that takes a message and then nothing more. */
    GOOD(wsaddin_server_set_receive_queue_messages(deaf, 1));
    snprintf(silent_url, sizeof silent_url, "ws://127.0.0.1:%d/", silent_port());
    GOOD(wsaddin_server_set_handler(other, echo, NULL));
    client = connected(main_url);
    GOOD(wsaddin_server_receive_event(server, 10000, &open));
    connection = wsaddin_message_connection(open);
    wsaddin_message_free(open);
    busy = connected(url);
    GOOD(wsaddin_client_new(&stuck));
    GOOD(wsaddin_client_set_connect_timeout(stuck, WHILE));
    GOOD(wsaddin_client_set_send_timeout(stuck, WHILE));
    GOOD(wsaddin_client_set_send_queue_bytes(stuck, 1 << 20));
    for (int type = 0; type < 2; type++) {
        asynchronous = type;
        for (size_t at = 0; at < sizeof CALLS / sizeof *CALLS; at++) {
            if (asynchronous && !CALLS[at].blocks) continue;
            printf("%s, %s\n", CALLS[at].name, type ? "asynchronous" : "deferred");
            for (int round = 0; round < rounds; round++) {
                if (CALLS[at].call == sends_to_the_full) GOOD(wsaddin_client_connect(stuck, deaf_url, strlen(deaf_url)));
                cancel_inside(at, round * 7 % 30);
                /* Whatever the last call of the thread had begun. */
                GOOD(wsaddin_client_set_close_timeout(stuck, 0));
                GOOD(wsaddin_client_disconnect(stuck, 1000, NULL, 0, &(int32_t){0}));
                if (CALLS[at].call == broadcasts || CALLS[at].call == talks) {
                    while (wsaddin_client_receive(busy, 100, &open) == WSADDIN_OK) wsaddin_message_free(open);
                }
                if (CALLS[at].call == requests) {
                    while (wsaddin_server_receive(server, 100, &open) == WSADDIN_OK) wsaddin_message_free(open);
                }
            }
        }
    }
    /* The library goes on as ever. */
    GOOD(wsaddin_server_set_handler(other, echo, NULL));
    talks();
    receives();
    makes_and_frees();
    puts("cancel: everything as expected");
    return 0;
}
