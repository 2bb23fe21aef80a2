// host LIBRARY SCENARIO [ARGUMENT…]: runs one scenario and says `SCENARIO: passed`.
#include "host.hpp"

#include <cstdio>
#include <cstdlib>

std::map<std::string, Scenario>& scenarios() {
    static std::map<std::string, Scenario> all;
    return all;
}

Registration::Registration(const char* name, Scenario scenario) { scenarios().emplace(name, scenario); }

bool eventually(const std::function<bool()>& condition) {
    const auto since = Clock::now();
    while (!condition()) {
        if (elapsed_ms(since) > 60'000) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

bool threads_are_back(int before) {
    return eventually([&] { return thread_count() == before; });
}

bool has(const Text& text, std::u16string_view part) {
    CHECK_SAYS(text.find(part) != Text::npos, utf8(text) + " does not contain " + utf8(part));
    return true;
}

Value next(Object& server, const char16_t* kind, Value& data) {
    Value event, id;
    CHECK(server.call(u"ПолучитьСобытие", {60000, event, id, data}));
    CHECK_SAYS(event == kind, event.show() + " " + data.show());
    return id;
}

Text start_server(Object& server) {
    CHECK(server.call(u"Запустить", {u"127.0.0.1", 0}));
    const auto port = static_cast<long>(server.get(u"Порт").number);
    CHECK(port > 0);
    return u"ws://127.0.0.1:" + utf16(std::to_string(port)) + u"/";
}

Pair::Pair(const Library& library, HostKind kind)
    : server(library, u"Server", kind), client(library, u"Client", kind), url(start_server(server)) {
    CHECK(client.call(u"Подключиться", {url}));
}

int main(int count, char** arguments) {
    if (count == 2 && std::string(arguments[1]) == "--list") {
        for (const auto& [name, scenario] : scenarios()) std::puts(name.c_str());
        return 0;
    }
    const auto found = count < 3 ? scenarios().end() : scenarios().find(arguments[2]);
    if (found == scenarios().end()) {
        std::fprintf(stderr, "host LIBRARY SCENARIO [ARGUMENT...], or host --list\n");
        return 2;
    }
    // What a sanitizer's runtime starts beside the first thread is there before any are counted.
    std::thread([] {}).join();
    const Setting setting{arguments[1], {arguments + 3, arguments + count}, std::getenv("HOST1C_SLOW") != nullptr};
    try {
        found->second(setting);
    } catch (const ScriptError& error) {
        std::fprintf(stderr, "the script failed: %s\n", error.what());
        return 1;
    }
    std::printf("%s: passed\n", arguments[2]);
    return 0;
}
