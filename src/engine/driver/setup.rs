//! What a connection has only until it is open, or of its opening.

use super::redirects::Redirects;
use crate::net::Tunnel;
use crate::proxy::Proxy;
use crate::ws::deflate::Settings;

/// The part of a driver that only a client has. Boxed, because the ten thousand connections of a server have none.
pub struct ClientPart {
    /// Host and port, for the log and error texts.
    pub authority: Box<str>,
    pub proxy: Option<Box<Route>>,
    /// What was offered of permessage-deflate.
    pub offered: Option<Settings>,
    /// Where redirects may be followed.
    pub redirects: Option<Box<Redirects>>,
}

impl ClientPart {
    pub fn new(authority: &str) -> Option<Box<Self>> {
        Some(Box::new(Self { authority: authority.into(), proxy: None, offered: None, redirects: None }))
    }
}

/// The proxy on the way to the server.
pub struct Route {
    pub proxy: Proxy,
    /// The tunnel is open: what fails now is not the proxy's fault.
    pub open: bool,
    /// The tunnel to continue when the proxy has been reached again, and the request to send first.
    pub resumed: Option<(Box<Tunnel>, Vec<u8>)>,
}

/// What is kept until the host decides.
pub struct AwaitingAccept {
    pub answer: Option<Box<Raw>>,
    pub rest: Vec<u8>,
}

/// Bytes that are no frames, and how many of them have gone. Boxed, because an open connection has none.
pub struct Raw {
    pub bytes: Vec<u8>,
    pub sent: usize,
}

impl Raw {
    pub fn new(bytes: Vec<u8>) -> Option<Box<Self>> {
        Some(Box::new(Self { bytes, sent: 0 }))
    }
}
