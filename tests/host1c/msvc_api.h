/*
 * The interfaces of 1C:Enterprise's Native API as Microsoft's C++ lays them out, in C: each object begins with a
 * pointer to its table; a table begins with one destructor, which takes flags; methods are __stdcall, and on x86 the
 * destructor is __thiscall. MinGW's C++ would lay the tables out otherwise, so a host in C stands in for 1C here.
 */
#ifndef MSVC_API_H
#define MSVC_API_H

#include <stdint.h>
#include <time.h>

#ifdef __i386__
#define METHOD __attribute__((stdcall))
#define DESTRUCTOR __attribute__((thiscall))
#else
#define METHOD
#define DESTRUCTOR
#endif

typedef unsigned short symbol;

enum { VT_EMPTY_ = 0, VT_I4_ = 3, VT_R8_ = 5, VT_BOOL_ = 11, VT_PWSTR_ = 22, VT_BLOB_ = 23 };

struct variant {
    union {
        int32_t number;
        double real;
        _Bool truth;
        struct {
            void *data;
            uint32_t size;
        } buffer;
        struct tm time;
        int64_t widest;
    } as;
    uint32_t elements;
    uint16_t type;
};

_Static_assert(sizeof(struct variant) == 48, "as Microsoft's compiler has it");

/* The four bases of the add-in's object, one pointer apart. */
struct init_done {
    const struct {
        void *(DESTRUCTOR *destroy)(void *self, unsigned flags);
        _Bool(METHOD *init)(void *self, void *connection);
        _Bool(METHOD *set_memory_manager)(void *self, void *memory);
        long(METHOD *get_info)(void *self);
        void(METHOD *done)(void *self);
    } *table;
};

struct extender {
    const struct {
        void *(DESTRUCTOR *destroy)(void *self, unsigned flags);
        _Bool(METHOD *register_as)(void *self, symbol **name);
        long(METHOD *property_count)(void *self);
        long(METHOD *find_property)(void *self, const symbol *name);
        const symbol *(METHOD *property_name)(void *self, long property, long alias);
        _Bool(METHOD *get_property)(void *self, long property, struct variant *value);
        _Bool(METHOD *set_property)(void *self, long property, struct variant *value);
        _Bool(METHOD *is_readable)(void *self, long property);
        _Bool(METHOD *is_writable)(void *self, long property);
        long(METHOD *method_count)(void *self);
        long(METHOD *find_method)(void *self, const symbol *name);
        const symbol *(METHOD *method_name)(void *self, long method, long alias);
        long(METHOD *parameter_count)(void *self, long method);
        _Bool(METHOD *parameter_default)(void *self, long method, long parameter, struct variant *value);
        _Bool(METHOD *has_result)(void *self, long method);
        _Bool(METHOD *call_as_procedure)(void *self, long method, struct variant *parameters, long count);
        _Bool(METHOD *call_as_function)(void *self, long method, struct variant *result, struct variant *parameters,
                                        long count);
    } *table;
};

struct locale {
    const struct {
        void *(DESTRUCTOR *destroy)(void *self, unsigned flags);
        void(METHOD *set_locale)(void *self, const symbol *locale);
    } *table;
};

struct component {
    struct init_done init_done;
    struct extender extender;
    struct locale locale;
    struct locale user_language;
};

/* What the host implements. */
struct memory_manager {
    const struct {
        void *(DESTRUCTOR *destroy)(void *self, unsigned flags);
        _Bool(METHOD *allocate)(void *self, void **memory, unsigned long bytes);
        void(METHOD *free)(void *self, void **memory);
    } *table;
};

struct services {
    const struct {
        void *(DESTRUCTOR *destroy)(void *self, unsigned flags);
        _Bool(METHOD *add_error)(void *self, unsigned short code, const symbol *source, const symbol *text, long scode);
        _Bool(METHOD *read)(void *self, symbol *name, struct variant *value, long *code, symbol **text);
        _Bool(METHOD *write)(void *self, symbol *name, struct variant *value);
        _Bool(METHOD *register_profile)(void *self, symbol *name);
        _Bool(METHOD *set_event_depth)(void *self, long depth);
        long(METHOD *get_event_depth)(void *self);
        _Bool(METHOD *external_event)(void *self, symbol *source, symbol *event, symbol *data);
        void(METHOD *clean_events)(void *self);
        _Bool(METHOD *set_status)(void *self, symbol *line);
        void(METHOD *reset_status)(void *self);
    } *table;
};

#endif
