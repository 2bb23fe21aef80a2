//! Who is at the other end of a connection.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// The address of a peer, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerAddress {
    Socket(SocketAddr),
    /// What a header says, without a port.
    Host(IpAddr),
    /// A process of this machine, through a Unix socket.
    Unix,
}

impl PeerAddress {
    /// Address and port, of who has connected by TCP.
    pub fn socket(&self) -> Option<SocketAddr> {
        match self {
            PeerAddress::Socket(address) => Some(*address),
            PeerAddress::Host(_) | PeerAddress::Unix => None,
        }
    }

    /// The IP address; an IPv4 one that is written as IPv6 is IPv4.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            PeerAddress::Socket(address) => Some(address.ip().to_canonical()),
            PeerAddress::Host(ip) => Some(ip.to_canonical()),
            PeerAddress::Unix => None,
        }
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeerAddress::Socket(address) => address.fmt(f),
            PeerAddress::Host(ip) => ip.fmt(f),
            PeerAddress::Unix => f.write_str("unix"),
        }
    }
}

/// A peer, and the proxy that has told of it, if one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    pub address: Option<PeerAddress>,
    pub proxy: Option<PeerAddress>,
    /// Whether the peer itself speaks TLS.
    pub secure: bool,
}
