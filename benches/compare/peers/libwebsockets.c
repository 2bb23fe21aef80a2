/* An echo server on libwebsockets, after its minimal examples: one thread, a queue of messages a connection. */
#include <libwebsockets.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct message {
    struct message *next;
    size_t size;
    int binary;
    unsigned char data[];
};

struct session {
    struct message *first, *last;
    unsigned char *partial;
    size_t partial_size;
};

static int echo(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size) {
    struct session *session = user;
    switch (reason) {
    case LWS_CALLBACK_RECEIVE: {
        session->partial = realloc(session->partial, session->partial_size + size + 1);
        memcpy(session->partial + session->partial_size, in, size);
        session->partial_size += size;
        if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) != 0) return 0;
        struct message *message = malloc(sizeof *message + LWS_PRE + session->partial_size);
        message->next = NULL;
        message->size = session->partial_size;
        message->binary = lws_frame_is_binary(wsi);
        memcpy(message->data + LWS_PRE, session->partial, session->partial_size);
        free(session->partial);
        session->partial = NULL;
        session->partial_size = 0;
        if (session->last) session->last->next = message;
        else session->first = message;
        session->last = message;
        lws_callback_on_writable(wsi);
        return 0;
    }
    case LWS_CALLBACK_SERVER_WRITEABLE: {
        struct message *message = session->first;
        if (!message) return 0;
        session->first = message->next;
        if (!session->first) session->last = NULL;
        const int kind = message->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
        const int written = lws_write(wsi, message->data + LWS_PRE, message->size, (enum lws_write_protocol)kind);
        const int failed = written < (int)message->size;
        free(message);
        if (failed) return -1;
        if (session->first) lws_callback_on_writable(wsi);
        return 0;
    }
    case LWS_CALLBACK_CLOSED:
        while (session->first) {
            struct message *message = session->first;
            session->first = message->next;
            free(message);
        }
        free(session->partial);
        return 0;
    default:
        return 0;
    }
}

int main(void) {
    static const struct lws_protocols protocols[] = {
        {"echo", echo, sizeof(struct session), 256 * 1024, 0, NULL, 0},
        {NULL, NULL, 0, 0, 0, NULL, 0},
    };
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = 0;
    info.iface = "lo";
    info.protocols = protocols;
    info.pt_serv_buf_size = 256 * 1024;
    info.options = LWS_SERVER_OPTION_DISABLE_IPV6;
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context *context = lws_create_context(&info);
    if (!context) return 1;
    printf("%d\n", lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default")));
    fflush(stdout);
    while (lws_service(context, 0) >= 0) {}
    return 0;
}
