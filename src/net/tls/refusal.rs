//! What failures of TLS mean. OpenSSL says it in texts, SChannel in numbers: what it says is in the system's language.

use super::failure::{Failure, Judged, chain};
use crate::error::{Error, Id};

/// What OpenSSL says of a server's certificate.
const CERTIFICATES: &[(&str, Id)] = &[
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
    ("unable to get certificate CRL", Id::CertificateRevocationUnknown),
    ("CRL has expired", Id::CertificateRevocationUnknown),
    ("unsuitable certificate purpose", Id::CertificateWrongUsage),
    ("invalid CA certificate", Id::CertificateChain),
    ("path length constraint exceeded", Id::CertificateChain),
    ("key usage does not include certificate signing", Id::CertificateChain),
    ("certificate signature failure", Id::CertificateSignature),
    ("certificate key too weak", Id::CertificateTooWeak),
    ("signature digest algorithm too weak", Id::CertificateTooWeak),
    ("certificate rejected", Id::CertificateDistrusted),
    ("certificate verify failed", Id::CertificateRefused),
];

/// The same from Windows (winerror.h), where the check is of the chain and its policy.
const CERTIFICATE_CODES: &[(u32, Id)] = &[
    (0x800B_0101, Id::CertificateExpired),           // CERT_E_EXPIRED
    (0x800B_0102, Id::CertificateChain),             // CERT_E_VALIDITYPERIODNESTING
    (0x800B_0103, Id::CertificateChain),             // CERT_E_ROLE
    (0x800B_0104, Id::CertificateChain),             // CERT_E_PATHLENCONST
    (0x800B_0105, Id::CertificateRefused),           // CERT_E_CRITICAL
    (0x800B_0106, Id::CertificateWrongUsage),        // CERT_E_PURPOSE
    (0x800B_0107, Id::CertificateChain),             // CERT_E_ISSUERCHAINING
    (0x800B_0108, Id::CertificateRefused),           // CERT_E_MALFORMED
    (0x800B_0109, Id::CertificateUnknownAuthority),  // CERT_E_UNTRUSTEDROOT
    (0x800B_010A, Id::CertificateUnknownAuthority),  // CERT_E_CHAINING
    (0x800B_010B, Id::CertificateRefused),           // TRUST_E_FAIL
    (0x800B_010C, Id::CertificateRevoked),           // CERT_E_REVOKED
    (0x800B_010D, Id::CertificateUnknownAuthority),  // CERT_E_UNTRUSTEDTESTROOT
    (0x800B_010E, Id::CertificateRevocationUnknown), // CERT_E_REVOCATION_FAILURE
    (0x800B_010F, Id::CertificateWrongHost),         // CERT_E_CN_NO_MATCH
    (0x800B_0110, Id::CertificateWrongUsage),        // CERT_E_WRONG_USAGE
    (0x800B_0111, Id::CertificateDistrusted),        // TRUST_E_EXPLICIT_DISTRUST
    (0x800B_0112, Id::CertificateUnknownAuthority),  // CERT_E_UNTRUSTEDCA
    (0x800B_0113, Id::CertificateRefused),           // CERT_E_INVALID_POLICY
    (0x800B_0114, Id::CertificateRefused),           // CERT_E_INVALID_NAME
    (0x8009_6004, Id::CertificateSignature),         // TRUST_E_CERT_SIGNATURE
    (0x8009_6019, Id::CertificateChain),             // TRUST_E_BASIC_CONSTRAINTS
    (0x8009_2010, Id::CertificateRevoked),           // CRYPT_E_REVOKED
    (0x8009_2011, Id::CertificateRevocationUnknown), // CRYPT_E_NO_REVOCATION_DLL
    (0x8009_2012, Id::CertificateRevocationUnknown), // CRYPT_E_NO_REVOCATION_CHECK
    (0x8009_2013, Id::CertificateRevocationUnknown), // CRYPT_E_REVOCATION_OFFLINE
    (0x8009_2014, Id::CertificateRevocationUnknown), // CRYPT_E_NOT_IN_REVOCATION_DATABASE
    (0x8009_0322, Id::CertificateWrongHost),         // SEC_E_WRONG_PRINCIPAL
    (0x8009_0353, Id::CertificateRevocationUnknown), // SEC_E_REVOCATION_OFFLINE_C
];

/// What OpenSSL says of the handshake itself, for the peer (its alerts) or for itself.
const ALERTS: &[(&str, Id)] = &[
    ("alert certificate required", Id::ClientCertificateNeeded),
    ("alert bad certificate", Id::ClientCertificateRefused),
    ("alert unknown ca", Id::ClientCertificateRefused),
    ("alert certificate expired", Id::ClientCertificateRefused),
    ("alert certificate revoked", Id::ClientCertificateRefused),
    ("alert certificate unknown", Id::ClientCertificateRefused),
    ("alert unsupported certificate", Id::ClientCertificateRefused),
    ("alert access denied", Id::ClientCertificateRefused),
    ("peer did not return a certificate", Id::PeerCertificateMissing),
    ("alert handshake failure", Id::TlsRefused),
    ("alert insufficient security", Id::TlsRefused),
    ("alert protocol version", Id::TlsVersion),
    ("unsupported protocol", Id::TlsVersion),
    ("wrong version number", Id::TlsNot),
    ("packet length too long", Id::TlsNot),
    ("http request", Id::TlsNot),
];

/// The same from SChannel, which gives each of the peer's alerts as a number of its own. Our own checks of a certificate
/// are not among them: SChannel leaves those to us.
const ALERT_CODES: &[(u32, Id)] = &[
    (0x0009_0320, Id::ClientCertificateNeeded),  // SEC_I_INCOMPLETE_CREDENTIALS
    (0x8009_0325, Id::ClientCertificateRefused), // SEC_E_UNTRUSTED_ROOT: unknown_ca
    (0x8009_0327, Id::ClientCertificateRefused), // SEC_E_CERT_UNKNOWN: bad_certificate, certificate_unknown
    (0x8009_0328, Id::ClientCertificateRefused), // SEC_E_CERT_EXPIRED: certificate_expired
    (0x8009_0349, Id::ClientCertificateRefused), // SEC_E_CERT_WRONG_USAGE: unsupported_certificate
    (0x8009_0352, Id::ClientCertificateRefused), // SEC_E_ISSUING_CA_UNTRUSTED
    (0x8009_0363, Id::ClientCertificateRefused), // SEC_E_MUTUAL_AUTH_FAILED
    (0x8009_0326, Id::TlsRefused),               // SEC_E_ILLEGAL_MESSAGE: handshake_failure
    (0x8009_0331, Id::TlsRefused),               // SEC_E_ALGORITHM_MISMATCH
    (0x8009_0302, Id::TlsVersion),               // SEC_E_UNSUPPORTED_FUNCTION: protocol_version
    (0x8009_0308, Id::TlsNot),                   // SEC_E_INVALID_TOKEN
];

/// What OpenSSL says of a certificate or key of ours below its security level.
const WEAK: &[&str] = &["key too small", "md too weak", "dh key too small"];

/// What an alert from a client, or the library, says where the row above is a client's.
fn at_server(id: Id) -> Id {
    match id {
        Id::ClientCertificateNeeded | Id::ClientCertificateRefused => Id::OwnCertificateRefused,
        Id::TlsRefused => Id::TlsFailed,
        other => other,
    }
}

/// What is wrong with a certificate, where the row above is of a server's.
fn of_client(id: Id) -> Id {
    match id {
        Id::CertificateExpired => Id::PeerCertificateExpired,
        Id::CertificateNotYetValid => Id::PeerCertificateNotYetValid,
        Id::CertificateSelfSigned | Id::CertificateUnknownAuthority => Id::PeerCertificateUnknownAuthority,
        Id::CertificateWrongUsage => Id::PeerCertificateWrongUsage,
        Id::CertificateRevoked => Id::PeerCertificateRevoked,
        Id::CertificateRevocationUnknown => Id::PeerCertificateListOld,
        _ => Id::PeerCertificateRefused,
    }
}

fn by_text(table: &[(&str, Id)], text: &str) -> Option<Id> {
    table.iter().find(|(said, _)| text.contains(said)).map(|(_, id)| *id)
}

fn by_code(table: &[(u32, Id)], code: Option<i32>) -> Option<Id> {
    let code = code?.cast_unsigned();
    table.iter().find(|(said, _)| *said == code).map(|(_, id)| *id)
}

fn alert(failure: &Failure) -> Option<Id> {
    by_code(ALERT_CODES, failure.code).or_else(|| by_text(ALERTS, &failure.text))
}

/// A read that failed because of the handshake: with TLS 1.3 a server judges the client's certificate when the client
/// thinks that it is through, and the other way round. `host` as below.
pub(in crate::net) fn read_error(error: &std::io::Error, host: Option<&str>) -> Option<Error> {
    let failure = match error.get_ref() {
        Some(inner) => Failure { text: chain(inner), code: None, is_cut: false, judged: None },
        None => Failure::of(error),
    };
    alert(&failure).map(|_| handshake_error(failure, host))
}

/// Why a handshake failed, in our words; the library's follow in the log. `host`: the name that a client wants the
/// server to prove; `None` at a server.
pub(in crate::net) fn handshake_error(failure: Failure, host: Option<&str>) -> Error {
    let of_certificate = || by_code(CERTIFICATE_CODES, failure.code).or_else(|| by_text(CERTIFICATES, &failure.text));
    let judged = match (&failure.judged, host) {
        (Some(Judged::Pin(seen)), Some(host)) => {
            return Error::new(Id::CertificatePin, [host.into(), seen.as_str().into()]);
        }
        (Some(Judged::Pin(_)), None) => Some(Id::CertificateRefused),
        (Some(Judged::Is(id)), _) => Some(*id),
        (None, _) => None,
    };
    let id = match host {
        Some(_) => judged.or_else(of_certificate).or_else(|| alert(&failure)),
        None => judged.or_else(|| alert(&failure).map(at_server)).or_else(|| of_certificate().map(of_client)),
    };
    let id = match (id, host) {
        (Some(Id::TlsNot), Some(_)) => Id::ServerWithoutTls,
        (Some(id), _) => id,
        (None, None) if is_reset(&failure) => Id::TlsReset,
        (None, _) if is_closed(&failure) => Id::TlsClosed,
        (None, _) => Id::TlsFailed,
    };
    let ours = match (id, host) {
        (Id::CertificateWrongHost | Id::CertificateWithoutNames, Some(host)) => Error::new(id, [host.into()]),
        _ => Error::of(id),
    };
    // Where nobody has found the library's words yet, they are all there is.
    match id {
        Id::TlsFailed | Id::CertificateRefused | Id::PeerCertificateRefused => ours.detail(failure.text),
        _ => ours.log_detail(failure.text),
    }
}

/// ECONNRESET or EPIPE, on Windows also ECONNABORTED.
fn is_reset(failure: &Failure) -> bool {
    let said = ["(os error 104)", "(os error 32)", "(os error 10053)", "(os error 10054)"];
    said.iter().any(|said| failure.text.contains(said))
}

fn is_closed(failure: &Failure) -> bool {
    let said = ["unexpected eof", "unexpected EOF", "Connection reset"];
    failure.is_cut || said.iter().any(|said| failure.text.contains(said))
}

/// Why a certificate and key of ours cannot be used, whatever the side.
pub(super) fn unusable(failure: Failure) -> Error {
    let weak = WEAK.iter().any(|weak| failure.text.contains(weak));
    Error::of(if weak { Id::KeyTooWeak } else { Id::KeyUnusable }).detail(failure.text)
}

/// Whether a read failed because the peer closed TCP without close_notify.
pub(in crate::net) fn is_cut(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.to_string().contains("unexpected eof"))
}
