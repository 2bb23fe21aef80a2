// A host whose runtime stops its threads by signals while it looks at their stacks, as Mono and the Boehm collector do.
// A thread of ours that brings an external event belongs to them from then on.
#ifdef __linux__
#include "host.hpp"

#include <cerrno>
#include <csignal>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

sem_t stopped;

void stop_here(int) {
    const int saved = errno;
    sigset_t others;
    sigfillset(&others);
    sigdelset(&others, SIGXCPU);
    sem_post(&stopped);
    sigsuspend(&others);
    errno = saved;
}

void go_on(int) {}

// Every thread that has entered the runtime.
class Runtime {
public:
    void enter() {
        const std::lock_guard<std::mutex> guard(mutex);
        threads.insert(this_thread());
    }
    void leave() {
        const std::lock_guard<std::mutex> guard(mutex);
        threads.erase(this_thread());
    }
    // Whether all of them have stopped in time; they go on in any case.
    bool collect() {
        const std::lock_guard<std::mutex> guard(mutex);
        long waiting = 0;
        for (const long thread : threads) waiting += syscall(SYS_tgkill, getpid(), thread, SIGPWR) == 0;
        timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 60;
        bool in_time = true;
        for (; in_time && waiting > 0; --waiting)
            while (in_time && sem_timedwait(&stopped, &until) != 0) in_time = errno == EINTR;
        for (const long thread : threads) syscall(SYS_tgkill, getpid(), thread, SIGXCPU);
        return in_time;
    }
    std::size_t size() {
        const std::lock_guard<std::mutex> guard(mutex);
        return threads.size();
    }

private:
    std::mutex mutex;
    std::set<long> threads;
};

void handle(int signal, void (*handler)(int)) {
    struct sigaction action = {};
    action.sa_handler = handler;
    sigfillset(&action.sa_mask);
    CHECK(sigaction(signal, &action, nullptr) == 0);
}

} // namespace

SCENARIO(suspended) {
    CHECK(sem_init(&stopped, 0, 0) == 0);
    handle(SIGPWR, stop_here);
    handle(SIGXCPU, go_on);
    // It outlives the objects, whose last events may still come.
    Runtime runtime;
    const Library library(setting.library);
    Pair pair(library);
    pair.client.connection.on_event = pair.server.connection.on_event = [&] { runtime.enter(); };
    pair.client.set(u"ExternalEvents", u"data");
    pair.server.set(u"ExternalEvents", u"doorbell");
    // A script that sends and one that takes, each on a thread of the runtime.
    std::atomic<bool> ended{false};
    std::thread sends([&] {
        runtime.enter();
        while (!ended) CHECK(pair.server.call(u"Отправить", {1, u"событие"})), std::this_thread::yield();
        runtime.leave();
    });
    std::thread takes([&] {
        runtime.enter();
        Value id, data;
        while (!ended) pair.server.call(u"Получить", {20, id, data});
        runtime.leave();
    });
    const int rounds = setting.slow ? 20 : 1000;
    for (int round = 0; round < rounds; ++round) {
        if (round % 2 == 0) pair.client.call(u"Отправить", {u"вперёд"});
        CHECK_SAYS(runtime.collect(), "a thread of the runtime does not stop");
        pair.client.connection.take_events();
        if (round % 10 == 0) CHECK(pair.client.connection.wait_events(1, 60000));
    }
    // Ours is among them.
    CHECK(runtime.size() == 3);
    ended = true;
    sends.join();
    takes.join();
}
#endif
