//! The connections of a running server.

use crate::engine::Connection;
use crate::error::{Error, Id, Result};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// How far [`Registry::next_live`] has come: the least serial, or id, that has not been shown.
#[derive(Clone, Copy)]
pub(super) enum Visited {
    Live(u64),
    Open(u64),
}

impl Default for Visited {
    fn default() -> Self {
        Self::Live(0)
    }
}

/// Connections by id, and how many drivers the I/O threads still hold. In trees, which grow by small pieces.
#[derive(Default)]
pub(super) struct Registry {
    open: BTreeMap<u64, Arc<Connection>>,
    /// The other connections whose driver lives, shaking hands or closing, by serial.
    live: BTreeMap<u64, Arc<Connection>>,
    /// Accepted handshakes that have not opened yet, by serial.
    reserved: BTreeMap<u64, Option<IpAddr>>,
    /// Connections that are used for plain HTTP, by serial.
    plain: BTreeMap<u64, Option<IpAddr>>,
    /// The reserved ones that the host has to decide about.
    pending: BTreeMap<u64, Arc<Connection>>,
    /// Places taken, open and reserved ones, by address.
    addresses: BTreeMap<IpAddr, usize>,
    last_id: u64,
    /// Whether the server runs, which explains an id that was never issued.
    pub running: bool,
}

impl Registry {
    /// Whether a place is left.
    pub fn has_room(&self, most: usize) -> bool {
        self.open.len() + self.reserved.len() < most
    }

    /// Reserves a place for an incoming connection; false when its address has as many as it may.
    pub fn reserve(&mut self, serial: u64, address: Option<IpAddr>, most_of_one: usize) -> bool {
        let has_place = self.enter(address, most_of_one);
        if has_place {
            self.reserved.insert(serial, address);
        }
        has_place
    }

    /// The same for a connection of plain HTTP, of which there are at most `most`. It is asked for with each request, and
    /// held until the connection ends or is used for WebSocket.
    pub fn reserve_plain(&mut self, serial: u64, address: Option<IpAddr>, most: usize, most_of_one: usize) -> bool {
        if self.plain.contains_key(&serial) {
            return true;
        }
        let has_place = self.plain.len() < most && self.enter(address, most_of_one);
        if has_place {
            self.plain.insert(serial, address);
        }
        has_place
    }

    /// Gives back the place of one that is not, or no longer, used for plain HTTP.
    pub fn release_plain(&mut self, serial: u64) {
        if let Some(address) = self.plain.remove(&serial) {
            self.leave(address);
        }
    }

    fn enter(&mut self, address: Option<IpAddr>, most_of_one: usize) -> bool {
        let Some(address) = address else { return true };
        let taken = self.addresses.entry(address).or_default();
        let has_place = *taken < most_of_one;
        *taken += usize::from(has_place);
        has_place
    }

    /// Gives back the place of one that has not opened.
    pub fn release(&mut self, serial: u64) {
        if let Some(address) = self.reserved.remove(&serial) {
            self.leave(address);
        }
    }

    fn leave(&mut self, address: Option<IpAddr>) {
        let Some(address) = address else { return };
        if let Some(taken) = self.addresses.get_mut(&address) {
            *taken -= 1;
            if *taken == 0 {
                self.addresses.remove(&address);
            }
        }
    }

    /// Refuses an id that was never given to a connection. Every call that takes an id comes here: what it says of one
    /// whose connection has ended is its own business, but a number that the host made up is a mistake everywhere.
    pub fn check_issued(&self, id: u64) -> Result<()> {
        match (1..=self.last_id).contains(&id) {
            true => Ok(()),
            false => {
                let error = Error::new(Id::UnknownConnection, [id.into()]);
                Err(if self.running { error } else { error.because(Id::NotRunning.into()).with_own_code() })
            }
        }
    }

    /// The open connection; `None` when it has ended. An id never issued is an error.
    pub fn find(&self, id: u64) -> Result<Option<&Arc<Connection>>> {
        match self.open.get(&id) {
            None => self.check_issued(id).map(|()| None),
            found => Ok(found),
        }
    }

    pub fn arrived(&mut self, connection: &Arc<Connection>) {
        self.live.insert(connection.serial, connection.clone());
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// An incoming connection waits for the host's decision; gives it its id.
    pub fn ask(&mut self, connection: &Arc<Connection>) -> u64 {
        let id = self.next_id();
        self.pending.insert(id, connection.clone());
        id
    }

    /// The host has decided on an incoming connection, or need not any more; `None` when none with that id waits.
    pub fn decide(&mut self, id: u64) -> Option<Arc<Connection>> {
        self.pending.remove(&id)
    }

    /// An incoming connection that opens, or that the host accepts, takes the place reserved for it; gives it its id,
    /// never given twice. A connection that was accepted does not come back into the list by opening when it has left
    /// it meanwhile.
    pub fn opened(&mut self, connection: &Arc<Connection>) -> u64 {
        let id = if connection.id() == 0 { self.next_id() } else { connection.id() };
        if self.reserved.remove(&connection.serial).is_some() {
            self.live.remove(&connection.serial);
            self.open.insert(id, connection.clone());
        }
        id
    }

    /// An incoming connection will not open.
    pub fn forget(&mut self, connection: &Connection) {
        self.release(connection.serial);
        self.pending.remove(&connection.id());
        self.remove(connection.id());
    }

    /// Takes it out of the list; `None` when it was not, or no longer, there.
    pub fn remove(&mut self, id: u64) -> Option<Arc<Connection>> {
        let connection = self.open.remove(&id)?;
        self.leave(address(&connection));
        // Until its driver has gone.
        self.live.insert(connection.serial, connection.clone());
        Some(connection)
    }

    pub fn released(&mut self, connection: &Connection) {
        self.release(connection.serial);
        self.release_plain(connection.serial);
        self.pending.remove(&connection.id());
        self.remove(connection.id());
        self.live.remove(&connection.serial);
    }

    pub fn get(&self, id: u64) -> Option<&Arc<Connection>> {
        self.open.get(&id)
    }

    pub fn pending(&self, id: u64) -> Option<&Arc<Connection>> {
        self.pending.get(&id)
    }

    /// In the order of their ids.
    pub fn open(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.open.values()
    }

    /// The same from behind an id on.
    pub fn open_after(&self, id: u64) -> impl Iterator<Item = &Arc<Connection>> {
        self.open.range(id.saturating_add(1)..).map(|(_, connection)| connection)
    }

    /// Every connection whose driver lives: open, shaking hands, closing.
    pub fn live(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.open.values().chain(self.live.values())
    }

    /// The one behind `last` of those whose driver lives; for callers that must not hold the lock meanwhile. First those
    /// that shake hands or close, then the open ones: one that opens is not missed.
    pub fn next_live(&self, last: &mut Visited) -> Option<Arc<Connection>> {
        if let Visited::Live(serial) = *last {
            if let Some((next, connection)) = self.live.range(serial..).next() {
                *last = Visited::Live(next + 1);
                return Some(connection.clone());
            }
            *last = Visited::Open(0);
        }
        let Visited::Open(id) = *last else { return None };
        let (next, connection) = self.open.range(id..).next()?;
        *last = Visited::Open(next + 1);
        Some(connection.clone())
    }

    pub fn count(&self) -> usize {
        self.open.len()
    }

    pub fn live_count(&self) -> usize {
        self.open.len() + self.live.len()
    }

    /// The same without those that are used for plain HTTP.
    pub fn websocket_count(&self) -> usize {
        self.live_count().saturating_sub(self.plain.len())
    }

    pub fn clear_open(&mut self) {
        for connection in std::mem::take(&mut self.open).into_values() {
            self.leave(address(&connection));
            self.live.insert(connection.serial, connection);
        }
    }
}

fn address(connection: &Connection) -> Option<IpAddr> {
    connection.info().and_then(|info| info.address).and_then(|address| address.ip())
}
