//! Whom a server lets issue the certificates of its clients, with the certificates that they have revoked.

use super::platform::Judge;
use super::{material, pem};
use crate::error::{Error, Id, Result};
use crate::options::AskClients;
use std::time::SystemTime;

/// What a server asks of its clients, before anything is read.
#[derive(Clone)]
pub struct ClientTrust {
    pub ask: AskClients,
    /// A file, or PEM text, with the authorities.
    pub source: String,
}

/// What is known of a client by its certificate, which an authority of the server's has issued.
pub struct PeerCertificate {
    /// The names of its owner and of its issuer, the most special part first, as `CN=…, O=…`.
    pub subject: String,
    pub issuer: String,
    /// Hexadecimal.
    pub serial: String,
    /// Of the whole certificate, hexadecimal.
    pub sha256: String,
    pub not_after: SystemTime,
    /// Hosts, e-mail addresses, URIs and IP addresses.
    pub names: Vec<String>,
}

impl ClientTrust {
    /// Reads and checks everything: one bad entry spoils all, because trust must not depend on what could be read.
    pub(super) fn load(&self) -> Result<Judge> {
        Judge::is_possible()?;
        if self.source.is_empty() {
            return Err(Error::of(Id::ClientCaMissing));
        }
        let blame = |error| Error::new(Id::InClientCa, [material::name(&self.source)]).because(error);
        self.read().map_err(blame)
    }

    fn read(&self) -> Result<Judge> {
        let content = material::read(&self.source)?;
        let text = std::str::from_utf8(&content.bytes).map_err(|_| Error::of(Id::CertificateForm))?;
        let blocks = pem::blocks(text)?;
        let authorities = blocks.iter().filter(|block| block.is_certificate());
        let authorities: Vec<Vec<u8>> = authorities.map(|block| block.der.to_vec()).collect();
        let lists = blocks.iter().filter(|block| block.is_revocation_list());
        let lists: Vec<Vec<u8>> = lists.map(|block| block.der.to_vec()).collect();
        if authorities.is_empty() {
            return Err(Error::of(if blocks.is_empty() { Id::CertificateForm } else { Id::CertificateAbsent }));
        }
        Judge::new(self.ask, &authorities, &lists)
    }
}
