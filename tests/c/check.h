/* What the C tests share: checks that say where they failed, and a server with clients. */
#ifndef CHECK_H
#define CHECK_H

#include "websocket_addin.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Long enough for valgrind on a busy machine; what should be quick is measured. */
#define LONG 30000

#define CHECK(condition)                                                                                             \
    do {                                                                                                             \
        if (!(condition)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                          \
            abort();                                                                                                 \
        }                                                                                                            \
    } while (0)

#define EXPECT(call, expected) expect(__FILE__, __LINE__, #call, (call), (expected))
#define GOOD(call) EXPECT(call, WSADDIN_OK)

void expect(const char *file, int line, const char *call, wsaddin_result result, wsaddin_result expected);

/* Fills the place with what no output can be, so that an output that was not set shows. */
#define SPOIL(place) memset(&(place), 0x5A, sizeof(place))

/* A text property as a C string; the caller's buffer. */
#define TEXT_OF(call_with_buffer, handle, buffer)                                                                    \
    do {                                                                                                             \
        size_t needed_;                                                                                              \
        GOOD(call_with_buffer((handle), (buffer), sizeof(buffer), &needed_));                                        \
        CHECK(needed_ == strlen(buffer));                                                                            \
    } while (0)

int64_t now_ms(void);
void pause_ms(int ms);
int said(const char *part); /* whether this thread's last error holds the text */

int64_t number(wsaddin_result (*get)(wsaddin_client, int64_t *), wsaddin_client client);
int64_t server_number(wsaddin_result (*get)(wsaddin_server, int64_t *), wsaddin_server server);

wsaddin_server running_server(void);
void connect_to(wsaddin_client client, wsaddin_server server);
/* A server and a client connected to it; the server's open event is taken. Returns the connection. */
uint64_t pair(wsaddin_server *server, wsaddin_client *client);
void free_pair(wsaddin_server server, wsaddin_client client);

void take_text(wsaddin_message *message, const void *text, size_t size); /* checks and frees */

/* The parts of the harness. */
void numbers_and_properties(void);
void conversation(void);
void batches(void);
void secure_conversation(void);
void letting_in(void);
void closing(void);
void error_texts(void);
void bad_handles(void);
void bad_arguments(void);
void connection_numbers(void);
void handlers(void);
void releasing(void);
void waiting_for_any(void);
void races_with_free(int rounds);
void waking_blocked_calls(void);

#endif
