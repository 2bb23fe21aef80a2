//! A certificate with its key, as the platform's TLS takes it.

use super::key::Key;
use super::material::{Content, Material};
use super::pem::{self, Block};
use super::{key_block, pkcs12, platform, refusal, trial};
use crate::error::{Arg, Error, Id, Result};
use crate::library;
use std::time::SystemTime;
use time::OffsetDateTime;
use x509_parser::certificate::{X509Certificate, X509CertificateParser};
use x509_parser::nom::Parser;

/// See the module's page.
#[derive(Clone)]
pub struct TlsIdentity {
    native: platform::Identity,
    /// From and until when it is valid, in seconds since 1970.
    validity: Option<(i64, i64)>,
}

impl TlsIdentity {
    pub(super) fn native(&self) -> &platform::Identity {
        &self.native
    }

    pub(super) fn load(material: &Material<'_>) -> Result<Self> {
        library::uses_tls();
        let key_name = material.key.as_ref().map(|key| key.name.clone());
        let blame = Blame { certificate: material.certificate.name.clone(), key: key_name, guessed: material.guessed };
        if !pem::is_pem(&material.certificate.bytes) && pkcs12::is_der(&material.certificate.bytes) {
            let opened = pkcs12::read(&material.certificate.bytes, material.password);
            let opened = opened.map_err(|error| blame.certificate(error))?;
            // One file holds both; what else was given would be ignored.
            if material.key.is_some() {
                return Err(blame.key(Error::of(Id::KeyBeside)));
            }
            return Self::of(&opened.key, opened.chain, &blame);
        }
        let text = as_text(&material.certificate, Id::CertificateForm).map_err(|error| blame.certificate(error))?;
        let blocks = pem::blocks(text).map_err(|error| blame.certificate(error))?;
        let chain: Vec<Vec<u8>> =
            blocks.iter().filter(|block| block.is_certificate()).map(|block| block.der.to_vec()).collect();
        if chain.is_empty() {
            let id = if blocks.is_empty() { Id::CertificateForm } else { Id::CertificateAbsent };
            return Err(blame.certificate(Error::of(id)));
        }
        // Before the key, so that a damaged certificate is called that whatever the key is.
        check(&chain).map_err(|error| blame.certificate(error))?;
        let key = match &material.key {
            None => find_key(&blocks, material.password),
            Some(content) => as_text(content, Id::KeyNotPem)
                .and_then(pem::blocks)
                .and_then(|blocks| find_key(&blocks, material.password)),
        };
        Self::of(&key.map_err(|error| blame.key(error))?, chain, &blame)
    }

    /// From a key and its certificates in any order.
    fn of(key: &Key, mut chain: Vec<Vec<u8>>, blame: &Blame) -> Result<Self> {
        let parsed = check(&chain).map_err(|error| blame.certificate(error))?;
        let public = key.public();
        let own = match &public {
            Some(public) => parsed
                .iter()
                .position(|certificate| *certificate.public_key().subject_public_key.data == **public)
                .ok_or_else(|| blame.key(Error::of(Id::KeyMismatch)))?,
            None => 0,
        };
        let validity = parsed[own].validity();
        let validity = Some((validity.not_before.timestamp(), validity.not_after.timestamp()));
        let leaf = chain.remove(own);
        chain.insert(0, leaf);
        let native = platform::Identity::new(key, &chain).map_err(|error| match error.root() {
            Id::CertificateDamaged => blame.certificate(error),
            Id::KeyDamaged | Id::KeyMismatch => blame.key(error),
            _ => blame.both(error),
        })?;
        // Whether it can be used is not left for the first connection to find out.
        trial::run(&native).map_err(|failure| blame.both(refusal::unusable(failure)))?;
        Ok(Self { native, validity })
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

/// Names what an error is about.
struct Blame {
    certificate: Arg,
    /// `None`: the certificate's source holds the key, too.
    key: Option<Arg>,
    guessed: bool,
}

impl Blame {
    fn certificate(&self, error: Error) -> Error {
        // The other reading of the key's argument is of interest to whom the key, or what it is encrypted with, is missing.
        let error = match error.root() {
            Id::KeyAbsent | Id::PasswordWrong if self.guessed => Error::of(Id::KeyTwoReadings).because(error),
            _ => error,
        };
        Error::new(Id::InCertificate, [self.certificate.clone()]).because(error)
    }

    /// The key's own source, or the one that holds both.
    fn key(&self, error: Error) -> Error {
        match &self.key {
            Some(key) => Error::new(Id::InKey, [key.clone()]).because(error),
            None => self.certificate(error),
        }
    }

    /// The platform does not say which of them it does not take.
    fn both(&self, error: Error) -> Error {
        match &self.key {
            Some(key) => Error::new(Id::InPair, [self.certificate.clone(), key.clone()]).because(error),
            None => self.certificate(error),
        }
    }
}

/// The certificates, as far as we look at them ourselves.
fn check(chain: &[Vec<u8>]) -> Result<Vec<X509Certificate<'_>>> {
    // Extensions are the platform's affair; taking them apart would leave a table behind when the library goes.
    let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
    let parsed = chain.iter().map(|der| parser.parse(der).map(|(_, certificate)| certificate));
    let parsed = parsed.collect::<std::result::Result<Vec<_>, _>>();
    parsed.map_err(|error| Error::of(Id::CertificateDamaged).detail(error))
}

fn as_text(content: &Content, otherwise: Id) -> Result<&str> {
    std::str::from_utf8(&content.bytes).map_err(|_| Error::of(otherwise))
}

fn find_key(blocks: &[Block<'_>], password: &str) -> Result<Key> {
    let block = blocks.iter().find(|block| block.is_key()).ok_or_else(|| Error::of(Id::KeyAbsent))?;
    key_block::read(block, password)
}
