//! The objects that the connections and listeners of an I/O thread report to.

use super::plain::{Plain, Reply};
use crate::engine::connection::Connection;
use crate::engine::inbox::Inbox;
use crate::engine::shared::CloseInfo;
use crate::error::{Error, Result};
use crate::http;
use crate::log::Object;
use crate::net::{Peer, PeerAddress, TlsOptions, TlsServer};
use crate::options::Options;
use crate::proxy::Setting;
use crate::ws::{Refusal, Request, ServerAnswer, Target};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// How an open connection ended.
#[derive(Clone, Debug)]
pub struct ConnectionEnd {
    pub close_info: CloseInfo,
    /// It broke, or we ended it for an error of the peer: the client's Status becomes −1.
    pub broken: bool,
    /// The kernel took every accepted message.
    pub all_written: bool,
}

/// The object a connection belongs to. Called on the I/O thread, or on the host thread that has borrowed its loop
/// (`engine::mailbox`); such a borrower calls `peer_closes`, `ended` and `released` only. Must neither block
/// nor call back into the loop.
pub trait Owner: Send + Sync {
    fn inbox(&self) -> &Arc<Inbox>;
    fn options(&self) -> &Options;
    /// What the log calls it.
    fn object(&self) -> Object;

    /// Whether a peer is a reverse proxy that speaks for others.
    fn trusts(&self, _address: &PeerAddress) -> bool {
        false
    }

    /// Whom such a proxy speaks for, by the headers of a request.
    fn trace(&self, peer: Peer, _request: &Request) -> Result<Peer, Refusal> {
        Ok(peer)
    }

    /// A server decides on a handshake: the subprotocol, or a refusal.
    fn check_request(
        &self,
        _connection: &Arc<Connection>,
        _peer: &Peer,
        _request: &mut Request,
    ) -> Result<Option<String>, Refusal> {
        Err(Refusal::new(500, "not a server"))
    }

    /// Whether a server answers requests of plain HTTP otherwise than with a refusal.
    fn serves_http(&self) -> bool {
        false
    }

    /// The head of such a request has come.
    fn plain_request(&self, _connection: &Arc<Connection>, _peer: Peer, _request: &http::Request) -> Plain {
        Plain::Refuse(Refusal::new(500, "not a server"))
    }

    /// Its body, too, which the answer depends on.
    fn plain_body(&self, _request: http::Request, _body: Vec<u8>) -> Reply {
        http::Response::text(500, "not a server").into()
    }

    /// It is being answered with that status.
    fn plain_answered(&self, _status: u16) {}

    /// Lines of headers, each with its end, that the host adds to every answer to a handshake.
    fn answer_headers(&self) -> Option<Arc<str>> {
        None
    }

    /// Whether the host has to accept this connection, whose request was admitted. The host was told by then.
    fn pending(&self, _connection: &Arc<Connection>) -> bool {
        false
    }

    /// A connection that the host has to accept, or has just accepted, will not open.
    fn withdrawn(&self, _connection: &Arc<Connection>) {}

    /// What a connection that has waited to dial again asks for now; `None` when it is no longer wanted.
    fn dial_plan(&self, _connection: &Arc<Connection>) -> Option<DialPlan> {
        None
    }

    /// What the server has answered to its handshake; before `opened` or `failed`.
    fn answered(&self, _connection: &Arc<Connection>, _answer: ServerAnswer) {}

    /// The server has sent it to another URL, which it connects to now.
    fn redirected(&self, _connection: &Arc<Connection>, _url: &str) {}

    /// It is open; false when it is no longer wanted.
    fn opened(&self, connection: &Arc<Connection>) -> bool;

    /// It never opened.
    fn failed(&self, connection: &Arc<Connection>, error: &Error);

    /// An incoming connection was rejected with this HTTP status (0: the peer gave up, was too slow or spoke no HTTP).
    fn rejected(&self, _status: u16) {}

    /// The peer has begun to close an open connection; its end follows.
    fn peer_closes(&self, _connection: &Arc<Connection>) {}

    /// Whether what is not written when a connection ends so is kept for one that follows; messages are accepted on.
    fn keeps_unsent(&self, _connection: &Arc<Connection>, _ending: &CloseInfo) -> bool {
        false
    }

    /// Its outbox has been detached from it by now.
    fn ended(&self, connection: &Arc<Connection>, end: &ConnectionEnd);

    /// The I/O thread has dropped it; always the last call.
    fn released(&self, connection: &Arc<Connection>);

    /// The time of an alarm that it has set has come.
    fn alarm(&self) {}

    /// Bytes of unfinished messages of all the owner's connections, and their bound.
    fn assembly(&self) -> Option<(&AtomicUsize, usize)> {
        None
    }
}

/// Takes new connections of a listener. Called on the I/O thread.
pub trait Acceptor: Send + Sync {
    /// The connection for an accepted socket, on the I/O thread of its choice; `None` rejects it.
    fn accept(&self, address: PeerAddress) -> Option<Arc<Connection>>;
    fn owner(self: Arc<Self>) -> Arc<dyn Owner>;
    fn tls(&self) -> Option<TlsServer>;
    /// The listener is closed and its port free.
    fn closed(&self);
}

/// What a client asks for.
pub struct DialPlan {
    pub target: Target,
    pub proxy: Arc<Setting>,
    pub headers: Vec<(String, String)>,
    pub protocols: Vec<String>,
    pub tls: TlsOptions,
}
