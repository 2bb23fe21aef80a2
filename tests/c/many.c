/* A thousand clients of one process at one server of the same: no thread more than with one. */
#include "check.h"

#include <dirent.h>
#include <sys/resource.h>

#define MANY 1000

void expect(const char *file, int line, const char *call, wsaddin_result result, wsaddin_result expected) {
    if (result == expected) return;
    fprintf(stderr, "%s:%d: %s is %d instead of %d; the last error is: %s\n", file, line, call, (int)result,
            (int)expected, wsaddin_error_description());
    abort();
}

static int threads(void) {
    DIR *directory = opendir("/proc/self/task");
    CHECK(directory != NULL);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

/* A worker that dials may still be on its way out. */
static int settled_threads(int expected) {
    struct timespec time = {0, 10000000};
    for (int i = 0; i < 1000 && threads() != expected; i++) nanosleep(&time, NULL);
    return threads();
}

int main(void) {
    static wsaddin_client clients[MANY];
    wsaddin_server server;
    wsaddin_message *message;
    char url[64];
    int64_t port, count;
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);

    int before = threads();
    GOOD(wsaddin_server_new(&server));
    GOOD(wsaddin_server_run(server, WSADDIN_TEXT("127.0.0.1"), 0));
    GOOD(wsaddin_server_get_port(server, &port));
    int size = snprintf(url, sizeof url, "ws://127.0.0.1:%d/", (int)port);
    int idle = threads();
    for (int i = 0; i < MANY; i++) {
        GOOD(wsaddin_client_new(&clients[i]));
        if (i % 2) {
            GOOD(wsaddin_client_connect(clients[i], url, (size_t)size));
        } else {
            GOOD(wsaddin_client_begin_connect(clients[i], url, (size_t)size));
        }
        if (i == 1) {
            int with_two = settled_threads(idle);
            printf("threads: %d without an object, %d with a server, %d with two clients\n", before, idle, with_two);
            CHECK(with_two == idle);
        }
    }
    for (int i = 0; i < MANY; i += 2) {
        GOOD(wsaddin_client_receive_event(clients[i], 30000, &message));
        CHECK(wsaddin_message_event(message) == WSADDIN_EVENT_OPEN);
        wsaddin_message_free(message);
    }
    GOOD(wsaddin_server_get_connection_count(server, &count));
    CHECK(count == MANY);
    GOOD(wsaddin_server_broadcast_text(server, WSADDIN_TEXT("hello, all"), &count));
    CHECK(count == MANY);
    for (int i = 0; i < MANY; i++) {
        GOOD(wsaddin_client_receive(clients[i], 30000, &message));
        CHECK(wsaddin_message_size(message) == 10);
        wsaddin_message_free(message);
    }
    int with_many = settled_threads(idle);
    printf("threads: %d with %d clients\n", with_many, MANY);
    CHECK(with_many == idle);
    for (int i = 0; i < MANY; i++) GOOD(wsaddin_client_free(clients[i]));
    CHECK(settled_threads(idle) == idle);
    GOOD(wsaddin_server_free(server));
    CHECK(threads() == before); /* at once: free has joined them */
    puts("many: as many threads as with one");
    return 0;
}
