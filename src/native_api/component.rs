//! What every object does for its host, whatever its class.

use super::call::Call;
use super::events::Port;
use super::host::{Memory, Services};
use super::line::{Line, Within};
use super::table::{Class, Method, Omitted, Property};
use super::text;
use super::variant::{Output, Prepared, Variant};
use crate::engine::{Gate, Inside, lock};
use crate::error::{Arg, Error, Id, Language, Result};
use crate::log::{self, Level};
use crate::options::{Kind, Opt};
use std::ffi::{c_long, c_void};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// The longest name that is looked for; no identifier of 1C is longer.
const LONGEST_NAME: usize = 256;

/// An object as `abi` calls it. Pointers are the host's: NULL is possible everywhere, other nonsense is not.
pub(super) trait Addin: Send + Sync {
    /// Refused once the object is being destroyed.
    fn enter(&self) -> Result<Inside<'_>>;
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
    line: Arc<Line>,
    english: AtomicBool,
    /// The text of the last failure, until the next method that succeeds.
    failure: Mutex<String>,
    port: Arc<Port>,
}

impl<C: Class> Component<C> {
    /// An object of the class for the host.
    pub fn make() -> Result<Arc<dyn Addin>> {
        Ok(Arc::new(Self::new()?))
    }

    pub fn new() -> Result<Self> {
        let object = C::new()?;
        let line = Arc::default();
        let port = Port::new(object.watchable(), &line, C::host_events(), C::NAME);
        let (gate, memory, failure) = (Gate::default(), Mutex::default(), Mutex::default());
        Ok(Self { object, gate, memory, line, english: AtomicBool::new(false), failure, port })
    }

    fn language(&self) -> Language {
        if self.english.load(Relaxed) { Language::English } else { Language::Russian }
    }

    fn memory(&self) -> Option<Memory> {
        *lock(&self.memory)
    }

    /// Tells the host of a failure; always false.
    fn fail(&self, error: &Error) -> bool {
        let text = error.text(self.language());
        lock(&self.failure).clone_from(&text);
        let source = format!("AddIn.WebSocket.{}", C::NAME);
        self.line.call(Within::Call, |services| services.add_error(&source, &text));
        false
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

    pub fn read(&self, property: &Property<C>) -> Output {
        match property {
            Property::Getter(getter) => (getter.get)(&self.object, self.language()),
            Property::ExternalEvents => Output::Text(self.port.mode_name().to_owned()),
            Property::EventSource => Output::Text(self.port.source()),
            Property::LogFile => Output::Text(log::file().to_string()),
            Property::LogLevel => Output::Text(log::level().name().to_owned()),
            Property::Option(row) => match row.kind {
                Kind::Int { .. } => Output::Int(self.object.options().int(row.option)),
                Kind::Bool => Output::Bool(self.object.options().flag(row.option)),
                Kind::Text => Output::Text(self.object.options().text(row.option).to_string()),
            },
        }
    }

    fn write(&self, property: &Property<C>, value: &Variant) -> Result<()> {
        let (ru, en) = property.names();
        let name = Arg::Both { en, ru };
        match property {
            Property::Getter(_) => Err(Error::new(Id::ReadOnly, [name])),
            Property::ExternalEvents => self.port.switch(&value.text(&name)?, self.language()),
            Property::EventSource => {
                self.port.set_source(value.text(&name)?);
                Ok(())
            }
            Property::LogFile => log::set_file(&value.text(&name)?),
            Property::LogLevel => {
                log::set_level(Level::parse(name.clone(), &value.text(&name)?)?);
                Ok(())
            }
            Property::Option(row) => self.set_option(row.option, row.kind, value, &name),
        }
    }

    fn set_option(&self, option: Opt, kind: Kind, value: &Variant, name: &Arg) -> Result<()> {
        let options = self.object.options();
        match kind {
            Kind::Int { .. } => options.set_int(option, value.int(name)?),
            Kind::Bool => options.set_int(option, value.bool(name)?.into()),
            Kind::Text => options.set_text(option, &value.text(name)?),
        }
    }

    fn run(&self, method: &'static Method<C>, result: *mut Variant, arguments: &mut [Variant]) -> Result<()> {
        if method.takes && self.port.takes_all() {
            let name = Arg::Both { en: method.en, ru: method.ru[0] };
            return Err(Error::new(Id::EventsToHost, [name]));
        }
        let mut call = Call::new(method.parameters, arguments, self.language())?;
        let output = (method.handler)(&self.object, &mut call);
        if method.takes {
            self.port.taken();
        }
        // SAFETY: NULL, or a place of the host for one value that lives through the call.
        call.finish(&output?, unsafe { result.as_mut() }, self.memory())
    }

    /// ErrorDescription needs the component, not the object.
    fn describe(&self, result: *mut Variant) -> Result<()> {
        let text = lock(&self.failure).clone();
        if result.is_null() { Ok(()) } else { self.give(&Output::Text(text), result) }
    }
}

/// A name of the host, up to its NUL.
///
/// # Safety
/// `text` is NULL or leads to a NUL-terminated text that lives through the call.
unsafe fn name<'a>(text: *const u16) -> Option<&'a [u16]> {
    if text.is_null() {
        return None;
    }
    // SAFETY: every unit up to the NUL is readable, and reading stops there.
    let length = (0..LONGEST_NAME).find(|&at| unsafe { *text.add(at) } == 0)?;
    // SAFETY: as above.
    Some(unsafe { std::slice::from_raw_parts(text, length) })
}

fn index_of(found: Option<usize>) -> c_long {
    found.and_then(|at| c_long::try_from(at).ok()).unwrap_or(-1)
}

impl<C: Class> Addin for Component<C> {
    fn enter(&self) -> Result<Inside<'_>> {
        self.gate.enter()
    }

    fn destroy(&self) {
        // First the core: it ends the calls that wait inside, which the gate then waits for. A call from whose inside
        // the host destroys the object does not wait for itself.
        self.gate.close();
        self.port.end();
        self.object.shut_down();
        self.gate.wait_left(self.line.own_calls());
        self.line.cut();
        *lock(&self.memory) = None;
    }

    fn init(&self, services: *mut c_void) -> bool {
        let services = Services::new(services);
        self.line.connect(services);
        services.is_some()
    }

    fn set_memory(&self, memory: *mut c_void) -> bool {
        let memory = Memory::new(memory);
        *lock(&self.memory) = memory;
        memory.is_some()
    }

    fn done(&self) {
        self.port.end();
        self.object.shut_down();
        // A call that was ended inside may just be telling the host; after that it finds nobody to tell.
        self.line.cut();
    }

    fn set_language(&self, locale: *const u16) {
        // SAFETY: the host gives NULL or a NUL-terminated text.
        let Some(locale) = (unsafe { name(locale) }) else { return };
        let russian = locale.len() < 2 || text::same_name("ru", &locale[..2]);
        self.english.store(!russian, Relaxed);
        self.port.set_language(self.language());
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
        let Some(property) = Self::property(index) else { return false };
        let outcome = self.give(&self.read(&property), value);
        self.settle(outcome)
    }

    fn set_property(&self, index: c_long, value: *mut Variant) -> bool {
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
            Some(Some(Omitted::Int(number))) => Output::Int(number),
            Some(Some(Omitted::Text(text))) => Output::Text(text.to_owned()),
        };
        let optional = !matches!(output, Output::Empty);
        self.give(&output, value).is_ok() && optional
    }

    fn has_result(&self, index: c_long) -> bool {
        Self::method(index).is_some_and(|method| method.is_function)
    }

    fn call(&self, index: c_long, result: *mut Variant, parameters: *mut Variant, count: c_long) -> bool {
        let Some(method) = Self::method(index) else { return false };
        if method.en == "ErrorDescription" && count == 0 {
            let outcome = self.describe(result);
            return self.settle(outcome);
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
