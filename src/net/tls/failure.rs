//! Why a handshake failed, as the library says it.

use crate::error::Id;
use std::error::Error;
use std::io;

/// Why a handshake failed.
#[derive(Debug)]
pub(in crate::net) struct Failure {
    /// What the library says of it.
    pub text: String,
    /// The system's number of it, where it has one: what SChannel says is in the system's language.
    pub code: Option<i32>,
    /// The connection ended without a word of TLS.
    pub is_cut: bool,
    /// What our own check of the certificate says.
    pub judged: Option<Judged>,
}

/// What is wrong with a certificate.
#[derive(Debug)]
pub(in crate::net) enum Judged {
    Is(Id),
    /// None of its chain's keys is pinned; its own.
    Pin(String),
}

impl Failure {
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let io = error.downcast_ref::<io::Error>();
        let is_cut = io.is_some_and(|error| {
            use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
            matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
        });
        Self { text: chain(error), code: io.and_then(io::Error::raw_os_error), is_cut, judged: None }
    }
}

/// The error and its sources in one line, each once.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = inner.source();
    }
    text
}
