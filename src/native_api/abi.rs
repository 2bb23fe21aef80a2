//! What the host sees of an object: four C++ base subobjects, one pointer apart, each with its table of functions.
//!
//! The tables follow the C++ ABI of the platform: two destructor slots with Itanium's (complete, deleting), one with
//! Microsoft's (scalar deleting, `thiscall`). Methods are `__stdcall` on 32-bit Windows and plain C elsewhere. Raw
//! pointers from the host die here and in `host` and `variant`.

use super::component::Addin;
use super::variant::Variant;
use crate::library;
use std::ffi::{c_long, c_void};
use std::sync::Arc;

/// The object behind the host's pointer. The host has a pointer to the first field; a method of another base gets a
/// pointer to that base's field.
#[repr(C)]
pub(super) struct Object {
    pub(super) init_done: *const InitDone,
    pub(super) extender: *const Extender,
    pub(super) locale: *const Locale,
    pub(super) user_language: *const UserLanguage,
    addin: Arc<dyn Addin>,
}

impl Object {
    /// A new object for the host, which ends with [`destroy`].
    pub fn boxed(addin: Arc<dyn Addin>) -> *mut Object {
        Box::into_raw(Box::new(Object {
            init_done: &raw const INIT_DONE.table,
            extender: &raw const EXTENDER.table,
            locale: &raw const LOCALE.table,
            user_language: &raw const USER_LANGUAGE.table,
            addin,
        }))
    }
}

/// Ends an object: refuses new calls, waits for those inside, closes its connections, frees its memory.
///
/// # Safety
/// `object` comes from [`Object::boxed`] and is not used by anybody afterwards.
pub(super) unsafe fn destroy(object: *mut Object) {
    if library::is_forked() {
        // What it is made of belongs to threads that are not here.
        return;
    }
    // SAFETY: live until the end of this function by the caller's promise.
    let addin = unsafe { (*object).addin.clone() };
    addin.destroy();
    // SAFETY: every call has left; those that are about to return hold the add-in by their own Arc.
    drop(unsafe { Box::from_raw(object) });
}

/// The add-in of the object whose base number `BASE` is at `this`.
///
/// # Safety
/// `this` points to that field of a live [`Object`].
unsafe fn addin<const BASE: usize>(this: *mut c_void) -> Arc<dyn Addin> {
    // SAFETY: the bases are one pointer apart, the object begins with the first; the caller promises the rest. The
    // Arc keeps the add-in whole while the call is inside, even if the object is destroyed meanwhile.
    unsafe { (*this.cast::<*const c_void>().sub(BASE).cast::<Object>()).addin.clone() }
}

/// The border of a method: a NULL object gives `otherwise`, and so does a panic.
///
/// # Safety
/// `this` is NULL or points to base number `BASE` of a live [`Object`].
unsafe fn shield<const BASE: usize, R: Copy>(this: *mut c_void, otherwise: R, body: impl FnOnce(&dyn Addin) -> R) -> R {
    if this.is_null() {
        return otherwise;
    }
    library::border(otherwise, || {
        // SAFETY: the caller's promise.
        let addin = unsafe { addin::<BASE>(this) };
        if library::is_forked() {
            // Without the gate, where a thread of the parent may have been the last to leave.
            return body(&*addin);
        }
        addin.enter().map_or(otherwise, |_inside| body(&*addin))
    })
}

/// What `delete` does.
///
/// # Safety
/// As for [`shield`]; the object is not used afterwards.
unsafe fn delete<const BASE: usize>(this: *mut c_void) {
    if this.is_null() {
        return;
    }
    // SAFETY: the bases are one pointer apart.
    let object = unsafe { this.cast::<*const c_void>().sub(BASE).cast::<Object>() };
    // SAFETY: the caller's promise.
    library::border((), || unsafe { destroy(object) });
}

/// The destructor slots at the head of each table.
#[cfg(not(windows))]
#[repr(C)]
pub(super) struct Destructors {
    complete: unsafe extern "C-unwind" fn(*mut c_void),
    pub(super) deleting: unsafe extern "C-unwind" fn(*mut c_void),
}

#[cfg(not(windows))]
const fn destructors<const BASE: usize>() -> Destructors {
    /// Called where the memory is the caller's: there is no such case for our objects.
    unsafe extern "C-unwind" fn complete(_: *mut c_void) {}
    unsafe extern "C-unwind" fn deleting<const BASE: usize>(this: *mut c_void) {
        // SAFETY: the host deletes its object.
        unsafe { delete::<BASE>(this) };
    }
    Destructors { complete, deleting: deleting::<BASE> }
}

#[cfg(windows)]
#[repr(C)]
pub(super) struct Destructors {
    #[cfg(target_arch = "x86")]
    scalar_deleting: unsafe extern "thiscall-unwind" fn(*mut c_void, u32) -> *mut c_void,
    #[cfg(not(target_arch = "x86"))]
    scalar_deleting: unsafe extern "C-unwind" fn(*mut c_void, u32) -> *mut c_void,
}

/// Bit 0 of Microsoft's flags asks to free the memory.
#[cfg(windows)]
const fn destructors<const BASE: usize>() -> Destructors {
    #[cfg(target_arch = "x86")]
    unsafe extern "thiscall-unwind" fn scalar_deleting<const BASE: usize>(
        this: *mut c_void,
        flags: u32,
    ) -> *mut c_void {
        if flags & 1 != 0 {
            // SAFETY: the host deletes its object.
            unsafe { delete::<BASE>(this) };
        }
        this
    }
    #[cfg(not(target_arch = "x86"))]
    unsafe extern "C-unwind" fn scalar_deleting<const BASE: usize>(this: *mut c_void, flags: u32) -> *mut c_void {
        if flags & 1 != 0 {
            // SAFETY: the host deletes its object.
            unsafe { delete::<BASE>(this) };
        }
        this
    }
    Destructors { scalar_deleting: scalar_deleting::<BASE> }
}

/// What Itanium puts before a table: where the whole object begins, and no type information.
#[repr(C)]
struct Headed<T> {
    offset_to_top: isize,
    type_info: usize,
    table: T,
}

const fn headed<T>(base: isize, table: T) -> Headed<T> {
    Headed { offset_to_top: -base * size_of::<*const c_void>() as isize, type_info: 0, table }
}

/// Declares a table of methods and its functions: the fields, their types and the thunks from one list.
macro_rules! table {
    ($table:ident, $instance:ident, $base:literal: $(
        fn $method:ident($addin:ident $(, $arg:ident: $type:ty)*) -> $result:ty, otherwise $otherwise:expr, $body:expr;
    )*) => {
        #[repr(C)]
        pub(super) struct $table {
            pub(super) destructors: Destructors,
            $(pub(super) $method: unsafe extern "system-unwind" fn(*mut c_void $(, $type)*) -> $result,)*
        }

        static $instance: Headed<$table> = {
            $(unsafe extern "system-unwind" fn $method(this: *mut c_void $(, $arg: $type)*) -> $result {
                // SAFETY: the host calls a method of its live object, with pointers as the interface demands them;
                // each is checked for NULL where it is used.
                unsafe { shield::<$base, $result>(this, $otherwise, |$addin| $body) }
            })*
            headed($base, $table { destructors: destructors::<$base>(), $($method,)* })
        };
    };
}

table! { InitDone, INIT_DONE, 0:
    fn init(addin, connection: *mut c_void) -> bool, otherwise false, addin.init(connection);
    fn set_mem_manager(addin, memory: *mut c_void) -> bool, otherwise false, addin.set_memory(memory);
    fn get_info(_addin) -> c_long, otherwise 2000, 2000;
    fn done(addin) -> (), otherwise (), addin.done();
}

table! { Extender, EXTENDER, 1:
    fn register_extension_as(addin, name: *mut *mut u16) -> bool, otherwise false, addin.register(name);
    fn get_n_props(addin) -> c_long, otherwise 0, addin.property_count();
    fn find_prop(addin, name: *const u16) -> c_long, otherwise -1, addin.find_property(name);
    fn get_prop_name(addin, index: c_long, alias: c_long) -> *const u16, otherwise std::ptr::null(),
        addin.property_name(index, alias);
    fn get_prop_val(addin, index: c_long, value: *mut Variant) -> bool, otherwise false,
        addin.get_property(index, value);
    fn set_prop_val(addin, index: c_long, value: *mut Variant) -> bool, otherwise false,
        addin.set_property(index, value);
    fn is_prop_readable(addin, index: c_long) -> bool, otherwise false, addin.is_readable(index);
    fn is_prop_writable(addin, index: c_long) -> bool, otherwise false, addin.is_writable(index);
    fn get_n_methods(addin) -> c_long, otherwise 0, addin.method_count();
    fn find_method(addin, name: *const u16) -> c_long, otherwise -1, addin.find_method(name);
    fn get_method_name(addin, index: c_long, alias: c_long) -> *const u16, otherwise std::ptr::null(),
        addin.method_name(index, alias);
    fn get_n_params(addin, index: c_long) -> c_long, otherwise 0, addin.parameter_count(index);
    fn get_param_def_value(addin, index: c_long, parameter: c_long, value: *mut Variant) -> bool, otherwise false,
        addin.parameter_default(index, parameter, value);
    fn has_ret_val(addin, index: c_long) -> bool, otherwise false, addin.has_result(index);
    fn call_as_proc(addin, index: c_long, parameters: *mut Variant, count: c_long) -> bool, otherwise false,
        addin.call(index, std::ptr::null_mut(), parameters, count);
    fn call_as_func(addin, index: c_long, result: *mut Variant, parameters: *mut Variant, count: c_long) -> bool,
        otherwise false, addin.call(index, result, parameters, count);
}

table! { Locale, LOCALE, 2:
    fn set_locale(addin, locale: *const u16) -> (), otherwise (), addin.set_language(locale);
}

table! { UserLanguage, USER_LANGUAGE, 3:
    fn set_user_interface_language_code(addin, code: *const u16) -> (), otherwise (), addin.set_language(code);
}

const _: () = {
    const WORD: usize = size_of::<*const c_void>();
    assert!(std::mem::offset_of!(Object, init_done) == 0);
    assert!(std::mem::offset_of!(Object, extender) == WORD);
    assert!(std::mem::offset_of!(Object, locale) == 2 * WORD);
    assert!(std::mem::offset_of!(Object, user_language) == 3 * WORD);
    const DESTRUCTORS: usize = if cfg!(windows) { 1 } else { 2 };
    assert!(size_of::<InitDone>() == (DESTRUCTORS + 4) * WORD);
    assert!(size_of::<Extender>() == (DESTRUCTORS + 16) * WORD);
    assert!(size_of::<Locale>() == (DESTRUCTORS + 1) * WORD);
};
