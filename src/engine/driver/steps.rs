//! What the table of connections calls: what is due in the phase that a connection is in, and its end.

use super::state::{Disposition, Driver, Phase};
use crate::engine::io::{ConnectionEnd, ThreadContext};
use crate::engine::shared::CloseInfo;
use crate::error::{Error, Id};
use crate::net::{Ready, Stream};
use crate::options::Opt;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The furthest timer that is set: a timer that outlives its connection wastes no more time than that.
const MAX_TIMER: Duration = Duration::from_secs(60);

impl Driver {
    /// The socket is ready.
    pub fn ready(&mut self, io: &mut ThreadContext, event: &Ready) -> Disposition {
        self.half_closed |= event.read_closed;
        if let Phase::Dialing { dial, .. } = &mut self.phase {
            let state = dial.ready(&io.reactor, self.token, event.token, io.now);
            return self.dialed(io, state);
        }
        if event.writable && self.blocked_since.take().is_some() {
            self.keepalive.unblocked(io.now);
            if self.flush(io) == Disposition::Remove {
                return Disposition::Remove;
            }
        }
        if event.readable && self.paused_input.is_some() {
            return self.send_unsolicited_pong(io);
        }
        if self.is_requeued {
            // More from a connection that is requeued: it is read in its turn.
            return Disposition::Keep;
        }
        // TLS may have waited for room to write before it could read on.
        let secure = self.stream.as_ref().is_some_and(Stream::is_tls);
        if event.readable || event.read_closed || event.writable && secure {
            return self.readable(io);
        }
        Disposition::Keep
    }

    /// Something can be read.
    pub fn readable(&mut self, io: &mut ThreadContext) -> Disposition {
        match &self.phase {
            Phase::Backoff | Phase::Resolving(_) | Phase::Dialing { .. } => Disposition::Keep,
            Phase::Tunneling { .. } => self.tunnel(io),
            Phase::AwaitingProxyHead(_) => self.read_proxy_head(io),
            Phase::TlsHandshake(_) => self.secure(io),
            Phase::AwaitingResponse(_) => self.read_answer(io),
            Phase::AwaitingRequest(_) => self.read_request(io),
            Phase::AwaitingAccept(_) => self.read_early(io),
            Phase::Exchange(_) => self.go_on_with_exchange(io),
            Phase::Open => self.read_frames(io),
            Phase::Rejecting | Phase::Lingering => self.discard_input(io),
        }
    }

    /// A timer has fired.
    pub fn tick(&mut self, io: &mut ThreadContext) -> Disposition {
        if let Phase::Dialing { dial, .. } = &mut self.phase
            && dial.next_due().is_some_and(|due| due <= io.now)
        {
            let state = dial.advance(&io.reactor, self.token, io.now);
            if self.dialed(io, state) == Disposition::Remove {
                return Disposition::Remove;
            }
        }
        if self.deadline.is_some_and(|deadline| deadline <= io.now) {
            return self.overdue(io);
        }
        if matches!(self.phase, Phase::Open) && !self.closing.has_begun() {
            return self.check_alive(io);
        }
        Disposition::Keep
    }

    fn overdue(&mut self, io: &mut ThreadContext) -> Disposition {
        match &self.phase {
            Phase::Backoff => self.acquire_permit(io),
            Phase::Resolving(_)
            | Phase::Dialing { .. }
            | Phase::Tunneling { .. }
            | Phase::TlsHandshake(Some(_))
            | Phase::AwaitingResponse(_) => self.connect_timed_out(io),
            Phase::Exchange(_) => self.exchange_overdue(io),
            Phase::AwaitingRequest(handshake) if handshake.is_idle() => self.break_off(io, Error::of(Id::ClosedEarly)),
            Phase::AwaitingProxyHead(_) | Phase::TlsHandshake(None) | Phase::AwaitingRequest(_) => {
                if let Phase::AwaitingRequest(handshake) = &self.phase
                    && let Some(refusal) = handshake.overdue()
                {
                    return self.refuse(io, &refusal);
                }
                let ms = self.owner.options().int(Opt::HandshakeTimeout);
                self.log_failed_handshake(&Error::new(Id::HandshakeTimeout, [ms.into()]));
                self.owner.rejected(0);
                Disposition::Remove
            }
            Phase::AwaitingAccept(_) => self.reject_undecided(io, "Nobody let it in"),
            Phase::Rejecting | Phase::Lingering => Disposition::Remove,
            Phase::Open if self.closing.is_deferred() => self.deferred_close_due(io),
            Phase::Open => self.close_timed_out(io),
        }
    }

    /// Sets the timer for what comes first.
    pub fn arm(&mut self, io: &mut ThreadContext, token: usize) {
        let check = match &self.phase {
            Phase::Open if !self.closing.has_begun() => self.next_check(),
            Phase::Dialing { dial, .. } => dial.next_due(),
            _ => None,
        };
        let due = match (self.deadline, check) {
            (Some(deadline), Some(check)) => Some(deadline.min(check)),
            (one, other) => one.or(other),
        };
        if let Some(due) = due
            && let due = due.min(io.now + MAX_TIMER)
            && self.armed.is_none_or(|armed| due < armed)
        {
            io.timers.set(due, token, self.connection.serial);
            self.armed = Some(due);
        }
    }

    /// Whether a timer that fires is this driver's; it must be armed again.
    pub fn timer_fired(&mut self, stamp: u64) -> bool {
        let own = self.connection.serial == stamp;
        if own {
            self.armed = None;
        }
        own
    }

    /// The connection has broken, or is given up: reports it, once, and drops the socket.
    pub fn break_off(&mut self, io: &mut ThreadContext, error: Error) -> Disposition {
        match &self.phase {
            Phase::Open => {
                let (close_info, broken) = self.closing.close_info_or(error);
                self.report_end(io, close_info, broken);
                if self.closing.sent && self.unwritable.is_none() {
                    self.leave_close_frame(io);
                } else if let Some(stream) = &mut self.stream {
                    stream.abort();
                }
            }
            Phase::Lingering | Phase::Rejecting => {}
            Phase::Exchange(exchange) => self.log_broken_exchange(&exchange.subject, &error),
            Phase::AwaitingRequest(handshake) if handshake.is_idle() => self.log_idle_end(),
            Phase::AwaitingProxyHead(_)
            | Phase::TlsHandshake(None)
            | Phase::AwaitingRequest(_)
            | Phase::AwaitingAccept(_) => {
                self.log_failed_handshake(&error);
                self.owner.withdrawn(&self.connection);
                self.owner.rejected(0);
            }
            Phase::Backoff
            | Phase::Resolving(_)
            | Phase::Dialing { .. }
            | Phase::Tunneling { .. }
            | Phase::TlsHandshake(Some(_))
            | Phase::AwaitingResponse(_) => {
                self.tell_answer();
                self.log_failure(&error);
                self.owner.failed(&self.connection, &error);
            }
        }
        self.phase = Phase::Lingering;
        Disposition::Remove
    }

    /// Reports to the owner how an open connection ended, once.
    pub(super) fn report_end(&mut self, io: &mut ThreadContext, close_info: CloseInfo, broken: bool) {
        if std::mem::replace(&mut self.closing.reported, true) {
            return;
        }
        self.deliver_paused_input(io);
        let (unwritten, _) = self.connection.outbox.waiting();
        self.hand_back();
        self.log_end(&close_info, unwritten);
        let end = ConnectionEnd { close_info, broken, all_written: unwritten == 0 };
        // Its messages come before its end.
        io.hand_over();
        self.owner.ended(&self.connection, &end);
    }

    /// The thread lets go of the connection.
    pub fn leave(mut self: Box<Self>, io: &mut ThreadContext) {
        if let Some(mut stream) = self.stream.take() {
            stream.deregister(&io.reactor);
        }
        self.phase = Phase::Lingering;
        self.charge_assembly(0);
        self.hand_back();
        self.release_permit(io);
        self.owner.released(&self.connection);
    }

    /// Charges the bytes of an unfinished message; false when all connections together hold too many.
    pub(super) fn charge_assembly(&mut self, now: usize) -> bool {
        let before = std::mem::replace(&mut self.assembling, now);
        let Some((total, limit)) = self.owner.assembly() else { return true };
        if now >= before {
            let sum = total.fetch_add(now - before, Relaxed) + (now - before);
            now == before || sum <= limit
        } else {
            total.fetch_sub(before - now, Relaxed);
            true
        }
    }
}
