// Compiled by the rules of Microsoft's C++ (clang, -target …-windows-msvc), without its library: what is called here is
// called with the tables, destructors and calling conventions that 1C:Enterprise uses on Windows.
#include "bridge.h"

extern "C" void* malloc(std::size_t bytes);
extern "C" void free(void* memory);
extern "C" [[noreturn]] void abort(void);

// The library's own objects are ended by the library's own functions: these serve what is made here.
void* operator new(std::size_t bytes) { return malloc(bytes); }
void operator delete(void* memory) noexcept { free(memory); }
void operator delete(void* memory, std::size_t) noexcept { free(memory); }

// What Microsoft's C++ library would bring.
extern "C" int _fltused = 0;
extern "C" int _purecall(void) { abort(); }

GetClassObjectFunction msvc_make = nullptr;
DestroyObjectFunction msvc_destroy_object = nullptr;

namespace {

class Memory final : public IMemoryManager {
public:
    void* self = nullptr;
    const HostMemory* host = nullptr;
    bool HOST_CALL AllocMemory(void** memory, unsigned long bytes) override { return host->allocate(self, memory, bytes); }
    void HOST_CALL FreeMemory(void** memory) override { host->free(self, memory); }
};

class Platform final : public IPlatformInfo {
public:
    void* self = nullptr;
    const HostServices* host = nullptr;
    const Info* HOST_CALL GetPlatformInfo() override { return host->platform_info(self); }
};

// The plain interface ends before GetInterface; whoever calls it there is found out.
template <typename Base> class Services : public Base {
public:
    void* self = nullptr;
    const HostServices* host = nullptr;
    bool HOST_CALL AddError(unsigned short code, const WCHAR_T* source, const WCHAR_T* text, long scode) override {
        return host->add_error(self, code, source, text, scode);
    }
    bool HOST_CALL Read(WCHAR_T*, Variant*, long*, WCHAR_T**) override { abort(); }
    bool HOST_CALL Write(WCHAR_T*, Variant*) override { abort(); }
    bool HOST_CALL RegisterProfileAs(WCHAR_T*) override { abort(); }
    bool HOST_CALL SetEventBufferDepth(long depth) override { return host->set_depth(self, depth); }
    long HOST_CALL GetEventBufferDepth() override { return host->get_depth(self); }
    bool HOST_CALL ExternalEvent(WCHAR_T* source, WCHAR_T* event, WCHAR_T* data) override {
        return host->external_event(self, source, event, data);
    }
    void HOST_CALL CleanEventBuffer() override { abort(); }
    bool HOST_CALL SetStatusLine(WCHAR_T*) override { abort(); }
    void HOST_CALL ResetStatusLine() override { abort(); }
};

class Plain final : public Services<IAddInDefBase> {
public:
    virtual IInterface* HOST_CALL trap(InterfaceKind) { abort(); }
};

class Extended final : public Services<IAddInDefBaseEx> {
public:
    Platform platform;
    IInterface* HOST_CALL GetInterface(InterfaceKind kind) override {
        return kind == INTERFACE_PLATFORM_INFO ? static_cast<IPlatformInfo*>(&platform) : nullptr;
    }
};

} // namespace

struct MsvcObject {
    IComponentBase* object = nullptr;
    Memory memory;
    Plain plain;
    Extended extended;
};

MsvcObject* msvc_new(const WCHAR_T* name, long* result) {
    IComponentBase* made = nullptr;
    *result = msvc_make(name, &made);
    if (made == nullptr) return nullptr;
    auto* object = new MsvcObject;
    object->object = made;
    return object;
}

long msvc_end(MsvcObject* object, MsvcEnding ending) {
    long result = 0;
    IComponentBase* component = object->object;
    switch (ending) {
    case MSVC_INIT_DONE: delete static_cast<IInitDoneBase*>(component); break;
    case MSVC_EXTENDER: delete static_cast<ILanguageExtenderBase*>(component); break;
    case MSVC_LOCALE: delete static_cast<LocaleBase*>(component); break;
    case MSVC_LANGUAGE: delete static_cast<UserLanguageBase*>(component); break;
    case MSVC_FUNCTION:
        result = msvc_destroy_object(&component);
        if (component != nullptr) abort();
        break;
    }
    delete object;
    return result;
}

bool msvc_init(MsvcObject* object, void* self, const HostServices* services) {
    if (services == nullptr) return object->object->Init(nullptr);
    if (services->platform_info == nullptr) {
        object->plain.self = self;
        object->plain.host = services;
        return object->object->Init(static_cast<IAddInDefBase*>(&object->plain));
    }
    object->extended.self = object->extended.platform.self = self;
    object->extended.host = object->extended.platform.host = services;
    return object->object->Init(static_cast<IAddInDefBaseEx*>(&object->extended));
}

bool msvc_set_memory(MsvcObject* object, void* self, const HostMemory* memory) {
    if (memory == nullptr) return object->object->setMemManager(nullptr);
    object->memory.self = self;
    object->memory.host = memory;
    return object->object->setMemManager(static_cast<IMemoryManager*>(&object->memory));
}

long msvc_get_info(MsvcObject* o) { return o->object->GetInfo(); }
void msvc_done(MsvcObject* o) { o->object->Done(); }
bool msvc_register(MsvcObject* o, WCHAR_T** name) { return o->object->RegisterExtensionAs(name); }
long msvc_property_count(MsvcObject* o) { return o->object->GetNProps(); }
long msvc_find_property(MsvcObject* o, const WCHAR_T* name) { return o->object->FindProp(name); }
const WCHAR_T* msvc_property_name(MsvcObject* o, long at, long alias) { return o->object->GetPropName(at, alias); }
bool msvc_get_property(MsvcObject* o, long at, Variant* value) { return o->object->GetPropVal(at, value); }
bool msvc_set_property(MsvcObject* o, long at, Variant* value) { return o->object->SetPropVal(at, value); }
bool msvc_is_readable(MsvcObject* o, long at) { return o->object->IsPropReadable(at); }
bool msvc_is_writable(MsvcObject* o, long at) { return o->object->IsPropWritable(at); }
long msvc_method_count(MsvcObject* o) { return o->object->GetNMethods(); }
long msvc_find_method(MsvcObject* o, const WCHAR_T* name) { return o->object->FindMethod(name); }
const WCHAR_T* msvc_method_name(MsvcObject* o, long at, long alias) { return o->object->GetMethodName(at, alias); }
long msvc_parameter_count(MsvcObject* o, long at) { return o->object->GetNParams(at); }
bool msvc_parameter_default(MsvcObject* o, long at, long parameter, Variant* value) {
    return o->object->GetParamDefValue(at, parameter, value);
}
bool msvc_has_result(MsvcObject* o, long at) { return o->object->HasRetVal(at); }
bool msvc_call_procedure(MsvcObject* o, long at, Variant* parameters, long count) {
    return o->object->CallAsProc(at, parameters, count);
}
bool msvc_call_function(MsvcObject* o, long at, Variant* result, Variant* parameters, long count) {
    return o->object->CallAsFunc(at, result, parameters, count);
}
void msvc_set_locale(MsvcObject* o, const WCHAR_T* locale) { o->object->SetLocale(locale); }
void msvc_set_language(MsvcObject* o, const WCHAR_T* language) { o->object->SetUserInterfaceLanguageCode(language); }
