//! What only a client's end of a connection knows.

use super::Driver;
use super::tunneling::Route;
use crate::ws::deflate::Settings;

/// Boxed, because the ten thousand connections of a server have none.
pub(super) struct Caller {
    /// Host and port, for error texts.
    pub place: Box<str>,
    pub proxy: Option<Box<Route>>,
    /// What was offered of permessage-deflate.
    pub offered: Option<Settings>,
}

impl Caller {
    pub fn new(place: &str) -> Option<Box<Self>> {
        Some(Box::new(Self { place: place.into(), proxy: None, offered: None }))
    }
}

impl Driver {
    /// Host and port of the server that it connects to.
    pub(super) fn called(&self) -> &str {
        self.caller.as_ref().map_or("", |caller| &caller.place)
    }

    /// The proxy on the way there.
    pub(super) fn proxy(&self) -> Option<&Route> {
        self.caller.as_ref()?.proxy.as_deref()
    }
}
