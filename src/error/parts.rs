//! What errors are made of: their codes, and the pieces of their texts.

use super::language::Language;
use super::quote::{QUOTED, quote};
use std::fmt::{self, Write};

/// What kind of failure this is; the numbers are those of the C interface and are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Code {
    BadHandle = -1,
    BadArgument = -2,
    BadUtf8 = -3,
    NotConnected = -4,
    AlreadyConnected = -5,
    Connecting = -6,
    NotRunning = -7,
    AlreadyRunning = -8,
    Cancelled = -9,
    ConnectTimeout = -10,
    Resolve = -11,
    Refused = -12,
    Tls = -13,
    Certificate = -14,
    Proxy = -15,
    Handshake = -16,
    QueueFull = -17,
    TooBig = -18,
    PingTimeout = -19,
    RequestTimeout = -20,
    Address = -21,
    File = -22,
    WouldDeadlock = -23,
    HandlerSet = -24,
    Unsupported = -25,
    NoMemory = -26,
    Io = -27,
    Panic = -28,
}

/// A piece of a text that differs between the two languages or is the same in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    Plain(String),
    Both { en: &'static str, ru: &'static str },
    Each { en: String, ru: String },
}

impl Arg {
    pub(super) fn text(&self, language: Language) -> &str {
        match (self, language) {
            (Arg::Plain(text), _) => text,
            (Arg::Both { en, .. }, Language::English) => en,
            (Arg::Both { ru, .. }, Language::Russian) => ru,
            (Arg::Each { en, .. }, Language::English) => en,
            (Arg::Each { ru, .. }, Language::Russian) => ru,
        }
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Arg::Plain(if text.len() > QUOTED { quote(&text, QUOTED) } else { text })
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Arg::Plain(quote(text, QUOTED))
    }
}

macro_rules! number_args {
    ($($number:ty),*) => {$(
        impl From<$number> for Arg {
            fn from(number: $number) -> Self {
                Arg::Plain(number.to_string())
            }
        }
    )*};
}
number_args!(i32, i64, u16, u32, u64, usize);

/// Writes what comes from outside, in a text for people: in one line, with nothing in it that ends a C string, a line of
/// the log or a reader's trust in what a terminal shows.
pub struct OneLine<'a>(pub &'a mut String);

impl Write for OneLine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                control if control.is_control() => self.0.extend(control.escape_default()),
                // They end a line for some programs.
                '\u{2028}' | '\u{2029}' => self.0.push(' '),
                other => self.0.push(other),
            }
        }
        Ok(())
    }
}

/// Writes a template with its gaps filled.
pub(super) fn fill(out: &mut String, template: &str, args: &[Arg], language: Language) {
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        let number = rest.as_bytes().get(at + 1).map_or(0, |digit| usize::from(digit.wrapping_sub(b'0')));
        // Writing to a String cannot fail.
        let _ = OneLine(out).write_str(args.get(number).map_or("?", |arg| arg.text(language)));
        rest = rest.get(at + 3..).unwrap_or("");
    }
    out.push_str(rest);
}
