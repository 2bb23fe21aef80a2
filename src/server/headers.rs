//! The headers that the host adds to the answers to handshakes.

use std::sync::Arc;

#[derive(Default)]
pub(super) struct Headers {
    set: Vec<(String, String)>,
    /// The same as they stand in an answer.
    pub lines: Arc<str>,
}

impl Headers {
    /// Sets one that has been checked; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) {
        self.set.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        if !value.is_empty() {
            self.set.push((name.to_owned(), value.to_owned()));
        }
        self.lines = self.set.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<String>().into();
    }
}
