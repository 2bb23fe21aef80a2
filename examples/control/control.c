/*
 * Sends through a WebSocket server that another program owns, by plain HTTP on the server's own port. It needs neither
 * the library nor any other, only sockets (POSIX).
 *
 *     cc control.c -o control
 *     CONTROL_TOKEN=... ./control PORT send 'name=id:10001' TEXT
 *     CONTROL_TOKEN=... ./control PORT broadcast 'group=10001' TEXT
 *     CONTROL_TOKEN=... ./control PORT broadcast '' TEXT
 *
 * The second argument but one goes into the query as it is: percent-encode what is neither a letter nor a digit nor one of
 * `-._~:`. Prints the server's answer, a line of JSON; the exit code is 0 for HTTP 200.
 */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int failed(const char *what) {
    perror(what);
    return 1;
}

static int put(int descriptor, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t count = send(descriptor, bytes, size, MSG_NOSIGNAL);
        if (count <= 0) return -1;
        bytes += count;
        size -= (size_t)count;
    }
    return 0;
}

int main(int argc, char **argv) {
    const char *token = getenv("CONTROL_TOKEN");
    char head[4096], answer[8192];
    size_t got = 0;
    ssize_t count;

    if (argc != 5 || token == NULL) {
        fprintf(stderr, "usage: CONTROL_TOKEN=... control PORT send|broadcast QUERY TEXT\n");
        return 2;
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) return failed("connect");

    /* The answer to a request with `Connection: close` ends with the connection: nothing has to be parsed for that. */
    int size = snprintf(head, sizeof head,
                        "POST /control/%s%s%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                        argv[2], *argv[3] == 0 ? "" : "?", argv[3], token, strlen(argv[4]));
    if (size < 0 || (size_t)size >= sizeof head) {
        fprintf(stderr, "too long\n");
        return 2;
    }
    if (put(descriptor, head, (size_t)size) != 0 || put(descriptor, argv[4], strlen(argv[4])) != 0) return failed("send");
    while (got < sizeof answer - 1 && (count = recv(descriptor, answer + got, sizeof answer - 1 - got, 0)) > 0) {
        got += (size_t)count;
    }
    answer[got] = 0;
    close(descriptor);

    const char *body = strstr(answer, "\r\n\r\n");
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || body == NULL) {
        fprintf(stderr, "no answer\n");
        return 1;
    }
    printf("%s\n", body + 4);
    return strncmp(answer + 9, "200 ", 4) == 0 ? 0 : 1;
}
