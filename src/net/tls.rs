//! TLS by the platform's own stack, and what its failures mean.

use crate::error::{Error, Id, Result};
use crate::library;
use native_tls::{Identity, Protocol, TlsAcceptor, TlsConnector};
use std::sync::Arc;

/// What a client asks of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// Whether the server's certificate is checked.
    pub verify: bool,
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self { verify: true }
    }
}

/// A client's settings, with the system's trusted roots.
#[derive(Clone)]
pub struct TlsClient(TlsConnector);

impl TlsClient {
    /// Reads the system's roots: many milliseconds, so call it on a worker.
    pub fn new(options: &TlsOptions) -> Result<Self> {
        library::uses_tls();
        TlsConnector::builder()
            .min_protocol_version(Some(Protocol::Tlsv12))
            .danger_accept_invalid_certs(!options.verify)
            .danger_accept_invalid_hostnames(!options.verify)
            .build()
            .map(Self)
            .map_err(|error| Error::of(Id::TlsSetUp).detail(error))
    }

    pub(super) fn connector(&self) -> &TlsConnector {
        &self.0
    }
}

/// A server's certificate and key.
#[derive(Clone)]
pub struct TlsServer(Arc<TlsAcceptor>);

impl TlsServer {
    /// From a PEM chain and a PKCS#8 PEM key. Call it on a thread of ours.
    pub fn from_pkcs8(chain: &[u8], key: &[u8]) -> Result<Self> {
        library::uses_tls();
        Identity::from_pkcs8(chain, key)
            .and_then(|identity| TlsAcceptor::builder(identity).min_protocol_version(Some(Protocol::Tlsv12)).build())
            .map(|acceptor| Self(Arc::new(acceptor)))
            .map_err(|error| Error::of(Id::TlsSetUp).detail(error))
    }

    pub(super) fn acceptor(&self) -> &TlsAcceptor {
        &self.0
    }
}

/// What the libraries say of a certificate, and which row of ours it is.
const CERTIFICATES: &[(&str, Id)] = &[
    // OpenSSL's texts.
    ("certificate has expired", Id::CertificateExpired),
    ("certificate is not yet valid", Id::CertificateNotYetValid),
    ("self-signed certificate in certificate chain", Id::CertificateUnknownAuthority),
    ("self-signed certificate", Id::CertificateSelfSigned),
    ("unable to get local issuer certificate", Id::CertificateUnknownAuthority),
    ("unable to get issuer certificate", Id::CertificateUnknownAuthority),
    ("unable to verify the first certificate", Id::CertificateUnknownAuthority),
    ("hostname mismatch", Id::CertificateWrongHost),
    ("IP address mismatch", Id::CertificateWrongHost),
    ("certificate revoked", Id::CertificateRevoked),
    // SChannel's codes: CERT_E_EXPIRED, CERT_E_UNTRUSTEDROOT, CERT_E_CN_NO_MATCH, CRYPT_E_REVOKED.
    ("-2146762495", Id::CertificateExpired),
    ("-2146762487", Id::CertificateUnknownAuthority),
    ("-2146762481", Id::CertificateWrongHost),
    ("-2146885616", Id::CertificateRevoked),
    ("certificate verify failed", Id::CertificateRefused),
];

/// Why a handshake failed, in our words; the library's follow in brackets.
pub(super) fn handshake_error(error: &native_tls::Error, host: &str) -> Error {
    let text = chain(error);
    if let Some((_, id)) = CERTIFICATES.iter().find(|(said, _)| text.contains(said)) {
        let ours = match id {
            Id::CertificateWrongHost => Error::new(*id, [host.into()]),
            id => Error::of(*id),
        };
        return ours.detail(text);
    }
    if text.contains("unexpected eof") || text.contains("unexpected EOF") || text.contains("Connection reset") {
        return Error::of(Id::TlsClosed).detail(text);
    }
    Error::of(Id::TlsFailed).detail(text)
}

/// The error and its sources in one line, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = inner.source();
    }
    text
}

/// Whether a read failed because the peer closed TCP without TLS's goodbye.
pub(super) fn is_cut(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.to_string().contains("unexpected eof"))
}
