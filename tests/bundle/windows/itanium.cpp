// Gives the host in tests/host1c objects of its own layout, each of which stands for one of the library's: every call
// goes on through msvc.cpp.
#include "bridge.h"
#include "dlfcn.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>

// Behind the standard library, whose names it would redefine.
#include <winsock2.h>
#include <windows.h>

namespace {

int capabilities = 0;
SetPlatformCapabilitiesFunction library_set_capabilities = nullptr;

IAddInDefBase& services(void* self) { return *static_cast<IAddInDefBase*>(self); }

bool add_error(void* self, unsigned short code, const WCHAR_T* source, const WCHAR_T* text, long scode) {
    return services(self).AddError(code, source, text, scode);
}
bool set_depth(void* self, long depth) { return services(self).SetEventBufferDepth(depth); }
long get_depth(void* self) { return services(self).GetEventBufferDepth(); }
bool external_event(void* self, WCHAR_T* source, WCHAR_T* event, WCHAR_T* data) {
    return services(self).ExternalEvent(source, event, data);
}
const IPlatformInfo::Info* platform_info(void* self) {
    IInterface* found = static_cast<IAddInDefBaseEx&>(services(self)).GetInterface(INTERFACE_PLATFORM_INFO);
    return static_cast<IPlatformInfo*>(found)->GetPlatformInfo();
}
bool allocate(void* self, void** memory, unsigned long bytes) {
    return static_cast<IMemoryManager*>(self)->AllocMemory(memory, bytes);
}
void release(void* self, void** memory) { static_cast<IMemoryManager*>(self)->FreeMemory(memory); }

constexpr HostServices PLAIN = {add_error, set_depth, get_depth, external_event, nullptr};
constexpr HostServices EXTENDED = {add_error, set_depth, get_depth, external_event, platform_info};
constexpr HostMemory MEMORY = {allocate, release};

std::mutex calling_mutex;
std::set<unsigned long> calling;

// A call under way. Nothing of the object is touched after it: it may be gone.
class Call {
public:
    Call() {
        const std::lock_guard lock(calling_mutex);
        calling.insert(GetCurrentThreadId());
    }
    ~Call() {
        const std::lock_guard lock(calling_mutex);
        calling.erase(GetCurrentThreadId());
    }
};

class Proxy final : public IComponentBase {
public:
    explicit Proxy(MsvcObject* object) : object(object) {}

    // By which of the four bases `delete` was called is not known here: each has its turn.
    ~Proxy() override {
        static std::atomic<unsigned> turn{0};
        if (object != nullptr) msvc_end(object, static_cast<MsvcEnding>(turn++ % 4));
    }

    long end_by_function() {
        const long result = msvc_end(object, MSVC_FUNCTION);
        object = nullptr;
        delete this;
        return result;
    }

    bool HOST_CALL Init(void* connection) override {
        if (connection == nullptr) return msvc_init(object, nullptr, nullptr);
        return msvc_init(object, connection, capabilities >= 2 ? &EXTENDED : &PLAIN);
    }
    bool HOST_CALL setMemManager(void* memory) override {
        return msvc_set_memory(object, memory, memory == nullptr ? nullptr : &MEMORY);
    }
    long HOST_CALL GetInfo() override { return msvc_get_info(object); }
    void HOST_CALL Done() override {
        const Call call;
        msvc_done(object);
    }
    bool HOST_CALL RegisterExtensionAs(WCHAR_T** name) override { return msvc_register(object, name); }
    long HOST_CALL GetNProps() override { return msvc_property_count(object); }
    long HOST_CALL FindProp(const WCHAR_T* name) override { return msvc_find_property(object, name); }
    const WCHAR_T* HOST_CALL GetPropName(long at, long alias) override { return msvc_property_name(object, at, alias); }
    bool HOST_CALL GetPropVal(long at, Variant* value) override { return msvc_get_property(object, at, value); }
    bool HOST_CALL SetPropVal(long at, Variant* value) override {
        const Call call;
        return msvc_set_property(object, at, value);
    }
    bool HOST_CALL IsPropReadable(long at) override { return msvc_is_readable(object, at); }
    bool HOST_CALL IsPropWritable(long at) override { return msvc_is_writable(object, at); }
    long HOST_CALL GetNMethods() override { return msvc_method_count(object); }
    long HOST_CALL FindMethod(const WCHAR_T* name) override { return msvc_find_method(object, name); }
    const WCHAR_T* HOST_CALL GetMethodName(long at, long alias) override { return msvc_method_name(object, at, alias); }
    long HOST_CALL GetNParams(long at) override { return msvc_parameter_count(object, at); }
    bool HOST_CALL GetParamDefValue(long at, long parameter, Variant* value) override {
        return msvc_parameter_default(object, at, parameter, value);
    }
    bool HOST_CALL HasRetVal(long at) override { return msvc_has_result(object, at); }
    bool HOST_CALL CallAsProc(long at, Variant* parameters, long count) override {
        const Call call;
        return msvc_call_procedure(object, at, parameters, count);
    }
    bool HOST_CALL CallAsFunc(long at, Variant* result, Variant* parameters, long count) override {
        const Call call;
        return msvc_call_function(object, at, result, parameters, count);
    }
    void HOST_CALL SetLocale(const WCHAR_T* locale) override { msvc_set_locale(object, locale); }
    void HOST_CALL SetUserInterfaceLanguageCode(const WCHAR_T* language) override {
        msvc_set_language(object, language);
    }

private:
    MsvcObject* object;
};

// The exports as the host sees them.

long get_class_object(const WCHAR_T* name, IComponentBase** object) {
    if (object == nullptr) return msvc_make(name, nullptr);
    long result = 0;
    MsvcObject* made = msvc_new(name, &result);
    *object = made == nullptr ? nullptr : new Proxy(made);
    return result;
}

long destroy_object(IComponentBase** object) {
    if (object == nullptr || *object == nullptr) return msvc_destroy_object(object);
    const long result = static_cast<Proxy*>(*object)->end_by_function();
    *object = nullptr;
    return result;
}

int set_capabilities(int number) {
    capabilities = number;
    return library_set_capabilities(number);
}

template <typename F> void* address(F function) { return reinterpret_cast<void*>(function); }

// What the host sees instead of the function `found`, which the bridge calls.
template <typename F> void* between(F& slot, void* found, F instead) {
    slot = reinterpret_cast<F>(found);
    return address(instead);
}

} // namespace

bool is_inside(unsigned long thread) {
    const std::lock_guard lock(calling_mutex);
    return calling.count(thread) != 0;
}

void* dlopen(const char* path, int) {
    // Sockets of the host's own.
    static const bool sockets = [] {
        WSADATA data;
        return WSAStartup(MAKEWORD(2, 2), &data) == 0;
    }();
    capabilities = 0;
    return sockets ? LoadLibraryA(path) : nullptr;
}

void* dlsym(void* library, const char* name) {
    void* found = address(GetProcAddress(static_cast<HMODULE>(library), name));
    if (found == nullptr) return nullptr;
    if (std::strcmp(name, "GetClassObject") == 0) return between(msvc_make, found, get_class_object);
    if (std::strcmp(name, "DestroyObject") == 0) return between(msvc_destroy_object, found, destroy_object);
    if (std::strcmp(name, "SetPlatformCapabilities") == 0)
        return between(library_set_capabilities, found, set_capabilities);
    return found;
}

int dlclose(void* library) { return FreeLibrary(static_cast<HMODULE>(library)) ? 0 : -1; }

const char* dlerror() {
    static char text[64];
    wsprintfA(text, "error %d of the system", static_cast<int>(GetLastError()));
    return text;
}
