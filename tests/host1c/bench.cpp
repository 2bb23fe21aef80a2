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

// For one call, of the best of many short stretches: whoever else runs on this machine only adds.
template <typename F> double nanoseconds(int repeats, F&& call) {
    const long turns = 2000;
    double best = 1e18;
    for (int attempt = 0; attempt < 50 * repeats; ++attempt) {
        const auto since = Clock::now();
        for (long turn = 0; turn < turns; ++turn) call();
        best = std::min(best, std::chrono::duration<double, std::nano>(Clock::now() - since).count() / turns);
    }
    return best;
}

double seconds(Clock::time_point since) { return std::chrono::duration<double>(Clock::now() - since).count(); }

struct Handle {
    std::uint64_t id;
};

// One text from a client to the server of another object, through wsaddin_... Uncompressed, here and below, because
// compressing costs far more than all that is compared.
class Flat {
public:
    Flat(const Library& library, const std::string& bytes)
        : library(library), bytes(bytes),
          send(library.function<int (*)(Handle, const void*, std::size_t)>("wsaddin_client_send_text")),
          receive(library.function<int (*)(Handle, std::int64_t, void**)>("wsaddin_server_receive")),
          size_of(library.function<std::size_t (*)(const void*)>("wsaddin_message_size")),
          free_message(library.function<void (*)(void*)>("wsaddin_message_free")) {
        const auto make_client = library.function<int (*)(Handle*)>("wsaddin_client_new");
        const auto make_server = library.function<int (*)(Handle*)>("wsaddin_server_new");
        const auto run = library.function<int (*)(Handle, const void*, std::size_t, std::int64_t)>("wsaddin_server_run");
        const auto port_of = library.function<int (*)(Handle, std::int64_t*)>("wsaddin_server_get_port");
        const auto compress = library.function<int (*)(Handle, std::int64_t)>("wsaddin_client_set_compression");
        const auto connect = library.function<int (*)(Handle, const void*, std::size_t)>("wsaddin_client_connect");
        std::int64_t port = 0;
        CHECK(make_client(&client) == 0 && make_server(&server) == 0);
        CHECK(run(server, "127.0.0.1", 9, 0) == 0 && port_of(server, &port) == 0);
        const std::string url = "ws://127.0.0.1:" + std::to_string(port) + "/";
        CHECK(compress(client, 0) == 0 && connect(client, url.data(), url.size()) == 0);
    }
    ~Flat() {
        CHECK(library.function<int (*)(Handle)>("wsaddin_client_free")(client) == 0);
        CHECK(library.function<int (*)(Handle)>("wsaddin_server_free")(server) == 0);
    }

    double turn() {
        const auto since = Clock::now();
        CHECK(send(client, bytes.data(), bytes.size()) == 0);
        void* message = nullptr;
        CHECK(receive(server, 60000, &message) == 0);
        CHECK(size_of(message) == bytes.size());
        free_message(message);
        return seconds(since);
    }

private:
    const Library& library;
    const std::string& bytes;
    Handle client, server;
    int (*send)(Handle, const void*, std::size_t);
    int (*receive)(Handle, std::int64_t, void**);
    std::size_t (*size_of)(const void*);
    void (*free_message)(void*);
};

// The same through Отправить and Принять. The host's own copies of its strings are not counted.
class Native {
public:
    Native(const Library& library, const Text& text) : text(text), server(library, u"Server"), client(library, u"Client") {
        client.set(u"Compression", false);
        CHECK(client.call(u"Connect", {start_server(server)}));
        send = client.method(u"Отправить");
        receive = server.method(u"Принять");
        data = client.to_variant(text);
        result = client.to_variant({});
    }
    ~Native() { client.release(data); }

    double turn() {
        parameters[0] = server.to_variant(60000);
        parameters[1] = parameters[2] = server.to_variant({});
        const auto since = Clock::now();
        CHECK(client.component->CallAsProc(send, &data, 1));
        CHECK(server.component->CallAsFunc(receive, &result, parameters, 3));
        const double took = seconds(since);
        CHECK(result.boolean && parameters[2].type == VT_PWSTR && parameters[2].wide.size == text.size());
        server.release(parameters[2]);
        return took;
    }

private:
    const Text& text;
    Object server, client;
    Variant data, parameters[3], result;
    long send, receive;
};

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

void calls(const Library& library, int repeats) {
    Object client(library, u"Client");
    IComponentBase& component = *client.component;
    const long status = component.FindProp(u"Status"), queued = component.FindProp(u"Queued");
    const long timeout = component.FindProp(u"CloseTimeout"), protocols = component.FindProp(u"Protocols");
    Variant value = client.to_variant({});
    Empty nothing;
    Empty* volatile hidden = &nothing;
    const double empty = nanoseconds(repeats, [&] { hidden->nothing(status, &value); });
    for (const auto& [name, property] : {std::pair("Status", status), {"Queued", queued}, {"CloseTimeout", timeout}}) {
        const double read = nanoseconds(repeats, [&, number = property] { component.GetPropVal(number, &value); });
        std::printf("property: %s %.1f ns, an empty virtual call %.1f ns\n", name, read, empty);
    }

    const double find = nanoseconds(repeats, [&] { component.FindMethod(u"ОписаниеОшибки"); });
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

}

// All texts, or the one of that name.
void strings(const Library& library, int repeats, const std::string& only) {
    const std::size_t size = 16 << 20;
    for (const auto& [name, unit] : {std::pair("Latin", "a"), {"Cyrillic", "я"}, {"mixed", "Да, ok. "}}) {
        if (!only.empty() && only != name) continue;
        std::string bytes;
        while (bytes.size() + std::strlen(unit) <= size) bytes += unit;
        const Text wide = utf16(bytes);
        // Turn and turn about, so that both meet the same machine.
        Native native(library, wide);
        Flat flat(library, bytes);
        std::vector<double> there, here, ratios;
        for (int turn = 0; turn < repeats; ++turn) {
            there.push_back(native.turn());
            here.push_back(flat.turn());
            ratios.push_back(here.back() / there.back());
        }
        const double mib = static_cast<double>(bytes.size()) / (1 << 20);
        const double best_there = *std::min_element(there.begin(), there.end());
        const double best_here = *std::min_element(here.begin(), here.end());
        std::printf("16 MiB: %s, 1C %.0f MiB/s, C %.0f MiB/s, ratio %.2f, median of the ratios %.2f\n", name,
                    mib / best_there, mib / best_here, best_here / best_there, median(ratios));
    }
}

} // namespace

// Arguments: how often each is measured, the best one counts; and the text that alone is measured.
SCENARIO(bench) {
    const std::vector<std::string>& arguments = setting.arguments;
    const int repeats = arguments.empty() ? 7 : std::stoi(arguments[0]);
    const Library library(setting.library);
    if (arguments.size() < 2) calls(library, repeats);
    strings(library, repeats, arguments.size() < 2 ? "" : arguments[1]);
}
