//! What every object does for its host, whatever its class.

mod calls;

use super::call::Call;
use super::external_events::ExternalEvents;
use super::host::Memory;
use super::host_calls::{HostCalls, Origin};
use super::place::Place;
use super::table::{Class, Get, Getter, Method, Property};
use super::variant::{Output, Prepared, Variant};
use crate::engine::{Gate, GateGuard, lock};
use crate::error::{Arg, Error, Id, Language, Result, memory};
use crate::library;
use crate::log::{self, Level};
use crate::options::{Kind, Opt};
use std::ffi::{c_long, c_void};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// An object as `abi` calls it. Pointers are the host's: NULL is possible everywhere, other nonsense is not.
pub(super) trait Addin: Send + Sync {
    /// Refused once the object is being destroyed.
    fn enter(&self) -> Result<GateGuard<'_>>;
    fn destroy(&self);
    fn init(&self, services: *mut c_void) -> bool;
    fn set_memory(&self, memory: *mut c_void) -> bool;
    fn done(&self);
    fn set_language(&self, locale: *const u16);
    fn register(&self, name: *mut *mut u16) -> bool;

    fn property_count(&self) -> c_long;
    fn find_property(&self, name: *const u16) -> c_long;
    fn property_name(&self, index: c_long, alias: c_long) -> *const u16;
    fn get_property(&self, index: c_long, value: *mut Variant) -> bool;
    fn set_property(&self, index: c_long, value: *mut Variant) -> bool;
    fn is_readable(&self, index: c_long) -> bool;
    fn is_writable(&self, index: c_long) -> bool;

    fn method_count(&self) -> c_long;
    fn find_method(&self, name: *const u16) -> c_long;
    fn method_name(&self, index: c_long, alias: c_long) -> *const u16;
    fn parameter_count(&self, index: c_long) -> c_long;
    fn parameter_default(&self, index: c_long, parameter: c_long, value: *mut Variant) -> bool;
    fn has_result(&self, index: c_long) -> bool;
    /// `result` is NULL when the method is called as a procedure.
    fn call(&self, index: c_long, result: *mut Variant, parameters: *mut Variant, count: c_long) -> bool;
}

/// An object of the host.
pub(super) struct Component<C: Class> {
    object: Arc<C>,
    gate: Gate,
    memory: Mutex<Option<Memory>>,
    host_calls: Arc<HostCalls>,
    english: AtomicBool,
    /// The text of the last failure, until the next method that succeeds.
    failure: Mutex<String>,
    events: ExternalEvents,
}

impl<C: Class> Component<C> {
    /// An object of the class for the host.
    pub fn make() -> Result<Arc<dyn Addin>> {
        Ok(Arc::new(Self::new()?))
    }

    pub fn new() -> Result<Self> {
        let object = C::new()?;
        let host_calls = Arc::default();
        let events = ExternalEvents::new(object.watchable(), &host_calls, C::host_events(), C::NAME);
        let (gate, memory, failure) = (Gate::default(), Mutex::default(), Mutex::default());
        Ok(Self { object, gate, memory, host_calls, english: AtomicBool::new(false), failure, events })
    }

    fn language(&self) -> Language {
        if self.english.load(Relaxed) { Language::English } else { Language::Russian }
    }

    fn memory(&self) -> Option<Memory> {
        match library::is_forked() {
            false => *lock(&self.memory),
            true => library::try_lock(&self.memory).and_then(|memory| *memory),
        }
    }

    /// Tells the host of a failure; always false.
    fn fail(&self, error: &Error) -> bool {
        let text = error.text(self.language());
        self.object.note_failure(error.code());
        lock(&self.failure).clone_from(&text);
        let source = format!("AddIn.WebSocket.{}", C::NAME);
        self.host_calls.call(Origin::Call, |services| services.add_error(&source, &text));
        false
    }

    /// The same in a forked child, where it is the answer to every call: no lock is waited for.
    fn fail_forked(&self) -> bool {
        let source = format!("AddIn.WebSocket.{}", C::NAME);
        self.host_calls.call_forked(|services| services.add_error(&source, &self.forked()));
        false
    }

    fn forked(&self) -> String {
        Error::of(Id::Forked).text(self.language())
    }

    fn settle(&self, outcome: Result<()>) -> bool {
        match outcome {
            Ok(()) => true,
            Err(error) => self.fail(&error),
        }
    }

    fn method(index: c_long) -> Option<&'static Method<C>> {
        usize::try_from(index).ok().and_then(|index| C::methods().get(index))
    }

    fn property(index: c_long) -> Option<Property<C>> {
        usize::try_from(index).ok().and_then(Property::nth)
    }

    fn name(&self, ru: &str, en: &str, alias: c_long) -> *const u16 {
        let name = match alias {
            0 => en,
            1 => ru,
            _ => return std::ptr::null(),
        };
        self.memory().and_then(|memory| memory.text(name).ok()).map_or(std::ptr::null(), <*mut u16>::cast_const)
    }

    /// Gives the host a value where it had none.
    fn give(&self, output: &Output, place: *mut Variant) -> Result<()> {
        // SAFETY: NULL, or a place of the host for one value that lives through the call.
        let place = unsafe { place.as_mut() }.ok_or_else(|| Error::new(Id::NullPointer, ["tVariant".into()]))?;
        Prepared::new(output, self.memory())?.give(place, None);
        Ok(())
    }

    pub fn read(&self, property: &Property<C>) -> Result<Output> {
        Ok(match property {
            Property::Getter(Getter { get: Get::Plain(get), .. }) => get(&self.object, self.language()),
            Property::Getter(Getter { get: Get::Fallible(get), .. }) => return get(&self.object),
            Property::ExternalEvents => Output::Text(self.events.feed.mode_name().to_owned()),
            Property::EventSource => Output::Text(self.events.feed.source()),
            Property::LogFile => Output::Text(log::file().to_string()),
            Property::LogLevel => Output::Text(log::level().name().to_owned()),
            Property::Option(row) => match row.kind {
                Kind::Int { .. } => Output::Int(self.object.options().int(row.option)),
                Kind::Bool => Output::Bool(self.object.options().flag(row.option)),
                Kind::Text => Output::Text(memory::copy(&self.object.options().text(row.option))?),
            },
        })
    }

    fn write(&self, property: &Property<C>, value: &Variant) -> Result<()> {
        let (ru, en) = property.names();
        let place = Place::Property { en, ru };
        let name = place.name();
        match property {
            Property::Getter(_) => Err(Error::new(Id::ReadOnly, [name])),
            Property::ExternalEvents => {
                let wanted = value.text(place)?;
                let _waits = wanted.is_empty().then(|| self.host_calls.waits());
                self.events.switch(&wanted, self.language())
            }
            Property::EventSource => {
                let source = value.text(place)?;
                // The host takes it with each event as a text that ends at its first NUL.
                if source.contains('\0') {
                    let wanted =
                        Arg::Both { en: "a text without NUL", ru: "текст без символа с кодом 0" };
                    return Err(Error::new(Id::BadValue, [name, source.into(), wanted]));
                }
                self.events.feed.set_source(source);
                Ok(())
            }
            Property::LogFile => log::set_file(&value.text(place)?),
            Property::LogLevel => {
                log::set_level(Level::parse(name, &value.text(place)?)?);
                Ok(())
            }
            Property::Option(row) => self.set_option(row.option, row.kind, value, place),
        }
    }

    fn set_option(&self, option: Opt, kind: Kind, value: &Variant, place: Place) -> Result<()> {
        let options = self.object.options();
        match kind {
            Kind::Int { .. } => options.set_int(option, value.int(place)?),
            Kind::Bool => options.set_int(option, value.bool(place)?.into()),
            Kind::Text => options.set_text(option, &value.text(place)?),
        }
    }

    fn run(&self, method: &'static Method<C>, result: *mut Variant, arguments: &mut [Variant]) -> Result<()> {
        if method.takes && self.events.feed.takes_all() {
            let name = Arg::Both { en: method.en, ru: method.ru[0] };
            return Err(Error::new(Id::EventsToHost, [name]));
        }
        let mut call = Call::new(method.parameters, arguments, self.language())?;
        let output = (method.handler)(&self.object, &mut call);
        if method.takes {
            self.events.asked(matches!(output, Ok(Output::Bool(true))));
        }
        let output = output?;
        let output = if method.is_function { output } else { Output::Bool(true) };
        // SAFETY: NULL, or a place of the host for one value that lives through the call.
        call.finish(&output, unsafe { result.as_mut() }, self.memory())
    }

    /// ErrorDescription needs the component, not the object.
    fn describe(&self, result: *mut Variant) -> Result<()> {
        let text = if library::is_forked() { self.forked() } else { lock(&self.failure).clone() };
        if result.is_null() { Ok(()) } else { self.give(&Output::Text(text), result) }
    }
}
