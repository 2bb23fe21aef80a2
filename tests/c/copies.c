/*
 * Loads two copies of the library under different names, as two plug-ins that each bring their own: they talk with each
 * other and go one after the other, while connections of the first to go are open.
 * Usage: copies <library> <other copy> <rounds> <certificate> <key>
 */
#include "left.h"

#include <dlfcn.h>

#define FUNCTIONS(each)                                                                                              \
    each(wsaddin_error_description) each(wsaddin_client_new) each(wsaddin_client_free) each(wsaddin_client_connect)  \
    each(wsaddin_client_send_text) each(wsaddin_client_receive) each(wsaddin_client_set_verify_certificate)          \
    each(wsaddin_client_set_connect_timeout) each(wsaddin_server_new) each(wsaddin_server_free)                      \
    each(wsaddin_server_release) each(wsaddin_server_run) each(wsaddin_server_run_tls) each(wsaddin_server_get_port) \
    each(wsaddin_server_receive) each(wsaddin_server_send_text) each(wsaddin_message_connection)                     \
    each(wsaddin_message_data) each(wsaddin_message_size) each(wsaddin_message_free)

#define FIELD(name) __typeof__(name) *name;
struct copy {
    void *handle;
    FUNCTIONS(FIELD)
};

static struct copy *current;

void expect(const char *file, int line, const char *call, wsaddin_result result, wsaddin_result expected) {
    if (result == expected) return;
    fprintf(stderr, "%s:%d: %s is %d instead of %d; the last error is: %s\n", file, line, call, (int)result,
            (int)expected, current->wsaddin_error_description());
    abort();
}

static struct copy load(const char *path) {
    struct copy copy = {.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL)};
    if (copy.handle == NULL) fprintf(stderr, "%s\n", dlerror());
    CHECK(copy.handle != NULL);
#define FIND(name)                                                                                                   \
    *(void **)&copy.name = dlsym(copy.handle, #name);                                                                \
    CHECK(copy.name != NULL);
    FUNCTIONS(FIND)
    return copy;
}

/* One copy's client talks with the other's server; the connection stays open. */
static void talk(struct copy *from, struct copy *to, const char *certificate, const char *key) {
    wsaddin_server server;
    wsaddin_client client;
    wsaddin_message *message;
    char url[64];
    int64_t port;
    current = to;
    GOOD(to->wsaddin_server_new(&server));
    if (certificate != NULL) {
        GOOD(to->wsaddin_server_run_tls(server, WSADDIN_TEXT("127.0.0.1"), 0, certificate, strlen(certificate), key,
                                        strlen(key), NULL, 0));
    } else {
        GOOD(to->wsaddin_server_run(server, WSADDIN_TEXT("127.0.0.1"), 0));
    }
    GOOD(to->wsaddin_server_get_port(server, &port));
    current = from;
    GOOD(from->wsaddin_client_new(&client));
    GOOD(from->wsaddin_client_set_verify_certificate(client, 0));
    GOOD(from->wsaddin_client_set_connect_timeout(client, 4 * LONG));
    snprintf(url, sizeof url, "%s://127.0.0.1:%d/", certificate == NULL ? "ws" : "wss", (int)port);
    GOOD(from->wsaddin_client_connect(client, url, strlen(url)));
    for (int i = 0; i < 10; i++) {
        current = from;
        GOOD(from->wsaddin_client_send_text(client, WSADDIN_TEXT("there and back")));
        current = to;
        GOOD(to->wsaddin_server_receive(server, LONG, &message));
        GOOD(to->wsaddin_server_send_text(server, to->wsaddin_message_connection(message),
                                          to->wsaddin_message_data(message), to->wsaddin_message_size(message)));
        to->wsaddin_message_free(message);
        current = from;
        GOOD(from->wsaddin_client_receive(client, LONG, &message));
        CHECK(from->wsaddin_message_size(message) == 14);
        from->wsaddin_message_free(message);
    }
    /* Both go while the connection is open: the client's end, and then the server's, which may still be closing. */
    GOOD(from->wsaddin_client_free(client));
    current = to;
    GOOD(to->wsaddin_server_release(server));
}

int main(int argc, char **argv) {
    CHECK(argc == 6);
    int rounds = atoi(argv[3]);
    struct left before = look(), warm = before;
    for (int round = 1; round <= rounds; round++) {
        struct copy copies[] = {load(argv[1]), load(argv[2])};
        CHECK(copies[0].wsaddin_client_new != copies[1].wsaddin_client_new);
        talk(&copies[0], &copies[1], NULL, NULL);
        talk(&copies[1], &copies[0], argv[4], argv[5]);
        int first = round % 2;
        CHECK(dlclose(copies[first].handle) == 0);
        /* The one that is left works on. */
        talk(&copies[1 - first], &copies[1 - first], argv[4], argv[5]);
        CHECK(dlclose(copies[1 - first].handle) == 0);
        compare(round, before, &warm);
    }
    puts("copies: everything as before");
    return 0;
}
