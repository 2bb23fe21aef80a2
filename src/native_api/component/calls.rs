//! The calls of the host, as they come from `abi`.

use super::{Addin, Component};
use crate::engine::{GateGuard, lock};
use crate::error::{Arg, Error, Id, Result};
use crate::library;
use crate::native_api::host::{Memory, Services};
use crate::native_api::table::{Class, Omitted, Property};
use crate::native_api::text;
use crate::native_api::variant::{Output, Variant};
use crate::native_api::waits::Waiting;
use std::ffi::{c_long, c_void};
use std::sync::atomic::Ordering::Relaxed;

/// The longest name that is looked for; no identifier of 1C is longer.
const MAX_NAME: usize = 256;

/// A name of the host, up to its NUL.
///
/// # Safety
/// `text` is NULL or leads to a NUL-terminated text that lives through the call.
unsafe fn name<'a>(text: *const u16) -> Option<&'a [u16]> {
    if text.is_null() {
        return None;
    }
    // SAFETY: every unit up to the NUL is readable, and reading stops there.
    let length = (0..MAX_NAME).find(|&at| unsafe { *text.add(at) } == 0)?;
    // SAFETY: as above.
    Some(unsafe { std::slice::from_raw_parts(text, length) })
}

fn index_of(found: Option<usize>) -> c_long {
    found.and_then(|at| c_long::try_from(at).ok()).unwrap_or(-1)
}

impl<C: Class> Addin for Component<C> {
    fn enter(&self) -> Result<GateGuard<'_>> {
        self.gate.enter()
    }

    fn destroy(&self) {
        // First the core: it ends the calls that wait inside, which the gate then waits for. A call from whose inside
        // the host destroys the object does not wait for itself, nor two for each other.
        self.gate.close();
        self.events.end();
        self.object.shut_down();
        let waiting = Waiting::for_calls(&self.host_calls);
        // Their calls are in the host's hands, each of them, and stay there until this one has returned.
        self.gate.wait_left(self.host_calls.calls_of(waiting.excused()));
        self.host_calls.close(waiting.excused());
        *lock(&self.memory) = None;
    }

    fn init(&self, services: *mut c_void) -> bool {
        if library::is_forked() {
            return false;
        }
        let services = Services::new(services);
        self.host_calls.connect(services);
        services.is_some()
    }

    fn set_memory(&self, memory: *mut c_void) -> bool {
        if library::is_forked() {
            return false;
        }
        let memory = Memory::new(memory);
        *lock(&self.memory) = memory;
        memory.is_some()
    }

    fn done(&self) {
        if library::is_forked() {
            return;
        }
        let _waits = self.host_calls.waits();
        self.events.end();
        self.object.shut_down();
        // A call that was ended inside may just be telling the host; after that it finds nobody to tell.
        self.host_calls.close(Waiting::for_calls(&self.host_calls).excused());
    }

    fn set_language(&self, locale: *const u16) {
        // SAFETY: the host gives NULL or a NUL-terminated text.
        let Some(locale) = (unsafe { name(locale) }) else { return };
        let russian = locale.len() < 2 || text::same_name("ru", &locale[..2]);
        self.english.store(!russian, Relaxed);
        self.events.feed.set_language(self.language());
    }

    fn register(&self, name: *mut *mut u16) -> bool {
        // SAFETY: NULL, or a place for one pointer.
        let Some(place) = (unsafe { name.as_mut() }) else { return false };
        match self.memory().map(|memory| memory.text(C::NAME)) {
            Some(Ok(text)) => {
                *place = text;
                true
            }
            Some(Err(_)) | None => false,
        }
    }

    fn property_count(&self) -> c_long {
        index_of(Some(Property::<C>::all().count()))
    }

    fn find_property(&self, wanted: *const u16) -> c_long {
        // SAFETY: the host gives NULL or a NUL-terminated text.
        let Some(wanted) = (unsafe { name(wanted) }) else { return -1 };
        index_of(Property::<C>::all().position(|property| {
            let (ru, en) = property.names();
            text::same_name(ru, wanted) || text::same_name(en, wanted)
        }))
    }

    fn property_name(&self, index: c_long, alias: c_long) -> *const u16 {
        let Some(property) = Self::property(index) else { return std::ptr::null() };
        let (ru, en) = property.names();
        self.name(ru, en, alias)
    }

    fn get_property(&self, index: c_long, value: *mut Variant) -> bool {
        if library::is_forked() {
            return self.fail_forked();
        }
        let Some(property) = Self::property(index) else { return false };
        let outcome = self.read(&property).and_then(|output| self.give(&output, value));
        self.settle(outcome)
    }

    fn set_property(&self, index: c_long, value: *mut Variant) -> bool {
        if library::is_forked() {
            return self.fail_forked();
        }
        let Some(property) = Self::property(index) else { return false };
        // SAFETY: NULL, or a value of the host that lives through the call.
        let value = unsafe { value.as_ref() };
        let outcome = value.ok_or_else(|| Error::new(Id::NullPointer, ["tVariant".into()]));
        self.settle(outcome.and_then(|value| self.write(&property, value)))
    }

    fn is_readable(&self, index: c_long) -> bool {
        Self::property(index).is_some()
    }

    fn is_writable(&self, index: c_long) -> bool {
        Self::property(index).is_some_and(|property| property.is_writable())
    }

    fn method_count(&self) -> c_long {
        index_of(Some(C::methods().len()))
    }

    fn find_method(&self, wanted: *const u16) -> c_long {
        // SAFETY: the host gives NULL or a NUL-terminated text.
        let Some(wanted) = (unsafe { name(wanted) }) else { return -1 };
        index_of(C::methods().iter().position(|method| method.is_called(wanted)))
    }

    fn method_name(&self, index: c_long, alias: c_long) -> *const u16 {
        Self::method(index).map_or(std::ptr::null(), |method| self.name(method.ru[0], method.en, alias))
    }

    fn parameter_count(&self, index: c_long) -> c_long {
        Self::method(index).map_or(0, |method| index_of(Some(method.parameters.len())))
    }

    fn parameter_default(&self, index: c_long, parameter: c_long, value: *mut Variant) -> bool {
        let Some(method) = Self::method(index) else { return false };
        let found = usize::try_from(parameter).ok().and_then(|at| method.parameters.get(at));
        let output = match found.map(|parameter| parameter.omitted) {
            None => return false,
            Some(None) => Output::Empty,
            Some(Some(Omitted::Bool(value))) => Output::Bool(value),
            Some(Some(Omitted::Int(number))) => Output::Int(number),
            Some(Some(Omitted::Text(text))) => Output::Text(text.to_owned()),
        };
        let optional = !matches!(output, Output::Empty);
        self.give(&output, value).is_ok() && optional
    }

    fn has_result(&self, index: c_long) -> bool {
        // Each method can be called as a function, and as a procedure anyway.
        Self::method(index).is_some()
    }

    fn call(&self, index: c_long, result: *mut Variant, parameters: *mut Variant, count: c_long) -> bool {
        let Some(method) = Self::method(index) else { return false };
        if method.en == "ErrorDescription" && count == 0 {
            let outcome = self.describe(result);
            return if library::is_forked() { outcome.is_ok() } else { self.settle(outcome) };
        }
        if library::is_forked() {
            return self.fail_forked();
        }
        let outcome = match usize::try_from(count) {
            Ok(0) => self.run(method, result, &mut []),
            Ok(count) if count <= method.parameters.len() && !parameters.is_null() => {
                // SAFETY: the host gives that many values, no more than the method has parameters, for this call.
                let arguments = unsafe { std::slice::from_raw_parts_mut(parameters, count) };
                self.run(method, result, arguments)
            }
            Ok(_) | Err(_) => {
                let counts = [method.required().into(), method.parameters.len().into(), Arg::from(count.to_string())];
                Err(Error::new(Id::ParameterCount, counts))
            }
        };
        if outcome.is_ok() {
            lock(&self.failure).clear();
        }
        self.settle(outcome)
    }
}
