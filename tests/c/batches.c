/* Many messages in one call: order, ownership, bounds, and what stops a batch. */
#include "check.h"

#include <stdatomic.h>

#define MANY 1500
#define LARGE ((size_t)2 << 20)

static wsaddin_outgoing text_of(uint64_t connection, const char *text) {
    return (wsaddin_outgoing){connection, WSADDIN_KIND_TEXT, text, strlen(text)};
}

static int is_text(const wsaddin_message *message, const char *text) {
    return wsaddin_message_event(message) == WSADDIN_EVENT_MESSAGE && wsaddin_message_kind(message) == WSADDIN_KIND_TEXT &&
           wsaddin_message_size(message) == strlen(text) &&
           memcmp(wsaddin_message_data(message), text, strlen(text)) == 0;
}

static void wait_queued(wsaddin_server server, int64_t count) {
    int64_t limit = now_ms() + LONG;
    while (server_number(wsaddin_server_get_queued, server) < count) {
        CHECK(now_ms() < limit);
        pause_ms(1);
    }
}

static void expect_texts(wsaddin_client client, const char *const *texts, size_t count) {
    wsaddin_message *message;
    for (size_t i = 0; i < count; i++) {
        GOOD(wsaddin_client_receive(client, LONG, &message));
        take_text(message, texts[i], strlen(texts[i]));
    }
}

/* Numbers there in one batch, taken in two, sent back in one, and taken as they come. */
static void there_and_back(wsaddin_server server, wsaddin_client client, uint64_t connection) {
    static char texts[MANY][8];
    static wsaddin_outgoing outgoing[MANY];
    wsaddin_batch *first, *second, *batch;
    size_t queued, seen = 0;
    for (int i = 0; i < MANY; i++) {
        snprintf(texts[i], sizeof texts[i], "%d", i);
        outgoing[i] = text_of(0, texts[i]);
    }
    outgoing[1].kind = WSADDIN_KIND_BINARY;
    /* All of them are to wait at once, though they are of one connection. */
    GOOD(wsaddin_server_set_connection_queue_messages(server, MANY));
    SPOIL(queued);
    GOOD(wsaddin_client_send_batch(client, outgoing, MANY, &queued));
    CHECK(queued == MANY);
    wait_queued(server, MANY);
    GOOD(wsaddin_server_receive_batch(server, LONG, &first));
    CHECK(wsaddin_batch_count(first) == 1024);
    GOOD(wsaddin_server_receive_batch(server, LONG, &second));
    CHECK(wsaddin_batch_count(second) == MANY - 1024);
    CHECK(server_number(wsaddin_server_get_queued, server) == 0);
    SPOIL(batch);
    EXPECT(wsaddin_server_receive_batch(server, WSADDIN_NO_WAIT, &batch), WSADDIN_TIMEOUT);
    CHECK(batch == NULL);

    for (size_t i = 0; i < MANY; i++) {
        const wsaddin_message *message = wsaddin_batch_at(i < 1024 ? first : second, i % 1024);
        CHECK(wsaddin_message_connection(message) == connection);
        if (i != 1) CHECK(is_text(message, texts[i]));
        outgoing[i] = (wsaddin_outgoing){connection, wsaddin_message_kind(message), wsaddin_message_data(message),
                                         wsaddin_message_size(message)};
    }
    CHECK(outgoing[1].kind == WSADDIN_KIND_BINARY && outgoing[2].kind == WSADDIN_KIND_TEXT);
    CHECK(wsaddin_batch_at(first, 1024) == NULL && wsaddin_batch_at(first, SIZE_MAX) == NULL);
    GOOD(wsaddin_server_send_batch(server, outgoing, MANY, &queued));
    CHECK(queued == MANY);

    /* The messages are the batch's, and what is kept of one is not. */
    wsaddin_message *kept;
    GOOD(wsaddin_message_keep(wsaddin_batch_at(second, 0), &kept));
    wsaddin_message_free((wsaddin_message *)wsaddin_batch_at(second, 0));
    CHECK(is_text(wsaddin_batch_at(second, 0), texts[1024]));
    wsaddin_batch_free(first);
    wsaddin_batch_free(second);
    take_text(kept, texts[1024], strlen(texts[1024]));

    while (seen < MANY) {
        GOOD(wsaddin_client_receive_batch(client, LONG, &batch));
        for (size_t i = 0; i < wsaddin_batch_count(batch); i++, seen++) {
            const wsaddin_message *message = wsaddin_batch_at(batch, i);
            CHECK(wsaddin_message_connection(message) == 0 && wsaddin_message_size(message) == strlen(texts[seen]));
            CHECK(memcmp(wsaddin_message_data(message), texts[seen], strlen(texts[seen])) == 0);
        }
        wsaddin_batch_free(batch);
    }
    CHECK(seen == MANY);
}

static void bytes_are_bounded(wsaddin_server server, wsaddin_client client) {
    wsaddin_batch *batch;
    char *large = calloc(1, LARGE);
    CHECK(large != NULL);
    for (int i = 0; i < 3; i++) GOOD(wsaddin_client_send_binary(client, large, LARGE));
    wait_queued(server, 3);
    GOOD(wsaddin_server_receive_batch(server, LONG, &batch));
    CHECK(wsaddin_batch_count(batch) == 2);
    wsaddin_batch_free(batch);
    GOOD(wsaddin_server_receive_batch(server, LONG, &batch));
    CHECK(wsaddin_batch_count(batch) == 1 && wsaddin_message_size(wsaddin_batch_at(batch, 0)) == LARGE);
    wsaddin_batch_free(batch);
    free(large);
}

/* What is sent stops at the first that fails; what was before it arrives, and nothing that was behind it. */
static void stops_at_the_first_that_fails(wsaddin_server server, wsaddin_client client, uint64_t connection) {
    wsaddin_client other;
    wsaddin_message *open;
    size_t queued;
    GOOD(wsaddin_client_new(&other));
    connect_to(other, server);
    GOOD(wsaddin_server_receive_event(server, LONG, &open));
    uint64_t gone = wsaddin_message_connection(open);
    wsaddin_message_free(open);
    GOOD(wsaddin_client_free(other));
    do {
        GOOD(wsaddin_server_receive_event(server, LONG, &open));
        int closed = wsaddin_message_event(open) == WSADDIN_EVENT_CLOSE;
        wsaddin_message_free(open);
        if (closed) break;
    } while (1);

    wsaddin_outgoing three[] = {text_of(connection, "before"), text_of(gone, "x"), text_of(connection, "behind")};
#define STOPS(call, expected) (SPOIL(queued), EXPECT(call, expected), expect(__FILE__, __LINE__, "queued", (int)queued, 1))
    STOPS(wsaddin_server_send_batch(server, three, 3, &queued), WSADDIN_CLOSED);
    three[1].connection = 4711;
    STOPS(wsaddin_server_send_batch(server, three, 3, &queued), WSADDIN_BAD_ARGUMENT);
    CHECK(said("connection 4711 was never issued"));
    three[1] = (wsaddin_outgoing){connection, WSADDIN_KIND_TEXT, "ab\xC3(", 4};
    STOPS(wsaddin_server_send_batch(server, three, 3, &queued), WSADDIN_BAD_UTF8);
    three[1].kind = 7;
    STOPS(wsaddin_server_send_batch(server, three, 3, &queued), WSADDIN_BAD_ARGUMENT);
    CHECK(said("kind: the value 7 is not allowed"));
    three[1] = (wsaddin_outgoing){connection, WSADDIN_KIND_BINARY, NULL, 1};
    STOPS(wsaddin_server_send_batch(server, three, 3, &queued), WSADDIN_BAD_ARGUMENT);
    CHECK(said("data is NULL"));
    three[1] = (wsaddin_outgoing){connection, WSADDIN_KIND_BINARY, "x", SIZE_MAX};
    STOPS(wsaddin_server_send_batch(server, three, 3, &queued), WSADDIN_BAD_ARGUMENT);
    GOOD(wsaddin_server_send_text(server, connection, WSADDIN_TEXT("last")));
    static const char *const expected[] = {"before", "before", "before", "before", "before", "before", "last"};
    expect_texts(client, expected, 7);

    wsaddin_outgoing two[] = {text_of(0, "to the server"), text_of(connection, "x")};
    STOPS(wsaddin_client_send_batch(client, two, 2, &queued), WSADDIN_BAD_ARGUMENT);
    CHECK(said("connection: the value 1 is not allowed"));
    GOOD(wsaddin_server_receive(server, LONG, &open));
    take_text(open, "to the server", 13);
}

/* The bound of the send queue is that of single messages. */
static void full_queue(wsaddin_server server, wsaddin_client client, uint64_t connection) {
    enum { COUNT = 100 };
    static char texts[COUNT][64];
    const char *expected[COUNT];
    wsaddin_outgoing outgoing[COUNT];
    size_t queued, sent = 0;
    int64_t before = server_number(wsaddin_server_get_send_queue_bytes, server), limit = now_ms() + LONG;
    for (int i = 0; i < COUNT; i++) {
        snprintf(texts[i], sizeof texts[i], "%060d", i);
        expected[i] = texts[i];
        outgoing[i] = text_of(connection, texts[i]);
    }
    /* What was sent before may not have been written yet. */
    int64_t round_trip;
    GOOD(wsaddin_server_ping(server, connection, LONG, &round_trip));
    GOOD(wsaddin_server_set_send_queue_bytes(server, 65536));
    static char rest[60000];
    memset(rest, 'x', sizeof rest);
    wsaddin_outgoing first[2 + COUNT];
    first[0] = (wsaddin_outgoing){connection, WSADDIN_KIND_BINARY, rest, sizeof rest};
    memcpy(first + 1, outgoing, sizeof outgoing);
    EXPECT(wsaddin_server_send_batch(server, first, 1 + COUNT, &queued), WSADDIN_QUEUE_FULL);
    CHECK(queued >= 1 && queued < 1 + COUNT && said("queue"));
    for (sent = queued - 1; sent < COUNT; sent += queued) {
        CHECK(now_ms() < limit);
        wsaddin_result result = wsaddin_server_send_batch(server, outgoing + sent, COUNT - sent, &queued);
        CHECK(result == WSADDIN_OK || result == WSADDIN_QUEUE_FULL);
    }
    wsaddin_message *message;
    GOOD(wsaddin_client_receive(client, LONG, &message));
    CHECK(wsaddin_message_size(message) == sizeof rest);
    wsaddin_message_free(message);
    expect_texts(client, expected, COUNT);
    GOOD(wsaddin_server_set_send_queue_bytes(server, 1100));
    /* With time to wait all of it is queued by one call, and arrives. */
    GOOD(wsaddin_server_set_send_timeout(server, LONG));
    GOOD(wsaddin_server_send_batch(server, outgoing, COUNT, &queued));
    CHECK(queued == COUNT);
    expect_texts(client, expected, COUNT);
    GOOD(wsaddin_client_set_send_queue_bytes(client, 1100));
    for (int i = 0; i < COUNT; i++) outgoing[i].connection = 0;
    GOOD(wsaddin_client_send_batch(client, outgoing, COUNT, &queued));
    CHECK(queued == COUNT);
    for (int i = 0; i < COUNT; i++) {
        GOOD(wsaddin_server_receive(server, LONG, &message));
        take_text(message, texts[i], strlen(texts[i]));
    }
    GOOD(wsaddin_client_set_send_queue_bytes(client, before));
    GOOD(wsaddin_server_set_send_timeout(server, -1));
    GOOD(wsaddin_server_set_send_queue_bytes(server, before));
}

/* Other events are discarded, or are in the batch, in their order. */
static void other_events(void) {
    wsaddin_server server = running_server();
    wsaddin_client client;
    wsaddin_batch *batch;
    wsaddin_event events[8];
    size_t count = 0;
    for (int round = 0; round < 2; round++) {
        GOOD(wsaddin_client_new(&client));
        connect_to(client, server);
        GOOD(wsaddin_client_send_text(client, WSADDIN_TEXT("message")));
        wait_queued(server, 1);
        if (round == 0) {
            GOOD(wsaddin_server_receive_batch(server, LONG, &batch));
            CHECK(wsaddin_batch_count(batch) == 1 && is_text(wsaddin_batch_at(batch, 0), "message"));
            wsaddin_batch_free(batch);
            GOOD(wsaddin_client_receive_event_batch(client, LONG, &batch));
            CHECK(wsaddin_batch_count(batch) == 1);
            CHECK(wsaddin_message_event(wsaddin_batch_at(batch, 0)) == WSADDIN_EVENT_OPEN);
            wsaddin_batch_free(batch);
        }
        GOOD(wsaddin_client_free(client));
    }
    /* The close of the first, and all of the second. */
    while (count < 4) {
        GOOD(wsaddin_server_receive_event_batch(server, LONG, &batch));
        for (size_t i = 0; i < wsaddin_batch_count(batch); i++, count++) {
            CHECK(count < 4);
            events[count] = wsaddin_message_event(wsaddin_batch_at(batch, i));
        }
        wsaddin_batch_free(batch);
    }
    CHECK(events[0] == WSADDIN_EVENT_CLOSE && events[1] == WSADDIN_EVENT_OPEN);
    CHECK(events[2] == WSADDIN_EVENT_MESSAGE && events[3] == WSADDIN_EVENT_CLOSE);

    /* A batch outlives its object, which says so itself. */
    GOOD(wsaddin_client_new(&client));
    connect_to(client, server);
    GOOD(wsaddin_client_send_text(client, WSADDIN_TEXT("left")));
    wait_queued(server, 1);
    GOOD(wsaddin_server_receive_batch(server, LONG, &batch));
    GOOD(wsaddin_server_stop(server));
    wsaddin_batch *none;
    EXPECT(wsaddin_server_receive_batch(server, LONG, &none), WSADDIN_CLOSED);
    CHECK(none == NULL);
    free_pair(server, client);
    CHECK(is_text(wsaddin_batch_at(batch, 0), "left"));
    wsaddin_batch_free(batch);
}

struct answering {
    wsaddin_server server;
    atomic_int done;
};

static void on_event(const wsaddin_message *message, void *user_data) {
    struct answering *answering = user_data;
    wsaddin_batch *batch;
    size_t queued;
    if (wsaddin_message_event(message) != WSADDIN_EVENT_MESSAGE) return;
    EXPECT(wsaddin_server_receive_batch(answering->server, WSADDIN_NO_WAIT, &batch), WSADDIN_WOULD_DEADLOCK);
    EXPECT(wsaddin_server_receive_event_batch(answering->server, WSADDIN_NO_WAIT, &batch), WSADDIN_WOULD_DEADLOCK);
    uint64_t own = wsaddin_message_connection(message);
    wsaddin_outgoing all[] = {text_of(own, "one"), text_of(own + 1, "to another"), text_of(own, "two"), text_of(4711, "x")};
    EXPECT(wsaddin_server_send_batch(answering->server, all, 4, &queued), WSADDIN_BAD_ARGUMENT);
    CHECK(queued == 3);
    answering->done = 1;
}

static void in_a_handler(void) {
    struct answering answering = {0};
    wsaddin_client client, other;
    wsaddin_batch *batch;
    static const char *const own[] = {"one", "two"}, *const others[] = {"to another"};
    pair(&answering.server, &client);
    GOOD(wsaddin_client_new(&other));
    connect_to(other, answering.server);
    int64_t limit = now_ms() + LONG;
    while (server_number(wsaddin_server_get_connection_count, answering.server) < 2) CHECK(now_ms() < limit);
    GOOD(wsaddin_server_set_handler(answering.server, on_event, &answering));
    EXPECT(wsaddin_server_receive_batch(answering.server, LONG, &batch), WSADDIN_HANDLER_SET);
    GOOD(wsaddin_client_send_text(client, WSADDIN_TEXT("go")));
    expect_texts(client, own, 2);
    expect_texts(other, others, 1);
    CHECK(answering.done);
    GOOD(wsaddin_client_free(other));
    free_pair(answering.server, client);
}

static void misuse(wsaddin_server server, wsaddin_client client) {
    wsaddin_batch *batch;
    wsaddin_outgoing one = text_of(0, "x");
    size_t queued;
    CHECK(wsaddin_batch_count(NULL) == 0 && wsaddin_batch_at(NULL, 0) == NULL);
    wsaddin_batch_free(NULL);
    EXPECT(wsaddin_server_receive_batch(server, WSADDIN_NO_WAIT, NULL), WSADDIN_BAD_ARGUMENT);
    CHECK(said("batch is NULL"));
    EXPECT(wsaddin_client_receive_batch(client, WSADDIN_NO_WAIT, NULL), WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_server_receive_event_batch(server, WSADDIN_NO_WAIT, NULL), WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_client_receive_event_batch(client, WSADDIN_NO_WAIT, NULL), WSADDIN_BAD_ARGUMENT);
    EXPECT(wsaddin_server_send_batch(server, &one, 1, NULL), WSADDIN_BAD_ARGUMENT);
    CHECK(said("queued is NULL"));
#define NONE(call, expected) (SPOIL(queued), EXPECT(call, expected), expect(__FILE__, __LINE__, "queued", (int)queued, 0))
    NONE(wsaddin_server_send_batch(server, NULL, 1, &queued), WSADDIN_BAD_ARGUMENT);
    CHECK(said("messages is NULL"));
    NONE(wsaddin_client_send_batch(client, NULL, 1, &queued), WSADDIN_BAD_ARGUMENT);
    NONE(wsaddin_client_send_batch(client, &one, SIZE_MAX, &queued), WSADDIN_BAD_ARGUMENT);
    NONE(wsaddin_client_send_batch(client, &one, SIZE_MAX / sizeof one, &queued), WSADDIN_BAD_ARGUMENT);
    CHECK(said("messages: no memory has the size"));
    NONE(wsaddin_client_send_batch(client, NULL, 0, &queued), WSADDIN_OK);
    NONE(wsaddin_server_send_batch(server, NULL, 0, &queued), WSADDIN_OK);
    uint64_t bad[] = {0, 1, UINT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        wsaddin_server no_server = {bad[i]};
        wsaddin_client no_client = {bad[i]};
        NONE(wsaddin_server_send_batch(no_server, &one, 1, &queued), WSADDIN_BAD_HANDLE);
        NONE(wsaddin_client_send_batch(no_client, &one, 1, &queued), WSADDIN_BAD_HANDLE);
        SPOIL(batch);
        EXPECT(wsaddin_server_receive_batch(no_server, WSADDIN_WAIT_FOREVER, &batch), WSADDIN_BAD_HANDLE);
        CHECK(batch == NULL);
        EXPECT(wsaddin_client_receive_batch(no_client, WSADDIN_WAIT_FOREVER, &batch), WSADDIN_BAD_HANDLE);
        EXPECT(wsaddin_server_receive_event_batch(no_server, WSADDIN_WAIT_FOREVER, &batch), WSADDIN_BAD_HANDLE);
        EXPECT(wsaddin_client_receive_event_batch(no_client, WSADDIN_WAIT_FOREVER, &batch), WSADDIN_BAD_HANDLE);
    }
    wsaddin_client unconnected;
    GOOD(wsaddin_client_new(&unconnected));
    NONE(wsaddin_client_send_batch(unconnected, &one, 1, &queued), WSADDIN_NOT_CONNECTED);
    EXPECT(wsaddin_client_receive_batch(unconnected, LONG, &batch), WSADDIN_CLOSED);
    GOOD(wsaddin_client_free(unconnected));
}

void batches(void) {
    wsaddin_server server;
    wsaddin_client client;
    uint64_t connection = pair(&server, &client);
    GOOD(wsaddin_server_set_receive_queue_messages(server, 4 * MANY));
    there_and_back(server, client, connection);
    bytes_are_bounded(server, client);
    stops_at_the_first_that_fails(server, client, connection);
    full_queue(server, client, connection);
    misuse(server, client);
    free_pair(server, client);
    other_events();
    in_a_handler();
}
