//! Signs of life of the peer, and the pings that are on their way to it.

use crate::net::CompactInstant;
use std::collections::VecDeque;
use std::time::Duration;

/// Pings remembered of a peer that answers none but sends all the same.
const MAX_PINGS: usize = 64;

pub struct Keepalive {
    /// When the last byte came, or what counts as that.
    pub last_received: CompactInstant,
    /// A ping of ours waits to leave, or has left at that time.
    pub probe: Option<Option<CompactInstant>>,
    pub probe_id: u64,
    pub paused: bool,
    /// Pings on their way, with the time they left.
    pings: Option<Box<Pings>>,
}

#[derive(Default)]
struct Pings(VecDeque<(u64, CompactInstant)>);

impl Default for Keepalive {
    fn default() -> Self {
        Self { last_received: CompactInstant::now(), probe: None, probe_id: 0, paused: false, pings: None }
    }
}

impl Keepalive {
    pub fn begin(&mut self, now: CompactInstant) {
        self.last_received = now;
    }

    /// A sign of life, or the end of a pause.
    pub fn received(&mut self, now: CompactInstant) {
        self.last_received = now;
        self.probe = None;
        self.paused = false;
    }

    pub fn paused(&mut self, now: CompactInstant) {
        self.last_received = now;
        self.probe = None;
        self.paused = true;
    }

    /// The kernel takes output again: only now can the peer answer.
    pub fn unblocked(&mut self, now: CompactInstant) {
        if let Some(Some(left)) = &mut self.probe {
            *left = now;
        }
    }

    pub fn ping_left(&mut self, id: u64, now: CompactInstant) {
        if self.probe == Some(None) && self.probe_id == id {
            self.probe = Some(Some(now));
        }
        let pings = &mut self.pings.get_or_insert_default().0;
        if pings.len() == MAX_PINGS {
            pings.pop_front();
        }
        pings.push_back((id, now));
    }

    /// The pings that this pong answers: its own and those before it (RFC 6455 section 5.5.3), with their round trips.
    pub fn ponged(&mut self, id: u64) -> Vec<(u64, Duration)> {
        let Some(pings) = &mut self.pings else { return Vec::new() };
        let Some(at) = pings.0.iter().position(|(other, _)| *other == id) else { return Vec::new() };
        let done = pings.0.drain(..=at).map(|(id, left)| (id, left.elapsed())).collect();
        if pings.0.is_empty() {
            self.pings = None;
        }
        done
    }
}
