//! What std asks of an error.

use super::{Error, Id, Language};
use std::fmt;

/// For the log: in English, with all that the system and the libraries have said.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.write(&mut out, Language::English, true);
        f.write_str(&out)
    }
}

impl std::error::Error for Error {}

impl From<Id> for Error {
    fn from(id: Id) -> Self {
        Error::of(id)
    }
}
