//! What a server says to a request of plain HTTP.

use crate::http::Response;
use crate::ws::Refusal;

/// An answer, or how it is made.
pub enum Reply {
    Now(Response),
    /// By a thread that may block: it reads files, or takes longer than the loop may wait.
    Later(Box<dyn FnOnce() -> Response + Send>),
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        Reply::Now(response)
    }
}

/// What becomes of a request whose head has come.
pub enum Plain {
    /// Its body, if it has one, is of no interest.
    Answer(Reply),
    /// The answer depends on the body, of which so many bytes are taken.
    Body(usize),
    /// As one that asks for a WebSocket connection and does not get it.
    Refuse(Refusal),
}
