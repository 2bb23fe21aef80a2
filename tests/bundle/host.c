/*
 * Loads a file of the bundle and uses its C interface: an echo server, clients that talk to it, close codes, errors,
 * TLS; then unloads it. Three rounds, since a second load finds what the first has left.
 * Usage: host <library> [<wss URL> <result of connecting> [<root certificate, DER, to trust: Windows only>]]
 */
#include "load.h"
#include "websocket_addin.h"

#define LIMIT 20000
#define BIG ((size_t)3 << 20)

#define FUNCTIONS(each)                                                                                              \
    each(version) each(error_description) each(client_new) each(client_free) each(client_connect)                    \
    each(client_disconnect) each(client_send_text) each(client_send_binary) each(client_receive)                     \
    each(client_get_close_code) each(client_get_status) each(server_new) each(server_free) each(server_run)          \
    each(server_stop) each(server_get_port) each(server_receive) each(server_send_text) each(server_send_binary)     \
    each(server_set_handler) each(server_disconnect) each(server_set_receive_queue_messages)                         \
    each(server_get_queued) each(set_log) each(message_event) each(message_kind) each(message_connection) each(message_data)       \
    each(message_size) each(message_free)

#define FIELD(name) __typeof__(wsaddin_##name) *name;
static struct { FUNCTIONS(FIELD) } ws;

#define GOOD(call) EXPECT(call, WSADDIN_OK)
#define EXPECT(call, expected) expect(__LINE__, #call, (call), (expected))

static void expect(int line, const char *call, wsaddin_result result, wsaddin_result expected) {
    if (result == expected) return;
    fprintf(stderr, "host.c:%d: %s is %d instead of %d: %s\n", line, call, (int)result, (int)expected,
            ws.error_description());
    exit(1);
}

static void take(wsaddin_message *message, wsaddin_result kind, const void *data, size_t size) {
    CHECK(ws.message_event(message) == WSADDIN_EVENT_MESSAGE && ws.message_kind(message) == kind);
    CHECK(ws.message_size(message) == size && memcmp(ws.message_data(message), data, size) == 0);
    ws.message_free(message);
}

/* On the I/O thread. */
static void echo(const wsaddin_message *message, void *user_data) {
    wsaddin_server server = *(wsaddin_server *)user_data;
    if (ws.message_event(message) != WSADDIN_EVENT_MESSAGE) return;
    if (ws.message_kind(message) == WSADDIN_KIND_TEXT)
        GOOD(ws.server_send_text(server, ws.message_connection(message), ws.message_data(message),
                                 ws.message_size(message)));
    else
        GOOD(ws.server_send_binary(server, ws.message_connection(message), ws.message_data(message),
                                   ws.message_size(message)));
}

static wsaddin_server start(void) {
    wsaddin_server server;
    GOOD(ws.server_new(&server));
    GOOD(ws.server_run(server, WSADDIN_TEXT("127.0.0.1"), 0));
    return server;
}

static wsaddin_client connected(wsaddin_server server) {
    wsaddin_client client;
    int64_t port;
    char url[64];
    GOOD(ws.server_get_port(server, &port));
    GOOD(ws.client_new(&client));
    GOOD(ws.client_connect(client, url, (size_t)sprintf(url, "ws://127.0.0.1:%d/", (int)port)));
    return client;
}

/* Both ways, text and binary, small and large, with a handler on the other side. */
static void conversation(void) {
    static const char text[] = "ase1\xD0\xA6\xD0\xA3 \0 \xF0\x9F\x98\x80";
    wsaddin_server server;
    wsaddin_client client;
    wsaddin_message *message;
    int32_t clean;
    unsigned char *big = malloc(BIG);
    CHECK(big != NULL);
    for (size_t i = 0; i < BIG; i++) big[i] = (unsigned char)(i * 31 + i / 251);
    GOOD(ws.server_new(&server));
    GOOD(ws.server_set_handler(server, echo, &server));
    GOOD(ws.server_run(server, WSADDIN_TEXT("127.0.0.1"), 0));
    client = connected(server);
    for (int i = 0; i < 100; i++) {
        GOOD(ws.client_send_text(client, text, sizeof text - 1));
        GOOD(ws.client_receive(client, LIMIT, &message));
        take(message, WSADDIN_KIND_TEXT, text, sizeof text - 1);
    }
    GOOD(ws.client_send_binary(client, big, BIG));
    GOOD(ws.client_receive(client, LIMIT, &message));
    take(message, WSADDIN_KIND_BINARY, big, BIG);
    EXPECT(ws.client_receive(client, 20, &message), WSADDIN_TIMEOUT);
    GOOD(ws.client_disconnect(client, 1000, NULL, 0, &clean));
    CHECK(clean == 1);
    EXPECT(ws.client_send_text(client, text, 1), WSADDIN_NOT_CONNECTED);
    GOOD(ws.client_free(client));
    GOOD(ws.server_free(server));
    free(big);
}

/* A queue of four makes the sender wait; nothing is lost or out of order. */
static void backpressure(void) {
    enum { MESSAGES = 200, SIZE = 64 << 10 };
    wsaddin_server server = start();
    wsaddin_client client;
    wsaddin_message *message;
    unsigned char *data = malloc(SIZE);
    int64_t queued;
    CHECK(data != NULL);
    GOOD(ws.server_set_receive_queue_messages(server, 4));
    client = connected(server);
    for (int i = 0; i < MESSAGES; i++) {
        memset(data, i, SIZE);
        GOOD(ws.client_send_binary(client, data, SIZE));
    }
    for (int i = 0; i < MESSAGES; i++) {
        GOOD(ws.server_get_queued(server, &queued));
        CHECK(queued <= 5);
        GOOD(ws.server_receive(server, LIMIT, &message));
        memset(data, i, SIZE);
        take(message, WSADDIN_KIND_BINARY, data, SIZE);
    }
    free(data);
    GOOD(ws.client_free(client));
    GOOD(ws.server_free(server));
}

static void closing(void) {
    wsaddin_server server = start();
    wsaddin_client client = connected(server), other = connected(server);
    wsaddin_message *message;
    int64_t code;
    GOOD(ws.client_send_text(client, WSADDIN_TEXT("who is it")));
    GOOD(ws.server_receive(server, LIMIT, &message));
    GOOD(ws.server_disconnect(server, ws.message_connection(message), 4321, WSADDIN_TEXT("enough")));
    ws.message_free(message);
    EXPECT(ws.client_receive(client, LIMIT, &message), WSADDIN_CLOSED);
    GOOD(ws.client_get_close_code(client, &code));
    CHECK(code == 4321);
    GOOD(ws.server_stop(server));
    EXPECT(ws.client_receive(other, LIMIT, &message), WSADDIN_CLOSED);
    GOOD(ws.client_get_close_code(other, &code));
    CHECK(code == 1001);
    /* The port is free again, and the connection is refused. */
    EXPECT(ws.client_connect(other, WSADDIN_TEXT("ws://127.0.0.1:1/")), WSADDIN_REFUSED);
    EXPECT(ws.client_connect(other, WSADDIN_TEXT("wss://127.0.0.1:1/")), WSADDIN_REFUSED);
    EXPECT(ws.client_connect(other, WSADDIN_TEXT("http://127.0.0.1/")), WSADDIN_BAD_ARGUMENT);
    CHECK(ws.error_description()[0] != '\0');
    GOOD(ws.client_free(client));
    GOOD(ws.client_free(other));
    GOOD(ws.server_free(server));
    EXPECT(ws.client_free(client), WSADDIN_BAD_HANDLE);
}

/* The standard library of Windows takes names in another encoding. */
static FILE *open_utf8(const char *path, const char *mode) {
#ifdef _WIN32
    wchar_t wide_path[64], wide_mode[8];
    MultiByteToWideChar(CP_UTF8, 0, path, -1, wide_path, 64);
    MultiByteToWideChar(CP_UTF8, 0, mode, -1, wide_mode, 8);
    return _wfopen(wide_path, wide_mode);
#else
    return fopen(path, mode);
#endif
}

/* What one connection leaves in the log, in a file whose name is not ASCII. */
static void logging(void) {
    static const char path[] = "\xD0\xB6\xD1\x83\xD1\x80\xD0\xBD\xD0\xB0\xD0\xBB.log";
    char text[16384];
    size_t size;
    FILE *file = open_utf8(path, "wb");
    wsaddin_server server;
    wsaddin_client client;
    int32_t clean;
    CHECK(file != NULL);
    fclose(file);
    GOOD(ws.set_log(path, sizeof path - 1, WSADDIN_LOG_FRAMES));
    server = start();
    client = connected(server);
    GOOD(ws.client_send_text(client, WSADDIN_TEXT("to the log")));
    GOOD(ws.client_disconnect(client, 1000, NULL, 0, &clean));
    GOOD(ws.client_free(client));
    GOOD(ws.server_free(server));
    GOOD(ws.set_log(NULL, 0, WSADDIN_LOG_INFO));
    file = open_utf8(path, "rb");
    CHECK(file != NULL);
    size = fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    fclose(file);
    CHECK(strstr(text, " open: 127.0.0.1:") != NULL && strstr(text, "\"to the log\"") != NULL);
    CHECK(strstr(text, "closed by us: 1000") != NULL);
}

static void tls(const char *url, wsaddin_result expected) {
    wsaddin_client client;
    GOOD(ws.client_new(&client));
    EXPECT(ws.client_connect(client, url, strlen(url)), expected);
    if (expected == WSADDIN_OK) {
        wsaddin_message *message;
        int32_t clean;
        GOOD(ws.client_send_text(client, WSADDIN_TEXT("over TLS")));
        GOOD(ws.client_receive(client, LIMIT, &message));
        take(message, WSADDIN_KIND_TEXT, "over TLS", 8);
        GOOD(ws.client_disconnect(client, 1000, NULL, 0, &clean));
        CHECK(clean == 1);
    } else {
        CHECK(strstr(ws.error_description(), "certificate") != NULL);
    }
    GOOD(ws.client_free(client));
}

#ifdef _WIN32
#include <wincrypt.h>

/* Into the user's store of roots; Wine asks nobody. */
static void trust(const char *path) {
    unsigned char data[8192];
    FILE *file = fopen(path, "rb");
    HCERTSTORE store = CertOpenSystemStoreA(0, "ROOT");
    size_t size;
    CHECK(file != NULL && store != NULL);
    size = fread(data, 1, sizeof data, file);
    CHECK(CertAddEncodedCertificateToStore(store, X509_ASN_ENCODING, data, (DWORD)size, CERT_STORE_ADD_REPLACE_EXISTING,
                                           NULL));
    fclose(file);
    CertCloseStore(store, 0);
}
#else
static void trust(const char *path) { CHECK(path == NULL); }
#endif

int main(int argc, char **argv) {
    CHECK(argc >= 2);
    if (argc > 4) trust(argv[4]);
    for (int round = 0; round < 3; round++) {
        void *library = load(argv[1]);
#define BIND(name) FIND(library, ws.name, "wsaddin_" #name);
        FUNCTIONS(BIND)
        CHECK(ws.version()[0] != '\0');
        conversation();
        backpressure();
        closing();
        logging();
        if (argc > 3) tls(argv[2], atoi(argv[3]));
        unload(library, argv[1]);
    }
    puts("host: everything as expected");
    return 0;
}
