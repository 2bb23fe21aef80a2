//! A server's side.

use super::TlsIdentity;
use super::refusal::chain;
use crate::error::{Error, Id, Result};
use crate::library;
use native_tls::{Protocol, TlsAcceptor};
use std::sync::Arc;
use std::time::SystemTime;

/// A server's certificate and key, ready for connections.
#[derive(Clone)]
pub struct TlsServer {
    acceptor: Arc<TlsAcceptor>,
    identity: TlsIdentity,
}

impl TlsServer {
    pub fn new(identity: TlsIdentity) -> Result<Self> {
        library::uses_tls();
        let acceptor = TlsAcceptor::builder(identity.native().clone())
            .min_protocol_version(Some(Protocol::Tlsv12))
            .build()
            .map_err(|error| Error::of(Id::TlsSetUp).detail(chain(&error)))?;
        Ok(Self { acceptor: Arc::new(acceptor), identity })
    }

    pub(in crate::net) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// What an administrator should know of the certificate at that time.
    pub fn warning(&self, now: SystemTime) -> Option<Error> {
        self.identity.warning(now)
    }
}
