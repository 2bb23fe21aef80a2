//! One call of a method: its arguments, and what goes back to the host when it has succeeded.

use super::host::Memory;
use super::parameter::{Omitted, Parameter};
use super::place::Place;
use super::variant::{Output, Prepared, Variant};
use crate::engine::Wait;
use crate::error::{Error, Id, Language, Result};
use crate::ws::Message;

/// See the module's page. Arguments are read by their place in the method's table.
pub(super) struct Call<'a> {
    parameters: &'static [Parameter],
    arguments: &'a mut [Variant],
    pub language: Language,
    outs: Vec<(usize, Output)>,
    /// What to do when the host has no memory for the results.
    undo: Option<Box<dyn FnOnce() + 'a>>,
}

impl<'a> Call<'a> {
    /// Too few or too many arguments are refused; optional ones may be missing at the end.
    pub fn new(parameters: &'static [Parameter], arguments: &'a mut [Variant], language: Language) -> Result<Self> {
        let required = parameters.iter().rposition(|parameter| parameter.omitted.is_none()).map_or(0, |at| at + 1);
        if arguments.len() < required || arguments.len() > parameters.len() {
            let counts = [required.into(), parameters.len().into(), arguments.len().into()];
            return Err(Error::new(Id::ParameterCount, counts));
        }
        Ok(Self { parameters, arguments, language, outs: Vec::new(), undo: None })
    }

    fn place(&self, at: usize) -> Place {
        let parameter = self.parameters[at];
        Place::Parameter { en: parameter.en, ru: parameter.ru }
    }

    /// The argument, `None` when it was left out.
    fn given(&self, at: usize) -> Option<&Variant> {
        self.arguments.get(at).filter(|argument| !(argument.is_empty() && self.parameters[at].omitted.is_some()))
    }

    pub fn int(&self, at: usize) -> Result<i64> {
        match (self.given(at), self.parameters[at].omitted) {
            (Some(argument), _) => argument.int(self.place(at)),
            (None, Some(Omitted::Int(value))) => Ok(value),
            (None, _) => Ok(0),
        }
    }

    pub fn flag(&self, at: usize) -> Result<bool> {
        match (self.given(at), self.parameters[at].omitted) {
            (Some(argument), _) => argument.bool(self.place(at)),
            (None, Some(Omitted::Bool(value))) => Ok(value),
            (None, _) => Ok(false),
        }
    }

    pub fn text(&self, at: usize) -> Result<String> {
        match (self.given(at), self.parameters[at].omitted) {
            (Some(argument), _) => argument.text(self.place(at)),
            (None, Some(Omitted::Text(value))) => Ok(value.to_owned()),
            (None, _) => Ok(String::new()),
        }
    }

    pub fn message(&self, at: usize) -> Result<Message> {
        match self.given(at) {
            Some(argument) => argument.message(self.place(at)),
            None => Ok(Message::text("")),
        }
    }

    pub fn wait(&self, at: usize) -> Result<Wait> {
        self.int(at).map(Wait::from_ms)
    }

    /// A connection's number: never negative.
    pub fn connection(&self, at: usize) -> Result<u64> {
        let number = self.int(at)?;
        u64::try_from(number).map_err(|_| Error::new(Id::UnknownConnection, [number.into()]))
    }

    /// A close code: what does not fit 16 bits is none.
    pub fn code(&self, at: usize) -> Result<u16> {
        let number = self.int(at)?;
        u16::try_from(number).map_err(|_| Error::new(Id::CloseCode, [number.into()]))
    }

    /// Writes an out parameter once the method has succeeded.
    pub fn set(&mut self, at: usize, value: Output) {
        self.outs.push((at, value));
    }

    /// What brings back what the method took, should the host have no memory for it.
    pub fn on_failure(&mut self, undo: impl FnOnce() + 'a) {
        self.undo = Some(Box::new(undo));
    }

    /// Hands everything over: first all the host's memory is allocated, then everything is written, or nothing.
    pub fn finish(self, result: &Output, place: Option<&mut Variant>, memory: Option<Memory>) -> Result<()> {
        let prepare = || -> Result<(Prepared, Vec<(usize, Prepared)>)> {
            let result = Prepared::new(result, memory)?;
            let outs = self.outs.iter().map(|(at, value)| Ok((*at, Prepared::new(value, memory)?)));
            Ok((result, outs.collect::<Result<_>>()?))
        };
        match prepare() {
            Ok((result, outs)) => {
                for (at, value) in outs {
                    value.give(&mut self.arguments[at], memory);
                }
                if let Some(place) = place {
                    result.give(place, None);
                }
                Ok(())
            }
            Err(error) => {
                if let Some(undo) = self.undo {
                    undo();
                }
                Err(error)
            }
        }
    }
}
