//! What a certificate or key is read from: the bytes of a file or of a text, with the name that errors give it.

use super::pem::is_pem;
use crate::error::{Arg, Error, Id, Result};
use std::fs::OpenOptions;
use std::io::Read;
use zeroize::Zeroizing;

/// No certificate chain with its key is larger; the bound keeps a wrong path (a device, a database) harmless.
const MAX_FILE: usize = 4 << 20;

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
    let failed = |error: std::io::Error| Error::of(Id::FileUnreadable).system(&error);
    let mut options = OpenOptions::new();
    options.read(true);
    // Opening a pipe would wait for a writer, and reading it for what comes: without a bound, perhaps with the
    // last object waiting for this very thread to end.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options.open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(Error::of(Id::FileIrregular));
    }
    let size = usize::try_from(about.len()).unwrap_or(usize::MAX);
    if size > MAX_FILE {
        return Err(Error::new(Id::FileTooBig, [MAX_FILE.into()]));
    }
    // Room for all of it at once: a buffer that grows leaves unwiped copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(size.max(4096) + 1));
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_FILE {
        return Err(Error::new(Id::FileTooBig, [MAX_FILE.into()]));
    }
    Ok(bytes)
}
