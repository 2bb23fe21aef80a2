// The proxy and the log, as a script sets them.
#include "host.hpp"

#include <fstream>
#include <iterator>
#include <unistd.h>

namespace {

std::string content(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

SCENARIO(proxy) {
    const Library library(setting.library);
    Object client(library, u"Client");
    CHECK(client.get(u"Прокси") == u"");
    client.set(u"Прокси", u"http://имя:п%40роль@127.0.0.1:1");
    CHECK(client.get(u"Proxy") == u"http://%D0%B8%D0%BC%D1%8F:***@127.0.0.1:1");
    const Text refused = client.refused_set(u"Прокси", u"ftp://имя:s3cret@узел");
    CHECK(has(refused, u"не прокси") && refused.find(u"s3cret") == Text::npos);
    CHECK(client.get(u"Proxy") == u"http://%D0%B8%D0%BC%D1%8F:***@127.0.0.1:1");
    // Under valgrind, on a busy machine, reading the system's roots takes longer than the default.
    client.set(u"ТаймаутПодключения", 120'000);
    const Text said = client.refused(u"Подключиться", {u"wss://пример.рф/чат"});
    CHECK(has(said, u"подключение к пример.рф:443 через прокси 127.0.0.1:1: "));
    CHECK(has(said, u"соединение отклонено"));
    for (const char16_t* value : {u"env", u"system", u""}) {
        client.set(u"Прокси", value);
        CHECK(client.get(u"Прокси") == value);
    }
}

SCENARIO(log) {
    const std::string path = "/tmp/журнал-" + std::to_string(getpid()) + ".log";
    const Library library(setting.library);
    {
        Object server(library, u"Server");
        Object client(library, u"Client");
        CHECK(client.get(u"ФайлЖурнала") == u"" && client.get(u"УровеньЖурнала") == u"info");
        CHECK(has(client.refused_set(u"УровеньЖурнала", u"всё"), u"error, info, debug, frames"));
        CHECK(has(client.refused_set(u"ФайлЖурнала", u"/нет/такой/папки.log"), u"/нет/такой/папки.log"));
        client.set(u"LogFile", utf16(path));
        server.set(u"УровеньЖурнала", u"Frames");
        // One for the process.
        CHECK(server.get(u"ФайлЖурнала") == utf16(path) && client.get(u"LogLevel") == u"frames");
        const Text url = start_server(server);
        CHECK(client.call(u"Подключиться", {url}));
        client.call(u"Отправить", {u"привет"});
        Value id, data;
        CHECK(server.call(u"Получить", {60000, id, data}) && data == u"привет");
        CHECK(client.call(u"Отключиться"));
    }
    const std::string text = content(path);
    for (const char* what : {" open: 127.0.0.1:", "\"привет\"", "closed by us: 1000", "stopped"})
        CHECK_SAYS(text.find(what) != std::string::npos, text);
    {
        Object client(library, u"Client");
        CHECK(client.get(u"ФайлЖурнала") == utf16(path));
        client.set(u"ФайлЖурнала", u"");
        client.set(u"УровеньЖурнала", u"info");
        CHECK(!client.refused(u"Подключиться", {u"ws://127.0.0.1:1/"}).empty());
    }
    CHECK(content(path) == text);
    CHECK(unlink(path.c_str()) == 0);
}
