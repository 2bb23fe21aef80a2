// What examples/webtutor/notices.bsl has its server do, with the methods of the object itself. With the argument `pages`
// the pages are other programs', told of the port by the first line that is printed, and the server speaks TLS where a
// certificate and its key follow; without an argument they are clients of our own.
#include "host.hpp"

#include <cstdio>
#include <memory>

namespace {

constexpr const char16_t* PAGES[] = {
    u"id:10001::group_id:10001", u"id:10002::group_id:10001", u"id:10003::group_id:10002", u"id:10004::group_id:10002"};

// What ЗаписатьJSON makes of an array with one structure, whose only key is "text".
Text wrapped(const Text& text) {
    Text json = u"[{\"text\":\"";
    for (char16_t letter : text) {
        if (letter == u'"' || letter == u'\\') json += u'\\';
        json += letter;
    }
    return json + u"\"}]";
}

void send_everything(Object& server) {
    // Соединения
    const Text list = server.call(u"СписокСоединений").string;
    for (const char16_t* page : PAGES)
        CHECK_SAYS(list.find(u"\"name\":\"" + Text(page) + u"\"") != Text::npos, utf8(list));
    CHECK(list.find(u"\"name\":\"\"") != Text::npos);
    CHECK(list.find(u"\"groups\":[\"10001\"]") != Text::npos && list.find(u"\"groups\":[\"10002\"]") != Text::npos);
    CHECK(list.find(u"\"path\":\"/services/main_ws_service\"") != Text::npos);
    // ОтправитьПоИмени
    CHECK(server.call(u"ОтправитьПоИмени", {PAGES[0], u"лично"}) == true);
    CHECK(server.call(u"ОтправитьПоИмени", {PAGES[1], wrapped(u"лично \"вам\"")}) == true);
    CHECK(server.call(u"ОтправитьПоИмени", {u"id:10009", u"никому"}) == false);
    // ОтправитьГруппе
    CHECK(server.call(u"Разослать", {u"группе", u"10002"}) == 2);
    CHECK(server.call(u"Разослать", {wrapped(u"группе"), u"10001"}) == 2);
    CHECK(server.call(u"Разослать", {u"никому", u"10009"}) == 0);
    // ОтправитьВсем
    CHECK(server.call(u"Разослать", {u"всем"}) == 5);
    CHECK(server.call(u"Разослать", {wrapped(u"всем")}) == 5);
    CHECK(server.call(u"Разослать", {u"end"}) == 5);
}

} // namespace

SCENARIO(webtutor) {
    const Library library(setting.library);
    Object server(library, u"Server");
    server.set(u"ПараметрИмениСоединения", u"X-StatefulSocketId");
    const std::vector<std::string>& given = setting.arguments;
    Text url;
    if (given.size() == 3)
        CHECK(server.call(u"Запустить", {u"", 0, utf16(given[1]), utf16(given[2])}));
    else
        url = start_server(server) + u"services/main_ws_service";
    std::vector<std::unique_ptr<Object>> pages;
    if (given.empty()) {
        for (std::size_t number = 0; number < 5; ++number) {
            pages.push_back(std::make_unique<Object>(library, u"Client"));
            CHECK(pages.back()->call(u"Подключиться", {number < 4 ? url + u"?X-StatefulSocketId=" + PAGES[number] : url}));
        }
    } else {
        std::printf("port %ld\n", static_cast<long>(server.get(u"Порт").number));
        std::fflush(stdout);
    }
    CHECK(eventually([&] { return server.get(u"КоличествоСоединений") == 5; }));
    send_everything(server);
    const Text personal[] = {u"лично", wrapped(u"лично \"вам\""), u"группе", u"группе", u""};
    for (std::size_t number = 0; number < pages.size(); ++number) {
        std::vector<Text> expected;
        if (!personal[number].empty()) expected.push_back(personal[number]);
        if (number < 2) expected.push_back(wrapped(u"группе"));
        for (const Text& text : {Text(u"всем"), wrapped(u"всем"), Text(u"end")}) expected.push_back(text);
        for (const Text& text : expected) {
            Value data;
            CHECK(pages[number]->call(u"Получить", {60000, data}));
            CHECK_SAYS(data == text, data.show() + " instead of " + utf8(text));
        }
        CHECK(pages[number]->call(u"Отключиться"));
    }
    CHECK(eventually([&] { return server.get(u"КоличествоСоединений") == 0; }));
}
