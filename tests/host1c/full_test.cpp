// The full test of the component that scripts were written for, and the bot of its examples.
#include "host.hpp"

// Arguments: the URL of an echo server that is not ours.
SCENARIO(full_test) {
    CHECK(setting.arguments.size() == 1);
    const Text url = utf16(setting.arguments[0]);
    const Library компонента(setting.library);
    Value Данные, ИДКлиента;
    {
        Object Клиент(компонента, u"Client");
        CHECK(Клиент.call(u"Подключиться", {url}));
        CHECK(Клиент.get(u"Статус") == 1);
        const Text ошибка = Клиент.refused(u"Подключиться", {url});
        CHECK_SAYS(ошибка.find(u"Подключение уже выполнено") != Text::npos, utf8(ошибка));
        CHECK(Клиент.call(u"ОписаниеОшибки").string.find(u"Подключение уже выполнено") != Text::npos);
        CHECK(Клиент.get(u"Статус") == 1);

        Клиент.call(u"Отправить", {u"ase1ЦУ"});
        CHECK(Клиент.call(u"Принять", {0, Данные}));
        CHECK(Данные == u"ase1ЦУ");
        Клиент.call(u"Отправить", {u"ase1ЙЦУ"});
        CHECK(Клиент.call(u"Принять", {0, Данные}));
        CHECK(Данные == u"ase1ЙЦУ");

        const auto начало = Clock::now();
        CHECK(!Клиент.call(u"Принять", {3000, Данные}));
        CHECK(elapsed_ms(начало) >= 2900);
        CHECK(Данные == u"");

        CHECK(Клиент.call(u"Отключиться"));
        CHECK(Клиент.get(u"Статус") == 0);
        CHECK(!Клиент.call(u"Отключиться"));
    }
    Object Сервер(компонента, u"Server");
    CHECK(Сервер.call(u"Запустить", {u"127.0.0.1", 0}));
    const Text порт = utf16(std::to_string(static_cast<long>(Сервер.get(u"Порт").number)));
    const Text адрес = u"ws://127.0.0.1:" + порт;
    Object Клиент1(компонента, u"Client"), Клиент2(компонента, u"Client");
    CHECK(Клиент1.call(u"Подключиться", {адрес + u"/first"}));
    CHECK(Клиент2.call(u"Подключиться", {адрес + u"/testadr"}));
    Клиент1.call(u"Отправить", {u"ase1ЙЦУ"});
    CHECK(Сервер.call(u"Принять", {0, ИДКлиента, Данные}));
    CHECK(Данные == u"ase1ЙЦУ");
    CHECK(ИДКлиента == 1);
    CHECK(Сервер.call(u"Отключить", {ИДКлиента}));
    // Клиент2 is still connected when all objects go.
    CHECK(Клиент2.get(u"Статус") == 1);
}

// What the bot of the examples does with its messages.
static int answer(Object& Клиент) {
    Value Данные;
    int number = 0;
    while (Клиент.call(u"Принять", {0, Данные})) {
        ++number;
        if (Данные == u"прощай") {
            Клиент.call(u"Отправить", {u"!close 1000 до свидания"});
        } else if (Данные != u"молчи") {
            Клиент.call(u"Отправить", {u"прощай"});
        }
    }
    return number;
}

// Arguments: the same.
SCENARIO(bot) {
    CHECK(setting.arguments.size() == 1);
    const Text url = utf16(setting.arguments[0]);
    const Library компонента(setting.library);
    {
        // The server closes: the loop ends by itself.
        Object Клиент(компонента, u"client");
        CHECK(Клиент.call(u"Подключиться", {url}));
        Клиент.call(u"Отправить", {u"привет"});
        CHECK(answer(Клиент) == 2);
        CHECK(Клиент.get(u"Статус") == 0);
        CHECK(Клиент.get(u"КодЗакрытия") == 1000);
        CHECK(Клиент.get(u"ПричинаЗакрытия") == u"до свидания");
    }
    {
        // Another thread of the host disconnects.
        Object Клиент(компонента, u"CLIENT");
        CHECK(Клиент.call(u"Подключиться", {url}));
        Клиент.call(u"Отправить", {u"молчи"});
        std::atomic<int> number{-1};
        Clock::time_point ended;
        std::thread bot([&] {
            number = answer(Клиент);
            ended = Clock::now();
        });
        // Its only message has been taken: it waits for the next.
        CHECK(eventually([&] {
            return Клиент.call(u"Статистика").string.find(u"\"messages_in\":1") != Text::npos &&
                   Клиент.get(u"СообщенийВОчереди") == 0;
        }));
        const auto since = Clock::now();
        CHECK(Клиент.call(u"Отключиться"));
        bot.join();
        CHECK(number == 1);
        CHECK(ended - since < std::chrono::milliseconds(setting.slow ? 5000 : 1000));
    }
}
