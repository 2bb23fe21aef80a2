//! What other threads bring to an I/O thread, but for what is asked of one connection.

use super::owner::{Acceptor, DialPlan, Owner};
use crate::engine::connection::Connection;
use crate::engine::inbox::Inbox;
use crate::error::Result;
use crate::net::{Listener, Place, Stream, TlsClient, TlsServer};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// See the module's page.
pub enum Command {
    Dial {
        connection: Arc<Connection>,
        owner: Arc<dyn Owner>,
        plan: Box<DialPlan>,
    },
    /// The same again after a wait, and when fewer others dial; the owner then says what is asked for.
    Redial {
        connection: Arc<Connection>,
        owner: Arc<dyn Owner>,
        /// Host and port.
        authority: Arc<str>,
        wait: Duration,
    },
    /// It may dial now (`io::dial_limit`).
    DialPermitted(Arc<Connection>),
    Prepared {
        connection: Arc<Connection>,
        outcome: Result<(Vec<Place>, Option<TlsClient>)>,
    },
    Adopt {
        connection: Arc<Connection>,
        owner: Arc<dyn Owner>,
        stream: Box<Stream>,
        tls: Option<TlsServer>,
    },
    Listen {
        listener: Box<Listener>,
        acceptor: Arc<dyn Acceptor>,
        serial: u64,
    },
    Unlisten {
        serial: u64,
    },
    Dispatch(Arc<Inbox>),
    /// Calls the owner at that time, if it still lives.
    Alarm {
        at: Instant,
        owner: Weak<dyn Owner>,
    },
    /// What must not be dropped on a host's thread, because OpenSSL would run there.
    Discard(Box<dyn Send>),
    Stop,
}
