//! Where a certificate and its key come from: paths or PEM text, as the host gave them.

use super::identity::TlsIdentity;
use super::material::{Material, name, read};
use super::pem::is_pem;
use crate::error::{Error, Id, Result};
use std::path::Path;
use zeroize::Zeroizing;

/// What the host gave: each a path or PEM text, the key and the password perhaps empty. Wiped when it goes.
#[derive(Clone, Default)]
pub struct TlsSources {
    certificate: Zeroizing<String>,
    key: Zeroizing<String>,
    password: Zeroizing<String>,
}

impl TlsSources {
    pub fn new(certificate: &str, key: &str, password: &str) -> Self {
        let own = |text: &str| Zeroizing::new(text.to_owned());
        Self { certificate: own(certificate), key: own(key), password: own(password) }
    }

    /// Nothing was given at all.
    pub fn is_empty(&self) -> bool {
        self.certificate.is_empty() && self.key.is_empty() && self.password.is_empty()
    }

    /// Reads and checks everything. Takes as long as the files and the password's key derivation do.
    pub fn load(&self) -> Result<TlsIdentity> {
        if self.certificate.is_empty() {
            return Err(Error::of(Id::CertificateMissing));
        }
        let certificate = read(&self.certificate)
            .map_err(|error| Error::new(Id::InCertificate, [name(&self.certificate)]).because(error))?;
        let guessed = self.password.is_empty() && !self.key.is_empty() && !self.key_is_a_source();
        let key = match self.key.is_empty() || guessed {
            true => None,
            false => {
                let read = read(&self.key);
                Some(read.map_err(|error| Error::new(Id::InKey, [name(&self.key)]).because(error))?)
            }
        };
        let password = if guessed { &self.key } else { &self.password };
        TlsIdentity::load(&Material { certificate, key, password, guessed })
    }

    /// Whether the key argument is a file or PEM text: otherwise, with no password, it is the password.
    fn key_is_a_source(&self) -> bool {
        is_pem(self.key.as_bytes()) || Path::new(self.key.as_str()).exists()
    }
}
