/*
 * A bot for Slack in Socket Mode: it answers a slash command with what followed it. Slack gives each connection a URL of its
 * own, for which an app asks over HTTPS; the bot reads one a line whenever it needs one, and says so with `url?`:
 *
 *     cc bot.c -lwebsocket_addin -o bot
 *     coproc ./bot
 *     while read -r line <&"${COPROC[0]}"; do
 *         case $line in
 *         url?) curl -s -X POST -H "Authorization: Bearer $SLACK_APP_TOKEN" \
 *                   https://slack.com/api/apps.connections.open | jq -r .url >&"${COPROC[1]}" ;;
 *         *) echo "$line" ;;
 *         esac
 *     done
 *
 * What Slack sends is JSON: `hello`, then an envelope for each event, which has to be acknowledged within three seconds by
 * its `envelope_id`, and `disconnect` some seconds before it closes, so that the bot comes back in time.
 */
#include <stdio.h>
#include <string.h>
#include "websocket_addin.h"

#define LINE 4096

static int failed(const char *what) {
    fprintf(stderr, "%s: %s\n", what, wsaddin_error_description());
    return 1;
}

/*
 * The string that a member holds, as it stands in the JSON, escapes and all: it goes back into JSON. NULL: there is none. It
 * takes the first member of that name wherever it stands, which is enough for these envelopes; a program with more to read
 * uses a JSON library.
 */
static const char *member(const char *json, size_t size, const char *name, size_t *length) {
    const size_t of_name = strlen(name);
    for (size_t at = 0; at < size; at++) {
        if (json[at] != '"') continue;
        const size_t start = ++at;
        while (at < size && json[at] != '"') at += json[at] == '\\' ? 2 : 1;
        if (at >= size) return NULL;
        const int is_name = at - start == of_name && memcmp(json + start, name, of_name) == 0;
        size_t after = at + 1;
        while (after < size && strchr(" \t\r\n", json[after]) != NULL) after++;
        if (!is_name || after >= size || json[after] != ':') continue;
        for (after++; after < size && strchr(" \t\r\n", json[after]) != NULL;) after++;
        if (after >= size || json[after] != '"') return NULL;
        const size_t value = ++after;
        while (after < size && json[after] != '"') after += json[after] == '\\' ? 2 : 1;
        if (after >= size) return NULL;
        *length = after - value;
        return json + value;
    }
    return NULL;
}

static int is(const char *text, size_t length, const char *wanted) {
    return text != NULL && length == strlen(wanted) && memcmp(text, wanted, length) == 0;
}

/* Answers an envelope; 0 when Slack is about to close. */
static int answer(wsaddin_client client, const char *json, size_t size) {
    char reply[LINE];
    size_t type_length = 0, id_length = 0, text_length = 0;
    const char *type = member(json, size, "type", &type_length);
    const char *id = member(json, size, "envelope_id", &id_length);
    const char *text = member(json, size, "text", &text_length);
    if (is(type, type_length, "disconnect")) return 0;
    if (id == NULL) return 1; /* hello */
    int length;
    if (is(type, type_length, "slash_commands") && text != NULL) {
        length = snprintf(reply, sizeof reply, "{\"envelope_id\":\"%.*s\",\"payload\":{\"text\":\"%.*s\"}}", (int)id_length, id,
                          (int)text_length, text);
    } else {
        length = snprintf(reply, sizeof reply, "{\"envelope_id\":\"%.*s\"}", (int)id_length, id);
    }
    if (length < 0 || (size_t)length >= sizeof reply) return 1; /* longer than a command may be */
    if (wsaddin_client_send_text(client, (const uint8_t *)reply, (size_t)length) != WSADDIN_OK) failed("answer");
    return 1;
}

/* One connection, from its URL to its end. */
static void serve(wsaddin_client client, const char *url, size_t size) {
    int32_t clean;
    wsaddin_message *message;
    if (wsaddin_client_connect(client, (const uint8_t *)url, size) != WSADDIN_OK) {
        char words[LINE];
        size_t needed;
        int64_t status;
        failed("connect");
        /* Slack says in the body what is wrong with the URL: it was used, or is too old. */
        if (wsaddin_client_get_handshake_status(client, &status) == WSADDIN_OK && status != 0 &&
            wsaddin_client_get_response_body(client, words, sizeof words, &needed) == WSADDIN_OK)
            fprintf(stderr, "HTTP %d: %s\n", (int)status, words);
        return;
    }
    printf("connected\n");
    fflush(stdout);
    while (wsaddin_client_receive(client, WSADDIN_WAIT_FOREVER, &message) == WSADDIN_OK) {
        const int goes_on = answer(client, (const char *)wsaddin_message_data(message), wsaddin_message_size(message));
        wsaddin_message_free(message);
        if (!goes_on) break;
    }
    wsaddin_client_disconnect(client, 1000, WSADDIN_TEXT(""), &clean); /* what was answered still leaves */
}

int main(void) {
    char url[LINE];
    wsaddin_client client;
    if (wsaddin_client_new(&client) != WSADDIN_OK) return failed("new");
    /* Slack's side may vanish without a close: a ping after silence finds out. */
    if (wsaddin_client_set_ping_interval(client, 30000) != WSADDIN_OK) return failed("ping interval");
    for (;;) {
        printf("url?\n");
        fflush(stdout);
        if (fgets(url, sizeof url, stdin) == NULL) break;
        serve(client, url, strcspn(url, "\n"));
    }
    wsaddin_client_free(client);
    return 0;
}
