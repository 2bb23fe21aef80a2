//! How many clients dial again at a time.

use crate::engine::connection::Connection;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Reconnecting dials under way to one host and port: enough that 500 clients are back within seconds, few enough for
/// the backlog of a server that has just started.
const PER_HOST: usize = 32;
/// And to all together, so that one dead address (each dial to it lasts a whole `ConnectTimeout`) holds up no other.
const TOTAL: usize = 256;

/// The reconnecting dials of the process: all clients share one I/O thread, which owns this.
#[derive(Default)]
pub struct DialLimit {
    /// By the connections' serials, with the host and port.
    under_way: BTreeMap<u64, Arc<str>>,
    /// In the order in which they came.
    waiting: BTreeMap<u64, (Arc<Connection>, Arc<str>)>,
    came: u64,
}

impl DialLimit {
    fn has_room(&self, authority: &str) -> bool {
        let same = || self.under_way.values().filter(|other| ***other == *authority).count();
        self.under_way.len() < TOTAL && same() < PER_HOST
    }

    /// Whether it may dial now; otherwise it is queued for a permit.
    pub fn acquire(&mut self, connection: &Arc<Connection>, authority: &Arc<str>) -> bool {
        let now = self.has_room(authority);
        if now {
            self.under_way.insert(connection.serial, authority.clone());
        } else {
            self.came += 1;
            self.waiting.insert(self.came, (connection.clone(), authority.clone()));
        }
        now
    }

    /// It has connected, failed or been given up, in whatever state it was; returns the connection that may dial
    /// instead.
    pub fn release(&mut self, connection: &Connection) -> Option<Arc<Connection>> {
        if self.under_way.remove(&connection.serial).is_none() {
            self.waiting.retain(|_, (other, _)| other.serial != connection.serial);
            return None;
        }
        let at = *self.waiting.iter().find(|(_, (_, authority))| self.has_room(authority))?.0;
        let (next, authority) = self.waiting.remove(&at)?;
        self.under_way.insert(next.serial, authority);
        Some(next)
    }
}
