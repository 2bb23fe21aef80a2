/*
 * Loads the library, uses it, unloads it, again and again, and looks what is left behind.
 * Usage: unload <library> <rounds> [<wss URL> <result that connecting gives> [<certificate> <key>]]
 */
#include "check.h"

#include <dirent.h>
#include <dlfcn.h>
#include <malloc.h>
#include <semaphore.h>
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
    each(wsaddin_client_set_verify_certificate)

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

struct left {
    int threads, descriptors, mapped;
    long resident_kib, used_kib;
};

static int entries(const char *folder) {
    DIR *directory = opendir(folder);
    CHECK(directory != NULL);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static struct left look(void) {
    struct left left = {entries("/proc/self/task"), entries("/proc/self/fd"), 0, 0, 0};
    char line[4096];
    long pages = 0, resident = 0;
    malloc_trim(0); /* what is free may go, so that the rest can be compared */
    FILE *file = fopen("/proc/self/maps", "r");
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) left.mapped |= strstr(line, "libwebsocket_addin") != NULL;
    fclose(file);
    file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL && fscanf(file, "%ld %ld", &pages, &resident) == 2);
    fclose(file);
    left.used_kib = (long)(mallinfo2().uordblks / 1024); /* what is allocated and not freed */
    left.resident_kib = resident * (sysconf(_SC_PAGESIZE) / 1024);
    return left;
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
    for (int i = 0; i < 2; i++) GOOD(lib.wsaddin_client_set_client_certificate(client, certificate, chain, key, own, NULL, 0));
    GOOD(lib.wsaddin_server_reload_certificate(server, NULL, 0, NULL, 0, NULL, 0));
    int size = snprintf(url, sizeof url, "wss://127.0.0.1:%d/", (int)port);
    GOOD(lib.wsaddin_client_connect(client, url, (size_t)size));
    GOOD(lib.wsaddin_client_free(client));
    GOOD(lib.wsaddin_server_free(server));
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
    for (int round = 1; round <= rounds; round++) {
        one_round(argv[1], wss, expected, argc > 6 ? argv[5] : NULL, argc > 6 ? argv[6] : NULL);
        struct left after = look();
        /* The kernel shows a joined thread for a moment more, our own as well as the library's: a second at the most. */
        for (int tries = 0; after.threads != before.threads && tries < 1000; tries++) {
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
            after = look();
        }
        printf("round %d: %d threads, %d descriptors, %ld KiB resident, %ld KiB in use\n", round,
               after.threads, after.descriptors, after.resident_kib, after.used_kib);
        fflush(stdout);
        CHECK(after.threads == before.threads && after.descriptors == before.descriptors);
        if (round == 5) warm = after;
        if (round <= 5) continue;
        /* native-tls keeps the paths of the system's certificates in a static, 1 KiB each time it is loaded. */
        CHECK(after.used_kib <= warm.used_kib + 16 + 3 * (round - 5));
        CHECK(after.resident_kib <= warm.resident_kib + 1024);
    }
    puts("unload: everything as before");
    return 0;
}
