//! The form of the tables that say what a class can.

use super::call::Call;
use super::event_form::HostEvents;
pub(super) use super::parameter::{Omitted, Parameter, opt, out, req};
use super::text::same_name;
use super::variant::Output;
use crate::engine::Watchable;
use crate::error::{Code, Language, Result};
use crate::options::{self, Options, Side};
use std::sync::Arc;

pub(super) type Handler<C> = fn(&C, &mut Call) -> Result<Output>;

/// A method: its Russian names (the first is shown), its English one, its parameters and what it does.
pub(super) struct Method<C> {
    pub ru: &'static [&'static str],
    pub en: &'static str,
    pub parameters: &'static [Parameter],
    /// Whether it returns a value of its own; any other gives True, because a host lets only a method with a value be
    /// called as a function.
    pub is_function: bool,
    /// Whether it takes from the queue, which external events of the kind `data` forbid.
    pub takes: bool,
    pub handler: Handler<C>,
}

pub(super) const fn func<C>(
    ru: &'static [&'static str],
    en: &'static str,
    parameters: &'static [Parameter],
    handler: Handler<C>,
) -> Method<C> {
    Method { ru, en, parameters, is_function: true, takes: false, handler }
}

pub(super) const fn proc<C>(
    ru: &'static [&'static str],
    en: &'static str,
    parameters: &'static [Parameter],
    handler: Handler<C>,
) -> Method<C> {
    Method { ru, en, parameters, is_function: false, takes: false, handler }
}

/// A function that takes from the queue.
pub(super) const fn takes<C>(
    ru: &'static [&'static str],
    en: &'static str,
    parameters: &'static [Parameter],
    handler: Handler<C>,
) -> Method<C> {
    Method { ru, en, parameters, is_function: true, takes: true, handler }
}

impl<C> Method<C> {
    pub fn is_called(&self, name: &[u16]) -> bool {
        same_name(self.en, name) || self.ru.iter().any(|ru| same_name(ru, name))
    }

    /// Parameters without which it cannot be called.
    pub fn required(&self) -> usize {
        self.parameters.iter().filter(|parameter| parameter.omitted.is_none()).count()
    }
}

/// A read-only property.
pub(super) struct Getter<C> {
    pub ru: &'static str,
    pub en: &'static str,
    pub get: Get<C>,
}

/// How it is read.
pub(super) enum Get<C> {
    Plain(fn(&C, Language) -> Output),
    /// What grows may find no memory.
    Fallible(fn(&C) -> Result<Output>),
}

pub(super) const fn get<C>(ru: &'static str, en: &'static str, get: fn(&C, Language) -> Output) -> Getter<C> {
    Getter { ru, en, get: Get::Plain(get) }
}

pub(super) const fn try_get<C>(ru: &'static str, en: &'static str, get: fn(&C) -> Result<Output>) -> Getter<C> {
    Getter { ru, en, get: Get::Fallible(get) }
}

/// One of the two objects, as the component needs it.
pub(super) trait Class: Send + Sync + Sized + 'static {
    /// The name in `GetClassNames`.
    const NAME: &'static str;
    const SIDE: Side;

    fn methods() -> &'static [Method<Self>];
    fn getters() -> &'static [Getter<Self>];
    fn new() -> Result<Arc<Self>>;
    fn options(&self) -> &Options;
    fn watchable(&self) -> Watchable;
    fn shut_down(&self);
    /// A call of the host has failed.
    fn note_failure(&self, code: Code);
    /// How external events of this class put their data.
    fn host_events() -> HostEvents;
}

/// A property by its index: the class's own come first, then those with external events and the log, then the options.
pub(super) enum Property<C: 'static> {
    Getter(&'static Getter<C>),
    ExternalEvents,
    EventSource,
    /// Of the process, the same for every object.
    LogFile,
    LogLevel,
    Option(&'static options::Row),
}

impl<C: Class> Property<C> {
    pub fn all() -> impl Iterator<Item = Property<C>> {
        let getters = C::getters().iter().map(Property::Getter);
        let options = options::TABLE.iter().filter(|row| row.default(C::SIDE).is_some()).map(Property::Option);
        let others = [Property::ExternalEvents, Property::EventSource, Property::LogFile, Property::LogLevel];
        getters.chain(others).chain(options)
    }

    pub fn nth(index: usize) -> Option<Property<C>> {
        Self::all().nth(index)
    }

    /// The Russian and the English name.
    pub fn names(&self) -> (&'static str, &'static str) {
        match self {
            Property::Getter(getter) => (getter.ru, getter.en),
            Property::ExternalEvents => ("ВнешниеСобытия", "ExternalEvents"),
            Property::EventSource => ("ИсточникСобытий", "EventSource"),
            Property::LogFile => ("ФайлЖурнала", "LogFile"),
            Property::LogLevel => ("УровеньЖурнала", "LogLevel"),
            Property::Option(row) => (row.ru, row.en),
        }
    }

    pub fn is_writable(&self) -> bool {
        !matches!(self, Property::Getter(_))
    }
}
