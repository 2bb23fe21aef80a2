/*
 * A host of the Native API in Microsoft's C++ layout: it makes objects, sets them up in both orders, lets a server and
 * two clients talk, takes external events, destroys in both ways and unloads.
 * Usage: msvc_host <library>
 */
#include "load.h"
#include "msvc_api.h"

#include <wchar.h>

static struct {
    const symbol *(*names)(void);
    long (*make)(const symbol *name, struct component **object);
    long (*destroy)(struct component **object);
    int (*capabilities)(int capabilities);
    int (*attach_type)(void);
} library;

/* The host's side: everything allocated is freed exactly once, errors and events are kept. */
static volatile LONG allocated, errors, events;
static symbol last_error[512];
static int events_intact = 1;

static void *DESTRUCTOR never(void *self, unsigned flags) {
    (void)flags;
    CHECK(!"the add-in does not own the host's objects");
    return self;
}

static _Bool METHOD allocate(void *self, void **memory, unsigned long bytes) {
    (void)self;
    *memory = malloc(bytes);
    if (*memory != NULL) InterlockedIncrement(&allocated);
    return *memory != NULL;
}

static void METHOD release(void *self, void **memory) {
    (void)self;
    if (*memory != NULL) InterlockedDecrement(&allocated);
    free(*memory);
    *memory = NULL;
}

static _Bool METHOD add_error(void *self, unsigned short code, const symbol *source, const symbol *text, long scode) {
    (void)self;
    CHECK(code == 1006 && source != NULL && scode != 0);
    lstrcpynW(last_error, text, sizeof last_error / sizeof *last_error);
    InterlockedIncrement(&errors);
    return 1;
}

static _Bool METHOD set_depth(void *self, long depth) { (void)self; return depth > 0; }
static long METHOD get_depth(void *self) { (void)self; return 1; }

static _Bool METHOD external_event(void *self, symbol *source, symbol *event, symbol *data) {
    (void)self;
    if (lstrcmpW(event, L"message") == 0) {
        wchar_t expected[16];
        wsprintfW(expected, L"event %d", (int)events);
        if (lstrcmpW(source, L"WebSocket.Client") != 0 || lstrcmpW(data, expected) != 0) events_intact = 0;
        InterlockedIncrement(&events);
    }
    return 1;
}

static struct memory_manager *memory_manager(void) {
    static const __typeof__(*((struct memory_manager *)0)->table) table = {never, allocate, release};
    static struct memory_manager object = {&table};
    return &object;
}

static struct services *services(void) {
    static const __typeof__(*((struct services *)0)->table) table = {
        .destroy = never, .add_error = add_error, .set_event_depth = set_depth, .get_event_depth = get_depth,
        .external_event = external_event};
    static struct services object = {&table};
    return &object;
}

static struct component *make(const wchar_t *class_name, int memory_first) {
    struct component *object = NULL;
    symbol *name = NULL;
    CHECK(library.make((const symbol *)class_name, &object) != 0 && object != NULL);
    if (memory_first) CHECK(object->init_done.table->set_memory_manager(&object->init_done, memory_manager()));
    CHECK(object->init_done.table->init(&object->init_done, services()));
    if (!memory_first) CHECK(object->init_done.table->set_memory_manager(&object->init_done, memory_manager()));
    CHECK(object->init_done.table->get_info(&object->init_done) == 2000);
    CHECK(object->extender.table->register_as(&object->extender, &name) && name != NULL);
    CHECK(lstrcmpiW((wchar_t *)name, class_name) == 0);
    release(NULL, (void **)&name);
    object->locale.table->set_locale(&object->locale, (const symbol *)L"ru_RU");
    object->user_language.table->set_locale(&object->user_language, (const symbol *)L"ru");
    return object;
}

static long method(struct component *object, const wchar_t *name) {
    long index = object->extender.table->find_method(&object->extender, (const symbol *)name);
    CHECK(index >= 0);
    return index;
}

static void clear(struct variant *value) {
    if (value->type == VT_PWSTR_ || value->type == VT_BLOB_) release(NULL, &value->as.buffer.data);
    memset(value, 0, sizeof *value);
}

/* What the script leaves out is filled with the method's defaults, as 1C does it. */
static _Bool call(struct component *object, const wchar_t *name, struct variant *result, struct variant *parameters,
                  long count) {
    enum { MOST = 8 };
    struct variant all[MOST];
    long index = method(object, name), wanted = object->extender.table->parameter_count(&object->extender, index);
    _Bool done;
    CHECK(count <= wanted && wanted <= MOST);
    memset(all, 0, sizeof all);
    memcpy(all, parameters, (size_t)count * sizeof *all);
    for (long i = count; i < wanted; i++) {
        CHECK(object->extender.table->parameter_default(&object->extender, index, i, &all[i]));
        CHECK(all[i].type != VT_EMPTY_);
    }
    if (result == NULL) {
        done = object->extender.table->call_as_procedure(&object->extender, index, all, wanted);
    } else {
        memset(result, 0, sizeof *result);
        done = object->extender.table->call_as_function(&object->extender, index, result, all, wanted);
    }
    memcpy(parameters, all, (size_t)count * sizeof *all);
    for (long i = count; i < wanted; i++) clear(&all[i]);
    return done;
}

static struct variant number(int32_t value) { return (struct variant){.as.number = value, .type = VT_I4_}; }

/* The host's strings are its own memory, as those of 1C are. */
static struct variant text(const wchar_t *value) {
    struct variant result = {.type = VT_PWSTR_};
    size_t bytes = (wcslen(value) + 1) * sizeof *value;
    CHECK(allocate(NULL, &result.as.buffer.data, (unsigned long)bytes));
    memcpy(result.as.buffer.data, value, bytes);
    result.as.buffer.size = (uint32_t)wcslen(value);
    return result;
}

static int is_text(const struct variant *value, const wchar_t *expected) {
    return value->type == VT_PWSTR_ && value->as.buffer.size == wcslen(expected) &&
           memcmp(value->as.buffer.data, expected, wcslen(expected) * sizeof *expected) == 0;
}

static _Bool connect_to(struct component *client, int port, const wchar_t *path) {
    wchar_t url[64];
    struct variant result, parameter;
    _Bool done;
    wsprintfW(url, L"ws://127.0.0.1:%d%s", port, path);
    parameter = text(url);
    done = call(client, L"Подключиться", &result, &parameter, 1);
    CHECK(!done || (result.type == VT_BOOL_ && result.as.truth));
    clear(&parameter);
    return done;
}

static void send_text(struct component *client, const wchar_t *value) {
    struct variant parameter = text(value);
    CHECK(call(client, L"отправить", NULL, &parameter, 1));
    clear(&parameter);
}

static struct variant get(struct component *object, const wchar_t *name) {
    struct variant value = {.type = VT_EMPTY_};
    long index = object->extender.table->find_property(&object->extender, (const symbol *)name);
    CHECK(index >= 0 && object->extender.table->is_readable(&object->extender, index));
    CHECK(object->extender.table->get_property(&object->extender, index, &value));
    return value;
}

static int32_t get_number(struct component *object, const wchar_t *name) {
    struct variant value = get(object, name);
    CHECK(value.type == VT_I4_);
    return value.as.number;
}

static void set(struct component *object, const wchar_t *name, struct variant value) {
    long index = object->extender.table->find_property(&object->extender, (const symbol *)name);
    CHECK(index >= 0 && object->extender.table->is_writable(&object->extender, index));
    CHECK(object->extender.table->set_property(&object->extender, index, &value));
    clear(&value);
}

static void set_text(struct component *object, const wchar_t *name, const wchar_t *to) { set(object, name, text(to)); }
static void set_number(struct component *object, const wchar_t *name, int32_t to) { set(object, name, number(to)); }

static int run(struct component *server) {
    struct variant result, parameters[2] = {text(L"127.0.0.1"), number(0)};
    CHECK(call(server, L"Запустить", &result, parameters, 2) && result.as.truth);
    clear(&parameters[0]);
    return get_number(server, L"Порт");
}

static void names(struct component *client) {
    long index = method(client, L"SEND");
    const symbol *name = client->extender.table->method_name(&client->extender, index, 0);
    CHECK(lstrcmpW((const wchar_t *)name, L"Send") == 0);
    release(NULL, (void **)&name);
    CHECK(index == method(client, L"оТпРаВиТь"));
    CHECK(client->extender.table->find_method(&client->extender, (const symbol *)L"НетТакого") == -1);
    CHECK(client->extender.table->method_name(&client->extender, -1, 0) == NULL);
    CHECK(!client->extender.table->call_as_procedure(&client->extender, 99999, NULL, 0));
}

static void conversation(int memory_first) {
    struct component *server = make(L"Server", memory_first);
    struct component *first = make(L"Client", !memory_first), *second = make(L"client", memory_first);
    int port = run(server);
    struct variant result, out[3];
    LONG before = errors;
    names(first);
    CHECK(connect_to(first, port, L"/first") && connect_to(second, port, L"/testadr"));
    CHECK(!connect_to(first, port, L"/again") && errors == before + 1);
    CHECK(wcsstr((wchar_t *)last_error, L"Подключение уже выполнено") != NULL);
    CHECK(get_number(first, L"Статус") == 1);

    send_text(first, L"ase1ЙЦУ");
    /* What an out parameter held is freed by the add-in. */
    out[0] = number(0);
    out[1] = text(L"before");
    out[2] = text(L"before");
    {
        struct variant parameters[3] = {number(5000), out[1], out[2]};
        clear(&out[0]);
        CHECK(call(server, L"Принять", &result, parameters, 3) && result.as.truth);
        CHECK(parameters[1].type == VT_I4_ && is_text(&parameters[2], L"ase1ЙЦУ"));
        out[1] = parameters[1];
        out[2] = parameters[2];
    }
    {
        struct variant parameters[2] = {out[1], out[2]};
        CHECK(call(server, L"Отправить", &result, parameters, 2) && result.as.truth);
        clear(&out[2]);
    }
    {
        struct variant parameters[2] = {number(5000), {.type = VT_EMPTY_}};
        CHECK(call(first, L"Получить", &result, parameters, 2) && result.as.truth);
        CHECK(is_text(&parameters[1], L"ase1ЙЦУ"));
        clear(&parameters[1]);
        parameters[0] = number(-1);
        CHECK(call(first, L"Receive", &result, parameters, 2) && !result.as.truth && is_text(&parameters[1], L""));
        clear(&parameters[1]);
    }
    {
        /* A blob goes as a binary message and comes back as a blob. */
        struct variant blob = {.as.buffer = {"\x00\x01\xFF", 3}, .type = VT_BLOB_};
        struct variant parameters[3] = {number(5000), {.type = VT_EMPTY_}, {.type = VT_EMPTY_}};
        CHECK(call(second, L"Отправить", NULL, &blob, 1));
        CHECK(call(server, L"Receive", &result, parameters, 3) && result.as.truth);
        CHECK(parameters[2].type == VT_BLOB_ && parameters[2].as.buffer.size == 3);
        CHECK(memcmp(parameters[2].as.buffer.data, "\x00\x01\xFF", 3) == 0);
        clear(&parameters[2]);
    }
    {
        CHECK(call(server, L"Отключить", &result, &out[1], 1) && result.as.truth);
    }
    /* One by its destructor, with Done before or not; the others by the function, with connections open. */
    if (memory_first) first->init_done.table->done(&first->init_done);
    first->init_done.table->destroy(&first->init_done, 1);
    CHECK(library.destroy(&server) == 0 && server == NULL);
    second->extender.table->destroy(&second->extender, 1);
}

static void external_events(void) {
    struct component *server = make(L"Server", 1), *client = make(L"Client", 1);
    int port = run(server);
    wchar_t line[32];
    set_text(client, L"ВнешниеСобытия", L"data");
    CHECK(connect_to(client, port, L"/"));
    for (int i = 0; i < 500; i++) {
        struct variant parameter, result;
        wsprintfW(line, L"event %d", i);
        parameter = text(line);
        CHECK(call(server, L"Broadcast", &result, &parameter, 1) && result.as.number == 1);
        clear(&parameter);
    }
    for (int i = 0; i < 1000 && events < 500; i++) Sleep(10);
    CHECK(events == 500 && events_intact);
    CHECK(library.destroy(&client) == 0);
    CHECK(library.destroy(&server) == 0);
    events = 0;
}

/* A queue of four holds the sender up; nothing is lost or out of order. */
static void backpressure(void) {
    enum { MESSAGES = 200, UNITS = 16 << 10 };
    struct component *server = make(L"Server", 0), *client = make(L"Client", 0);
    wchar_t *line = calloc(UNITS + 1, sizeof *line);
    struct variant result;
    CHECK(line != NULL);
    set_number(server, L"ПределОчередиПриемаСообщений", 4);
    CHECK(connect_to(client, run(server), L"/"));
    for (int i = 0; i < MESSAGES; i++) {
        wmemset(line, (wchar_t)(L'А' + i % 32), UNITS);
        send_text(client, line);
    }
    for (int i = 0; i < MESSAGES; i++) {
        struct variant parameters[3] = {number(20000), {.type = VT_EMPTY_}, {.type = VT_EMPTY_}};
        CHECK(get_number(server, L"СообщенийВОчереди") <= 5);
        CHECK(call(server, L"Получить", &result, parameters, 3) && result.as.truth);
        wmemset(line, (wchar_t)(L'А' + i % 32), UNITS);
        CHECK(is_text(&parameters[2], line));
        clear(&parameters[2]);
    }
    free(line);
    CHECK(library.destroy(&client) == 0);
    CHECK(library.destroy(&server) == 0);
}

/* Each side learns the code and the reason with which the other has closed. */
static void closing(void) {
    struct component *server = make(L"Server", 1), *client = make(L"Client", 1);
    struct variant result, three[3], two[2] = {number(20000), {.type = VT_EMPTY_}};
    int port = run(server);
    CHECK(connect_to(client, port, L"/"));
    send_text(client, L"кто здесь");
    three[0] = number(20000);
    three[1] = three[2] = (struct variant){.type = VT_EMPTY_};
    CHECK(call(server, L"Получить", &result, three, 3) && result.as.truth);
    clear(&three[2]);
    three[0] = three[1];
    three[1] = number(4321);
    three[2] = text(L"хватит");
    CHECK(call(server, L"Отключить", &result, three, 3) && result.as.truth);
    clear(&three[2]);
    CHECK(call(client, L"Получить", &result, two, 2) && !result.as.truth && is_text(&two[1], L""));
    clear(&two[1]);
    CHECK(get_number(client, L"КодЗакрытия") == 4321 && get_number(client, L"Статус") == 0);
    result = get(client, L"ПричинаЗакрытия");
    CHECK(is_text(&result, L"хватит"));
    clear(&result);

    /* A connection that has come and gone with nothing to hand over leaves no events. */
    CHECK(connect_to(client, port, L"/"));
    send_text(client, L"ещё здесь");
    two[0] = number(4000);
    two[1] = text(L"ухожу");
    CHECK(call(client, L"Отключиться", &result, two, 2) && result.as.truth);
    clear(&two[1]);
    for (;;) {
        struct variant event[4] = {number(20000), {.type = VT_EMPTY_}, {.type = VT_EMPTY_}, {.type = VT_EMPTY_}};
        int last;
        CHECK(call(server, L"ПолучитьСобытие", &result, event, 4) && result.as.truth);
        last = is_text(&event[1], L"close") && wcsstr((wchar_t *)event[3].as.buffer.data, L"\"code\":4000") != NULL;
        CHECK(!last || wcsstr((wchar_t *)event[3].as.buffer.data, L"ухожу") != NULL);
        clear(&event[1]);
        clear(&event[3]);
        if (last) break;
    }
    CHECK(call(server, L"Остановить", NULL, NULL, 0));
    CHECK(!connect_to(client, port, L"/"));
    CHECK(library.destroy(&client) == 0);
    CHECK(library.destroy(&server) == 0);
}

int main(int argc, char **argv) {
    CHECK(argc >= 2);
    for (int round = 0; round < 3; round++) {
        struct component *nothing = NULL;
        void *handle = load(argv[1]);
        FIND(handle, library.names, "GetClassNames");
        FIND(handle, library.make, "GetClassObject");
        FIND(handle, library.destroy, "DestroyObject");
        FIND(handle, library.capabilities, "SetPlatformCapabilities");
        FIND(handle, library.attach_type, "GetAttachType");
        CHECK(lstrcmpW((const wchar_t *)library.names(), L"Client|Server") == 0);
        CHECK(library.capabilities(1) == 3 && library.attach_type() == 3);
        CHECK(library.make((const symbol *)L"Nobody", &nothing) == 0 && nothing == NULL);
        conversation(0);
        conversation(1);
        backpressure();
        closing();
        external_events();
        CHECK(allocated == 0);
        unload(handle, argv[1]);
    }
    puts("msvc_host: everything as expected");
    return 0;
}
