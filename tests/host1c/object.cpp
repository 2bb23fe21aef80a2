#include "host.hpp"

#include <climits>
#include <cmath>
#include <cstring>
#include <dlfcn.h>

// --- the library --------------------------------------------------------------------------------------------------

Library::Library(const std::string& path, int capabilities) : handle(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    CHECK_SAYS(handle != nullptr, dlerror());
    class_names = function<GetClassNamesFunction>("GetClassNames");
    class_object = function<GetClassObjectFunction>("GetClassObject");
    destroy_object = function<DestroyObjectFunction>("DestroyObject");
    set_capabilities = function<SetPlatformCapabilitiesFunction>("SetPlatformCapabilities");
    attach_type = function<GetAttachTypeFunction>("GetAttachType");
    if (capabilities != 0) CHECK(set_capabilities(capabilities) == 3);
    CHECK(attach_type() == 3);
    CHECK(Text(class_names()) == u"Client|Server");
}

Library::~Library() { CHECK(dlclose(handle) == 0); }

void* Library::symbol(const char* name) const {
    void* found = dlsym(handle, name);
    CHECK_SAYS(found != nullptr, name);
    return found;
}

// --- objects ------------------------------------------------------------------------------------------------------

Object::Object(const Library& library, const char16_t* name, HostKind kind, Order order)
    : connection(kind), library(library) {
    CHECK(library.class_object(name, &component) != 0);
    CHECK(component != nullptr);
    const auto init = [&] { CHECK(component->Init(connection.interface())); };
    const auto give_memory = [&] { CHECK(component->setMemManager(&memory)); };
    if (order == Order::INIT_FIRST) {
        init();
        give_memory();
    } else {
        give_memory();
        init();
    }
    CHECK(component->GetInfo() == 2000);
    WCHAR_T* extension = nullptr;
    CHECK(component->RegisterExtensionAs(&extension));
    const Text registered = take_name(extension);
    CHECK_SAYS(registered == u"Client" || registered == u"Server", utf8(registered));
}

Object::~Object() { destroy(); }

void Object::destroy(Ending ending, int done) {
    if (component == nullptr) return;
    for (int time = 0; time < done; ++time) {
        component->Done();
        connection.close();
    }
    switch (ending) {
    case Ending::DESTROY_OBJECT:
        CHECK(library.destroy_object(&component) == 0);
        CHECK(component == nullptr);
        break;
    case Ending::DELETE: delete component; break;
    case Ending::DELETE_EXTENDER: delete static_cast<ILanguageExtenderBase*>(component); break;
    case Ending::DELETE_LOCALE: delete static_cast<LocaleBase*>(component); break;
    case Ending::DELETE_LANGUAGE: delete static_cast<UserLanguageBase*>(component); break;
    }
    component = nullptr;
    connection.close();
}

Variant Object::to_variant(const Value& value) {
    Variant variant;
    std::memset(&variant, 0, sizeof variant);
    switch (value.kind) {
    case Value::UNDEFINED: break;
    case Value::BOOLEAN:
        variant.type = VT_BOOL;
        variant.boolean = value.boolean;
        break;
    case Value::NUMBER:
        if (value.number == std::trunc(value.number) && std::abs(value.number) <= INT_MAX) {
            variant.type = VT_I4;
            variant.i4 = static_cast<std::int32_t>(value.number);
        } else {
            variant.type = VT_R8;
            variant.r8 = value.number;
        }
        break;
    case Value::STRING:
        variant.type = VT_PWSTR;
        variant.wide.size = static_cast<std::uint32_t>(value.string.size());
        variant.wide.data = static_cast<WCHAR_T*>(memory.for_host((value.string.size() + 1) * sizeof(WCHAR_T)));
        std::memcpy(variant.wide.data, value.string.c_str(), (value.string.size() + 1) * sizeof(WCHAR_T));
        break;
    case Value::BINARY:
        variant.type = VT_BLOB;
        variant.narrow.size = static_cast<std::uint32_t>(value.binary.size());
        variant.narrow.data = static_cast<char*>(memory.for_host(value.binary.size()));
        if (!value.binary.empty()) std::memcpy(variant.narrow.data, value.binary.data(), value.binary.size());
        break;
    }
    return variant;
}

void Object::release(Variant& variant) {
    if (variant.type == VT_PWSTR || variant.type == VT_PSTR || variant.type == VT_BLOB)
        memory.FreeMemory(reinterpret_cast<void**>(&variant.pointer));
    std::memset(&variant, 0, sizeof variant);
}

Value Object::take(Variant& variant) {
    Value value;
    switch (variant.type) {
    case VT_EMPTY: break;
    case VT_BOOL: value = variant.boolean; break;
    case VT_I4: value = static_cast<long>(variant.i4); break;
    case VT_R8: value = variant.r8; break;
    case VT_PWSTR:
        CHECK(variant.wide.data != nullptr || variant.wide.size == 0);
        value = Text(variant.wide.data == nullptr ? u"" : variant.wide.data, variant.wide.size);
        break;
    case VT_BLOB:
        CHECK(variant.narrow.data != nullptr || variant.narrow.size == 0);
        value = Bytes(variant.narrow.data, variant.narrow.data + variant.narrow.size);
        break;
    default: fail(__FILE__, __LINE__, "a type that a script knows, not " + std::to_string(variant.type));
    }
    release(variant);
    return value;
}

Text Object::take_name(const WCHAR_T* name) {
    CHECK(name != nullptr);
    Text text = name;
    void* piece = const_cast<WCHAR_T*>(name);
    memory.FreeMemory(&piece);
    return text;
}

void Object::raise(const char16_t* where) {
    const std::vector<Complaint> complaints = connection.take_complaints();
    CHECK_SAYS(complaints.size() == 1, utf8(where) + " failed with " + std::to_string(complaints.size()) + " errors");
    // Without an exception code the script would go on as if nothing had happened.
    CHECK(complaints[0].code == 1006 && complaints[0].scode != 0);
    CHECK(!complaints[0].source.empty() && !complaints[0].text.empty());
    throw ScriptError(complaints[0].text);
}

long Object::method(const char16_t* name) {
    const long found = component->FindMethod(name);
    if (found < 0) throw ScriptError(Text(u"Метод объекта не обнаружен (") + name + u")");
    return found;
}

long Object::property(const char16_t* name) {
    const long found = component->FindProp(name);
    if (found < 0) throw ScriptError(Text(u"Поле объекта не обнаружено (") + name + u")");
    return found;
}

Value Object::invoke(const char16_t* name, std::vector<Parameter>& parameters, Manner manner) {
    const long number = method(name);
    const long count = component->GetNParams(number);
    if (manner == Manner::FUNCTION && !component->HasRetVal(number))
        throw ScriptError(Text(u"Использование процедуры в качестве функции (") + name + u")");
    if (static_cast<long>(parameters.size()) > count) throw ScriptError(u"Слишком много фактических параметров");
    std::vector<Variant> variants(static_cast<std::size_t>(count));
    for (std::size_t at = 0; at < variants.size(); ++at) {
        std::memset(&variants[at], 0, sizeof(Variant));
        if (at < parameters.size()) {
            variants[at] = to_variant(parameters[at].value);
            continue;
        }
        const bool has_default = component->GetParamDefValue(number, static_cast<long>(at), &variants[at]);
        if (!has_default || variants[at].type == VT_EMPTY) {
            for (Variant& variant : variants) release(variant);
            throw ScriptError(u"Недостаточно фактических параметров");
        }
    }
    Variant result;
    std::memset(&result, 0, sizeof result);
    Variant* array = variants.empty() ? nullptr : variants.data();
    const bool as_function = manner == Manner::FUNCTION || (manner == Manner::SCRIPT && component->HasRetVal(number));
    const bool done = as_function ? component->CallAsFunc(number, &result, array, count)
                                  : component->CallAsProc(number, array, count);
    for (std::size_t at = 0; at < variants.size(); ++at) {
        const bool variable = at < parameters.size() && parameters[at].variable != nullptr;
        const Value after = take(variants[at]);
        if (done && variable) {
            *parameters[at].variable = after;
        } else if (at < parameters.size()) {
            CHECK_SAYS(after == parameters[at].value, utf8(name) + " changed a parameter: " + after.show());
        }
    }
    if (!done) {
        release(result);
        raise(name);
    }
    CHECK_SAYS(connection.take_complaints().empty(), utf8(name) + " succeeded with an error");
    return take(result);
}

Value Object::call(const char16_t* name, std::vector<Parameter> parameters) {
    return invoke(name, parameters, Manner::SCRIPT);
}

Value Object::call_as(Manner manner, const char16_t* name, std::vector<Parameter> parameters) {
    return invoke(name, parameters, manner);
}

Text Object::refused(const char16_t* name, std::vector<Parameter> parameters) {
    try {
        const Value result = invoke(name, parameters, Manner::SCRIPT);
        fail(__FILE__, __LINE__, utf8(name) + " to fail, it gave " + result.show());
    } catch (const ScriptError& error) {
        return error.text;
    }
}

Value Object::get(const char16_t* name) {
    const long number = property(name);
    CHECK(component->IsPropReadable(number));
    Variant variant;
    std::memset(&variant, 0, sizeof variant);
    if (!component->GetPropVal(number, &variant)) raise(name);
    return take(variant);
}

void Object::set(const char16_t* name, const Value& value) {
    const long number = property(name);
    if (!component->IsPropWritable(number)) throw ScriptError(Text(u"Поле объекта недоступно для записи (") + name + u")");
    Variant variant = to_variant(value);
    const bool done = component->SetPropVal(number, &variant);
    CHECK(take(variant) == value);
    if (!done) raise(name);
    CHECK(connection.take_complaints().empty());
}

Text Object::refused_set(const char16_t* name, const Value& value) {
    try {
        set(name, value);
        fail(__FILE__, __LINE__, utf8(name) + " to refuse " + value.show());
    } catch (const ScriptError& error) {
        return error.text;
    }
}

void Object::locale(const char16_t* name) { component->SetLocale(name); }

void Object::language(const char16_t* code) { component->SetUserInterfaceLanguageCode(code); }
