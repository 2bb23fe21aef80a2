//! What is known of a connection once it is open.

use crate::net::{PeerAddress, PeerCertificate};
use crate::ws::Request;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// When a connection opened, in milliseconds since 1970, and whether its peer speaks TLS: in eight bytes.
#[derive(Clone, Copy)]
pub struct Connected(u64);

impl Connected {
    pub fn new(ms: u64, secure: bool) -> Self {
        Self(ms << 1 | u64::from(secure))
    }
}

/// What is known of a connection by the way that it came.
pub struct Way {
    /// The reverse proxy that has told of it.
    pub proxy: Option<PeerAddress>,
    /// What the client has shown in its TLS handshake.
    pub certificate: Option<PeerCertificate>,
}

impl Way {
    /// `None`: nothing of it.
    pub fn of(proxy: Option<PeerAddress>, certificate: Option<PeerCertificate>) -> Option<Box<Self>> {
        (proxy.is_some() || certificate.is_some()).then(|| Box::new(Self { proxy, certificate }))
    }
}

/// See the module's page.
pub struct Info {
    pub address: Option<PeerAddress>,
    /// What few connections have.
    pub way: Option<Box<Way>>,
    /// Subprotocol and extensions, the same for most connections of a thread; `None` for neither.
    pub(in crate::engine) agreed: Option<Arc<[String; 2]>>,
    pub(in crate::engine) connected: Connected,
    /// The request of a server's connection.
    pub request: Option<Request>,
}

impl Info {
    /// When it opened, by the system's clock.
    pub fn connected_at(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.connected.0 >> 1)
    }

    /// Whether the peer speaks TLS, with us or with a proxy that says so.
    pub fn secure(&self) -> bool {
        self.connected.0 & 1 != 0
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
