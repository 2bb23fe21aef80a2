// Many threads of the host on one object, and destruction under their feet.
#include "host.hpp"

namespace {

// A thread of the host, and whether it has come to rest inside a call.
class Caller {
public:
    explicit Caller(std::function<void()> body)
        : thread([this, body = std::move(body)] {
              id = this_thread();
              body();
              done = true;
          }) {}
    ~Caller() { thread.join(); }

    bool waits() const { return !done && rests(id) && !done; }
    bool has_ended() const { return done; }

private:
    std::atomic<long> id{0};
    std::atomic<bool> done{false};
    std::thread thread;
};

} // namespace

SCENARIO(crowd) {
    const Library library(setting.library);
    Pair pair(library);
    Object& client = pair.client;
    const long turns = setting.slow ? 30 : 500;
    std::atomic<long> sent{0}, received{0};
    std::vector<std::thread> threads;
    for (int number = 0; number < 8; ++number) {
        threads.emplace_back([&, number] {
            Value event, data, id;
            for (long turn = 0; turn < turns; ++turn) {
                switch ((turn + number) % 8) {
                case 0: CHECK(client.get(u"Статус") == 1); break;
                case 1: client.call(u"Отправить", {u"от клиента"}), ++sent; break;
                case 2: received += client.call(u"Принять", {-1, data}) ? 1 : 0; break;
                case 3: CHECK(!client.refused(u"Подключиться", {pair.url}).empty()); break;
                case 4: CHECK(client.call(u"ОписаниеОшибки").kind == Value::STRING); break;
                case 5: client.set(u"ТаймаутЗакрытия", 1000 + turn); break;
                case 6: client.language(turn % 2 == 0 ? u"en" : u"ru"); break;
                default:
                    if (pair.server.call(u"Принять", {-1, id, data})) CHECK(pair.server.call(u"Отправить", {id, data}));
                }
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    Value id, data;
    while (pair.server.call(u"Принять", {200, id, data})) CHECK(pair.server.call(u"Отправить", {id, data}));
    while (client.call(u"Принять", {200, data})) ++received;
    CHECK_SAYS(sent == received, std::to_string(sent) + " sent, " + std::to_string(received) + " received");
}

// Whatever a thread waits for inside an object, destruction wakes it and waits until it has left.
SCENARIO(destroyed_inside) {
    const Library library(setting.library);
    const SilentServer silent;
    enum Way { RECEIVE, RECEIVE_EVENT, CONNECT, REQUEST, SEND, SERVER_RECEIVE, WAYS };
    std::vector<Promptness> prompt(WAYS, Promptness(setting)), all = prompt;
    for (int way = 0; way < WAYS; ++way) {
        for (const Ending ending : {Ending::DESTROY_OBJECT, Ending::DELETE}) {
            for (const int done : {0, 1}) {
                Pair pair(library);
                Object alone(library, u"Client");
                Object& object = way == CONNECT ? alone : way == SERVER_RECEIVE ? pair.server : pair.client;
                object.set(u"CloseTimeout", 0);
                if (way == SEND) {
                    object.set(u"SendTimeout", 0);
                    object.set(u"SendQueueBytes", 1);
                    pair.server.set(u"ReceiveQueueMessages", 1);
                }
                if (way == CONNECT) object.set(u"ConnectTimeout", 0);
                Value event;
                if (way == RECEIVE_EVENT) CHECK(object.call(u"ReceiveEvent", {0, event, event}));
                // Looked up before, so that the threads are inside the call and nowhere else when it happens.
                IComponentBase& component = *object.component;
                const char16_t* const names[] = {u"Receive", u"ReceiveEvent", u"Connect", u"Request", u"Send", u"Receive"};
                const long method = object.method(names[way]), count = component.GetNParams(method);
                const auto body = [&, way] {
                    Variant parameters[4];
                    for (Variant& one : parameters) one = object.to_variant({});
                    if (way == CONNECT) parameters[0] = object.to_variant(silent.url());
                    if (way == REQUEST) parameters[0] = object.to_variant(u"{\"id\":1}"), parameters[1] = object.to_variant(0);
                    if (way == SEND) parameters[0] = object.to_variant(Bytes(32 << 20, 1));
                    if (way == RECEIVE || way == RECEIVE_EVENT || way == SERVER_RECEIVE) parameters[0] = object.to_variant(0);
                    Variant result = object.to_variant({});
                    component.CallAsFunc(method, &result, parameters, count);
                    for (Variant& one : parameters) object.release(one);
                    object.release(result);
                };
                Clock::time_point since;
                {
                    std::deque<Caller> callers;
                    for (int number = 0; number < (way == CONNECT ? 1 : 3); ++number) callers.emplace_back(body);
                    for (const Caller& caller : callers) {
                        // Of several senders the first ones may find room.
                        CHECK(eventually([&] { return caller.waits() || (way == SEND && caller.has_ended()); }));
                    }
                    since = Clock::now();
                    object.destroy(ending, done);
                    prompt[way].add(since, "way " + std::to_string(way));
                }
                all[way].add(since, "all have left, way " + std::to_string(way));
            }
        }
        prompt[way].judge(100);
        all[way].judge(200);
    }
}

// Two threads destroy different objects while others make new ones.
SCENARIO(comings_and_goings) {
    const Library library(setting.library);
    const int before = thread_count();
    {
        std::vector<std::thread> threads;
        for (int number = 0; number < 4; ++number) {
            threads.emplace_back([&] {
                for (int turn = 0; turn < (setting.slow ? 5 : 50); ++turn) {
                    Pair pair(library);
                    pair.client.set(u"ExternalEvents", turn % 2 == 0 ? u"data" : u"");
                    pair.client.call(u"Send", {u"раз"});
                    Value id, data;
                    CHECK(pair.server.call(u"Receive", {10000, id, data}));
                    CHECK(pair.server.call(u"Send", {id, data}));
                    if (turn % 3 == 0) pair.server.destroy(Ending::DELETE, turn % 2);
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
    }
    CHECK(threads_are_back(before));
}
