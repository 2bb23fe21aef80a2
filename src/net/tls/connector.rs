//! A client's side.

use super::identity::TlsIdentity;
use super::platform::{self, Certificate, Outcome};
use super::{material, pem};
use crate::error::{Error, Id, Result};
use crate::library;
use crate::options::Pin;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Reading the roots takes many milliseconds, so dials that follow soon share them.
const AGE: Duration = Duration::from_secs(300);
/// Different settings kept at a time.
const MAX_KEPT: usize = 16;

/// What a client asks of TLS.
#[derive(Clone)]
pub struct TlsOptions {
    /// Whether the server's certificate is checked.
    pub verify: bool,
    /// A file, or PEM text, with roots beside the system's; empty for none.
    pub ca: Arc<String>,
    /// What the client shows when the server asks for a certificate.
    pub identity: Option<Arc<TlsIdentity>>,
    /// Keys of which the server must have one; none: it may have any.
    pub pins: Arc<[Pin]>,
}

/// A client's settings, with the trusted roots. Small, because every connection has room for one.
#[derive(Clone)]
pub struct TlsClient(Arc<platform::Client>);

impl TlsClient {
    /// Begins a handshake with the server of that name.
    pub(in crate::net) fn connect<S: Read + Write>(&self, host: &str, socket: S) -> Outcome<S> {
        self.0.connect(host, socket)
    }
}

/// The settings that were used lately.
#[derive(Default)]
pub struct TlsClients(parking_lot::Mutex<Vec<Known>>);

struct Known {
    verify: bool,
    /// The bytes, so that a renewed file is noticed.
    ca: Vec<u8>,
    identity: Option<Arc<TlsIdentity>>,
    pins: Arc<[Pin]>,
    made: Instant,
    client: TlsClient,
}

impl TlsClients {
    /// Slow where the settings are new, or older than five minutes.
    pub fn get(&self, options: &TlsOptions) -> Result<TlsClient> {
        // Without verification no root is of use.
        let ca = if options.verify { read_ca(&options.ca)? } else { Vec::new() };
        let same_identity = |known: &Known| match (&known.identity, &options.identity) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        // Held all the time: of many dials that begin together one reads the roots and the others wait for it.
        let mut known = self.0.lock();
        known.retain(|known| known.made.elapsed() < AGE);
        let same = |known: &&Known| {
            known.verify == options.verify && known.ca == ca && known.pins == options.pins && same_identity(known)
        };
        let found = known.iter().find(same);
        if let Some(found) = found {
            return Ok(found.client.clone());
        }
        let client = make(options, &ca)?;
        if known.len() >= MAX_KEPT {
            known.remove(0);
        }
        let (verify, identity, pins) = (options.verify, options.identity.clone(), options.pins.clone());
        known.push(Known { verify, ca, identity, pins, made: Instant::now(), client: client.clone() });
        Ok(client)
    }
}

fn read_ca(source: &str) -> Result<Vec<u8>> {
    if source.is_empty() {
        return Ok(Vec::new());
    }
    let read = material::read(source).map_err(|error| in_ca(source, error))?;
    Ok(read.bytes.to_vec())
}

fn in_ca(source: &str, error: Error) -> Error {
    Error::new(Id::InCaFile, [material::name(source)]).because(error)
}

fn make(options: &TlsOptions, ca: &[u8]) -> Result<TlsClient> {
    library::uses_tls();
    // Windows adds the system's own.
    #[cfg(unix)]
    let mut roots = if options.verify { super::roots::system() } else { Vec::new() };
    #[cfg(not(unix))]
    let mut roots = Vec::new();
    if !ca.is_empty() {
        roots.extend(certificates(ca).map_err(|error| in_ca(&options.ca, error))?);
    }
    let identity = options.identity.as_ref().map(|identity| identity.native());
    let client = platform::Client::new(options.verify, roots, identity, options.pins.clone());
    client.map(|client| TlsClient(Arc::new(client))).map_err(|failure| Error::of(Id::TlsSetUp).detail(failure.text))
}

/// The certificates of a CA file: PEM, or one in DER as Windows exports it.
fn certificates(bytes: &[u8]) -> Result<Vec<Certificate>> {
    let damaged = |error: String| Error::of(Id::CertificateDamaged).detail(error);
    if !pem::is_pem(bytes) {
        return match Certificate::from_der(bytes) {
            Ok(one) => Ok(vec![one]),
            Err(_) => Err(Error::of(Id::CertificateForm)),
        };
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Error::of(Id::CertificateForm))?;
    let blocks = pem::blocks(text)?;
    let found = blocks.iter().filter(|block| block.is_certificate());
    let found = found.map(|block| Certificate::from_der(&block.der)).collect::<Result<Vec<_>, _>>().map_err(damaged)?;
    if found.is_empty() { Err(Error::of(Id::CertificateAbsent)) } else { Ok(found) }
}
