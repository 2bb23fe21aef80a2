//! A request that cannot be answered as it is meant.

/// The status to answer with, and a short text for who reads it. Where the next request begins is unknown afterwards: the
/// connection ends with the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub status: u16,
    pub text: &'static str,
}

impl Fault {
    pub(super) fn new(status: u16, text: &'static str) -> Self {
        Self { status, text }
    }
}
