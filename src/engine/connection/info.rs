//! What is known of a connection once it is open.

use crate::ws::Request;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// See the module's page.
pub struct Info {
    pub address: Option<SocketAddr>,
    /// Subprotocol and extensions, the same for most connections of a thread; `None` for neither.
    pub(in crate::engine) agreed: Option<Arc<[String; 2]>>,
    pub secure: bool,
    /// Milliseconds since 1970.
    pub(in crate::engine) connected_ms: u64,
    /// The request of a server's connection.
    pub request: Option<Request>,
}

impl Info {
    /// When it opened, by the system's clock.
    pub fn connected_at(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.connected_ms)
    }

    /// The subprotocol, or nothing.
    pub fn protocol(&self) -> &str {
        self.agreed.as_ref().map_or("", |agreed| &agreed[0])
    }

    /// The extensions in force, or nothing.
    pub fn extensions(&self) -> &str {
        self.agreed.as_ref().map_or("", |agreed| &agreed[1])
    }
}
