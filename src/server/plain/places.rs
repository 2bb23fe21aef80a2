//! How many connections of plain HTTP there may be at a time.

use super::super::{Phase, Shared};
use crate::engine::{Connection, lock};
use crate::options::Opt;
use crate::ws::Refusal;
use std::net::IpAddr;
use std::sync::Arc;

impl Shared {
    /// Takes a place for a connection, which it keeps for all its requests: `MaxConnections` of them are beside those of
    /// WebSocket, of one address both kinds together are counted.
    pub(super) fn take_place(&self, connection: &Arc<Connection>, from: Option<IpAddr>) -> Result<(), Refusal> {
        let most = self.options.size(Opt::MaxConnections);
        let most_of_one = match self.options.size(Opt::MaxConnectionsPerAddress) {
            0 => usize::MAX,
            most => most,
        };
        let mut state = lock(&self.state);
        if state.phase == Phase::Running && state.registry.reserve_plain(connection.serial, from, most, most_of_one) {
            return Ok(());
        }
        Err(Refusal::new(503, "The server takes no more connections"))
    }
}
