//! What the host does to one connection: it ends it, at once or with a close, or lets it wait.

use super::{Server, Shared};
use crate::engine::{Connection, Reason, lock};
use crate::error::Result;
use crate::ws::check_close;
use std::sync::Arc;

impl Server {
    /// Starts the close and returns at once; false: that connection has ended. An id never issued is an error.
    pub fn disconnect(&self, connection: u64, code: u16, reason: &str) -> Result<bool> {
        self.shared.disconnect(connection, code, reason)
    }

    /// Ends a connection without a close handshake; false: it has ended already. An id never issued is an error.
    pub fn abort(&self, connection: u64) -> Result<bool> {
        let _inside = self.shared.enter()?;
        let Some(connection) = self.shared.remove(connection)? else { return Ok(false) };
        connection.outbox.finish();
        connection.abort();
        Ok(true)
    }

    /// Stops reading from a connection, or goes on; false: it has ended. An id never issued is an error.
    pub fn pause(&self, connection: u64, on: bool) -> Result<bool> {
        let _inside = self.shared.enter()?;
        let Some(connection) = self.shared.find(connection)? else { return Ok(false) };
        connection.hold(on);
        Ok(true)
    }
}

impl Shared {
    /// As the method of the server.
    pub(super) fn disconnect(&self, connection: u64, code: u16, reason: &str) -> Result<bool> {
        let _inside = self.enter()?;
        check_close(code, reason)?;
        let Some(connection) = self.remove(connection)? else { return Ok(false) };
        connection.close(code, Reason::Text(reason.to_owned()), false);
        Ok(true)
    }

    /// Takes it out of the list and frees its name.
    fn remove(&self, connection: u64) -> Result<Option<Arc<Connection>>> {
        let mut state = lock(&self.state);
        state.registry.check_issued(connection)?;
        let Some(connection) = state.registry.remove(connection) else { return Ok(None) };
        state.names.unlink(connection.serial);
        drop(state);
        connection.cancel_pings();
        Ok(Some(connection))
    }
}
