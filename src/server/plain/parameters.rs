//! The parameters in a query.

use crate::error::{Arg, Error, Id, Result, memory};
use percent_encoding::percent_decode;

/// Whom a request is about.
pub(super) enum Target<'a> {
    Id(u64),
    Name(&'a str),
}

/// Names and values, decoded.
pub(super) struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    /// # Errors
    /// One that is not among `known`, or given twice: what was meant would be left out without a word, and a message for
    /// a group, say, go to everybody.
    pub fn parse(query: &str, known: &'static [&'static str]) -> Result<Self> {
        let mut all: Vec<(&'static str, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name)?;
            let unknown = || Error::new(Id::ParameterUnknown, [name.as_str().into()]);
            let known = known.iter().find(|known| **known == name).ok_or_else(unknown)?;
            if all.iter().any(|(other, _)| other == known) {
                return Err(unknown());
            }
            all.push((known, decode(value)?));
        }
        Ok(Self(all))
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }

    pub fn number(&self, name: &str) -> Result<Option<u64>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits => Ok(Some(number)),
            _ => Err(bad(name, text, Arg::Both { en: "a whole number", ru: "целое число" })),
        }
    }

    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.text(name) {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(other) => Err(bad(name, other, Arg::Both { en: "0 or 1", ru: "0 или 1" })),
        }
    }

    /// # Errors
    /// Neither an id nor a name, or both.
    pub fn target(&self) -> Result<Target<'_>> {
        match (self.number("id")?, self.text("name")) {
            (Some(id), None) => Ok(Target::Id(id)),
            (None, Some(name)) => Ok(Target::Name(name)),
            _ => Err(Error::of(Id::ControlTarget)),
        }
    }
}

fn bad(name: &str, value: &str, expected: Arg) -> Error {
    Error::new(Id::BadValue, [name.into(), value.into(), expected])
}

/// As a form writes it: a blank may be a plus.
fn decode(text: &str) -> Result<String> {
    let blanks = memory::collect(text.len(), text.bytes().map(|byte| if byte == b'+' { b' ' } else { byte }))?;
    let decoded = memory::collect(text.len(), percent_decode(&blanks))?;
    String::from_utf8(decoded).map_err(|error| {
        let query = Arg::Both { en: "the query", ru: "параметры запроса" };
        Error::new(Id::BadUtf8, [query, error.utf8_error().valid_up_to().into()])
    })
}
