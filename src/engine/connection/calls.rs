//! What the host, its object and the queue ask of a connection.

use super::ask::Ask;
use super::state::Connection;
use crate::engine::shared::{Reason, Wait};
use crate::error::{Id, Result};
use crate::options::Opt;
use crate::ws::Refusal;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

impl Connection {
    /// An option was set that acts at once on what is sent, or on the keepalive.
    pub fn option_changed(self: &Arc<Self>, option: Opt) {
        match option {
            Opt::PingInterval | Opt::PongTimeout => self.io.ask(self, Ask::Retime),
            Opt::IdleTimeout | Opt::MessagesPerSecond => self.io.ask(self, Ask::Pace),
            Opt::SendQueueBytes => self.outbox.bounds_changed(),
            _ => {}
        }
    }

    /// Asks the I/O thread to close: what is queued goes first, then the handshake, all within `CloseTimeout`.
    /// A reason of ours is what its end is told with, whether or not the peer answers.
    pub fn close(self: &Arc<Self>, code: u16, reason: Reason, discard: bool) {
        self.outbox.finish();
        self.io.ask(self, Ask::Close { code, reason, discard });
    }

    /// Ends it at once, in whatever state it is.
    pub fn abort(self: &Arc<Self>) {
        self.io.ask(self, Ask::Abort);
    }

    /// Stops reading from it, or goes on, because the host says so.
    pub fn hold(self: &Arc<Self>, on: bool) {
        self.io.ask(self, Ask::Hold(on));
    }

    /// Sends a ping and waits for its pong; the round trip in milliseconds.
    pub fn ping(self: &Arc<Self>, timeout: Wait) -> Result<i64> {
        let id = self.pings.begin(|| self.is_paused())?;
        self.io.ask(self, Ask::Ping(id));
        self.pings.wait(id, timeout)
    }

    pub(in crate::engine) fn pong(&self, id: u64, round_trip_ms: i64) {
        self.counters.round_trip_ms.store(round_trip_ms, Relaxed);
        self.pings.answer(id, round_trip_ms);
    }

    /// Ends the calls that wait for a pong, because the host closes.
    pub fn cancel_pings(&self) {
        self.pings.end(Id::Cancelled);
    }

    /// The connection has ended: ends the calls that wait for room or a pong. The owner calls this once its state says
    /// so, because a woken call may connect again at once.
    pub fn release_waiters(&self) {
        self.outbox.close();
        self.release_pings();
    }

    /// Reading pauses: ends the calls that wait for what the peer sends.
    pub(in crate::engine) fn end_waits_for_input(&self) {
        self.pings.fail(Id::ReadingPaused);
        // A request may wait for room, which a peer that waits for us does not give.
        self.outbox.look_again();
    }

    /// The same for one whose outbox lives on; a request that waits for room there fails.
    pub fn release_pings(&self) {
        self.outbox.look_again();
        self.pings.end(Id::ClosedWhileWaiting);
    }

    /// The host has decided about an incoming connection; `None` accepts it.
    pub fn decide(self: &Arc<Self>, refusal: Option<Refusal>) {
        self.io.ask(self, Ask::Decide(refusal));
    }

    pub(in crate::engine) fn resume(self: &Arc<Self>) {
        self.io.ask(self, Ask::Resume);
    }
}
