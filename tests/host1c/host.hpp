// A host as 1C:Enterprise is one: loads the library, makes objects of its classes and calls them by name, so that a
// scenario reads like a script.
#pragma once

#include "native_api.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

using Text = std::u16string;
using Bytes = std::vector<unsigned char>;
using Clock = std::chrono::steady_clock;

std::string utf8(std::u16string_view text);
Text utf16(std::string_view text);
long elapsed_ms(Clock::time_point since);

// --- expectations -------------------------------------------------------------------------------------------------

[[noreturn]] void fail(const char* file, int line, const std::string& what);

// Fails the scenario, with the place.
#define CHECK(condition) ((condition) ? (void)0 : fail(__FILE__, __LINE__, #condition))
#define CHECK_SAYS(condition, text) ((condition) ? (void)0 : fail(__FILE__, __LINE__, #condition + (": " + std::string(text))))

// --- values -------------------------------------------------------------------------------------------------------

// A value of the script.
struct Value {
    enum Kind { UNDEFINED, BOOLEAN, NUMBER, STRING, BINARY };

    Kind kind = UNDEFINED;
    bool boolean = false;
    double number = 0;
    Text string;
    Bytes binary;

    Value() = default;
    Value(bool value) : kind(BOOLEAN), boolean(value) {}
    Value(int value) : kind(NUMBER), number(value) {}
    Value(long value) : kind(NUMBER), number(static_cast<double>(value)) {}
    Value(long long value) : kind(NUMBER), number(static_cast<double>(value)) {}
    Value(double value) : kind(NUMBER), number(value) {}
    Value(const char16_t* value) : kind(STRING), string(value) {}
    Value(Text value) : kind(STRING), string(std::move(value)) {}
    Value(Bytes value) : kind(BINARY), binary(std::move(value)) {}

    bool operator==(const Value& other) const;
    bool operator!=(const Value& other) const { return !(*this == other); }
    // Where the script says `Если` or `Пока`.
    explicit operator bool() const;
    std::string show() const;
};

// A parameter of a call. A variable of the script is passed by reference, so that the method may change it.
struct Parameter {
    Value value;
    Value* variable = nullptr;

    template <typename T, typename = std::enable_if_t<!std::is_same_v<std::decay_t<T>, Parameter>>>
    Parameter(T&& from) : value(std::forward<T>(from)) {
        if constexpr (std::is_same_v<T, Value&>) variable = &from;
    }
};

// --- what the host gives to an object -----------------------------------------------------------------------------

// Counts every piece of memory, finds overruns, and fails when told.
class Memory final : public IMemoryManager {
public:
    ~Memory() override;
    bool HOST_CALL AllocMemory(void** memory, unsigned long bytes) override;
    void HOST_CALL FreeMemory(void** memory) override;

    // The `number`-th allocation from now on fails, counted from 1; 0: none does.
    void fail_at(long number) { countdown = number; }
    bool has_failed() const { return failures > 0; }
    void forget_failures() { failures = 0; }
    std::size_t in_use();
    long allocations() const { return count; }
    // Not counted, and never failing: what the host itself puts into a parameter.
    void* for_host(std::size_t bytes);

private:
    void* make(std::size_t bytes);

    std::mutex mutex;
    std::set<void*> pieces;
    std::atomic<long> countdown{0}, failures{0}, count{0};
};

struct Event {
    Text source, event, data;
};

struct Complaint {
    unsigned short code;
    Text source, text;
    long scode;
};

struct HostKind {
    AppType application = APP_THIN_CLIENT;
    // Whether there is IAddInDefBaseEx; hosts of old have the plain interface.
    bool extended = true;
};

// The interface that an object gets with Init. Records what it is told.
class Connection : IPlatformInfo {
public:
    explicit Connection(HostKind kind);
    ~Connection();

    void* interface();

    // Errors of this thread's calls since they were last taken.
    std::vector<Complaint> take_complaints();
    std::vector<Event> take_events();
    std::size_t event_count();
    // Waits until so many events are recorded.
    bool wait_events(std::size_t number, long milliseconds);
    // An event that the host's queue has no room for is refused. The room is `depth`, what was accepted leaves it
    // through `drain`; without limit when 0.
    void limit_events(long room);
    std::size_t drain();
    long refused() const { return refusals; }
    long depth() const { return buffer_depth; }

    // What the host does inside a call of the library; set before there are any.
    std::function<void()> on_error, on_event, on_depth;

    // After this, no call may come any more, nor may one of another thread still be under way.
    void close();
    bool disturbed() const { return late_calls > 0; }

private:
    class Plain;
    class Extended;
    template <typename Base> class Calls;

    const Info* HOST_CALL GetPlatformInfo() override;
    bool add_error(unsigned short code, const WCHAR_T* source, const WCHAR_T* text, long scode);
    bool external_event(const WCHAR_T* source, const WCHAR_T* event, const WCHAR_T* data);
    void called();
    void act(const std::function<void()>& action);

    HostKind kind;
    Info info;
    IAddInDefBase* face;
    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::thread::id, std::vector<Complaint>> complaints;
    std::vector<Event> events;
    long room = 0, occupied = 0;
    std::atomic<long> refusals{0}, buffer_depth{1}, late_calls{0};
    // The threads that are inside a call, where the host does something.
    std::multiset<std::thread::id> inside;
    std::atomic<bool> closed{false};

    friend class Object;
};

// --- the library and its objects ----------------------------------------------------------------------------------

class Library {
public:
    // `capabilities`: what is told with SetPlatformCapabilities; 0: it is not called.
    explicit Library(const std::string& path, int capabilities = 2);
    ~Library();
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;

    // A function of the flat C interface, or of the exports.
    void* symbol(const char* name) const;
    template <typename F> F function(const char* name) const { return reinterpret_cast<F>(symbol(name)); }

    GetClassNamesFunction class_names;
    GetClassObjectFunction class_object;
    DestroyObjectFunction destroy_object;
    SetPlatformCapabilitiesFunction set_capabilities;
    GetAttachTypeFunction attach_type;

private:
    void* handle;
};

// An exception of the script.
struct ScriptError : std::runtime_error {
    explicit ScriptError(Text text) : std::runtime_error(utf8(text)), text(std::move(text)) {}
    Text text;
    bool contains(std::u16string_view part) const { return text.find(part) != Text::npos; }
};

// How a method is called: as the interpreter would, or always as the one or the other; some hosts do.
enum class Manner { SCRIPT, PROCEDURE, FUNCTION };
enum class Order { INIT_FIRST, MEMORY_FIRST };
// With the last three the host deletes through another of the four base classes.
enum class Ending { DESTROY_OBJECT, DELETE, DELETE_EXTENDER, DELETE_LOCALE, DELETE_LANGUAGE };

// `Новый("AddIn.WebSocket.…")`.
class Object {
public:
    Object(const Library& library, const char16_t* name, HostKind kind = {}, Order order = Order::INIT_FIRST);
    ~Object();
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;

    // As the interpreter calls: fills in defaults, frees what it was given, throws ScriptError.
    Value call(const char16_t* method, std::vector<Parameter> parameters = {});
    Value call_as(Manner manner, const char16_t* method, std::vector<Parameter> parameters = {});
    // The error that the call must end with.
    Text refused(const char16_t* method, std::vector<Parameter> parameters = {});
    Value get(const char16_t* property);
    void set(const char16_t* property, const Value& value);
    Text refused_set(const char16_t* property, const Value& value);
    void locale(const char16_t* name);
    void language(const char16_t* code);

    // `Объект = Неопределено`; `done` times Done before it.
    void destroy(Ending ending = Ending::DESTROY_OBJECT, int done = 1);

    // For a look from below.
    IComponentBase* component = nullptr;
    Memory memory;
    Connection connection;

    // The number of a method or property that has to be there.
    long method(const char16_t* name);
    long property(const char16_t* name);
    Variant to_variant(const Value& value);
    Value take(Variant& variant);
    void release(Variant& variant);
    Text take_name(const WCHAR_T* name);

private:
    Value invoke(const char16_t* method, std::vector<Parameter>& parameters, Manner manner);
    [[noreturn]] void raise(const char16_t* where);

    const Library& library;
};

// --- scenarios ----------------------------------------------------------------------------------------------------

struct Setting {
    std::string library;
    std::vector<std::string> arguments;
    // Less of everything that is repeated: valgrind is slow.
    bool slow = false;
};

using Scenario = void (*)(const Setting&);

struct Registration {
    Registration(const char* name, Scenario scenario);
};

#define SCENARIO(name)                                                                                                 \
    static void name(const Setting& setting);                                                                          \
    static const Registration name##_registration(#name, name);                                                        \
    static void name([[maybe_unused]] const Setting& setting)

std::map<std::string, Scenario>& scenarios();

// --- what scenarios share -----------------------------------------------------------------------------------------

// How long something takes that must take 100 ms at most. What a busy machine adds now and then is no finding, a wait of
// ours is: the median of all rounds is judged, each single one only for hanging. Valgrind's time says nothing.
class Promptness {
public:
    explicit Promptness(const Setting& setting) : slow_(setting.slow) {}
    // One round, which began at `since`.
    void add(Clock::time_point since, const std::string& what);
    // After the last one.
    void judge(long median_ms) const;

private:
    bool slow_;
    std::vector<long> rounds_;
};

// Waits until it is so, at most ten seconds (a minute when slow).
bool eventually(const std::function<bool()>& condition);

// Whether there are as many threads as before. One that was joined has ended for its process, but the system (and an
// emulator all the more) may count it a moment longer.
bool threads_are_back(int before);

// True; fails the scenario where the text does not contain this.
bool has(const Text& text, std::u16string_view part);

// Takes a server's next event, which has to be of this kind, and gives the connection.
Value next(Object& server, const char16_t* kind, Value& data);

// A running server on a free port, and a way to its clients.
Text start_server(Object& server);
// A client and the server that it is connected to, as connection 1.
struct Pair {
    explicit Pair(const Library& library, HostKind kind = {});

    Object server;
    Object client;
    Text url;
};

// A port that accepts and then says nothing.
class SilentServer {
public:
    SilentServer();
    ~SilentServer();
    SilentServer(const SilentServer&) = delete;
    SilentServer& operator=(const SilentServer&) = delete;
    Text url() const { return u"ws://127.0.0.1:" + utf16(std::to_string(port)) + u"/"; }

private:
    long long socket;
    int port;
};

// --- what the system knows of this process: process.cpp, which other systems replace ------------------------------

long resident_kib();
int thread_count();
bool is_mapped(const std::string& library);
// A thread, and whether it has waited for something for a while.
long this_thread();
bool rests(long thread);
