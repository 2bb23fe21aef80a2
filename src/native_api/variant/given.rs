//! What an error says of a value that has the wrong type.

use super::{Place, Variant, vt};
use crate::error::{Arg, Error, Id};

/// Characters of a string that an error shows.
const SHOWN: usize = 40;

impl Variant {
    /// The error that the value is not what `en`, or `ru`, says.
    pub(super) fn unfit(&self, place: Place, en: &'static str, ru: &'static str) -> Error {
        Error::new(Id::BadCast, [place.kind(), place.name(), Arg::Both { en, ru }, self.given()])
    }

    fn given(&self) -> Arg {
        match self.vt {
            vt::EMPTY => Arg::Both { en: "Undefined was given", ru: "передано Неопределено" },
            vt::NULL => Arg::Both { en: "Null was given", ru: "передано Null" },
            vt::DATE | vt::TM => Arg::Both { en: "a date was given", ru: "передана дата" },
            vt::BLOB => {
                Arg::Both { en: "binary data were given", ru: "переданы двоичные данные" }
            }
            vt::BOOL => self.given_bool(),
            vt::PWSTR | vt::PSTR => self.given_text(),
            vt::R4 | vt::R8 => self.given_fraction(),
            vt::I1 | vt::I2 | vt::I4 | vt::I8 | vt::UI1 | vt::UI2 | vt::UI4 | vt::UI8 | vt::INT | vt::UINT => {
                Arg::Both { en: "a number was given", ru: "передано число" }
            }
            other => Arg::Each { en: format!("type {other} was given"), ru: format!("передан тип {other}") },
        }
    }

    fn given_bool(&self) -> Arg {
        // SAFETY: the type says which field was written.
        match unsafe { self.value.ui1 } {
            0 => Arg::Both { en: "the boolean False was given", ru: "передано значение Ложь" },
            _ => Arg::Both { en: "the boolean True was given", ru: "передано значение Истина" },
        }
    }

    /// A number that is no integer is shown: no secret has a fraction.
    fn given_fraction(&self) -> Arg {
        // SAFETY: the type says which field was written.
        let number = unsafe { if self.vt == vt::R4 { f64::from(self.value.r4) } else { self.value.r8 } };
        if number.fract() == 0.0 {
            return Arg::Both { en: "a number was given", ru: "передано число" };
        }
        Arg::Each { en: format!("{number} was given"), ru: format!("передано число {number}") }
    }

    /// A string that is written like a number is shown, which tells what is wrong with it: what else stands in the place
    /// of a number may be a password.
    fn given_text(&self) -> Arg {
        // SAFETY: the host's string lives as long as the call.
        let text = match unsafe { (self.vt == vt::PWSTR).then(|| self.units()).flatten() } {
            Some(units) => String::from_utf16_lossy(&units[..units.len().min(SHOWN + 1)]),
            None => String::new(),
        };
        let shown = !text.is_empty()
            && text.chars().count() <= SHOWN
            && text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "+-.,'".contains(c));
        match shown {
            true => Arg::Each {
                en: format!("the string \"{text}\" was given"),
                ru: format!("передана строка «{text}»"),
            },
            false => Arg::Both { en: "a string was given", ru: "передана строка" },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Language;

    #[test]
    fn a_string_is_shown_only_where_it_is_written_like_a_number() {
        let place = Place::Property { en: "Port", ru: "Порт" };
        for (given, ru, en) in [
            ("5000", "передана строка «5000»", "the string \"5000\" was given"),
            ("5\u{a0}000", "передана строка «5\u{a0}000»", "the string \"5\u{a0}000\" was given"),
            ("1.5", "передана строка «1.5»", "the string \"1.5\" was given"),
            ("", "передана строка", "a string was given"),
            ("Secret1", "передана строка", "a string was given"),
            ("00000000000000000000000000000000000000000", "передана строка", "a string was given"),
        ] {
            let units: Vec<u16> = given.encode_utf16().collect();
            let error = Variant::of_text(&units).int(place).expect_err("a string is no number");
            assert_eq!(
                error.text(Language::Russian),
                format!("<bad cast>: свойство Порт: ожидается целое число, {ru}")
            );
            assert_eq!(error.text(Language::English), format!("<bad cast>: property Port: expected an integer, {en}"));
        }
    }
}
