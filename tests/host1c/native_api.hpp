// The interfaces of 1C:Enterprise's Native API, declared anew from their published description: the order of the
// virtual functions and the layout of a variant are what a host and an add-in agree upon.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>

#if defined(_WIN32) && !defined(_WIN64)
#define HOST_CALL __stdcall
#else
#define HOST_CALL
#endif

// 16 bits on every platform.
using WCHAR_T = char16_t;

enum VarType : std::uint16_t {
    VT_EMPTY = 0,
    VT_NULL = 1,
    VT_I2 = 2,
    VT_I4 = 3,
    VT_R4 = 4,
    VT_R8 = 5,
    VT_DATE = 6,
    VT_TM = 7,
    VT_PSTR = 8,
    VT_INTERFACE = 9,
    VT_ERROR = 10,
    VT_BOOL = 11,
    VT_VARIANT = 12,
    VT_I1 = 13,
    VT_UI1 = 14,
    VT_UI2 = 15,
    VT_UI4 = 16,
    VT_I8 = 17,
    VT_UI8 = 18,
    VT_INT = 19,
    VT_UINT = 20,
    VT_HRESULT = 21,
    VT_PWSTR = 22,
    VT_BLOB = 23,
    VT_CLSID = 24,
};

struct Variant {
    struct Narrow {
        char* data;
        std::uint32_t size;
    };
    struct Wide {
        WCHAR_T* data;
        std::uint32_t size;
    };
    union {
        std::int8_t i1;
        std::int16_t i2;
        std::int32_t i4;
        std::int64_t i8;
        std::uint8_t ui1;
        std::uint16_t ui2;
        std::uint32_t ui4;
        std::uint64_t ui8;
        int integer;
        unsigned int uinteger;
        long hresult;
        float r4;
        double r8;
        double date;
        bool boolean;
        std::tm time;
        void* pointer;
        Narrow narrow; // PSTR and BLOB
        Wide wide;     // PWSTR
        unsigned char uuid[16];
    };
    std::uint32_t elements;
    std::uint16_t type;
};

#if defined(__linux__) && defined(__x86_64__)
static_assert(sizeof(Variant) == 64 && offsetof(Variant, elements) == 56 && offsetof(Variant, type) == 60);
#elif defined(__linux__) && defined(__i386__)
static_assert(sizeof(Variant) == 52 && offsetof(Variant, elements) == 44 && offsetof(Variant, type) == 48);
#elif defined(_WIN32)
static_assert(sizeof(Variant) == 48 && offsetof(Variant, elements) == 40 && offsetof(Variant, type) == 44);
#endif
static_assert(offsetof(Variant, narrow) == 0 && offsetof(Variant::Narrow, size) == sizeof(void*));
static_assert(offsetof(Variant, wide) == 0 && offsetof(Variant::Wide, size) == sizeof(void*));

// What the add-in implements.

class IInitDoneBase {
public:
    virtual ~IInitDoneBase() = default;
    virtual bool HOST_CALL Init(void* connection) = 0;
    virtual bool HOST_CALL setMemManager(void* memory) = 0;
    virtual long HOST_CALL GetInfo() = 0;
    virtual void HOST_CALL Done() = 0;
};

class ILanguageExtenderBase {
public:
    virtual ~ILanguageExtenderBase() = default;
    virtual bool HOST_CALL RegisterExtensionAs(WCHAR_T** name) = 0;
    virtual long HOST_CALL GetNProps() = 0;
    virtual long HOST_CALL FindProp(const WCHAR_T* name) = 0;
    virtual const WCHAR_T* HOST_CALL GetPropName(long property, long alias) = 0;
    virtual bool HOST_CALL GetPropVal(long property, Variant* value) = 0;
    virtual bool HOST_CALL SetPropVal(long property, Variant* value) = 0;
    virtual bool HOST_CALL IsPropReadable(long property) = 0;
    virtual bool HOST_CALL IsPropWritable(long property) = 0;
    virtual long HOST_CALL GetNMethods() = 0;
    virtual long HOST_CALL FindMethod(const WCHAR_T* name) = 0;
    virtual const WCHAR_T* HOST_CALL GetMethodName(long method, long alias) = 0;
    virtual long HOST_CALL GetNParams(long method) = 0;
    virtual bool HOST_CALL GetParamDefValue(long method, long parameter, Variant* value) = 0;
    virtual bool HOST_CALL HasRetVal(long method) = 0;
    virtual bool HOST_CALL CallAsProc(long method, Variant* parameters, long count) = 0;
    virtual bool HOST_CALL CallAsFunc(long method, Variant* result, Variant* parameters, long count) = 0;
};

class LocaleBase {
public:
    virtual ~LocaleBase() = default;
    virtual void HOST_CALL SetLocale(const WCHAR_T* locale) = 0;
};

class UserLanguageBase {
public:
    virtual ~UserLanguageBase() = default;
    virtual void HOST_CALL SetUserInterfaceLanguageCode(const WCHAR_T* language) = 0;
};

class IComponentBase : public IInitDoneBase,
                       public ILanguageExtenderBase,
                       public LocaleBase,
                       public UserLanguageBase {
public:
    ~IComponentBase() override = default;
};

// What the host implements.

class IMemoryManager {
public:
    virtual ~IMemoryManager() = default;
    virtual bool HOST_CALL AllocMemory(void** memory, unsigned long bytes) = 0;
    virtual void HOST_CALL FreeMemory(void** memory) = 0;
};

class IAddInDefBase {
public:
    virtual ~IAddInDefBase() = default;
    virtual bool HOST_CALL AddError(unsigned short code, const WCHAR_T* source, const WCHAR_T* text, long scode) = 0;
    virtual bool HOST_CALL Read(WCHAR_T* name, Variant* value, long* code, WCHAR_T** text) = 0;
    virtual bool HOST_CALL Write(WCHAR_T* name, Variant* value) = 0;
    virtual bool HOST_CALL RegisterProfileAs(WCHAR_T* name) = 0;
    virtual bool HOST_CALL SetEventBufferDepth(long depth) = 0;
    virtual long HOST_CALL GetEventBufferDepth() = 0;
    virtual bool HOST_CALL ExternalEvent(WCHAR_T* source, WCHAR_T* event, WCHAR_T* data) = 0;
    virtual void HOST_CALL CleanEventBuffer() = 0;
    virtual bool HOST_CALL SetStatusLine(WCHAR_T* line) = 0;
    virtual void HOST_CALL ResetStatusLine() = 0;
};

struct IInterface {};

enum InterfaceKind { INTERFACE_MESSAGE_BOX = 0, INTERFACE_PLATFORM_INFO = 1 };

class IAddInDefBaseEx : public IAddInDefBase {
public:
    ~IAddInDefBaseEx() override = default;
    virtual IInterface* HOST_CALL GetInterface(InterfaceKind kind) = 0;
};

enum AppType {
    APP_UNKNOWN = -1,
    APP_THIN_CLIENT = 0,
    APP_THICK_CLIENT = 1,
    APP_WEB_CLIENT = 2,
    APP_SERVER = 3,
    APP_EXTERNAL_CONNECTION = 4,
};

// No virtual destructor here: the first slot is the function.
struct IPlatformInfo : IInterface {
    struct Info {
        const WCHAR_T* version;
        const WCHAR_T* user_agent;
        AppType application;
    };
    virtual const Info* HOST_CALL GetPlatformInfo() = 0;

protected:
    ~IPlatformInfo() = default;
};

// What the library exports.
using GetClassNamesFunction = const WCHAR_T* (*)();
using GetClassObjectFunction = long (*)(const WCHAR_T* name, IComponentBase** object);
using DestroyObjectFunction = long (*)(IComponentBase** object);
using SetPlatformCapabilitiesFunction = int (*)(int capabilities);
using GetAttachTypeFunction = int (*)();
