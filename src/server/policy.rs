//! Which connections are admitted: token, origin, limits, and the decision of the host.

use super::{Phase, Server, Shared, names};
use crate::engine::{Body, CloseInfo, Command, Connection, Reason, connection_json, lock};
use crate::error::{Error, Id, Result};
use crate::options::{Opt, is_allowed, is_served};
use crate::ws::{Refusal, Request, check_response_header};
use percent_encoding::percent_decode_str;
use std::net::IpAddr;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// How a browser, which can set no header, carries the token among its subprotocols.
const PROTOCOL: &str = "access_token.";

/// Seconds after which one that was sent away may try again: by then a balancer has noticed.
const RETRY_AFTER: u16 = 10;

impl Server {
    /// Accepts a pending connection; false: it has gone, or was decided on already.
    pub fn accept(&self, connection: u64) -> Result<bool> {
        self.decide(connection, None)
    }

    /// Refuses a pending connection with an HTTP status from 400 to 599; an empty reason becomes the status's phrase.
    pub fn reject(&self, connection: u64, status: i64, reason: &str) -> Result<bool> {
        let Some(status) = u16::try_from(status).ok().filter(|status| (400..600).contains(status)) else {
            let name = crate::error::Arg::Both { en: "HttpStatus", ru: "СтатусHTTP" };
            return Err(Error::new(Id::OutOfRange, [name, status.into(), 400.into(), 599.into()]));
        };
        self.decide(connection, Some(Refusal::in_words(status, reason)))
    }

    /// A header of every answer to a handshake from now on; an empty value removes it.
    pub fn set_response_header(&self, name: &str, value: &str) -> Result<()> {
        let _inside = self.enter()?;
        check_response_header(name, value)?;
        lock(&self.shared.headers).set(name, value);
        Ok(())
    }

    fn decide(&self, id: u64, refusal: Option<Refusal>) -> Result<bool> {
        let _inside = self.enter()?;
        let mut state = lock(&self.shared.state);
        state.registry.check_issued(id)?;
        if state.phase != Phase::Running {
            // A stop rejects the connections that still wait.
            return Ok(false);
        }
        let Some(connection) = state.registry.decide(id) else { return Ok(false) };
        let mut dispatch = false;
        match refusal {
            // The host knows: no event follows, and its place is free.
            Some(_) => {
                connection.set_pending(false);
                state.registry.release(connection.serial);
            }
            // What the host does with it, or sends to its name, from now on waits until it has opened.
            None => {
                connection.outbox.open();
                state.registry.opened(&connection);
                dispatch = self.shared.claim_asked(&mut state, &connection);
            }
        }
        // With the lock held, so that nothing else that is asked of it comes first.
        connection.decide(refusal);
        drop(state);
        if dispatch {
            // Where a handler takes the events, it runs on the I/O thread only.
            connection.post(Command::Dispatch(self.shared.inbox.clone()));
        }
        Ok(true)
    }
}

impl Shared {
    /// Whether a handshake from `address` may go on; it has a place then.
    pub(super) fn admit(
        &self,
        connection: &Connection,
        address: Option<IpAddr>,
        request: &mut Request,
    ) -> Result<(), Refusal> {
        if self.options.flag(Opt::Draining) {
            return Err(Refusal::new(503, "The server is about to end").retry_after(RETRY_AFTER));
        }
        let token = self.options.token();
        if !token.is_empty() {
            if !carries(request, &token) {
                return Err(Refusal::new(401, "A valid access token is needed"));
            }
            // From here on it is hidden, also from the host's own log of connections.
            request.hide_token(PROTOCOL);
        }
        if !is_served(&self.options.text(Opt::Paths), request.path()) {
            return Err(Refusal::new(404, "There is nothing at this path"));
        }
        let allowed = self.options.text(Opt::AllowedOrigins);
        if !allowed.is_empty()
            && let Some(from) = request.header("Origin")
            && !is_allowed(&allowed, &from)
        {
            return Err(Refusal::new(403, "This origin is not allowed"));
        }
        names::requested(request, &self.options.text(Opt::NameParameter))?;
        let most = self.options.size(Opt::MaxConnections);
        let most_of_one = match self.options.size(Opt::MaxConnectionsPerAddress) {
            0 => usize::MAX,
            most => most,
        };
        let mut state = lock(&self.state);
        // It may have been used for plain HTTP before.
        state.registry.release_plain(connection.serial);
        if state.phase != Phase::Running || !state.registry.has_room(most) {
            return Err(Refusal::new(503, "The server takes no more connections"));
        }
        if !state.registry.reserve(connection.serial, address.map(|address| address.to_canonical()), most_of_one) {
            return Err(Refusal::new(503, "The server takes no more connections from this address"));
        }
        Ok(())
    }

    /// Reports an incoming connection to the host if it wants to decide itself.
    pub(super) fn ask_host(&self, connection: &Arc<Connection>) -> bool {
        if !self.options.flag(Opt::ManualAccept) {
            return false;
        }
        connection.set_pending(true);
        let id = lock(&self.state).registry.ask(connection);
        connection.set_id(id);
        self.inbox.put(Some(connection), Body::Pending(connection_json(connection, "pending", true).to_string()));
        true
    }

    /// One that was pending will not open, and the host has not said so: it is told.
    pub(super) fn withdraw(&self, connection: &Arc<Connection>) {
        let mut state = lock(&self.state);
        let close_info = CloseInfo { code: 1006, reason: Reason::none(), clean: false };
        // A connection that was accepted has its name: the session, and what waits in it, outlives the connection, too.
        let stays = self.survives(&state, connection, &close_info);
        state.registry.forget(connection);
        if !connection.was_pending() {
            drop(state);
            return connection.release_waiters();
        }
        let dispatch = match stays {
            true => self.leave(&mut state, connection, &close_info),
            false => self.forget(&mut state, connection, &close_info),
        };
        drop(state);
        if dispatch {
            self.inbox.dispatch();
        }
    }
}

/// The subprotocols that a client offers, without what only carries a token.
pub(super) fn offered(request: &Request) -> Vec<String> {
    request.protocols().into_iter().filter(|name| !name.starts_with(PROTOCOL)).collect()
}

fn carries(request: &Request, token: &str) -> bool {
    let is_it = |text: &[u8]| bool::from(text.ct_eq(token.as_bytes()));
    // What is too long to be it is not even decoded.
    let fits = |text: &str| text.len() <= 3 * token.len();
    let decodes_to_it = |text: &str| is_it(&percent_decode_str(text).collect::<Vec<u8>>());
    let bearer = request.header("Authorization").unwrap_or_default();
    let bearer = bearer.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"));
    let mut found = bearer.is_some_and(|(_, text)| is_it(text.trim().as_bytes()));
    for pair in request.query().split('&') {
        if let Some(("access_token", value)) = pair.split_once('=')
            && fits(value)
        {
            // A form writes a blank as `+`; a token that was put there by hand may hold a `+` of its own.
            let by_form = value.replace('+', " ");
            found |= decodes_to_it(value) || decodes_to_it(&by_form);
        }
    }
    for name in request.protocols() {
        // A subprotocol's name may hold less than a token may: a page escapes it.
        found |= name.strip_prefix(PROTOCOL).is_some_and(|text| is_it(text.as_bytes()) || decodes_to_it(text));
    }
    found
}
