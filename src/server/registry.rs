//! The connections of a running server.

use crate::engine::Connection;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Connections by id, and how many drivers the I/O threads still hold.
#[derive(Default)]
pub(super) struct Registry {
    open: BTreeMap<u64, Arc<Connection>>,
    /// Every connection whose driver lives: open, shaking hands, closing.
    live: BTreeMap<u64, Arc<Connection>>,
    /// Accepted handshakes that have not opened yet.
    reserved: usize,
    last_id: u64,
}

impl Registry {
    /// Keeps a place for a newcomer; false when all are taken.
    pub fn reserve(&mut self, max: usize) -> bool {
        let free = self.open.len() + self.reserved < max;
        self.reserved += usize::from(free);
        free
    }

    /// Whether `id` was ever given to a connection.
    pub fn was_issued(&self, id: u64) -> bool {
        (1..=self.last_id).contains(&id)
    }

    pub fn arrived(&mut self, connection: &Arc<Connection>) {
        self.live.insert(connection.serial, connection.clone());
    }

    /// Gives a newcomer its id, never given twice, and takes the reserved place.
    pub fn opened(&mut self, connection: &Arc<Connection>) -> u64 {
        self.reserved = self.reserved.saturating_sub(1);
        self.last_id += 1;
        self.open.insert(self.last_id, connection.clone());
        self.last_id
    }

    /// Takes it out of the list; `None` when it was not, or no longer, there.
    pub fn remove(&mut self, id: u64) -> Option<Arc<Connection>> {
        self.open.remove(&id)
    }

    pub fn gone(&mut self, connection: &Connection) {
        self.live.remove(&connection.serial);
    }

    pub fn get(&self, id: u64) -> Option<&Arc<Connection>> {
        self.open.get(&id)
    }

    /// In the order of their ids.
    pub fn open(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.open.values()
    }

    pub fn live(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.live.values()
    }

    pub fn count(&self) -> usize {
        self.open.len()
    }

    pub fn live_count(&self) -> usize {
        self.live.len()
    }

    pub fn clear_open(&mut self) {
        self.open.clear();
    }
}
