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
