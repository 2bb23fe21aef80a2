// Names, sessions and groups, as a script uses them.
#include "host.hpp"

namespace {

Value received(Object& client) {
    Value data;
    CHECK(client.call(u"Получить", {60000, data}));
    return data;
}

} // namespace

SCENARIO(sessions) {
    const Library library(setting.library);
    Object server(library, u"Server"), first(library, u"Client"), second(library, u"Client");
    Value data;
    CHECK(server.get(u"ПараметрИмениСоединения") == u"" && server.get(u"ТаймаутВозобновления") == 60000);
    CHECK(!server.refused_set(u"ResumeTimeout", -1).empty());
    server.set(u"ПараметрИмениСоединения", u"Код");
    CHECK(server.get(u"NameParameter") == u"Код");
    const Text url = start_server(server);

    // Taken over by a second one: the name is percent-encoded UTF-8 on the wire.
    const Text named = url + u"?Код=Иванов::group_id:Склад";
    CHECK(first.call(u"Подключиться", {named}));
    const Value one = next(server, u"open", data);
    CHECK(has(data.string, u"\"name\":\"Иванов::group_id:Склад\"") && has(data.string, u"\"groups\":[\"Склад\"]"));
    CHECK(server.call(u"ОтправитьПоИмени", {u"Иванов::group_id:Склад", u"первому"}) == true);
    CHECK(server.call(u"SendToName", {u"ИВАНОВ::group_id:Склад", u"никому"}) == false);
    CHECK(received(first) == u"первому");
    CHECK(second.call(u"Подключиться", {named}));
    CHECK(next(server, u"close", data) == one);
    CHECK(has(data.string, u"\"code\":4001"));
    const Value two = next(server, u"open", data);
    CHECK(server.call(u"Отправить", {one, u"поздно"}) == false);
    CHECK(server.call(u"Разослать", {Bytes{1, 2, 3}, u"Склад"}) == 1);
    CHECK(received(second) == Bytes({1, 2, 3}));

    // Away: what is sent meanwhile comes first, texts and binaries as they are.
    CHECK(second.call(u"Отключиться", {1001}));
    CHECK(next(server, u"close", data) == two);
    CHECK(has(server.call(u"Статистика").string, u"\"sessions_waiting\":1"));
    CHECK(server.call(u"ОтправитьПоИмени", {u"Иванов::group_id:Склад", Text(u"а\0б", 3)}) == true);
    CHECK(server.call(u"SendToName", {u"Иванов::group_id:Склад", Bytes{0}}) == true);
    CHECK(server.call(u"Разослать", {u"всем"}) == 1);
    CHECK(first.call(u"Подключиться", {named}));
    const Value three = next(server, u"open", data);
    CHECK(server.call(u"Отправить", {three, u"потом"}) == true);
    CHECK(received(first) == Text(u"а\0б", 3) && received(first) == Bytes({0}));
    CHECK(received(first) == u"всем" && received(first) == u"потом");

    // Named, renamed and grouped by the script.
    CHECK(server.call(u"УстановитьИмя", {three, u"Петров"}) == true);
    CHECK(server.call(u"ОтправитьПоИмени", {u"Иванов::group_id:Склад", u"x"}) == false);
    CHECK(server.call(u"JoinGroup", {three, u"Офис"}) == true);
    CHECK(has(server.call(u"СведенияОСоединении", {three}).string, u"\"groups\":[\"Офис\",\"Склад\"]"));
    CHECK(server.call(u"ИсключитьИзГруппы", {three, u"Склад"}) == true);
    CHECK(server.call(u"Broadcast", {u"x", u"Склад"}) == 0 && server.call(u"Broadcast", {u"офис", u"Офис"}) == 1);
    CHECK(received(first) == u"офис");
    CHECK(server.call(u"Разослать", {u"не себе", u"", three}) == 0);
    CHECK(server.call(u"Broadcast", {u"кроме никого", u"Офис", 0, true}) == 1);
    CHECK(received(first) == u"кроме никого");
    CHECK(has(server.refused(u"Разослать", {u"x", u"", 1000}), u"1000"));
    CHECK(has(server.refused(u"Разослать", {u"x", u"", 0, 1}), u"<bad cast>"));
    const Text info = server.call(u"СведенияОбИмени", {u"Петров"}).string;
    CHECK(has(info, u"\"state\":\"open\"") && has(info, u"\"groups\":[\"Офис\"]"));
    CHECK(server.call(u"NameInfo", {u"петров"}) == u"" && server.call(u"СписокИмен", {u"Ив"}) == u"[]");
    CHECK(has(server.call(u"NameList").string, u"[{\"name\":\"Петров\""));
    CHECK(server.call(u"УстановитьИмя", {two, u"Петров"}) == false);
    CHECK(has(server.refused(u"УстановитьИмя", {three, Text(1025, u'x')}), u"Имя"));
    CHECK(has(server.refused(u"УстановитьИмя", {three, u"а\nб"}), u"управляющих символов"));
    CHECK(has(server.refused(u"ДобавитьВГруппу", {three, u""}), u"Группа"));
    CHECK(has(server.refused(u"SetName", {1000, u"а"}), u"1000"));
    CHECK(has(server.refused(u"ОтправитьПоИмени", {5, u"x"}), u"<bad cast>"));
    CHECK(has(second.refused(u"Подключиться", {url + u"?Код=" + Text(600, u'я')}), u"400"));

    // Too long away: what waited is told of.
    server.set(u"ТаймаутВозобновления", setting.slow ? 10000 : 1000);
    CHECK(first.call(u"Отключиться", {1001}));
    next(server, u"close", data);
    CHECK(server.call(u"ОтправитьПоИмени", {u"Петров", u"раз"}) == true);
    CHECK(server.call(u"ОтправитьПоИмени", {u"Петров", u"два"}) == true);
    CHECK(next(server, u"expired", data) == 0);
    CHECK_SAYS(data == u"{\"name\":\"Петров\",\"messages\":2}", data.show());
    CHECK(server.call(u"ОтправитьПоИмени", {u"Петров", u"три"}) == false);

    // A session that waits does not keep a stop, nor the library.
    server.set(u"ТаймаутВозобновления", 600000);
    CHECK(second.call(u"Подключиться", {named}));
    next(server, u"open", data);
    CHECK(second.call(u"Отключиться", {1001}));
    next(server, u"close", data);
    CHECK(server.call(u"ОтправитьПоИмени", {u"Иванов::group_id:Склад", u"раз"}) == true);
    CHECK(has(server.call(u"СписокИмен").string, u"\"state\":\"waiting\""));
    CHECK(server.call(u"ОтключитьИмя", {u"Иванов::group_id:Склад"}) == true);
    CHECK(next(server, u"expired", data) == 0);
    CHECK(server.call(u"DisconnectName", {u"Иванов::group_id:Склад", 4000, u"x"}) == false);
    CHECK(second.call(u"Подключиться", {named}));
    next(server, u"open", data);
    CHECK(second.call(u"Отключиться", {1001}));
    next(server, u"close", data);
    CHECK(server.call(u"ОтправитьПоИмени", {u"Иванов::group_id:Склад", u"раз"}) == true);
    server.call(u"Остановить");
    CHECK(next(server, u"expired", data) == 0);
    CHECK(server.call(u"ОтправитьПоИмени", {u"Иванов::group_id:Склад", u"x"}) == false);
}

// As external events: a session that ends belongs to no connection.
SCENARIO(sessions_events) {
    {
        const Library library(setting.library);
        Object server(library, u"Server"), client(library, u"Client");
        server.set(u"ВнешниеСобытия", u"data");
        server.set(u"ПараметрИмениСоединения", u"id");
        server.set(u"ТаймаутВозобновления", setting.slow ? 10000 : 1000);
        const Text url = start_server(server) + u"?id=1";
        CHECK(client.call(u"Подключиться", {url}));
        // One that has come and gone unseen leaves no events.
        CHECK(server.connection.wait_events(1, 10000));
        CHECK(client.call(u"Отключиться", {1001}));
        CHECK(server.connection.wait_events(2, 10000));
        CHECK(server.call(u"ОтправитьПоИмени", {u"1", u"x"}) == true);
        CHECK(server.connection.wait_events(3, 60000));
        const std::vector<Event> told = server.connection.take_events();
        CHECK(told[0].event == u"open" && told[1].event == u"close" && told[2].event == u"expired");
        CHECK_SAYS(told[2].data == u"{\"id\":0,\"name\":\"1\",\"messages\":1}", utf8(told[2].data));
        // Unloaded while another one waits.
        server.set(u"ТаймаутВозобновления", 600000);
        CHECK(client.call(u"Подключиться", {url}));
        // One that has come and gone unseen leaves no events.
        CHECK(server.connection.wait_events(1, 10000));
        CHECK(client.call(u"Отключиться", {1001}));
        CHECK(server.connection.wait_events(2, 10000));
        CHECK(server.call(u"ОтправитьПоИмени", {u"1", u"x"}) == true);
    }
    CHECK(!is_mapped(setting.library));
}
