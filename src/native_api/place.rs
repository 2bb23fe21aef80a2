//! What a value of the host is for: the text of an error names it.

use crate::error::Arg;

/// A parameter of a method, or a property.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Parameter { en: &'static str, ru: &'static str },
    Property { en: &'static str, ru: &'static str },
}

impl Place {
    /// The name alone.
    pub fn name(self) -> Arg {
        let (Place::Parameter { en, ru } | Place::Property { en, ru }) = self;
        Arg::Both { en, ru }
    }

    /// What the name is the name of.
    pub fn kind(self) -> Arg {
        match self {
            Place::Parameter { .. } => Arg::Both { en: "parameter", ru: "параметр" },
            Place::Property { .. } => Arg::Both { en: "property", ru: "свойство" },
        }
    }
}
