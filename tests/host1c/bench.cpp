// What a call costs, and what a large string costs, against the flat C interface of the same library.
#include "host.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>

// The number of allocations of this thread, when the host runs with the counting allocator before it.
static long* allocations() {
    const auto counter = reinterpret_cast<long* (*)()>(dlsym(RTLD_DEFAULT, "counted_allocations"));
    return counter == nullptr ? nullptr : counter();
}

namespace {

struct Empty {
    virtual ~Empty() = default;
    virtual bool nothing(long number, Variant* value);
};

bool __attribute__((noinline)) Empty::nothing(long, Variant*) { return true; }

template <typename F> double nanoseconds(long turns, F&& call) {
    // The best of several: whoever else runs on this machine only adds.
    double best = 1e18;
    for (int attempt = 0; attempt < 7; ++attempt) {
        const auto since = Clock::now();
        for (long turn = 0; turn < turns; ++turn) call();
        best = std::min(best, std::chrono::duration<double, std::nano>(Clock::now() - since).count() / turns);
    }
    return best;
}

struct Handle {
    std::uint64_t id;
};

// Seconds for one message through wsaddin_..., from a client to the server of another object.
double flat(const Library& library, const std::string& bytes, int turns) {
    const auto client_new = library.function<int (*)(Handle*)>("wsaddin_client_new");
    const auto server_new = library.function<int (*)(Handle*)>("wsaddin_server_new");
    const auto client_free = library.function<int (*)(Handle)>("wsaddin_client_free");
    const auto server_free = library.function<int (*)(Handle)>("wsaddin_server_free");
    const auto run = library.function<int (*)(Handle, const void*, std::size_t, std::int64_t)>("wsaddin_server_run");
    const auto port_of = library.function<int (*)(Handle, std::int64_t*)>("wsaddin_server_get_port");
    const auto connect = library.function<int (*)(Handle, const void*, std::size_t)>("wsaddin_client_connect");
    const auto send = library.function<int (*)(Handle, const void*, std::size_t)>("wsaddin_client_send_text");
    const auto receive = library.function<int (*)(Handle, std::int64_t, void**)>("wsaddin_server_receive");
    const auto size_of = library.function<std::size_t (*)(const void*)>("wsaddin_message_size");
    const auto free_message = library.function<void (*)(void*)>("wsaddin_message_free");
    Handle client, server;
    std::int64_t port = 0;
    CHECK(client_new(&client) == 0 && server_new(&server) == 0);
    CHECK(run(server, "127.0.0.1", 9, 0) == 0 && port_of(server, &port) == 0);
    const std::string url = "ws://127.0.0.1:" + std::to_string(port) + "/";
    CHECK(connect(client, url.data(), url.size()) == 0);
    double best = 1e18;
    for (int turn = 0; turn < turns; ++turn) {
        const auto since = Clock::now();
        CHECK(send(client, bytes.data(), bytes.size()) == 0);
        void* message = nullptr;
        CHECK(receive(server, 60000, &message) == 0);
        CHECK(size_of(message) == bytes.size());
        free_message(message);
        best = std::min(best, std::chrono::duration<double>(Clock::now() - since).count());
    }
    CHECK(client_free(client) == 0 && server_free(server) == 0);
    return best;
}

// The same through Отправить and Принять. The host's own copies of its strings are not counted.
double native(const Library& library, const Text& text, int turns) {
    Pair pair(library);
    Object &client = pair.client, &server = pair.server;
    const long send = client.method(u"Отправить"), receive = server.method(u"Принять");
    Variant data = client.to_variant(text), parameters[3], result = client.to_variant({});
    double best = 1e18;
    for (int turn = 0; turn < turns; ++turn) {
        parameters[0] = server.to_variant(60000);
        parameters[1] = parameters[2] = server.to_variant({});
        const auto since = Clock::now();
        CHECK(client.component->CallAsProc(send, &data, 1));
        CHECK(server.component->CallAsFunc(receive, &result, parameters, 3));
        best = std::min(best, std::chrono::duration<double>(Clock::now() - since).count());
        CHECK(result.boolean && parameters[2].type == VT_PWSTR && parameters[2].wide.size == text.size());
        server.release(parameters[2]);
    }
    client.release(data);
    return best;
}

} // namespace

// Arguments: how often each is measured; the best one counts.
SCENARIO(bench) {
    const int repeats = setting.arguments.empty() ? 7 : std::stoi(setting.arguments[0]);
    const Library library(setting.library);
    Object client(library, u"Client");
    IComponentBase& component = *client.component;
    const long turns = repeats * 40'000;
    const long status = component.FindProp(u"Status"), queued = component.FindProp(u"Queued");
    const long timeout = component.FindProp(u"CloseTimeout"), protocols = component.FindProp(u"Protocols");
    Variant value = client.to_variant({});
    Empty nothing;
    Empty* volatile hidden = &nothing;
    const double empty = nanoseconds(turns, [&] { hidden->nothing(status, &value); });
    for (const auto& [name, property] : {std::pair("Status", status), {"Queued", queued}, {"CloseTimeout", timeout}}) {
        const double read = nanoseconds(turns, [&, number = property] { component.GetPropVal(number, &value); });
        std::printf("property: %s %.1f ns, an empty virtual call %.1f ns\n", name, read, empty);
    }

    const double find = nanoseconds(turns, [&] { component.FindMethod(u"ОписаниеОшибки"); });
    if (long* counter = allocations()) {
        const long before = *counter;
        CHECK(component.FindMethod(u"ОписаниеОшибки") >= 0 && component.FindMethod(u"errordescription") >= 0);
        CHECK(component.FindMethod(u"Нет такого") == -1 && component.FindProp(u"ИСТОЧНИКСОБЫТИЙ") >= 0);
        CHECK(*counter == before);
        // A counter that counts nothing would prove nothing: a text is copied inside the library.
        Variant text = client.to_variant(u"chat");
        const long between = *counter;
        CHECK(component.SetPropVal(protocols, &text));
        CHECK(*counter > between);
        client.release(text);
    }
    client.release(value);
    std::printf("FindMethod: %.1f ns, %s\n", find, allocations() ? "no allocation" : "allocations not counted");

    const std::size_t size = 16 << 20;
    for (const auto& [name, unit] : {std::pair("Latin", "a"), {"Cyrillic", "я"}, {"mixed", "Да, ok. "}}) {
        std::string bytes;
        while (bytes.size() + std::strlen(unit) <= size) bytes += unit;
        const Text wide = utf16(bytes);
        const double there = native(library, wide, repeats), here = flat(library, bytes, repeats);
        const double mib = static_cast<double>(size) / (1 << 20);
        std::printf("16 MiB: %s, 1C %.0f MiB/s, C %.0f MiB/s, ratio %.2f\n", name, mib / there, mib / here, here / there);
    }
}
