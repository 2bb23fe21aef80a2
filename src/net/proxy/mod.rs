//! The way through a proxy, without I/O: what to send, and what the answers mean.

mod digest;
mod http;
mod socks;
mod step;

pub use step::Step;

use crate::error::{Error, Id, Result};
use crate::host::Host;
use crate::proxy::{Kind, Proxy};

/// A tunnel on its way to be opened.
pub enum Tunnel {
    Http(http::Connect),
    Socks(socks::Socks),
}

impl Tunnel {
    /// To `host`; the first bytes to send. The proxy looks the name up.
    ///
    /// # Errors
    /// `SocksName`; `ProxyZone`: the address means something on this machine only.
    pub fn new(proxy: &Proxy, host: &Host, port: u16) -> Result<(Self, Vec<u8>)> {
        if host.zone().is_some() {
            return Err(Error::new(Id::ProxyZone, [host.to_string().into()]));
        }
        Ok(match proxy.kind {
            Kind::Http => {
                let (connect, request) = http::Connect::new(proxy.credentials.as_ref(), &host.authority(), port);
                (Tunnel::Http(connect), request)
            }
            Kind::Socks5 => {
                let (socks, hello) = socks::Socks::new(proxy.credentials.clone(), host.name(), port)?;
                (Tunnel::Socks(socks), hello)
            }
        })
    }

    /// The proxy has closed the connection: what to send on a new one, if that is worth it.
    pub fn retry(&mut self) -> Option<Vec<u8>> {
        match self {
            Tunnel::Http(connect) => connect.retry(),
            Tunnel::Socks(_) => None,
        }
    }

    /// Looks at what has come. How many of the bytes belong to the proxy's answer: only those may be taken off the
    /// socket, because what follows is the peer's.
    ///
    /// # Errors
    /// The rows of the table's section on proxies.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(usize, Step)> {
        match self {
            Tunnel::Http(connect) => connect.feed(bytes),
            Tunnel::Socks(socks) => socks.feed(bytes),
        }
    }

    /// The error for a proxy that closes before the tunnel is open.
    pub fn cut(&self) -> Error {
        match self {
            Tunnel::Http(connect) => connect.cut(),
            Tunnel::Socks(_) => Id::ProxyCut.into(),
        }
    }
}
