#include "host.hpp"

#include <cstdlib>
#include <cstring>
#include <utility>

// --- memory -------------------------------------------------------------------------------------------------------

namespace {

constexpr unsigned char GUARD = 0xA5;
constexpr std::size_t GUARD_SIZE = 16;

// Before each piece: its size and a guard, together a multiple of 16 so that the piece stays aligned.
struct Head {
    std::size_t size;
    unsigned char guard[GUARD_SIZE - sizeof(std::size_t)];
};

bool intact(const unsigned char* guard, std::size_t size) {
    for (std::size_t at = 0; at < size; ++at)
        if (guard[at] != GUARD) return false;
    return true;
}

} // namespace

Memory::~Memory() {
    CHECK_SAYS(pieces.empty(), std::to_string(pieces.size()) + " pieces of the host's memory were not freed");
}

void* Memory::make(std::size_t bytes) {
    auto* raw = static_cast<unsigned char*>(std::malloc(sizeof(Head) + bytes + GUARD_SIZE));
    CHECK(raw != nullptr);
    Head head;
    head.size = bytes;
    std::memset(head.guard, GUARD, sizeof head.guard);
    std::memcpy(raw, &head, sizeof head);
    std::memset(raw + sizeof(Head) + bytes, GUARD, GUARD_SIZE);
    const std::lock_guard lock(mutex);
    pieces.insert(raw + sizeof(Head));
    return raw + sizeof(Head);
}

void* Memory::for_host(std::size_t bytes) { return make(bytes); }

bool Memory::AllocMemory(void** memory, unsigned long bytes) {
    CHECK(memory != nullptr);
    ++count;
    if (countdown > 0 && --countdown == 0) {
        ++failures;
        // As left behind by a host that does not tidy up: whoever trusts it is found out.
        *memory = nullptr;
        return false;
    }
    *memory = make(bytes);
    return true;
}

void Memory::FreeMemory(void** memory) {
    CHECK(memory != nullptr);
    if (*memory == nullptr) return;
    {
        const std::lock_guard lock(mutex);
        CHECK_SAYS(pieces.erase(*memory) == 1, "freed twice, or not the host's memory");
    }
    auto* raw = static_cast<unsigned char*>(*memory) - sizeof(Head);
    Head head;
    std::memcpy(&head, raw, sizeof head);
    CHECK_SAYS(intact(head.guard, sizeof head.guard), "written before a piece of memory");
    CHECK_SAYS(intact(raw + sizeof(Head) + head.size, GUARD_SIZE), "written behind a piece of memory");
    std::memset(raw, 0xDD, sizeof(Head) + head.size);
    std::free(raw);
    *memory = nullptr;
}

std::size_t Memory::in_use() {
    const std::lock_guard lock(mutex);
    return pieces.size();
}

// --- the connection -----------------------------------------------------------------------------------------------

// The functions are the same; only the plain one ends before GetInterface.
template <typename Base> class Connection::Calls : public Base {
public:
    explicit Calls(Connection& owner) : owner(owner) {}

    bool HOST_CALL AddError(unsigned short code, const WCHAR_T* source, const WCHAR_T* text, long scode) override {
        return owner.add_error(code, source, text, scode);
    }
    bool HOST_CALL Read(WCHAR_T*, Variant*, long*, WCHAR_T**) override { return owner.called(), false; }
    bool HOST_CALL Write(WCHAR_T*, Variant*) override { return owner.called(), false; }
    bool HOST_CALL RegisterProfileAs(WCHAR_T*) override { return owner.called(), false; }
    bool HOST_CALL SetEventBufferDepth(long depth) override {
        owner.called();
        owner.act(owner.on_depth);
        owner.buffer_depth = depth;
        return true;
    }
    long HOST_CALL GetEventBufferDepth() override { return owner.called(), owner.buffer_depth.load(); }
    bool HOST_CALL ExternalEvent(WCHAR_T* source, WCHAR_T* event, WCHAR_T* data) override {
        return owner.external_event(source, event, data);
    }
    void HOST_CALL CleanEventBuffer() override { owner.called(); }
    bool HOST_CALL SetStatusLine(WCHAR_T*) override { return owner.called(), true; }
    void HOST_CALL ResetStatusLine() override { owner.called(); }

protected:
    Connection& owner;
};

class Connection::Plain final : public Calls<IAddInDefBase> {
public:
    using Calls::Calls;
    // Where the bigger interface has GetInterface: an old host has nothing good there.
    virtual IInterface* HOST_CALL trap(InterfaceKind) {
        fail(__FILE__, __LINE__, "no call of GetInterface on a host that does not have it");
    }
};

class Connection::Extended final : public Calls<IAddInDefBaseEx> {
public:
    using Calls::Calls;
    IInterface* HOST_CALL GetInterface(InterfaceKind kind) override {
        owner.called();
        return kind == INTERFACE_PLATFORM_INFO ? static_cast<IPlatformInfo*>(&owner) : nullptr;
    }
};

Connection::Connection(HostKind kind) : kind(kind), info{u"8.3.27.1234", u"", kind.application} {
    if (kind.extended) {
        face = new Extended(*this);
    } else {
        face = new Plain(*this);
    }
}

Connection::~Connection() {
    CHECK_SAYS(!disturbed(), "the host was called after Done");
    delete face;
}

void* Connection::interface() {
    // A component casts it back to the interface that it knows.
    return kind.extended ? static_cast<void*>(static_cast<IAddInDefBaseEx*>(static_cast<Extended*>(face))) : face;
}

const IPlatformInfo::Info* Connection::GetPlatformInfo() {
    called();
    return &info;
}

void Connection::called() {
    if (closed) ++late_calls;
}

void Connection::act(const std::function<void()>& action) {
    if (!action) return;
    const auto me = std::this_thread::get_id();
    {
        const std::lock_guard lock(mutex);
        inside.insert(me);
    }
    action();
    const std::lock_guard lock(mutex);
    inside.erase(inside.find(me));
}

void Connection::close() {
    const std::lock_guard lock(mutex);
    closed = true;
    if (inside.size() > inside.count(std::this_thread::get_id())) ++late_calls;
}

bool Connection::add_error(unsigned short code, const WCHAR_T* source, const WCHAR_T* text, long scode) {
    called();
    CHECK(source != nullptr && text != nullptr);
    act(on_error);
    const std::lock_guard lock(mutex);
    complaints[std::this_thread::get_id()].push_back({code, source, text, scode});
    return true;
}

bool Connection::external_event(const WCHAR_T* source, const WCHAR_T* event, const WCHAR_T* data) {
    called();
    CHECK(source != nullptr && event != nullptr && data != nullptr);
    act(on_event);
    const std::lock_guard lock(mutex);
    if (room > 0 && occupied >= room) {
        ++refusals;
        return false;
    }
    ++occupied;
    events.push_back({source, event, data});
    changed.notify_all();
    return true;
}

std::vector<Complaint> Connection::take_complaints() {
    const std::lock_guard lock(mutex);
    auto node = complaints.extract(std::this_thread::get_id());
    return node.empty() ? std::vector<Complaint>{} : std::move(node.mapped());
}

std::vector<Event> Connection::take_events() {
    const std::lock_guard lock(mutex);
    return std::exchange(events, {});
}

std::size_t Connection::event_count() {
    const std::lock_guard lock(mutex);
    return events.size();
}

bool Connection::wait_events(std::size_t number, long milliseconds) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::milliseconds(milliseconds), [&] { return events.size() >= number; });
}

void Connection::limit_events(long limit) {
    const std::lock_guard lock(mutex);
    room = limit;
    occupied = 0;
}

std::size_t Connection::drain() {
    const std::lock_guard lock(mutex);
    occupied = 0;
    return events.size();
}
