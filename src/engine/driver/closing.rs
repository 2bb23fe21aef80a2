//! The close handshake (RFC 6455 section 7) in every order.

use super::failing::Held;
use super::{After, Driver, Phase};
use crate::engine::io::Io;
use crate::engine::shared::{Ending, Reason};
use crate::error::{Error, Id};
use crate::net::Moment;
use crate::options::Opt;
use crate::ws::{PeerClose, Role, close_payload};
use bytes::Bytes;
use std::time::Duration;

/// How long the socket stays after both close frames, so that the peer reads ours before a reset could eat it.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// How far the close has come. Nearly all connections have not begun it, so what it needs is boxed.
#[derive(Default)]
pub(super) struct Closing {
    /// The close frame to send once the queue is empty.
    pub(super) asked: Option<Box<Bytes>>,
    /// The close frame that waits until the host has answered what came before the violation.
    pub(super) held: Option<Box<Held>>,
    /// When the last message was put into the queue.
    pub(super) last_message: Option<Moment>,
    staged: bool,
    sent: bool,
    received: Option<Box<PeerClose>>,
    /// The peer broke the protocol: nothing more is read.
    pub(super) violation: Option<Box<Ending>>,
    /// The host does not want what still arrives.
    discard: bool,
    /// The host asked for the close.
    local: bool,
    /// The peer broke the protocol or did not answer, and so we close.
    pub(super) ours: bool,
    /// The peer's close frame came first.
    theirs: bool,
    pub(super) reported: bool,
}

impl Closing {
    pub fn has_begun(&self) -> bool {
        self.asked.is_some() || self.staged
    }

    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }

    pub fn is_staged(&self) -> bool {
        self.staged
    }

    pub fn is_deaf(&self) -> bool {
        self.received.is_some() || self.violation.is_some()
    }

    pub fn discards(&self) -> bool {
        self.discard
    }

    pub fn sent(&mut self) {
        self.sent = true;
    }

    /// The close frame, when it is its turn.
    pub fn next_frame(&mut self, queue_is_empty: impl FnOnce() -> bool) -> Option<Bytes> {
        if self.staged || self.asked.is_none() || !queue_is_empty() {
            return None;
        }
        self.staged = true;
        self.asked.take().map(|payload| *payload)
    }

    /// Who ended it, for the log.
    pub fn who(&self) -> &'static str {
        match (self.local || self.ours, self.theirs) {
            (true, _) => "closed by us",
            (false, true) => "closed by the peer",
            (false, false) => "broken",
        }
    }

    /// The ending of a connection that breaks now, and whether it counts as broken.
    pub fn ending_or(&mut self, error: Error) -> (Ending, bool) {
        match (self.violation.take(), &self.received) {
            (Some(ending), _) => (*ending, true),
            // The peer's close came whole; that our echo did not get through is its affair.
            (None, Some(peer)) => (peer_ending(peer, false), false),
            (None, None) => (Driver::broken_ending(error), !self.local),
        }
    }
}

fn peer_ending(peer: &PeerClose, clean: bool) -> Ending {
    Ending { code: peer.code.unwrap_or(1005), reason: Reason::Text(peer.reason.clone()), clean }
}

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
