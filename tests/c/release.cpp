// Clients and servers that are destroyed wherever there is code of the host: in their own handlers, in those of others,
// by several threads at once. Under AddressSanitizer and valgrind.
#include "websocket_addin.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

#define CHECK(condition)                                                                                             \
    do {                                                                                                             \
        if (!(condition)) {                                                                                          \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                     \
            std::abort();                                                                                            \
        }                                                                                                            \
    } while (0)

static constexpr auto LONG = 60s;

// What a handler owns: it must be there while the handler runs, and go once.
struct Token {
    static std::atomic<int> alive;
    std::string text = std::string(1000, 't');
    Token() { ++alive; }
    Token(const Token &) { ++alive; }
    ~Token() {
        text.assign(text.size(), 'x');
        --alive;
    }
    void check() const { CHECK(text.front() == 't' && text.back() == 't'); }
};
std::atomic<int> Token::alive{0};

static bool eventually(const std::function<bool()> &condition) {
    for (const auto end = std::chrono::steady_clock::now() + LONG; std::chrono::steady_clock::now() < end;) {
        if (condition()) return true;
        std::this_thread::sleep_for(1ms);
    }
    return condition();
}

static std::string url(const websocket::server &server) {
    return "ws://127.0.0.1:" + std::to_string(server.get_port()) + "/";
}

static std::unique_ptr<websocket::server> running(int threads) {
    auto server = std::make_unique<websocket::server>();
    server->set_io_threads(threads);
    server->run("127.0.0.1", 0);
    return server;
}

// A client that destroys itself, in each kind of event.
static void itself(int threads) {
    const auto server = running(threads);
    server->set_handler([&](const websocket::message_view &event) {
        if (event.event() == WSADDIN_EVENT_OPEN) (void)server->send_text(event.connection(), "go");
    });
    for (const wsaddin_event when : {WSADDIN_EVENT_OPEN, WSADDIN_EVENT_MESSAGE, WSADDIN_EVENT_CLOSE, WSADDIN_EVENT_ERROR}) {
        std::promise<void> gone;
        auto client = std::make_shared<std::unique_ptr<websocket::client>>(std::make_unique<websocket::client>());
        std::atomic<int> runs_after{0};
        (*client)->set_handler([client, when, &gone, &runs_after, token = Token()](const websocket::message_view &event) {
            if (!*client) ++runs_after;
            if (event.event() == WSADDIN_EVENT_MESSAGE && when == WSADDIN_EVENT_CLOSE) (*client)->disconnect();
            if (event.event() != when || !*client) return;
            const auto id = (*client)->handle();
            client->reset();
            token.check();
            std::int64_t status;
            CHECK(wsaddin_client_get_status(id, &status) == WSADDIN_BAD_HANDLE);
            gone.set_value();
        });
        (*client)->begin_connect(when == WSADDIN_EVENT_ERROR ? "ws://127.0.0.1:1/" : url(*server));
        CHECK(gone.get_future().wait_for(LONG) == std::future_status::ready);
        client.reset();
        CHECK(eventually([] { return Token::alive == 0; }) && runs_after == 0);
    }
    CHECK(eventually([&] { return server->get_connection_count() == 0; }));
}

// A server that destroys itself, and one that a client's handler destroys, and the other way round.
static void each_other(int threads) {
    for (int way = 0; way < 3; ++way) {
        auto server = std::make_shared<std::unique_ptr<websocket::server>>(running(threads));
        auto client = std::make_shared<std::unique_ptr<websocket::client>>(std::make_unique<websocket::client>());
        std::promise<void> gone;
        // The sockets put what is read here in front of what ends it, but a thread sanitizer does not see that: so each
        // reads the handle, counts its step, and sends after that.
        std::atomic<int> steps{0};
        const auto act = [=, &gone, &steps] {
            ++steps;
            if (way != 1 && *server) {
                server->reset();
                gone.set_value();
            } else if (way == 1 && *client) {
                client->reset();
                gone.set_value();
            }
        };
        (*server)->set_handler([=, &steps, token = Token()](const websocket::message_view &event) {
            if (event.event() == WSADDIN_EVENT_OPEN) {
                const auto own = (*server)->handle();
                ++steps;
                (void)wsaddin_server_send_text(own, event.connection(), "to the client", 13);
            }
            if (event.event() == WSADDIN_EVENT_MESSAGE && way != 2) act();
            token.check();
        });
        (*client)->set_handler([=, &steps, token = Token()](const websocket::message_view &event) {
            if (event.event() == WSADDIN_EVENT_MESSAGE && way == 2) act();
            if (event.event() == WSADDIN_EVENT_MESSAGE && way != 2) {
                const auto own = (*client)->handle();
                ++steps;
                (void)wsaddin_client_send_text(own, "to the server", 13);
            }
            token.check();
        });
        const auto own = (*client)->handle();
        const auto address = url(**server);
        ++steps;
        CHECK(wsaddin_client_begin_connect(own, address.data(), address.size()) == WSADDIN_OK);
        CHECK(gone.get_future().wait_for(LONG) == std::future_status::ready);
        // The handlers own those who own the handlers.
        client->reset();
        server->reset();
        CHECK(eventually([] { return Token::alive == 0; }));
    }
}

// A handler that destroys another's objects while their handlers run on other threads.
static void while_they_run(int threads, int rounds) {
    for (int round = 0; round < rounds; ++round) {
        const auto hub = running(1);
        std::mutex mutex;
        std::vector<std::unique_ptr<websocket::server>> victims;
        std::vector<std::unique_ptr<websocket::client>> guests;
        std::atomic<bool> stop{false};
        std::atomic<int> runs{0};
        for (int at = 0; at < 3; ++at) {
            victims.push_back(running(threads));
            websocket::server &self = *victims.back();
            const wsaddin_server handle = self.handle();
            self.set_handler([handle, &runs, token = Token()](const websocket::message_view &event) {
                ++runs;
                token.check();
                if (event.event() == WSADDIN_EVENT_MESSAGE)
                    wsaddin_server_send_text(handle, event.connection(), event.data().data(), event.data().size());
                token.check();
            });
            for (int guest = 0; guest < 2; ++guest) {
                guests.push_back(std::make_unique<websocket::client>());
                guests.back()->connect(url(self));
            }
        }
        std::vector<std::thread> talkers;
        for (auto &guest : guests)
            talkers.emplace_back([&stop, client = guest.get()] {
                while (!stop && client->send_text("hello") && client->receive(10s)) {}
            });
        CHECK(eventually([&] { return runs > 100; }));
        std::promise<void> gone;
        std::atomic<bool> once{false};
        hub->set_handler([&](const websocket::message_view &) {
            if (once.exchange(true)) return;
            const std::lock_guard lock(mutex);
            victims.clear();
            gone.set_value();
        });
        websocket::client bell;
        bell.begin_connect(url(*hub));
        CHECK(gone.get_future().wait_for(LONG) == std::future_status::ready);
        stop = true;
        for (auto &talker : talkers) talker.join();
        guests.clear();
        CHECK(eventually([] { return Token::alive == 0; }));
    }
}

// Handles that several threads free and release at once, a handler among them: one of them has it.
static void at_once(int rounds) {
    const auto server = running(2);
    for (int round = 0; round < rounds; ++round) {
        websocket::client bell;
        wsaddin_client victim;
        CHECK(wsaddin_client_new(&victim) == WSADDIN_OK);
        const std::string to = url(*server);
        CHECK(wsaddin_client_connect(victim, to.data(), to.size()) == WSADDIN_OK);
        std::atomic<int> had{0}, refused{0};
        const auto end = [&](wsaddin_result result) {
            CHECK(result == WSADDIN_OK || result == WSADDIN_BAD_HANDLE);
            ++(result == WSADDIN_OK ? had : refused);
        };
        std::promise<void> handled;
        std::atomic<bool> once{false};
        bell.set_handler([&](const websocket::message_view &) {
            if (once.exchange(true)) return;
            end(wsaddin_client_release(victim));
            handled.set_value();
        });
        bell.begin_connect(to);
        std::vector<std::thread> threads;
        for (int at = 0; at < 4; ++at)
            threads.emplace_back([&, at] { end(at % 2 ? wsaddin_client_free(victim) : wsaddin_client_release(victim)); });
        threads.emplace_back([&] {
            wsaddin_message *message = nullptr;
            const wsaddin_result result = wsaddin_client_receive(victim, WSADDIN_WAIT_FOREVER, &message);
            CHECK(result == WSADDIN_CANCELLED || result == WSADDIN_BAD_HANDLE || result == WSADDIN_CLOSED);
        });
        for (auto &thread : threads) thread.join();
        CHECK(handled.get_future().wait_for(LONG) == std::future_status::ready);
        CHECK(had == 1 && refused == 4);
    }
}

// Many are let go of at once, with peers that answer no close: none waits for another, nobody waits at all.
static void without_waiting() {
    const auto server = running(1);
    server->set_receive_queue_messages(1);
    std::vector<std::unique_ptr<websocket::client>> clients;
    for (int at = 0; at < 20; ++at) {
        clients.push_back(std::make_unique<websocket::client>());
        clients.back()->set_close_timeout(1s);
        clients.back()->connect(url(*server));
        (void)clients.back()->send_text("fills the queue");
    }
    const auto begun = std::chrono::steady_clock::now();
    for (auto &client : clients) CHECK(wsaddin_client_release(client->handle()) == WSADDIN_OK);
    CHECK(std::chrono::steady_clock::now() - begun < 900ms);
    for (auto &client : clients) CHECK(wsaddin_client_release(client->handle()) == WSADDIN_BAD_HANDLE);
    // The next object is nobody's leftover.
    websocket::client next;
    next.connect(url(*server));
    CHECK(next.get_status() == 1);
}

// A failed set takes what it was given as well, and a replaced one goes.
static void owned() {
    static std::atomic<int> destroyed{0};
    const auto count = [](void *) { ++destroyed; };
    const auto nothing = [](const wsaddin_message *, void *) {};
    CHECK(wsaddin_client_set_owned_handler({0}, nothing, nullptr, count) == WSADDIN_BAD_HANDLE && destroyed == 1);
    CHECK(wsaddin_server_set_owned_handler({0}, nothing, nullptr, count) == WSADDIN_BAD_HANDLE && destroyed == 2);
    {
        websocket::client client;
        CHECK(wsaddin_client_set_owned_handler(client.handle(), nothing, nullptr, count) == WSADDIN_OK && destroyed == 2);
        CHECK(wsaddin_client_set_owned_handler(client.handle(), nothing, nullptr, count) == WSADDIN_OK && destroyed == 3);
        CHECK(wsaddin_client_set_handler(client.handle(), nullptr, nullptr) == WSADDIN_OK && destroyed == 4);
        CHECK(wsaddin_client_set_owned_handler(client.handle(), nullptr, nullptr, count) == WSADDIN_OK && destroyed == 4);
        CHECK(wsaddin_client_set_owned_handler(client.handle(), nothing, nullptr, count) == WSADDIN_OK);
    }
    CHECK(destroyed == 5);
}

int main(int argc, char **argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 10;
    owned();
    for (const int threads : {1, 4}) {
        itself(threads);
        each_other(threads);
        while_they_run(threads, rounds);
        std::printf("with %d\n", threads);
    }
    at_once(3 * rounds);
    without_waiting();
    // A handler that another of the process's last objects ends, and then the process.
    auto last = std::make_unique<websocket::client>();
    CHECK(wsaddin_client_release(last->handle()) == WSADDIN_OK);
    std::puts("release: everything as expected");
}
