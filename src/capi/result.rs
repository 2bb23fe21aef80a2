//! The numbers that the functions return.

use crate::error::Code;

/// What a function returns: 0 is success, a positive number an outcome that is not a failure, a negative number an
/// error, whose text wsaddin_error_description gives. Numbers are never reused.
pub type wsaddin_result = i32;

/// Success: the outputs are set.
pub const WSADDIN_OK: wsaddin_result = 0;
/// Nothing came within the time given.
pub const WSADDIN_TIMEOUT: wsaddin_result = 1;
/// Receiving: the connection or server has ended (or not begun) and its queue is empty. Functions that name a
/// server's connection: that connection has gone.
pub const WSADDIN_CLOSED: wsaddin_result = 2;
/// Nothing of that name.
pub const WSADDIN_NOT_FOUND: wsaddin_result = 3;
/// The handle is zero, freed, made up or of the other kind.
pub const WSADDIN_BAD_HANDLE: wsaddin_result = -1;
/// An argument is not allowed; the text names it.
pub const WSADDIN_BAD_ARGUMENT: wsaddin_result = -2;
/// A text is not valid UTF-8; the error's text names the parameter.
pub const WSADDIN_BAD_UTF8: wsaddin_result = -3;
/// There is no connection.
pub const WSADDIN_NOT_CONNECTED: wsaddin_result = -4;
/// The client is connected already; that connection stays.
pub const WSADDIN_ALREADY_CONNECTED: wsaddin_result = -5;
/// The client is connecting, reconnecting or closing.
pub const WSADDIN_CONNECTING: wsaddin_result = -6;
/// The server is not running.
pub const WSADDIN_NOT_RUNNING: wsaddin_result = -7;
/// The server is running already; it goes on.
pub const WSADDIN_ALREADY_RUNNING: wsaddin_result = -8;
/// Another thread disconnected, stopped or freed the object meanwhile.
pub const WSADDIN_CANCELLED: wsaddin_result = -9;
/// No connection within ConnectTimeout; the text says what it was waiting for.
pub const WSADDIN_CONNECT_TIMEOUT: wsaddin_result = -10;
/// The host's name was not found, or looking it up failed.
pub const WSADDIN_RESOLVE: wsaddin_result = -11;
/// Nobody listens there, or the address cannot be reached.
pub const WSADDIN_REFUSED: wsaddin_result = -12;
/// The TLS handshake failed.
pub const WSADDIN_TLS: wsaddin_result = -13;
/// The certificate of the other side was not accepted; the text says why.
pub const WSADDIN_CERTIFICATE: wsaddin_result = -14;
/// The proxy refused or failed.
pub const WSADDIN_PROXY: wsaddin_result = -15;
/// The other side does not speak WebSocket as it should.
pub const WSADDIN_HANDSHAKE: wsaddin_result = -16;
/// The send queue is full and SendTimeout has passed; nothing was queued.
pub const WSADDIN_QUEUE_FULL: wsaddin_result = -17;
/// Over a limit. From a function that fills a buffer: the buffer is too small, and `needed` says what the text takes.
pub const WSADDIN_TOO_BIG: wsaddin_result = -18;
/// No pong came in time.
pub const WSADDIN_PING_TIMEOUT: wsaddin_result = -19;
/// No reply to a request came in time.
pub const WSADDIN_REQUEST_TIMEOUT: wsaddin_result = -20;
/// The address or port to listen on cannot be used; the text says why.
pub const WSADDIN_ADDRESS: wsaddin_result = -21;
/// A file cannot be read or is not what it should be.
pub const WSADDIN_FILE: wsaddin_result = -22;
/// Called from inside a handler, where it would wait for the very thread it is called on. Nothing happened.
pub const WSADDIN_WOULD_DEADLOCK: wsaddin_result = -23;
/// A handler is set: it gets the events.
pub const WSADDIN_HANDLER_SET: wsaddin_result = -24;
/// Not available here.
pub const WSADDIN_UNSUPPORTED: wsaddin_result = -25;
/// Out of memory, or too many objects.
pub const WSADDIN_NO_MEMORY: wsaddin_result = -26;
/// The network or the system failed.
pub const WSADDIN_IO: wsaddin_result = -27;
/// An error inside the library, which stopped at its border; please report it.
pub const WSADDIN_PANIC: wsaddin_result = -28;

/// What a function that did not fail came back with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Ok,
    Timeout,
    Closed,
    NotFound,
}

impl From<()> for Done {
    fn from((): ()) -> Self {
        Done::Ok
    }
}

impl Done {
    pub(super) fn number(self) -> wsaddin_result {
        match self {
            Done::Ok => WSADDIN_OK,
            Done::Timeout => WSADDIN_TIMEOUT,
            Done::Closed => WSADDIN_CLOSED,
            Done::NotFound => WSADDIN_NOT_FOUND,
        }
    }
}

/// The result of an error.
pub(super) fn number(code: Code) -> wsaddin_result {
    match code {
        Code::BadHandle => WSADDIN_BAD_HANDLE,
        Code::BadArgument => WSADDIN_BAD_ARGUMENT,
        Code::BadUtf8 => WSADDIN_BAD_UTF8,
        Code::NotConnected => WSADDIN_NOT_CONNECTED,
        Code::AlreadyConnected => WSADDIN_ALREADY_CONNECTED,
        Code::Connecting => WSADDIN_CONNECTING,
        Code::NotRunning => WSADDIN_NOT_RUNNING,
        Code::AlreadyRunning => WSADDIN_ALREADY_RUNNING,
        Code::Cancelled => WSADDIN_CANCELLED,
        Code::ConnectTimeout => WSADDIN_CONNECT_TIMEOUT,
        Code::Resolve => WSADDIN_RESOLVE,
        Code::Refused => WSADDIN_REFUSED,
        Code::Tls => WSADDIN_TLS,
        Code::Certificate => WSADDIN_CERTIFICATE,
        Code::Proxy => WSADDIN_PROXY,
        Code::Handshake => WSADDIN_HANDSHAKE,
        Code::QueueFull => WSADDIN_QUEUE_FULL,
        Code::TooBig => WSADDIN_TOO_BIG,
        Code::PingTimeout => WSADDIN_PING_TIMEOUT,
        Code::RequestTimeout => WSADDIN_REQUEST_TIMEOUT,
        Code::Address => WSADDIN_ADDRESS,
        Code::File => WSADDIN_FILE,
        Code::WouldDeadlock => WSADDIN_WOULD_DEADLOCK,
        Code::HandlerSet => WSADDIN_HANDLER_SET,
        Code::Unsupported => WSADDIN_UNSUPPORTED,
        Code::NoMemory => WSADDIN_NO_MEMORY,
        Code::Io => WSADDIN_IO,
        Code::Panic => WSADDIN_PANIC,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Id};

    #[test]
    fn the_numbers_are_those_of_the_table() {
        for id in Id::ALL {
            let code = Error::of(*id).code();
            assert_eq!(number(code), code as i32, "{id:?}");
        }
    }

    #[test]
    fn every_number_is_returned_by_some_failure() {
        for number in WSADDIN_PANIC..0 {
            assert!(Id::ALL.iter().any(|id| Error::of(*id).code() as i32 == number), "{number}");
        }
    }
}
