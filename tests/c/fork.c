/* A host that forks: a child of a process with objects is told so by every function, at once; one of a process without
 * objects works; and the parent does not notice. calls.inc, which the test writes, calls every function. */
#include "websocket_addin.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LONG 30000
#define CHECK(condition)                                                                                             \
    do {                                                                                                             \
        if (!(condition)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, wsaddin_error_description());        \
            _exit(1);                                                                                                \
        }                                                                                                            \
    } while (0)
#define GOOD(call) CHECK((call) == WSADDIN_OK)

static wsaddin_server server;
static wsaddin_client client;
static wsaddin_message *message;

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void every_function(void) {
#define REFUSED(call) CHECK((call) == WSADDIN_UNSUPPORTED && strstr(wsaddin_error_description(), "fork"))
#include "calls.inc"
}

/* In a child: everything returns, `exit` too, within the alarm. */
static void forked(void) {
    alarm(20);
    every_function();
    wsaddin_message_free(message);
    CHECK(message == NULL || wsaddin_message_size(message) == 4);
    CHECK(wsaddin_version()[0] != '\0');
}

static void connect_to(wsaddin_client to, int64_t port) {
    char url[64];
    int size = snprintf(url, sizeof url, "ws://127.0.0.1:%d/", (int)port);
    GOOD(wsaddin_client_connect(to, url, (size_t)size));
}

static int64_t port_of(wsaddin_server of) {
    int64_t port;
    GOOD(wsaddin_server_get_port(of, &port));
    return port;
}

/* Makes its own objects and talks with them. */
static void works(void) {
    wsaddin_server own;
    wsaddin_client peer;
    wsaddin_message *got;
    alarm(20);
    GOOD(wsaddin_server_new(&own));
    GOOD(wsaddin_server_run(own, WSADDIN_TEXT("127.0.0.1"), 0));
    GOOD(wsaddin_client_new(&peer));
    connect_to(peer, port_of(own));
    GOOD(wsaddin_client_send_text(peer, WSADDIN_TEXT("hello")));
    GOOD(wsaddin_server_receive(own, LONG, &got));
    CHECK(wsaddin_message_size(got) == 5);
    wsaddin_message_free(got);
    GOOD(wsaddin_client_free(peer));
    GOOD(wsaddin_server_free(own));
}

static int ended(pid_t child) {
    int status;
    while (waitpid(child, &status, 0) < 0) CHECK(errno == EINTR);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fprintf(stderr, "child: status %x\n", status);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Runs `body` in a child, which leaves by exit with all that is registered for that. */
static void in_child(void (*body)(void)) {
    int64_t before = now_ms();
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        body();
        exit(0);
    }
    CHECK(ended(child));
    CHECK(now_ms() - before < 15000);
}

static void grandchild(void) {
    forked();
    in_child(forked);
}

static void executes(void) {
    alarm(20);
    execl("/bin/true", "true", (char *)NULL);
    _exit(1);
}

/* --- load: locks are held at any moment --------------------------------------------------------------------------- */

static atomic_int stop, fork_inside;
static atomic_long sent, answered;
static atomic_int forks_inside;

static void echo(const wsaddin_message *event, void *unused) {
    (void)unused;
    if (wsaddin_message_event(event) != WSADDIN_EVENT_MESSAGE) return;
    if (atomic_exchange(&fork_inside, 0)) {
        /* On the I/O thread. The child calls, and then returns from its handler: that is its end. */
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            forked();
            return;
        }
        CHECK(ended(child));
        forks_inside++;
    }
    uint64_t connection = wsaddin_message_connection(event);
    GOOD(wsaddin_server_send_text(server, connection, wsaddin_message_data(event), wsaddin_message_size(event)));
}

static void *talk(void *with) {
    wsaddin_client own = *(wsaddin_client *)with;
    char text[40000] = {0};
    memset(text, 'x', sizeof text - 1);
    for (long turn = 0; !stop; turn++) {
        wsaddin_message *got;
        size_t size = turn % 8 == 0 ? sizeof text - 1 : 20;
        GOOD(wsaddin_client_send_text(own, text, size));
        sent++;
        GOOD(wsaddin_client_receive(own, LONG, &got));
        CHECK(wsaddin_message_size(got) == size);
        wsaddin_message_free(got);
        answered++;
    }
    return NULL;
}

static void *wait_for_nothing(void *with) {
    wsaddin_message *got;
    CHECK(wsaddin_client_receive(*(wsaddin_client *)with, WSADDIN_WAIT_FOREVER, &got) == WSADDIN_CLOSED);
    return NULL;
}

static void under_load(int rounds) {
    wsaddin_client talkers[3], waits, idle;
    pthread_t threads[4];
    GOOD(wsaddin_set_log(WSADDIN_TEXT("fork.log"), WSADDIN_LOG_FRAMES));
    GOOD(wsaddin_server_new(&server));
    GOOD(wsaddin_server_set_io_threads(server, 2));
    GOOD(wsaddin_server_run(server, WSADDIN_TEXT("127.0.0.1"), 0));
    GOOD(wsaddin_client_new(&idle));
    client = idle;
    in_child(forked); /* with nothing but idle objects */
    GOOD(wsaddin_client_new(&waits));
    connect_to(waits, port_of(server));
    GOOD(wsaddin_server_broadcast_text(server, WSADDIN_TEXT("four"), &(int64_t){0}));
    GOOD(wsaddin_client_receive(waits, LONG, &message));
    GOOD(wsaddin_server_set_handler(server, echo, NULL));
    CHECK(pthread_create(&threads[3], NULL, wait_for_nothing, &waits) == 0);
    for (int i = 0; i < 3; i++) {
        GOOD(wsaddin_client_new(&talkers[i]));
        connect_to(talkers[i], port_of(server));
        CHECK(pthread_create(&threads[i], NULL, talk, &talkers[i]) == 0);
    }
    client = talkers[0];
    for (int round = 0; round < rounds; round++) {
        long before = answered;
        in_child(round % 10 == 0 ? grandchild : forked);
        while (answered < before + 3) usleep(1000); /* the parent goes on */
    }
    in_child(executes);
    for (int round = 0; round < 3; round++) {
        fork_inside = 1;
        int64_t limit = now_ms() + LONG;
        while (forks_inside <= round) {
            CHECK(now_ms() < limit);
            usleep(1000);
        }
    }
    stop = 1;
    for (int i = 0; i < 3; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(sent == answered);
    GOOD(wsaddin_client_disconnect(waits, 1000, NULL, 0, &(int32_t){0}));
    CHECK(pthread_join(threads[3], NULL) == 0);
    for (int i = 0; i < 3; i++) GOOD(wsaddin_client_free(talkers[i]));
    GOOD(wsaddin_client_free(waits));
    GOOD(wsaddin_client_free(idle));
    wsaddin_message_free(message);
    GOOD(wsaddin_server_free(server));
    GOOD(wsaddin_set_log(NULL, 0, WSADDIN_LOG_INFO));
}

/* --- a child that stays has copies of all sockets ------------------------------------------------------------------ */

static void lives_on(void) {
    wsaddin_client second;
    wsaddin_message *got;
    int32_t clean;
    GOOD(wsaddin_server_new(&server));
    GOOD(wsaddin_server_run(server, WSADDIN_TEXT("127.0.0.1"), 0));
    GOOD(wsaddin_client_new(&client));
    GOOD(wsaddin_client_new(&second));
    int64_t port = port_of(server);
    connect_to(client, port);
    connect_to(second, port);
    for (int opened = 0; opened < 2; opened++) {
        GOOD(wsaddin_server_receive_event(server, 5000, &got));
        wsaddin_message_free(got);
    }
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(60);
        for (;;) pause();
    }
    /* Each end reaches the other side, a hard one too. */
    GOOD(wsaddin_client_disconnect(client, 1000, NULL, 0, &clean));
    CHECK(clean == 1);
    GOOD(wsaddin_client_set_close_timeout(second, 0));
    GOOD(wsaddin_client_disconnect(second, 1000, NULL, 0, &clean));
    for (int closed = 0; closed < 2;) {
        GOOD(wsaddin_server_receive_event(server, 5000, &got));
        closed += wsaddin_message_event(got) == WSADDIN_EVENT_CLOSE;
        wsaddin_message_free(got);
    }
    /* New connections in the places of the old ones. */
    for (int round = 0; round < 20; round++) {
        connect_to(client, port);
        GOOD(wsaddin_client_send_text(client, WSADDIN_TEXT("again")));
        GOOD(wsaddin_server_receive(server, 5000, &got));
        wsaddin_message_free(got);
        GOOD(wsaddin_client_disconnect(client, 1000, NULL, 0, &clean));
    }
    /* The port is free for nobody but us, and closed when the server is stopped. */
    GOOD(wsaddin_server_stop(server));
    char url[64];
    int size = snprintf(url, sizeof url, "ws://127.0.0.1:%d/", (int)port);
    GOOD(wsaddin_client_set_connect_timeout(client, 5000));
    CHECK(wsaddin_client_connect(client, url, (size_t)size) == WSADDIN_REFUSED);
    GOOD(wsaddin_server_run(server, WSADDIN_TEXT("127.0.0.1"), port));
    connect_to(client, port);
    GOOD(wsaddin_client_free(client));
    GOOD(wsaddin_client_free(second));
    GOOD(wsaddin_server_free(server));
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 100;
    in_child(works); /* the library has had no object */
    in_child(works);
    works();
    in_child(works); /* it had, and they are gone */
    under_load(rounds);
    puts("under load");
    in_child(works);
    lives_on();
    in_child(works);
    works();
    puts("fork: everything as expected");
    return 0;
}
