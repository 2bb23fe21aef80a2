//! Where a certificate and its key come from: paths or PEM text, as the host gave them.

use super::identity::TlsIdentity;
use super::pem::is_pem;
use crate::error::{Arg, Error, Id, Result};
use std::fs::OpenOptions;
use std::io::Read;
use std::path::Path;
use zeroize::Zeroizing;

/// No certificate chain with its key is larger; the bound keeps a wrong path (a device, a database) harmless.
const LARGEST: usize = 4 << 20;

/// What the host gave: each a path or PEM text, the key and the password perhaps empty. Wiped when it goes.
#[derive(Clone, Default)]
pub struct TlsSources {
    certificate: Zeroizing<String>,
    key: Zeroizing<String>,
    password: Zeroizing<String>,
}

/// A file's, or a text's, bytes with the name for errors.
pub(super) struct Content {
    pub name: Arg,
    pub bytes: Zeroizing<Vec<u8>>,
}

/// What a load works with.
pub(super) struct Material<'a> {
    pub certificate: Content,
    /// `None`: the certificate's file holds the key.
    pub key: Option<Content>,
    pub password: &'a str,
    /// The key argument was taken for the password.
    pub guessed: bool,
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

/// What an error calls a source: the path, or that it was given as text. PEM text is never shown.
pub(super) fn name(source: &str) -> Arg {
    match is_pem(source.as_bytes()) {
        true => Arg::Both { en: "given as text", ru: "из переданного текста" },
        false => source.into(),
    }
}

/// The text itself, or the file's bytes.
pub(super) fn read(source: &str) -> Result<Content> {
    let bytes = match is_pem(source.as_bytes()) {
        true => Zeroizing::new(source.as_bytes().to_vec()),
        false => read_file(source)?,
    };
    Ok(Content { name: name(source), bytes })
}

fn read_file(path: &str) -> Result<Zeroizing<Vec<u8>>> {
    let failed = |error: std::io::Error| Error::of(Id::FileUnreadable).detail(error);
    let mut options = OpenOptions::new();
    options.read(true);
    // Opening a pipe would wait for who writes to it, and reading it for what comes: without a bound, perhaps with the
    // last object waiting for this very thread to end.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options.open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(Error::of(Id::FileIrregular));
    }
    let size = usize::try_from(about.len()).unwrap_or(usize::MAX);
    if size > LARGEST {
        return Err(Error::new(Id::FileTooBig, [LARGEST.into()]));
    }
    // Room for all of it at once: a buffer that grows leaves unwiped copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(size.max(4096) + 1));
    file.take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > LARGEST {
        return Err(Error::new(Id::FileTooBig, [LARGEST.into()]));
    }
    Ok(bytes)
}
