/*
 * What the host's signals do to the library, and the library to them. Usage: signals <part> [<certificate> <key>]
 *   masks      what each thread of ours blocks
 *   directed   signals sent to the process never reach a thread of ours
 *   world      a runtime stops every thread by signals, again and again, while events flow
 *   storm      every blocking call while signals rain on every thread
 */
#include "check.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST 256

void expect(const char *file, int line, const char *call, wsaddin_result result, wsaddin_result expected) {
    if (result == expected) return;
    fprintf(stderr, "%s:%d: %s is %d instead of %d; the last error is: %s\n", file, line, call, (int)result,
            (int)expected, wsaddin_error_description());
    abort();
}

int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static pid_t here(void) { return (pid_t)syscall(SYS_gettid); }

/* Reads one field of a thread's status; the name when it is "Name:". */
static int status_of(pid_t thread, const char *field, char *value, size_t room) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/self/task/%d/status", (int)thread);
    FILE *file = fopen(path, "r");
    int found = 0;
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, field, strlen(field)) != 0) continue;
        snprintf(value, room, "%s", line + strlen(field) + strspn(line + strlen(field), " \t"));
        value[strcspn(value, "\n")] = '\0';
        found = 1;
    }
    if (file != NULL) fclose(file);
    return found;
}

/* The threads of this process but the caller; only ours when `ours`. */
static int threads(pid_t *into, int ours) {
    char name[64];
    int count = 0;
    DIR *directory = opendir("/proc/self/task");
    CHECK(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        pid_t thread = (pid_t)atoi(entry->d_name);
        if (thread == 0 || thread == here()) continue;
        if (ours && (!status_of(thread, "Name:", name, sizeof name) || strncmp(name, "websocket-", 10) != 0)) continue;
        CHECK(count < MOST);
        into[count++] = thread;
    }
    closedir(directory);
    return count;
}

static void handle(int number, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigfillset(&action.sa_mask);
    CHECK(sigaction(number, &action, NULL) == 0);
}

/* --- objects with traffic ---------------------------------------------------------------------------------------- */

static const char *certificate, *key;
static atomic_long echoed;
static wsaddin_server server;

static void echo(const wsaddin_message *message, void *unused) {
    (void)unused;
    if (wsaddin_message_event(message) != WSADDIN_EVENT_MESSAGE) return;
    wsaddin_server_send_text(server, wsaddin_message_connection(message), wsaddin_message_data(message),
                             wsaddin_message_size(message));
}

/* Sends each message on, so that the talk never ends. */
static void again(const wsaddin_message *message, void *client) {
    if (wsaddin_message_event(message) != WSADDIN_EVENT_MESSAGE) return;
    atomic_fetch_add(&echoed, 1);
    wsaddin_client_send_text(*(wsaddin_client *)client, wsaddin_message_data(message), wsaddin_message_size(message));
}

static void run_server(void) {
    GOOD(wsaddin_server_new(&server));
    GOOD(wsaddin_server_set_handler(server, echo, NULL));
    if (certificate == NULL) {
        GOOD(wsaddin_server_run(server, WSADDIN_TEXT("127.0.0.1"), 0));
    } else {
        GOOD(wsaddin_server_run_tls(server, WSADDIN_TEXT("127.0.0.1"), 0, certificate, strlen(certificate), key,
                                    strlen(key), NULL, 0));
    }
}

static wsaddin_result go(wsaddin_client client) {
    char url[64];
    int64_t port;
    GOOD(wsaddin_server_get_port(server, &port));
    int size = snprintf(url, sizeof url, "%s://127.0.0.1:%d/", certificate ? "wss" : "ws", (int)port);
    return wsaddin_client_connect(client, url, (size_t)size);
}

static wsaddin_client new_client(void) {
    wsaddin_client client;
    GOOD(wsaddin_client_new(&client));
    GOOD(wsaddin_client_set_verify_certificate(client, 0));
    return client;
}

static wsaddin_client talking;

static void start_talk(void) {
    run_server();
    talking = new_client();
    GOOD(wsaddin_client_set_handler(talking, again, &talking));
    GOOD(go(talking));
    for (int i = 0; i < 4; i++) GOOD(wsaddin_client_send_text(talking, WSADDIN_TEXT("to and fro")));
}

/* Waits until the talk has gone on a little. */
static void flows(void) {
    long before = atomic_load(&echoed);
    for (int64_t since = now_ms(); atomic_load(&echoed) < before + 10;) CHECK(now_ms() - since < LONG);
}

static void end_talk(void) {
    GOOD(wsaddin_client_free(talking));
    GOOD(wsaddin_server_free(server));
}

/* --- masks ------------------------------------------------------------------------------------------------------- */

static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
static const int runtimes[] = {SIGPWR, SIGXCPU, SIGURG, SIGPROF};
static const int directed[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGCHLD, SIGALRM,   SIGUSR1, SIGUSR2, SIGPIPE,
                               SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGIO,   SIGVTALRM, SIGWINCH};
#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

static int blocks(pid_t thread, int number) {
    char mask[64];
    CHECK(status_of(thread, "SigBlk:", mask, sizeof mask));
    return (int)(strtoull(mask, NULL, 16) >> (number - 1) & 1);
}

#define BLOCKS(thread, number, expected)                                                                             \
    do {                                                                                                             \
        if (blocks(thread, number) != (expected)) {                                                                  \
            char name_[64] = "";                                                                                     \
            status_of(thread, "Name:", name_, sizeof name_);                                                         \
            fprintf(stderr, "%s:%d: %s, signal %d\n", __FILE__, __LINE__, name_, number);                            \
            abort();                                                                                                 \
        }                                                                                                            \
    } while (0)

static void *make_behind_a_mask(void *argument) {
    sigset_t all;
    (void)argument;
    sigfillset(&all);
    CHECK(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0);
    start_talk();
    return NULL;
}

/* The I/O thread and that of the log, at least. A thread gives itself its name, by which it is known here, once it runs. */
static int all_of_ours(pid_t *ours) {
    int count = threads(ours, 1);
    for (int64_t since = now_ms(); count < 2; count = threads(ours, 1)) CHECK(now_ms() - since < LONG);
    return count;
}

static void masks(void) {
    pid_t ours[MOST];
    GOOD(wsaddin_set_log(WSADDIN_TEXT("signals.log"), WSADDIN_LOG_FRAMES));
    start_talk();
    flows();
    int count = all_of_ours(ours);
    for (int i = 0; i < count; i++) {
        for (int at = 0; at < COUNT(faults); at++) BLOCKS(ours[i], faults[at], 0);
        for (int at = 0; at < COUNT(runtimes); at++) BLOCKS(ours[i], runtimes[at], 0);
        for (int number = SIGRTMIN; number <= SIGRTMAX; number++) BLOCKS(ours[i], number, 0);
        for (int at = 0; at < COUNT(directed); at++) BLOCKS(ours[i], directed[at], 1);
    }
    /* The mask of who made them is as it was. */
    for (int number = 1; number < SIGRTMAX; number++) CHECK(!blocks(here(), number));
    end_talk();
    /* Of who takes a signal by sigwait we take it away no more than he lets others; faults are another matter. */
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, make_behind_a_mask, NULL) == 0 && pthread_join(thread, NULL) == 0);
    count = all_of_ours(ours);
    for (int i = 0; i < count; i++) {
        for (int at = 0; at < COUNT(faults); at++) BLOCKS(ours[i], faults[at], 0);
        for (int at = 0; at < COUNT(runtimes); at++) BLOCKS(ours[i], runtimes[at], 1);
        for (int number = SIGRTMIN; number <= SIGRTMAX; number++) BLOCKS(ours[i], number, 1);
    }
    end_talk();
}

/* --- directed at the process ------------------------------------------------------------------------------------- */

static _Thread_local int host_thread;
static atomic_int astray;

static void found(int number) {
    (void)number;
    if (!host_thread) atomic_fetch_add(&astray, 1);
}

/* Main keeps them blocked at times, as a host does that takes them in its loop: with default actions one that went to
 * a thread of ours would end the process, with handlers it would run on it. */
static void to_process(void) {
    host_thread = 1;
    start_talk();
    for (int handled = 0; handled < 2; handled++) {
        for (int at = 0; at < COUNT(directed); at++) handle(directed[at], handled ? found : SIG_DFL, SA_RESTART);
        for (int round = 0; round < 20; round++) {
            sigset_t set;
            sigemptyset(&set);
            for (int at = 0; at < COUNT(directed); at++) sigaddset(&set, directed[at]);
            CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
            for (int at = 0; at < COUNT(directed); at++) {
                /* What is ignored is not kept. */
                int kept = handled || (directed[at] != SIGCHLD && directed[at] != SIGWINCH && directed[at] != SIGCONT);
                sigset_t one;
                sigemptyset(&one);
                sigaddset(&one, directed[at]);
                CHECK(kill(getpid(), directed[at]) == 0);
                flows();
                if (kept) CHECK(sigtimedwait(&one, NULL, &(struct timespec){.tv_sec = 10}) == directed[at]);
            }
            CHECK(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
        }
    }
    CHECK(atomic_load(&astray) == 0);
    end_talk();
}

/* --- stopping the world ------------------------------------------------------------------------------------------ */

static sem_t stopped;
static int resume_with;

static void stop_here(int number) {
    int saved = errno;
    sigset_t others;
    (void)number;
    sigfillset(&others);
    sigdelset(&others, resume_with);
    sem_post(&stopped);
    sigsuspend(&others); /* until the resume, whose handler does nothing */
    errno = saved;
}

static void nothing(int number) { (void)number; }

/* Stops all other threads, as a collector does before it looks at their stacks, and lets them go on. */
static void stop_the_world(int stop) {
    pid_t all[MOST];
    int count = threads(all, 0), waited = 0;
    struct timespec until;
    for (int i = 0; i < count; i++) CHECK(syscall(SYS_tgkill, getpid(), all[i], stop) == 0);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 30;
    for (; waited < count && sem_timedwait(&stopped, &until) == 0;) waited++;
    if (waited < count) {
        for (int i = 0; i < count; i++) {
            char name[64] = "", mask[64] = "";
            status_of(all[i], "Name:", name, sizeof name);
            status_of(all[i], "SigBlk:", mask, sizeof mask);
            fprintf(stderr, "%s blocks %s\n", name, mask);
        }
        fprintf(stderr, "%d of %d threads have stopped\n", waited, count);
        abort();
    }
    for (int i = 0; i < count; i++) CHECK(syscall(SYS_tgkill, getpid(), all[i], resume_with) == 0);
}

/* A thread of the host that waits in a call of ours meanwhile. */
static atomic_int over, connected;

/* No worker is left that would end by itself while it is being stopped. */
static void settle(void) {
    for (int64_t since = now_ms();; usleep(1000)) {
        pid_t all[MOST];
        char name[64];
        int busy = 0, count = threads(all, 1);
        for (int i = 0; i < count; i++)
            busy |= !status_of(all[i], "Name:", name, sizeof name) || strcmp(name, "websocket-work") == 0;
        if (!busy) return;
        CHECK(now_ms() - since < LONG);
    }
}

static void *waits(void *argument) {
    wsaddin_client client = new_client();
    wsaddin_message *message;
    (void)argument;
    GOOD(go(client));
    atomic_fetch_add(&connected, 1);
    while (!atomic_load(&over)) {
        GOOD(wsaddin_client_send_text(client, WSADDIN_TEXT("from a waiting thread")));
        wsaddin_result result = wsaddin_client_receive(client, LONG, &message);
        GOOD(result);
        wsaddin_message_free(message);
    }
    GOOD(wsaddin_client_free(client));
    return NULL;
}

static void world(void) {
    pthread_t host[3];
    CHECK(sem_init(&stopped, 0, 0) == 0);
    GOOD(wsaddin_set_log(WSADDIN_TEXT("signals.log"), WSADDIN_LOG_FRAMES));
    start_talk();
    for (int i = 0; i < 3; i++) CHECK(pthread_create(&host[i], NULL, waits, NULL) == 0);
    while (atomic_load(&connected) < 3) usleep(1000);
    flows();
    settle();
    /* Mono and the Boehm collector; Mono's other choice and D. */
    const int pairs[][2] = {{SIGPWR, SIGXCPU}, {SIGRTMIN, SIGRTMIN + 1}, {SIGRTMAX - 1, SIGRTMAX}};
    for (int at = 0; at < COUNT(pairs); at++) {
        resume_with = pairs[at][1];
        handle(pairs[at][1], nothing, 0);
        handle(pairs[at][0], stop_here, 0);
        for (int round = 0; round < 200; round++) {
            stop_the_world(pairs[at][0]);
            if (round % 20 == 0) flows();
        }
    }
    atomic_store(&over, 1);
    for (int i = 0; i < 3; i++) CHECK(pthread_join(host[i], NULL) == 0);
    end_talk();
}

/* --- a storm ----------------------------------------------------------------------------------------------------- */

static atomic_long drops;

static void drop(int number) {
    (void)number;
    atomic_fetch_add(&drops, 1);
}

/* Signals for every other thread, without SA_RESTART: what can be cut short is. */
static void *rain(void *argument) {
    (void)argument;
    while (!atomic_load(&over)) {
        pid_t all[MOST];
        int count = threads(all, 0);
        for (int burst = 0; burst < 20; burst++) {
            for (int i = 0; i < count; i++) syscall(SYS_tgkill, getpid(), all[i], burst % 2 ? SIGXCPU : SIGRTMIN);
            usleep(50);
        }
    }
    return NULL;
}

/* A port that accepts in the kernel and says nothing. */
static int silent(int *port) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 16) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    *port = ntohs(address.sin_port);
    return listener;
}

static void *ends_it(void *client) {
    int32_t clean;
    usleep(30000);
    GOOD(wsaddin_client_disconnect(*(wsaddin_client *)client, 1000, NULL, 0, &clean));
    return NULL;
}

static void one_storm(void) {
    wsaddin_client client = new_client(), idle = new_client();
    wsaddin_message *message;
    int64_t since, time;
    size_t index;
    /* Time-outs are neither cut short nor prolonged; what comes is not lost. */
    GOOD(go(client));
    GOOD(wsaddin_client_receive_event(client, LONG, &message)); /* open */
    wsaddin_message_free(message);
    since = now_ms();
    EXPECT(wsaddin_client_receive(client, 50, &message), WSADDIN_TIMEOUT);
    CHECK(now_ms() - since >= 50);
    since = now_ms();
    EXPECT(wsaddin_wait_any(&client.id, 1, 50, &index), WSADDIN_TIMEOUT);
    CHECK(now_ms() - since >= 50);
    EXPECT(wsaddin_client_receive_event(idle, 10, &message), WSADDIN_CLOSED);
    for (int i = 0; i < 20; i++) {
        GOOD(wsaddin_client_send_text(client, WSADDIN_TEXT("through the storm")));
        GOOD(wsaddin_wait_any(&client.id, 1, LONG, &index));
        GOOD(wsaddin_client_receive(client, LONG, &message));
        CHECK(wsaddin_message_size(message) == 17);
        wsaddin_message_free(message);
        GOOD(wsaddin_client_ping(client, LONG, &time));
    }
    GOOD(wsaddin_client_request(client, WSADDIN_TEXT("{\"a\":1}"), LONG, WSADDIN_TEXT("id"), NULL, 0, &message));
    wsaddin_message_free(message);
    since = now_ms();
    EXPECT(wsaddin_client_request(client, WSADDIN_TEXT("{\"id\":1}"), 50, WSADDIN_TEXT("id"), WSADDIN_TEXT("other"), &message),
           WSADDIN_REQUEST_TIMEOUT);
    CHECK(now_ms() - since >= 50);
    /* A wait that another thread ends. */
    pthread_t ender;
    GOOD(wsaddin_client_receive(client, LONG, &message)); /* the reply that nobody waited for */
    wsaddin_message_free(message);
    CHECK(pthread_create(&ender, NULL, ends_it, &client) == 0);
    EXPECT(wsaddin_client_receive(client, WSADDIN_WAIT_FOREVER, &message), WSADDIN_CLOSED);
    CHECK(pthread_join(ender, NULL) == 0);
    /* Nobody answers. */
    int port, listener = silent(&port);
    char url[64];
    int size = snprintf(url, sizeof url, "ws://127.0.0.1:%d/", port);
    GOOD(wsaddin_client_set_connect_timeout(client, 100));
    since = now_ms();
    EXPECT(wsaddin_client_connect(client, url, (size_t)size), WSADDIN_CONNECT_TIMEOUT);
    CHECK(now_ms() - since >= 100);
    close(listener);
    EXPECT(wsaddin_client_connect(client, url, (size_t)size), WSADDIN_REFUSED);
    GOOD(wsaddin_client_free(client));
    GOOD(wsaddin_client_free(idle));
}

/* A send that waits for room: the server does not read because nobody takes what it has received. */
static void wait_for_room(void) {
    static char large[1 << 20];
    wsaddin_server full;
    wsaddin_client client = new_client();
    wsaddin_message *message;
    int64_t port, taken = 0;
    char url[64];
    memset(large, 'x', sizeof large);
    GOOD(wsaddin_server_new(&full));
    GOOD(wsaddin_server_set_receive_queue_bytes(full, 1 << 20));
    GOOD(wsaddin_server_run(full, WSADDIN_TEXT("127.0.0.1"), 0));
    GOOD(wsaddin_server_get_port(full, &port));
    GOOD(wsaddin_client_set_send_queue_bytes(client, 1 << 20));
    GOOD(wsaddin_client_set_send_timeout(client, 100));
    GOOD(wsaddin_client_set_compression(client, 0));
    int size = snprintf(url, sizeof url, "ws://127.0.0.1:%d/", (int)port), sent = 0;
    GOOD(wsaddin_client_connect(client, url, (size_t)size));
    int64_t since = now_ms();
    for (wsaddin_result result = WSADDIN_OK; result == WSADDIN_OK; sent += result == WSADDIN_OK) {
        CHECK(sent < 1000);
        since = now_ms();
        result = wsaddin_client_send_binary(client, large, sizeof large);
        if (result != WSADDIN_OK) EXPECT(result, WSADDIN_QUEUE_FULL);
    }
    CHECK(now_ms() - since >= 100);
    while (taken < sent) {
        GOOD(wsaddin_server_receive(full, LONG, &message));
        taken += wsaddin_message_size(message) == sizeof large;
        wsaddin_message_free(message);
    }
    GOOD(wsaddin_server_stop(full));
    GOOD(wsaddin_server_free(full));
    GOOD(wsaddin_client_free(client));
}

static void storm(void) {
    pthread_t cloud;
    handle(SIGRTMIN, drop, 0);
    handle(SIGXCPU, drop, 0);
    GOOD(wsaddin_set_log(WSADDIN_TEXT("signals.log"), WSADDIN_LOG_FRAMES));
    start_talk();
    CHECK(pthread_create(&cloud, NULL, rain, NULL) == 0);
    for (int64_t since = now_ms(); now_ms() - since < 3000;) {
        one_storm();
        wait_for_room();
        flows();
    }
    CHECK(atomic_load(&drops) > 1000);
    /* The end, too, in the middle of it. */
    end_talk();
    atomic_store(&over, 1);
    CHECK(pthread_join(cloud, NULL) == 0);
    printf("signals: %ld drops\n", atomic_load(&drops));
}

int main(int argc, char **argv) {
    const char *part = argc > 1 ? argv[1] : "";
    if (argc > 3) certificate = argv[2], key = argv[3];
    if (strcmp(part, "masks") == 0) masks();
    else if (strcmp(part, "directed") == 0) to_process();
    else if (strcmp(part, "world") == 0) world();
    else if (strcmp(part, "storm") == 0) storm();
    else return 2;
    printf("signals: %s: as expected\n", part);
    return 0;
}
