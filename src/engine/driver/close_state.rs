//! How far the close of a connection has come.

use crate::engine::shared::{CloseInfo, Reason};
use crate::error::Error;
use crate::net::CompactInstant;
use crate::ws::PeerClose;
use bytes::Bytes;
use std::time::Duration;

/// How long the socket stays open after both close frames, so that the peer reads ours before a reset could destroy it.
pub const LINGER: Duration = Duration::from_secs(1);
/// The same for a peer that has not answered our close frame within `CloseTimeout`: it may be busy with what came before.
/// What it sends meanwhile would be answered with a reset if the socket were closed.
pub const LATE_READER: Duration = Duration::from_secs(10);

/// A close frame that waits for the host.
pub struct DeferredClose {
    pub payload: Bytes,
    pub until: CompactInstant,
    pub step: Duration,
    /// Receives until the queue held nothing of this connection.
    pub receives: Option<u64>,
}

/// How far the close has come. Nearly all connections have not begun it, so what it needs is boxed.
#[derive(Default)]
pub struct Closing {
    /// The close frame to send once the queue is empty.
    pub asked: Option<Box<Bytes>>,
    /// The close frame that waits until the host has answered what came before the violation.
    pub deferred: Option<Box<DeferredClose>>,
    /// When the last message was put into the queue.
    pub last_message: Option<CompactInstant>,
    staged: bool,
    pub sent: bool,
    pub received: Option<Box<PeerClose>>,
    /// What to report of an end that we have decided on ourselves, however it comes.
    pub verdict: Option<Box<CloseInfo>>,
    /// The peer broke the protocol or is given up: nothing more is read.
    pub input_ignored: bool,
    /// The host discards what still arrives.
    pub discard: bool,
    /// The host asked for the close.
    pub by_host: bool,
    /// The peer broke the protocol or did not answer, and so we close.
    pub failed_by_us: bool,
    /// The peer's close frame came first.
    pub by_peer: bool,
    pub reported: bool,
}

impl Closing {
    pub fn has_begun(&self) -> bool {
        self.asked.is_some() || self.staged
    }

    pub fn is_deferred(&self) -> bool {
        self.deferred.is_some()
    }

    pub fn is_staged(&self) -> bool {
        self.staged
    }

    pub fn ignores_input(&self) -> bool {
        self.received.is_some() || self.input_ignored
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

    /// Which end closed it, for the log.
    pub fn ended_by(&self) -> &'static str {
        match (self.by_host || self.failed_by_us, self.by_peer) {
            (true, _) => "closed by us",
            (false, true) => "closed by the peer",
            (false, false) => "broken",
        }
    }

    /// The ending of a connection that breaks now, and whether it counts as broken.
    pub fn close_info_or(&mut self, error: Error) -> (CloseInfo, bool) {
        match (self.verdict.take(), &self.received) {
            (Some(close_info), _) => (*close_info, true),
            // The peer's close frame was received; that our echo did not get through changes nothing.
            (None, Some(peer)) => (peer_close_info(peer, false), false),
            (None, None) => (broken(error), !self.by_host),
        }
    }
}

pub fn peer_close_info(peer: &PeerClose, clean: bool) -> CloseInfo {
    CloseInfo { code: peer.code.unwrap_or(1005), reason: Reason::Text(peer.reason.clone()), clean }
}

/// The end of a connection that broke without a close frame.
fn broken(error: Error) -> CloseInfo {
    CloseInfo { code: 1006, reason: Reason::Ours(error), clean: false }
}
