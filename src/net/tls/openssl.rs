//! TLS by OpenSSL, which is linked statically: Linux, and other systems of its kind. A client has it through native-tls. A
//! server has it directly, because native-tls's acceptor stops at TLS 1.2 there.

use super::client_authority::PeerCertificate;
pub(super) use super::client_judge::Judge;
use super::client_judge::told;
use super::failure::{Failure, Judged, chain as chain_of};
use super::key::Key;
use super::names;
use super::proof::Proof;
use super::step::Step;
use crate::error::{Error, Id, Result};
use crate::options::Pin;
use native_tls::{MidHandshakeTlsStream, Protocol, TlsConnector, TlsStream};
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{
    ErrorCode, HandshakeError, MidHandshakeSslStream, SslAcceptor, SslConnector, SslContextBuilder, SslMethod,
    SslStream, SslVerifyMode, SslVersion,
};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509VerifyResult};
use std::io::{self, Read, Write};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A trusted root.
#[derive(Clone)]
pub(super) struct Certificate(native_tls::Certificate);

impl Certificate {
    pub fn from_der(der: &[u8]) -> std::result::Result<Self, String> {
        native_tls::Certificate::from_der(der).map(Self).map_err(|error| chain_of(&error))
    }
}

/// A key with its certificates, the key's own first.
#[derive(Clone)]
pub(super) struct Identity {
    key: PKey<Private>,
    chain: Vec<X509>,
}

impl Identity {
    pub fn new(key: &Key, chain: &[Vec<u8>]) -> Result<Self> {
        // Only OpenSSL looks at all of a certificate and of a key.
        let bad = |id: Id| move |error: ErrorStack| Error::of(id).detail(chain_of(&error));
        let chain = chain.iter().map(|der| X509::from_der(der)).collect::<std::result::Result<Vec<_>, _>>();
        let chain = chain.map_err(bad(Id::CertificateDamaged))?;
        let own = chain.first().ok_or_else(|| Error::of(Id::CertificateAbsent))?;
        // It is decoded only when it is asked for.
        let own = own.public_key().map_err(bad(Id::CertificateDamaged))?;
        let key = PKey::private_key_from_pkcs8(key.pkcs8()).map_err(bad(Id::KeyDamaged))?;
        if !own.public_eq(&key) {
            return Err(Error::of(Id::KeyMismatch));
        }
        Ok(Self { key, chain })
    }

    fn show(&self, context: &mut SslContextBuilder) -> std::result::Result<(), ErrorStack> {
        for (at, certificate) in self.chain.iter().enumerate() {
            match at {
                0 => context.set_certificate(certificate)?,
                _ => context.add_extra_chain_cert(certificate.clone())?,
            }
        }
        context.set_private_key(&self.key)?;
        context.check_private_key()
    }

    /// As native-tls takes it.
    fn native(&self) -> std::result::Result<native_tls::Identity, Failure> {
        let failed = |error: ErrorStack| Failure::of(&error);
        let mut chain = Vec::new();
        for certificate in &self.chain {
            chain.extend_from_slice(&certificate.to_pem().map_err(failed)?);
        }
        let key = Zeroizing::new(self.key.private_key_to_pem_pkcs8().map_err(failed)?);
        let identity = native_tls::Identity::from_pkcs8(&chain, &key);
        identity.map_err(|error| Failure::of(&error))
    }
}

/// A client's settings.
pub(super) struct Client {
    connector: Connector,
    verify: bool,
}

enum Connector {
    Native(TlsConnector),
    /// OpenSSL without the bounds that native-tls sets, for a trial in memory.
    Trial(SslConnector),
    /// The same settings as native-tls's, which does not hand out the chain that was verified.
    Pinned(SslConnector, Arc<[Pin]>),
}

impl Client {
    pub fn new(
        verify: bool,
        roots: Vec<Certificate>,
        identity: Option<&Identity>,
        pins: Arc<[Pin]>,
    ) -> std::result::Result<Self, Failure> {
        if !pins.is_empty() {
            let connector = pinned(roots, identity).map_err(|error| Failure::of(&error))?;
            return Ok(Self { connector: Connector::Pinned(connector, pins), verify });
        }
        let mut builder = TlsConnector::builder();
        builder
            .min_protocol_version(Some(Protocol::Tlsv12))
            .danger_accept_invalid_certs(!verify)
            .danger_accept_invalid_hostnames(!verify)
            // Where OpenSSL itself looks for roots is a matter of the machine that it was built on.
            .disable_built_in_roots(true);
        for root in roots {
            builder.add_root_certificate(root.0);
        }
        if let Some(identity) = identity {
            builder.identity(identity.native()?);
        }
        let connector = builder.build().map_err(|error| Failure::of(&error))?;
        Ok(Self { connector: Connector::Native(connector), verify })
    }

    /// One that takes what any client could take: it fails only with a server that no client can talk to.
    pub fn for_trial() -> std::result::Result<Self, Failure> {
        /// OpenSSL's usual ones, and the other curves that certificates are made with.
        const GROUPS: &str = "X25519:P-256:X448:P-384:P-521:brainpoolP256r1:brainpoolP384r1:brainpoolP512r1";
        let make = || {
            let mut builder = SslConnector::builder(SslMethod::tls())?;
            builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
            builder.set_verify(SslVerifyMode::NONE);
            builder.set_security_level(0);
            builder.set_groups_list(GROUPS)?;
            Ok(builder.build())
        };
        let connector = make().map_err(|error: ErrorStack| Failure::of(&error))?;
        Ok(Self { connector: Connector::Trial(connector), verify: false })
    }

    /// Begins a handshake with the server of that name.
    pub fn connect<S: Read + Write>(&self, host: &str, socket: S) -> Outcome<S> {
        match &self.connector {
            Connector::Native(connector) => {
                by_native(connector.connect(host, socket), self.verify.then(|| host.into()))
            }
            Connector::Trial(connector) => match connector.configure() {
                Ok(configuration) => directly(configuration.verify_hostname(false).connect(host, socket)),
                Err(error) => Step::Failed(Failure::of(&error)),
            },
            Connector::Pinned(connector, pins) => {
                let proof = Proof { host: self.verify.then(|| host.into()), pins: pins.clone() };
                match connector.configure() {
                    Ok(mut configuration) => {
                        configuration.set_verify_hostname(self.verify);
                        if !self.verify {
                            configuration.set_verify(SslVerifyMode::NONE);
                        }
                        proven(configuration.connect(host, socket), Box::new(proof))
                    }
                    Err(error) => Step::Failed(Failure::of(&error)),
                }
            }
        }
    }
}

/// What native-tls makes of the same settings.
fn pinned(roots: Vec<Certificate>, identity: Option<&Identity>) -> std::result::Result<SslConnector, ErrorStack> {
    let mut builder = SslConnector::builder(SslMethod::tls())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    let mut store = X509StoreBuilder::new()?;
    for root in roots {
        // One that is there already is no failure.
        if let Ok(der) = root.0.to_der() {
            let _ = store.add_cert(X509::from_der(&der)?);
        }
    }
    builder.set_cert_store(store.build());
    if let Some(identity) = identity {
        identity.show(&mut builder)?;
    }
    Ok(builder.build())
}

/// A server's settings.
#[derive(Clone)]
pub(super) struct Server(SslAcceptor);

impl Server {
    /// TLS 1.2 and 1.3 as Mozilla recommends them for servers in general (its intermediate configuration).
    pub fn new(identity: &Identity, clients: Option<&Judge>) -> std::result::Result<Self, Failure> {
        let make = || {
            let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls())?;
            builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
            identity.show(&mut builder)?;
            if let Some(clients) = clients {
                clients.ask(&mut builder)?;
            }
            Ok(builder.build())
        };
        make().map(Self).map_err(|error: ErrorStack| Failure::of(&error))
    }

    /// Begins a handshake.
    pub fn accept<S: Read + Write>(&self, socket: S) -> Outcome<S> {
        accepted(self.0.accept(socket))
    }
}

/// Through with its handshake.
pub(in crate::net) enum Engine<S> {
    Native(TlsStream<S>),
    Direct(SslStream<S>),
}

/// In its handshake.
pub(in crate::net) enum MidHandshake<S> {
    /// With what the peer's certificate has to be for, where that is checked.
    Native(MidHandshakeTlsStream<S>, Option<Box<str>>),
    Direct(MidHandshakeSslStream<S>),
    /// A server's.
    Accepting(MidHandshakeSslStream<S>),
    Pinned(MidHandshakeSslStream<S>, Box<Proof>),
}

/// What a step of the handshake came to.
pub(in crate::net) type Outcome<S> = Step<Engine<S>, MidHandshake<S>>;

fn by_native<S: Read + Write>(
    outcome: std::result::Result<TlsStream<S>, native_tls::HandshakeError<S>>,
    host: Option<Box<str>>,
) -> Outcome<S> {
    match outcome {
        Ok(stream) => match host.and_then(|host| judge(&stream, &host).err()) {
            None => Step::Through(Engine::Native(stream)),
            Some(id) => {
                let text = "certificate verify failed".to_owned();
                Step::Failed(Failure { text, code: None, is_cut: false, judged: Some(Judged::Is(id)) })
            }
        },
        Err(native_tls::HandshakeError::WouldBlock(stream)) => Step::Going(MidHandshake::Native(stream, host)),
        Err(native_tls::HandshakeError::Failure(error)) => Step::Failed(Failure::of(&error)),
    }
}

fn directly<S>(outcome: std::result::Result<SslStream<S>, HandshakeError<S>>) -> Outcome<S> {
    match outcome {
        Ok(stream) => Step::Through(Engine::Direct(stream)),
        Err(HandshakeError::WouldBlock(stream)) => Step::Going(MidHandshake::Direct(stream)),
        Err(HandshakeError::Failure(stream)) => {
            let mut failure = Failure::of(stream.error());
            failure.is_cut = failure.is_cut || stream.error().io_error().is_some_and(|error| Failure::of(error).is_cut);
            Step::Failed(failure)
        }
        Err(HandshakeError::SetupFailure(error)) => Step::Failed(Failure::of(&error)),
    }
}

/// With what was found wrong with a client's certificate.
fn accepted<S>(outcome: std::result::Result<SslStream<S>, HandshakeError<S>>) -> Outcome<S> {
    match outcome {
        Err(HandshakeError::WouldBlock(stream)) => Step::Going(MidHandshake::Accepting(stream)),
        Err(HandshakeError::Failure(stream)) => with_verdict(stream),
        other => directly(other),
    }
}

/// OpenSSL says apart from the error what it has against the peer's certificate.
fn with_verdict<S>(stream: MidHandshakeSslStream<S>) -> Outcome<S> {
    let verdict = stream.ssl().verify_result();
    match directly(Err(HandshakeError::Failure(stream))) {
        Step::Failed(mut failure) if verdict != X509VerifyResult::OK => {
            failure.text = format!("{} ({verdict})", failure.text);
            Step::Failed(failure)
        }
        other => other,
    }
}

fn proven<S>(outcome: std::result::Result<SslStream<S>, HandshakeError<S>>, proof: Box<Proof>) -> Outcome<S> {
    match outcome {
        Ok(stream) => match proof.judge(stream.ssl()) {
            Ok(()) => Step::Through(Engine::Direct(stream)),
            Err(judged) => {
                let text = "certificate verify failed".to_owned();
                Step::Failed(Failure { text, code: None, is_cut: false, judged: Some(judged) })
            }
        },
        Err(HandshakeError::WouldBlock(stream)) => Step::Going(MidHandshake::Pinned(stream, proof)),
        Err(HandshakeError::Failure(stream)) => with_verdict(stream),
        Err(failed) => directly(Err(failed)),
    }
}

/// Our own check of the server's certificate behind OpenSSL's, which takes a common name for a host's.
fn judge<S: Read + Write>(stream: &TlsStream<S>, host: &str) -> std::result::Result<(), Id> {
    let own = stream.peer_certificate().ok().flatten().and_then(|own| own.to_der().ok());
    names::check(&own.ok_or(Id::CertificateRefused)?, host)
}

impl<S> MidHandshake<S> {
    pub fn get_ref(&self) -> &S {
        match self {
            MidHandshake::Native(stream, _) => stream.get_ref(),
            MidHandshake::Direct(stream) | MidHandshake::Accepting(stream) | MidHandshake::Pinned(stream, _) => {
                stream.get_ref()
            }
        }
    }

    pub fn get_mut(&mut self) -> &mut S {
        match self {
            MidHandshake::Native(stream, _) => stream.get_mut(),
            MidHandshake::Direct(stream) | MidHandshake::Accepting(stream) | MidHandshake::Pinned(stream, _) => {
                stream.get_mut()
            }
        }
    }
}

impl<S: Read + Write> MidHandshake<S> {
    pub fn handshake(self) -> Outcome<S> {
        match self {
            MidHandshake::Native(stream, host) => by_native(stream.handshake(), host),
            MidHandshake::Direct(stream) => directly(stream.handshake()),
            MidHandshake::Accepting(stream) => accepted(stream.handshake()),
            MidHandshake::Pinned(stream, proof) => proven(stream.handshake(), proof),
        }
    }
}

impl<S> Engine<S> {
    /// What a server knows of its client by the certificate that it has asked for.
    pub fn client_certificate(&self) -> Option<PeerCertificate> {
        match self {
            Engine::Native(_) => None,
            Engine::Direct(stream) if stream.ssl().is_server() => stream.ssl().peer_certificate().map(|one| told(&one)),
            Engine::Direct(_) => None,
        }
    }

    pub fn get_ref(&self) -> &S {
        match self {
            Engine::Native(stream) => stream.get_ref(),
            Engine::Direct(stream) => stream.get_ref(),
        }
    }

    pub fn get_mut(&mut self) -> &mut S {
        match self {
            Engine::Native(stream) => stream.get_mut(),
            Engine::Direct(stream) => stream.get_mut(),
        }
    }
}

impl<S: Read + Write> Engine<S> {
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Engine::Native(stream) => stream.read(buffer),
            Engine::Direct(stream) => stream.read(buffer),
        }
    }

    pub fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Engine::Native(stream) => stream.write(data),
            Engine::Direct(stream) => stream.write(data),
        }
    }

    /// Sends close_notify, as far as the socket takes it now.
    pub fn shutdown(&mut self) -> io::Result<()> {
        match self {
            Engine::Native(stream) => stream.shutdown(),
            Engine::Direct(stream) => match stream.shutdown() {
                Ok(_) => Ok(()),
                Err(error) if error.code() == ErrorCode::ZERO_RETURN => Ok(()),
                Err(error) => Err(error.into_io_error().unwrap_or_else(io::Error::other)),
            },
        }
    }
}
