//! TLS by SChannel, which is a part of Windows.

use super::client_authority::PeerCertificate;
use super::failure::{Failure, Judged, chain};
use super::for_windows::Pkcs12;
use super::key::Key;
use super::names;
use super::pins;
use super::step::Step;
use crate::error::{Error, Id, Result};
use crate::library::{KeyContainer, key_container};
use crate::options::{AskClients, Pin};
use schannel::cert_context::CertContext;
use schannel::cert_store::{CertAdd, CertStore, Memory, PfxImportOptions};
use schannel::schannel_cred::{Direction, Protocol, SchannelCred};
use schannel::tls_stream::{self, CertValidationResult, HandshakeError, MidHandshakeTlsStream, TlsStream};
use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use x509_parser::certificate::X509CertificateParser;
use x509_parser::nom::Parser;

/// A trusted root, or one of an own chain.
#[derive(Clone)]
pub(super) struct Certificate(CertContext);

impl Certificate {
    pub fn from_der(der: &[u8]) -> std::result::Result<Self, String> {
        CertContext::new(der).map(Self).map_err(|error| chain(&error))
    }
}

/// A key with its certificates, as Windows keeps them.
#[derive(Clone)]
pub(super) struct Identity(Arc<Imported>);

/// The fields go in this order: the key is used until its certificate is let go.
struct Imported {
    certificate: CertContext,
    /// Windows puts an imported key on the disk, because SChannel works with it in another process.
    _keys: Vec<KeyContainer>,
}

impl Identity {
    pub fn new(key: &Key, certificates: &[Vec<u8>]) -> Result<Self> {
        let unusable = |error: io::Error| Error::of(Id::KeyUnusable).detail(chain(&error));
        let Pkcs12 { file, password } = Pkcs12::new(key, certificates)?;
        let store = PfxImportOptions::new().password(&password).import(&file).map_err(unusable)?;
        // Whatever comes of it, what was imported is taken away again.
        let keys = store.certs().filter_map(|certificate| key_container(&certificate)).collect();
        let fits =
            |certificate: &CertContext| certificate.private_key().silent(true).compare_key(true).acquire().is_ok();
        let certificate = store.certs().find(fits).ok_or_else(|| Error::of(Id::KeyMismatch))?;
        offer_chain(certificates.get(1..).unwrap_or_default());
        Ok(Self(Arc::new(Imported { certificate, _keys: keys })))
    }
}

/// SChannel takes no chain beside a certificate: it sends those intermediates that it finds in the system's stores. So they
/// are put into that of the user, which trusts nobody by it, and stay there, because others may come to rely on them.
/// Where it is not allowed, peers must know them.
fn offer_chain(chain: &[Vec<u8>]) {
    let Ok(mut store) = CertStore::open_current_user("CA") else { return };
    for der in chain {
        let Ok(certificate) = CertContext::new(der) else { continue };
        if !is_self_issued(der) {
            let _ = store.add_cert(&certificate, CertAdd::UseExisting);
        }
    }
}

/// Roots are never sent.
fn is_self_issued(der: &[u8]) -> bool {
    let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
    parser.parse(der).is_ok_and(|(_, certificate)| certificate.subject() == certificate.issuer())
}

fn credentials(identity: Option<&Identity>, direction: Direction) -> io::Result<SchannelCred> {
    let mut builder = SchannelCred::builder();
    builder.enabled_protocols(&[Protocol::Tls12, Protocol::Tls13]);
    if let Some(identity) = identity {
        builder.cert(identity.0.certificate.clone());
    }
    builder.acquire(direction)
}

/// A client's settings.
pub(super) struct Client {
    verify: bool,
    roots: CertStore,
    credentials: SchannelCred,
    identity: Option<Identity>,
    pins: Arc<[Pin]>,
}

impl Client {
    pub fn new(
        verify: bool,
        roots: Vec<Certificate>,
        identity: Option<&Identity>,
        pins: Arc<[Pin]>,
    ) -> std::result::Result<Self, Failure> {
        let make = || {
            let mut store = Memory::new()?.into_store();
            for root in &roots {
                store.add_cert(&root.0, CertAdd::ReplaceExisting)?;
            }
            let credentials = credentials(identity, Direction::Outbound)?;
            Ok(Self { verify, roots: store, credentials, identity: identity.cloned(), pins: pins.clone() })
        };
        make().map_err(|error: io::Error| Failure::of(&error))
    }

    /// One that takes what any client could take: it fails only with a server that no client can talk to.
    pub fn for_trial() -> std::result::Result<Self, Failure> {
        Self::new(false, Vec::new(), None, [].into())
    }

    /// Begins a handshake with the server of that name.
    pub fn connect<S: Read + Write>(&self, host: &str, socket: S) -> Outcome<S> {
        let mut builder = tls_stream::Builder::new();
        builder.cert_store(self.roots.clone()).domain(host).accept_invalid_hostnames(!self.verify);
        let (verify, host, pins) = (self.verify, host.to_owned(), self.pins.clone());
        builder.verify_callback(move |found| {
            if verify {
                judge(&found, &host)?;
            }
            check_pins(&found, verify, &pins)
        });
        step(builder.connect(self.credentials.clone(), socket), self.identity.clone())
    }
}

/// What our own check of a certificate has found, on its way through the library's errors.
#[derive(Debug)]
struct Found(Judged);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("certificate verify failed")
    }
}

impl std::error::Error for Found {}

/// The chain is the one that Windows has built, its root included. Without verification it proves nothing, and only the
/// server's own key counts.
fn check_pins(found: &CertValidationResult, verify: bool, pins: &[Pin]) -> io::Result<()> {
    let chain = found.chain();
    let all = chain.iter().flat_map(|chain| chain.certificates()).map(|one| one.to_der().to_vec());
    pins::check(all.take(if verify { usize::MAX } else { 1 }), pins).map_err(|judged| io::Error::other(Found(judged)))
}

/// SChannel takes a common name for a host's, and has one number for both ends of a certificate's time.
fn judge(found: &CertValidationResult, host: &str) -> io::Result<()> {
    /// CERT_E_EXPIRED and CERT_E_CN_NO_MATCH.
    const TIME: u32 = 0x800B_0101;
    const NAME: u32 = 0x800B_010F;
    let chain = found.chain();
    let own = chain.as_ref().and_then(|chain| chain.get(0));
    let judged = |id: Id| Err(io::Error::other(Found(Judged::Is(id))));
    let said = found.result();
    match said.as_ref().err().map(|error| error.raw_os_error().map(i32::cast_unsigned)) {
        None | Some(Some(NAME)) => {
            let named = own.map_or(Err(Id::CertificateRefused), |own| names::check(own.to_der(), host));
            named.or_else(judged).and(said)
        }
        Some(Some(TIME)) => {
            let early = chain.is_some_and(|chain| chain.certificates().any(|one| is_early(one.to_der())));
            if early { judged(Id::CertificateNotYetValid) } else { said }
        }
        Some(_) => said,
    }
}

fn is_early(der: &[u8]) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
    let parsed = parser.parse(der);
    parsed.is_ok_and(|(_, one)| one.validity().not_before.timestamp() > i64::try_from(now).unwrap_or(i64::MAX))
}

/// What would judge the certificates of clients. There is none: the crate that leads to SChannel does not let a server
/// ask for them.
#[derive(Clone)]
pub(super) enum Judge {}

impl Judge {
    /// Asked before anything is read, so that nobody mends files in vain.
    pub fn is_possible() -> Result<()> {
        Err(Error::of(Id::ClientCertificatesUnsupported))
    }

    pub fn new(_: AskClients, _: &[Vec<u8>], _: &[Vec<u8>]) -> Result<Self> {
        Err(Error::of(Id::ClientCertificatesUnsupported))
    }
}

/// A server's settings.
#[derive(Clone)]
pub(super) struct Server {
    credentials: SchannelCred,
    identity: Identity,
}

impl Server {
    pub fn new(identity: &Identity, clients: Option<&Judge>) -> std::result::Result<Self, Failure> {
        if let Some(judge) = clients {
            match *judge {}
        }
        let credentials = credentials(Some(identity), Direction::Inbound);
        let credentials = credentials.map_err(|error| Failure::of(&error))?;
        Ok(Self { credentials, identity: identity.clone() })
    }

    /// Begins a handshake.
    pub fn accept<S: Read + Write>(&self, socket: S) -> Outcome<S> {
        let mut builder = tls_stream::Builder::new();
        step(builder.accept(self.credentials.clone(), socket), Some(self.identity.clone()))
    }
}

/// Through with its handshake.
pub(in crate::net) struct Engine<S> {
    stream: TlsStream<S>,
    /// The peer may ask for the key again.
    _identity: Option<Identity>,
}

/// In its handshake.
pub(in crate::net) struct MidHandshake<S> {
    stream: MidHandshakeTlsStream<S>,
    identity: Option<Identity>,
}

/// What a step of the handshake came to.
pub(in crate::net) type Outcome<S> = Step<Engine<S>, MidHandshake<S>>;

fn step<S>(outcome: std::result::Result<TlsStream<S>, HandshakeError<S>>, identity: Option<Identity>) -> Outcome<S> {
    match outcome {
        Ok(stream) => Step::Through(Engine { stream, _identity: identity }),
        Err(HandshakeError::Interrupted(stream)) => Step::Going(MidHandshake { stream, identity }),
        Err(HandshakeError::Failure(error)) => {
            let mut failure = Failure::of(&error);
            let found = error.into_inner().and_then(|inner| inner.downcast::<Found>().ok());
            failure.judged = found.map(|found| found.0);
            Step::Failed(failure)
        }
    }
}

impl<S> MidHandshake<S> {
    pub fn get_ref(&self) -> &S {
        self.stream.get_ref()
    }

    pub fn get_mut(&mut self) -> &mut S {
        self.stream.get_mut()
    }
}

impl<S: Read + Write> MidHandshake<S> {
    pub fn handshake(self) -> Outcome<S> {
        step(self.stream.handshake(), self.identity)
    }
}

impl<S> Engine<S> {
    /// No client is asked for one.
    #[expect(clippy::unused_self, reason = "elsewhere it is used")]
    pub fn client_certificate(&self) -> Option<PeerCertificate> {
        None
    }

    pub fn get_ref(&self) -> &S {
        self.stream.get_ref()
    }

    pub fn get_mut(&mut self) -> &mut S {
        self.stream.get_mut()
    }
}

impl<S: Read + Write> Engine<S> {
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }

    pub fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.stream.write(data)
    }

    /// Sends close_notify, as far as the socket takes it now.
    pub fn shutdown(&mut self) -> io::Result<()> {
        self.stream.shutdown()
    }
}
