//! What a peer does that fails its connection.

use crate::error::{Error, Id};

/// A breach of the protocol or of the size limit: the connection has to be failed, RFC 6455 section 7.1.7.
#[derive(Clone, Debug)]
pub struct Violation {
    /// What to close with: 1002, 1007 or 1009; 1011 when there is no memory.
    pub code: u16,
    pub error: Error,
}

impl Violation {
    pub(super) fn with(code: u16, error: Error) -> Self {
        Self { code, error }
    }

    pub(super) fn protocol(id: Id) -> Self {
        Self::with(1002, id.into())
    }
}

pub(super) fn no_memory(error: Error) -> Violation {
    Violation::with(1011, error)
}
