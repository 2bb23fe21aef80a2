//! What the numbers of Windows mean, where there is no Windows.

use super::super::failure::Failure;
use super::super::refusal::{handshake_error, read_error};
use crate::error::{Code, Error, Id, Language};
use std::io;

/// As SChannel and the check of the chain give it.
fn windows(code: u32) -> io::Error {
    io::Error::from_raw_os_error(code.cast_signed())
}

const CLIENT: Option<&str> = Some("host.example");
const SERVER: Option<&str> = None;

fn at(code: u32, host: Option<&str>) -> Error {
    handshake_error(Failure::of(&windows(code)), host)
}

#[test]
fn what_windows_says_of_a_certificate_has_a_text_of_its_own() {
    for (name, code, id) in [
        ("CERT_E_EXPIRED", 0x800B_0101, Id::CertificateExpired),
        ("CERT_E_VALIDITYPERIODNESTING", 0x800B_0102, Id::CertificateChain),
        ("CERT_E_ROLE", 0x800B_0103, Id::CertificateChain),
        ("CERT_E_PATHLENCONST", 0x800B_0104, Id::CertificateChain),
        ("CERT_E_CRITICAL", 0x800B_0105, Id::CertificateRefused),
        ("CERT_E_PURPOSE", 0x800B_0106, Id::CertificateWrongUsage),
        ("CERT_E_ISSUERCHAINING", 0x800B_0107, Id::CertificateChain),
        ("CERT_E_MALFORMED", 0x800B_0108, Id::CertificateRefused),
        ("CERT_E_UNTRUSTEDROOT", 0x800B_0109, Id::CertificateUnknownAuthority),
        ("CERT_E_CHAINING", 0x800B_010A, Id::CertificateUnknownAuthority),
        ("TRUST_E_FAIL", 0x800B_010B, Id::CertificateRefused),
        ("CERT_E_REVOKED", 0x800B_010C, Id::CertificateRevoked),
        ("CERT_E_UNTRUSTEDTESTROOT", 0x800B_010D, Id::CertificateUnknownAuthority),
        ("CERT_E_REVOCATION_FAILURE", 0x800B_010E, Id::CertificateRevocationUnknown),
        ("CERT_E_CN_NO_MATCH", 0x800B_010F, Id::CertificateWrongHost),
        ("CERT_E_WRONG_USAGE", 0x800B_0110, Id::CertificateWrongUsage),
        ("TRUST_E_EXPLICIT_DISTRUST", 0x800B_0111, Id::CertificateDistrusted),
        ("CERT_E_UNTRUSTEDCA", 0x800B_0112, Id::CertificateUnknownAuthority),
        ("CERT_E_INVALID_POLICY", 0x800B_0113, Id::CertificateRefused),
        ("CERT_E_INVALID_NAME", 0x800B_0114, Id::CertificateRefused),
        ("TRUST_E_CERT_SIGNATURE", 0x8009_6004, Id::CertificateSignature),
        ("TRUST_E_BASIC_CONSTRAINTS", 0x8009_6019, Id::CertificateChain),
        ("CRYPT_E_REVOKED", 0x8009_2010, Id::CertificateRevoked),
        ("CRYPT_E_NO_REVOCATION_DLL", 0x8009_2011, Id::CertificateRevocationUnknown),
        ("CRYPT_E_NO_REVOCATION_CHECK", 0x8009_2012, Id::CertificateRevocationUnknown),
        ("CRYPT_E_REVOCATION_OFFLINE", 0x8009_2013, Id::CertificateRevocationUnknown),
        ("CRYPT_E_NOT_IN_REVOCATION_DATABASE", 0x8009_2014, Id::CertificateRevocationUnknown),
        ("SEC_E_WRONG_PRINCIPAL", 0x8009_0322, Id::CertificateWrongHost),
        ("SEC_E_REVOCATION_OFFLINE_C", 0x8009_0353, Id::CertificateRevocationUnknown),
    ] {
        let error = at(code, CLIENT);
        assert_eq!((error.root(), error.code()), (id, Code::Certificate), "{name}");
        for language in [Language::English, Language::Russian] {
            let text = error.text(language);
            let number = code.cast_signed().to_string();
            // The system's words, with the number, follow ours in the log, and elsewhere where ours say little.
            assert!(error.to_string().contains(&number), "{name}: {error}");
            assert_eq!(text.contains(&number), id == Id::CertificateRefused, "{name}: {text}");
            assert_eq!(text.contains("host.example"), id == Id::CertificateWrongHost, "{name}: {text}");
        }
    }
}

#[test]
fn what_a_peer_says_to_schannel_is_understood() {
    for (name, code, at_client, at_server) in [
        ("SEC_I_INCOMPLETE_CREDENTIALS", 0x0009_0320, Id::ClientCertificateNeeded, Id::OwnCertificateRefused),
        ("SEC_E_UNTRUSTED_ROOT", 0x8009_0325, Id::ClientCertificateRefused, Id::OwnCertificateRefused),
        ("SEC_E_CERT_UNKNOWN", 0x8009_0327, Id::ClientCertificateRefused, Id::OwnCertificateRefused),
        ("SEC_E_CERT_EXPIRED", 0x8009_0328, Id::ClientCertificateRefused, Id::OwnCertificateRefused),
        ("SEC_E_CERT_WRONG_USAGE", 0x8009_0349, Id::ClientCertificateRefused, Id::OwnCertificateRefused),
        ("SEC_E_ISSUING_CA_UNTRUSTED", 0x8009_0352, Id::ClientCertificateRefused, Id::OwnCertificateRefused),
        ("SEC_E_MUTUAL_AUTH_FAILED", 0x8009_0363, Id::ClientCertificateRefused, Id::OwnCertificateRefused),
        ("SEC_E_ILLEGAL_MESSAGE", 0x8009_0326, Id::TlsRefused, Id::TlsFailed),
        ("SEC_E_ALGORITHM_MISMATCH", 0x8009_0331, Id::TlsRefused, Id::TlsFailed),
        ("SEC_E_UNSUPPORTED_FUNCTION", 0x8009_0302, Id::TlsVersion, Id::TlsVersion),
        ("SEC_E_INVALID_TOKEN", 0x8009_0308, Id::ServerWithoutTls, Id::TlsNot),
    ] {
        for (side, id) in [(CLIENT, at_client), (SERVER, at_server)] {
            assert_eq!(at(code, side).root(), id, "{name}, {side:?}");
            // With TLS 1.3 it comes when the handshake is through.
            assert_eq!(read_error(&windows(code), side).map(|error| error.root()), Some(id), "{name}, {side:?}");
        }
    }
    assert_eq!(at(0x8009_0304, CLIENT).root(), Id::TlsFailed, "SEC_E_INTERNAL_ERROR");
    // What is no business of TLS stays what it is.
    let reset = io::Error::from(io::ErrorKind::ConnectionReset);
    assert!(read_error(&reset, CLIENT).is_none());
    assert_eq!(handshake_error(Failure::of(&reset), CLIENT).root(), Id::TlsClosed);
}

#[test]
fn what_openssl_says_of_a_certificate_has_the_same_texts() {
    for (said, id) in [
        ("certificate verify failed (certificate has expired)", Id::CertificateExpired),
        ("certificate verify failed (unsuitable certificate purpose)", Id::CertificateWrongUsage),
        ("certificate verify failed (certificate signature failure)", Id::CertificateSignature),
        ("certificate verify failed (invalid CA certificate)", Id::CertificateChain),
        ("certificate verify failed (CA signature digest algorithm too weak)", Id::CertificateTooWeak),
        ("certificate verify failed (EE certificate key too weak)", Id::CertificateTooWeak),
        ("certificate verify failed (unable to get certificate CRL)", Id::CertificateRevocationUnknown),
        ("certificate verify failed (self-signed certificate in certificate chain)", Id::CertificateUnknownAuthority),
        ("certificate verify failed (something new)", Id::CertificateRefused),
    ] {
        let failure = Failure { text: said.into(), code: None, is_cut: false, judged: None };
        let error = handshake_error(failure, CLIENT);
        assert_eq!((error.root(), error.code()), (id, Code::Certificate), "{said}");
    }
    let alert = || io::Error::other("ssl/tls alert unknown ca");
    assert_eq!(read_error(&alert(), CLIENT).unwrap().root(), Id::ClientCertificateRefused);
    assert_eq!(read_error(&alert(), SERVER).unwrap().root(), Id::OwnCertificateRefused);
}
