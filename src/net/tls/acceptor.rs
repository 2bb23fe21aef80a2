//! A server's side.

use super::TlsIdentity;
use super::engine::Step;
use super::refusal::chain;
use crate::error::{Error, Id, Result};
use crate::library;
use std::io::{Read, Write};
use std::time::SystemTime;

/// A server's certificate and key, ready for connections.
#[derive(Clone)]
pub struct TlsServer {
    acceptor: Acceptor,
    identity: TlsIdentity,
}

#[cfg(target_os = "linux")]
type Acceptor = openssl::ssl::SslAcceptor;
#[cfg(not(target_os = "linux"))]
type Acceptor = std::sync::Arc<native_tls::TlsAcceptor>;

/// TLS 1.2 and 1.3 as Mozilla recommends them for servers in general (its intermediate configuration).
#[cfg(target_os = "linux")]
fn acceptor(identity: &TlsIdentity) -> std::result::Result<Acceptor, openssl::error::ErrorStack> {
    use openssl::ssl::{SslAcceptor, SslMethod, SslVersion};
    let (key, certificates) = identity.parts();
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    builder.set_private_key(key)?;
    for (at, certificate) in certificates.iter().enumerate() {
        match at {
            0 => builder.set_certificate(certificate)?,
            _ => builder.add_extra_chain_cert(certificate.clone())?,
        }
    }
    builder.check_private_key()?;
    Ok(builder.build())
}

#[cfg(not(target_os = "linux"))]
fn acceptor(identity: &TlsIdentity) -> native_tls::Result<Acceptor> {
    let mut builder = native_tls::TlsAcceptor::builder(identity.native().clone());
    builder.min_protocol_version(Some(native_tls::Protocol::Tlsv12)).build().map(Acceptor::new)
}

impl TlsServer {
    pub fn new(identity: TlsIdentity) -> Result<Self> {
        library::uses_tls();
        let acceptor = acceptor(&identity).map_err(|error| Error::of(Id::TlsSetUp).detail(chain(&error)))?;
        Ok(Self { acceptor, identity })
    }

    /// Begins a handshake.
    pub(in crate::net) fn accept<S: Read + Write>(&self, socket: S) -> Step<S> {
        self.acceptor.accept(socket).into()
    }

    /// What an administrator should know of the certificate at that time.
    pub fn warning(&self, now: SystemTime) -> Option<Error> {
        self.identity.warning(now)
    }
}
