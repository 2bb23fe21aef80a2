//! A certificate with its key, as the platform's TLS takes it.

use super::key::Key;
use super::pem::{self, Block};
use super::pkcs12;
use super::refusal::chain;
use super::source::{Content, Material};
use crate::error::{Error, Id, Result};
use crate::library;
use native_tls::Identity;
#[cfg(target_os = "linux")]
use openssl::pkey::{PKey, Private};
#[cfg(target_os = "linux")]
use openssl::x509::X509;
use std::time::SystemTime;
use time::OffsetDateTime;
use x509_parser::certificate::X509CertificateParser;
use x509_parser::nom::Parser;
use zeroize::Zeroizing;

/// See the module's page.
#[derive(Clone)]
pub struct TlsIdentity {
    native: Identity,
    /// The same for OpenSSL's own interface: the key, and the certificates with the key's own first.
    #[cfg(target_os = "linux")]
    parts: (PKey<Private>, Vec<X509>),
    /// From and until when it is valid, in seconds since 1970.
    validity: Option<(i64, i64)>,
}

impl TlsIdentity {
    pub(super) fn native(&self) -> &Identity {
        &self.native
    }

    #[cfg(target_os = "linux")]
    pub(super) fn parts(&self) -> (&PKey<Private>, &[X509]) {
        (&self.parts.0, &self.parts.1)
    }

    pub(super) fn load(material: &Material<'_>) -> Result<Self> {
        library::uses_tls();
        let in_certificate = |error: Error| {
            let error = match material.guessed {
                true => Error::of(Id::KeyTwoReadings).because(error),
                false => error,
            };
            Error::new(Id::InCertificate, [material.certificate.name.clone()]).because(error)
        };
        let in_key = |error: Error| match &material.key {
            Some(content) => Error::new(Id::InKey, [content.name.clone()]).because(error),
            None => in_certificate(error),
        };
        if !pem::is_pem(&material.certificate.bytes) && pkcs12::is_der(&material.certificate.bytes) {
            let opened = pkcs12::read(&material.certificate.bytes, material.password).map_err(in_certificate)?;
            return Self::of(&opened.key, opened.chain).map_err(in_certificate);
        }
        let text = as_text(&material.certificate).map_err(in_certificate)?;
        let blocks = pem::blocks(text).map_err(in_certificate)?;
        let chain: Vec<Vec<u8>> =
            blocks.iter().filter(|block| block.is_certificate()).map(|block| block.der.to_vec()).collect();
        if chain.is_empty() {
            let id = if blocks.is_empty() { Id::CertificateForm } else { Id::CertificateAbsent };
            return Err(in_certificate(Error::of(id)));
        }
        let key = match &material.key {
            None => find_key(&blocks, material.password).map_err(in_certificate)?,
            Some(content) => {
                let text = as_text(content).map_err(in_key)?;
                let blocks = pem::blocks(text).map_err(in_key)?;
                find_key(&blocks, material.password).map_err(in_key)?
            }
        };
        Self::of(&key, chain).map_err(in_key)
    }

    /// From a key and its certificates in any order.
    fn of(key: &Key, mut chain: Vec<Vec<u8>>) -> Result<Self> {
        // Extensions are the platform's affair; taking them apart would leave a table behind when the library goes.
        let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
        let parsed = chain.iter().map(|der| parser.parse(der).map(|(_, certificate)| certificate));
        let parsed = parsed.collect::<std::result::Result<Vec<_>, _>>();
        let parsed = parsed.map_err(|error| Error::of(Id::CertificateDamaged).detail(error))?;
        let public = key.public();
        let own = match &public {
            Some(public) => parsed
                .iter()
                .position(|certificate| *certificate.public_key().subject_public_key.data == **public)
                .ok_or_else(|| Error::of(Id::KeyMismatch))?,
            None => 0,
        };
        let validity = parsed[own].validity();
        let validity = Some((validity.not_before.timestamp(), validity.not_after.timestamp()));
        let leaf = chain.remove(own);
        chain.insert(0, leaf);
        let native = native(key, &chain, public.is_some())?;
        Ok(Self {
            native,
            #[cfg(target_os = "linux")]
            parts: parts(key, &chain).map_err(|error| Error::of(Id::KeyUnusable).detail(error))?,
            validity,
        })
    }

    /// What an administrator should know of the certificate at that time.
    pub(super) fn warning(&self, now: SystemTime) -> Option<Error> {
        let (from, until) = self.validity?;
        let now = OffsetDateTime::from(now).unix_timestamp();
        if now > until {
            return Some(Error::new(Id::OwnCertificateExpired, [date(until).into()]));
        }
        (now < from).then(|| Error::new(Id::OwnCertificateNotYetValid, [date(from).into()]))
    }
}

fn date(seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(seconds)
        .map(|at| format!("{:04}-{:02}-{:02}", at.year(), u8::from(at.month()), at.day()))
        .unwrap_or_default()
}

fn as_text(content: &Content) -> Result<&str> {
    std::str::from_utf8(&content.bytes).map_err(|_| Error::of(Id::CertificateForm))
}

fn find_key(blocks: &[Block<'_>], password: &str) -> Result<Key> {
    let block = blocks.iter().find(|block| block.is_key()).ok_or_else(|| Error::of(Id::KeyAbsent))?;
    Key::from_block(block, password)
}

/// The platform's form. On Windows always by PKCS#12: the other way takes RSA only and leaves key containers behind.
/// Elsewhere, too, where only the platform can tell whether key and certificate belong together, because there it does.
fn native(key: &Key, certificates: &[Vec<u8>], matches: bool) -> Result<Identity> {
    if cfg!(windows) || !matches {
        return by_pkcs12(key, certificates);
    }
    let mut all = Vec::new();
    for der in certificates {
        all.extend_from_slice(&pem::encode("CERTIFICATE", der));
    }
    let key = pem::encode("PRIVATE KEY", key.pkcs8());
    Identity::from_pkcs8(&all, &key).map_err(|error| Error::of(Id::KeyUnusable).detail(chain(&error)))
}

#[cfg(target_os = "linux")]
fn parts(key: &Key, chain: &[Vec<u8>]) -> std::result::Result<(PKey<Private>, Vec<X509>), openssl::error::ErrorStack> {
    let chain = chain.iter().map(|der| X509::from_der(der)).collect::<std::result::Result<_, _>>()?;
    Ok((PKey::private_key_from_pkcs8(key.pkcs8())?, chain))
}

pub(super) fn by_pkcs12(key: &Key, certificates: &[Vec<u8>]) -> Result<Identity> {
    let password = one_time_password()?;
    let file = pkcs12::write(key, certificates, &password)?;
    Identity::from_pkcs12(&file, &password).map_err(|error| {
        let text = chain(&error);
        // What native-tls says, on OpenSSL and on Windows, when no certificate fits the key.
        let id = match text.contains("at least one certificate") || text.contains("No identity found") {
            true => Id::KeyMismatch,
            false => Id::KeyUnusable,
        };
        Error::of(id).detail(text)
    })
}

fn one_time_password() -> Result<Zeroizing<String>> {
    let mut random = Zeroizing::new([0_u8; 16]);
    getrandom::fill(&mut *random).map_err(|error| Error::of(Id::TlsSetUp).detail(error))?;
    let mut text = Zeroizing::new(String::with_capacity(32));
    for byte in random.iter() {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(b'a' + digit));
        }
    }
    Ok(text)
}
