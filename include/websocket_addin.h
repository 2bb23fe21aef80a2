/*
 * websocket_addin.h: WebSocket (RFC 6455) clients and servers for C and C++.
 *
 * Objects. A client has at most one connection at a time; a server listens and has many. Both are handles: numbers in
 * a struct that you copy as you like. Make one with ..._new, end it with ..._free, or without waiting, and from a handler
 * too, with ..._release. A handle that is zero, freed, made
 * up or of the other kind is never dangerous: the call returns WSADDIN_BAD_HANDLE. A server's connections are numbers,
 * too, counted from 1 and never used again: to every function one that was never issued is a WSADDIN_BAD_ARGUMENT, and
 * one that has ended is WSADDIN_CLOSED (wsaddin_server_ping: WSADDIN_NOT_CONNECTED).
 *
 * Results. Every function that can fail returns a wsaddin_result: 0 (WSADDIN_OK) is success, a positive number an
 * outcome that is no failure (WSADDIN_TIMEOUT, WSADDIN_CLOSED, WSADDIN_NOT_FOUND), a negative number an error. After
 * an error wsaddin_error_description() gives its text, of this thread: what failed, where and why. English, or Russian
 * after wsaddin_set_language. No call crashes or throws because of what the network or the handle is.
 *
 * Parameters. Inputs come first, outputs last. On any result other than 0 every output is 0 or NULL (but for `needed`,
 * below, and `queued` of a send_batch). An output pointer may not be NULL. Pointers must lead to as many bytes as you say, for the call only:
 * everything is copied before the function returns.
 *   - Text in: pointer and size in bytes, UTF-8, no NUL at the end needed, NULs inside allowed. NULL only with size 0.
 *     WSADDIN_TEXT("literal") stands for both arguments.
 *   - Text out: buffer, capacity, needed. `needed` gets the text's bytes without the NUL that is put behind it, so the
 *     capacity must be at least needed + 1. If it is less the result is WSADDIN_TOO_BIG, the buffer holds an empty
 *     string, and `needed` is set nevertheless, so that NULL with capacity 0 asks for the size.
 *   - Times are in milliseconds. For a timeout_ms WSADDIN_WAIT_FOREVER (0) waits without limit and WSADDIN_NO_WAIT (-1)
 *     does not wait. Sizes are in bytes.
 *
 * Messages. What receive hands out is a wsaddin_message, whole and never cut; receive_batch hands out many at a time, which
 * belong to the batch. It is yours: read it through the
 * functions wsaddin_message_..., then free it once with wsaddin_message_free; it outlives its client or server. What a
 * handler is given is borrowed until the handler returns. Pointers to messages are real pointers: a freed one must not
 * be used.
 *
 * Threads. Every function may be called from any thread at any time, on the same object, too. These block, each at most
 * as long as its comment says: connect, disconnect, receive, receive_event, receive_batch, ping, request, stop,
 * free, wsaddin_wait_any, a send whose queue is full, and set_handler(NULL) while the handler runs. Disconnect, stop and free
 * wake whoever is blocked on that object, within 100 ms. The library runs its own I/O threads, which start with the
 * first object and have ended when the last one's free returns; their number does not depend on how many objects and
 * connections there are. After that, and once no thread of yours is inside a function, the library may be unloaded
 * (free all messages before). A name lookup that the system has not come back from by then is abandoned: its thread
 * keeps the library in memory until the process ends, as the log file's does on a disk that has died.
 *
 * Signals. On Linux our threads block what is sent to a process (SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGALRM, SIGUSR1,
 * SIGUSR2 and the like), so that no handler of yours runs on them. They leave open what faults raise (SIGSEGV, SIGBUS,
 * SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT), and what runtimes send to their threads, to which a thread of ours that calls
 * your handler belongs: SIGPWR, SIGXCPU, SIGURG, SIGPROF and the real-time signals, each unless the thread of yours that
 * starts ours, by making the first object as a rule, blocks it. A handler may change the mask of the thread that it runs on. No call returns early because of
 * a signal.
 *
 * Processes. A child of a process that has clients or servers cannot use the library: after fork every function there
 * returns WSADDIN_UNSUPPORTED (..._free, too, which frees nothing), wsaddin_message_free does nothing, and nothing hangs.
 * Fork before the first object is made, or after the last one is freed, and the child has a library of its own. A child
 * that was forked inside a handler ends (_exit) when that handler returns. The parent goes on as ever.
 * pthread_cancel of a thread of yours takes effect when it leaves the function that it is in; it has none on the
 * library's own threads. With the asynchronous type only cancel a thread that is blocked in a function.
 *
 * Events. Each object has one queue of events: open, message, close, error (a server's also pending and expired, both also drained), in
 * order, each handed over once. Take them with receive (messages only) or receive_event; wait for several objects with
 * wsaddin_wait_any; or set a handler. Queues are bounded: a full receive queue makes the other side wait, nothing is
 * dropped.
 *
 * Example: an echo server and a client. cc example.c -lwebsocket_addin
 *
 *   #include <stdio.h>
 *   #include "websocket_addin.h"
 *
 *   static void echo(const wsaddin_message *m, void *server) {
 *       if (wsaddin_message_event(m) == WSADDIN_EVENT_MESSAGE)
 *           wsaddin_server_send_text(*(wsaddin_server *)server, wsaddin_message_connection(m),
 *                                    wsaddin_message_data(m), wsaddin_message_size(m));
 *   }
 *   int main(void) {
 *       wsaddin_server server; wsaddin_client client; wsaddin_message *answer = NULL; wsaddin_result result;
 *       wsaddin_server_new(&server);
 *       wsaddin_client_new(&client);
 *       wsaddin_server_set_handler(server, echo, &server);
 *       if ((result = wsaddin_server_run(server, WSADDIN_TEXT("127.0.0.1"), 9098)) ||
 *           (result = wsaddin_client_connect(client, WSADDIN_TEXT("ws://127.0.0.1:9098/"))) ||
 *           (result = wsaddin_client_send_text(client, WSADDIN_TEXT("hello"))) ||
 *           (result = wsaddin_client_receive(client, 5000, &answer)))
 *           printf("%s\n", result < 0 ? wsaddin_error_description() : "no answer");
 *       else
 *           printf("%.*s\n", (int)wsaddin_message_size(answer), (const char *)wsaddin_message_data(answer));
 *       wsaddin_message_free(answer);
 *       wsaddin_client_free(client);
 *       wsaddin_server_free(server);
 *   }
 */


#ifndef WEBSOCKET_ADDIN_H
#define WEBSOCKET_ADDIN_H

/* Generated from src/capi by cbindgen: change it there. */

#include <stddef.h>
#include <stdint.h>

/** The two arguments of a text that is a string literal: the pointer and the size without the NUL. */
#define WSADDIN_TEXT(literal) ("" literal), (sizeof(literal) - 1)

/**
 * A time to wait, in milliseconds: without limit.
 */
#define WSADDIN_WAIT_FOREVER 0

/**
 * A time to wait, in milliseconds: do not wait at all. Any other negative number does the same.
 */
#define WSADDIN_NO_WAIT (-1)

/**
 * Received messages, in order. It is yours: any thread may read it, and wsaddin_batch_free frees it and all that is in
 * it, once, at any time before the library is unloaded.
 */
typedef struct wsaddin_batch wsaddin_batch;

/**
 * A received message or another event. One that a function handed out is yours: any thread may read it, and
 * wsaddin_message_free frees it, once, at any time before the library is unloaded. One that a handler was given is
 * borrowed until the handler returns.
 */
typedef struct wsaddin_message wsaddin_message;

/**
 * What a function returns: 0 is success, a positive number an outcome that is not a failure, a negative number an
 * error, whose text wsaddin_error_description gives. Numbers are never reused.
 */
typedef int32_t wsaddin_result;

/**
 * A language of texts for people: WSADDIN_LANGUAGE_...
 */
typedef int32_t wsaddin_language;

/**
 * How much the log tells: WSADDIN_LOG_...
 */
typedef int32_t wsaddin_log_level;

/**
 * What happened: WSADDIN_EVENT_...
 */
typedef int32_t wsaddin_event;

/**
 * How to read the data: WSADDIN_KIND_...
 */
typedef int32_t wsaddin_kind;

/**
 * A client. Copy it freely; it is only a number. An id of 0 is never valid.
 */
typedef struct {
  uint64_t id;
} wsaddin_client;

/**
 * A server. Copy it freely; it is only a number. An id of 0 is never valid.
 */
typedef struct {
  uint64_t id;
} wsaddin_server;

/**
 * What a sending function does besides; several are added up.
 */
typedef uint32_t wsaddin_flags;

/**
 * A message to be sent, one of many.
 */
typedef struct {
  /**
   * The server's connection that it is for; a client's messages have 0.
   */
  uint64_t connection;
  /**
   * WSADDIN_KIND_TEXT or WSADDIN_KIND_BINARY.
   */
  wsaddin_kind kind;
  /**
   * `size` bytes, copied; a text is UTF-8. NULL only with size 0.
   */
  const void *data;
  size_t size;
} wsaddin_outgoing;

/**
 * Takes an object's events, one after the other, on a thread of the library. The message is borrowed until the
 * function returns; wsaddin_message_keep makes one that stays. Be quick: every connection of that thread waits. No C++
 * exception may leave it. Sending is fine inside and never waits (WSADDIN_QUEUE_FULL instead); disconnect only starts
 * the close, and release ends any object. What would wait for this very thread gives WSADDIN_WOULD_DEADLOCK: new, free,
 * run, run_tls, stop, connect, ping, request, receive, receive_event, their batches, wsaddin_wait_any.
 */
typedef void (*wsaddin_handler)(const wsaddin_message *message, void *user_data);

/**
 * Ends what a handler's user_data leads to. It may call functions of the library, as a handler may.
 */
typedef void (*wsaddin_destroy)(void *user_data);

/**
 * Success: the outputs are set.
 */
#define WSADDIN_OK 0

/**
 * Nothing came within the time given.
 */
#define WSADDIN_TIMEOUT 1

/**
 * Receiving: the connection or server has ended (or not begun) and its queue is empty. Functions that name a
 * server's connection: that connection has gone.
 */
#define WSADDIN_CLOSED 2

/**
 * Nothing of that name.
 */
#define WSADDIN_NOT_FOUND 3

/**
 * The handle is zero, freed, made up or of the other kind.
 */
#define WSADDIN_BAD_HANDLE (-1)

/**
 * An argument is not allowed; the text names it.
 */
#define WSADDIN_BAD_ARGUMENT (-2)

/**
 * A text is not valid UTF-8; the error's text names the parameter.
 */
#define WSADDIN_BAD_UTF8 (-3)

/**
 * There is no connection.
 */
#define WSADDIN_NOT_CONNECTED (-4)

/**
 * The client is connected already; that connection stays.
 */
#define WSADDIN_ALREADY_CONNECTED (-5)

/**
 * The client is connecting, reconnecting or closing.
 */
#define WSADDIN_CONNECTING (-6)

/**
 * The server is not running.
 */
#define WSADDIN_NOT_RUNNING (-7)

/**
 * The server is running already; it goes on.
 */
#define WSADDIN_ALREADY_RUNNING (-8)

/**
 * Another thread disconnected, stopped or freed the object meanwhile.
 */
#define WSADDIN_CANCELLED (-9)

/**
 * No connection within ConnectTimeout; the text says what it was waiting for.
 */
#define WSADDIN_CONNECT_TIMEOUT (-10)

/**
 * The host's name was not found, or looking it up failed.
 */
#define WSADDIN_RESOLVE (-11)

/**
 * Nobody listens there, or the address cannot be reached.
 */
#define WSADDIN_REFUSED (-12)

/**
 * The TLS handshake failed.
 */
#define WSADDIN_TLS (-13)

/**
 * The certificate of the other side was not accepted; the text says why.
 */
#define WSADDIN_CERTIFICATE (-14)

/**
 * The proxy refused or failed.
 */
#define WSADDIN_PROXY (-15)

/**
 * The other side does not speak WebSocket as it should.
 */
#define WSADDIN_HANDSHAKE (-16)

/**
 * The send queue is full and SendTimeout has passed; nothing was queued.
 */
#define WSADDIN_QUEUE_FULL (-17)

/**
 * Over a limit. From a function that fills a buffer: the buffer is too small, and `needed` says what the text takes.
 */
#define WSADDIN_TOO_BIG (-18)

/**
 * No pong came in time.
 */
#define WSADDIN_PING_TIMEOUT (-19)

/**
 * No reply to a request came in time.
 */
#define WSADDIN_REQUEST_TIMEOUT (-20)

/**
 * The address or port to listen on cannot be used; the text says why.
 */
#define WSADDIN_ADDRESS (-21)

/**
 * A file cannot be read or is not what it should be.
 */
#define WSADDIN_FILE (-22)

/**
 * Called from inside a handler, where it would wait for the very thread it is called on. Nothing happened.
 */
#define WSADDIN_WOULD_DEADLOCK (-23)

/**
 * A handler is set: it gets the events.
 */
#define WSADDIN_HANDLER_SET (-24)

/**
 * Not available here.
 */
#define WSADDIN_UNSUPPORTED (-25)

/**
 * Out of memory, or too many objects.
 */
#define WSADDIN_NO_MEMORY (-26)

/**
 * The network or the system failed.
 */
#define WSADDIN_IO (-27)

/**
 * An error inside the library, which stopped at its border; please report it.
 */
#define WSADDIN_PANIC (-28)

/**
 * English, the language until another is set.
 */
#define WSADDIN_LANGUAGE_ENGLISH 0

/**
 * Russian.
 */
#define WSADDIN_LANGUAGE_RUSSIAN 1

/**
 * What failed.
 */
#define WSADDIN_LOG_ERROR 1

/**
 * And each connection's life in a few lines.
 */
#define WSADDIN_LOG_INFO 2

/**
 * And every step: addresses, proxy, TLS, handshake, pings, pauses.
 */
#define WSADDIN_LOG_DEBUG 3

/**
 * And each frame, with the beginning of each text.
 */
#define WSADDIN_LOG_FRAMES 4

/**
 * No event: only from wsaddin_message_event(NULL).
 */
#define WSADDIN_EVENT_NONE 0

/**
 * A connection is open. Data: JSON, a client's {"url","protocol","extensions","attempt"}, a server's as
 * wsaddin_server_connection_info gives it.
 */
#define WSADDIN_EVENT_OPEN 1

/**
 * A message came. Data: its payload.
 */
#define WSADDIN_EVENT_MESSAGE 2

/**
 * A connection has ended; each open has exactly one close. Data: JSON {"code","reason","clean"}; the code is 1006 when
 * the connection broke.
 */
#define WSADDIN_EVENT_CLOSE 3

/**
 * An attempt to connect failed. Data: the error's text.
 */
#define WSADDIN_EVENT_ERROR 4

/**
 * An incoming connection waits for wsaddin_server_accept or wsaddin_server_reject; if none comes before AcceptTimeout,
 * or the peer leaves, a close (1006) follows. Data: as wsaddin_server_connection_info gives it.
 */
#define WSADDIN_EVENT_PENDING 5

/**
 * A server's session has ended with messages waiting. The data is JSON: name, messages (how many).
 */
#define WSADDIN_EVENT_EXPIRED 6

/**
 * The send queue of a connection, which was full at a send or was skipped by a broadcast, is less than half full. Once
 * for each time; no data.
 */
#define WSADDIN_EVENT_DRAINED 7

/**
 * UTF-8, already checked. It may hold NUL characters.
 */
#define WSADDIN_KIND_TEXT 0

/**
 * Any bytes.
 */
#define WSADDIN_KIND_BINARY 1

/**
 * Broadcasts: a connection whose send queue is full goes without, instead of being closed with 1013.
 */
#define WSADDIN_SKIP_FULL 2

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/**
 * The library's version, such as "0.1.0": NUL-terminated, never NULL, good until the library is unloaded.
 */
const char *wsaddin_version(void);

/**
 * Sets the language of error texts and close reasons of our own, for the whole process and from now on.
 *
 * @retval WSADDIN_BAD_ARGUMENT  not one of WSADDIN_LANGUAGE_...
 */
wsaddin_result wsaddin_set_language(wsaddin_language language);

/**
 * Sets the log file of the whole process and how much it tells; the last call wins. Lines are appended, UTF-8, by a
 * thread of ours that ends with the last object: no call ever waits for the disk but this one, the first new and the
 * last free, each at most a few seconds. Lines that find no room while the disk is slow are counted, and the log says how
 * many. Credentials are never written, and what is sent and received only on WSADDIN_LOG_FRAMES. A file that is
 * renamed or removed is written on: call this again, with the same path, to begin a new one.
 *
 * @param path  UTF-8, `size` bytes: a file or, on Linux, a terminal or other character device, or a pipe that somebody
 *              reads (such as /dev/stderr in a container); empty ends the log
 * @retval WSADDIN_FILE  it cannot be written, is something else, or does not answer; what was set before stays
 * @retval WSADDIN_BAD_ARGUMENT  not one of WSADDIN_LOG_...
 */
wsaddin_result wsaddin_set_log(const void *path,
                               size_t size,
                               wsaddin_log_level level);

/**
 * The text of the last error that a call on this thread returned: what failed, where and why. Successes and outcomes
 * (0 and above) do not change it. UTF-8, at most 1023 bytes, NUL-terminated, never NULL, "" before the first error.
 * It stays readable until this thread's next call; copy it if you keep it.
 */
const char *wsaddin_error_description(void);

/**
 * What a message is, WSADDIN_EVENT_...; WSADDIN_EVENT_NONE for NULL.
 */
wsaddin_event wsaddin_message_event(const wsaddin_message *message);

/**
 * Whether the data is text or binary, WSADDIN_KIND_...; all events but a binary message are text.
 */
wsaddin_kind wsaddin_message_kind(const wsaddin_message *message);

/**
 * The data: wsaddin_message_size bytes, NOT NUL-terminated, never NULL, good until the message is freed.
 */
const uint8_t *wsaddin_message_data(const wsaddin_message *message);

/**
 * How many bytes the data has; 0 for NULL.
 */
size_t wsaddin_message_size(const wsaddin_message *message);

/**
 * The server's connection that it belongs to; 0 from a client, or for an error that belongs to no connection.
 */
uint64_t wsaddin_message_connection(const wsaddin_message *message);

/**
 * Makes a message of your own from one that a handler was given (or from one of your own). The data is copied where it
 * still lies in the buffer of the I/O thread, and shared otherwise. Free it with wsaddin_message_free.
 *
 * @param kept  the new message
 */
wsaddin_result wsaddin_message_keep(const wsaddin_message *message,
                                    wsaddin_message **kept);

/**
 * Frees a message. NULL does nothing, and neither does a message that a handler was given: that one is not yours.
 */
void wsaddin_message_free(wsaddin_message *message);

/**
 * Makes a client. The first object of the process starts the I/O thread.
 *
 * @param client  its handle; free it with wsaddin_client_free
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
 */
wsaddin_result wsaddin_client_new(wsaddin_client *client);

/**
 * Ends and frees a client: wakes every call that is blocked on it (they return WSADDIN_CANCELLED), waits until they
 * have left, closes the connection with 1001 within CloseTimeout. Blocks at most that long and 100 ms. Afterwards the
 * handle is bad for ever, its handler runs no more, and after the last object no thread of the library is left.
 *
 * @retval WSADDIN_BAD_HANDLE      freed already, for instance by another thread meanwhile
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; the client lives on
 */
wsaddin_result wsaddin_client_free(wsaddin_client client);

/**
 * Lets go of a client without waiting, from anywhere, inside handlers and destructors too: the handle is bad from then
 * on, calls that are blocked on it return WSADDIN_CANCELLED, and it is closed as wsaddin_client_free does in the
 * background. No run of its handler begins after this has returned; one that is under way, this very one or one on
 * another I/O thread, ends as ever, so what it uses must stay until then: see wsaddin_client_set_owned_handler.
 * While the background is busy the library's threads run on, after the last free, too. It may be unloaded all the
 * same: the unloading ends what is left at once, and waits for that.
 *
 * @retval WSADDIN_BAD_HANDLE  freed or released already
 */
wsaddin_result wsaddin_client_release(wsaddin_client client);

/**
 * Connects and shakes hands. Blocks until that has succeeded or failed, at most ConnectTimeout in all; another thread
 * may end it with disconnect or free (WSADDIN_CANCELLED). Clears the receive queue, the close code and its reason. It is
 * tried once, whatever the reconnect interval, and its failure is no event: the caller has it already.
 *
 * @param url   ws:// or wss://, UTF-8, `size` bytes; a link-local IPv6 address with its interface by name or number, as in
 *              ws://[fe80::1%25eth0]/ (RFC 6874); on Linux also ws+unix:///run/app.sock:/path for a Unix socket
 * @retval WSADDIN_ALREADY_CONNECTED  it is connected; nothing happened
 * @retval WSADDIN_CONNECTING         it is connecting, closing or reconnecting; nothing happened
 * @retval WSADDIN_CONNECT_TIMEOUT, WSADDIN_RESOLVE, WSADDIN_REFUSED, WSADDIN_TLS, WSADDIN_CERTIFICATE,
 *         WSADDIN_HANDSHAKE, WSADDIN_IO  it failed, and the text says why
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
 */
wsaddin_result wsaddin_client_connect(wsaddin_client client,
                                      const void *url,
                                      size_t size);

/**
 * The same as wsaddin_client_connect without waiting: the outcome is an event, WSADDIN_EVENT_OPEN or
 * WSADDIN_EVENT_ERROR. With a reconnect interval it is tried until it works, each failure an event; from the first one
 * on it counts as reconnecting. Never blocks.
 */
wsaddin_result wsaddin_client_begin_connect(wsaddin_client client,
                                            const void *url,
                                            size_t size);

/**
 * Sends what is queued and closes with the closing handshake. Blocks at most CloseTimeout. Receives that are blocked
 * end at once; a connect under way is cancelled. While it reconnects: stops that at once and drops what is queued. Not
 * connected is no error: `clean` is 0 then.
 *
 * @param code    1000 to 1003, 1007 to 1014 or 3000 to 4999; 1000 is the ordinary one
 * @param reason  UTF-8, at most 123 bytes
 * @param clean   1 when everything was written and the other side confirmed the close
 * @retval WSADDIN_BAD_ARGUMENT  a code or reason that is not allowed; nothing happened
 */
wsaddin_result wsaddin_client_disconnect(wsaddin_client client,
                                         uint16_t code,
                                         const void *reason,
                                         size_t size,
                                         int32_t *clean);

/**
 * Ends the connection at once, without a closing handshake: WSADDIN_EVENT_CLOSE with 1006 follows. What is queued is
 * dropped. A connect under way is cancelled, and it does not reconnect. Not connected is no error. Blocks as long as the
 * I/O thread takes to see it; inside a handler it only starts the end.
 */
wsaddin_result wsaddin_client_abort(wsaddin_client client);

/**
 * Queues one text message; the I/O thread sends it. Never blocks while there is room, otherwise at most SendTimeout.
 * OK means queued, not delivered. While it reconnects it queues in the same way. What the system had not taken whole when
 * a connection was lost is sent on the next one, in order; what it had taken may have been lost, and is not sent again.
 *
 * @param text  UTF-8, `size` bytes, copied; it may hold NUL characters and be empty
 * @retval WSADDIN_NOT_CONNECTED  there is no connection
 * @retval WSADDIN_QUEUE_FULL     no room within SendTimeout; nothing was queued
 */
wsaddin_result wsaddin_client_send_text(wsaddin_client client,
                                        const void *text,
                                        size_t size);

/**
 * Queues one binary message, as wsaddin_client_send_text does a text.
 *
 * @param data  `size` bytes, copied
 */
wsaddin_result wsaddin_client_send_binary(wsaddin_client client, const void *data, size_t size);

/**
 * Takes the next message and discards the other events before it. Blocks until there is one, at most `timeout_ms`; when
 * none comes, the other events that wait are discarded, too, so that wsaddin_wait_any does not tell of them. Any number
 * of threads may wait; each message goes to one of them.
 *
 * @param timeout_ms  milliseconds; WSADDIN_WAIT_FOREVER, WSADDIN_NO_WAIT
 * @param message     yours; free it with wsaddin_message_free
 * @retval WSADDIN_TIMEOUT      none within that time
 * @retval WSADDIN_CLOSED       not connected (any more), and nothing is queued
 * @retval WSADDIN_HANDLER_SET  a handler gets the events
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
 */
wsaddin_result wsaddin_client_receive(wsaddin_client client,
                                      int64_t timeout_ms,
                                      wsaddin_message **message);

/**
 * Takes the next event of any kind; wsaddin_message_event says which. Otherwise as wsaddin_client_receive.
 *
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
 */
wsaddin_result wsaddin_client_receive_event(wsaddin_client client,
                                            int64_t timeout_ms,
                                            wsaddin_message **message);

/**
 * Sends a ping and blocks until its pong, at most `timeout_ms` (WSADDIN_WAIT_FOREVER: without limit).
 *
 * @param round_trip_ms  milliseconds
 * @retval WSADDIN_NOT_CONNECTED  also while it reconnects
 * @retval WSADDIN_PING_TIMEOUT  no pong within that time
 * @retval WSADDIN_QUEUE_FULL    the receive queue is full, now or while it waits, so that no pong could be read
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
 */
wsaddin_result wsaddin_client_ping(wsaddin_client client,
                                   int64_t timeout_ms,
                                   int64_t *round_trip_ms);

/**
 * Sends a JSON object and blocks until the message that answers it, at most `timeout_ms`: the one whose `reply_field`
 * equals the request's `id_field`. A request without that field gets a unique one, put in front of the others; all else
 * leaves byte for byte. All other messages stay queued in order; what has come before the answer is not received before
 * it is known to be none. An answer that comes too late is an ordinary message: receive, or the handler, gets it.
 * Values are equal as JSON has them: numbers by their exact value (1, 1.0, 1e0; of any length), strings by their
 * characters, escaped or not; a string is no number. In an answer, text or binary, only that field is looked at: where it
 * comes twice the last one counts, and nothing else in it makes it no answer, as long as its brackets and quotes close.
 * The look is taken on this thread and needs no memory, however large a message is.
 *
 * @param text         the JSON object, UTF-8; well-formed (RFC 8259), its id no object or array
 * @param timeout_ms   milliseconds; WSADDIN_WAIT_FOREVER
 * @param id_field     the name of the field that identifies the request; "id" is usual
 * @param reply_field  the name of the field in the answer; empty: the same as `id_field`
 * @param reply        the answer, yours; free it with wsaddin_message_free
 * @retval WSADDIN_NOT_CONNECTED    also while it reconnects, and when the connection ends meanwhile
 * @retval WSADDIN_REQUEST_TIMEOUT  no answer within that time
 * @retval WSADDIN_BAD_ARGUMENT     `text` is no such object; the error's text says where
 * @retval WSADDIN_QUEUE_FULL       the receive queue is full, now or while it waits, so that no answer could be read; or
 *                                  no room in the send queue within SendTimeout or `timeout_ms`
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
 */
wsaddin_result wsaddin_client_request(wsaddin_client client,
                                      const void *text,
                                      size_t size,
                                      int64_t timeout_ms,
                                      const void *id_field,
                                      size_t id_field_size,
                                      const void *reply_field,
                                      size_t reply_field_size,
                                      wsaddin_message **reply);

/**
 * Sets a header of the handshake, from the next connect or reconnection on. Never blocks.
 *
 * @param value  empty: the header is removed
 * @retval WSADDIN_BAD_ARGUMENT  a name or value that is not allowed, or a header of the handshake itself
 */
wsaddin_result wsaddin_client_set_header(wsaddin_client client,
                                         const void *name,
                                         size_t name_size,
                                         const void *value,
                                         size_t value_size);

/**
 * The status: 1 open, 0 not (yet, or any more), -1 failed, broken or reconnecting. Never blocks.
 */
wsaddin_result wsaddin_client_get_status(wsaddin_client client, int64_t *value);

/**
 * The state: 0 connecting or reconnecting, 1 open, 2 closing, 3 closed. Never blocks.
 */
wsaddin_result wsaddin_client_get_ready_state(wsaddin_client client, int64_t *value);

/**
 * The URL connected to, without user, query and fragment; empty when not connected. Never blocks.
 */
wsaddin_result wsaddin_client_get_server(wsaddin_client client,
                                         char *buffer,
                                         size_t capacity,
                                         size_t *needed);

/**
 * Bytes that were accepted for sending and not yet taken by the system. Never blocks.
 */
wsaddin_result wsaddin_client_get_buffered_amount(wsaddin_client client, int64_t *value);

/**
 * Messages that were received and not yet taken. Never blocks.
 */
wsaddin_result wsaddin_client_get_queued(wsaddin_client client, int64_t *value);

/**
 * The subprotocol in force, or empty. Never blocks.
 */
wsaddin_result wsaddin_client_get_protocol(wsaddin_client client,
                                           char *buffer,
                                           size_t capacity,
                                           size_t *needed);

/**
 * The extensions in force, or empty. Never blocks.
 */
wsaddin_result wsaddin_client_get_extensions(wsaddin_client client,
                                             char *buffer,
                                             size_t capacity,
                                             size_t *needed);

/**
 * The close code of the last connection: 0 while there was no end, 1006 when it broke. Never blocks.
 */
wsaddin_result wsaddin_client_get_close_code(wsaddin_client client, int64_t *value);

/**
 * The close reason of the last connection; where the end was made on our side, our own text. Never blocks.
 */
wsaddin_result wsaddin_client_get_close_reason(wsaddin_client client,
                                               char *buffer,
                                               size_t capacity,
                                               size_t *needed);

/**
 * What the server answered to the last handshake, successful or not: the HTTP status, 101 of a connection that opened; 0
 * when there was no answer, or none yet. A redirect that was followed does not count. Never blocks.
 */
wsaddin_result wsaddin_client_get_handshake_status(wsaddin_client client,
                                                   int64_t *value);

/**
 * The headers of that answer as a JSON object: names in lower case, repeats joined by ", ", set-cookie an array. Empty
 * when there was no answer. Never blocks.
 */
wsaddin_result wsaddin_client_get_response_headers(wsaddin_client client,
                                                   char *buffer,
                                                   size_t capacity,
                                                   size_t *needed);

/**
 * The first 16 KiB of the body of that answer, where it was a refusal or a redirect, as text: by the charset of
 * Content-Type where that is ISO-8859-1, Windows-1251, Windows-1252, KOI8-R or IBM866, else as UTF-8. It may come for two
 * seconds, and within ConnectTimeout; what has come by then is there. Empty for a body with a Content-Encoding, which
 * the client does not ask for. Never blocks.
 */
wsaddin_result wsaddin_client_get_response_body(wsaddin_client client,
                                                char *buffer,
                                                size_t capacity,
                                                size_t *needed);

/**
 * The result of this client's last call that failed, on whatever thread, or, later, of a failed attempt to connect again;
 * 0 when nothing has failed yet. Success leaves it as it is. Never blocks.
 */
wsaddin_result wsaddin_client_get_error_code(wsaddin_client client,
                                             int64_t *value);

/**
 * Counters as JSON: messages_in, messages_out, bytes_in, bytes_out, queued_in, queued_in_bytes, queued_out_bytes, pings,
 * round_trip_ms (null before the first pong), connects, reconnects, rejected (by reason), closes (by code),
 * connections, sessions_waiting, warnings, started_at (ISO 8601, UTC). Never blocks.
 */
wsaddin_result wsaddin_client_statistics(wsaddin_client client,
                                         char *buffer,
                                         size_t capacity,
                                         size_t *needed);

/**
 * Milliseconds for lookup, TLS and handshake together; 0 is without limit. Default 10000.
 */
wsaddin_result wsaddin_client_set_connect_timeout(wsaddin_client client, int64_t value);

/**
 * Reads what wsaddin_client_set_connect_timeout sets.
 */
wsaddin_result wsaddin_client_get_connect_timeout(wsaddin_client client, int64_t *value);

/**
 * Milliseconds for the closing handshake; 0 aborts at once. Default 3000.
 * A peer that breaks the protocol is sent its close code when the messages that it had sent before have been taken, so
 * that they can be answered: at most within this time and 1 second.
 */
wsaddin_result wsaddin_client_set_close_timeout(wsaddin_client client,
                                                int64_t value);

/**
 * Reads what wsaddin_client_set_close_timeout sets.
 */
wsaddin_result wsaddin_client_get_close_timeout(wsaddin_client client, int64_t *value);

/**
 * Milliseconds that sending waits for room in the queue; 0 is without limit, negative does not wait. Default 5000.
 */
wsaddin_result wsaddin_client_set_send_timeout(wsaddin_client client,
                                               int64_t value);

/**
 * Reads what wsaddin_client_set_send_timeout sets.
 */
wsaddin_result wsaddin_client_get_send_timeout(wsaddin_client client, int64_t *value);

/**
 * Milliseconds without a received byte after which a ping is sent; 0 is off. Default 20000.
 */
wsaddin_result wsaddin_client_set_ping_interval(wsaddin_client client, int64_t value);

/**
 * Reads what wsaddin_client_set_ping_interval sets.
 */
wsaddin_result wsaddin_client_get_ping_interval(wsaddin_client client, int64_t *value);

/**
 * Milliseconds for the answer to such a ping, after which the connection has ended; 0 is off. Default 20000.
 */
wsaddin_result wsaddin_client_set_pong_timeout(wsaddin_client client, int64_t value);

/**
 * Reads what wsaddin_client_set_pong_timeout sets.
 */
wsaddin_result wsaddin_client_get_pong_timeout(wsaddin_client client, int64_t *value);

/**
 * The largest incoming message in bytes; a larger one ends the connection with 1009. Default 67108864.
 */
wsaddin_result wsaddin_client_set_max_message_size(wsaddin_client client, int64_t value);

/**
 * Reads what wsaddin_client_set_max_message_size sets.
 */
wsaddin_result wsaddin_client_get_max_message_size(wsaddin_client client, int64_t *value);

/**
 * Messages that may wait to be received; beyond, reading from the network pauses. Default 65536.
 */
wsaddin_result wsaddin_client_set_receive_queue_messages(wsaddin_client client, int64_t value);

/**
 * Reads what wsaddin_client_set_receive_queue_messages sets.
 */
wsaddin_result wsaddin_client_get_receive_queue_messages(wsaddin_client client, int64_t *value);

/**
 * Bytes that may wait to be received; beyond, reading from the network pauses. Default 67108864.
 */
wsaddin_result wsaddin_client_set_receive_queue_bytes(wsaddin_client client, int64_t value);

/**
 * Reads what wsaddin_client_set_receive_queue_bytes sets.
 */
wsaddin_result wsaddin_client_get_receive_queue_bytes(wsaddin_client client, int64_t *value);

/**
 * Bytes that may wait to be sent; a message for which nothing else waits may be longer. Default 67108864.
 */
wsaddin_result wsaddin_client_set_send_queue_bytes(wsaddin_client client, int64_t value);

/**
 * Reads what wsaddin_client_set_send_queue_bytes sets.
 */
wsaddin_result wsaddin_client_get_send_queue_bytes(wsaddin_client client, int64_t *value);

/**
 * 1 (the default) offers, or accepts, permessage-deflate (RFC 7692); 0 does not. From the next connect or
 * reconnection on. A message under 256 bytes, or one that would not become smaller, goes out as it is.
 */
wsaddin_result wsaddin_client_set_compression(wsaddin_client client, int64_t value);

/**
 * Reads what wsaddin_client_set_compression sets.
 */
wsaddin_result wsaddin_client_get_compression(wsaddin_client client, int64_t *value);

/**
 * 1 lets a message refer to those before it, in both directions: small messages that resemble each other shrink much
 * more, and each connection keeps about 300 KiB for what it sends and 47 KiB for what it receives (at 15 bits). 0
 * (the default): a connection keeps nothing between messages, and asks its server not to; for a server that does all
 * the same it keeps the 47 KiB from the first compressed message on. From the next connect or reconnection on.
 */
wsaddin_result wsaddin_client_set_compression_context(wsaddin_client client,
                                                      int64_t value);

/**
 * Reads what wsaddin_client_set_compression_context sets.
 */
wsaddin_result wsaddin_client_get_compression_context(wsaddin_client client, int64_t *value);

/**
 * The largest compression window in either direction, as a power of two: 8 to 15. A server is asked for 9 at least,
 * since zlib cannot compress with 8, and may have a larger one. From the next connect or reconnection on. Default 15.
 */
wsaddin_result wsaddin_client_set_compression_window_bits(wsaddin_client client,
                                                          int64_t value);

/**
 * Reads what wsaddin_client_set_compression_window_bits sets.
 */
wsaddin_result wsaddin_client_get_compression_window_bits(wsaddin_client client, int64_t *value);

/**
 * Milliseconds before a lost connection is tried again, until wsaddin_client_disconnect; 0 is off. Acts at once: 0 gives
 * up a reconnection that waits, and what is queued for it. Not followed: our own disconnect, the other side's close with
 * 1000, 1002, 1003, 1007 to 1010 or 4000 to 4999, and a close for its breach of the protocol. While it reconnects the
 * status is -1 and the state 0, sending queues, and each failed attempt is a WSADDIN_EVENT_ERROR. Default 0.
 */
wsaddin_result wsaddin_client_set_reconnect_interval(wsaddin_client client,
                                                     int64_t value);

/**
 * Reads what wsaddin_client_set_reconnect_interval sets.
 */
wsaddin_result wsaddin_client_get_reconnect_interval(wsaddin_client client, int64_t *value);

/**
 * When above the reconnect interval: the bound of the wait doubles with each failure up to this many milliseconds, and
 * each wait is drawn anew between nothing and its bound, so that many clients do not come back all at once. Default 0.
 */
wsaddin_result wsaddin_client_set_reconnect_max_interval(wsaddin_client client,
                                                         int64_t value);

/**
 * Reads what wsaddin_client_set_reconnect_max_interval sets.
 */
wsaddin_result wsaddin_client_get_reconnect_max_interval(wsaddin_client client, int64_t *value);

/**
 * After so many attempts in a row that have failed, the first of wsaddin_client_begin_connect included, it gives up:
 * status -1, ready state 3, what waits to be sent is dropped; the last WSADDIN_EVENT_ERROR says so. 0: never. Counts from
 * the next failure on. A Retry-After of 429 or 503 is kept to whatever the interval, but for no longer than the larger of
 * ReconnectMaxInterval and 60 seconds. Default 0.
 */
wsaddin_result wsaddin_client_set_max_reconnect_attempts(wsaddin_client client,
                                                         int64_t value);

/**
 * Reads what wsaddin_client_set_max_reconnect_attempts sets.
 */
wsaddin_result wsaddin_client_get_max_reconnect_attempts(wsaddin_client client, int64_t *value);

/**
 * A text that goes out first on every connection, before anything that waits; empty: none. From the next connect or
 * reconnection on. Default empty.
 */
wsaddin_result wsaddin_client_set_hello_message(wsaddin_client client,
                                                const void *value,
                                                size_t size);

/**
 * Reads what wsaddin_client_set_hello_message sets.
 */
wsaddin_result wsaddin_client_get_hello_message(wsaddin_client client,
                                                char *buffer,
                                                size_t capacity,
                                                size_t *needed);

/**
 * Subprotocols to offer, comma separated, preferred first; from the next connect or reconnection on. A server that
 * selects none of them is refused (WSADDIN_HANDSHAKE), as browsers do. Default empty.
 */
wsaddin_result wsaddin_client_set_protocols(wsaddin_client client,
                                            const void *value,
                                            size_t size);

/**
 * Reads what wsaddin_client_set_protocols sets.
 */
wsaddin_result wsaddin_client_get_protocols(wsaddin_client client,
                                            char *buffer,
                                            size_t capacity,
                                            size_t *needed);

/**
 * The proxy to connect through, from the next connect on: `http://user:password@host:3128` (CONNECT, Basic or Digest) or
 * `socks5://user:password@host:1080`, user name and password percent-encoded; `env`: what HTTPS_PROXY, HTTP_PROXY,
 * ALL_PROXY and NO_PROXY say (in lower case first); `system`: as `env`, on Windows the user's static settings (no
 * PAC); empty: none. The proxy looks the server's name up. Its failures are WSADDIN_PROXY. Default empty.
 */
wsaddin_result wsaddin_client_set_proxy(wsaddin_client client,
                                        const void *value,
                                        size_t size);

/**
 * Reads what wsaddin_client_set_proxy sets, with `***` for the password.
 */
wsaddin_result wsaddin_client_get_proxy(wsaddin_client client, char *buffer, size_t capacity, size_t *needed);

/**
 * Trusted roots beside the system's: the path of a PEM file, or PEM text; from the next connect on. Default empty.
 */
wsaddin_result wsaddin_client_set_ca_file(wsaddin_client client,
                                          const void *value,
                                          size_t size);

/**
 * Reads what wsaddin_client_set_ca_file sets.
 */
wsaddin_result wsaddin_client_get_ca_file(wsaddin_client client,
                                          char *buffer,
                                          size_t capacity,
                                          size_t *needed);

/**
 * 1: the server's certificate and its name are checked. 0: they are not, and anybody may pose as the server; for this
 * client alone, from the next connect on. Default 1.
 */
wsaddin_result wsaddin_client_set_verify_certificate(wsaddin_client client,
                                                     int64_t value);

/**
 * Reads what wsaddin_client_set_verify_certificate sets.
 */
wsaddin_result wsaddin_client_get_verify_certificate(wsaddin_client client, int64_t *value);

/**
 * Public keys of which a server must have one, from the next connect on: comma separated, each `sha256/` and the Base64 of
 * the SHA-256 of a key as certificates hold it (SubjectPublicKeyInfo), as curl has them. Beside all other checks one key of
 * the chain that was verified must be among them, the root's or the server's own; with VerifyCertificate 0 the server's
 * own. Empty: any. A ws:// URL has no certificate, and nothing is compared. Default empty.
 *
 * @retval WSADDIN_BAD_ARGUMENT  one of them is malformed; nothing is changed
 */
wsaddin_result wsaddin_client_set_pinned_certificates(wsaddin_client client,
                                                      const void *value,
                                                      size_t size);

/**
 * Reads what wsaddin_client_set_pinned_certificates sets.
 */
wsaddin_result wsaddin_client_get_pinned_certificates(wsaddin_client client,
                                                      char *buffer,
                                                      size_t capacity,
                                                      size_t *needed);

/**
 * How many redirects (301, 302, 303, 307, 308) are followed at each connect, 0 to 20; all within ConnectTimeout, to ws,
 * wss, http and https URLs and relative ones, never from wss to ws. To another host or port goes nothing that was meant
 * for the first: no user name and password, no headers of wsaddin_client_set_header, no client certificate, no subprotocol
 * that carries a token (as access_token.…). The next reconnection begins at the first URL again. Default 0.
 */
wsaddin_result wsaddin_client_set_max_redirects(wsaddin_client client,
                                                int64_t value);

/**
 * Reads what wsaddin_client_set_max_redirects sets.
 */
wsaddin_result wsaddin_client_get_max_redirects(wsaddin_client client, int64_t *value);

/**
 * Makes a server. The first object of the process starts the I/O thread.
 *
 * @param server  its handle; free it with wsaddin_server_free
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
 */
wsaddin_result wsaddin_server_new(wsaddin_server *server);

/**
 * Ends and frees a server: wakes every call that is blocked on it (they return WSADDIN_CANCELLED), waits until they
 * have left, stops as wsaddin_server_stop does. Blocks at most CloseTimeout and 100 ms. Afterwards the handle is bad for
 * ever, its handler runs no more, and after the last object no thread of the library is left.
 *
 * @retval WSADDIN_BAD_HANDLE      freed already, for instance by another thread meanwhile
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; the server lives on
 */
wsaddin_result wsaddin_server_free(wsaddin_server server);

/**
 * Lets go of a server without waiting, from anywhere, inside handlers and destructors too: the handle is bad from then
 * on, calls that are blocked on it return WSADDIN_CANCELLED, and it is closed as wsaddin_server_free does in the
 * background. No run of its handler begins after this has returned; one that is under way, this very one or one on
 * another I/O thread, ends as ever, so what it uses must stay until then: see wsaddin_server_set_owned_handler.
 * While the background is busy the library's threads run on, after the last free, too. It may be unloaded all the
 * same: the unloading ends what is left at once, and waits for that.
 *
 * @retval WSADDIN_BAD_HANDLE  freed or released already
 */
wsaddin_result wsaddin_server_release(wsaddin_server server);

/**
 * Listens and accepts connections in the background. Blocks only while another thread's stop is not finished.
 *
 * @param interface_name  an IPv4 or IPv6 address of this machine (fe80::1%eth0 where it is link-local), "localhost", or
 *                        empty or "*" for all; on Linux also a Unix socket, unix:/run/app.sock; UTF-8
 * @param size            its bytes
 * @param port            0 to 65535; 0 picks a free one, which wsaddin_server_get_port tells; of no
 *                        importance to a Unix socket
 * @retval WSADDIN_ALREADY_RUNNING  it goes on as it was
 * @retval WSADDIN_ADDRESS          the port or Unix socket is in use, or the address is not this machine's
 * @retval WSADDIN_UNSUPPORTED      a Unix socket on Windows
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
 */
wsaddin_result wsaddin_server_run(wsaddin_server server,
                                  const void *interface_name,
                                  size_t size,
                                  int64_t port);

/**
 * Closes every connection with 1001 and frees the port. Blocks at most CloseTimeout. What was received stays queued.
 * Not running is no error.
 *
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
 */
wsaddin_result wsaddin_server_stop(wsaddin_server server);

/**
 * Queues one text message for a connection; the I/O thread sends it. Does not wait for room unless SendTimeout is set
 * so. OK means queued, not delivered.
 *
 * @param connection  its number, as an event told it
 * @param text        UTF-8, `size` bytes, copied; it may hold NUL characters and be empty
 * @retval WSADDIN_CLOSED        that connection has gone
 * @retval WSADDIN_BAD_ARGUMENT  there never was such a connection
 * @retval WSADDIN_QUEUE_FULL    no room; nothing was queued
 */
wsaddin_result wsaddin_server_send_text(wsaddin_server server,
                                        uint64_t connection,
                                        const void *text,
                                        size_t size);

/**
 * Queues one binary message for a connection, as wsaddin_server_send_text does a text.
 *
 * @param data  `size` bytes, copied
 */
wsaddin_result wsaddin_server_send_binary(wsaddin_server server,
                                          uint64_t connection,
                                          const void *data,
                                          size_t size);

/**
 * Queues one text message for every connection and for every absent session that may come back. Never blocks: a
 * connection whose queue is full is closed with 1013, an absent session whose queue is full goes without; neither is
 * counted.
 *
 * @param text   UTF-8, `size` bytes, copied once for all
 * @param count  how many it was queued for
 */
wsaddin_result wsaddin_server_broadcast_text(wsaddin_server server,
                                             const void *text,
                                             size_t size,
                                             int64_t *count);

/**
 * Queues one binary message for every connection, as wsaddin_server_broadcast_text does a text.
 *
 * @param data   `size` bytes, copied once for all
 * @param count  how many connections it was queued for
 */
wsaddin_result wsaddin_server_broadcast_binary(wsaddin_server server,
                                               const void *data,
                                               size_t size,
                                               int64_t *count);

/**
 * Takes the next message of any connection and discards the other events before it; wsaddin_message_connection says
 * whose it is. Blocks until there is one, at most `timeout_ms`; when none comes, the other events that wait are
 * discarded, too, so that wsaddin_wait_any does not tell of them. Any number of threads may wait; each message goes to
 * one of them.
 *
 * @param timeout_ms  milliseconds; WSADDIN_WAIT_FOREVER, WSADDIN_NO_WAIT
 * @param message     yours; free it with wsaddin_message_free
 * @retval WSADDIN_TIMEOUT      none within that time
 * @retval WSADDIN_CLOSED       not running (any more), and nothing is queued
 * @retval WSADDIN_HANDLER_SET  a handler gets the events
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
 */
wsaddin_result wsaddin_server_receive(wsaddin_server server,
                                      int64_t timeout_ms,
                                      wsaddin_message **message);

/**
 * Takes the next event of any kind; wsaddin_message_event says which. Otherwise as wsaddin_server_receive.
 *
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
 */
wsaddin_result wsaddin_server_receive_event(wsaddin_server server,
                                            int64_t timeout_ms,
                                            wsaddin_message **message);

/**
 * Starts to close a connection and returns at once. What it had sent is still handed over.
 *
 * @param code    1000 to 1003, 1007 to 1014 or 3000 to 4999; 1000 is the ordinary one
 * @param reason  UTF-8, at most 123 bytes
 * @retval WSADDIN_CLOSED        that connection has gone already
 * @retval WSADDIN_BAD_ARGUMENT  there never was such a connection, or a code or reason that is not allowed; nothing
 *                               happened
 */
wsaddin_result wsaddin_server_disconnect(wsaddin_server server,
                                         uint64_t connection,
                                         uint16_t code,
                                         const void *reason,
                                         size_t size);

/**
 * Sends a ping to a connection and blocks until its pong, at most `timeout_ms` (WSADDIN_WAIT_FOREVER: without limit).
 *
 * @param round_trip_ms  milliseconds
 * @retval WSADDIN_PING_TIMEOUT   no pong within that time
 * @retval WSADDIN_NOT_CONNECTED  that connection has gone
 * @retval WSADDIN_BAD_ARGUMENT   there never was such a connection
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
 */
wsaddin_result wsaddin_server_ping(wsaddin_server server,
                                   uint64_t connection,
                                   int64_t timeout_ms,
                                   int64_t *round_trip_ms);

/**
 * A connection as JSON: id, name, groups, address, path, query, headers (names in lower case, repeats joined by ", "),
 * protocol, extensions, secure, state ("pending" or "open"), connected_at (ISO 8601, UTC), messages_in, messages_out,
 * bytes_in, bytes_out, queued_in, queued_out, queued_out_bytes, round_trip_ms (null before the first pong). Never blocks.
 *
 * @retval WSADDIN_CLOSED        that connection has gone
 * @retval WSADDIN_BAD_ARGUMENT  there never was such a connection
 */
wsaddin_result wsaddin_server_connection_info(wsaddin_server server,
                                              uint64_t connection,
                                              char *buffer,
                                              size_t capacity,
                                              size_t *needed);

/**
 * All connections as a JSON array of what wsaddin_server_connection_info tells, without headers. Never blocks.
 */
wsaddin_result wsaddin_server_connection_list(wsaddin_server server,
                                              char *buffer,
                                              size_t capacity,
                                              size_t *needed);

/**
 * The address listened on, without the port; empty when stopped. Never blocks.
 */
wsaddin_result wsaddin_server_get_server(wsaddin_server server,
                                         char *buffer,
                                         size_t capacity,
                                         size_t *needed);

/**
 * The port listened on; 0 when stopped. Never blocks.
 */
wsaddin_result wsaddin_server_get_port(wsaddin_server server, int64_t *value);

/**
 * The connections for people, like "1: 127.0.0.1:50412 | 2: 127.0.0.1:50413". Never blocks.
 */
wsaddin_result wsaddin_server_get_connections(wsaddin_server server,
                                              char *buffer,
                                              size_t capacity,
                                              size_t *needed);

/**
 * How many connections there are. Never blocks.
 */
wsaddin_result wsaddin_server_get_connection_count(wsaddin_server server, int64_t *value);

/**
 * Messages that were received and not yet taken. Never blocks.
 */
wsaddin_result wsaddin_server_get_queued(wsaddin_server server, int64_t *value);

/**
 * The result of this server's last call that failed, on whatever thread; 0 when nothing has failed yet. Success leaves it
 * as it is. Never blocks.
 */
wsaddin_result wsaddin_server_get_error_code(wsaddin_server server,
                                             int64_t *value);

/**
 * Counters as JSON: messages_in, messages_out, bytes_in, bytes_out, queued_in, queued_in_bytes, queued_out_bytes, pings,
 * round_trip_ms (null before the first pong), connects, reconnects, rejected (by reason), closes (by code),
 * connections, sessions_waiting, warnings, started_at (ISO 8601, UTC). Never blocks.
 */
wsaddin_result wsaddin_server_statistics(wsaddin_server server,
                                         char *buffer,
                                         size_t capacity,
                                         size_t *needed);

/**
 * Names a connection. Who had the name before is taken over: it gets a close (4001), and its groups and unsent
 * messages go to this one. In a name like `id:1::group_id:2` the part group_id joins that group. Never blocks.
 *
 * @param connection  its number
 * @param name        UTF-8, `size` bytes, at most 1024 and no control characters, copied; empty takes the name away
 * @retval WSADDIN_CLOSED        that connection has gone
 * @retval WSADDIN_BAD_ARGUMENT  there never was such a connection, or it is not a name
 */
wsaddin_result wsaddin_server_set_name(wsaddin_server server,
                                       uint64_t connection,
                                       const void *name,
                                       size_t size);

/**
 * Queues one text message for the connection of that name; if it is away, for when it comes back within ResumeTimeout.
 * Does not wait for room unless SendTimeout is set so. OK means queued, not delivered.
 *
 * @param name       UTF-8, `name_size` bytes
 * @param text       UTF-8, `size` bytes, copied; it may hold NUL characters and be empty
 * @retval WSADDIN_NOT_FOUND   no connection of that name is there or expected back
 * @retval WSADDIN_QUEUE_FULL  no room; nothing was queued
 */
wsaddin_result wsaddin_server_send_to_name_text(wsaddin_server server,
                                                const void *name,
                                                size_t name_size,
                                                const void *text,
                                                size_t size);

/**
 * Queues one binary message for a name, as wsaddin_server_send_to_name_text does a text.
 *
 * @param name       UTF-8, `name_size` bytes
 * @param data       `size` bytes, copied
 * @retval WSADDIN_NOT_FOUND   no connection of that name is there or expected back
 * @retval WSADDIN_QUEUE_FULL  no room; nothing was queued
 */
wsaddin_result wsaddin_server_send_to_name_binary(wsaddin_server server,
                                                  const void *name,
                                                  size_t name_size,
                                                  const void *data,
                                                  size_t size);

/**
 * Adds a connection to a group; it stays there until it leaves or its session ends. Never blocks.
 *
 * @param connection  its number
 * @param group       UTF-8, `size` bytes, 1 to 1024 and no control characters, copied
 * @retval WSADDIN_CLOSED        that connection has gone
 * @retval WSADDIN_BAD_ARGUMENT  there never was such a connection, or it is no name of a group
 */
wsaddin_result wsaddin_server_join_group(wsaddin_server server,
                                         uint64_t connection,
                                         const void *group,
                                         size_t size);

/**
 * Takes a connection out of a group; that it was not in it is no error. Never blocks.
 *
 * @param connection  its number
 * @param group       UTF-8, `size` bytes, 1 to 1024 and no control characters
 * @retval WSADDIN_CLOSED        that connection has gone
 * @retval WSADDIN_BAD_ARGUMENT  there never was such a connection, or it is no name of a group
 */
wsaddin_result wsaddin_server_leave_group(wsaddin_server server,
                                          uint64_t connection,
                                          const void *group,
                                          size_t size);

/**
 * Queues one text message for the members of a group, absent ones included, as wsaddin_server_broadcast_text does for
 * everybody.
 *
 * @param group  UTF-8, `group_size` bytes; empty: everybody
 * @param text   UTF-8, `size` bytes, copied once for all
 * @param count  how many it was queued for; 0 when the group is empty
 */
wsaddin_result wsaddin_server_broadcast_group_text(wsaddin_server server,
                                                   const void *group,
                                                   size_t group_size,
                                                   const void *text,
                                                   size_t size,
                                                   int64_t *count);

/**
 * Queues one binary message for the members of a group, as wsaddin_server_broadcast_group_text does a text.
 *
 * @param group  UTF-8, `group_size` bytes; empty: everybody
 * @param data   `size` bytes, copied once for all
 * @param count  how many it was queued for; 0 when the group is empty
 */
wsaddin_result wsaddin_server_broadcast_group_binary(wsaddin_server server,
                                                     const void *group,
                                                     size_t group_size,
                                                     const void *data,
                                                     size_t size,
                                                     int64_t *count);

/**
 * The parameter of a request's query, or else the header, whose value names a connection, e.g. `X-StatefulSocketId`; a
 * name over 1024 bytes or with control characters gets HTTP 400. Empty (the default): no request names one. For
 * connections that come later.
 */
wsaddin_result wsaddin_server_set_name_parameter(wsaddin_server server,
                                                 const void *value,
                                                 size_t size);

/**
 * Reads what wsaddin_server_set_name_parameter sets.
 */
wsaddin_result wsaddin_server_get_name_parameter(wsaddin_server server,
                                                 char *buffer,
                                                 size_t capacity,
                                                 size_t *needed);

/**
 * Milliseconds that the session of a named connection waits for it after it has broken; 0: it does not. What is sent
 * to the name meanwhile waits, within SendQueueBytes; a session that ends with messages waiting gives a
 * WSADDIN_EVENT_EXPIRED. No more of them wait than MaxConnections: the one that would end first makes room. For
 * connections that break later. Default 60000.
 */
wsaddin_result wsaddin_server_set_resume_timeout(wsaddin_server server,
                                                 int64_t value);

/**
 * Reads what wsaddin_server_set_resume_timeout sets.
 */
wsaddin_result wsaddin_server_get_resume_timeout(wsaddin_server server, int64_t *value);

/**
 * Queues one message for all, or for the members of a group, absent ones included, but not for one connection. Never
 * blocks. A connection whose queue is full is closed with 1013, or with WSADDIN_SKIP_FULL goes without; an absent
 * session whose queue is full goes without; none of them is counted.
 *
 * @param kind    WSADDIN_KIND_...
 * @param data    `size` bytes, copied once for all; a text is UTF-8
 * @param group   UTF-8, `group_size` bytes; empty: everybody
 * @param except  a connection that does not get it, as the one that it came from; 0: none
 * @param flags   0 or WSADDIN_SKIP_FULL
 * @param count   how many it was queued for
 * @retval WSADDIN_BAD_ARGUMENT  there never was a connection `except`, or a kind or flag that is unknown
 */
wsaddin_result wsaddin_server_broadcast(wsaddin_server server,
                                        wsaddin_kind kind,
                                        const void *data,
                                        size_t size,
                                        const void *group,
                                        size_t group_size,
                                        uint64_t except,
                                        wsaddin_flags flags,
                                        int64_t *count);

/**
 * A name as JSON: name, state ("open"; "moving" while what its previous connection has not sent is on its way to it;
 * "waiting" while it is away and may come back), server (address and port listened on), id (its connection's number,
 * null when away), since and until (ISO 8601, UTC; until is null but for "waiting"), queued and queued_bytes (what
 * waits to be sent to it), groups. Never blocks.
 *
 * @param name  UTF-8, `size` bytes
 * @retval WSADDIN_NOT_FOUND  no connection of that name is there or expected back
 */
wsaddin_result wsaddin_server_name_info(wsaddin_server server,
                                        const void *name,
                                        size_t size,
                                        char *buffer,
                                        size_t capacity,
                                        size_t *needed);

/**
 * All names that begin with a prefix as a JSON array of what wsaddin_server_name_info tells, by name, without groups.
 * Never blocks.
 *
 * @param prefix  UTF-8, `size` bytes; empty: all names
 */
wsaddin_result wsaddin_server_name_list(wsaddin_server server,
                                        const void *prefix,
                                        size_t size,
                                        char *buffer,
                                        size_t capacity,
                                        size_t *needed);

/**
 * Starts to close the connection of that name, as wsaddin_server_disconnect does, and ends its session; one that is away
 * ends, too, with a WSADDIN_EVENT_EXPIRED if messages wait.
 *
 * @param name    UTF-8, `name_size` bytes
 * @param code    1000 to 1003, 1007 to 1014 or 3000 to 4999; 1000 is the ordinary one
 * @param reason  UTF-8, at most 123 bytes
 * @retval WSADDIN_NOT_FOUND     no connection of that name is there or expected back
 * @retval WSADDIN_BAD_ARGUMENT  a name, code or reason that is not allowed; nothing happened
 */
wsaddin_result wsaddin_server_disconnect_name(wsaddin_server server,
                                              const void *name,
                                              size_t name_size,
                                              uint16_t code,
                                              const void *reason,
                                              size_t size);

/**
 * Lets a connection in that a WSADDIN_EVENT_PENDING told of; WSADDIN_EVENT_OPEN follows. Never blocks. From now on it
 * can be used as any other: what is sent to it leaves right behind the handshake's answer.
 *
 * @param connection  its number
 * @retval WSADDIN_CLOSED        it has gone, or that was decided already
 * @retval WSADDIN_BAD_ARGUMENT  there never was such a connection
 */
wsaddin_result wsaddin_server_accept(wsaddin_server server,
                                     uint64_t connection);

/**
 * Refuses a connection that a WSADDIN_EVENT_PENDING told of; no other event of it follows. Never blocks.
 *
 * @param connection   its number
 * @param http_status  400 to 599; 403 is usual
 * @param reason       the body of the answer, UTF-8, `size` bytes, copied; empty: what HTTP calls the status
 * @retval WSADDIN_CLOSED        it has gone, or that was decided already
 * @retval WSADDIN_BAD_ARGUMENT  there never was such a connection, or a status that is not allowed
 */
wsaddin_result wsaddin_server_reject(wsaddin_server server,
                                     uint64_t connection,
                                     int64_t http_status,
                                     const void *reason,
                                     size_t size);

/**
 * Connections from one address at the same time; the next one gets HTTP 503; 0 is without limit. Acts at once. Default 0.
 */
wsaddin_result wsaddin_server_set_max_connections_per_address(wsaddin_server server,
                                                              int64_t value);

/**
 * Reads what wsaddin_server_set_max_connections_per_address sets.
 */
wsaddin_result wsaddin_server_get_max_connections_per_address(wsaddin_server server, int64_t *value);

/**
 * 1: each incoming connection waits as WSADDIN_EVENT_PENDING for wsaddin_server_accept or wsaddin_server_reject. It
 * counts in MaxConnections, but is no connection yet. Acts at once. Default 0.
 */
wsaddin_result wsaddin_server_set_manual_accept(wsaddin_server server,
                                                int64_t value);

/**
 * Reads what wsaddin_server_set_manual_accept sets.
 */
wsaddin_result wsaddin_server_get_manual_accept(wsaddin_server server, int64_t *value);

/**
 * 1: new connections get HTTP 503 with Retry-After, since the server is about to end; open ones stay until they end or
 * wsaddin_server_stop. Acts at once. Default 0.
 */
wsaddin_result wsaddin_server_set_draining(wsaddin_server server,
                                           int64_t value);

/**
 * Reads what wsaddin_server_set_draining sets.
 */
wsaddin_result wsaddin_server_get_draining(wsaddin_server server, int64_t *value);

/**
 * Milliseconds that a pending one waits, 1 to 600000; then it gets HTTP 503. Default 30000.
 */
wsaddin_result wsaddin_server_set_accept_timeout(wsaddin_server server, int64_t value);

/**
 * Reads what wsaddin_server_set_accept_timeout sets.
 */
wsaddin_result wsaddin_server_get_accept_timeout(wsaddin_server server, int64_t *value);

/**
 * What a browser's Origin may be, comma separated: `scheme://host[:port]`, where a host that begins with `*.` stands
 * for its subdomains, or `null`, which a local file and a sandboxed frame say. A host's name may be written in its own
 * letters. Another one gets HTTP 403; a request without one, as programs send it, passes; empty allows all. Acts at once.
 * Default empty.
 */
wsaddin_result wsaddin_server_set_allowed_origins(wsaddin_server server,
                                                  const void *value,
                                                  size_t size);

/**
 * Reads what wsaddin_server_set_allowed_origins sets.
 */
wsaddin_result wsaddin_server_get_allowed_origins(wsaddin_server server,
                                                  char *buffer,
                                                  size_t capacity,
                                                  size_t *needed);

/**
 * When set, a handshake must carry it or gets HTTP 401: in `Authorization: Bearer ...`, in the query as
 * `access_token=...`, or, for browsers, as a subprotocol `access_token.<token>` beside the one they want, which is never
 * selected; what a subprotocol's name may not hold is percent-encoded. The token is compared in constant time and shown
 * as `***` everywhere. Acts at once. Default empty.
 */
wsaddin_result wsaddin_server_set_access_token(wsaddin_server server,
                                               const void *value,
                                               size_t size);

/**
 * Reads what wsaddin_server_set_access_token sets, as `***`.
 */
wsaddin_result wsaddin_server_get_access_token(wsaddin_server server,
                                               char *buffer,
                                               size_t capacity,
                                               size_t *needed);

/**
 * Reverse proxies that speak for others: addresses and networks (10.0.0.0/8), comma separated, `unix` for who comes
 * through a Unix socket. From them, and from nobody else, a head of the PROXY protocol (1 and 2) is understood, and
 * Forwarded, or X-Forwarded-For with X-Forwarded-Proto, tells the address and whether it is secure: of
 * wsaddin_server_connection_info (which has `proxy` then, too), of wsaddin_server_get_connections, of
 * MaxConnectionsPerAddress and of the log. The headers are read from the right: the first address that is not trusted
 * counts, and an entry that cannot be read ends the search at the last good one. Both headers with different addresses
 * get HTTP 400. Behind a PROXY head the headers count only if the address in it is trusted, too. For connections that
 * come later. Default empty.
 */
wsaddin_result wsaddin_server_set_trusted_proxies(wsaddin_server server,
                                                  const void *value,
                                                  size_t size);

/**
 * Reads what wsaddin_server_set_trusted_proxies sets.
 */
wsaddin_result wsaddin_server_get_trusted_proxies(wsaddin_server server,
                                                  char *buffer,
                                                  size_t capacity,
                                                  size_t *needed);

/**
 * A path, like `/health`, that load balancers may ask for: GET and HEAD get HTTP 200 and `{"status":"ok"}`, without a token
 * and without a line of the log above WSADDIN_LOG_DEBUG. Acts at once. Default empty: nothing is answered.
 */
wsaddin_result wsaddin_server_set_health_path(wsaddin_server server,
                                              const void *value,
                                              size_t size);

/**
 * Reads what wsaddin_server_set_health_path sets.
 */
wsaddin_result wsaddin_server_get_health_path(wsaddin_server server,
                                              char *buffer,
                                              size_t capacity,
                                              size_t *needed);

/**
 * A folder whose files are served to GET and HEAD: `/` is its `index.html`. A page loaded from there may open `new
 * WebSocket` to where it came from, without another web server. Nothing outside the folder is served, nor a file whose
 * name, or a folder's on the way, begins with a dot, but for `/.well-known/`. No token is asked for. Acts at once. Default
 * empty: no pages.
 */
wsaddin_result wsaddin_server_set_pages_folder(wsaddin_server server,
                                               const void *value,
                                               size_t size);

/**
 * Reads what wsaddin_server_set_pages_folder sets.
 */
wsaddin_result wsaddin_server_get_pages_folder(wsaddin_server server,
                                               char *buffer,
                                               size_t capacity,
                                               size_t *needed);

/**
 * A path, like `/control`, below which another program may use this server by plain HTTP, with `Authorization: Bearer` and
 * the ControlToken: `POST .../send?id=N` or `?name=NAME` and `POST .../broadcast[?group=G&except=N&skip_full=1]` send the
 * body, `GET .../connections[?id=N]`, `.../names[?prefix=P]`, `.../statistics` and `.../metrics` tell, `POST
 * .../disconnect?id=N` or `?name=NAME` closes. Answers are JSON, metrics a text for Prometheus. Running a server fails while
 * this is set and the token is empty. Acts at once. Default empty: nobody may.
 */
wsaddin_result wsaddin_server_set_control_path(wsaddin_server server,
                                               const void *value,
                                               size_t size);

/**
 * Reads what wsaddin_server_set_control_path sets.
 */
wsaddin_result wsaddin_server_get_control_path(wsaddin_server server,
                                               char *buffer,
                                               size_t capacity,
                                               size_t *needed);

/**
 * What a request below ControlPath must carry, or it gets HTTP 401. Compared in constant time and shown as `***`
 * everywhere. Acts at once. Default empty: nobody may.
 */
wsaddin_result wsaddin_server_set_control_token(wsaddin_server server,
                                                const void *value,
                                                size_t size);

/**
 * Reads what wsaddin_server_set_control_token sets, as `***`.
 */
wsaddin_result wsaddin_server_get_control_token(wsaddin_server server,
                                                char *buffer,
                                                size_t capacity,
                                                size_t *needed);

/**
 * The server's figures as a text that Prometheus reads (format 0.0.4), for a program that has its own place to show them;
 * the names begin with `websocket_`. Never blocks.
 */
wsaddin_result wsaddin_metrics(wsaddin_server server,
                               char *buffer,
                               size_t capacity,
                               size_t *needed);

/**
 * Ends a connection at once, without a close handshake; its close (1006) follows. Never blocks.
 *
 * @retval WSADDIN_CLOSED        that connection has gone already
 * @retval WSADDIN_BAD_ARGUMENT  there never was such a connection
 */
wsaddin_result wsaddin_server_abort(wsaddin_server server, uint64_t connection);

/**
 * Stops reading from a connection, so that its peer has to wait, or goes on. What was read already is handed over.
 * Keepalive does not end it meanwhile; a ping of wsaddin_server_ping is not answered. Never blocks.
 *
 * @param on  1: stops, 0: goes on
 * @retval WSADDIN_CLOSED        that connection has gone
 * @retval WSADDIN_BAD_ARGUMENT  there never was such a connection, or neither 0 nor 1
 */
wsaddin_result wsaddin_server_pause(wsaddin_server server,
                                    uint64_t connection,
                                    int32_t on);

/**
 * A header of every answer to a handshake from now on, 101 and refusals; an empty value removes it.
 *
 * @param name   of an HTTP header that does not belong to the answer itself, `name_size` bytes
 * @param value  `size` bytes without line breaks, copied
 * @retval WSADDIN_BAD_ARGUMENT  a name or value that is not allowed
 */
wsaddin_result wsaddin_server_set_response_header(wsaddin_server server,
                                                  const void *name,
                                                  size_t name_size,
                                                  const void *value,
                                                  size_t size);

/**
 * The paths that may be asked for, comma separated; one that ends with a slash and an asterisk stands for everything
 * below that folder, but not for the folder itself; another gets HTTP 404; empty: any. Acts at once. Default empty.
 */
wsaddin_result wsaddin_server_set_paths(wsaddin_server server,
                                        const void *value,
                                        size_t size);

/**
 * Reads what wsaddin_server_set_paths sets.
 */
wsaddin_result wsaddin_server_get_paths(wsaddin_server server, char *buffer, size_t capacity, size_t *needed);

/**
 * Milliseconds after which a connection that has had no message in either direction is closed with 1001; pings do not
 * count. It is found at most an eighth of that later. 0: off. Acts at once. Default 0.
 */
wsaddin_result wsaddin_server_set_idle_timeout(wsaddin_server server,
                                               int64_t value);

/**
 * Reads what wsaddin_server_set_idle_timeout sets.
 */
wsaddin_result wsaddin_server_get_idle_timeout(wsaddin_server server, int64_t *value);

/**
 * How many messages a connection may send a second on average, with a burst of twice that; beyond it reading from it
 * pauses. 0: without limit. Acts at once. Default 0.
 */
wsaddin_result wsaddin_server_set_messages_per_second(wsaddin_server server,
                                                      int64_t value);

/**
 * Reads what wsaddin_server_set_messages_per_second sets.
 */
wsaddin_result wsaddin_server_get_messages_per_second(wsaddin_server server, int64_t *value);

/**
 * How many messages of one connection may wait in the receive queue, so that one that floods delays the others by no
 * more than that; never more than a quarter of ReceiveQueueMessages. Acts at once. Default 1024.
 */
wsaddin_result wsaddin_server_set_connection_queue_messages(wsaddin_server server,
                                                            int64_t value);

/**
 * Reads what wsaddin_server_set_connection_queue_messages sets.
 */
wsaddin_result wsaddin_server_get_connection_queue_messages(wsaddin_server server, int64_t *value);

/**
 * How many bytes of one connection may wait in the receive queue; never more than a quarter of ReceiveQueueBytes. Acts
 * at once. Default 16777216.
 */
wsaddin_result wsaddin_server_set_connection_queue_bytes(wsaddin_server server,
                                                         int64_t value);

/**
 * Reads what wsaddin_server_set_connection_queue_bytes sets.
 */
wsaddin_result wsaddin_server_get_connection_queue_bytes(wsaddin_server server, int64_t *value);

/**
 * Whether TLS clients are asked for a certificate that an authority of wsaddin_server_set_client_ca_file has issued:
 * `request` or `require`. One that is not good ends the handshake in both cases, none only with `require`. Then
 * wsaddin_server_connection_info and a pending event have `certificate` with `subject`, `issuer`, `serial`, `sha256`,
 * `not_after` and `names`. With TLS 1.3 a client learns of the refusal only after it believes that it is connected: its
 * connect fails at the answer to its request. Sessions are not resumed, so each handshake is judged. Read by
 * wsaddin_server_run_tls and wsaddin_server_reload_certificate; wsaddin_server_run fails with it. On Windows both fail with
 * WSADDIN_UNSUPPORTED. Default empty: nobody is asked.
 */
wsaddin_result wsaddin_server_set_client_certificates(wsaddin_server server,
                                                      const void *value,
                                                      size_t size);

/**
 * Reads what wsaddin_server_set_client_certificates sets.
 */
wsaddin_result wsaddin_server_get_client_certificates(wsaddin_server server,
                                                      char *buffer,
                                                      size_t capacity,
                                                      size_t *needed);

/**
 * The authorities that issue the certificates of clients: the path of a PEM file, or PEM text. It may have their lists of
 * revoked certificates (X509 CRL), too, each signed by one of the authorities in it; whoever is on one, or whose
 * authority's list is out of date, is refused. Read by wsaddin_server_run_tls and wsaddin_server_reload_certificate. Default
 * empty.
 */
wsaddin_result wsaddin_server_set_client_ca_file(wsaddin_server server,
                                                 const void *value,
                                                 size_t size);

/**
 * Reads what wsaddin_server_set_client_ca_file sets.
 */
wsaddin_result wsaddin_server_get_client_ca_file(wsaddin_server server,
                                                 char *buffer,
                                                 size_t capacity,
                                                 size_t *needed);

/**
 * Milliseconds for the closing handshake; 0 aborts at once. Default 3000.
 * A peer that breaks the protocol is sent its close code when the messages that it had sent before have been taken, so
 * that they can be answered: at most within this time and 1 second.
 */
wsaddin_result wsaddin_server_set_close_timeout(wsaddin_server server,
                                                int64_t value);

/**
 * Reads what wsaddin_server_set_close_timeout sets.
 */
wsaddin_result wsaddin_server_get_close_timeout(wsaddin_server server, int64_t *value);

/**
 * Milliseconds that sending waits for room in the queue; 0 is without limit, negative does not wait. Default -1.
 */
wsaddin_result wsaddin_server_set_send_timeout(wsaddin_server server,
                                               int64_t value);

/**
 * Reads what wsaddin_server_set_send_timeout sets.
 */
wsaddin_result wsaddin_server_get_send_timeout(wsaddin_server server, int64_t *value);

/**
 * Milliseconds without a received byte after which a ping is sent; 0 is off. Default 20000.
 */
wsaddin_result wsaddin_server_set_ping_interval(wsaddin_server server, int64_t value);

/**
 * Reads what wsaddin_server_set_ping_interval sets.
 */
wsaddin_result wsaddin_server_get_ping_interval(wsaddin_server server, int64_t *value);

/**
 * Milliseconds for the answer to such a ping, after which the connection has ended; 0 is off. Default 20000.
 */
wsaddin_result wsaddin_server_set_pong_timeout(wsaddin_server server, int64_t value);

/**
 * Reads what wsaddin_server_set_pong_timeout sets.
 */
wsaddin_result wsaddin_server_get_pong_timeout(wsaddin_server server, int64_t *value);

/**
 * The largest incoming message in bytes; a larger one ends the connection with 1009. Default 67108864.
 */
wsaddin_result wsaddin_server_set_max_message_size(wsaddin_server server, int64_t value);

/**
 * Reads what wsaddin_server_set_max_message_size sets.
 */
wsaddin_result wsaddin_server_get_max_message_size(wsaddin_server server, int64_t *value);

/**
 * Messages that may wait to be received; beyond, reading from the network pauses. Default 65536.
 */
wsaddin_result wsaddin_server_set_receive_queue_messages(wsaddin_server server, int64_t value);

/**
 * Reads what wsaddin_server_set_receive_queue_messages sets.
 */
wsaddin_result wsaddin_server_get_receive_queue_messages(wsaddin_server server, int64_t *value);

/**
 * Bytes that may wait to be received; beyond, reading from the network pauses. Default 67108864.
 */
wsaddin_result wsaddin_server_set_receive_queue_bytes(wsaddin_server server, int64_t value);

/**
 * Reads what wsaddin_server_set_receive_queue_bytes sets.
 */
wsaddin_result wsaddin_server_get_receive_queue_bytes(wsaddin_server server, int64_t *value);

/**
 * Bytes that may wait to be sent on one connection; a message for which nothing else waits may be longer. Default
 * 4194304.
 */
wsaddin_result wsaddin_server_set_send_queue_bytes(wsaddin_server server,
                                                   int64_t value);

/**
 * Reads what wsaddin_server_set_send_queue_bytes sets.
 */
wsaddin_result wsaddin_server_get_send_queue_bytes(wsaddin_server server, int64_t *value);

/**
 * 1 (the default) offers, or accepts, permessage-deflate (RFC 7692); 0 does not. For connections that come from now
 * on. A message under 256 bytes, or one that would not become smaller, goes out as it is.
 */
wsaddin_result wsaddin_server_set_compression(wsaddin_server server,
                                              int64_t value);

/**
 * Reads what wsaddin_server_set_compression sets.
 */
wsaddin_result wsaddin_server_get_compression(wsaddin_server server, int64_t *value);

/**
 * 1 lets a message refer to those before it, in both directions: small messages that resemble each other shrink much
 * more, and each connection keeps about 300 KiB for what it sends and 47 KiB for what it receives (at 15 bits). 0
 * (the default): a connection keeps nothing between messages. For connections that come from now on.
 */
wsaddin_result wsaddin_server_set_compression_context(wsaddin_server server,
                                                      int64_t value);

/**
 * Reads what wsaddin_server_set_compression_context sets.
 */
wsaddin_result wsaddin_server_get_compression_context(wsaddin_server server, int64_t *value);

/**
 * The largest compression window in either direction, as a power of two: 8 to 15. A client that does not name 8
 * itself is asked for 9 at least, since zlib cannot compress with 8. For connections that come from now on. Default 15.
 */
wsaddin_result wsaddin_server_set_compression_window_bits(wsaddin_server server,
                                                          int64_t value);

/**
 * Reads what wsaddin_server_set_compression_window_bits sets.
 */
wsaddin_result wsaddin_server_get_compression_window_bits(wsaddin_server server, int64_t *value);

/**
 * Connections at most; the next one gets HTTP 503. Default 10000.
 */
wsaddin_result wsaddin_server_set_max_connections(wsaddin_server server, int64_t value);

/**
 * Reads what wsaddin_server_set_max_connections sets.
 */
wsaddin_result wsaddin_server_get_max_connections(wsaddin_server server, int64_t *value);

/**
 * Milliseconds, 1 to 600000, in which an incoming connection must have finished its handshake. Default 10000.
 */
wsaddin_result wsaddin_server_set_handshake_timeout(wsaddin_server server, int64_t value);

/**
 * Reads what wsaddin_server_set_handshake_timeout sets.
 */
wsaddin_result wsaddin_server_get_handshake_timeout(wsaddin_server server, int64_t *value);

/**
 * Bytes of unfinished messages of all connections together; one that would exceed it is closed with 1013. Default
 * 268435456.
 */
wsaddin_result wsaddin_server_set_assembly_bytes(wsaddin_server server,
                                                 int64_t value);

/**
 * Reads what wsaddin_server_set_assembly_bytes sets.
 */
wsaddin_result wsaddin_server_get_assembly_bytes(wsaddin_server server, int64_t *value);

/**
 * I/O threads, 1 to 64; the process runs as many as its largest running server asks for. Default 1.
 */
wsaddin_result wsaddin_server_set_io_threads(wsaddin_server server, int64_t value);

/**
 * Reads what wsaddin_server_set_io_threads sets.
 */
wsaddin_result wsaddin_server_get_io_threads(wsaddin_server server, int64_t *value);

/**
 * Subprotocols that are supported, comma separated, preferred first; from the next run on. Default empty.
 */
wsaddin_result wsaddin_server_set_protocols(wsaddin_server server, const void *value, size_t size);

/**
 * Reads what wsaddin_server_set_protocols sets.
 */
wsaddin_result wsaddin_server_get_protocols(wsaddin_server server,
                                            char *buffer,
                                            size_t capacity,
                                            size_t *needed);

/**
 * The same as wsaddin_server_run with TLS. Blocks while the files are read and the key is decrypted, too.
 *
 * Certificate and key are paths or PEM text, UTF-8: PEM with the chain and the key in one file or in two (keys of PKCS#8,
 * PKCS#1 and SEC1, plain or encrypted), or PKCS#12. A certificate that has expired works; wsaddin_server_statistics warns.
 *
 * @param certificate  the certificate with its chain, and the key unless `key` is given
 * @param key          the key; empty when it is in `certificate`. Without a password, a key that is neither a file nor
 *                     PEM text is the password
 * @param password     of the key or the PKCS#12; copied, and wiped when the server stops
 * @retval WSADDIN_FILE  a file cannot be read or used, or the password is wrong; the text says which and why
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
 */
wsaddin_result wsaddin_server_run_tls(wsaddin_server server,
                                      const void *interface_name,
                                      size_t size,
                                      int64_t port,
                                      const void *certificate,
                                      size_t certificate_size,
                                      const void *key,
                                      size_t key_size,
                                      const void *password,
                                      size_t password_size);

/**
 * Gives new connections a renewed certificate; those that are open go on. Blocks while it is read. When that fails the
 * old one stays.
 *
 * @param certificate  as for wsaddin_server_run_tls; with all three empty, what was given last is read again
 * @retval WSADDIN_FILE         a file cannot be read or used, or the password is wrong
 * @retval WSADDIN_NOT_RUNNING  it does not run
 * @retval WSADDIN_UNSUPPORTED  it runs without TLS
 */
wsaddin_result wsaddin_server_reload_certificate(wsaddin_server server,
                                                 const void *certificate,
                                                 size_t certificate_size,
                                                 const void *key,
                                                 size_t key_size,
                                                 const void *password,
                                                 size_t password_size);

/**
 * Sets what the client shows from the next connect on when a server asks for a certificate (mutual TLS). Blocks while it
 * is read. When that fails the old one stays.
 *
 * @param certificate  as for wsaddin_server_run_tls; with all three empty: none any more
 * @retval WSADDIN_FILE  a file cannot be read or used, or the password is wrong; the text says which and why
 */
wsaddin_result wsaddin_client_set_client_certificate(wsaddin_client client,
                                                     const void *certificate,
                                                     size_t certificate_size,
                                                     const void *key,
                                                     size_t key_size,
                                                     const void *password,
                                                     size_t password_size);

/**
 * Takes all messages that are queued, in order, up to 1024 of them and as many as begin within the first 4 MiB, and
 * discards the other events before and between them: wsaddin_client_receive_event_batch takes those, too. One call, one
 * lock and one wake-up for all of them. Blocks until there is a message, at most `timeout_ms`, as
 * wsaddin_client_receive does; does not wait for more than one.
 *
 * @param timeout_ms  milliseconds; WSADDIN_WAIT_FOREVER, WSADDIN_NO_WAIT
 * @param batch       yours, with one message at least; free it with wsaddin_batch_free
 * @retval WSADDIN_TIMEOUT      none within that time
 * @retval WSADDIN_CLOSED       not connected (any more), and nothing is queued
 * @retval WSADDIN_HANDLER_SET  a handler gets the events
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
 */
wsaddin_result wsaddin_client_receive_batch(wsaddin_client client,
                                            int64_t timeout_ms,
                                            wsaddin_batch **batch);

/**
 * Takes all events of any kind that are queued, in order; wsaddin_message_event says which each of them is. Otherwise as
 * wsaddin_client_receive_batch.
 *
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
 */
wsaddin_result wsaddin_client_receive_event_batch(wsaddin_client client,
                                                  int64_t timeout_ms,
                                                  wsaddin_batch **batch);

/**
 * Takes all messages that are queued, of all connections (wsaddin_message_connection says whose each is), in order, up
 * to 1024 of them and as many as begin within the first 4 MiB, and discards the other events before and between them:
 * wsaddin_server_receive_event_batch takes those, too. One call, one lock and one wake-up for all of them. Blocks until
 * there is a message, at most `timeout_ms`, as wsaddin_server_receive does; does not wait for more than one.
 *
 * @param timeout_ms  milliseconds; WSADDIN_WAIT_FOREVER, WSADDIN_NO_WAIT
 * @param batch       yours, with one message at least; free it with wsaddin_batch_free
 * @retval WSADDIN_TIMEOUT      none within that time
 * @retval WSADDIN_CLOSED       not running (any more), and nothing is queued
 * @retval WSADDIN_HANDLER_SET  a handler gets the events
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
 */
wsaddin_result wsaddin_server_receive_batch(wsaddin_server server,
                                            int64_t timeout_ms,
                                            wsaddin_batch **batch);

/**
 * Takes all events of any kind that are queued, in order; wsaddin_message_event says which each of them is. Otherwise as
 * wsaddin_server_receive_batch.
 *
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
 */
wsaddin_result wsaddin_server_receive_event_batch(wsaddin_server server,
                                                  int64_t timeout_ms,
                                                  wsaddin_batch **batch);

/**
 * How many messages there are, at least 1; 0 for NULL.
 */
size_t wsaddin_batch_count(const wsaddin_batch *batch);

/**
 * One of them, borrowed until the batch is freed: wsaddin_message_keep makes one that stays, wsaddin_message_free does
 * nothing to it. NULL when there is none of that index.
 *
 * @param index  from 0, less than wsaddin_batch_count
 */
const wsaddin_message *wsaddin_batch_at(const wsaddin_batch *batch,
                                        size_t index);

/**
 * Frees a batch and its messages. NULL does nothing.
 */
void wsaddin_batch_free(wsaddin_batch *batch);

/**
 * Queues many messages, in order, as wsaddin_client_send_text and wsaddin_client_send_binary do one: one call, one lock
 * and one wake-up for as many as 256 of them, or 1 MiB. Stops at the first that fails, and returns what sending that one
 * would have; it and all behind it are not queued. SendTimeout bounds how long it waits for room in all.
 *
 * @param messages  `count` of them; NULL only with count 0, which is no error
 * @param queued    how many were queued; set also when the result is not 0
 * @retval WSADDIN_QUEUE_FULL    no room for the message at `queued`
 * @retval WSADDIN_BAD_ARGUMENT  the message at `queued` has no such kind, a connection, or NULL with a size
 */
wsaddin_result wsaddin_client_send_batch(wsaddin_client client,
                                         const wsaddin_outgoing *messages,
                                         size_t count,
                                         size_t *queued);

/**
 * Queues many messages, each for its connection, in order, as wsaddin_server_send_text and wsaddin_server_send_binary do
 * one: one call, one lock and one wake-up for as many as 256 of them, or 1 MiB. Stops at the first that fails, and
 * returns what sending that one would have; it and all behind it are not queued. SendTimeout bounds how long it waits
 * for room in all.
 *
 * @param messages  `count` of them; NULL only with count 0, which is no error
 * @param queued    how many were queued; set also when the result is not 0
 * @retval WSADDIN_CLOSED        the connection of the message at `queued` has gone; go on behind it
 * @retval WSADDIN_QUEUE_FULL    no room for the message at `queued`
 * @retval WSADDIN_BAD_ARGUMENT  the message at `queued` has no such kind, a connection that never was, or NULL with a size
 */
wsaddin_result wsaddin_server_send_batch(wsaddin_server server,
                                         const wsaddin_outgoing *messages,
                                         size_t count,
                                         size_t *queued);

/**
 * From now on the client's events go to `on_event` instead of the queue, what is queued already first. While a handler
 * is set, receive and receive_event return WSADDIN_HANDLER_SET. NULL takes the handler away, and when that call has
 * returned it runs no more; taken away from inside itself, that run is its last.
 *
 * @param on_event   the function, or NULL
 * @param user_data  handed to it each time; the library does not look at it
 * @retval WSADDIN_WOULD_DEADLOCK  called inside another object's handler while this one runs on another thread
 */
wsaddin_result wsaddin_client_set_handler(wsaddin_client client,
                                          wsaddin_handler on_event,
                                          void *user_data);

/**
 * From now on the server's events go to `on_event` instead of the queue, what is queued already first. While a handler
 * is set, receive and receive_event return WSADDIN_HANDLER_SET. NULL takes the handler away, and when that call has
 * returned it runs no more; taken away from inside itself, that run is its last. Events of one server never overlap,
 * those of its connections included.
 *
 * @param on_event   the function, or NULL
 * @param user_data  handed to it each time; the library does not look at it
 * @retval WSADDIN_WOULD_DEADLOCK  called inside another object's handler while this one runs on another thread
 */
wsaddin_result wsaddin_server_set_handler(wsaddin_server server,
                                          wsaddin_handler on_event,
                                          void *user_data);

/**
 * The same, and `user_data` belongs to the library: `destroy` is called with it once, when no run of this handler is
 * under way and none will come, on whichever thread comes to that last. So a handler may release its own client, or be
 * replaced while it runs elsewhere, and what it uses stays until it has ended. `destroy` is called when this fails, too.
 *
 * @param on_event   the function; NULL: none, and `user_data` and `destroy` are not looked at
 * @param user_data  handed to both functions
 * @param destroy    NULL: nothing is to be done
 * @retval WSADDIN_WOULD_DEADLOCK  called inside another object's handler while this one runs on another thread
 */
wsaddin_result wsaddin_client_set_owned_handler(wsaddin_client client,
                                                wsaddin_handler on_event,
                                                void *user_data,
                                                wsaddin_destroy destroy);

/**
 * As wsaddin_client_set_owned_handler, for a server.
 *
 * @param on_event   the function; NULL: none, and `user_data` and `destroy` are not looked at
 * @param user_data  handed to both functions
 * @param destroy    NULL: nothing is to be done
 * @retval WSADDIN_WOULD_DEADLOCK  called inside another object's handler while this one runs on another thread
 */
wsaddin_result wsaddin_server_set_owned_handler(wsaddin_server server,
                                                wsaddin_handler on_event,
                                                void *user_data,
                                                wsaddin_destroy destroy);

/**
 * Blocks until receive_event would return at once for one of the objects, clients and servers mixed: something is
 * queued, it has ended (or not begun), it was stopped or freed, or it is no object at all. Level-triggered: it tells
 * the same again until the event has been taken. The search starts after the index that this thread was given last.
 *
 * @param ids         the id fields of the handles
 * @param count       how many, at least 1
 * @param timeout_ms  milliseconds; WSADDIN_WAIT_FOREVER, WSADDIN_NO_WAIT
 * @param index       which of them
 * @retval WSADDIN_TIMEOUT  none within that time
 * @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
 */
wsaddin_result wsaddin_wait_any(const uint64_t *ids,
                                size_t count,
                                int64_t timeout_ms,
                                size_t *index);

#ifdef __cplusplus
}  // extern "C"
#endif /* __cplusplus */

#endif  /* WEBSOCKET_ADDIN_H */
