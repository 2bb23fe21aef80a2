/*
 * Notices for the users of a portal, by the conventions of WebTutor (WebSoft HCM): a page connects to
 *
 *     ws://HOST:PORT/services/main_ws_service?X-StatefulSocketId=id:10001::group_id:10001
 *
 * and is then known by the name `id:10001::group_id:10001`, as a member of the group `10001`. A page that has come and
 * gone for a moment misses nothing: what is sent to its name waits until it is back, a minute by default.
 *
 *     cc notices.c -lwebsocket_addin -o notices
 *     ./notices 8080
 *
 * A page that came by https may open wss:// only. So the program speaks TLS where it is given a certificate,
 *
 *     ./notices 8080 certificate.pem key.pem
 *
 * or stands behind nginx, which then ends TLS: nginx.conf is its part for that.
 *
 * With CONTROL_TOKEN in the environment, other programs may send through it (examples/control), by plain HTTP below
 * http://127.0.0.1:8080/control.
 *
 * The program prints `port N` and then does what it reads, a line each:
 *
 *     list                        all connections, a line of JSON each (ConnectionInfo without the headers)
 *     name NAME TEXT              to one
 *     group GROUP TEXT            to a group
 *     all TEXT                    to everybody
 *     json name NAME TEXT  ...    the same, wrapped as WebTutor does with json_compound = true: [{"text":"TEXT"}]
 *
 * The answer to each is a line: how many it was queued for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "websocket_addin.h"

/* What one line may hold; a longer one is refused. */
#define LINE 4096

static int failed(const char *what) {
    fprintf(stderr, "%s: %s\n", what, wsaddin_error_description());
    return 1;
}

/* Writes `text` as a JSON string. Bytes above 127 are UTF-8 already and stay. Every byte becomes six at most. */
static char *put_json(char *out, const char *text) {
    *out++ = '"';
    for (; *text != 0; text++) {
        const unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\') {
            *out++ = '\\';
            *out++ = (char)byte;
        } else if (byte < 0x20) {
            out += sprintf(out, "\\u%04x", byte);
        } else {
            *out++ = (char)byte;
        }
    }
    *out++ = '"';
    return out;
}

/* Queued messages as one JSON array, which is what json_compound is; here of one object. */
static void wrap(char out[6 * LINE + 16], const char *text) {
    strcpy(out, "[{\"text\":");
    char *end = put_json(out + strlen(out), text);
    strcpy(end, "}]");
}

/* All connections. What the list needs can grow between two calls, so it is asked until it fits. */
static int list(wsaddin_server server) {
    size_t capacity = 1 << 16, needed = 0;
    char *json = NULL;
    wsaddin_result result;
    do {
        free(json);
        json = malloc(capacity);
        if (json == NULL) return 1;
        result = wsaddin_server_connection_list(server, json, capacity, &needed);
        capacity = needed + 1;
    } while (result == WSADDIN_TOO_BIG);
    if (result == WSADDIN_OK) printf("%s\n", json);
    free(json);
    return result == WSADDIN_OK ? 0 : failed("list");
}

/* The part of a line up to the next blank; moves `rest` behind it. */
static char *word(char **rest) {
    char *start = *rest, *end = strchr(start, ' ');
    if (end == NULL) {
        *rest = start + strlen(start);
    } else {
        *end = 0;
        *rest = end + 1;
    }
    return start;
}

static int obey(wsaddin_server server, char *line) {
    char wrapped[6 * LINE + 16];
    char *rest = line;
    const char *command = word(&rest), *text, *target = "";
    const int is_json = strcmp(command, "json") == 0;
    int64_t count = 0;
    wsaddin_result result;

    if (is_json) command = word(&rest);
    if (strcmp(command, "list") == 0) return list(server);
    const int to_all = strcmp(command, "all") == 0;
    if (!to_all) {
        target = word(&rest);
        /* For the library a group without a name is everybody. */
        if (*target == 0) command = "";
    }
    text = rest;
    if (is_json) {
        wrap(wrapped, text);
        text = wrapped;
    }
    if (to_all) {
        result = wsaddin_server_broadcast_text(server, text, strlen(text), &count);
    } else if (strcmp(command, "group") == 0) {
        result = wsaddin_server_broadcast_group_text(server, target, strlen(target), text, strlen(text), &count);
    } else if (strcmp(command, "name") == 0) {
        result = wsaddin_server_send_to_name_text(server, target, strlen(target), text, strlen(text));
        count = result == WSADDIN_OK;
        /* Nobody of that name is there or expected back: that is an answer, not an error. */
        if (result == WSADDIN_NOT_FOUND) result = WSADDIN_OK;
    } else {
        fprintf(stderr, "list, name, group, all or json\n");
        return 1;
    }
    if (result != WSADDIN_OK) return failed(command);
    printf("%lld\n", (long long)count);
    return 0;
}

/* Runs on the library's thread. This server only speaks; what a page says is dropped, so that no queue fills. */
static void ignore(const wsaddin_message *message, void *user_data) {
    (void)message;
    (void)user_data;
}

/* Without a certificate it speaks no TLS. Where it has one, the key may be in the same file. */
static wsaddin_result run(wsaddin_server server, int64_t port, const char *certificate, const char *key) {
    if (certificate == NULL) return wsaddin_server_run(server, WSADDIN_TEXT("127.0.0.1"), port);
    return wsaddin_server_run_tls(server, WSADDIN_TEXT("127.0.0.1"), port, certificate, strlen(certificate), key,
                                  key == NULL ? 0 : strlen(key), NULL, 0);
}

int main(int argc, char **argv) {
    char line[LINE];
    wsaddin_server server;
    int64_t port = argc > 1 ? atoi(argv[1]) : 0;
    const char *certificate = argc > 2 ? argv[2] : NULL, *key = argc > 3 ? argv[3] : NULL;
    const char *token = getenv("CONTROL_TOKEN");

    if (wsaddin_server_new(&server) != WSADDIN_OK) return failed("server");
    if (token != NULL && (wsaddin_server_set_control_path(server, WSADDIN_TEXT("/control")) != WSADDIN_OK ||
                          wsaddin_server_set_control_token(server, token, strlen(token)) != WSADDIN_OK)) {
        failed("control");
        wsaddin_server_free(server);
        return 1;
    }
    if (wsaddin_server_set_name_parameter(server, WSADDIN_TEXT("X-StatefulSocketId")) != WSADDIN_OK ||
        wsaddin_server_set_handler(server, ignore, NULL) != WSADDIN_OK ||
        run(server, port, certificate, key) != WSADDIN_OK ||
        wsaddin_server_get_port(server, &port) != WSADDIN_OK) {
        failed("run");
        wsaddin_server_free(server);
        return 1;
    }
    printf("port %lld\n", (long long)port);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *end = strchr(line, '\n');
        if (end == NULL) {
            fprintf(stderr, "a line over %d bytes\n", LINE - 2);
            break;
        }
        *end = 0;
        obey(server, line);
        fflush(stdout);
    }
    wsaddin_server_free(server); /* closes every connection with 1001 */
    return 0;
}
