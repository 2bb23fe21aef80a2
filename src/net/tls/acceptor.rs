//! A server's side.

use super::failure::Failure;
use super::identity::TlsIdentity;
use super::platform::{self, Outcome};
use crate::error::{Error, Id, Result};
use crate::library;
use std::io::{Read, Write};
use std::time::SystemTime;

/// A server's certificate and key, ready for connections.
#[derive(Clone)]
pub struct TlsServer {
    server: platform::Server,
    identity: TlsIdentity,
}

impl TlsServer {
    pub fn new(identity: TlsIdentity) -> Result<Self> {
        library::uses_tls();
        let refused = |failure: Failure| Error::of(Id::TlsSetUp).detail(failure.text);
        let server = platform::Server::new(identity.native()).map_err(refused)?;
        Ok(Self { server, identity })
    }

    /// Begins a handshake.
    pub(in crate::net) fn accept<S: Read + Write>(&self, socket: S) -> Outcome<S> {
        self.server.accept(socket)
    }

    /// What an administrator should know of the certificate at that time.
    pub fn warning(&self, now: SystemTime) -> Option<Error> {
        self.identity.warning(now)
    }
}
