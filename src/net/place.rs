//! Where to connect to, and where to listen.

use super::unix::UnixPath;
use std::fmt;
use std::net::SocketAddr;

/// A place of the network or of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Tcp(SocketAddr),
    Unix(UnixPath),
}

impl Place {
    /// The port; a Unix socket has none.
    pub fn port(&self) -> u16 {
        match self {
            Place::Tcp(address) => address.port(),
            Place::Unix(_) => 0,
        }
    }

    /// The same without the port: an address with its interface, where it has one.
    pub fn without_port(&self) -> String {
        match self {
            Place::Tcp(SocketAddr::V6(v6)) if v6.scope_id() > 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
            Place::Tcp(other) => other.ip().to_string(),
            Place::Unix(path) => path.to_string(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp(address) => address.fmt(f),
            Place::Unix(path) => path.fmt(f),
        }
    }
}
