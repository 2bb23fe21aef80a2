//! Failing the connection of a peer that breaks the protocol, RFC 6455 section 7.1.7, and losing one to the network.
//!
//! Messages that came before the violation are as good as any, so the host may answer them: the close frame waits until
//! it has, which a host that takes one message after the other shows by asking for the next. The peer sees the same as
//! from a server that reads no further than it has answered.

use super::close_state::{Held, LINGER};
use super::state::{Disposition, Driver, Phase};
use crate::engine::io::Io;
use crate::engine::shared::{Ending, Reason};
use crate::error::{Error, Id, Language};
use crate::options::Opt;
use crate::ws::{Decoder, Violation, close_payload};
use bytes::Bytes;
use std::time::Duration;

/// The longest time for those answers; a host that takes no messages cannot keep a violator.
const PATIENCE: Duration = Duration::from_secs(1);
/// The first look whether it has; each next one comes after twice the time.
const STEP: Duration = Duration::from_millis(1);

impl Driver {
    /// The peer broke the protocol: nothing more is read from it, and it is told.
    pub(super) fn violated(&mut self, io: &mut Io, violation: Violation) -> Disposition {
        let text = violation.error.text(Language::English);
        let payload = (!self.closing.is_staged()).then(|| close_payload(violation.code, &text));
        let reason = Reason::Ours(violation.error);
        self.closing.ours = true;
        self.closing.deaf = true;
        self.closing.verdict = Some(Box::new(Ending { code: violation.code, reason, clean: false }));
        self.decoder = Decoder::new(self.role);
        self.book_held(0);
        if let Some(error) = self.unwritable.take() {
            return self.break_off(io, error);
        }
        match payload {
            Some(payload) if !self.closing.has_begun() => self.hold(io, payload),
            payload => self.tell(io, payload),
        }
    }

    fn hold(&mut self, io: &mut Io, payload: Bytes) -> Disposition {
        let patience = self.time(Opt::CloseTimeout).unwrap_or_default().min(PATIENCE);
        let recent = self.closing.last_message.is_some_and(|last| io.now < last + patience);
        let held = Held { payload, until: io.now + patience, step: STEP, receives: None };
        self.closing.held = Some(Box::new(held));
        if !recent || self.has_been_answered() {
            return self.say_farewell(io);
        }
        self.deadline = Some(io.now + STEP);
        // What is staged, as the answer to a ping, does not wait.
        self.flush(io)
    }

    fn has_been_answered(&mut self) -> bool {
        let Some(held) = &mut self.closing.held else { return true };
        self.owner.inbox().is_done_with(&self.connection, &mut held.receives)
    }

    /// It is time to look whether the host has answered.
    pub(super) fn farewell_due(&mut self, io: &mut Io) -> Disposition {
        if self.has_been_answered() {
            return self.say_farewell(io);
        }
        match &mut self.closing.held {
            Some(held) if io.now < held.until => {
                held.step *= 2;
                self.deadline = Some((io.now + held.step).min(held.until));
                Disposition::Keep
            }
            _ => self.say_farewell(io),
        }
    }

    /// Sends the close frame that was held, behind what the host has sent.
    pub(super) fn say_farewell(&mut self, io: &mut Io) -> Disposition {
        let held = self.closing.held.take();
        self.deadline = None;
        self.tell(io, held.map(|held| held.payload))
    }

    fn tell(&mut self, io: &mut Io, payload: Option<Bytes>) -> Disposition {
        self.closing.asked = payload.map(Box::new);
        let returns = self.closing.verdict.as_ref().is_some_and(|end| self.owner.keeps_unsent(&self.connection, end));
        match returns {
            // The rest is for when it comes back.
            true => self.connection.outbox.seal(self.connection.serial),
            false => self.connection.outbox.fail(),
        }
        let time = self.time(Opt::CloseTimeout).unwrap_or(LINGER);
        self.deadline.get_or_insert(io.now + time);
        self.flush(io)
    }

    /// Loses the connection to an error of the socket.
    pub(super) fn lost(&mut self, io: &mut Io, error: &std::io::Error) -> Disposition {
        // A proxy that had kept the connection on which it refused, and has closed it meanwhile.
        if let Phase::Tunneling { tunnel, .. } = &mut self.phase
            && let Some(request) = tunnel.retry()
        {
            return self.reach_again(io, request);
        }
        let lost = self.loss(error);
        self.break_off(io, lost)
    }

    pub(super) fn loss(&self, error: &std::io::Error) -> Error {
        match &self.phase {
            Phase::Open => Error::of(Id::ConnectionLost).detail(error),
            _ => self.connecting(Error::of(Id::ConnectionLost).detail(error)),
        }
    }
}
