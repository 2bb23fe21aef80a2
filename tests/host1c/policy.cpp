// Whom a server lets in, as a script decides it.
#include "host.hpp"

namespace {

// The client's next event is an error that says this.
void is_refused(Object& client, std::u16string_view says) {
    Value event, data;
    CHECK(client.call(u"ПолучитьСобытие", {60000, event, data}));
    CHECK_SAYS(event == u"error" && has(data.string, says), event.show() + " " + data.show());
}

} // namespace

SCENARIO(policy) {
    const Library library(setting.library);
    Object server(library, u"Server"), client(library, u"Client"), other(library, u"Client");
    Value data;

    // The token is never shown, and writing back what was read changes nothing.
    CHECK(server.get(u"ТокенДоступа") == u"");
    server.set(u"ТокенДоступа", u"тайна");
    CHECK(server.get(u"AccessToken") == u"***");
    server.set(u"AccessToken", u"***");
    const Text url = start_server(server);
    Text refused = client.refused(u"Подключиться", {url});
    CHECK(has(refused, u"401") && refused.find(u"тайна") == Text::npos);
    refused = client.refused(u"Подключиться", {url + u"?access_token=***"});
    CHECK(has(refused, u"401"));
    // The three places.
    CHECK(client.call(u"Подключиться", {url + u"?access_token=%D1%82%D0%B0%D0%B9%D0%BD%D0%B0"}));
    Value id = next(server, u"open", data);
    CHECK(has(data.string, u"access_token=***") && data.string.find(u"%D1%82") == Text::npos);
    CHECK(client.call(u"Отключиться"));
    next(server, u"close", data);
    server.set(u"ТокенДоступа", u"secret");
    client.call(u"УстановитьЗаголовок", {u"Authorization", u"Bearer secret"});
    CHECK(client.call(u"Подключиться", {url}));
    id = next(server, u"open", data);
    CHECK(has(data.string, u"Bearer ***"));
    CHECK(server.call(u"СведенияОСоединении", {id}).string.find(u"secret") == Text::npos);
    CHECK(client.call(u"Отключиться"));
    next(server, u"close", data);
    client.call(u"УстановитьЗаголовок", {u"Authorization", u""});
    server.set(u"Подпротоколы", u"chat");
    client.set(u"Подпротоколы", u"access_token.secret, chat");
    CHECK(client.call(u"Подключиться", {url}));
    CHECK(client.get(u"Подпротокол") == u"chat");
    next(server, u"open", data);
    CHECK(has(data.string, u"access_token.***") && data.string.find(u"secret") == Text::npos);
    CHECK(client.call(u"Отключиться"));
    next(server, u"close", data);
    client.set(u"Подпротоколы", u"");
    server.set(u"ТокенДоступа", u"");

    // Origins act at once; a wrong list is refused and changes nothing.
    server.set(u"РазрешенныеИсточники", u"https://1c.example, https://*.пример.рф:8443, null");
    CHECK(has(server.refused_set(u"РазрешенныеИсточники", u"1c.example"), u"не источник"));
    CHECK(server.get(u"AllowedOrigins") == u"https://1c.example, https://*.пример.рф:8443, null");
    for (const char16_t* origin : {u"https://1c.example", u"null"}) {
        client.call(u"УстановитьЗаголовок", {u"Origin", origin});
        CHECK(client.call(u"Подключиться", {url}));
        next(server, u"open", data);
        CHECK(client.call(u"Отключиться"));
        next(server, u"close", data);
    }
    client.call(u"УстановитьЗаголовок", {u"Origin", u"https://evil.example"});
    CHECK(has(client.refused(u"Подключиться", {url}), u"403"));
    client.call(u"УстановитьЗаголовок", {u"Origin", u""});

    // Limits, of all and of one address.
    for (const char16_t* limit : {u"МаксимумСоединений", u"МаксимумСоединенийСАдреса"}) {
        const Value before = server.get(limit);
        server.set(limit, 1);
        CHECK(client.call(u"Подключиться", {url}));
        id = next(server, u"open", data);
        CHECK(has(other.refused(u"Подключиться", {url}), u"503"));
        CHECK(server.call(u"Отключить", {id}));
        next(server, u"close", data);
        CHECK(other.call(u"Подключиться", {url}));
        next(server, u"open", data);
        CHECK(other.call(u"Отключиться"));
        next(server, u"close", data);
        server.set(limit, before);
    }
    CHECK(server.get(u"МаксимумСоединений") == 10000 && server.get(u"MaxConnectionsPerAddress") == 0);
    const Text statistics = server.call(u"Статистика").string;
    CHECK(has(statistics, u"\"401\":2") && has(statistics, u"\"403\":1") && has(statistics, u"\"503\":2"));

    // Path, query, headers and address of every connection.
    client.call(u"УстановитьЗаголовок", {u"X-Number", u"семь"});
    CHECK(client.call(u"Подключиться", {url + u"склад?этаж=2"}));
    id = next(server, u"open", data);
    const Text info = server.call(u"СведенияОСоединении", {id}).string;
    CHECK(has(info, u"\"path\":\"/%D1%81%D0%BA%D0%BB%D0%B0%D0%B4\"") && has(info, u"\"query\":\"%D1%8D%D1%82%D0%B0%D0%B6=2\""));
    CHECK(has(info, u"\"x-number\":\"семь\"") && has(info, u"\"address\":\"127.0.0.1:"));
    const Text list = server.call(u"СписокСоединений").string;
    CHECK(has(list, u"\"query\":\"%D1%8D%D1%82%D0%B0%D0%B6=2\"") && list.find(u"headers") == Text::npos);
}

SCENARIO(newcomers) {
    const Library library(setting.library);
    Object server(library, u"Server"), client(library, u"Client");
    Value data;
    CHECK(server.get(u"ПодтверждатьСоединения") == false && server.get(u"ТаймаутПодтверждения") == 30000);
    server.set(u"ПодтверждатьСоединения", true);
    for (int wrong : {0, 600001}) CHECK(!server.refused_set(u"ТаймаутПодтверждения", wrong).empty());
    const Text url = start_server(server);

    // Let in: the id stays, and what is sent at once arrives.
    client.call(u"НачатьПодключение", {url + u"?кто=я"});
    Value id = next(server, u"pending", data);
    CHECK(has(data.string, u"\"state\":\"pending\"") && has(data.string, u"\"query\":\"%D0%BA%D1%82%D0%BE=%D1%8F\""));
    CHECK(server.get(u"КоличествоСоединений") == 0 && server.get(u"Соединения") == u"");
    CHECK(server.call(u"Отправить", {id, u"рано"}) == false);
    CHECK(server.call(u"ПодтвердитьСоединение", {id}) == true);
    CHECK(server.call(u"Отправить", {id, u"добро пожаловать"}) == true);
    CHECK(server.call(u"ПодтвердитьСоединение", {id}) == false);
    CHECK(server.call(u"ОтклонитьСоединение", {id}) == false);
    CHECK(next(server, u"open", data) == id);
    CHECK(client.call(u"Получить", {60000, data}));
    CHECK(data == u"добро пожаловать");
    CHECK(client.call(u"Отключиться"));
    CHECK(next(server, u"close", data) == id);

    // Refused: with 403 or what the script says, and no other event.
    client.call(u"НачатьПодключение", {url});
    CHECK(server.call(u"Reject", {next(server, u"pending", data)}) == true);
    is_refused(client, u"403");
    client.call(u"НачатьПодключение", {url});
    id = next(server, u"pending", data);
    CHECK(has(server.refused(u"ОтклонитьСоединение", {id, 200}), u"СтатусHTTP"));
    CHECK(server.call(u"ОтклонитьСоединение", {id, 404, u"Такого нет"}) == true);
    is_refused(client, u"404");
    CHECK(!server.refused(u"ПодтвердитьСоединение", {1000}).empty());
    CHECK(has(server.refused(u"ПодтвердитьСоединение", {u"один"}), u"<bad cast>"));

    // One that leaves, and one for which nobody decides in time.
    client.call(u"НачатьПодключение", {url});
    id = next(server, u"pending", data);
    client.call(u"Отключиться");
    CHECK(next(server, u"close", data) == id);
    CHECK(server.call(u"Accept", {id}) == false);
    server.set(u"AcceptTimeout", 50);
    client.call(u"НачатьПодключение", {url});
    id = next(server, u"pending", data);
    is_refused(client, u"503");
    CHECK(next(server, u"close", data) == id);

    // Two at the limit of one: the second does not get as far as the script.
    server.set(u"ТаймаутПодтверждения", 600000);
    server.set(u"МаксимумСоединений", 1);
    client.call(u"НачатьПодключение", {url});
    id = next(server, u"pending", data);
    Object other(library, u"Client");
    CHECK(has(other.refused(u"Подключиться", {url}), u"503"));
    // A stop refuses who still waits.
    server.call(u"Остановить");
    is_refused(client, u"503");
    CHECK(next(server, u"close", data) == id);
    CHECK(server.call(u"ПодтвердитьСоединение", {id}) == false);

    // A form is told of newcomers by external events, and lets them in from there.
    server.set(u"МаксимумСоединений", 10);
    server.set(u"ВнешниеСобытия", u"data");
    const Text again = start_server(server);
    client.call(u"НачатьПодключение", {again + u"form"});
    CHECK(server.connection.wait_events(1, 60000));
    std::vector<Event> told = server.connection.take_events();
    CHECK(told.size() == 1 && told[0].event == u"pending");
    // Numbers go on over a stop.
    const long number = static_cast<long>(id.number) + 1;
    const Text begins = u"{\"id\":" + utf16(std::to_string(number)) + u",";
    CHECK_SAYS(told[0].data.rfind(begins, 0) == 0 && has(told[0].data, u"\"path\":\"/form\""), utf8(told[0].data));
    CHECK(server.call(u"ПодтвердитьСоединение", {number}) == true);
    CHECK(server.connection.wait_events(1, 60000));
    told = server.connection.take_events();
    CHECK(told.size() == 1 && told[0].event == u"open" && told[0].data.rfind(begins, 0) == 0);
}
