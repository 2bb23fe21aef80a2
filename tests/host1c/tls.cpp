// TLS as a script uses it. The argument is a folder with ca.pem, server.pem, server.key and locked.key (password: пароль).
#include "host.hpp"

namespace {

Text url_of(Object& server, std::u16string_view host) {
    return u"wss://" + Text(host) + u":" + utf16(std::to_string(static_cast<long>(server.get(u"Порт").number))) + u"/";
}

} // namespace

SCENARIO(tls) {
    const Library library(setting.library);
    CHECK(setting.arguments.size() == 1);
    const Text folder = utf16(setting.arguments[0]) + u"/";
    const Text ca = folder + u"ca.pem", chain = folder + u"server.pem", key = folder + u"server.key";
    const Text locked = folder + u"locked.key";
    Object server(library, u"Server"), client(library, u"Client");
    Value id, data;
    // Under valgrind the system's roots alone take seconds.
    client.set(u"ТаймаутПодключения", 60'000);

    // What is wrong is named; what may be a password is not.
    has(server.refused(u"Запустить", {u"127.0.0.1", 0, folder + u"нет.pem", key}), u"нет.pem");
    const Text readings = server.refused(u"Запустить", {u"127.0.0.1", 0, chain, u"тайна"});
    has(readings, u"принят за пароль"), has(readings, u"server.pem");
    CHECK(readings.find(u"тайна") == Text::npos);
    has(server.refused(u"Запустить", {u"127.0.0.1", 0, chain, locked}), u"пароль не указан");
    has(server.refused(u"Запустить", {u"127.0.0.1", 0, chain, locked, u"не тот"}), u"неверный пароль");
    has(server.refused(u"Запустить", {u"127.0.0.1", 0, u"", key}), u"не указан сертификат");
    has(server.refused(u"ПеречитатьСертификат"), u"сервер не запущен");
    has(server.refused(u"Запустить", {u"127.0.0.1", 0, 5}), u"<bad cast>");
    CHECK(server.call(u"Запустить", {u"127.0.0.1", 0, chain, locked, u"пароль"}));

    has(client.refused(u"Подключиться", {url_of(server, u"localhost")}), u"неизвестным удостоверяющим центром");
    client.language(u"en");
    has(client.refused(u"Connect", {url_of(server, u"localhost")}), u"unknown authority");
    client.language(u"ru");
    client.set(u"ФайлСертификатовУЦ", ca);
    CHECK(client.get(u"CAFile") == Value(ca));
    // The error shows what to pin.
    client.refused_set(u"ОтпечаткиСертификатов", u"sha256/коротко");
    client.set(u"ОтпечаткиСертификатов", u"sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    const Text pinned = client.refused(u"Подключиться", {url_of(server, u"localhost")});
    has(pinned, u"ключей сервера localhost нет в свойстве ОтпечаткиСертификатов, отпечаток его собственного: sha256/");
    CHECK(client.get(u"КодОшибки") == -14);
    client.set(u"ОтпечаткиСертификатов", pinned.substr(pinned.rfind(u"sha256/")));
    CHECK(client.call(u"Подключиться", {url_of(server, u"localhost")}));
    client.call(u"Отправить", {u"привет"});
    CHECK(server.call(u"Получить", {0, id, data}));
    CHECK(data == u"привет");
    CHECK(server.call(u"Отправить", {id, data}));
    CHECK(client.call(u"Получить", {0, data}));
    CHECK(data == u"привет");

    // A renewed certificate, from the same sources, from others, from a bad one.
    CHECK(server.call(u"ПеречитатьСертификат"));
    CHECK(server.call(u"ReloadCertificate", {chain, key}));
    has(server.refused(u"ПеречитатьСертификат", {key}), u"сертификата в нём нет");
    client.call(u"Отправить", {u"ещё здесь"});
    CHECK(server.call(u"Получить", {0, id, data}));
    CHECK(data == u"ещё здесь");
    CHECK(client.call(u"Отключиться"));

    // Without verification any certificate will do, for this object alone.
    client.set(u"ФайлСертификатовУЦ", u"");
    CHECK(client.get(u"ПроверятьСертификат") == true);
    client.set(u"ПроверятьСертификат", false);
    CHECK(client.call(u"Подключиться", {url_of(server, u"127.0.0.1")}));
    Object other(library, u"Client");
    other.set(u"ТаймаутПодключения", 60'000);
    has(other.refused(u"Подключиться", {url_of(server, u"127.0.0.1")}), u"неизвестным удостоверяющим центром");
    other.call(u"УстановитьСертификатКлиента", {chain, locked, u"пароль"});
    has(other.refused(u"SetClientCertificate", {chain, key, u"", u""}), u"параметров");
    other.call(u"УстановитьСертификатКлиента", {u""});
    server.call(u"Остановить");
}
