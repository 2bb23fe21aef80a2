// The names of methods and properties, and what is told about each.
#include "host.hpp"

namespace {

struct ExpectedMethod {
    const char16_t* english;
    std::vector<const char16_t*> russian;
    // What a later version adds is optional.
    long required, known;
};

struct ExpectedProperty {
    const char16_t* english;
    const char16_t* russian;
    bool writable;
};

// As the reference promises them. A library may have more.
const std::vector<ExpectedMethod> CLIENT_METHODS = {
    {u"Connect", {u"Подключиться"}, 1, 1},
    {u"BeginConnect", {u"НачатьПодключение"}, 1, 1},
    {u"Disconnect", {u"Отключиться"}, 0, 2},
    {u"Abort", {u"Оборвать"}, 0, 0},
    {u"Send", {u"Отправить"}, 1, 1},
    {u"Receive", {u"Получить", u"Принять"}, 2, 2},
    {u"ReceiveEvent", {u"ПолучитьСобытие"}, 3, 3},
    {u"Ping", {u"ПроверитьСвязь", u"Пинг"}, 0, 1},
    {u"Request", {u"Запросить"}, 1, 4},
    {u"SetHeader", {u"УстановитьЗаголовок"}, 2, 2},
    {u"ErrorDescription", {u"ОписаниеОшибки"}, 0, 0},
    {u"Statistics", {u"Статистика"}, 0, 0},
};

const std::vector<ExpectedMethod> SERVER_METHODS = {
    {u"Run", {u"Запустить"}, 2, 2},
    {u"Stop", {u"Остановить"}, 0, 0},
    {u"Send", {u"Отправить"}, 2, 2},
    {u"SendToName", {u"ОтправитьПоИмени"}, 2, 2},
    {u"Broadcast", {u"Разослать"}, 1, 4},
    {u"NameInfo", {u"СведенияОбИмени"}, 1, 1},
    {u"NameList", {u"СписокИмен"}, 0, 1},
    {u"DisconnectName", {u"ОтключитьИмя"}, 1, 3},
    {u"SetName", {u"УстановитьИмя"}, 2, 2},
    {u"JoinGroup", {u"ДобавитьВГруппу"}, 2, 2},
    {u"LeaveGroup", {u"ИсключитьИзГруппы"}, 2, 2},
    {u"Receive", {u"Получить", u"Принять"}, 3, 3},
    {u"ReceiveEvent", {u"ПолучитьСобытие"}, 4, 4},
    {u"Disconnect", {u"Отключить"}, 1, 3},
    {u"Abort", {u"Оборвать"}, 1, 1},
    {u"Pause", {u"Приостановить"}, 1, 2},
    {u"SetResponseHeader", {u"УстановитьЗаголовокОтвета"}, 2, 2},
    {u"Accept", {u"ПодтвердитьСоединение"}, 1, 1},
    {u"Reject", {u"ОтклонитьСоединение"}, 1, 3},
    {u"ConnectionInfo", {u"СведенияОСоединении"}, 1, 1},
    {u"ConnectionList", {u"СписокСоединений"}, 0, 0},
    {u"Ping", {u"ПроверитьСвязь", u"Пинг"}, 1, 2},
    {u"ErrorDescription", {u"ОписаниеОшибки"}, 0, 0},
    {u"Statistics", {u"Статистика"}, 0, 0},
};

const std::vector<ExpectedProperty> COMMON_PROPERTIES = {
    {u"Server", u"Сервер", false},
    {u"Queued", u"СообщенийВОчереди", false},
    {u"Protocols", u"Подпротоколы", true},
    {u"CloseTimeout", u"ТаймаутЗакрытия", true},
    {u"SendTimeout", u"ТаймаутОтправки", true},
    {u"PingInterval", u"ИнтервалПинга", true},
    {u"PongTimeout", u"ТаймаутОтветаНаПинг", true},
    {u"MaxMessageSize", u"МаксимальныйРазмерСообщения", true},
    {u"ReceiveQueueMessages", u"ПределОчередиПриемаСообщений", true},
    {u"ReceiveQueueBytes", u"ПределОчередиПриемаБайт", true},
    {u"SendQueueBytes", u"ПределОчередиОтправкиБайт", true},
    {u"Compression", u"Сжатие", true},
    {u"CompressionContext", u"СохранятьКонтекстСжатия", true},
    {u"CompressionWindowBits", u"РазрядностьОкнаСжатия", true},
    {u"ExternalEvents", u"ВнешниеСобытия", true},
    {u"EventSource", u"ИсточникСобытий", true},
    {u"LogFile", u"ФайлЖурнала", true},
    {u"LogLevel", u"УровеньЖурнала", true},
    {u"ErrorCode", u"КодОшибки", false},
    {u"Version", u"Версия", false},
};

const std::vector<ExpectedProperty> CLIENT_PROPERTIES = {
    {u"Status", u"Статус", false},
    {u"ReadyState", u"СостояниеСоединения", false},
    {u"BufferedAmount", u"НеотправленоБайт", false},
    {u"Protocol", u"Подпротокол", false},
    {u"Extensions", u"Расширения", false},
    {u"HandshakeStatus", u"КодОтвета", false},
    {u"ResponseHeaders", u"ЗаголовкиОтвета", false},
    {u"ResponseBody", u"ТелоОтвета", false},
    {u"CloseCode", u"КодЗакрытия", false},
    {u"CloseReason", u"ПричинаЗакрытия", false},
    {u"ConnectTimeout", u"ТаймаутПодключения", true},
    {u"PinnedCertificates", u"ОтпечаткиСертификатов", true},
    {u"MaxRedirects", u"МаксимумПеренаправлений", true},
    {u"MaxReconnectAttempts", u"МаксимумПопытокПереподключения", true},
    {u"Proxy", u"Прокси", true},
};

const std::vector<ExpectedProperty> SERVER_PROPERTIES = {
    {u"Port", u"Порт", false},
    {u"Connections", u"Соединения", false},
    {u"ConnectionCount", u"КоличествоСоединений", false},
    {u"MaxConnections", u"МаксимумСоединений", true},
    {u"MaxConnectionsPerAddress", u"МаксимумСоединенийСАдреса", true},
    {u"AllowedOrigins", u"РазрешенныеИсточники", true},
    {u"AccessToken", u"ТокенДоступа", true},
    {u"NameParameter", u"ПараметрИмениСоединения", true},
    {u"ResumeTimeout", u"ТаймаутВозобновления", true},
    {u"ManualAccept", u"ПодтверждатьСоединения", true},
    {u"AcceptTimeout", u"ТаймаутПодтверждения", true},
    {u"Draining", u"ВыводИзРаботы", true},
    {u"Paths", u"Пути", true},
    {u"TrustedProxies", u"ДоверенныеПрокси", true},
    {u"ClientCertificates", u"СертификатыКлиентов", true},
    {u"ClientCAFile", u"ФайлУЦКлиентов", true},
    {u"IdleTimeout", u"ТаймаутПростоя", true},
    {u"MessagesPerSecond", u"СообщенийВСекунду", true},
    {u"ConnectionQueueMessages", u"ПределОчередиСоединенияСообщений", true},
    {u"ConnectionQueueBytes", u"ПределОчередиСоединенияБайт", true},
    {u"HandshakeTimeout", u"ТаймаутРукопожатия", true},
    {u"AssemblyBytes", u"ПределНезавершенныхСообщенийБайт", true},
    {u"IoThreads", u"КоличествоПотоковВводаВывода", true},
};

char16_t upper(char16_t letter) {
    if ((letter >= u'a' && letter <= u'z') || (letter >= u'а' && letter <= u'я')) return static_cast<char16_t>(letter - 32);
    return letter == u'ё' ? u'Ё' : letter;
}

char16_t lower(char16_t letter) {
    if ((letter >= u'A' && letter <= u'Z') || (letter >= u'А' && letter <= u'Я')) return static_cast<char16_t>(letter + 32);
    return letter == u'Ё' ? u'ё' : letter;
}

// The name in other cases.
std::vector<Text> cases(Text name) {
    Text big = name, small = name, mixed = name;
    for (std::size_t at = 0; at < name.size(); ++at) {
        big[at] = upper(name[at]);
        small[at] = lower(name[at]);
        mixed[at] = at % 2 == 0 ? small[at] : big[at];
    }
    return {name, big, small, mixed};
}

// Letters that look alike to a person and are different ones to the host.
std::vector<Text> lookalikes(const Text& name) {
    const std::vector<std::pair<char16_t, char16_t>> pairs = {
        {u'й', u'и'}, {u'и', u'й'}, {u'ё', u'е'}, {u'е', u'ё'}, {u'с', u'c'}, {u'о', u'o'}, {u'e', u'е'}, {u'o', u'о'}};
    std::vector<Text> found;
    for (std::size_t at = 0; at < name.size(); ++at) {
        for (const auto& [from, to] : pairs) {
            if (lower(name[at]) != from) continue;
            Text other = name;
            other[at] = name[at] == from ? to : upper(to);
            found.push_back(other);
        }
    }
    return found;
}

using Find = std::function<long(const char16_t*)>;

void check_name(const Text& name, long number, const Find& find) {
    for (const Text& written : cases(name)) CHECK_SAYS(find(written.c_str()) == number, utf8(written));
    for (const Text& other : lookalikes(name)) CHECK_SAYS(find(other.c_str()) == -1, utf8(other));
    CHECK(find((name + u"1").c_str()) == -1 && find((u" " + name).c_str()) == -1);
    CHECK_SAYS(find(name.substr(1).c_str()) != number && find(name.substr(0, name.size() - 1).c_str()) != number, utf8(name));
}

void check_methods(Object& object, const std::vector<ExpectedMethod>& expected) {
    IComponentBase& component = *object.component;
    const Find find = [&](const char16_t* name) { return component.FindMethod(name); };
    for (const ExpectedMethod& method : expected) {
        const long number = find(method.english);
        CHECK_SAYS(number >= 0 && number < component.GetNMethods(), utf8(method.english));
        check_name(method.english, number, find);
        for (const char16_t* name : method.russian) check_name(name, number, find);
        CHECK(object.take_name(component.GetMethodName(number, 0)) == method.english);
        CHECK(object.take_name(component.GetMethodName(number, 1)) == method.russian[0]);
        const long total = component.GetNParams(number);
        CHECK_SAYS(total >= method.known, utf8(method.english));
        for (long parameter = 0; parameter < total; ++parameter) {
            Variant value = object.to_variant({});
            const bool given = component.GetParamDefValue(number, parameter, &value) && value.type != VT_EMPTY;
            CHECK_SAYS(given == (parameter >= method.required), utf8(method.english) + " " + std::to_string(parameter));
            object.release(value);
        }
    }
    for (long number = 0; number < component.GetNMethods(); ++number) {
        for (long alias = 0; alias < 2; ++alias)
            check_name(object.take_name(component.GetMethodName(number, alias)), number, find);
        // A host refuses to call as a function what says that it has no value.
        CHECK_SAYS(component.HasRetVal(number), std::to_string(number));
    }
}

void check_properties(Object& object, std::vector<ExpectedProperty> expected) {
    IComponentBase& component = *object.component;
    expected.insert(expected.end(), COMMON_PROPERTIES.begin(), COMMON_PROPERTIES.end());
    const Find find = [&](const char16_t* name) { return component.FindProp(name); };
    for (const ExpectedProperty& property : expected) {
        const long number = find(property.english);
        CHECK_SAYS(number >= 0 && number < component.GetNProps(), utf8(property.english));
        check_name(property.english, number, find);
        check_name(property.russian, number, find);
        CHECK(object.take_name(component.GetPropName(number, 0)) == property.english);
        CHECK(object.take_name(component.GetPropName(number, 1)) == property.russian);
        CHECK_SAYS(component.IsPropWritable(number) == property.writable, utf8(property.english));
    }
    for (long number = 0; number < component.GetNProps(); ++number) {
        for (long alias = 0; alias < 2; ++alias)
            check_name(object.take_name(component.GetPropName(number, alias)), number, find);
        CHECK(component.IsPropReadable(number));
        const Text name = object.take_name(component.GetPropName(number, 0));
        const Value value = object.get(name.c_str());
        if (component.IsPropWritable(number)) {
            // What is read can be set, and is read again.
            object.set(name.c_str(), value);
            CHECK_SAYS(object.get(name.c_str()) == value, utf8(name));
        } else {
            Variant variant = object.to_variant(value);
            CHECK_SAYS(!component.SetPropVal(number, &variant), utf8(name));
            object.release(variant);
            object.connection.take_complaints();
            CHECK_SAYS(object.get(name.c_str()) == value, utf8(name));
        }
    }
}

// Every method in one manner, and that it did something. `call` gives nothing where the manner has no result.
void every_method(const Library& library, Manner manner) {
    const bool function = manner == Manner::FUNCTION;
    const auto gives = [&](const Value& result, const Value& expected) {
        CHECK_SAYS(result == (function ? expected : Value()), result.show());
    };
    Object server(library, u"Server"), client(library, u"Client");
    std::set<long> server_called, client_called;
    const auto on_server = [&](const char16_t* name, std::vector<Parameter> parameters = {}) {
        server_called.insert(server.method(name));
        return server.call_as(manner, name, std::move(parameters));
    };
    const auto on_client = [&](const char16_t* name, std::vector<Parameter> parameters = {}) {
        client_called.insert(client.method(name));
        return client.call_as(manner, name, std::move(parameters));
    };
    Value event, id, data;
    gives(on_server(u"Run", {u"127.0.0.1", 0}), true);
    const Text url = u"ws://127.0.0.1:" + utf16(std::to_string(static_cast<long>(server.get(u"Port").number))) + u"/";
    gives(on_client(u"SetHeader", {u"X-Test", u"да"}), true);
    gives(on_client(u"Connect", {url}), true);
    gives(on_server(u"ReceiveEvent", {0, event, id, data}), true);
    CHECK(event == u"open" && id == 1 && data.string.find(u"x-test") != Text::npos);
    gives(on_client(u"Send", {u"раз"}), true);
    gives(on_server(u"Receive", {0, id, data}), true);
    CHECK(id == 1 && data == u"раз");
    gives(on_server(u"Send", {1, u"два"}), true);
    gives(on_client(u"Receive", {0, data}), true);
    CHECK(data == u"два");
    gives(on_server(u"Broadcast", {Bytes{0, 1, 255}}), 1);
    gives(on_client(u"ReceiveEvent", {0, event, data}), true);
    CHECK(event == u"message" && data == Bytes({0, 1, 255}));
    gives(on_server(u"SetName", {1, u"первый"}), true);
    gives(on_server(u"SendToName", {u"первый", u"три"}), true);
    gives(on_client(u"Receive", {0, data}), true);
    CHECK(data == u"три");
    gives(on_server(u"JoinGroup", {1, u"все"}), true);
    gives(on_server(u"LeaveGroup", {1, u"все"}), true);
    const Value round_trip = on_client(u"Ping", {10000});
    CHECK(function ? round_trip.number >= 0 && round_trip.number < 10000 : round_trip == Value());
    CHECK(on_server(u"Ping", {1, 10000}).kind == round_trip.kind);
    std::thread replier([&] {
        Value from, text;
        CHECK(server.call(u"Receive", {0, from, text}));
        CHECK(server.call(u"Send", {from, text}));
    });
    const Value reply = on_client(u"Request", {u"{\"id\": 7}", 10000});
    replier.join();
    CHECK(function ? reply.string.find(u"\"id\"") != Text::npos : reply == Value());
    CHECK(on_server(u"ConnectionInfo", {1}).kind == (function ? Value::STRING : Value::UNDEFINED));
    CHECK(on_server(u"ConnectionList").kind == (function ? Value::STRING : Value::UNDEFINED));
    CHECK(on_server(u"Statistics").kind == (function ? Value::STRING : Value::UNDEFINED));
    CHECK(on_client(u"Statistics").kind == (function ? Value::STRING : Value::UNDEFINED));
    gives(on_client(u"ErrorDescription"), u"");
    gives(on_server(u"ErrorDescription"), u"");
    gives(on_server(u"Disconnect", {1, 4321, u"хватит"}), true);
    CHECK(eventually([&] { return client.get(u"ReadyState") == 3; }));
    CHECK(client.get(u"CloseCode") == 4321 && client.get(u"CloseReason") == u"хватит");
    gives(on_client(u"Disconnect"), false);
    gives(on_client(u"BeginConnect", {url}), true);
    CHECK(client.call(u"ReceiveEvent", {0, event, data}));
    CHECK_SAYS(event == u"open", event.show() + data.show());
    const Value name_info = on_server(u"NameInfo", {u"нет такого"});
    CHECK(name_info.kind == (function ? Value::STRING : Value::UNDEFINED));
    CHECK(on_server(u"NameList").kind == (function ? Value::STRING : Value::UNDEFINED));
    CHECK(on_server(u"Metrics").kind == (function ? Value::STRING : Value::UNDEFINED));
    gives(on_server(u"DisconnectName", {u"нет такого"}), false);
    gives(on_server(u"SetResponseHeader", {u"X-Server", u"1C"}), true);
    gives(on_server(u"Pause", {2, true}), true);
    gives(on_server(u"Pause", {2, false}), true);
    gives(on_server(u"Abort", {2}), true);
    CHECK(eventually([&] { return client.get(u"ReadyState") == 3; }));
    CHECK(client.call(u"Connect", {url}));
    gives(on_client(u"Abort"), true);
    CHECK(eventually([&] { return client.get(u"ReadyState") == 3; }));
    Object newcomer(library, u"Client");
    server.set(u"ManualAccept", true);
    const auto comes = [&](const char16_t* method) {
        newcomer.call(u"BeginConnect", {url});
        while (!(server.call(u"ReceiveEvent", {0, event, id, data}) && event == u"pending")) {}
        gives(on_server(method, {id}), true);
        CHECK(newcomer.call(u"ReceiveEvent", {0, event, data}));
        return event;
    };
    CHECK(comes(u"Reject") == u"error");
    CHECK(comes(u"Accept") == u"open");
    gives(on_server(u"Stop"), true);
    CHECK(server.get(u"Port") == 0);
    for (const ExpectedMethod& method : CLIENT_METHODS) CHECK(client_called.count(client.method(method.english)) == 1);
    for (const ExpectedMethod& method : SERVER_METHODS) CHECK(server_called.count(server.method(method.english)) == 1);
}

} // namespace

SCENARIO(names) {
    const Library library(setting.library);
    Object client(library, u"Client"), server(library, u"Server");
    check_methods(client, CLIENT_METHODS);
    check_methods(server, SERVER_METHODS);
    check_properties(client, CLIENT_PROPERTIES);
    check_properties(server, SERVER_PROPERTIES);
}

SCENARIO(manners) {
    const Library library(setting.library);
    every_method(library, Manner::FUNCTION);
    every_method(library, Manner::PROCEDURE);
}

// The host joins the name that the library was attached under and the class's: any case may reach us.
SCENARIO(classes) {
    {
        // One that tells nothing.
        const Library silent(setting.library, 0);
        Object object(silent, u"Client", {APP_THIN_CLIENT, false});
        object.set(u"ExternalEvents", u"data");
    }
    const Library library(setting.library);
    for (const char16_t* name : {u"Client", u"client", u"CLIENT", u"cLiEnT"}) {
        Object object(library, name);
        CHECK(object.component->FindMethod(u"Подключиться") >= 0);
    }
    for (const char16_t* name : {u"Server", u"server", u"SERVER"}) {
        Object object(library, name);
        CHECK(object.component->FindMethod(u"Запустить") >= 0);
    }
    for (const char16_t* name : {u"", u"Clien", u"Clients", u"Client|Server", u"Клиент", u"WebSocket"}) {
        IComponentBase* object = nullptr;
        CHECK_SAYS(library.class_object(name, &object) == 0 && object == nullptr, utf8(name));
    }
    // A host of another version tells other capabilities.
    for (int capabilities : {1, 2, 3, 100}) {
        const Library again(setting.library, capabilities);
        Object object(again, u"Client", {APP_THIN_CLIENT, capabilities >= 2});
        object.set(u"ExternalEvents", u"data");
    }
}
