/* A process whose memory is limited (RLIMIT_AS) lives on whatever its peers send: what finds no memory ends its own
 * connection with 1011 and says why, all others go on, and once there is memory again everything works. The peers are a
 * child, which was forked before the library had an object. */
#include "websocket_addin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONG 120000
#define LARGE ((size_t)24 << 20)
#define PEERS 4
/* Not all large messages find room. */
#define ROOM ((rlim_t)40 << 20)
/* A text of `[0,0,…]`, of which a tree would take many times the room that is left. */
#define ZEROS ((size_t)32 << 20)

#define CHECK(condition)                                                                                             \
    do {                                                                                                             \
        if (!(condition)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, wsaddin_error_description());        \
            abort();                                                                                                 \
        }                                                                                                            \
    } while (0)
#define GOOD(call) CHECK((call) == WSADDIN_OK)

static int to_child[2], to_parent[2];

static void tell(int place, int64_t what) { CHECK(write(place, &what, sizeof what) == sizeof what); }

static int64_t hear(int place) {
    int64_t what;
    CHECK(read(place, &what, sizeof what) == sizeof what);
    return what;
}

static wsaddin_client connected(int64_t port) {
    wsaddin_client client;
    char url[64];
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/", (int)port);
    GOOD(wsaddin_client_new(&client));
    GOOD(wsaddin_client_set_compression(client, 0));
    GOOD(wsaddin_client_connect(client, url, strlen(url)));
    return client;
}

static wsaddin_server running(void) {
    wsaddin_server server;
    GOOD(wsaddin_server_new(&server));
    GOOD(wsaddin_server_set_compression(server, 0));
    GOOD(wsaddin_server_set_send_queue_bytes(server, 1 << 26));
    GOOD(wsaddin_server_run(server, "127.0.0.1", 9, 0));
    return server;
}

static int64_t port_of(wsaddin_server server) {
    int64_t port;
    GOOD(wsaddin_server_get_port(server, &port));
    return port;
}

/* --- the peers ------------------------------------------------------------------------------------------------------ */

static void is_answered(wsaddin_client client) {
    wsaddin_message *message;
    GOOD(wsaddin_client_send_text(client, "small", 5));
    GOOD(wsaddin_client_receive(client, LONG, &message));
    CHECK(wsaddin_message_size(message) == 5);
    wsaddin_message_free(message);
}

static void serve_a_request(void) {
    static const char begin[] = "{\"zeros\":[0", end[] = "]}";
    wsaddin_server server = running();
    wsaddin_message *message;
    tell(to_parent[1], port_of(server));
    GOOD(wsaddin_server_receive(server, LONG, &message));
    uint64_t connection = wsaddin_message_connection(message);
    char *zeros = malloc(ZEROS);
    CHECK(zeros);
    for (size_t at = 0; at < ZEROS; at += 2) memcpy(zeros + at, ",0", 2);
    memcpy(zeros, begin, sizeof begin - 1);
    memcpy(zeros + ZEROS - sizeof end + 1, end, sizeof end - 1);
    /* Behind `[0` a comma has to follow. */
    zeros[sizeof begin - 1] = ',';
    for (size_t at = sizeof begin; at < ZEROS - sizeof end; at += 2) memcpy(zeros + at, "0,", 2);
    zeros[ZEROS - sizeof end] = '0';
    GOOD(wsaddin_server_send_text(server, connection, zeros, ZEROS));
    free(zeros);
    /* The request itself is the reply: it holds its own id. */
    GOOD(wsaddin_server_send_text(server, connection, wsaddin_message_data(message), wsaddin_message_size(message)));
    wsaddin_message_free(message);
    hear(to_child[0]);
    GOOD(wsaddin_server_free(server));
}

static int peers(void) {
    int64_t port = hear(to_child[0]);
    wsaddin_client small = connected(port), large[PEERS];
    char *data = calloc(1, LARGE);
    int refused = 0;
    CHECK(data);
    is_answered(small);
    tell(to_parent[1], 0);
    hear(to_child[0]);
    for (int peer = 0; peer < PEERS; peer++) {
        large[peer] = connected(port);
        GOOD(wsaddin_client_send_binary(large[peer], data, LARGE));
    }
    is_answered(small);
    for (int peer = 0; peer < PEERS; peer++) {
        wsaddin_message *message;
        /* Who is refused reads the close; the others wait for nothing. */
        wsaddin_result result = wsaddin_client_receive(large[peer], 10000, &message);
        int64_t code;
        CHECK(result == WSADDIN_CLOSED || result == WSADDIN_TIMEOUT);
        GOOD(wsaddin_client_get_close_code(large[peer], &code));
        refused += code == 1011;
        CHECK(result == (code == 1011 ? WSADDIN_CLOSED : WSADDIN_TIMEOUT));
    }
    is_answered(small);
    tell(to_parent[1], refused);
    hear(to_child[0]);
    for (int peer = 0; peer < PEERS; peer++) GOOD(wsaddin_client_free(large[peer]));
    large[0] = connected(port);
    GOOD(wsaddin_client_send_binary(large[0], data, LARGE));
    free(data);
    hear(to_child[0]);
    GOOD(wsaddin_client_free(large[0]));
    GOOD(wsaddin_client_free(small));
    serve_a_request();
    return 0;
}

/* --- the limited process -------------------------------------------------------------------------------------------- */

static void limit(rlim_t room) {
    struct rlimit memory;
    unsigned long pages = 0;
    CHECK(getrlimit(RLIMIT_AS, &memory) == 0);
    memory.rlim_cur = memory.rlim_max;
    if (room) {
        FILE *file = fopen("/proc/self/statm", "r");
        CHECK(file && fscanf(file, "%lu", &pages) == 1);
        fclose(file);
        memory.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + room;
    }
    CHECK(setrlimit(RLIMIT_AS, &memory) == 0);
}

/* Takes events until a large message has come, which is the caller's, or the child says something. */
static wsaddin_message *serve(wsaddin_server server, int *refused) {
    wsaddin_message *message;
    for (;;) {
        wsaddin_result result = wsaddin_server_receive_event(server, 1000, &message);
        CHECK(result == WSADDIN_OK || result == WSADDIN_TIMEOUT);
        if (result == WSADDIN_TIMEOUT) return NULL;
        size_t size = wsaddin_message_size(message);
        const char *data = (const char *)wsaddin_message_data(message);
        wsaddin_event event = wsaddin_message_event(message);
        if (event == WSADDIN_EVENT_MESSAGE && size == LARGE) return message;
        if (event == WSADDIN_EVENT_MESSAGE)
            GOOD(wsaddin_server_send_text(server, wsaddin_message_connection(message), data, size));
        if (event == WSADDIN_EVENT_CLOSE && memmem(data, size, "1011", 4)) {
            CHECK(memmem(data, size, "memory", 6));
            ++*refused;
        }
        wsaddin_message_free(message);
    }
}

static int is_there(int place) {
    fd_set set;
    struct timeval now = {0, 0};
    FD_ZERO(&set);
    FD_SET(place, &set);
    return select(place + 1, &set, NULL, NULL, &now) == 1;
}

int main(void) {
    CHECK(pipe(to_child) == 0 && pipe(to_parent) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    /* Each keeps its own ends, so that neither waits for the other when that one has failed. */
    close(child ? to_child[0] : to_child[1]);
    close(child ? to_parent[1] : to_parent[0]);
    if (child == 0) _exit(peers());
    alarm(200);
    wsaddin_server server = running();
    wsaddin_message *held[PEERS] = {NULL};
    int refused = 0, kept = 0;
    tell(to_child[1], port_of(server));
    while (!is_there(to_parent[0])) CHECK(!serve(server, &refused));
    hear(to_parent[0]);
    limit(ROOM);
    tell(to_child[1], 0);
    while (!is_there(to_parent[0])) {
        wsaddin_message *message = serve(server, &refused);
        if (message) held[kept++] = message;
    }
    int64_t theirs = hear(to_parent[0]);
    CHECK(refused > 0 && theirs == refused && kept + refused == PEERS);
    for (int at = 0; at < kept; at++) wsaddin_message_free(held[at]);
    limit(0);
    tell(to_child[1], 0);
    wsaddin_message *message = NULL;
    while (!message) message = serve(server, &refused);
    wsaddin_message_free(message);
    tell(to_child[1], 0);
    GOOD(wsaddin_server_free(server));

    /* A request that waits looks at what is no reply without building anything of it. */
    static const char text[] = "{\"id\":\"a request\"}";
    wsaddin_client client = connected(hear(to_parent[0]));
    limit(ZEROS + ((rlim_t)24 << 20));
    GOOD(wsaddin_client_request(client, text, sizeof text - 1, LONG, "id", 2, NULL, 0, &message));
    CHECK(wsaddin_message_size(message) == sizeof text - 1);
    wsaddin_message_free(message);
    GOOD(wsaddin_client_receive(client, LONG, &message));
    CHECK(wsaddin_message_size(message) == ZEROS);
    wsaddin_message_free(message);
    limit(0);
    tell(to_child[1], 0);
    GOOD(wsaddin_client_free(client));
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    printf("scarce: everything as expected, %d refused\n", refused);
    return 0;
}
