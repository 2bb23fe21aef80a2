//! The I/O thread's side of a connection: what there is of it, and where it is in its life.

use super::allowance::Pace;
use super::close_state::Closing;
use super::exchange::Exchange;
use super::liveness::Keepalive;
use super::setup::{AwaitingAccept, ClientPart, Raw, Route};
use super::unpacked::Unpacked;
use crate::engine::connection::Connection;
use crate::engine::io::{BUFFER, DialPlan, Owner, Staged};
use crate::error::Error;
use crate::net::{CompactInstant, Dial, Stream, TlsClient, TlsServer, Tunnel};
use crate::options::Opt;
use crate::ws::deflate::Deflater;
use crate::ws::{ClientHandshake, Decoder, Message, Role, ServerHandshake};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// What is read at once of a connection of which nothing is known yet.
pub const FIRST_READ: usize = 16 * 1024;

/// Whether the thread keeps a driver after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    Keep,
    Remove,
}

/// Where a connection is in its life.
pub enum Phase {
    /// A client waits to dial again, and then for a permit.
    Backoff,
    /// A client waits for addresses and, for `wss`, the system's roots.
    Resolving(Box<DialPlan>),
    Dialing {
        plan: Box<DialPlan>,
        dial: Box<Dial>,
        tls: Option<TlsClient>,
    },
    /// The proxy is asked for a tunnel.
    Tunneling {
        plan: Box<DialPlan>,
        tunnel: Box<Tunnel>,
        tls: Option<TlsClient>,
    },
    /// TLS handshake; the plan is a client's.
    TlsHandshake(Option<Box<DialPlan>>),
    /// A client has sent its request.
    AwaitingResponse(Box<ClientHandshake>),
    /// A reverse proxy may tell whom it speaks for, before TLS.
    AwaitingProxyHead(Option<Box<TlsServer>>),
    /// A server waits for a request.
    AwaitingRequest(Box<ServerHandshake>),
    /// The host of a server decides whether to accept it.
    AwaitingAccept(Box<AwaitingAccept>),
    /// A server takes or answers a request of plain HTTP.
    Exchange(Box<Exchange>),
    /// A server sends an HTTP refusal.
    Rejecting,
    Open,
    /// Both ends have closed; the peer closes the socket, or we do when it takes too long.
    Lingering,
}

/// Reading is paused: a message that found no room, if one has, the bytes behind it, and why.
#[derive(Default)]
pub struct PausedInput {
    pub message: Option<Message>,
    pub rest: Vec<u8>,
    /// The receive queue has no room.
    pub by_queue: bool,
    /// The host has asked for it.
    pub by_host: bool,
    /// Its peer may send no more before that time.
    pub until: Option<CompactInstant>,
}

/// Bytes that were read and not decoded.
pub struct Undecoded(pub Vec<u8>);

pub struct Driver {
    pub(super) connection: Arc<Connection>,
    pub(super) owner: Arc<dyn Owner>,
    pub(super) role: Role,
    pub(super) phase: Phase,
    pub(super) stream: Option<Stream>,
    pub(super) client_part: Option<Box<ClientPart>>,
    pub(super) token: usize,
    /// The end of the present phase.
    pub(super) deadline: Option<CompactInstant>,
    /// When the timer that is set will fire.
    pub(super) armed: Option<CompactInstant>,

    pub(super) decoder: Decoder,
    /// Compresses what goes out, where permessage-deflate was agreed on.
    pub(super) deflater: Option<Deflater>,
    /// What a turn had no time to compress.
    pub(super) packing: Option<Box<Unpacked>>,
    /// Bytes of an unfinished message, as charged to the owner.
    pub(super) assembling: usize,
    pub(super) paused_input: Option<Box<PausedInput>>,
    /// Bytes whose turn is over, because what they hold expands to so much. It is requeued then.
    pub(super) undecoded: Option<Box<Undecoded>>,
    /// Where its peer's messages are limited.
    pub(super) pace: Option<Box<Pace>>,
    /// The peer has closed its side: a short read does not mean that nothing is left to read.
    pub(super) half_closed: bool,

    /// A handshake on its way out, before any frame.
    pub(super) raw: Option<Box<Raw>>,
    /// What was once offered to TLS must be offered again unchanged. Never an empty one.
    pub(super) staged: Option<Box<Staged>>,
    /// How much is encoded for one write: about what the kernel takes at once.
    pub(super) write_size: usize,
    /// The latest ping that could not be answered yet.
    pub(super) pending_pong: Option<Box<Bytes>>,
    /// It is requeued for a later round ([`crate::engine::io::ThreadContext::requeued`]).
    pub(super) is_requeued: bool,
    /// Its next turn goes on with writing.
    pub(super) flush_due: bool,
    /// How much is read at once: less where that much took too long.
    pub(super) read_size: u32,
    pub(super) blocked_since: Option<CompactInstant>,
    /// Writing failed; what the peer sent before is read all the same.
    pub(super) unwritable: Option<Error>,

    pub(super) closing: Closing,
    pub(super) keepalive: Keepalive,
}

impl Driver {
    pub fn client(connection: Arc<Connection>, owner: Arc<dyn Owner>, plan: DialPlan) -> Self {
        let authority = plan.target.address();
        let phase = Phase::Resolving(Box::new(plan));
        Self::new(connection, owner, Role::Client, phase, None, ClientPart::new(&authority))
    }

    /// A client's next one, which dials at that time to that host and port.
    pub fn redial(connection: Arc<Connection>, owner: Arc<dyn Owner>, authority: Arc<str>, at: CompactInstant) -> Self {
        let client_part = ClientPart::new(&authority);
        let mut driver = Self::new(connection, owner, Role::Client, Phase::Backoff, None, client_part);
        driver.deadline = Some(at);
        driver
    }

    pub fn server(
        connection: Arc<Connection>,
        owner: Arc<dyn Owner>,
        mut stream: Stream,
        tls: Option<TlsServer>,
    ) -> Self {
        let phase = match tls {
            tls if stream.peer_addr().is_some_and(|peer| owner.trusts(&peer)) => {
                Phase::AwaitingProxyHead(tls.map(Box::new))
            }
            Some(tls) => {
                stream.start_tls_server(&tls);
                Phase::TlsHandshake(None)
            }
            None => Phase::AwaitingRequest(Box::default()),
        };
        Self::new(connection, owner, Role::Server, phase, Some(stream), None)
    }

    fn new(
        connection: Arc<Connection>,
        owner: Arc<dyn Owner>,
        role: Role,
        phase: Phase,
        stream: Option<Stream>,
        client_part: Option<Box<ClientPart>>,
    ) -> Self {
        Self {
            connection,
            owner,
            role,
            phase,
            stream,
            client_part,
            token: 0,
            deadline: None,
            armed: None,
            decoder: Decoder::new(role),
            deflater: None,
            packing: None,
            assembling: 0,
            paused_input: None,
            undecoded: None,
            pace: None,
            half_closed: false,
            raw: None,
            staged: None,
            write_size: BUFFER,
            pending_pong: None,
            is_requeued: false,
            flush_due: false,
            read_size: FIRST_READ as u32,
            blocked_since: None,
            unwritable: None,
            closing: Closing::default(),
            keepalive: Keepalive::default(),
        }
    }

    pub fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// It is open, and TLS is not in between.
    pub fn is_plain_io(&self) -> bool {
        matches!(self.phase, Phase::Open) && self.stream.as_ref().is_some_and(|stream| !stream.is_tls())
    }

    pub fn time(&self, option: Opt) -> Option<Duration> {
        let ms = u64::try_from(self.owner.options().int(option)).unwrap_or(0);
        (ms > 0).then(|| Duration::from_millis(ms))
    }

    /// Host and port of the server that it connects to.
    pub fn authority(&self) -> &str {
        self.client_part.as_ref().map_or("", |client_part| &client_part.authority)
    }

    /// The proxy on the way there.
    pub fn proxy(&self) -> Option<&Route> {
        self.client_part.as_ref()?.proxy.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::outbox::Outbox;

    /// Ten thousand silent connections pay for every byte. What few of them use, and only for a while, is boxed.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn a_connection_is_small() {
        let sizes = [size_of::<Driver>(), size_of::<Connection>(), size_of::<Outbox>()];
        assert!(sizes[0] <= 408 && sizes[1] <= 280 && sizes[2] <= 136, "{sizes:?}");
    }
}
