// Between the two layouts of C++ objects. The host in tests/host1c is compiled by MinGW's rules (Itanium's layout), the
// library's objects are laid out by Microsoft's. msvc.cpp is compiled by Microsoft's rules and calls the objects as
// 1C:Enterprise does; itanium.cpp gives the host objects of its own layout. Plain C functions lie between.
#pragma once

#include "../../host1c/native_api.hpp"

extern "C" {

// What the host offers to one object: it gets itself as the first argument everywhere. NULL: not offered.
struct HostMemory {
    bool (*allocate)(void* self, void** memory, unsigned long bytes);
    void (*free)(void* self, void** memory);
};

struct HostServices {
    bool (*add_error)(void* self, unsigned short code, const WCHAR_T* source, const WCHAR_T* text, long scode);
    bool (*set_depth)(void* self, long depth);
    long (*get_depth)(void* self);
    bool (*external_event)(void* self, WCHAR_T* source, WCHAR_T* event, WCHAR_T* data);
    // NULL where the host has the plain interface only.
    const IPlatformInfo::Info* (*platform_info)(void* self);
};

// The library's functions whose arguments are objects, to be set before any other call.
extern GetClassObjectFunction msvc_make;
extern DestroyObjectFunction msvc_destroy_object;

// The base through which `delete` goes, or the library's own function.
enum MsvcEnding { MSVC_INIT_DONE, MSVC_EXTENDER, MSVC_LOCALE, MSVC_LANGUAGE, MSVC_FUNCTION };

// An object of the library with what it was given; NULL when it makes none.
struct MsvcObject;
MsvcObject* msvc_new(const WCHAR_T* name, long* result);
long msvc_end(MsvcObject* object, MsvcEnding ending);

bool msvc_init(MsvcObject*, void* self, const HostServices* services);
bool msvc_set_memory(MsvcObject*, void* self, const HostMemory* memory);
long msvc_get_info(MsvcObject*);
void msvc_done(MsvcObject*);
bool msvc_register(MsvcObject*, WCHAR_T** name);
long msvc_property_count(MsvcObject*);
long msvc_find_property(MsvcObject*, const WCHAR_T* name);
const WCHAR_T* msvc_property_name(MsvcObject*, long property, long alias);
bool msvc_get_property(MsvcObject*, long property, Variant* value);
bool msvc_set_property(MsvcObject*, long property, Variant* value);
bool msvc_is_readable(MsvcObject*, long property);
bool msvc_is_writable(MsvcObject*, long property);
long msvc_method_count(MsvcObject*);
long msvc_find_method(MsvcObject*, const WCHAR_T* name);
const WCHAR_T* msvc_method_name(MsvcObject*, long method, long alias);
long msvc_parameter_count(MsvcObject*, long method);
bool msvc_parameter_default(MsvcObject*, long method, long parameter, Variant* value);
bool msvc_has_result(MsvcObject*, long method);
bool msvc_call_procedure(MsvcObject*, long method, Variant* parameters, long count);
bool msvc_call_function(MsvcObject*, long method, Variant* result, Variant* parameters, long count);
void msvc_set_locale(MsvcObject*, const WCHAR_T* locale);
void msvc_set_language(MsvcObject*, const WCHAR_T* language);

}

// Whether a thread of the host is inside a call that may wait: of a method, of Done, or of a property that is set.
bool is_inside(unsigned long thread);
