/*
 * The k-th call of a system function fails, for every k: the library says so or goes on, never crashes or hangs, and
 * works as ever once the function does. Usage: failing <certificate> <key> <errors for each>
 *
 * The program's own functions stand in front of the C library's, for what it has loaded, too (-rdynamic).
 */
#include "check.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

void expect(const char *file, int line, const char *call, wsaddin_result result, wsaddin_result expected) {
    if (result == expected) return;
    fprintf(stderr, "%s:%d: %s is %d instead of %d; the last error is: %s\n", file, line, call, (int)result,
            (int)expected, wsaddin_error_description());
    abort();
}

/* --- functions that fail ----------------------------------------------------------------------------------------- */

enum function {
    SOCKET, BIND, LISTEN, CONNECT, ACCEPT4, SEND, RECV, GETSOCKOPT, SETSOCKOPT, GETSOCKNAME, GETPEERNAME,
    EPOLL_CREATE1, EPOLL_CTL, EVENTFD, PTHREAD_CREATE, FUNCTIONS
};
static const char *const names[FUNCTIONS] = {
    "socket", "bind", "listen", "connect", "accept4", "send", "recv", "getsockopt", "setsockopt",
    "getsockname", "getpeername", "epoll_create1", "epoll_ctl", "eventfd", "pthread_create"};
/* What the kernel may say there. */
static const int errors[FUNCTIONS][3] = {
    [SOCKET] = {EMFILE, ENOBUFS, ENOMEM}, [BIND] = {EADDRINUSE, ENOMEM, EACCES}, [LISTEN] = {EADDRINUSE, 0, 0},
    [CONNECT] = {ENETUNREACH, EADDRNOTAVAIL, ENOBUFS}, [ACCEPT4] = {EMFILE, ENOBUFS, ECONNABORTED},
    [SEND] = {ENOBUFS, ENOMEM, EPIPE}, [RECV] = {ENOMEM, ECONNRESET, ETIMEDOUT},
    [GETSOCKOPT] = {ENOBUFS, 0, 0}, [SETSOCKOPT] = {ENOBUFS, ENOMEM, 0}, [GETSOCKNAME] = {ENOBUFS, 0, 0},
    [GETPEERNAME] = {ENOTCONN, 0, 0}, [EPOLL_CREATE1] = {EMFILE, ENOMEM, 0}, [EPOLL_CTL] = {ENOMEM, ENOSPC, 0},
    [EVENTFD] = {EMFILE, ENOMEM, 0}, [PTHREAD_CREATE] = {EAGAIN, 0, 0}};

static atomic_int failing = -1, failure, countdown, failed;

static int fails(enum function function) {
    if (atomic_load(&failing) != (int)function || atomic_fetch_sub(&countdown, 1) != 1) return 0;
    atomic_fetch_add(&failed, 1);
    errno = atomic_load(&failure);
    return 1;
}

#define STAND_IN(number, type, name, parameters, arguments)                                                          \
    type name parameters {                                                                                           \
        static _Atomic(__typeof__(&name)) next;                                                                      \
        if (fails(number)) return (type)-1;                                                                          \
        if (atomic_load(&next) == NULL) {                                                                            \
            __typeof__(&name) found;                                                                                 \
            *(void **)&found = dlsym(RTLD_NEXT, #name);                                                              \
            atomic_store(&next, found);                                                                              \
        }                                                                                                            \
        return atomic_load(&next) arguments;                                                                         \
    }

STAND_IN(SOCKET, int, socket, (int domain, int type, int protocol), (domain, type, protocol))
STAND_IN(BIND, int, bind, (int socket, const struct sockaddr *address, socklen_t size), (socket, address, size))
STAND_IN(LISTEN, int, listen, (int socket, int backlog), (socket, backlog))
STAND_IN(CONNECT, int, connect, (int socket, const struct sockaddr *address, socklen_t size), (socket, address, size))
STAND_IN(ACCEPT4, int, accept4, (int socket, struct sockaddr *address, socklen_t *size, int flags),
         (socket, address, size, flags))
STAND_IN(SEND, ssize_t, send, (int socket, const void *data, size_t size, int flags), (socket, data, size, flags))
STAND_IN(RECV, ssize_t, recv, (int socket, void *data, size_t size, int flags), (socket, data, size, flags))
STAND_IN(GETSOCKOPT, int, getsockopt, (int socket, int level, int name, void *value, socklen_t *size),
         (socket, level, name, value, size))
STAND_IN(SETSOCKOPT, int, setsockopt, (int socket, int level, int name, const void *value, socklen_t size),
         (socket, level, name, value, size))
STAND_IN(GETSOCKNAME, int, getsockname, (int socket, struct sockaddr *address, socklen_t *size), (socket, address, size))
STAND_IN(GETPEERNAME, int, getpeername, (int socket, struct sockaddr *address, socklen_t *size), (socket, address, size))
STAND_IN(EPOLL_CREATE1, int, epoll_create1, (int flags), (flags))
STAND_IN(EPOLL_CTL, int, epoll_ctl, (int poll, int operation, int file, struct epoll_event *event),
         (poll, operation, file, event))
int eventfd(unsigned count, int flags);
STAND_IN(EVENTFD, int, eventfd, (unsigned count, int flags), (count, flags))

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
    if (fails(PTHREAD_CREATE)) return errno;
    int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    *(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
    return next(thread, attributes, start, argument);
}

/* --- what is done meanwhile -------------------------------------------------------------------------------------- */

static const char *certificate, *key;

/* A result that says what failed. */
static int went(wsaddin_result result) {
    if (result >= 0) return result == WSADDIN_OK;
    CHECK(result != WSADDIN_PANIC && wsaddin_error_description()[0] != '\0');
    return 0;
}

/* The server's next message, unless the connection ends before. */
static int message_of(wsaddin_server server, wsaddin_message **message) {
    for (;;) {
        if (!went(wsaddin_server_receive_event(server, 2000, message))) return 0;
        wsaddin_event event = wsaddin_message_event(*message);
        if (event == WSADDIN_EVENT_MESSAGE) return 1;
        wsaddin_message_free(*message);
        if (event == WSADDIN_EVENT_CLOSE) return 0;
    }
}

/* Server and client, a message there and back, the close; whatever fails ends it. True: all went well. */
static int talk_there_and_back(int secure) {
    wsaddin_server server;
    wsaddin_client client;
    wsaddin_message *message = NULL;
    char url[64];
    int64_t port = 0, connections = 1;
    int32_t clean = 0;
    uint64_t id = 0;
    int good = 0;
    if (!went(wsaddin_server_new(&server))) return 0;
    if (!went(wsaddin_client_new(&client))) {
        GOOD(wsaddin_server_free(server));
        return 0;
    }
    GOOD(wsaddin_client_set_verify_certificate(client, 0));
    /* What fails may also be what would have told of it. */
    GOOD(wsaddin_client_set_connect_timeout(client, 2000));
    GOOD(wsaddin_client_set_close_timeout(client, 2000));
    GOOD(wsaddin_server_set_close_timeout(server, 2000));
    int runs = secure ? went(wsaddin_server_run_tls(server, WSADDIN_TEXT("127.0.0.1"), 0, certificate,
                                                    strlen(certificate), key, strlen(key), NULL, 0))
                      : went(wsaddin_server_run(server, WSADDIN_TEXT("127.0.0.1"), 0));
    if (runs) {
        GOOD(wsaddin_server_get_port(server, &port));
        int size = snprintf(url, sizeof url, "%s://127.0.0.1:%d/", secure ? "wss" : "ws", (int)port);
        if (went(wsaddin_client_connect(client, url, (size_t)size)) &&
            went(wsaddin_client_send_text(client, WSADDIN_TEXT("there"))) &&
            message_of(server, &message)) {
            id = wsaddin_message_connection(message);
            CHECK(wsaddin_message_size(message) == 5);
            wsaddin_message_free(message);
            if (went(wsaddin_server_send_text(server, id, WSADDIN_TEXT("and back"))) &&
                went(wsaddin_client_receive(client, 2000, &message))) {
                CHECK(wsaddin_message_size(message) == 8);
                wsaddin_message_free(message);
                GOOD(wsaddin_client_disconnect(client, 1000, NULL, 0, &clean));
                good = clean;
            }
        }
        for (int64_t since = now_ms(); connections > 0 && good;) {
            GOOD(wsaddin_server_get_connection_count(server, &connections));
            CHECK(now_ms() - since < LONG);
        }
    }
    GOOD(wsaddin_client_free(client));
    GOOD(wsaddin_server_free(server));
    return good;
}

int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int entries(const char *folder) {
    DIR *directory = opendir(folder);
    CHECK(directory != NULL);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

int main(int argc, char **argv) {
    CHECK(argc == 4);
    certificate = argv[1];
    key = argv[2];
    int most = atoi(argv[3]);
    CHECK(most >= 1 && most <= 3);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int secure = 0; secure < 2; secure++) CHECK(talk_there_and_back(secure));
    int threads = entries("/proc/self/task"), descriptors = entries("/proc/self/fd");
    int all = 0;
    for (int function = 0; function < FUNCTIONS; function++) {
        for (int secure = 0; secure < 2; secure++) {
            int calls = 0, survived = 0;
            for (int at = 1, hit = 1; hit; at++) {
                hit = 0;
                for (int which = 0; which < most && errors[function][which] != 0; which++) {
                    atomic_store(&failed, 0);
                    atomic_store(&failure, errors[function][which]);
                    atomic_store(&countdown, at);
                    atomic_store(&failing, function);
                    int good = talk_there_and_back(secure);
                    atomic_store(&failing, -1);
                    int did = atomic_load(&failed);
                    /* Nothing failed, so everything has to have gone well. */
                    CHECK(did || good);
                    hit |= did;
                    calls += did;
                    survived += did && good;
                }
            }
            all += calls;
            printf("%s%s: %d failures, %d without a trace\n", names[function], secure ? " under TLS" : "", calls, survived);
            CHECK(talk_there_and_back(secure));
            for (int64_t since = now_ms(); entries("/proc/self/task") > threads || entries("/proc/self/fd") > descriptors;) {
                CHECK(now_ms() - since < LONG);
                usleep(1000);
            }
        }
    }
    CHECK(all > 50);
    puts("failing: everything as expected");
    return 0;
}
