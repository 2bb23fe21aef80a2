//! Keepalive: pings after a silence, without any work per message.
//!
//! A slow consumer is not a dead one: the time for an answer does not run while we have paused reading ourselves, nor
//! while the peer's window holds back what we have to send. Then only a peer whose kernel, too, has been silent for
//! both times together is given up: here on Linux, by the system itself on Windows (TCP_MAXRT). (TCP_USER_TIMEOUT is
//! no help: Linux applies it to a closed window as well, and so kills the slow consumer that it should spare.)

use super::state::{Disposition, Driver};
use crate::engine::io::ThreadContext;
use crate::engine::shared::serial;
use crate::error::{Error, Id};
use crate::log;
use crate::net::{CompactInstant, Stream};
use crate::options::Opt;
use crate::ws::FrameKind;
use bytes::Bytes;
use std::time::Duration;

/// The shortest time between two checks.
const MIN_CHECK_INTERVAL: Duration = Duration::from_millis(1);

impl Driver {
    /// When to check again.
    pub(super) fn next_check(&self) -> Option<CompactInstant> {
        let interval = self.time(Opt::PingInterval)?;
        let keepalive = &self.keepalive;
        if keepalive.paused {
            return Some(keepalive.last_received + interval / 2);
        }
        match keepalive.probe {
            None => Some(keepalive.last_received + interval),
            Some(left) => {
                let pong = self.time(Opt::PongTimeout)?;
                let since = match (self.blocked_since, left) {
                    (Some(blocked_since), _) => blocked_since + interval,
                    (None, Some(left)) => left,
                    (None, None) => keepalive.last_received + interval,
                };
                // Asked again a little later while the peer's kernel still works on what came before.
                Some((since + pong).max(keepalive.last_received + (interval + pong) / 8))
            }
        }
    }

    pub(super) fn check_alive(&mut self, io: &mut ThreadContext) -> Disposition {
        let Some(interval) = self.time(Opt::PingInterval) else { return Disposition::Keep };
        let silence = io.now.saturating_duration_since(self.keepalive.last_received);
        if self.keepalive.paused {
            if silence >= interval / 2 {
                self.keepalive.last_received = io.now;
                return self.send_unsolicited_pong(io);
            }
            return Disposition::Keep;
        }
        match self.keepalive.probe {
            None if silence >= interval => {
                let id = serial();
                log::debug!(self.subject(), "nothing received for {} ms, pinging", silence.as_millis());
                self.keepalive.probe = Some(None);
                self.keepalive.probe_id = id;
                if let (Some(stream), Some(pong)) = (&self.stream, self.time(Opt::PongTimeout)) {
                    stream.give_up_after(interval + pong);
                }
                self.ping(io, id)
            }
            None => Disposition::Keep,
            Some(left) => self.check_pong_timeout(io, interval, left),
        }
    }

    /// While reading is paused the peer's pings cannot be answered, of which one may be among what has just come,
    /// whatever its intervals are: an unsolicited pong (RFC 6455 section 5.5.3) shows that this end is alive. The
    /// peer's window bounds how often that is.
    pub(super) fn send_unsolicited_pong(&mut self, io: &mut ThreadContext) -> Disposition {
        if self.blocked_since.is_some() || self.closing.has_begun() {
            return Disposition::Keep;
        }
        self.stage_frame(io, FrameKind::Pong, Bytes::new());
        self.flush(io)
    }

    /// A ping was sent and nothing has been received since.
    fn check_pong_timeout(
        &mut self,
        io: &mut ThreadContext,
        interval: Duration,
        left: Option<CompactInstant>,
    ) -> Disposition {
        let Some(pong) = self.time(Opt::PongTimeout) else { return Disposition::Keep };
        let waited = left.is_some_and(|left| io.now.saturating_duration_since(left) >= pong);
        let held_up =
            self.blocked_since.is_some_and(|since| io.now.saturating_duration_since(since) >= interval + pong);
        if !waited && !held_up {
            if left.is_none() && self.blocked_since.is_none() {
                // The ping was not written in time; a new silence begins.
                self.keepalive.received(io.now);
            }
            return Disposition::Keep;
        }
        let Some(stream) = &self.stream else { return Disposition::Remove };
        let dead = match stream.held_back() {
            // What is blocked may wait for the peer's window.
            None if self.blocked_since.is_some() && !Stream::TELLS_HELD_BACK => false,
            // The ping is there, or on its way: it is not answered in time.
            None => left.is_some() && waited,
            // The peer's window is closed: slow, unless its kernel does not even answer the probes.
            Some(silent) => silent >= interval + pong,
        };
        if dead {
            // Input that has not been read yet proves that the peer is alive.
            let disposition = self.readable(io);
            if disposition == Disposition::Remove || self.keepalive.probe.is_none() {
                return disposition;
            }
            let ms = self.owner.options().int(Opt::PongTimeout);
            return self.peer_gone(io, Error::new(Id::PeerGone, [ms.into()]));
        }
        // Checked again after a part of the time.
        let ago = |whole: Duration| io.now - (whole - (whole / 8).max(MIN_CHECK_INTERVAL).min(whole));
        if let Some(Some(left)) = &mut self.keepalive.probe {
            *left = ago(pong);
        }
        if let Some(since) = &mut self.blocked_since {
            *since = ago(interval + pong);
        }
        Disposition::Keep
    }
}
