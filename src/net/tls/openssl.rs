//! TLS by OpenSSL, which is linked statically: Linux, and other systems of its kind.

use super::failure::{Failure, chain as chain_of};
use super::key::Key;
use super::names;
use super::step::Step;
use crate::error::{Error, Id, Result};
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{
    ConnectConfiguration, ErrorCode, HandshakeError, MidHandshakeSslStream, SslAcceptor, SslConnector,
    SslContextBuilder, SslMethod, SslRef, SslStream, SslVerifyMode, SslVersion,
};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509CheckFlags;
use openssl::x509::{X509, X509VerifyResult};
use std::io::{self, Read, Write};

/// A trusted root, or one of an own chain.
#[derive(Clone)]
pub(super) struct Certificate(X509);

impl Certificate {
    pub fn from_der(der: &[u8]) -> std::result::Result<Self, String> {
        X509::from_der(der).map(Self).map_err(|error| chain_of(&error))
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
}

/// A client's settings.
#[derive(Clone)]
pub(super) struct Client {
    connector: SslConnector,
    verify: bool,
}

impl Client {
    pub fn new(
        verify: bool,
        roots: Vec<Certificate>,
        identity: Option<&Identity>,
    ) -> std::result::Result<Self, Failure> {
        let make = || {
            let mut builder = SslConnector::builder(SslMethod::tls())?;
            builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
            // Where OpenSSL itself looks for roots is a matter of the machine that it was built on.
            builder.set_cert_store(X509StoreBuilder::new()?.build());
            for root in roots {
                builder.cert_store_mut().add_cert(root.0)?;
            }
            if let Some(identity) = identity {
                identity.show(&mut builder)?;
            }
            Ok(builder.build())
        };
        let connector = make().map_err(|error: ErrorStack| Failure::of(&error))?;
        Ok(Self { connector, verify })
    }

    /// One that takes what any client could take: it fails only with a server that nobody can talk to.
    pub fn for_trial() -> std::result::Result<Self, Failure> {
        /// OpenSSL's usual ones, and the other curves that certificates are made with.
        const GROUPS: &str = "X25519:P-256:X448:P-384:P-521:brainpoolP256r1:brainpoolP384r1:brainpoolP512r1";
        let make = || {
            let mut builder = SslConnector::builder(SslMethod::tls())?;
            builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
            builder.set_security_level(0);
            builder.set_groups_list(GROUPS)?;
            Ok(builder.build())
        };
        let connector = make().map_err(|error: ErrorStack| Failure::of(&error))?;
        Ok(Self { connector, verify: false })
    }

    /// Begins a handshake with the server of that name.
    pub fn connect<S: Read + Write>(&self, host: &str, socket: S) -> Outcome<S> {
        match self.configure(host) {
            Ok(configuration) => step(configuration.connect(host, socket), self.verify.then(|| host.into())),
            Err(error) => Step::Failed(Failure::of(&error)),
        }
    }

    fn configure(&self, host: &str) -> std::result::Result<ConnectConfiguration, ErrorStack> {
        let mut configuration = self.connector.configure()?.verify_hostname(false);
        if !self.verify {
            configuration.set_verify(SslVerifyMode::NONE);
            return Ok(configuration);
        }
        let parameters = configuration.param_mut();
        parameters.set_hostflags(X509CheckFlags::NEVER_CHECK_SUBJECT | X509CheckFlags::NO_PARTIAL_WILDCARDS);
        match host.parse() {
            Ok(address) => parameters.set_ip(address)?,
            Err(_) => parameters.set_host(host)?,
        }
        Ok(configuration)
    }
}

/// A server's settings.
#[derive(Clone)]
pub(super) struct Server(SslAcceptor);

impl Server {
    /// TLS 1.2 and 1.3 as Mozilla recommends them for servers in general (its intermediate configuration).
    pub fn new(identity: &Identity) -> std::result::Result<Self, Failure> {
        let make = || {
            let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls())?;
            builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
            identity.show(&mut builder)?;
            Ok(builder.build())
        };
        make().map(Self).map_err(|error: ErrorStack| Failure::of(&error))
    }

    /// Begins a handshake.
    pub fn accept<S: Read + Write>(&self, socket: S) -> Outcome<S> {
        step(self.0.accept(socket), None)
    }
}

/// Through with its handshake.
pub(in crate::net) struct Engine<S>(SslStream<S>);

/// In its handshake.
pub(in crate::net) struct Shaking<S> {
    stream: MidHandshakeSslStream<S>,
    /// What the peer's certificate has to be for, where that is checked.
    host: Option<Box<str>>,
}

/// What a step of the handshake came to.
pub(in crate::net) type Outcome<S> = Step<Engine<S>, Shaking<S>>;

fn step<S>(outcome: std::result::Result<SslStream<S>, HandshakeError<S>>, host: Option<Box<str>>) -> Outcome<S> {
    match outcome {
        Ok(stream) => match host.and_then(|host| judge(stream.ssl(), &host).err()) {
            None => Step::Through(Engine(stream)),
            Some(id) => {
                let text = "certificate verify failed".to_owned();
                Step::Failed(Failure { text, code: None, is_cut: false, judged: Some(id) })
            }
        },
        Err(HandshakeError::WouldBlock(stream)) => Step::Going(Shaking { stream, host }),
        Err(HandshakeError::Failure(stream)) => {
            let mut failure = Failure::of(stream.error());
            let verdict = stream.ssl().verify_result();
            if verdict != X509VerifyResult::OK {
                failure.text = format!("{} ({verdict})", failure.text);
            }
            failure.is_cut = failure.is_cut || stream.error().io_error().is_some_and(|error| Failure::of(error).is_cut);
            if MISMATCHES.contains(&verdict.as_raw()) {
                failure.judged = host.and_then(|host| judge(stream.ssl(), &host).err());
            }
            Step::Failed(failure)
        }
        Err(HandshakeError::SetupFailure(error)) => Step::Failed(Failure::of(&error)),
    }
}

/// X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH.
const MISMATCHES: [i32; 2] = [62, 64];

/// Our own check of the server's certificate; when OpenSSL's has failed, it says why. No callback, because what OpenSSL's
/// binding keeps for those stays in memory when the library goes.
fn judge(ssl: &SslRef, host: &str) -> std::result::Result<(), Id> {
    let own = ssl.peer_cert_chain().and_then(|chain| chain.get(0)).and_then(|own| own.to_der().ok());
    names::check(&own.ok_or(Id::CertificateRefused)?, host)
}

impl<S> Shaking<S> {
    pub fn get_ref(&self) -> &S {
        self.stream.get_ref()
    }

    pub fn get_mut(&mut self) -> &mut S {
        self.stream.get_mut()
    }
}

impl<S: Read + Write> Shaking<S> {
    pub fn handshake(self) -> Outcome<S> {
        step(self.stream.handshake(), self.host)
    }
}

impl<S> Engine<S> {
    pub fn get_ref(&self) -> &S {
        self.0.get_ref()
    }

    pub fn get_mut(&mut self) -> &mut S {
        self.0.get_mut()
    }
}

impl<S: Read + Write> Engine<S> {
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }

    pub fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.write(data)
    }

    /// Says goodbye, as far as the socket takes it now.
    pub fn shutdown(&mut self) -> io::Result<()> {
        match self.0.shutdown() {
            Ok(_) => Ok(()),
            Err(error) if error.code() == ErrorCode::ZERO_RETURN => Ok(()),
            Err(error) => Err(error.into_io_error().unwrap_or_else(io::Error::other)),
        }
    }
}
