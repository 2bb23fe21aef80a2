//! Finding one field at the top level of an object.

use super::scalar::is_called;
use std::ops::Range;

/// What a step of a [`Scan`] came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more to look at.
    More,
    /// It is an object and has the field, whose value lies here; `None`: it is no object, or has no such field.
    Done(Option<Range<usize>>),
}

/// What comes next at the top level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Object,
    FirstKey,
    Key,
    /// Inside of a key.
    KeyText,
    Colon,
    Value,
    /// Inside of a text.
    Text,
    /// Inside of an object or array.
    Inner,
    /// Inside of a text in there.
    InnerText,
    /// Inside of a number or a word.
    Bare,
    Comma,
    /// Only blanks.
    End,
}

/// A walk through one text. Each step is given the same data and field.
#[derive(Debug, Default)]
pub struct Scan {
    at: usize,
    next: Next,
    /// The byte before was a backslash that counts.
    escaped: bool,
    /// Of brackets that are open below the top level.
    depth: usize,
    /// Where the present key or value begins.
    start: usize,
    /// The present key is the field.
    wanted: bool,
    found: Option<Range<usize>>,
}

const BLANKS: &[u8] = b" \t\n\r";
const MARK: &[u8] = b"\xef\xbb\xbf";

impl Scan {
    /// Looks at about `most` bytes more.
    pub fn go_on(&mut self, data: &[u8], field: &str, most: usize) -> Step {
        let end = data.len().min(self.at.saturating_add(most));
        while let Some(byte) = data.get(self.at..end).and_then(|rest| rest.first()).copied() {
            match self.next {
                Next::KeyText | Next::Text | Next::InnerText => {
                    if self.pass_text(&data[..end]) {
                        self.text_ended(data, field);
                    }
                }
                Next::Inner => self.pass_inner(&data[..end]),
                Next::Bare => self.pass_bare(&data[..end]),
                Next::Object if self.at == 0 && data.starts_with(MARK) => self.at = MARK.len(),
                _ if BLANKS.contains(&byte) => self.at += 1,
                _ => {
                    if !self.begin(byte) {
                        return Step::Done(None);
                    }
                    self.at += 1;
                }
            }
        }
        match (self.at < data.len(), self.next) {
            (true, _) => Step::More,
            (false, Next::End) => Step::Done(self.found.take()),
            (false, _) => Step::Done(None),
        }
    }

    /// The first byte of something at the top level; whether it may stand there.
    fn begin(&mut self, byte: u8) -> bool {
        self.next = match (self.next, byte) {
            (Next::Object, b'{') => Next::FirstKey,
            (Next::FirstKey | Next::Comma, b'}') => Next::End,
            (Next::FirstKey | Next::Key, b'"') => Next::KeyText,
            (Next::Colon, b':') => Next::Value,
            (Next::Value, b'"') => Next::Text,
            (Next::Value, b'{' | b'[') => Next::Inner,
            (Next::Value, b',' | b'}' | b']' | b':') => return false,
            (Next::Value, _) => Next::Bare,
            (Next::Comma, b',') => Next::Key,
            _ => return false,
        };
        match self.next {
            Next::KeyText | Next::Text | Next::Bare => self.start = self.at,
            Next::Inner => (self.start, self.depth) = (self.at, 1),
            _ => {}
        }
        true
    }

    /// Goes behind the next such byte.
    fn skip_to(&mut self, data: &[u8], is_it: impl Fn(u8) -> bool) -> Option<u8> {
        let rest = data.get(self.at..)?;
        let found = rest.iter().position(|byte| is_it(*byte));
        self.at += found.map_or(rest.len(), |place| place + 1);
        found.map(|place| rest[place])
    }

    /// Goes on inside of a text; whether it has ended.
    fn pass_text(&mut self, data: &[u8]) -> bool {
        if std::mem::take(&mut self.escaped) {
            self.at += 1;
        }
        while let Some(byte) = self.skip_to(data, |byte| byte == b'"' || byte == b'\\') {
            if byte == b'"' {
                return true;
            }
            // What follows has no meaning of its own.
            self.escaped = self.at == data.len();
            self.at += usize::from(!self.escaped);
        }
        false
    }

    fn text_ended(&mut self, data: &[u8], field: &str) {
        match self.next {
            Next::KeyText => {
                self.wanted = is_called(&data[self.start + 1..self.at - 1], field);
                self.next = Next::Colon;
            }
            Next::InnerText => self.next = Next::Inner,
            _ => self.value_ended(),
        }
    }

    fn value_ended(&mut self) {
        if self.wanted {
            self.found = Some(self.start..self.at);
        }
        self.next = Next::Comma;
    }

    fn pass_inner(&mut self, data: &[u8]) {
        while let Some(byte) = self.skip_to(data, |byte| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']')) {
            match byte {
                b'"' => {
                    self.next = Next::InnerText;
                    return;
                }
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return self.value_ended();
                    }
                }
                _ => {}
            }
        }
    }

    fn pass_bare(&mut self, data: &[u8]) {
        while let Some(byte) = data.get(self.at).copied() {
            match byte {
                b',' | b'}' | b' ' | b'\t' | b'\n' | b'\r' => return self.value_ended(),
                // Where a comma has to be the next step finds none.
                b'"' | b'{' | b'[' | b']' | b':' => return self.value_ended(),
                _ => self.at += 1,
            }
        }
    }
}
