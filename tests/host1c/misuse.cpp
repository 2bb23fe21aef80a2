// A host that does everything wrong, and one that has no memory.
#include "host.hpp"

#include <climits>
#include <cstring>

namespace {

const long INDICES[] = {-1, -2, LONG_MIN, LONG_MAX, 1000, INT_MAX, INT_MIN};

void misuse(Object& object) {
    IComponentBase& component = *object.component;
    Variant value = object.to_variant({});
    for (const long index : INDICES) {
        CHECK(component.GetMethodName(index, 0) == nullptr && component.GetPropName(index, 1) == nullptr);
        CHECK(component.GetNParams(index) == 0);
        CHECK(!component.HasRetVal(index));
        CHECK(!component.GetParamDefValue(index, 0, &value) && !component.GetParamDefValue(0, index, &value));
        CHECK(!component.IsPropReadable(index) && !component.IsPropWritable(index));
        CHECK(!component.GetPropVal(index, &value) && !component.SetPropVal(index, &value));
        CHECK(!component.CallAsProc(index, nullptr, 0) && !component.CallAsFunc(index, &value, nullptr, 0));
        CHECK(!component.CallAsProc(index, &value, 1));
        CHECK(value.type == VT_EMPTY);
        CHECK(component.GetMethodName(0, index) == nullptr && component.GetPropName(0, index) == nullptr);
    }
    CHECK(component.FindMethod(nullptr) == -1 && component.FindProp(nullptr) == -1);
    CHECK(component.FindMethod(u"") == -1 && component.FindProp(u"") == -1);
    CHECK(component.FindMethod(Text(100000, u'я').c_str()) == -1);
    CHECK(!component.RegisterExtensionAs(nullptr));
    component.SetLocale(u"");
    component.SetLocale(nullptr);
    for (long number = 0; number < component.GetNProps(); ++number) {
        CHECK(!component.GetPropVal(number, nullptr));
        CHECK(!component.SetPropVal(number, nullptr));
    }
    const long dangerous = component.FindMethod(u"Stop");
    for (long number = 0; number < component.GetNMethods(); ++number) {
        CHECK(!component.GetParamDefValue(number, 0, nullptr));
        const long total = component.GetNParams(number);
        Variant many[16];
        std::memset(many, 0, sizeof many);
        for (const long count : {-1L, LONG_MIN, LONG_MAX, total + 1, 16L}) {
            CHECK(!component.CallAsProc(number, many, count));
            CHECK(!component.CallAsFunc(number, &value, many, count));
            CHECK(!component.CallAsFunc(number, nullptr, many, count));
        }
        if (total > 0) {
            CHECK(!component.CallAsProc(number, nullptr, total));
            CHECK(!component.CallAsFunc(number, &value, nullptr, total));
        }
        if (number == dangerous) continue;
        // All of them empty: a method with required parameters refuses, nobody crashes.
        for (Variant& one : many) object.release(one);
        component.CallAsFunc(number, nullptr, total == 0 ? nullptr : many, total);
        for (Variant& one : many) object.release(one);
        component.CallAsFunc(number, &value, total == 0 ? nullptr : many, total);
        for (Variant& one : many) object.release(one);
        object.release(value);
    }
    object.connection.take_complaints();
}

// Lets each allocation of a call fail in turn: an error, nothing lost, nothing left.
void sweep(Object& object, const char* what, const std::function<void()>& call, const std::function<void()>& after) {
    for (long number = 1;; ++number) {
        CHECK_SAYS(number < 100, what);
        const std::size_t before = object.memory.in_use();
        object.memory.forget_failures();
        object.memory.fail_at(number);
        bool failed = false;
        try {
            call();
        } catch (const ScriptError&) {
            failed = true;
        }
        object.memory.fail_at(0);
        CHECK_SAYS(object.memory.in_use() == before, what);
        CHECK_SAYS(failed == object.memory.has_failed(), what);
        if (!failed) {
            CHECK_SAYS(number > 1, std::string(what) + " does not allocate");
            return;
        }
        after();
    }
}

} // namespace

SCENARIO(misused) {
    const Library library(setting.library);
    IComponentBase* nothing = nullptr;
    CHECK(library.class_object(nullptr, &nothing) == 0 && nothing == nullptr);
    CHECK(library.class_object(u"Client", nullptr) == 0);
    library.destroy_object(nullptr);
    library.destroy_object(&nothing);
    Pair pair(library);
    misuse(pair.client);
    misuse(pair.server);
    // A connection that still works.
    Object idle(library, u"Client"), stopped(library, u"Server");
    misuse(idle);
    misuse(stopped);

    // Neither services nor memory.
    Object poor(library, u"Client");
    CHECK(!poor.component->Init(nullptr));
    CHECK(!poor.component->setMemManager(nullptr));
    CHECK(poor.component->GetMethodName(0, 0) == nullptr);
    WCHAR_T* name = nullptr;
    CHECK(!poor.component->RegisterExtensionAs(&name) && name == nullptr);
    Variant value = poor.to_variant({});
    CHECK(!poor.component->GetPropVal(poor.property(u"Protocols"), &value));
    CHECK(poor.component->GetPropVal(poor.property(u"Status"), &value) && value.type == VT_I4 && value.i4 == 0);
    CHECK(!poor.component->CallAsFunc(poor.method(u"Statistics"), &value, nullptr, 0));
    value = poor.to_variant(u"data");
    CHECK(!poor.component->SetPropVal(poor.property(u"ExternalEvents"), &value));
    poor.release(value);
}

SCENARIO(no_memory) {
    const Library library(setting.library);
    Pair pair(library);
    Object &client = pair.client, &server = pair.server;
    Value event = u"старое", id = u"старое", data = u"старое";
    const auto nothing = [] {};
    const auto text = [&](Object& object, const char* what, const char16_t* method, std::vector<Parameter> parameters) {
        sweep(object, what, [&] { CHECK(object.call(method, parameters).kind == Value::STRING); }, nothing);
    };
    for (Object* object : {&client, &server}) {
        text(*object, "Statistics", u"Statistics", {});
        text(*object, "ErrorDescription", u"ErrorDescription", {});
        for (long number = 0; number < object->component->GetNProps(); ++number) {
            const Text name = object->take_name(object->component->GetPropName(number, 0));
            if (object->get(name.c_str()).kind == Value::STRING)
                sweep(*object, "GetPropVal", [&] { object->get(name.c_str()); }, nothing);
        }
        for (const long alias : {0, 1}) {
            object->memory.fail_at(1);
            CHECK(object->component->GetPropName(0, alias) == nullptr);
            object->memory.fail_at(1);
            CHECK(object->component->GetMethodName(0, alias) == nullptr);
        }
        object->memory.fail_at(1);
        WCHAR_T* name = nullptr;
        CHECK(!object->component->RegisterExtensionAs(&name) && name == nullptr);
        object->memory.fail_at(0);
    }
    text(server, "ConnectionList", u"ConnectionList", {});
    text(server, "ConnectionInfo", u"ConnectionInfo", {1});
    // The default of the reason is a string, too.
    const long disconnect = client.method(u"Disconnect");
    Variant value = client.to_variant({});
    client.memory.fail_at(1);
    CHECK(!client.component->GetParamDefValue(disconnect, 1, &value) && value.type == VT_EMPTY);
    client.memory.fail_at(0);

    // What could not be handed over is still there, in its place.
    CHECK(server.call(u"ReceiveEvent", {0, event, id, data}));
    CHECK(event == u"open");
    client.call(u"Send", {u"первое"});
    client.call(u"Send", {Bytes{1, 2}});
    client.call(u"Send", {u"третье"});
    CHECK(eventually([&] { return server.get(u"Queued") == 3; }));
    event = id = data = u"старое";
    const auto untouched = [&] { CHECK(event == u"старое" && id == u"старое" && data == u"старое"); };
    sweep(server, "Receive", [&] { CHECK(server.call(u"Receive", {-1, id, data})); },
          [&] { untouched(), CHECK(server.get(u"Queued") == 3); });
    CHECK(id == 1 && data == u"первое");
    event = id = data = u"старое";
    sweep(server, "ReceiveEvent", [&] { CHECK(server.call(u"ReceiveEvent", {-1, event, id, data})); },
          [&] { untouched(), CHECK(server.get(u"Queued") == 2); });
    CHECK(event == u"message" && data == Bytes({1, 2}));
    CHECK(server.call(u"Receive", {-1, id, data}) && data == u"третье");

    CHECK(client.call(u"ReceiveEvent", {0, event, data}));
    CHECK(server.call(u"Send", {1, u"раз"}));
    CHECK(server.call(u"Send", {1, u"два"}));
    CHECK(eventually([&] { return client.get(u"Queued") == 2; }));
    event = data = u"старое", id = u"старое";
    sweep(client, "Receive", [&] { CHECK(client.call(u"Receive", {-1, data})); }, untouched);
    CHECK(data == u"раз");
    data = u"старое";
    sweep(client, "ReceiveEvent", [&] { CHECK(client.call(u"ReceiveEvent", {-1, event, data})); }, untouched);
    CHECK(event == u"message" && data == u"два");
    // Nothing came: the empty strings need memory as well.
    sweep(client, "Receive", [&] { CHECK(!client.call(u"Receive", {-1, data})); }, nothing);
    sweep(client, "ReceiveEvent", [&] { CHECK(!client.call(u"ReceiveEvent", {-1, event, data})); }, nothing);
    sweep(server, "Receive", [&] { CHECK(!server.call(u"Receive", {-1, id, data})); }, nothing);
    sweep(server, "ReceiveEvent", [&] { CHECK(!server.call(u"ReceiveEvent", {-1, event, id, data})); }, nothing);

    // A reply that could not be handed over is an ordinary message.
    std::thread replier([&] {
        Value from, request;
        while (server.call(u"Receive", {0, from, request}) && request != u"конец") server.call(u"Send", {from, request});
    });
    Value reply;
    sweep(client, "Request", [&] { reply = client.call(u"Request", {u"{\"id\":1}", 10000, u"id", u""}); }, [&] {
        CHECK(client.call(u"Receive", {-1, data}));
        CHECK(data == u"{\"id\":1}");
    });
    CHECK(reply == u"{\"id\":1}");
    client.call(u"Send", {u"конец"});
    replier.join();
}
