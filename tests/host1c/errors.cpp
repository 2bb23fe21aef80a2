// Errors as a script meets them.
#include "host.hpp"

namespace {

Text description(Object& object) { return object.call(u"ОписаниеОшибки").string; }

} // namespace

SCENARIO(errors) {
    const Library library(setting.library);
    Pair pair(library);
    Object &client = pair.client, &server = pair.server;
    Object idle(library, u"Client");
    Value event = 1, id = u"x", data = Bytes{1};

    // The text stays until a method succeeds; properties leave it alone.
    CHECK(description(idle).empty());
    const Text said = idle.refused(u"Отправить", {u"привет"});
    CHECK(has(said, u"соединение не установлено"));
    CHECK(description(idle) == said && description(idle) == said);
    CHECK(idle.get(u"Статус") == 0);
    idle.set(u"ТаймаутЗакрытия", 100);
    CHECK(description(idle) == said);
    const Text refused = idle.refused_set(u"ТаймаутЗакрытия", -5);
    CHECK(refused != said && description(idle) == refused);
    CHECK(idle.get(u"ТаймаутЗакрытия") == 100);
    CHECK(!idle.call(u"Отключиться"));
    CHECK(description(idle).empty());
    // Each object has its own.
    CHECK(description(client).empty() && description(server).empty());

    // Ordinary failures are no errors, and leave nothing in the variables.
    CHECK(!idle.call(u"Принять", {0, data}));
    CHECK(data == u"");
    event = 1, data = Bytes{1};
    CHECK(!idle.call(u"ПолучитьСобытие", {0, event, data}));
    CHECK(event == u"" && data == u"");
    CHECK(server.call(u"ПолучитьСобытие", {-1, event, id, data}));
    CHECK(event == u"open" && id == 1);
    data = u"старое";
    CHECK(!server.call(u"Принять", {-1, id, data}));
    CHECK(id == 0 && data == u"");
    CHECK(!server.call(u"ПолучитьСобытие", {5, event, id, data}));
    CHECK(event == u"" && id == 0 && data == u"");

    // Variables keep their values when the call is an error; `refused` looks at each.
    data = u"моё";
    has(client.refused(u"Принять", {u"скоро", data}), u"<bad cast>");
    CHECK(data == u"моё");
    has(server.refused(u"Отправить", {777, u"кому"}), u"777");
    for (const char16_t* url : {u"", u"http://127.0.0.1/", u"ws://", u"ws://127.0.0.1:99999/", u"ws://127.0.0.1/#там"})
        CHECK(!idle.refused(u"Подключиться", {url}).empty());
    for (const int code : {0, -1, 999, 1004, 1005, 1006, 1015, 2999, 5000, 70000, 66536}) {
        CHECK(!client.refused(u"Отключиться", {code}).empty());
        CHECK(!server.refused(u"Отключить", {1, code}).empty());
    }
    CHECK(!client.refused(u"Отключиться", {1000, Text(62, u'я')}).empty());
    CHECK(client.get(u"Статус") == 1);
    CHECK(!server.call(u"Отправить", {1, u"слышно"}) == false);

    // The server.
    has(server.refused(u"Запустить", {u"127.0.0.1", 0}), u"уже запущен");
    Object other(library, u"Server");
    has(other.refused(u"Запустить", {u"127.0.0.1", server.get(u"Порт")}), u"порт занят");
    for (const double port : {-1.0, 65536.0, 4294967296.0}) CHECK(!other.refused(u"Запустить", {u"", port}).empty());
    has(other.refused(u"Запустить", {u"", 80.5}), u"<bad cast>");
    has(other.refused(u"Запустить", {u"не адрес", 0}), u"не адрес");
    CHECK(other.get(u"Порт") == 0 && other.get(u"Сервер") == u"");
    other.call(u"Остановить");

    // Nobody listens there any more.
    const Text url = pair.url;
    server.call(u"Остановить");
    const Text nobody = idle.refused(u"Подключиться", {url});
    has(nobody, u"подключение к 127.0.0.1:");
    has(nobody, u"соединение отклонено");
    CHECK(idle.get(u"Статус") == -1);

    // A host that still calls something after Done gets no crash.
    for (const char16_t* name : {u"Неизвестно", u"", u"Подключитьс"}) {
        try {
            client.call(name);
            CHECK(!"a method that does not exist");
        } catch (const ScriptError& error) {
            CHECK(error.contains(u"не обнаружен"));
        }
    }
}

// What a server says of its reason reaches the script, and each failure its number.
SCENARIO(refusals) {
    const Library library(setting.library);
    Object server(library, u"Server"), client(library, u"Client");
    Value event, id, data;
    CHECK(client.get(u"КодОшибки") == 0 && client.get(u"КодОтвета") == 0);
    CHECK(client.get(u"ЗаголовкиОтвета") == u"" && client.get(u"ТелоОтвета") == u"");
    server.set(u"ПодтверждатьСоединения", true);
    server.call(u"Запустить", {u"127.0.0.1", 0});
    const Text port = utf16(std::to_string(static_cast<long>(server.get(u"Порт").number)));
    std::thread judge([&] {
        CHECK(server.call(u"ПолучитьСобытие", {20000, event, id, data}) && event == u"pending");
        CHECK(server.call(u"ОтклонитьСоединение", {id, 403, u"нет \"мест\""}));
    });
    const Text said = client.refused(u"Подключиться", {u"ws://127.0.0.1:" + port + u"/зал?access_token=secret"});
    judge.join();
    has(said, u"сервер ответил HTTP 403 Forbidden вместо 101 на запрос /%D0%B7%D0%B0%D0%BB (нет \"мест\")");
    CHECK(client.get(u"КодОтвета") == 403 && client.get(u"КодОшибки") == -16 && client.get(u"ErrorCode") == -16);
    CHECK(client.get(u"ТелоОтвета") == u"нет \"мест\"");
    has(client.get(u"ResponseHeaders").string, u"\"content-type\":\"text/plain; charset=utf-8\"");
    // Refused assignments count as well, ordinary failures do not.
    client.refused_set(u"ТаймаутЗакрытия", -5);
    CHECK(client.get(u"КодОшибки") == -2);
    client.call(u"Отключиться");
    CHECK(client.get(u"КодОшибки") == -2);
    server.refused(u"Отправить", {777, u"кому"});
    CHECK(server.get(u"КодОшибки") == -2);
    server.set(u"ПодтверждатьСоединения", false);
    client.call(u"Подключиться", {u"ws://127.0.0.1:" + port + u"/"});
    CHECK(client.get(u"КодОтвета") == 101 && client.get(u"ТелоОтвета") == u"");
}

// A script that must end learns that the client has given up.
SCENARIO(given_up) {
    const Library library(setting.library);
    Object client(library, u"Client"), server(library, u"Server");
    Value event, data;
    client.set(u"ИнтервалПереподключения", 1);
    client.set(u"МаксимумПопытокПереподключения", 2);
    server.call(u"Запустить", {u"127.0.0.1", 0});
    const Text url = u"ws://127.0.0.1:" + utf16(std::to_string(static_cast<long>(server.get(u"Порт").number))) + u"/";
    client.call(u"Подключиться", {url});
    CHECK(client.call(u"ПолучитьСобытие", {20000, event, data}) && event == u"open");
    server.call(u"Остановить");
    CHECK(client.call(u"ПолучитьСобытие", {20000, event, data}) && event == u"close");
    CHECK(client.call(u"ПолучитьСобытие", {20000, event, data}) && event == u"error");
    CHECK(data.string.find(u"прекращено") == Text::npos);
    CHECK(client.call(u"ПолучитьСобытие", {20000, event, data}) && event == u"error");
    has(data.string, u"переподключение прекращено, неудачных попыток подряд: 2: подключение к 127.0.0.1:");
    CHECK(!client.call(u"ПолучитьСобытие", {20000, event, data}));
    CHECK(client.get(u"Статус") == -1 && client.get(u"СостояниеСоединения") == 3 && client.get(u"КодОшибки") == -12);
    has(client.refused(u"Отправить", {u"привет"}), u"переподключение прекращено");
}

SCENARIO(languages) {
    const Library library(setting.library);
    Object client(library, u"Client");
    const auto russian = [&] { return client.refused(u"Send", {u""}).find(u"соединение") != Text::npos; };
    CHECK(russian());
    const struct { const char16_t* name; bool is_russian; } locales[] = {
        {u"en_US", false}, {u"ru_RU", true},   {u"eng_USA", false}, {u"rus_RUS", true}, {u"de_DE", false},
        {u"ru", true},     {u"en", false},     {u"RU_ru", true},    {u"uk_UA", false},  {u"ru_RU.UTF-8", true}};
    for (const auto& [name, is_russian] : locales) {
        client.locale(name);
        CHECK_SAYS(russian() == is_russian, utf8(name));
    }
    const struct { const char16_t* code; bool is_russian; } codes[] = {{u"en", false}, {u"ru", true}, {u"de", false}};
    for (const auto& [code, is_russian] : codes) {
        client.language(code);
        CHECK_SAYS(russian() == is_russian, utf8(code));
    }
    // Neither is known: nothing happens, least of all a crash.
    client.language(u"ru");
    client.locale(nullptr);
    client.language(nullptr);
    CHECK(russian());

    client.language(u"en");
    Pair pair(library);
    pair.client.locale(u"en_US");
    CHECK(pair.client.refused(u"Connect", {pair.url}) == u"Already connected");
    pair.client.locale(u"ru_RU");
    CHECK(pair.client.refused(u"Connect", {pair.url}) == u"Подключение уже выполнено");
    // The same error, read in the language of the day.
    CHECK(pair.client.call(u"ErrorDescription") == u"Подключение уже выполнено");
}
