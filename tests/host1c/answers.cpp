// Servers whose answers to the handshake are odd, as a script meets them. The arguments are their URLs, with `|` and a proxy
// where there is one; each says the same text twice and then sends back what it gets. The first one refuses,
// the second one sends elsewhere.
#include "host.hpp"

SCENARIO(answers) {
    const Library library(setting.library);
    CHECK(setting.arguments.size() > 1);
    Object client(library, u"Client");
    client.set(u"ТаймаутПодключения", 60'000);
    has(client.refused(u"Подключиться", {utf16(setting.arguments[0])}), u"сервер ответил HTTP 403 Нет вместо 101 на запрос /");
    CHECK(client.get(u"КодОтвета") == 403 && client.get(u"КодОшибки") == -16);
    const Text sending = utf16(setting.arguments[1]);
    has(client.refused(u"Подключиться", {sending}), u"сколько перенаправлений выполнять, задаёт МаксимумПеренаправлений");
    CHECK(client.get(u"КодОтвета") == 307);
    client.refused_set(u"МаксимумПеренаправлений", 21);
    client.set(u"МаксимумПеренаправлений", 1);
    CHECK(client.call(u"Подключиться", {sending}));
    CHECK(client.get(u"КодОтвета") == 101 && client.get(u"Сервер") != sending);
    client.call(u"Оборвать");
    for (std::size_t at = 1; at < setting.arguments.size(); ++at) {
        const std::string& argument = setting.arguments[at];
        const std::size_t bar = argument.find('|');
        client.set(u"Прокси", bar == std::string::npos ? Text() : utf16(argument.substr(bar + 1)));
        CHECK(client.call(u"Подключиться", {utf16(argument.substr(0, bar))}));
        Value first, second, back;
        CHECK(client.call(u"Получить", {60'000, first}) && client.call(u"Получить", {60'000, second}));
        CHECK_SAYS(first == second && first.string.size() > 1000, first.show());
        client.call(u"Отправить", {first});
        CHECK(client.call(u"Получить", {60'000, back}) && back == first);
        CHECK(client.call(u"Отключиться"));
    }
}
