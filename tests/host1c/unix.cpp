// What a host on Unix does with its process and threads: forking and cancelling.
#ifndef _WIN32
#include "host.hpp"

#include <cstdio>
#include <cstring>
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace {

// Everything that the host asks of an object in a child. The static part goes on; whoever needs the rest is told.
void all_refused(const Library& library, Object& object) {
    IComponentBase& component = *object.component;
    CHECK(component.FindMethod(u"ОписаниеОшибки") >= 0 && component.FindProp(u"ТаймаутЗакрытия") >= 0);
    const auto told = [&] {
        const std::vector<Complaint> complaints = object.connection.take_complaints();
        CHECK(complaints.size() == 1 && complaints[0].code == 1006 && has(complaints[0].text, u"fork"));
    };
    const long description = component.FindMethod(u"ОписаниеОшибки");
    for (long at = 0; at < component.GetNMethods(); ++at) {
        std::vector<Variant> parameters(static_cast<std::size_t>(component.GetNParams(at)) + 1);
        std::memset(parameters.data(), 0, parameters.size() * sizeof(Variant));
        if (at == description) continue;
        CHECK(!component.CallAsProc(at, parameters.data(), component.GetNParams(at)));
        told();
        CHECK(!component.CallAsFunc(at, &parameters.back(), parameters.data(), component.GetNParams(at)));
        told();
        object.take_name(component.GetMethodName(at, 1));
    }
    CHECK(has(object.call(u"ОписаниеОшибки").string, u"fork"));
    for (long at = 0; at < component.GetNProps(); ++at) {
        Variant value = object.to_variant(1);
        CHECK(!component.GetPropVal(at, &value));
        told();
        CHECK(!component.SetPropVal(at, &value));
        told();
    }
    IComponentBase* another = nullptr;
    CHECK(library.class_object(u"Client", &another) == 0 && another == nullptr);
    component.Done();
}

bool ends_well(pid_t child) {
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace

SCENARIO(forked) {
    const int before = thread_count();
    {
        const Library library(setting.library);
        std::fflush(stdout);
        // Without an object before it a child has its own.
        const pid_t first = fork();
        if (first == 0) {
            alarm(60);
            {
                Pair pair(library);
                Value data;
                CHECK(pair.server.call(u"Send", {1, u"раз"}) && pair.client.call(u"Receive", {10000, data}));
            }
            _exit(0);
        }
        CHECK(ends_well(first));
        Pair pair(library), busy(library);
        // Locks are held at any moment: a reader that waits, and a server that sends and is told of.
        std::atomic<bool> stop{false};
        std::thread reads([&] {
            Value data;
            while (pair.client.call(u"Receive", {20, data}) || !stop) {}
        });
        std::thread sends([&] {
            while (!stop) {
                try {
                    pair.server.call(u"Send", {1, u"раз"});
                    pair.server.call(u"Statistics");
                } catch (const ScriptError&) {
                }
            }
        });
        for (int round = 0; round < (setting.slow ? 3 : 50); ++round) {
            const pid_t child = fork();
            if (child == 0) {
                alarm(60);
                all_refused(library, busy.client);
                all_refused(library, busy.server);
                busy.client.destroy(Ending::DESTROY_OBJECT, 0);
                busy.server.destroy(Ending::DELETE, 0);
                // With all that the library does at the end of a process, and those two threads' objects alive.
                exit(0);
            }
            CHECK(ends_well(child));
        }
        // Inside the host's own event: the child's only thread is the library's, which has nothing to do there.
        std::atomic<bool> once{false}, well{false}, forked{false};
        busy.client.connection.on_event = [&] {
            if (once.exchange(true)) return;
            const pid_t child = fork();
            if (child == 0) {
                alarm(60);
                return;
            }
            well = ends_well(child);
            forked = true;
        };
        busy.client.set(u"ExternalEvents", u"data");
        CHECK(busy.server.call(u"Send", {1, u"раз"}));
        CHECK(eventually([&] { return forked.load(); }) && well);
        stop = true;
        sends.join();
        reads.join();
    }
    CHECK(threads_are_back(before));
    // The library has gone, and nothing is left that a fork would call.
    const pid_t last = fork();
    if (last == 0) _exit(0);
    CHECK(ends_well(last));
}

namespace {

// What a thread does until it is cancelled. Plain C: it is unwound.
struct Victim {
    IComponentBase* component;
    long method, property;
    Variant parameters[4];
    long count;
    int type;
    std::atomic<long> id{0};
};

extern "C" void* call_on(void* given) {
    Victim* victim = static_cast<Victim*>(given);
    int before;
    pthread_setcanceltype(victim->type, &before);
    victim->id = this_thread();
    for (;;) {
        Variant value;
        std::memset(&value, 0, sizeof value);
        if (victim->method >= 0) {
            victim->component->CallAsProc(victim->method, victim->parameters, victim->count);
        } else {
            victim->component->GetPropVal(victim->property, &value);
        }
        pthread_testcancel();
    }
}

} // namespace

SCENARIO(cancelled) {
    const int before = thread_count();
    const SilentServer silent;
    {
        const Library library(setting.library);
        Pair pair(library);
        Object lost(library, u"Client");
        lost.set(u"ConnectTimeout", 500);
        struct Call {
            Object& object;
            const char16_t* method;
            std::vector<Value> parameters;
            bool blocks;
        };
        const std::vector<Call> calls = {
            {pair.client, u"Receive", {500, {}}, true}, {pair.client, u"ReceiveEvent", {500, {}, {}}, true},
            {pair.server, u"Receive", {500, {}, {}}, true}, {pair.client, u"Request", {u"{}", 500, u"id", u""}, true},
            {lost, u"Connect", {silent.url()}, true}, {pair.client, u"Ping", {5000}, false},
            {pair.server, u"Ping", {1, 5000}, false}, {pair.client, u"Send", {u"text"}, false},
            {pair.server, u"Broadcast", {u"text", u""}, false}, {lost, u"BeginConnect", {silent.url()}, false},
            {pair.client, u"Statistics", {}, false},
        };
        for (const int type : {PTHREAD_CANCEL_DEFERRED, PTHREAD_CANCEL_ASYNCHRONOUS}) {
            for (const Call& call : calls) {
                // With that type a thread may be cancelled where it is blocked, in nobody's code anywhere else.
                if (type == PTHREAD_CANCEL_ASYNCHRONOUS && !call.blocks) continue;
                for (int round = 0; round < 3; ++round) {
                    Victim victim{};
                    victim.component = call.object.component;
                    victim.method = call.object.method(call.method);
                    victim.count = static_cast<long>(call.parameters.size());
                    victim.type = type;
                    for (std::size_t at = 0; at < call.parameters.size(); ++at)
                        victim.parameters[at] = call.object.to_variant(call.parameters[at]);
                    pthread_t thread;
                    void* result = nullptr;
                    CHECK(pthread_create(&thread, nullptr, call_on, &victim) == 0);
                    CHECK(eventually([&] { return victim.id != 0 && (!call.blocks || rests(victim.id)); }));
                    std::this_thread::sleep_for(std::chrono::milliseconds(round));
                    CHECK(pthread_cancel(thread) == 0);
                    timespec limit;
                    clock_gettime(CLOCK_REALTIME, &limit);
                    limit.tv_sec += 60;
                    CHECK_SAYS(pthread_timedjoin_np(thread, &result, &limit) == 0, utf8(call.method));
                    CHECK(result == PTHREAD_CANCELED);
                    for (Variant& parameter : victim.parameters) call.object.release(parameter);
                    Value data, id;
                    while (pair.client.call(u"Receive", {-1, data})) {}
                    while (pair.server.call(u"Receive", {-1, id, data})) {}
                }
            }
        }
        CHECK(pair.client.get(u"Status") == 1);
        CHECK(pair.server.call(u"Send", {1, u"last"}));
        Value data;
        CHECK(pair.client.call(u"Receive", {10000, data}) && data == u"last");
    }
    CHECK(threads_are_back(before));
}
#endif
