//! The close handshake (RFC 6455 section 7) in every order.

use super::close_state::{LINGER, peer_ending};
use super::state::{After, Driver, Phase};
use crate::engine::io::Io;
use crate::engine::shared::{Ending, Reason};
use crate::error::{Error, Id};
use crate::options::Opt;
use crate::ws::{PeerClose, Role, close_payload};
use bytes::Bytes;

impl Driver {
    /// The host closes: what is queued goes first, then the handshake, all within `CloseTimeout`.
    pub fn close(&mut self, io: &mut Io, code: u16, reason: &str, discard: bool) -> After {
        match &self.phase {
            Phase::Open => {}
            Phase::Lingering | Phase::Refusing => return After::Keep,
            Phase::Pending(_) => return self.lapse(io, "The server stops"),
            _ => return self.break_off(io, Error::of(Id::Cancelled)),
        }
        if self.closing.is_held() && self.say_farewell(io) == After::Gone {
            return After::Gone;
        }
        let Some(time) = self.time(Opt::CloseTimeout) else {
            self.closing.local = true;
            return self.break_off(io, Error::new(Id::CloseTimeout, [0.into()]));
        };
        if !self.closing.has_begun() {
            self.closing.asked = Some(Box::new(close_payload(code, reason)));
            self.closing.local = true;
        }
        // Asked again with a shorter CloseTimeout: it counts.
        let until = io.now + time;
        self.deadline = Some(self.deadline.map_or(until, |deadline| deadline.min(until)));
        self.connection.outbox.finish();
        if discard && !self.closing.discard {
            self.closing.discard = true;
            // A paused connection must be read again, or the peer's close is never seen.
            if self.stash.is_some() {
                self.connection.set_paused(false);
                if self.flush(io) == After::Gone {
                    return After::Gone;
                }
                return self.resume(io);
            }
        }
        self.flush(io)
    }

    /// Ends at once, whatever the state.
    pub fn abort(&mut self, io: &mut Io) -> After {
        self.closing.local = true;
        self.break_off(io, Error::of(Id::Cancelled))
    }

    /// The peer's close frame.
    pub(super) fn peer_closes(&mut self, io: &mut Io, close: PeerClose) -> After {
        self.closing.received = Some(Box::new(close.clone()));
        self.closing.theirs = !self.closing.has_begun();
        if !self.closing.is_staged() {
            // The peer will not read what still waits; its close is answered at once. RFC 6455 section 5.5.1.
            let payload = close.code.map_or_else(Bytes::new, |code| close_payload(code, ""));
            self.closing.asked = Some(Box::new(payload));
            self.owner.peer_closes(&self.connection);
            if self.owner.keeps_unsent(&self.connection, &peer_ending(&close, true)) {
                self.connection.outbox.seal(self.connection.serial);
            } else {
                self.connection.outbox.close();
            }
        }
        if let Some(error) = self.unwritable.take() {
            return self.break_off(io, error);
        }
        let time = self.time(Opt::CloseTimeout).unwrap_or(LINGER);
        self.deadline.get_or_insert(io.now + time);
        self.flush(io)
    }

    /// After a write: is everything said?
    pub(super) fn written(&mut self, io: &mut Io) -> After {
        match self.phase {
            Phase::Refusing if self.raw.is_none() => self.linger(io),
            Phase::Open if self.closing.sent => match (self.closing.violation.take(), self.closing.received.take()) {
                (Some(ending), _) => {
                    self.report_end(io, *ending, true);
                    self.linger(io)
                }
                (None, Some(peer)) => {
                    self.report_end(io, peer_ending(&peer, true), false);
                    self.linger(io)
                }
                (None, None) => After::Keep,
            },
            _ => After::Keep,
        }
    }

    /// Both sides have said goodbye. The server closes the socket first (RFC 6455 section 7.1.1); reading on until the
    /// peer has closed keeps a reset from eating the close frame on its way.
    fn linger(&mut self, io: &mut Io) -> After {
        self.phase = Phase::Lingering;
        let latest = io.now + LINGER;
        self.deadline = Some(self.deadline.map_or(latest, |deadline| deadline.min(latest)));
        if self.role == Role::Server
            && let Some(stream) = &mut self.stream
        {
            stream.shut_down();
        }
        self.discard_input(io)
    }

    /// The peer has closed the socket.
    pub(super) fn peer_left(&mut self, io: &mut Io) -> After {
        if self.closing.is_held() && self.say_farewell(io) == After::Gone {
            return After::Gone;
        }
        match self.phase {
            Phase::Open => self.break_off(io, Error::of(Id::ClosedWithoutHandshake)),
            _ => After::Gone,
        }
    }

    /// The keepalive has given the peer up.
    pub(super) fn peer_gone(&mut self, io: &mut Io, error: Error) -> After {
        let reason = Reason::Ours(error);
        self.closing.ours = true;
        self.closing.violation = Some(Box::new(Ending { code: 1011, reason, clean: false }));
        self.break_off(io, Error::of(Id::ConnectionLost))
    }

    pub(super) fn close_timed_out(&mut self, io: &mut Io) -> After {
        let ms = self.owner.options().int(Opt::CloseTimeout);
        self.break_off(io, Error::new(Id::CloseTimeout, [ms.into()]))
    }
}
