// A client that comes back, as a script sees it.
#include "host.hpp"

namespace {

bool contains(const Value& text, std::u16string_view part) { return text.string.find(part) != Text::npos; }

} // namespace

SCENARIO(reconnecting) {
    const Library library(setting.library);
    Object server(library, u"Server"), client(library, u"Client");
    const Text url = start_server(server);
    const Value port = server.get(u"Порт");
    Value id, event, data;

    // The properties, under both names; what is out of range is refused and changes nothing.
    CHECK(client.get(u"ИнтервалПереподключения") == 0);
    CHECK(client.get(u"МаксимальныйИнтервалПереподключения") == 0);
    CHECK(client.get(u"ПриветственноеСообщение") == u"");
    client.set(u"ReconnectInterval", 20);
    client.set(u"ReconnectMaxInterval", 60);
    client.set(u"ПриветственноеСообщение", u"id:1234");
    client.refused_set(u"ИнтервалПереподключения", -1);
    CHECK(client.get(u"ИнтервалПереподключения") == 20);
    CHECK(client.get(u"МаксимальныйИнтервалПереподключения") == 60);
    CHECK(client.get(u"HelloMessage") == u"id:1234");

    CHECK(client.call(u"Подключиться", {url}));
    CHECK(client.call(u"ПолучитьСобытие", {10'000, event, data}));
    CHECK(event == u"open" && contains(data, u"\"attempt\":1"));
    CHECK(server.call(u"Получить", {10'000, id, data}));
    CHECK(data == u"id:1234");

    // The server goes and comes: a loop of Receive goes on as if nothing had happened.
    server.call(u"Остановить");
    CHECK(client.call(u"ПолучитьСобытие", {10'000, event, data}));
    CHECK(event == u"close" && contains(data, u"\"code\":1001"));
    CHECK(client.call(u"ПолучитьСобытие", {10'000, event, data}));
    CHECK_SAYS(event == u"error" && contains(data, u"соединение отклонено"), data.show());
    CHECK(client.get(u"Статус") == -1 && client.get(u"СостояниеСоединения") == 0);
    CHECK(client.get(u"КодЗакрытия") == 1001);
    CHECK(client.refused(u"Подключиться", {url}) == u"Подключение уже выполняется");
    CHECK(has(client.refused(u"Пинг"), u"соединение не установлено: идёт восстановление соединения, попытка "));
    CHECK(has(client.refused(u"Запросить", {u"{}"}), u"идёт восстановление соединения, попытка "));
    CHECK(!client.call(u"Получить", {50, data}));
    client.call(u"Отправить", {u"пока сервера нет"});
    CHECK(server.call(u"Запустить", {u"127.0.0.1", port}));
    CHECK(server.call(u"Получить", {60'000, id, data}));
    CHECK(data == u"id:1234");
    CHECK(server.call(u"Получить", {10'000, id, data}));
    CHECK(data == u"пока сервера нет");
    CHECK(server.call(u"Отправить", {id, u"с возвращением"}));
    CHECK(client.call(u"Получить", {10'000, data}));
    CHECK(data == u"с возвращением");
    CHECK(client.get(u"Статус") == 1);
    CHECK(contains(client.call(u"Статистика"), u"\"reconnects\":1"));

    // Given up while it waits.
    client.set(u"ИнтервалПереподключения", 600'000);
    client.set(u"МаксимальныйИнтервалПереподключения", 0);
    server.call(u"Остановить");
    CHECK(client.call(u"ПолучитьСобытие", {10'000, event, data}));
    CHECK(event == u"close");
    client.call(u"Отправить", {u"не уйдёт"});
    CHECK(!client.call(u"Отключиться"));
    CHECK(client.get(u"Статус") == 0 && client.get(u"СостояниеСоединения") == 3);
    CHECK(client.get(u"НеотправленоБайт") == 0);
    CHECK(!client.call(u"Получить", {0, data}));

    // A first connection that is only begun is tried until it works; here by external events.
    client.set(u"ИнтервалПереподключения", 20);
    client.set(u"ВнешниеСобытия", u"data");
    client.call(u"НачатьПодключение", {url});
    CHECK(client.connection.wait_events(2, 60'000));
    CHECK(server.call(u"Запустить", {u"127.0.0.1", port}));
    CHECK(eventually([&] { return client.get(u"Статус") == 1; }));
    std::vector<Event> events;
    CHECK(eventually([&] {
        for (Event& next : client.connection.take_events()) events.push_back(std::move(next));
        return !events.empty() && events.back().event == u"open";
    }));
    for (const Event& failure : events) CHECK(failure.event == u"error" || &failure == &events.back());
    CHECK(server.call(u"Получить", {10'000, id, data}));
    CHECK(data == u"id:1234");

    // Destroyed while it waits.
    client.set(u"ИнтервалПереподключения", 600'000);
    server.call(u"Остановить");
    CHECK(eventually([&] { return client.get(u"Статус") == -1; }));
    const auto since = Clock::now();
    client.destroy();
    CHECK(setting.slow || elapsed_ms(since) < 2'000);
}
