//! A panic behind every kind of thunk, on purpose: the host sees an error result and nothing else.

use super::abi::Object;
use super::component::Addin;
use super::variant::Variant;
use crate::engine::{Gate, GateGuard};
use crate::error::Result;
use std::ffi::{c_long, c_void};
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Panics wherever it is called, and counts how often.
struct Panicking {
    gate: Gate,
    calls: Arc<AtomicUsize>,
}

impl Panicking {
    fn panic(&self) -> ! {
        self.calls.fetch_add(1, SeqCst);
        panic!("on purpose, by a test")
    }
}

impl Addin for Panicking {
    fn enter(&self) -> Result<GateGuard<'_>> {
        self.gate.enter()
    }
    fn destroy(&self) {
        self.panic()
    }
    fn init(&self, _: *mut c_void) -> bool {
        self.panic()
    }
    fn set_memory(&self, _: *mut c_void) -> bool {
        self.panic()
    }
    fn done(&self) {
        self.panic()
    }
    fn set_language(&self, _: *const u16) {
        self.panic()
    }
    fn register(&self, _: *mut *mut u16) -> bool {
        self.panic()
    }
    fn property_count(&self) -> c_long {
        self.panic()
    }
    fn find_property(&self, _: *const u16) -> c_long {
        self.panic()
    }
    fn property_name(&self, _: c_long, _: c_long) -> *const u16 {
        self.panic()
    }
    fn get_property(&self, _: c_long, _: *mut Variant) -> bool {
        self.panic()
    }
    fn set_property(&self, _: c_long, _: *mut Variant) -> bool {
        self.panic()
    }
    fn is_readable(&self, _: c_long) -> bool {
        self.panic()
    }
    fn is_writable(&self, _: c_long) -> bool {
        self.panic()
    }
    fn method_count(&self) -> c_long {
        self.panic()
    }
    fn find_method(&self, _: *const u16) -> c_long {
        self.panic()
    }
    fn method_name(&self, _: c_long, _: c_long) -> *const u16 {
        self.panic()
    }
    fn parameter_count(&self, _: c_long) -> c_long {
        self.panic()
    }
    fn parameter_default(&self, _: c_long, _: c_long, _: *mut Variant) -> bool {
        self.panic()
    }
    fn has_result(&self, _: c_long) -> bool {
        self.panic()
    }
    fn call(&self, _: c_long, _: *mut Variant, _: *mut Variant, _: c_long) -> bool {
        self.panic()
    }
}

#[test]
fn a_panic_behind_every_thunk_is_an_error_result() {
    let calls = Arc::new(AtomicUsize::new(0));
    let addin = Arc::new(Panicking { gate: Gate::default(), calls: calls.clone() });
    let object = Object::boxed(addin);
    // SAFETY: a live object, called as a host calls it: each method with the address of its base, by the tables.
    unsafe {
        let bases = |at: usize| object.cast::<*const c_void>().add(at).cast::<c_void>();
        let (first, second, third, fourth) = (bases(0), bases(1), bases(2), bases(3));
        let init_done = &*(*object).init_done;
        assert!(!(init_done.init)(first, null_mut()));
        assert!(!(init_done.set_mem_manager)(first, null_mut()));
        assert_eq!((init_done.get_info)(first), 2000);
        (init_done.done)(first);
        let extender = &*(*object).extender;
        assert!(!(extender.register_extension_as)(second, null_mut()));
        assert_eq!((extender.get_n_props)(second), 0);
        assert_eq!((extender.find_prop)(second, null()), -1);
        assert!((extender.get_prop_name)(second, 0, 0).is_null());
        assert!(!(extender.get_prop_val)(second, 0, null_mut()));
        assert!(!(extender.set_prop_val)(second, 0, null_mut()));
        assert!(!(extender.is_prop_readable)(second, 0));
        assert!(!(extender.is_prop_writable)(second, 0));
        assert_eq!((extender.get_n_methods)(second), 0);
        assert_eq!((extender.find_method)(second, null()), -1);
        assert!((extender.get_method_name)(second, 0, 0).is_null());
        assert_eq!((extender.get_n_params)(second, 0), 0);
        assert!(!(extender.get_param_def_value)(second, 0, 0, null_mut()));
        assert!(!(extender.has_ret_val)(second, 0));
        assert!(!(extender.call_as_proc)(second, 0, null_mut(), 0));
        assert!(!(extender.call_as_func)(second, 0, null_mut(), null_mut(), 0));
        ((*(*object).locale).set_locale)(third, null());
        ((*(*object).user_language).set_user_interface_language_code)(fourth, null());
        // Every slot but GetInfo, which asks nobody.
        assert_eq!(calls.load(SeqCst), 3 + 16 + 2);
        #[cfg(not(windows))]
        (init_done.destructors.deleting)(first);
        #[cfg(not(windows))]
        assert_eq!(calls.load(SeqCst), 3 + 16 + 3);
    }
}

#[test]
fn a_null_object_is_an_error_result() {
    let addin = Arc::new(Panicking { gate: Gate::default(), calls: Arc::default() });
    let object = Object::boxed(addin);
    // SAFETY: the tables live for ever; the methods are called with no object.
    unsafe {
        assert!(!((*(*object).init_done).init)(null_mut(), null_mut()));
        assert_eq!(((*(*object).extender).find_method)(null_mut(), null()), -1);
        drop(Box::from_raw(object));
    }
}
