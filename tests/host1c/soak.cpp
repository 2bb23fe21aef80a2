// A script that talks for as long as it is told, again and again: on a line `work URL SECONDS` clients talk to the echo
// server there and to a server of this script's, check that every message comes back once and in order, close, and say
// `rested COUNT`. Threads, descriptors and the host's memory are then as after the first time.
#ifndef _WIN32
#include "host.hpp"

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <sstream>

namespace {

std::ptrdiff_t descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
}

// The form of the other clients: kind, stream, number, and a filling that the receiver compares as a whole.
Text numbered(unsigned long long stream, unsigned long long number) {
    char head[40];
    std::snprintf(head, sizeof head, "E%016llx%016llx", stream, number);
    return utf16(head);
}

// One connection to the echo server; true while it was not ended by it.
bool echoed(Object& client, const Text& url, unsigned long long stream, long& count) {
    CHECK(client.call(u"Подключиться", {url}));
    for (unsigned long long number = 0; number < 100;) {
        const auto first = number;
        try {
            for (; number < first + 10; ++number) client.call(u"Отправить", {numbered(stream, number)});
            for (auto next = first; next < number;) {
                Value data;
                if (!client.call(u"Получить", {60000, data})) {
                    CHECK(client.get(u"КодЗакрытия") == 4000);
                    return false;
                }
                if (data.kind != Value::STRING || data.string[0] != u'E') continue;
                CHECK_SAYS(data == numbered(stream, next), data.show());
                ++next, ++count;
            }
        } catch (const ScriptError&) {
            Value data;
            while (client.call(u"Получить", {60000, data})) {}
            CHECK(client.get(u"КодЗакрытия") == 4000);
            return false;
        }
    }
    client.call(u"Отключиться");
    return true;
}

// A client and a server of the script's, as events.
void among_ourselves(const Library& library, long& count) {
    Pair pair(library);
    Value data;
    const Value id = next(pair.server, u"open", data);
    for (int number = 0; number < 50; ++number) {
        pair.client.call(u"Отправить", {Bytes(number + 1, static_cast<unsigned char>(number))});
        CHECK(next(pair.server, u"message", data) == id && data == Bytes(number + 1, static_cast<unsigned char>(number)));
        CHECK(pair.server.call(u"Отправить", {id, data}));
        Value back;
        CHECK(pair.client.call(u"Получить", {60000, back}) && back == data);
        ++count;
    }
    pair.client.call(u"Отключиться");
    CHECK(next(pair.server, u"close", data) == id);
}

} // namespace

SCENARIO(soak) {
    const Library library(setting.library);
    const Object keeps(library, u"Client"); // the library's threads
    const int threads = thread_count();
    unsigned long long stream = 1ULL << 60;
    std::ptrdiff_t open = 0;
    std::string line;
    while (std::getline(std::cin, line)) {
        std::istringstream words(line);
        std::string work, url;
        double seconds = 0;
        words >> work >> url >> seconds;
        long count = 0;
        for (const auto since = Clock::now(); count == 0 || elapsed_ms(since) < seconds * 1000;) {
            Object client(library, u"Client");
            client.set(u"ТаймаутПодключения", 120000);
            echoed(client, utf16(url), stream++, count);
            among_ourselves(library, count);
        }
        CHECK(threads_are_back(threads));
        if (open == 0) open = descriptors();
        CHECK(eventually([&] { return descriptors() == open; }));
        std::printf("rested %ld\n", count);
        std::fflush(stdout);
    }
}
#endif
