/* Handlers on the I/O thread, and waiting for any of several objects. */
#include "check.h"

#include <stdatomic.h>

struct seen {
    wsaddin_server server;
    wsaddin_client client;
    uint64_t other; /* an object that is not the handler's own */
    atomic_int opens, messages, closes, inside;
    wsaddin_message *kept;
    int remove_at; /* the number of the message that takes the handler away */
};

static void forbidden(struct seen *seen, uint64_t connection) {
    wsaddin_message *none;
    size_t index;
    int64_t value;
#define DEADLOCK(call) EXPECT(call, WSADDIN_WOULD_DEADLOCK)
    wsaddin_client new_client;
    wsaddin_server new_server;
    DEADLOCK(wsaddin_client_new(&new_client));
    DEADLOCK(wsaddin_server_new(&new_server));
    DEADLOCK(wsaddin_server_run(seen->server, WSADDIN_TEXT("127.0.0.1"), 0));
    DEADLOCK(wsaddin_server_run_tls(seen->server, WSADDIN_TEXT("127.0.0.1"), 0, WSADDIN_TEXT("none"), NULL, 0, NULL, 0));
    DEADLOCK(wsaddin_server_free(seen->server));
    DEADLOCK(wsaddin_client_free(seen->client));
    DEADLOCK(wsaddin_server_stop(seen->server));
    DEADLOCK(wsaddin_client_connect(seen->client, WSADDIN_TEXT("ws://127.0.0.1:1/")));
    DEADLOCK(wsaddin_server_ping(seen->server, connection, 1000, &value));
    DEADLOCK(wsaddin_client_ping(seen->client, 1000, &value));
    DEADLOCK(wsaddin_client_request(seen->client, WSADDIN_TEXT("{}"), 1000, WSADDIN_TEXT("id"), NULL, 0, &none));
    DEADLOCK(wsaddin_client_receive(seen->client, WSADDIN_WAIT_FOREVER, &none));
    DEADLOCK(wsaddin_client_receive_event(seen->client, WSADDIN_WAIT_FOREVER, &none));
    DEADLOCK(wsaddin_server_receive(seen->server, WSADDIN_WAIT_FOREVER, &none));
    DEADLOCK(wsaddin_server_receive_event(seen->server, WSADDIN_WAIT_FOREVER, &none));
    DEADLOCK(wsaddin_wait_any(&seen->other, 1, WSADDIN_WAIT_FOREVER, &index));
    CHECK(said("I/O thread"));
}

/* Expects the messages "0", "1", "2", ...; answers each with itself. */
static void on_server(const wsaddin_message *message, void *user_data) {
    struct seen *seen = user_data;
    CHECK(atomic_fetch_add(&seen->inside, 1) == 0); /* never two at once */
    uint64_t connection = wsaddin_message_connection(message);
    char expected[16];
    switch (wsaddin_message_event(message)) {
    case WSADDIN_EVENT_OPEN: seen->opens++; break;
    case WSADDIN_EVENT_CLOSE: seen->closes++; break;
    case WSADDIN_EVENT_MESSAGE:
        snprintf(expected, sizeof expected, "%d", (int)seen->messages);
        CHECK(wsaddin_message_size(message) == strlen(expected));
        CHECK(memcmp(wsaddin_message_data(message), expected, strlen(expected)) == 0);
        if (seen->messages == 1) {
            forbidden(seen, connection);
            GOOD(wsaddin_message_keep(message, &seen->kept));
            wsaddin_message_free((wsaddin_message *)message); /* not ours: nothing happens */
        }
        GOOD(wsaddin_server_send_text(seen->server, connection, expected, strlen(expected)));
        if (seen->messages == seen->remove_at) GOOD(wsaddin_server_set_handler(seen->server, NULL, NULL));
        seen->messages++;
        break;
    default: CHECK(!"an event that a server does not have");
    }
    atomic_fetch_sub(&seen->inside, 1);
}

static void on_client(const wsaddin_message *message, void *user_data) {
    struct seen *seen = user_data;
    int32_t clean;
    switch (wsaddin_message_event(message)) {
    case WSADDIN_EVENT_MESSAGE:
        if (++seen->messages == 100) {
            GOOD(wsaddin_client_disconnect(seen->client, 1000, WSADDIN_TEXT("done"), &clean)); /* only starts it */
        }
        break;
    case WSADDIN_EVENT_CLOSE: seen->closes++; break;
    default: seen->opens++;
    }
}

static void send_numbers(wsaddin_client client, int from, int to) {
    char text[16];
    for (int i = from; i < to; i++) {
        int size = snprintf(text, sizeof text, "%d", i);
        GOOD(wsaddin_client_send_text(client, text, (size_t)size));
    }
}

static void wait_for(atomic_int *counter, int value) {
    int64_t limit = now_ms() + LONG;
    while (*counter < value) {
        CHECK(now_ms() < limit);
        pause_ms(1);
    }
}

void handlers(void) {
    struct seen at_server = {.remove_at = -1}, at_client = {.remove_at = -1};
    wsaddin_message *message;
    pair(&at_server.server, &at_server.client);
    at_server.other = at_server.client.id;
    at_client.client = at_server.client;

    /* What waits in the queue comes first. */
    send_numbers(at_server.client, 0, 10);
    int64_t limit = now_ms() + LONG;
    while (server_number(wsaddin_server_get_queued, at_server.server) < 10) CHECK(now_ms() < limit);
    GOOD(wsaddin_server_set_handler(at_server.server, on_server, &at_server));
    send_numbers(at_server.client, 10, 200);
    wait_for(&at_server.messages, 200);
    EXPECT(wsaddin_server_receive(at_server.server, LONG, &message), WSADDIN_HANDLER_SET);
    EXPECT(wsaddin_server_receive_event(at_server.server, WSADDIN_NO_WAIT, &message), WSADDIN_HANDLER_SET);
    CHECK(message == NULL);
    take_text(at_server.kept, "1", 1);

    /* Taken away it runs no more, and the queue works again. */
    GOOD(wsaddin_server_set_handler(at_server.server, NULL, NULL));
    GOOD(wsaddin_server_set_handler(at_server.server, NULL, NULL));
    send_numbers(at_server.client, 200, 201);
    GOOD(wsaddin_server_receive(at_server.server, LONG, &message));
    take_text(message, "200", 3);
    CHECK(at_server.messages == 200);

    /* Taken away from inside: that run is the last one. */
    at_server.messages = 300;
    at_server.remove_at = 301;
    GOOD(wsaddin_server_set_handler(at_server.server, on_server, &at_server));
    send_numbers(at_server.client, 300, 303);
    wait_for(&at_server.messages, 302);
    GOOD(wsaddin_server_receive(at_server.server, LONG, &message));
    take_text(message, "302", 3);
    CHECK(at_server.messages == 302);

    /* A client's handler, with 204 answers waiting, which closes from inside. */
    GOOD(wsaddin_client_set_handler(at_client.client, on_client, &at_client));
    wait_for(&at_client.closes, 1);
    EXPECT(wsaddin_client_receive(at_client.client, LONG, &message), WSADDIN_HANDLER_SET);
    GOOD(wsaddin_client_set_handler(at_client.client, NULL, NULL));
    CHECK(at_client.messages >= 100 && at_client.opens == 0); /* what was queued before is still handed over */

    /* Freed with its handler set. */
    at_server.messages = 400;
    at_server.remove_at = -1;
    connect_to(at_server.client, at_server.server);
    GOOD(wsaddin_server_set_handler(at_server.server, on_server, &at_server));
    send_numbers(at_server.client, 400, 401);
    wait_for(&at_server.messages, 401);
    GOOD(wsaddin_server_free(at_server.server));
    GOOD(wsaddin_client_free(at_client.client));
    CHECK(at_server.opens > 0 && at_server.opens == at_server.closes - 1 && at_server.inside == 0);
}

/* A handler that owns what it uses, and lets go of its own object. */
struct owner {
    wsaddin_client client;
    atomic_int *ended;
};

static void end_owner(void *user_data) {
    struct owner *owner = user_data;
    (*owner->ended)++;
    free(owner);
}

static void let_go(const wsaddin_message *message, void *user_data) {
    struct owner *owner = user_data;
    int ended = *owner->ended;
    if (wsaddin_message_event(message) != WSADDIN_EVENT_MESSAGE) return;
    GOOD(wsaddin_client_release(owner->client));
    EXPECT(wsaddin_client_release(owner->client), WSADDIN_BAD_HANDLE);
    CHECK(*owner->ended == ended); /* not while it runs */
}

static void nothing(const wsaddin_message *message, void *user_data) { (void)message, (void)user_data; }

void releasing(void) {
    atomic_int ended = 0;
    wsaddin_server server;
    wsaddin_client client;
    wsaddin_message *message;
    uint64_t connection = pair(&server, &client);
    struct owner *owner = malloc(sizeof *owner);
    CHECK(owner != NULL);
    *owner = (struct owner){client, &ended};
    GOOD(wsaddin_client_set_owned_handler(client, let_go, owner, end_owner));
    GOOD(wsaddin_server_send_text(server, connection, WSADDIN_TEXT("x")));
    wsaddin_result second = wsaddin_server_send_text(server, connection, WSADDIN_TEXT("never seen"));
    CHECK(second == WSADDIN_OK || second == WSADDIN_CLOSED); /* the client may have gone by then */
    wait_for(&ended, 1);
    GOOD(wsaddin_server_receive_event(server, LONG, &message));
    CHECK(wsaddin_message_event(message) == WSADDIN_EVENT_CLOSE);
    char text[256] = {0};
    CHECK(wsaddin_message_size(message) < sizeof text);
    memcpy(text, wsaddin_message_data(message), wsaddin_message_size(message));
    CHECK(strstr(text, "1001") != NULL);
    wsaddin_message_free(message);
    GOOD(wsaddin_server_set_owned_handler(server, nothing, NULL, NULL));
    GOOD(wsaddin_server_release(server));
    EXPECT(wsaddin_server_stop(server), WSADDIN_BAD_HANDLE);
}

static void *free_soon(void *client) {
    pause_ms(50);
    GOOD(wsaddin_client_free(*(wsaddin_client *)client));
    return NULL;
}

void waiting_for_any(void) {
    wsaddin_server server;
    wsaddin_client client, second;
    wsaddin_message *message;
    size_t index;
    uint64_t connection = pair(&server, &client);
    GOOD(wsaddin_client_new(&second));
    uint64_t both[] = {server.id, client.id};
    int64_t before = now_ms();
    index = 7;
    EXPECT(wsaddin_wait_any(both, 2, 30, &index), WSADDIN_TIMEOUT);
    CHECK(index == 0 && now_ms() - before >= 29);
    EXPECT(wsaddin_wait_any(both, 2, WSADDIN_NO_WAIT, &index), WSADDIN_TIMEOUT);

    /* It tells the same until the message was taken. */
    GOOD(wsaddin_server_send_text(server, connection, WSADDIN_TEXT("x")));
    GOOD(wsaddin_wait_any(both, 2, LONG, &index));
    CHECK(index == 1);
    GOOD(wsaddin_wait_any(both, 2, LONG, &index));
    CHECK(index == 1);

    /* Of two that are ready each gets its turn. */
    GOOD(wsaddin_client_send_text(client, WSADDIN_TEXT("y")));
    GOOD(wsaddin_wait_any(&server.id, 1, LONG, &index));
    for (size_t turn = 1; turn <= 4; turn++) {
        GOOD(wsaddin_wait_any(both, 2, LONG, &index));
        CHECK(index == turn % 2);
    }
    GOOD(wsaddin_client_receive(client, WSADDIN_NO_WAIT, &message));
    wsaddin_message_free(message);
    GOOD(wsaddin_server_receive(server, WSADDIN_NO_WAIT, &message));
    wsaddin_message_free(message);
    EXPECT(wsaddin_wait_any(both, 2, WSADDIN_NO_WAIT, &index), WSADDIN_TIMEOUT);

    /* No object, or one that is not connected, is ready. */
    uint64_t three[] = {client.id, 4711, server.id};
    GOOD(wsaddin_wait_any(three, 3, WSADDIN_WAIT_FOREVER, &index));
    CHECK(index == 1);
    three[1] = second.id;
    GOOD(wsaddin_wait_any(three, 3, WSADDIN_WAIT_FOREVER, &index));
    CHECK(index == 1);

    /* Being freed by another thread ends the wait. */
    connect_to(second, server);
    GOOD(wsaddin_client_receive_event(second, LONG, &message)); /* its own open */
    wsaddin_message_free(message);
    GOOD(wsaddin_server_receive_event(server, LONG, &message)); /* the server's */
    wsaddin_message_free(message);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, free_soon, &second) == 0);
    GOOD(wsaddin_wait_any(&second.id, 1, LONG, &index));
    CHECK(index == 0);
    CHECK(pthread_join(thread, NULL) == 0);

    GOOD(wsaddin_server_stop(server));
    GOOD(wsaddin_wait_any(&server.id, 1, WSADDIN_WAIT_FOREVER, &index));
    free_pair(server, client);
}
