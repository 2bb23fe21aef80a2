//! One of several addresses, whichever answers first: Happy Eyeballs (RFC 8305) without threads.

use super::compact_instant::CompactInstant;
use super::place::Place;
use super::reactor::Reactor;
use super::resolve::lacks_zone;
use super::stream::Stream;
use crate::error::{Error, Id};
use crate::log::{self, Subject};
use std::io::{self, ErrorKind};
use std::time::Duration;

/// The next address is tried when the one before has not answered for so long (RFC 8305 section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// A dial under way.
pub struct Dial {
    places: Vec<Place>,
    attempts: Vec<Option<(Stream, Place)>>,
    started: Option<CompactInstant>,
    /// Too many wait at a Unix socket already, which is tried again.
    crowded: bool,
    failure: Option<Error>,
    subject: Subject,
}

/// What became of it.
pub enum DialState {
    Pending,
    /// The winner is still registered under its attempt's token.
    Connected(Stream),
    Failed(Error),
}

impl Dial {
    /// How many addresses are tried, and tokens needed.
    pub const MAX: usize = 8;

    /// `subject` asks, for the log.
    pub fn new(mut places: Vec<Place>, subject: Subject) -> Self {
        places.truncate(Self::MAX);
        Self { places, attempts: Vec::new(), started: None, crowded: false, failure: None, subject }
    }

    /// When the next place is due, while some remain.
    pub fn next_due(&self) -> Option<CompactInstant> {
        let more = self.attempts.len() < self.places.len();
        self.started.filter(|_| more).map(|started| started + ATTEMPT_DELAY)
    }

    /// Starts what is due. Attempt `n` is registered under `base_token + n`.
    pub fn advance(&mut self, reactor: &Reactor, base_token: usize, now: CompactInstant) -> DialState {
        while let Some(place) = self.places.get(self.attempts.len()) {
            let due = self.started.is_none_or(|started| started + ATTEMPT_DELAY <= now);
            if !due && (self.crowded || self.attempts.iter().any(Option::is_some)) {
                return DialState::Pending;
            }
            let token = base_token + self.attempts.len();
            log::debug!(self.subject, "trying {place}");
            let attempt = Stream::dial(place).and_then(|mut stream| stream.register(reactor, token).map(|()| stream));
            self.started = Some(now);
            match attempt {
                Ok(stream) => self.attempts.push(Some((stream, place.clone()))),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.crowded = true;
                    return DialState::Pending;
                }
                Err(error) => {
                    log::debug!(self.subject, "{place}: {error}");
                    self.failure.get_or_insert_with(|| describe(place, &error));
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
        let Some((stream, place)) = slot else { return DialState::Pending };
        match stream.dial_finished() {
            Ok(false) => DialState::Pending,
            Ok(true) => {
                log::debug!(self.subject, "{place} answers");
                let winner = slot.take();
                for (mut loser, _) in self.attempts.drain(..).flatten() {
                    loser.deregister(reactor);
                }
                winner.map_or(DialState::Pending, |(stream, _)| DialState::Connected(stream))
            }
            Err(error) => {
                log::debug!(self.subject, "{place}: {error}");
                let failure = describe(place, &error);
                *slot = None;
                // The first address is the one that the user would name.
                self.failure.get_or_insert(failure);
                self.advance(reactor, base_token, now)
            }
        }
    }
}

fn describe(place: &Place, error: &io::Error) -> Error {
    let local = matches!(place, Place::Unix(_));
    let id = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory if local => Id::UnixMissing,
        ErrorKind::PermissionDenied if local => Id::UnixForbidden,
        ErrorKind::ConnectionRefused if local => Id::UnixRefused,
        ErrorKind::ConnectionRefused => Id::Refused,
        ErrorKind::ConnectionReset => Id::Reset,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown | ErrorKind::TimedOut => {
            Id::Unreachable
        }
        _ if matches!(place, Place::Tcp(address) if lacks_zone(address)) => Id::ZoneMissing,
        _ => Id::SocketFailed,
    };
    Error::new(Id::ConnectingTo, [place.to_string().into()]).because(Error::of(id).system(error))
}
