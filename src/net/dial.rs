//! One of several addresses, whichever answers first: Happy Eyeballs (RFC 8305) without threads.

use super::compact_instant::CompactInstant;
use super::reactor::Reactor;
use super::resolve::lacks_zone;
use super::stream::Stream;
use crate::error::{Error, Id};
use crate::log::{self, Subject};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

/// The next address is tried when the one before has not answered for so long (RFC 8305 section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// A dial under way.
pub struct Dial {
    addresses: Vec<SocketAddr>,
    attempts: Vec<Option<(Stream, SocketAddr)>>,
    started: Option<CompactInstant>,
    failure: Option<Error>,
    subject: Subject,
}

/// What became of it.
pub enum DialState {
    Pending,
    /// The winner is still registered under its attempt's token.
    Connected(Stream, SocketAddr),
    Failed(Error),
}

impl Dial {
    /// How many addresses are tried, and tokens needed.
    pub const MAX: usize = 8;

    /// `subject` asks, for the log.
    pub fn new(mut addresses: Vec<SocketAddr>, subject: Subject) -> Self {
        addresses.truncate(Self::MAX);
        Self { addresses, attempts: Vec::new(), started: None, failure: None, subject }
    }

    /// When the next address is due, while some remain.
    pub fn next_due(&self) -> Option<CompactInstant> {
        let more = self.attempts.len() < self.addresses.len();
        self.started.filter(|_| more).map(|started| started + ATTEMPT_DELAY)
    }

    /// Starts what is due. Attempt `n` is registered under `base_token + n`.
    pub fn advance(&mut self, reactor: &Reactor, base_token: usize, now: CompactInstant) -> DialState {
        while let Some(&address) = self.addresses.get(self.attempts.len()) {
            let due = self.started.is_none_or(|started| started + ATTEMPT_DELAY <= now);
            if !due && self.attempts.iter().any(Option::is_some) {
                return DialState::Pending;
            }
            let token = base_token + self.attempts.len();
            log::debug!(self.subject, "trying {address}");
            let attempt = Stream::dial(address).and_then(|mut stream| stream.register(reactor, token).map(|()| stream));
            self.started = Some(now);
            match attempt {
                Ok(stream) => self.attempts.push(Some((stream, address))),
                Err(error) => {
                    log::debug!(self.subject, "{address}: {error}");
                    self.failure.get_or_insert_with(|| describe(address, &error));
                    self.attempts.push(None);
                }
            }
        }
        if self.attempts.iter().any(Option::is_some) {
            return DialState::Pending;
        }
        DialState::Failed(self.failure.take().unwrap_or_else(|| Error::of(Id::Unreachable)))
    }

    /// One attempt's socket has news.
    pub fn ready(&mut self, reactor: &Reactor, base_token: usize, token: usize, now: CompactInstant) -> DialState {
        let Some(slot) = token.checked_sub(base_token).and_then(|at| self.attempts.get_mut(at)) else {
            return DialState::Pending;
        };
        let Some((stream, address)) = slot else { return DialState::Pending };
        match stream.dial_finished() {
            Ok(false) => DialState::Pending,
            Ok(true) => {
                log::debug!(self.subject, "{address} answers");
                let winner = slot.take();
                for (mut loser, _) in self.attempts.drain(..).flatten() {
                    loser.deregister(reactor);
                }
                winner.map_or(DialState::Pending, |(stream, address)| DialState::Connected(stream, address))
            }
            Err(error) => {
                log::debug!(self.subject, "{address}: {error}");
                let failure = describe(*address, &error);
                *slot = None;
                // The first address is the one that the user would name.
                self.failure.get_or_insert(failure);
                self.advance(reactor, base_token, now)
            }
        }
    }
}

fn describe(address: SocketAddr, error: &io::Error) -> Error {
    let id = match error.kind() {
        ErrorKind::ConnectionRefused => Id::Refused,
        ErrorKind::ConnectionReset => Id::Reset,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown | ErrorKind::TimedOut => {
            Id::Unreachable
        }
        _ if lacks_zone(&address) => Id::ZoneMissing,
        _ => Id::SocketFailed,
    };
    Error::new(Id::ConnectingTo, [address.to_string().into()]).because(Error::of(id).system(error))
}
