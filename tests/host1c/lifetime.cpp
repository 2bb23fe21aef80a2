// Making and destroying objects in every way that hosts have, and what is left afterwards.
#include "host.hpp"

#include <cstdio>

namespace {

void calls(Object& object, long number) {
    IComponentBase& component = *object.component;
    const long status = component.FindProp(u"Статус"), description = component.FindMethod(u"ОписаниеОшибки");
    for (long at = 0; at < number; at += 4) {
        Variant variant = object.to_variant({});
        CHECK(component.GetPropVal(status, &variant));
        CHECK(component.FindMethod(u"Подключиться") >= 0);
        CHECK(component.CallAsFunc(description, &variant, nullptr, 0));
        object.release(variant);
        object.take_name(component.GetMethodName(description, at / 4 % 2));
    }
}

} // namespace

SCENARIO(endings) {
    const Library library(setting.library);
    const int before = thread_count();
    for (const bool connected : {false, true}) {
        for (const Order order : {Order::INIT_FIRST, Order::MEMORY_FIRST}) {
            for (const Ending ending : {Ending::DESTROY_OBJECT, Ending::DELETE, Ending::DELETE_EXTENDER,
                                        Ending::DELETE_LOCALE, Ending::DELETE_LANGUAGE}) {
                for (const int done : {0, 1, 2}) {
                    Object server(library, u"Server", {}, order), client(library, u"Client", {}, order);
                    if (connected) {
                        CHECK(client.call(u"Подключиться", {start_server(server)}));
                        client.call(u"Отправить", {u"осталось"});
                    }
                    if (done == 1) {
                        server.destroy(ending, done);
                        client.destroy(ending, done);
                    } else {
                        client.destroy(ending, done);
                        server.destroy(ending, done);
                    }
                    CHECK(threads_are_back(before));
                }
            }
        }
    }
    // Without Init, without memory, without either; Done nevertheless.
    for (int way = 0; way < 32; ++way) {
        Connection connection({});
        Memory memory;
        IComponentBase* object = nullptr;
        CHECK(library.class_object(way & 1 ? u"Client" : u"Server", &object) != 0);
        if (way & 2) CHECK(object->Init(connection.interface()));
        if (way & 4) CHECK(object->setMemManager(&memory));
        if (way & 8) object->Done();
        connection.close();
        if (way & 16) {
            delete object;
        } else {
            CHECK(library.destroy_object(&object) == 0 && object == nullptr);
        }
        CHECK(threads_are_back(before));
    }
    // Calls after Done are answered and reach the host no more.
    Object client(library, u"Client");
    client.component->Done();
    client.connection.close();
    Variant variant = client.to_variant(u"ws://127.0.0.1:1/");
    CHECK(!client.component->CallAsProc(client.method(u"Connect"), &variant, 1));
    client.release(variant);
    client.destroy(Ending::DESTROY_OBJECT, 1);
}

// A million calls and ten thousand objects leave nothing behind.
SCENARIO(endurance) {
    const Library library(setting.library);
    const long objects = setting.slow ? 100 : 10000, rounds = setting.slow ? 2000 : 1'000'000;
    const auto make = [&](long number) {
        for (long at = 0; at < number; ++at) {
            Object object(library, at % 2 == 0 ? u"Client" : u"Server");
            if (at % 10 == 0) object.call(u"Статистика");
        }
    };
    Object client(library, u"Client");
    make(objects / 10);
    calls(client, 1000);
    const long objects_before = resident_kib();
    make(objects - objects / 10);
    const long calls_before = resident_kib();
    calls(client, rounds - 1000);
    const long after = resident_kib();
    std::printf("RSS: %ld KiB after the first 1000, %ld after all objects, %ld after all calls\n", objects_before,
                calls_before, after);
    if (!setting.slow) CHECK_SAYS(after - objects_before <= 1024, std::to_string(after - objects_before) + " KiB more");
}

// The library goes when the host closes it.
SCENARIO(unload) {
    CHECK(!is_mapped(setting.library));
    const int before = thread_count();
    for (int round = 0; round < (setting.slow ? 3 : 20); ++round) {
        {
            const Library library(setting.library);
            CHECK(is_mapped(setting.library));
            Pair pair(library);
            pair.client.set(u"ВнешниеСобытия", u"data");
            pair.client.call(u"Отправить", {u"привет"});
            Value id, data;
            CHECK(pair.server.call(u"Принять", {10000, id, data}));
            // A thread of the host that stays longer than the library's objects.
            std::thread([&] { CHECK(pair.server.call(u"Отправить", {id, data})); }).join();
            CHECK(pair.client.connection.wait_events(1, 10000));
        }
        CHECK(!is_mapped(setting.library));
        CHECK(threads_are_back(before));
    }
}
