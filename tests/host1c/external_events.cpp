// External events: from a thread of the library to a host that takes them at its own pace.
#include "host.hpp"


namespace {

Text numbered(long number) { return utf16("сообщение " + std::to_string(number)); }

// A host that takes what has come, rests and takes again.
class SlowHost {
public:
    explicit SlowHost(Connection& connection, long room) : connection(connection) {
        connection.limit_events(room);
        thread = std::thread([this] {
            for (unsigned turn = 0; !ended; ++turn) {
                std::this_thread::sleep_for(std::chrono::microseconds(turn % 64 == 0 ? 5000 : 50 * (turn % 8)));
                this->connection.drain();
            }
        });
    }
    ~SlowHost() {
        ended = true;
        thread.join();
        connection.limit_events(0);
    }

private:
    Connection& connection;
    std::atomic<bool> ended{false};
    std::thread thread;
};

bool stays(Connection& connection, std::size_t number) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    return connection.event_count() == number;
}

} // namespace

SCENARIO(events_forms) {
    const Library library(setting.library);
    Object server(library, u"Server"), client(library, u"Client");
    CHECK(client.get(u"EventSource") == u"WebSocket.Client" && server.get(u"EventSource") == u"WebSocket.Server");
    CHECK(client.get(u"ExternalEvents") == u"" && client.connection.depth() == 1);
    client.set(u"ExternalEvents", u"data");
    CHECK(client.get(u"ExternalEvents") == u"data" && client.connection.depth() > 1);
    client.set(u"EventSource", u"Касса 1");
    server.set(u"ExternalEvents", u"data");
    CHECK(!client.refused_set(u"ExternalEvents", u"что-то").empty());
    CHECK(!client.refused_set(u"ExternalEvents", 1).empty());
    CHECK(client.get(u"ExternalEvents") == u"data");

    const Text url = start_server(server);
    CHECK(client.call(u"Подключиться", {url}));
    client.call(u"Отправить", {u"текст"});
    client.call(u"Отправить", {Bytes{0, 1, 2, 250}});
    client.call(u"Отправить", {Text(u"a\0б", 3)});
    client.call(u"Отправить", {u""});
    CHECK(server.connection.wait_events(5, 10000));
    CHECK(server.call(u"Отправить", {1, u"ответ \"в кавычках\""}));
    CHECK(server.call(u"Отправить", {1, Bytes{255}}));
    CHECK(server.call(u"Отправить", {1, Text(u"\0", 1)}));
    CHECK(client.connection.wait_events(4, 10000));
    CHECK(server.call(u"Отключить", {1, 4000, u"всё"}));
    CHECK(client.connection.wait_events(5, 10000) && server.connection.wait_events(6, 10000));

    // Events are taken in one way only.
    Value event, id, data;
    for (Object* object : {&client, &server}) {
        const bool is_server = object == &server;
        std::vector<Parameter> receive = {-1}, receive_event = {-1, event};
        if (is_server) receive.push_back(id), receive_event.push_back(id);
        receive.push_back(data), receive_event.push_back(data);
        CHECK(object->refused(u"Принять", receive).find(u"внешние события") != Text::npos);
        CHECK(object->refused(u"ПолучитьСобытие", receive_event).find(u"внешние события") != Text::npos);
    }

    const std::vector<Event> told = client.connection.take_events();
    CHECK(told.size() == 5);
    for (const Event& one : told) CHECK(one.source == u"Касса 1");
    CHECK(told[0].event == u"open" && told[0].data.find(u"\"url\"") != Text::npos);
    CHECK(told[1].event == u"message" && told[1].data == u"ответ \"в кавычках\"");
    CHECK(told[2].event == u"binary" && told[2].data == u"/w==");
    CHECK(told[3].event == u"text64" && told[3].data == u"AA==");
    CHECK(told[4].event == u"close" && told[4].data.find(u"4000") != Text::npos);

    const std::vector<Event> heard = server.connection.take_events();
    CHECK(heard.size() == 6);
    const struct { const char16_t *event, *part; } expected[] = {{u"open", u"127.0.0.1"}, {u"message", u"\"текст\""},
        {u"binary", u"\"AAEC+g==\""}, {u"text64", u"\"YQDQsQ==\""}, {u"message", u"\"\""}, {u"close", u"4000"}};
    for (std::size_t at = 0; at < heard.size(); ++at) {
        const std::string shown = utf8(heard[at].event + u" " + heard[at].data);
        CHECK_SAYS(heard[at].source == u"WebSocket.Server" && heard[at].event == expected[at].event, shown);
        CHECK_SAYS(heard[at].data.rfind(u"{\"id\":1", 0) == 0, shown);
        CHECK_SAYS(heard[at].data.find(expected[at].part) != Text::npos, shown);
    }

    server.call(u"Остановить");
    client.call(u"НачатьПодключение", {url});
    CHECK(client.connection.wait_events(1, 10000));
    const std::vector<Event> failed = client.connection.take_events();
    CHECK(failed.size() == 1 && failed[0].event == u"error");
    CHECK_SAYS(failed[0].data.find(u"соединение отклонено") != Text::npos, utf8(failed[0].data));
}

// The host takes one event at a time, with pauses: all of them arrive once, in order.
SCENARIO(events_in_order) {
    const Library library(setting.library);
    Pair pair(library);
    const long number = setting.slow ? 300 : 10000;
    pair.client.set(u"ExternalEvents", u"data");
    const SlowHost slow(pair.client.connection, 1);
    for (long at = 0; at < number; ++at) CHECK(pair.server.call(u"Отправить", {1, numbered(at)}));
    std::vector<Event> messages;
    CHECK(eventually([&] {
        for (Event& event : pair.client.connection.take_events())
            if (event.event == u"message") messages.push_back(std::move(event));
        return static_cast<long>(messages.size()) >= number;
    }));
    CHECK(pair.client.connection.refused() > 0);
    for (long at = 0; at < number; ++at) CHECK_SAYS(messages[at].data == numbered(at), utf8(messages[at].data));
    CHECK(stays(pair.client.connection, 0));
}

// Switched off in the middle, what was not delivered is received; then on again. Nothing is lost, nothing comes twice.
SCENARIO(events_on_and_off) {
    const Library library(setting.library);
    Pair pair(library);
    const long number = setting.slow ? 300 : 5000;
    Object& client = pair.client;
    Value data;
    CHECK(client.call(u"ПолучитьСобытие", {0, data, data}));
    std::vector<Text> got;
    const SlowHost slow(client.connection, 2);
    std::thread sender([&] {
        for (long at = 0; at < number; ++at) pair.server.call(u"Отправить", {1, numbered(at)});
    });
    const auto delivered = [&] {
        for (const Event& event : client.connection.take_events()) {
            CHECK(event.event == u"message");
            got.push_back(event.data);
        }
    };
    Promptness prompt(setting);
    for (int turn = 0; static_cast<long>(got.size()) < number; ++turn) {
        client.set(u"ExternalEvents", u"data");
        client.connection.wait_events(turn % 40, 20);
        const auto since = Clock::now();
        client.set(u"ExternalEvents", u"");
        prompt.add(since, "switching off");
        const std::size_t count = client.connection.event_count();
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        CHECK(client.connection.event_count() == count);
        delivered();
        for (int taken = 0; taken < turn % 7 && client.call(u"Принять", {-1, data}); ++taken) got.push_back(data.string);
        CHECK(turn < 100000);
    }
    prompt.judge(100);
    sender.join();
    for (long at = 0; at < number; ++at) CHECK_SAYS(got[at] == numbered(at), utf8(got[at]));
    CHECK(!client.call(u"Принять", {-1, data}));
}

SCENARIO(events_doorbell) {
    const Library library(setting.library);
    Pair pair(library);
    Object& client = pair.client;
    Connection& connection = client.connection;
    Value event, data;
    CHECK(client.call(u"ПолучитьСобытие", {0, event, data}));
    client.set(u"ExternalEvents", u"doorbell");
    CHECK(stays(connection, 0));
    for (long at = 0; at < 5; ++at) CHECK(pair.server.call(u"Отправить", {1, numbered(at)}));
    CHECK(connection.wait_events(1, 10000));
    CHECK(eventually([&] { return client.get(u"СообщенийВОчереди") == 5; }));
    // One ring, however many there are.
    CHECK(stays(connection, 1));
    CHECK(connection.take_events()[0].event == u"doorbell");
    for (long at = 0; at < 5; ++at) {
        CHECK(client.call(u"Принять", {-1, data}));
        CHECK(data == numbered(at));
        // Something was left, so it rings again; after the last one it does not.
        if (at < 4) CHECK(connection.wait_events(1, 10000));
        CHECK(stays(connection, at < 4 ? 1 : 0));
        connection.take_events();
    }
    CHECK(!client.call(u"Принять", {-1, data}));
    CHECK(pair.server.call(u"Отправить", {1, u"ещё"}));
    CHECK(connection.wait_events(1, 10000));
    CHECK(client.call(u"Принять", {-1, data}) && data == u"ещё");
    connection.take_events();

    // A refused ring is rung again.
    connection.limit_events(1);
    CHECK(pair.server.call(u"Отправить", {1, u"раз"}));
    CHECK(connection.wait_events(1, 10000));
    CHECK(client.call(u"Принять", {-1, data}));
    CHECK(pair.server.call(u"Отправить", {1, u"два"}));
    CHECK(eventually([&] { return connection.refused() > 0; }));
    CHECK(connection.event_count() == 1);
    connection.drain();
    CHECK(connection.wait_events(2, 10000));
    CHECK(client.call(u"Принять", {-1, data}) && data == u"два");

    // The script that reads until nothing is left gets everything.
    connection.take_events();
    const SlowHost slow(connection, 1);
    const long number = setting.slow ? 100 : 3000;
    std::thread sender([&] {
        for (long at = 0; at < number; ++at) pair.server.call(u"Отправить", {1, numbered(at)});
    });
    for (long got = 0; got < number;) {
        CHECK(connection.wait_events(1, 10000));
        connection.take_events();
        while (client.call(u"Принять", {-1, data})) CHECK(data == numbered(got++));
    }
    sender.join();
}

// Whatever the host does, destruction does not wait for it, and nothing is called after Done (Connection looks).
SCENARIO(events_end) {
    const Library library(setting.library);
    Promptness prompt(setting);
    for (const bool accepts : {true, false}) {
        for (const Ending ending : {Ending::DESTROY_OBJECT, Ending::DELETE}) {
            for (const int done : {0, 1}) {
                Pair pair(library);
                Connection& connection = pair.client.connection;
                pair.client.set(u"CloseTimeout", 0);
                connection.limit_events(accepts ? 0 : 1);
                pair.client.set(u"ExternalEvents", u"data");
                std::atomic<bool> ended{false};
                std::thread sender([&] {
                    while (!ended) {
                        try {
                            pair.server.call(u"Разослать", {u"дальше"});
                        } catch (const ScriptError&) {
                        }
                    }
                });
                CHECK(eventually([&] { return accepts ? connection.event_count() > 5 : connection.refused() > 0; }));
                const auto since = Clock::now();
                pair.client.destroy(ending, done);
                prompt.add(since, "destruction");
                const std::size_t count = connection.event_count();
                CHECK(stays(connection, count));
                ended = true;
                sender.join();
            }
        }
    }
    prompt.judge(100);
}

// A batch is one ring for a script that takes all of it, and so is an event that leaves nothing to take.
SCENARIO(events_doorbell_rings) {
    const Library library(setting.library);
    Object server(library, u"Server"), client(library, u"Client");
    for (Object* object : {&server, &client}) object->set(u"ExternalEvents", u"doorbell");
    const Text url = start_server(server);
    CHECK(client.call(u"Подключиться", {url}));
    Value data, sender;
    // Both rang for `open`. There is no message behind it, so nothing is left.
    for (Object* object : {&server, &client}) CHECK(object->connection.wait_events(1, 10000));
    CHECK(!server.call(u"Принять", {-1, sender, data}));
    CHECK(!client.call(u"Принять", {-1, data}));
    for (Object* object : {&server, &client}) {
        CHECK(stays(object->connection, 1));
        object->connection.take_events();
    }
    const long number = setting.slow ? 100 : 909;
    for (int round = 0; round < 3; ++round) {
        for (long at = 0; at < number; ++at) {
            CHECK(server.call(u"Отправить", {1, numbered(at)}));
            client.call(u"Отправить", {numbered(at)});
        }
        for (Object* object : {&server, &client}) {
            CHECK(object->connection.wait_events(1, 10000));
            CHECK(eventually([&] { return object->get(u"СообщенийВОчереди") == number; }));
        }
        for (long at = 0; at < number; ++at) CHECK(client.call(u"Принять", {-1, data}) && data == numbered(at));
        CHECK(!client.call(u"Принять", {-1, data}));
        for (long at = 0; at < number; ++at) CHECK(server.call(u"Принять", {-1, sender, data}) && data == numbered(at));
        CHECK(!server.call(u"Принять", {-1, sender, data}));
        for (Object* object : {&server, &client}) {
            // More than one only where this thread was kept waiting in the middle of its loop.
            CHECK(stays(object->connection, object->connection.event_count()));
            CHECK(object->connection.event_count() <= 10);
            object->connection.take_events();
        }
    }
}

// Only applications with a person in front have external events.
SCENARIO(events_hosts) {
    const Library library(setting.library);
    for (const char16_t* mode : {u"data", u"doorbell"}) {
        for (const AppType type : {APP_SERVER, APP_EXTERNAL_CONNECTION}) {
            Object client(library, u"Client", {type}), server(library, u"Server", {type});
            for (Object* object : {&client, &server}) {
                CHECK(!object->refused_set(u"ExternalEvents", mode).empty());
                CHECK(object->get(u"ExternalEvents") == u"");
                object->set(u"ExternalEvents", u"");
            }
        }
        for (const AppType type : {APP_THIN_CLIENT, APP_THICK_CLIENT, APP_WEB_CLIENT, APP_UNKNOWN}) {
            Object client(library, u"Client", {type});
            client.set(u"ExternalEvents", mode);
            CHECK(client.get(u"ExternalEvents") == mode);
        }
    }
    const Library old(setting.library, 1);
    Object client(old, u"Client", {APP_THIN_CLIENT, false});
    client.set(u"ExternalEvents", u"data");
    client.call(u"НачатьПодключение", {u"ws://127.0.0.1:1/"});
    CHECK(client.connection.wait_events(1, 10000));
}
