/* Calls that race with free, and blocked calls that others wake. */
#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#define THREADS 6

struct race {
    wsaddin_server server;
    wsaddin_client client;
    char url[64];
    atomic_int started, bad;
};

static void allowed(wsaddin_result result) {
    CHECK(result <= WSADDIN_NOT_FOUND && result > WSADDIN_PANIC);
}

static void ignore(const wsaddin_message *message, void *user_data) {
    (void)message;
    (void)user_data;
}

/* Calls everything until both handles are bad. */
static void *racer(void *argument) {
    struct race *race = argument;
    unsigned turn = (unsigned)atomic_fetch_add(&race->started, 1);
    wsaddin_result client_result = 0, server_result = 0;
    wsaddin_message *message;
    char text[64];
    size_t needed, index;
    int64_t value;
    int32_t clean;
    while (client_result != WSADDIN_BAD_HANDLE || server_result != WSADDIN_BAD_HANDLE) {
        message = NULL;
        switch (turn++ % 18) {
        case 0: client_result = wsaddin_client_send_text(race->client, WSADDIN_TEXT("racing")); break;
        case 1: client_result = wsaddin_client_receive(race->client, 5, &message); break;
        case 2: client_result = wsaddin_client_get_server(race->client, text, sizeof text, &needed); break;
        case 3: client_result = wsaddin_client_ping(race->client, 20, &value); break;
        case 4: client_result = wsaddin_client_connect(race->client, race->url, strlen(race->url)); break;
        case 5: client_result = wsaddin_client_set_handler(race->client, turn % 2 ? ignore : NULL, NULL); break;
        case 6: server_result = wsaddin_server_broadcast_binary(race->server, WSADDIN_TEXT("all"), &value); break;
        case 7: server_result = wsaddin_server_receive_event(race->server, 5, &message); break;
        case 8: server_result = wsaddin_server_connection_list(race->server, text, sizeof text, &needed); break;
        case 9: allowed(wsaddin_wait_any((uint64_t[]){race->client.id, race->server.id}, 2, 5, &index)); break;
        case 10: server_result = wsaddin_server_set_name(race->server, turn % 3, WSADDIN_TEXT("ann")); break;
        case 11: server_result = wsaddin_server_send_to_name_text(race->server, WSADDIN_TEXT("ann"), WSADDIN_TEXT("x")); break;
        case 12: server_result = wsaddin_server_join_group(race->server, turn % 3, WSADDIN_TEXT("all")); break;
        case 13: server_result = wsaddin_server_leave_group(race->server, turn % 3, WSADDIN_TEXT("all")); break;
        case 14:
            server_result = wsaddin_server_broadcast_group_text(race->server, WSADDIN_TEXT("all"), WSADDIN_TEXT("x"), &value);
            break;
        case 15: server_result = wsaddin_server_set_manual_accept(race->server, turn % 2); break;
        case 16:
            server_result = turn % 3 ? wsaddin_server_accept(race->server, turn % 5)
                                     : wsaddin_server_reject(race->server, turn % 5, 403, NULL, 0);
            break;
        default:
            if (turn % 3 == 0) client_result = wsaddin_client_disconnect(race->client, 1000, NULL, 0, &clean);
        }
        allowed(client_result);
        allowed(server_result);
        wsaddin_message_free(message);
    }
    atomic_fetch_add(&race->bad, 1);
    return NULL;
}

static void *freer(void *argument) {
    struct race *race = argument;
    wsaddin_result client = wsaddin_client_free(race->client);
    wsaddin_result server = wsaddin_server_free(race->server);
    CHECK(client == WSADDIN_OK || client == WSADDIN_BAD_HANDLE);
    CHECK(server == WSADDIN_OK || server == WSADDIN_BAD_HANDLE);
    return (client == WSADDIN_OK) + (server == WSADDIN_OK) ? argument : NULL;
}

void races_with_free(int rounds) {
    for (int round = 0; round < rounds; round++) {
        struct race race = {.started = 0};
        pthread_t threads[THREADS], freers[2];
        race.server = running_server();
        snprintf(race.url, sizeof race.url, "ws://127.0.0.1:%d/",
                 (int)server_number(wsaddin_server_get_port, race.server));
        GOOD(wsaddin_client_new(&race.client));
        connect_to(race.client, race.server);
        for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, racer, &race) == 0);
        while (race.started < THREADS) pause_ms(1);
        pause_ms(round % 7);
        for (int i = 0; i < 2; i++) CHECK(pthread_create(&freers[i], NULL, freer, &race) == 0);
        for (int i = 0; i < 2; i++) CHECK(pthread_join(freers[i], NULL) == 0);
        for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(race.bad == THREADS);
    }
}

/* One call that blocks, its result, and how long it took. */
struct blocked {
    wsaddin_client client;
    wsaddin_server server;
    uint64_t connection;
    char url[64];
    atomic_int entered;
    wsaddin_result result;
    int64_t left;
};

static void *connecting(void *argument) {
    struct blocked *call = argument;
    call->entered = 1;
    call->result = wsaddin_client_connect(call->client, call->url, strlen(call->url));
    call->left = now_ms();
    return NULL;
}

static void *receiving(void *argument) {
    struct blocked *call = argument;
    wsaddin_message *message;
    call->entered = 1;
    call->result = wsaddin_client_receive(call->client, WSADDIN_WAIT_FOREVER, &message);
    CHECK(message == NULL);
    call->left = now_ms();
    return NULL;
}

static void *server_receiving(void *argument) {
    struct blocked *call = argument;
    wsaddin_message *message;
    call->entered = 1;
    call->result = wsaddin_server_receive(call->server, WSADDIN_WAIT_FOREVER, &message);
    CHECK(message == NULL);
    call->left = now_ms();
    return NULL;
}

/* Valgrind runs one thread at a time, so the promised 100 ms are only measured without it. */
static int64_t promised(void) {
    return getenv("HARNESS_SLOW") != NULL ? LONG : 100;
}

static pthread_t block(void *(*function)(void *), struct blocked *call) {
    pthread_t thread;
    call->entered = 0;
    CHECK(pthread_create(&thread, NULL, function, call) == 0);
    while (!call->entered) pause_ms(1);
    pause_ms(30); /* most likely inside by now; the result is the same if not */
    return thread;
}

static void joined(pthread_t thread, struct blocked *call, int64_t since, wsaddin_result result) {
    CHECK(pthread_join(thread, NULL) == 0);
    EXPECT(call->result, result);
    if (call->left - since > promised()) fprintf(stderr, "woken after %d ms\n", (int)(call->left - since));
    CHECK(call->left - since <= promised());
}

void waking_blocked_calls(void) {
    struct blocked call;
    int32_t clean;
    memset(&call, 0, sizeof call);
    call.connection = pair(&call.server, &call.client);

    pthread_t thread = block(receiving, &call);
    int64_t since = now_ms();
    GOOD(wsaddin_client_disconnect(call.client, 1000, NULL, 0, &clean));
    joined(thread, &call, since, WSADDIN_CLOSED);

    connect_to(call.client, call.server);
    thread = block(receiving, &call);
    since = now_ms();
    GOOD(wsaddin_client_free(call.client));
    joined(thread, &call, since, WSADDIN_CANCELLED);

    thread = block(server_receiving, &call);
    since = now_ms();
    GOOD(wsaddin_server_stop(call.server));
    joined(thread, &call, since, WSADDIN_CLOSED);
    GOOD(wsaddin_server_run(call.server, WSADDIN_TEXT("*"), 0));
    thread = block(server_receiving, &call);
    since = now_ms();
    GOOD(wsaddin_server_free(call.server));
    joined(thread, &call, since, WSADDIN_CANCELLED);

    /* A server that accepts the connection and never answers. */
    int silent = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    CHECK(silent >= 0 && bind(silent, (struct sockaddr *)&address, size) == 0 && listen(silent, 8) == 0);
    CHECK(getsockname(silent, (struct sockaddr *)&address, &size) == 0);
    snprintf(call.url, sizeof call.url, "ws://127.0.0.1:%d/", ntohs(address.sin_port));
    GOOD(wsaddin_client_new(&call.client));
    thread = block(connecting, &call);
    EXPECT(wsaddin_client_connect(call.client, call.url, strlen(call.url)), WSADDIN_CONNECTING);
    CHECK(number(wsaddin_client_get_ready_state, call.client) == 0);
    since = now_ms();
    GOOD(wsaddin_client_disconnect(call.client, 1000, NULL, 0, &clean));
    CHECK(clean == 0);
    joined(thread, &call, since, WSADDIN_CANCELLED);
    CHECK(number(wsaddin_client_get_status, call.client) == 0);
    thread = block(connecting, &call);
    since = now_ms();
    GOOD(wsaddin_client_free(call.client));
    joined(thread, &call, since, WSADDIN_CANCELLED);

    GOOD(wsaddin_client_new(&call.client));
    GOOD(wsaddin_client_set_connect_timeout(call.client, 100));
    EXPECT(wsaddin_client_connect(call.client, call.url, strlen(call.url)), WSADDIN_CONNECT_TIMEOUT);
    CHECK(said("100 ms"));
    GOOD(wsaddin_client_free(call.client));
    close(silent);
}
