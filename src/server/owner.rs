//! The server as its connections and listeners see it, on the I/O threads.

use super::{Phase, Shared, policy};
use crate::engine::{Acceptor, CloseInfo, Connection, ConnectionEnd, Inbox, Owner, Plain, Reply, lock};
use crate::error::Error;
use crate::http;
use crate::log::{self, Object};
use crate::net::{Peer, PeerAddress, TlsServer};
use crate::options::{Opt, Options, is_trusted, list};
use crate::ws::{Refusal, Request};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Handshakes under way beyond `MaxConnections`: each holds a socket and a few hundred bytes.
const MAX_HANDSHAKES: usize = 4096;

/// The same server behind the trait objects that connections keep.
impl Acceptor for Shared {
    fn accept(&self, address: PeerAddress) -> Option<Arc<Connection>> {
        let mut state = lock(&self.state);
        if state.phase != Phase::Running || state.cancelled || state.ios.is_empty() {
            return None;
        }
        if state.registry.websocket_count() >= self.options.size(Opt::MaxConnections).saturating_add(MAX_HANDSHAKES) {
            drop(state);
            log::info!(self.object.itself(), "refused {address}: too many have not finished their handshake");
            self.rejected(503);
            return None;
        }
        // Round robin: every I/O thread gets its share.
        state.next_io = (state.next_io + 1) % state.ios.len();
        let connection = Connection::new(state.ios[state.next_io].clone());
        state.registry.arrived(&connection);
        Some(connection)
    }

    fn owner(self: Arc<Self>) -> Arc<dyn Owner> {
        self
    }

    fn tls(&self) -> Option<TlsServer> {
        self.tls_server()
    }

    fn closed(&self) {
        lock(&self.state).listeners -= 1;
        self.changed.notify_all();
    }
}

impl Owner for Shared {
    fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    fn options(&self) -> &Options {
        &self.options
    }

    fn object(&self) -> Object {
        self.object
    }

    fn trusts(&self, address: &PeerAddress) -> bool {
        is_trusted(&self.options.text(Opt::TrustedProxies), address.ip())
    }

    fn trace(&self, peer: Peer, request: &Request) -> Result<Peer, Refusal> {
        self.traced(peer, |name| request.header(name))
    }

    fn check_request(
        &self,
        connection: &Arc<Connection>,
        peer: &Peer,
        request: &mut Request,
    ) -> Result<Option<String>, Refusal> {
        let offered = policy::offered(request);
        self.admit(connection, peer.address.and_then(|address| address.ip()), request)?;
        let supported = self.options.text(Opt::Protocols);
        // RFC 6455 section 4.2.2: one of the offered or none; the order of preference is ours.
        let selected = list(&supported).find(|name| offered.iter().any(|other| other == name));
        Ok(selected.map(str::to_owned))
    }

    fn serves_http(&self) -> bool {
        self.has_plain_http()
    }

    fn plain_request(&self, connection: &Arc<Connection>, peer: Peer, request: &http::Request) -> Plain {
        self.take_plain(connection, peer, request)
    }

    fn plain_body(&self, request: http::Request, body: Vec<u8>) -> Reply {
        self.take_plain_body(&request, body)
    }

    fn plain_answered(&self, status: u16) {
        self.count_plain(status);
    }

    fn answer_headers(&self) -> Option<Arc<str>> {
        let lines = lock(&self.headers).lines.clone();
        (!lines.is_empty()).then_some(lines)
    }

    fn pending(&self, connection: &Arc<Connection>) -> bool {
        self.ask_host(connection)
    }

    fn withdrawn(&self, connection: &Arc<Connection>) {
        self.withdraw(connection);
    }

    fn opened(&self, connection: &Arc<Connection>) -> bool {
        self.connects.fetch_add(1, Relaxed);
        self.on_opened(connection);
        true
    }

    fn failed(&self, _connection: &Arc<Connection>, _error: &Error) {
        self.rejected(0);
    }

    fn rejected(&self, status: u16) {
        let reason = if status == 0 { "handshake".to_owned() } else { status.to_string() };
        self.totals.add_rejected(reason);
    }

    fn ended(&self, connection: &Arc<Connection>, end: &ConnectionEnd) {
        self.on_ended(connection, end);
    }

    fn keeps_unsent(&self, connection: &Arc<Connection>, close_info: &CloseInfo) -> bool {
        let state = lock(&self.state);
        state.names.was_taken(connection.serial) || self.survives(&state, connection, close_info)
    }

    fn alarm(&self) {
        self.look_at_sessions();
    }

    fn released(&self, connection: &Arc<Connection>) {
        if connection.info().is_none() {
            // It never opened; the end of an open one has decided about its outbox.
            connection.release_waiters();
        }
        lock(&self.state).registry.released(connection);
        self.changed.notify_all();
    }

    fn assembly(&self) -> Option<(&AtomicUsize, usize)> {
        Some((&self.assembly, self.options.size(Opt::AssemblyBytes)))
    }
}
