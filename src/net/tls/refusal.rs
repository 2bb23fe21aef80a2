//! What failures of TLS mean.

use crate::error::{Error, Id};

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

/// What the peer, or the library, says of the handshake itself.
const ALERTS: &[(&str, Id)] = &[
    ("alert certificate required", Id::ClientCertificateNeeded),
    ("alert bad certificate", Id::ClientCertificateRefused),
    ("alert unknown ca", Id::ClientCertificateRefused),
    ("alert certificate expired", Id::ClientCertificateRefused),
    ("alert certificate revoked", Id::ClientCertificateRefused),
    ("alert certificate unknown", Id::ClientCertificateRefused),
    ("alert unsupported certificate", Id::ClientCertificateRefused),
    ("alert handshake failure", Id::TlsRefused),
    ("alert protocol version", Id::TlsVersion),
    ("unsupported protocol", Id::TlsVersion),
    ("wrong version number", Id::TlsNot),
    ("packet length too long", Id::TlsNot),
    ("http request", Id::TlsNot),
];

/// What an alert from a client, or the library, says where the row above is a client's.
fn at_server(id: Id) -> Id {
    match id {
        Id::ClientCertificateNeeded | Id::ClientCertificateRefused => Id::OwnCertificateRefused,
        Id::TlsRefused => Id::TlsFailed,
        other => other,
    }
}

/// A read that failed because of the handshake: with TLS 1.3 a server judges the client's certificate when the client
/// thinks that it is through. `host` as below.
pub(in crate::net) fn read_error(error: &std::io::Error, host: Option<&str>) -> Option<Error> {
    let text = chain(error.get_ref()?);
    let known = ALERTS.iter().any(|(said, _)| text.contains(said));
    known.then(|| handshake_error(text, host))
}

/// Why a handshake failed, in our words; the library's follow in brackets. `host`: the name that a client wants the
/// server to prove; `None` at a server.
pub(in crate::net) fn handshake_error(text: String, host: Option<&str>) -> Error {
    let known = |table: &[(&str, Id)]| table.iter().find(|(said, _)| text.contains(said)).map(|(_, id)| *id);
    let id = match host {
        Some(_) => known(CERTIFICATES).or_else(|| known(ALERTS)),
        None => known(ALERTS).map(at_server),
    };
    let id = id.unwrap_or(if is_closed(&text) { Id::TlsClosed } else { Id::TlsFailed });
    let ours = match (id, host) {
        (Id::CertificateWrongHost, Some(host)) => Error::new(id, [host.into()]),
        _ => Error::of(id),
    };
    ours.detail(text)
}

fn is_closed(text: &str) -> bool {
    ["unexpected eof", "unexpected EOF", "Connection reset"].iter().any(|said| text.contains(said))
}

/// The error and its sources in one line, each once.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
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
pub(in crate::net) fn is_cut(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.to_string().contains("unexpected eof"))
}
