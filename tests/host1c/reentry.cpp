// A host that calls the library from inside the library's call, and one whose object ends meanwhile.
#include "host.hpp"

#include <cstdio>

namespace {

// The threads of the library itself, once they have come to rest.
bool threads_become(int number) {
    return eventually([&] { return thread_count() == number; });
}

// Opens for whoever waits.
class Door {
public:
    void open() {
        const std::lock_guard lock(mutex);
        is_open = true;
        changed.notify_all();
    }
    void pass() {
        std::unique_lock lock(mutex);
        CHECK(changed.wait_for(lock, std::chrono::seconds(30), [&] { return is_open; }));
    }

private:
    std::mutex mutex;
    std::condition_variable changed;
    bool is_open = false;
};

// All go on once so many have come.
class Meeting {
public:
    explicit Meeting(int number) : missing(number) {}
    void come() {
        std::unique_lock lock(mutex);
        --missing;
        changed.notify_all();
        CHECK(changed.wait_for(lock, std::chrono::seconds(30), [&] { return missing <= 0; }));
    }

private:
    std::mutex mutex;
    std::condition_variable changed;
    int missing;
};

// As `Object::destroy`, by a host whose other threads may be inside.
void end(const Library& library, Object& object, Ending ending, int done) {
    if (done != 0) object.component->Done();
    if (ending == Ending::DESTROY_OBJECT) {
        CHECK(library.destroy_object(&object.component) == 0);
    } else {
        delete object.component;
    }
    object.component = nullptr;
}

void assign(Object& object, const char16_t* property, const char16_t* text) {
    Variant variant = object.to_variant(text);
    object.component->SetPropVal(object.property(property), &variant);
    object.release(variant);
}

} // namespace

// Everything that a script may do in its handler of an external event, by a host that runs the handler at once.
SCENARIO(events_inside) {
    const int before = thread_count();
    using Action = std::function<void(Pair&)>;
    const std::vector<std::pair<const char*, Action>> actions = {
        {"reads", [](Pair& pair) { CHECK(pair.client.get(u"Status") == 1); }},
        {"sends", [](Pair& pair) { pair.client.call(u"Send", {u"ответ"}); }},
        {"renames", [](Pair& pair) { pair.client.set(u"EventSource", u"Другой"); }},
        {"switches off", [](Pair& pair) { pair.client.set(u"ExternalEvents", u""); }},
        {"switches over", [](Pair& pair) { pair.client.set(u"ExternalEvents", u"doorbell"); }},
        {"switches off and on", [](Pair& pair) {
             pair.client.set(u"ExternalEvents", u"");
             pair.client.set(u"ExternalEvents", u"data");
         }},
        {"disconnects", [](Pair& pair) { pair.client.call(u"Disconnect"); }},
        {"destroys", [](Pair& pair) { pair.client.destroy(Ending::DESTROY_OBJECT, 0); }},
        {"is done and deletes", [](Pair& pair) { pair.client.destroy(Ending::DELETE, 0); }},
    };
    for (const auto& [what, action] : actions) {
        std::printf("%s\n", what);
        const Library library(setting.library);
        Pair pair(library);
        Door acted;
        std::atomic<bool> first{true};
        pair.client.connection.on_event = [&, &act = action] {
            if (!first.exchange(false)) return;
            act(pair);
            acted.open();
        };
        pair.client.set(u"ExternalEvents", u"data");
        CHECK(pair.server.call(u"Send", {1, u"раз"}));
        acted.pass();
        pair.client.destroy();
        pair.server.destroy();
        CHECK_SAYS(threads_become(before), what);
    }
}

// The same in a host that shows an error at once and lets its user go on meanwhile.
SCENARIO(errors_inside) {
    const int before = thread_count();
    using Action = std::function<void(Pair&)>;
    const std::vector<std::pair<const char*, Action>> actions = {
        {"reads", [](Pair& pair) { CHECK(pair.client.get(u"Status") == 1); }},
        {"sends", [](Pair& pair) { pair.client.call(u"Send", {u"ответ"}); }},
        {"fails again", [](Pair& pair) { assign(pair.client, u"ExternalEvents", u"нет и такого"); }},
        {"switches on", [](Pair& pair) { pair.client.set(u"ExternalEvents", u"data"); }},
        {"is done", [](Pair& pair) { pair.client.component->Done(); }},
        {"destroys", [](Pair& pair) { pair.client.destroy(Ending::DESTROY_OBJECT, 0); }},
        {"is done and destroys", [](Pair& pair) { pair.client.destroy(Ending::DESTROY_OBJECT, 1); }},
        {"deletes", [](Pair& pair) { pair.client.destroy(Ending::DELETE, 0); }},
    };
    for (const auto& [what, action] : actions) {
        std::printf("%s\n", what);
        const Library library(setting.library);
        Pair pair(library);
        std::atomic<int> depth{0};
        pair.client.connection.on_error = [&, &act = action] {
            // Twice, one inside the other: the end counts the calls of its own thread.
            const int level = ++depth;
            if (level == 1) assign(pair.client, u"ExternalEvents", u"внутри");
            if (level == 2) act(pair);
        };
        assign(pair.client, u"ExternalEvents", u"нет такого");
        CHECK(depth >= 2);
        pair.client.destroy();
        pair.server.destroy();
        CHECK_SAYS(threads_become(before), what);
    }
}

// Two threads switch the events of one object while a third ends it and messages come: no order of these may hang,
// leave a thread, or call a host that has seen the end. What was delivered is in order and was delivered once.
SCENARIO(switched_by_many) {
    const Library library(setting.library);
    const int before = thread_count();
    for (int round = 0; round < (setting.slow ? 3 : 60); ++round) {
        Pair pair(library);
        Object& client = pair.client;
        client.set(u"CloseTimeout", 0);
        std::atomic<bool> ended{false};
        const long events = client.property(u"ExternalEvents");
        // Called as late as during the end, where the object refuses; so not through what may throw.
        const auto toggles = [&](const char16_t* on) {
            Variant yes = client.to_variant(on), no = client.to_variant(u"");
            while (!ended) {
                client.component->SetPropVal(events, &yes);
                client.component->SetPropVal(events, &no);
            }
            client.release(yes);
            client.release(no);
        };
        std::thread first([&] { toggles(u"data"); }), second([&] { toggles(u"doorbell"); });
        for (int at = 0; at < 200; ++at) CHECK(pair.server.call(u"Send", {1, utf16(std::to_string(at))}));
        if (round % 2 == 0) client.component->Done();
        if (round % 2 == 0) client.connection.close();
        ended = true;
        first.join();
        second.join();
        long last = -1;
        for (const Event& event : client.connection.take_events()) {
            if (event.event != u"message") continue;
            const long number = std::stol(utf8(event.data));
            CHECK(number > last);
            last = number;
        }
        client.destroy();
        pair.server.destroy();
        CHECK(threads_become(before));
    }
}

// The end comes while another thread of the host is inside a call, and that call inside the host's. When the end has
// come, nobody calls the host, and no thread is left that would.
SCENARIO(ended_inside) {
    const Library library(setting.library);
    const int before = thread_count();
    for (const Ending ending : {Ending::DESTROY_OBJECT, Ending::DELETE}) {
        for (const int done : {0, 1}) {
            for (const bool error : {true, false}) {
                Object client(library, u"Client");
                Door inside, ending_began;
                const auto wait = [&] {
                    inside.open();
                    ending_began.pass();
                    // Long enough for an end that does not wait.
                    std::this_thread::sleep_for(std::chrono::milliseconds(30));
                };
                (error ? client.connection.on_error : client.connection.on_depth) = wait;
                std::thread caller([&] { assign(client, u"ExternalEvents", error ? u"нет такого" : u"data"); });
                inside.pass();
                ending_began.open();
                client.destroy(ending, done);
                CHECK(thread_count() <= before + 1);
                caller.join();
                CHECK_SAYS(threads_become(before), std::string(error ? "error" : "switch") + (done ? " done" : ""));
            }
        }
    }
}

// Threads end each other's object, each from inside a call of its own, two of them or three in a ring; one of them may be
// the thread of external events. None waits for who waits for it.
SCENARIO(ended_by_each_other) {
    const Library library(setting.library);
    const int before = thread_count();
    for (const Ending ending : {Ending::DESTROY_OBJECT, Ending::DELETE}) {
        for (const int done : {0, 1}) {
            for (const int number : {2, 3}) {
                for (const bool event : {false, true}) {
                    Pair pair(library);
                    Object second(library, u"Client"), third(library, u"Server");
                    const std::vector<Object*> all = {&pair.client, &second, &third};
                    Meeting meeting(number);
                    std::atomic<bool> first{true};
                    Door acted;
                    const auto act = [&](int at) {
                        meeting.come();
                        end(library, *all[static_cast<std::size_t>((at + 1) % number)], ending, done);
                    };
                    std::vector<std::thread> threads;
                    if (event) {
                        pair.client.connection.on_event = [&] {
                            if (!first.exchange(false)) return;
                            act(0);
                            acted.open();
                        };
                        pair.client.set(u"ExternalEvents", u"data");
                        CHECK(pair.server.call(u"Send", {1, u"раз"}));
                    }
                    for (int at = event ? 1 : 0; at < number; ++at) {
                        Object& object = *all[static_cast<std::size_t>(at)];
                        object.connection.on_error = [&, at] { act(at); };
                        threads.emplace_back([&] { assign(object, u"ExternalEvents", u"нет такого"); });
                    }
                    for (std::thread& thread : threads) thread.join();
                    if (event) acted.pass();
                    if (number == 2) third.destroy();
                    pair.server.destroy();
                    CHECK_SAYS(threads_become(before), std::to_string(number) + (event ? " event" : ""));
                }
            }
        }
    }
}

// An object ends inside its own event, or its own error, while another thread switches its events off, or says Done.
SCENARIO(ended_while_switched_off) {
    const Library library(setting.library);
    const int before = thread_count();
    for (const Ending ending : {Ending::DESTROY_OBJECT, Ending::DELETE}) {
        for (const bool event : {false, true}) {
            for (const bool off : {false, true}) {
                if (off && !event) continue;
                Pair pair(library);
                Object& client = pair.client;
                std::atomic<bool> first{true};
                std::atomic<long> other{0};
                Door inside, acted;
                const auto act = [&] {
                    if (!first.exchange(false)) return;
                    inside.open();
                    // The other thread waits for this one.
                    CHECK(eventually([&] { return other != 0 && rests(other); }));
                    end(library, client, ending, 0);
                    acted.open();
                };
                (event ? client.connection.on_event : client.connection.on_error) = act;
                std::thread caller;
                if (event) {
                    client.set(u"ExternalEvents", u"data");
                } else {
                    caller = std::thread([&] { assign(client, u"ExternalEvents", u"нет такого"); });
                }
                std::thread switches([&] {
                    const long property = client.property(u"ExternalEvents");
                    IComponentBase& component = *client.component;
                    Variant no = client.to_variant(u"");
                    inside.pass();
                    other = this_thread();
                    if (off) {
                        component.SetPropVal(property, &no);
                    } else {
                        component.Done();
                    }
                    client.release(no);
                });
                acted.pass();
                switches.join();
                if (caller.joinable()) caller.join();
                pair.server.destroy();
                CHECK_SAYS(threads_become(before), std::string(event ? "event" : "error") + (off ? " off" : " done"));
            }
        }
    }
}
