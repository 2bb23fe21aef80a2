/*
 * Loads the library, uses it, unloads it, again and again, and looks what is left behind.
 * Usage: unload <library> <rounds> [<wss URL> <result that connecting gives> [<certificate> <key>]]
 * With UNLOAD_STARVED set, without the round in which a host's thread runs the library's loop.
 */
#include "check.h"
#include "left.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define HOST_THREADS 3

/* The functions that this program uses, by their own names behind a dot. */
#define FUNCTIONS(each)                                                                                              \
    each(wsaddin_version) each(wsaddin_set_log) each(wsaddin_error_description) each(wsaddin_client_new)             \
    each(wsaddin_client_free) each(wsaddin_server_set_name_parameter) each(wsaddin_server_send_to_name_text)         \
    each(wsaddin_server_join_group) each(wsaddin_server_broadcast_group_text)                                        \
    each(wsaddin_client_connect) each(wsaddin_client_disconnect) each(wsaddin_client_send_text)                      \
    each(wsaddin_client_send_binary) each(wsaddin_client_receive) each(wsaddin_server_new)                           \
    each(wsaddin_server_free) each(wsaddin_server_run) each(wsaddin_server_get_port)                                 \
    each(wsaddin_server_receive) each(wsaddin_server_set_handler) each(wsaddin_server_send_text)                     \
    each(wsaddin_message_event) each(wsaddin_message_connection) each(wsaddin_message_data)                          \
    each(wsaddin_message_size) each(wsaddin_message_free) each(wsaddin_wait_any) each(wsaddin_server_run_tls)        \
    each(wsaddin_server_reload_certificate) each(wsaddin_client_set_client_certificate)                              \
    each(wsaddin_client_set_verify_certificate) each(wsaddin_client_set_connect_timeout)                             \
    each(wsaddin_client_release) each(wsaddin_server_release)

#define FIELD(name) __typeof__(name) *name;
static struct { FUNCTIONS(FIELD) } lib;

void expect(const char *file, int line, const char *call, wsaddin_result result, wsaddin_result expected) {
    if (result == expected) return;
    fprintf(stderr, "%s:%d: %s is %d instead of %d; the last error is: %s\n", file, line, call, (int)result,
            (int)expected, lib.wsaddin_error_description());
    abort();
}

static void *load(const char *path) {
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) fprintf(stderr, "%s\n", dlerror());
    CHECK(handle != NULL);
#define FIND(name)                                                                                                   \
    *(void **)&lib.name = dlsym(handle, #name);                                                                      \
    CHECK(lib.name != NULL);
    FUNCTIONS(FIND)
    return handle;
}

static void echo(const wsaddin_message *message, void *server) {
    if (lib.wsaddin_message_event(message) == WSADDIN_EVENT_MESSAGE) {
        GOOD(lib.wsaddin_server_send_text(*(wsaddin_server *)server, lib.wsaddin_message_connection(message),
                                          lib.wsaddin_message_data(message), lib.wsaddin_message_size(message)));
    }
}

static void talk(int64_t port) {
    wsaddin_client client;
    wsaddin_message *message;
    char url[64];
    size_t index;
    int32_t clean;
    int size = snprintf(url, sizeof url, "ws://127.0.0.1:%d/", (int)port);
    GOOD(lib.wsaddin_client_new(&client));
    GOOD(lib.wsaddin_client_connect(client, url, (size_t)size));
    for (int i = 0; i < 10; i++) {
        GOOD(lib.wsaddin_client_send_text(client, WSADDIN_TEXT("there and back")));
        GOOD(lib.wsaddin_wait_any(&client.id, 1, LONG, &index));
        GOOD(lib.wsaddin_client_receive(client, LONG, &message));
        CHECK(lib.wsaddin_message_size(message) == 14);
        lib.wsaddin_message_free(message);
    }
    GOOD(lib.wsaddin_client_disconnect(client, 1000, NULL, 0, &clean));
    CHECK(clean == 1);
    GOOD(lib.wsaddin_client_free(client));
    EXPECT(lib.wsaddin_client_free(client), WSADDIN_BAD_HANDLE);
}

/* A client that is reached by its name and in a group, and whose session waits when it has gone: it ends with the server.
 * Connection 2: the server's first was that of `talk`. */
static void reach(wsaddin_server server, int64_t port) {
    wsaddin_client client;
    wsaddin_message *message;
    char url[64];
    int64_t count;
    int size = snprintf(url, sizeof url, "ws://127.0.0.1:%d/?id=ann", (int)port);
    GOOD(lib.wsaddin_client_new(&client));
    GOOD(lib.wsaddin_client_connect(client, url, (size_t)size));
    GOOD(lib.wsaddin_client_send_text(client, WSADDIN_TEXT("let the server see it")));
    GOOD(lib.wsaddin_client_receive(client, LONG, &message));
    lib.wsaddin_message_free(message);
    GOOD(lib.wsaddin_server_join_group(server, 2, WSADDIN_TEXT("all")));
    GOOD(lib.wsaddin_server_send_to_name_text(server, WSADDIN_TEXT("ann"), WSADDIN_TEXT("by name")));
    GOOD(lib.wsaddin_server_broadcast_group_text(server, WSADDIN_TEXT("all"), WSADDIN_TEXT("in all"), &count));
    CHECK(count == 1);
    for (size_t expected = 7; expected > 5; expected--) {
        GOOD(lib.wsaddin_client_receive(client, LONG, &message));
        CHECK(lib.wsaddin_message_size(message) == expected);
        lib.wsaddin_message_free(message);
    }
    GOOD(lib.wsaddin_client_free(client));
    GOOD(lib.wsaddin_server_send_to_name_text(server, WSADDIN_TEXT("ann"), WSADDIN_TEXT("for whom?")));
}

/* A server with a certificate, a client that shows one, and both replaced: all of it asked for by a host's thread. */
static void talk_in_secret(const char *certificate, const char *key) {
    wsaddin_server server;
    wsaddin_client client;
    char url[64];
    int64_t port;
    size_t chain = strlen(certificate), own = strlen(key);
    GOOD(lib.wsaddin_server_new(&server));
    GOOD(lib.wsaddin_client_new(&client));
    EXPECT(lib.wsaddin_server_run_tls(server, WSADDIN_TEXT("127.0.0.1"), 0, key, own, key, own, NULL, 0), WSADDIN_FILE);
    GOOD(lib.wsaddin_server_run_tls(server, WSADDIN_TEXT("127.0.0.1"), 0, certificate, chain, key, own, NULL, 0));
    GOOD(lib.wsaddin_server_get_port(server, &port));
    GOOD(lib.wsaddin_client_set_verify_certificate(client, 0));
    GOOD(lib.wsaddin_client_set_connect_timeout(client, 4 * LONG));
    for (int i = 0; i < 2; i++) GOOD(lib.wsaddin_client_set_client_certificate(client, certificate, chain, key, own, NULL, 0));
    GOOD(lib.wsaddin_server_reload_certificate(server, NULL, 0, NULL, 0, NULL, 0));
    int size = snprintf(url, sizeof url, "wss://127.0.0.1:%d/", (int)port);
    GOOD(lib.wsaddin_client_connect(client, url, (size_t)size));
    GOOD(lib.wsaddin_client_free(client));
    GOOD(lib.wsaddin_server_free(server));
}

/* A peer without the library: a socket that sends small messages a little apart and reads their echoes. */
struct peer {
    int socket, failed;
    int count;
};

static int whole(int socket, char *to, size_t size) {
    for (ssize_t got; size > 0; to += got, size -= (size_t)got) {
        got = recv(socket, to, size, 0);
        if (got <= 0) return 0;
    }
    return 1;
}

static void *patter(void *argument) {
    struct peer *self = argument;
    /* A masked text of one byte, under a mask of zeros. */
    static const char message[] = "\x81\x81\0\0\0\0x";
    char answer[3];
    for (int i = 0; i < self->count; i++) {
        self->failed |= send(self->socket, message, sizeof message - 1, 0) != sizeof message - 1;
        sched_yield();
    }
    for (int i = 0; i < self->count; i++)
        self->failed |= !whole(self->socket, answer, sizeof answer) || memcmp(answer, "\x81\x01x", 3) != 0;
    return NULL;
}

static int knock(int64_t port) {
    static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = 20};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    CHECK(peer >= 0 && connect(peer, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    CHECK(setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0);
    CHECK(send(peer, request, sizeof request - 1, 0) == sizeof request - 1);
    for (char last[4] = ""; memcmp(last, "\r\n\r\n", 4) != 0;) {
        memmove(last, last + 1, 3);
        CHECK(recv(peer, last + 3, 1, 0) == 1);
    }
    return peer;
}

/* The nanoseconds that a thread of this process has run. */
static long long spent(const char *task) {
    char path[300];
    long long time = 0;
    snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", task);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL && fscanf(file, "%lld", &time) == 1);
    fclose(file);
    return time;
}

static long long spent_by_library(void) {
    DIR *directory = opendir("/proc/self/task");
    CHECK(directory != NULL);
    long long time = -1;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (file == NULL) continue;
        if (fscanf(file, "%31s", name) == 1 && strcmp(name, "websocket-io0") == 0) time = spent(entry->d_name);
        fclose(file);
    }
    closedir(directory);
    CHECK(time >= 0);
    return time;
}

/* Takes and answers in quick succession, until this thread, and not the library's, runs the loop nearly all the time. */
static void lead(void) {
    wsaddin_server server;
    wsaddin_message *message;
    int64_t port;
    char own[32];
    GOOD(lib.wsaddin_server_new(&server));
    GOOD(lib.wsaddin_server_run(server, WSADDIN_TEXT("127.0.0.1"), 0));
    GOOD(lib.wsaddin_server_get_port(server, &port));
    struct peer peer = {knock(port), 0, 500};
    snprintf(own, sizeof own, "%ld", (long)syscall(SYS_gettid));
    int led = 0;
    for (int tries = 0; !led && tries < 2000; tries++) {
        pthread_t thread;
        long long mine = spent(own), theirs = spent_by_library();
        CHECK(pthread_create(&thread, NULL, patter, &peer) == 0);
        for (int i = 0; i < peer.count; i++) {
            GOOD(lib.wsaddin_server_receive(server, LONG, &message));
            GOOD(lib.wsaddin_server_send_text(server, lib.wsaddin_message_connection(message),
                                              lib.wsaddin_message_data(message), lib.wsaddin_message_size(message)));
            lib.wsaddin_message_free(message);
        }
        CHECK(pthread_join(thread, NULL) == 0 && !peer.failed);
        led = (spent_by_library() - theirs) * 4 < spent(own) - mine;
    }
    CHECK(led);
    close(peer.socket);
    GOOD(lib.wsaddin_server_free(server));
}

/* A thread of the host that has run the library's loop, and outlives the library. */
struct leader {
    sem_t used, unloaded;
};

static void *leader(void *argument) {
    struct leader *self = argument;
    lead();
    sem_post(&self->used);
    while (sem_wait(&self->unloaded) != 0) {}
    return NULL;
}

static void round_of_leader(const char *path) {
    void *handle = load(path);
    struct leader self;
    pthread_t thread;
    sem_init(&self.used, 0, 0);
    sem_init(&self.unloaded, 0, 0);
    CHECK(pthread_create(&thread, NULL, leader, &self) == 0);
    while (sem_wait(&self.used) != 0) {}
    CHECK(dlclose(handle) == 0);
    CHECK(!look().mapped);
    sem_post(&self.unloaded);
    CHECK(pthread_join(thread, NULL) == 0);
    sem_destroy(&self.used);
    sem_destroy(&self.unloaded);
}

/* Unloaded while what was released is still being closed: at once, or a moment later. */
static void round_of_release(const char *path, int round) {
    void *handle = load(path);
    wsaddin_server server;
    wsaddin_client client;
    int64_t port;
    char url[64];
    GOOD(lib.wsaddin_server_new(&server));
    GOOD(lib.wsaddin_server_run(server, WSADDIN_TEXT("127.0.0.1"), 0));
    GOOD(lib.wsaddin_server_get_port(server, &port));
    GOOD(lib.wsaddin_client_new(&client));
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/", (int)port);
    GOOD(lib.wsaddin_client_connect(client, url, strlen(url)));
    GOOD(lib.wsaddin_client_send_text(client, WSADDIN_TEXT("hello")));
    GOOD(lib.wsaddin_client_release(client));
    EXPECT(lib.wsaddin_client_free(client), WSADDIN_BAD_HANDLE);
    if (round % 2 == 0) GOOD(lib.wsaddin_server_release(server));
    else GOOD(lib.wsaddin_server_free(server));
    usleep((unsigned)round % 5 * 300);
    CHECK(dlclose(handle) == 0);
    CHECK(!look().mapped && look().threads == 1);
}

/* A thread of the host that uses the library and outlives it. */
struct host_thread {
    pthread_t thread;
    sem_t used, unloaded;
    int64_t port;
    const char *certificate, *key;
};

static void *host(void *argument) {
    struct host_thread *self = argument;
    talk(self->port);
    if (self->certificate != NULL) talk_in_secret(self->certificate, self->key);
    sem_post(&self->used);
    while (sem_wait(&self->unloaded) != 0) {}
    return NULL; /* now its thread-locals are destroyed */
}

static void one_round(const char *path, const char *wss, wsaddin_result expected, const char *certificate,
                      const char *key) {
    void *handle = load(path);
    struct host_thread threads[HOST_THREADS];
    wsaddin_server server;
    wsaddin_client client;
    int64_t port;
    CHECK(lib.wsaddin_version()[0] != '\0');
    GOOD(lib.wsaddin_set_log(WSADDIN_TEXT("unload.log"), WSADDIN_LOG_FRAMES));
    GOOD(lib.wsaddin_server_new(&server));
    GOOD(lib.wsaddin_server_set_handler(server, echo, &server));
    GOOD(lib.wsaddin_server_set_name_parameter(server, WSADDIN_TEXT("id")));
    GOOD(lib.wsaddin_server_run(server, WSADDIN_TEXT("127.0.0.1"), 0));
    GOOD(lib.wsaddin_server_get_port(server, &port));
    talk(port);
    reach(server, port);
    for (int i = 0; i < HOST_THREADS; i++) {
        sem_init(&threads[i].used, 0, 0);
        sem_init(&threads[i].unloaded, 0, 0);
        threads[i].port = port;
        threads[i].certificate = certificate;
        threads[i].key = key;
        CHECK(pthread_create(&threads[i].thread, NULL, host, &threads[i]) == 0);
    }
    GOOD(lib.wsaddin_client_new(&client));
    GOOD(lib.wsaddin_client_set_connect_timeout(client, 4 * LONG)); /* the machine may be busy */
    if (wss != NULL) EXPECT(lib.wsaddin_client_connect(client, wss, strlen(wss)), expected);
    EXPECT(lib.wsaddin_client_connect(client, WSADDIN_TEXT("ws://127.0.0.1:1/")), WSADDIN_REFUSED);
    for (int i = 0; i < HOST_THREADS; i++) while (sem_wait(&threads[i].used) != 0) {}
    GOOD(lib.wsaddin_client_free(client));
    GOOD(lib.wsaddin_server_free(server));
    CHECK(dlclose(handle) == 0);
    CHECK(!look().mapped);
    for (int i = 0; i < HOST_THREADS; i++) {
        sem_post(&threads[i].unloaded);
        CHECK(pthread_join(threads[i].thread, NULL) == 0);
        sem_destroy(&threads[i].used);
        sem_destroy(&threads[i].unloaded);
    }
}

int main(int argc, char **argv) {
    CHECK(argc >= 3);
    int rounds = atoi(argv[2]);
    const char *wss = argc > 4 ? argv[3] : NULL;
    wsaddin_result expected = argc > 4 ? atoi(argv[4]) : 0;
    struct left before = look(), warm = before;
    for (int round = 0; round < 30; round++) round_of_release(argv[1], round);
    /* It takes calls that follow each other closely, which a starved process may never get. */
    if (getenv("UNLOAD_STARVED") == NULL) {
        round_of_leader(argv[1]);
        puts("unload: led");
    }
    for (int round = 1; round <= rounds; round++) {
        one_round(argv[1], wss, expected, argc > 6 ? argv[5] : NULL, argc > 6 ? argv[6] : NULL);
        compare(round, before, &warm);
    }
    puts("unload: everything as before");
    return 0;
}
