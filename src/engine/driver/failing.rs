//! Failing the connection after a protocol violation (RFC 6455 section 7.1.7), and losing one to the network.
//!
//! After a violation nothing more is read, and the peer gets a close frame. What came before it is still delivered and
//! may be answered, so the frame is deferred until the host is done with it, which a host shows by calling `receive`
//! again; at most one second, or `CloseTimeout` if that is shorter. The peer sees what a server that handles one
//! message at a time would do.

use super::close_state::{DeferredClose, LINGER};
use super::state::{Disposition, Driver, Phase};
use crate::engine::io::ThreadContext;
use crate::engine::shared::{CloseInfo, Reason};
use crate::error::{Error, Id, Language};
use crate::options::Opt;
use crate::ws::{Decoder, Violation, close_payload};
use bytes::Bytes;
use std::time::Duration;

/// The longest time for those answers; a host that takes no messages cannot keep the connection of a violator.
const MAX_DEFER: Duration = Duration::from_secs(1);
/// The first check whether the host has answered; each next one comes after twice the time.
const FIRST_CHECK: Duration = Duration::from_millis(1);

impl Driver {
    /// The peer broke the protocol: nothing more is read from it, and it is sent a close frame.
    pub(super) fn violated(&mut self, io: &mut ThreadContext, violation: Violation) -> Disposition {
        let text = violation.error.text(Language::English);
        let payload = (!self.closing.is_staged()).then(|| close_payload(violation.code, &text));
        let reason = Reason::Ours(violation.error);
        self.closing.failed_by_us = true;
        self.closing.input_ignored = true;
        self.closing.verdict = Some(Box::new(CloseInfo { code: violation.code, reason, clean: false }));
        self.decoder = Decoder::new(self.role);
        self.charge_assembly(0);
        if let Some(error) = self.unwritable.take() {
            return self.break_off(io, error);
        }
        match payload {
            Some(payload) if !self.closing.has_begun() => self.defer_close(io, payload),
            payload => self.send_close(io, payload),
        }
    }

    fn defer_close(&mut self, io: &mut ThreadContext, payload: Bytes) -> Disposition {
        let timeout = self.time(Opt::CloseTimeout).unwrap_or_default().min(MAX_DEFER);
        let recent = self.closing.last_message.is_some_and(|last| io.now < last + timeout);
        let deferred = DeferredClose { payload, until: io.now + timeout, step: FIRST_CHECK, receives: None };
        self.closing.deferred = Some(Box::new(deferred));
        if !recent || self.has_been_answered() {
            return self.send_deferred_close(io);
        }
        self.deadline = Some(io.now + FIRST_CHECK);
        // What is staged, as the answer to a ping, does not wait.
        self.flush(io)
    }

    fn has_been_answered(&mut self) -> bool {
        let Some(deferred) = &mut self.closing.deferred else { return true };
        self.owner.inbox().is_done_with(&self.connection, &mut deferred.receives)
    }

    /// Checks again whether the host has answered.
    pub(super) fn deferred_close_due(&mut self, io: &mut ThreadContext) -> Disposition {
        if self.has_been_answered() {
            return self.send_deferred_close(io);
        }
        match &mut self.closing.deferred {
            Some(deferred) if io.now < deferred.until => {
                deferred.step *= 2;
                self.deadline = Some((io.now + deferred.step).min(deferred.until));
                Disposition::Keep
            }
            _ => self.send_deferred_close(io),
        }
    }

    /// Sends the deferred close frame, behind what the host has sent.
    pub(super) fn send_deferred_close(&mut self, io: &mut ThreadContext) -> Disposition {
        let deferred = self.closing.deferred.take();
        self.deadline = None;
        self.send_close(io, deferred.map(|deferred| deferred.payload))
    }

    fn send_close(&mut self, io: &mut ThreadContext, payload: Option<Bytes>) -> Disposition {
        self.closing.asked = payload.map(Box::new);
        let returns = self.closing.verdict.as_ref().is_some_and(|end| self.owner.keeps_unsent(&self.connection, end));
        match returns {
            // The rest is sent when the session is resumed.
            true => self.connection.outbox.stop_taking(self.connection.serial),
            false => self.connection.outbox.fail(),
        }
        let time = self.time(Opt::CloseTimeout).unwrap_or(LINGER);
        self.deadline.get_or_insert(io.now + time);
        self.flush(io)
    }

    /// Loses the connection to an error of the socket.
    pub(super) fn lost(&mut self, io: &mut ThreadContext, error: &std::io::Error) -> Disposition {
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
            Phase::Open if error.kind() == std::io::ErrorKind::OutOfMemory => Error::of(Id::NoMemory),
            Phase::Open => Error::of(Id::ConnectionLost).system(error),
            _ => self.connecting(Error::of(Id::ConnectionLost).system(error)),
        }
    }
}
