//! A server's side.

use super::client_authority::ClientTrust;
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
    /// Reads the authorities of clients, if it is to ask them for certificates.
    pub fn new(identity: TlsIdentity, clients: Option<&ClientTrust>) -> Result<Self> {
        library::uses_tls();
        let clients = clients.map(ClientTrust::load).transpose()?;
        let refused = |failure: Failure| Error::of(Id::TlsSetUp).detail(failure.text);
        let server = platform::Server::new(identity.native(), clients.as_ref()).map_err(refused)?;
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
