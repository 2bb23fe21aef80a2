//! The close handshake (RFC 6455 section 7) in every order.

use super::close_state::{LATE_READER, LINGER, peer_close_info};
use super::state::{Disposition, Driver, Phase};
use crate::engine::io::ThreadContext;
use crate::engine::shared::{CloseInfo, Reason};
use crate::error::{Error, Id, Language};
use crate::options::Opt;
use crate::ws::{PeerClose, Role, close_payload};
use bytes::Bytes;

impl Driver {
    /// The host, or the object itself, closes: what is queued goes first, then the handshake, all within `CloseTimeout`.
    pub fn close(&mut self, io: &mut ThreadContext, code: u16, reason: Reason, discard: bool) -> Disposition {
        match &self.phase {
            Phase::Open => {}
            Phase::Lingering | Phase::Rejecting => return Disposition::Keep,
            Phase::AwaitingAccept(_) => return self.reject_undecided(io, "The server stops"),
            _ => {
                let why = if self.is_client() { Id::Cancelled } else { Id::ServerStopped };
                return self.break_off(io, Error::of(why));
            }
        }
        if self.closing.is_deferred() && self.send_deferred_close(io) == Disposition::Remove {
            return Disposition::Remove;
        }
        let payload = (!self.closing.has_begun()).then(|| close_payload(code, &reason.text(Language::English)));
        if payload.is_some() {
            self.closing.by_host = true;
            if let Reason::Ours(_) = reason {
                self.closing.verdict = Some(Box::new(CloseInfo { code, reason, clean: false }));
            }
        }
        let Some(time) = self.time(Opt::CloseTimeout) else {
            self.closing.by_host = true;
            return self.break_off(io, Error::new(Id::CloseTimeout, [0.into()]));
        };
        if let Some(payload) = payload {
            self.closing.asked = Some(Box::new(payload));
        }
        // Asked again with a shorter CloseTimeout: it counts.
        let until = io.now + time;
        self.deadline = Some(self.deadline.map_or(until, |deadline| deadline.min(until)));
        self.connection.outbox.finish();
        if discard && !self.closing.discard {
            self.closing.discard = true;
            // A paused connection must be read again, or the peer's close is never seen.
            if self.paused_input.is_some() {
                self.connection.set_paused(false);
                if self.flush(io) == Disposition::Remove {
                    return Disposition::Remove;
                }
                return self.resume(io);
            }
        }
        if self.flush(io) == Disposition::Remove {
            return Disposition::Remove;
        }
        // What keeps the queue's room waiting holds on, the other reasons do not: the peer's close has to be seen.
        self.go_on(io, |paused| (paused.by_host, paused.until) = (false, None))
    }

    /// Ends at once, whatever the state.
    pub fn abort(&mut self, io: &mut ThreadContext) -> Disposition {
        self.closing.by_host = true;
        self.break_off(io, Error::of(Id::Cancelled))
    }

    /// The peer's close frame.
    pub(super) fn peer_closes(&mut self, io: &mut ThreadContext, close: PeerClose) -> Disposition {
        self.closing.received = Some(Box::new(close.clone()));
        self.closing.by_peer = !self.closing.has_begun();
        if !self.closing.is_staged() {
            // The verdict is dropped: the peer has closed first.
            self.closing.verdict = None;
            // The peer will not read what still waits; its close is answered at once. RFC 6455 section 5.5.1.
            let payload = close.code.map_or_else(Bytes::new, |code| close_payload(code, ""));
            self.closing.asked = Some(Box::new(payload));
            self.owner.peer_closes(&self.connection);
            if self.owner.keeps_unsent(&self.connection, &peer_close_info(&close, true)) {
                self.connection.outbox.stop_taking(self.connection.serial);
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

    /// After a write: ends the phase if all of it was written.
    pub(super) fn written(&mut self, io: &mut ThreadContext) -> Disposition {
        match self.phase {
            Phase::Rejecting if self.raw.is_none() => self.linger(io),
            Phase::Exchange(_) if self.raw.is_none() => self.answer_written(io),
            Phase::Open if self.closing.sent => {
                let input_ignored = self.closing.input_ignored;
                let close_info = match self.closing.received.take() {
                    // The answer of a peer whose input is ignored is not waited for.
                    None if !input_ignored => return Disposition::Keep,
                    Some(peer) if !input_ignored => match self.closing.verdict.take() {
                        Some(verdict) => CloseInfo { clean: true, ..*verdict },
                        None => peer_close_info(&peer, true),
                    },
                    _ => match self.closing.verdict.take() {
                        Some(verdict) => *verdict,
                        None => return Disposition::Keep,
                    },
                };
                self.report_end(io, close_info, input_ignored);
                self.linger(io)
            }
            _ => Disposition::Keep,
        }
    }

    /// Both close frames were exchanged. The server closes the socket first (RFC 6455 section 7.1.1); reading on until
    /// the peer has closed keeps a reset from destroying the close frame on its way.
    pub(super) fn linger(&mut self, io: &mut ThreadContext) -> Disposition {
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
    pub(super) fn peer_left(&mut self, io: &mut ThreadContext) -> Disposition {
        if self.closing.is_deferred() && self.send_deferred_close(io) == Disposition::Remove {
            return Disposition::Remove;
        }
        match self.phase {
            Phase::Open => self.break_off(io, Error::of(Id::ClosedWithoutHandshake)),
            _ => Disposition::Remove,
        }
    }

    /// The keepalive has given the peer up.
    pub(super) fn peer_gone(&mut self, io: &mut ThreadContext, error: Error) -> Disposition {
        let reason = Reason::Ours(error);
        self.closing.failed_by_us = true;
        self.closing.input_ignored = true;
        self.closing.verdict = Some(Box::new(CloseInfo { code: 1011, reason, clean: false }));
        self.break_off(io, Error::of(Id::ConnectionLost))
    }

    /// The peer has not answered in time. It may only be slow to read: where the kernel has our close frame, the host is
    /// told of the end, and the socket stays for a while.
    pub(super) fn close_timed_out(&mut self, io: &mut ThreadContext) -> Disposition {
        let ms = self.owner.options().int(Opt::CloseTimeout);
        let error = Error::new(Id::CloseTimeout, [ms.into()]);
        if !self.closing.sent {
            return self.break_off(io, error);
        }
        let (close_info, broken) = self.closing.close_info_or(error);
        self.report_end(io, close_info, broken);
        self.deadline = Some(io.now + LATE_READER);
        self.leave_close_frame(io)
    }

    /// Nothing more will be written. What was, the close frame behind it, stays with the kernel for a peer that reads
    /// late: unlike a reset, the end of the stream destroys none of it, as long as nothing that came remains unread.
    pub(super) fn leave_close_frame(&mut self, io: &mut ThreadContext) -> Disposition {
        self.phase = Phase::Lingering;
        if let Some(stream) = &mut self.stream {
            stream.shut_down();
        }
        self.discard_input(io)
    }
}
