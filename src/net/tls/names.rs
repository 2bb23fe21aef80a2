//! Whether a server's certificate is for the host that was asked for, by the rules of RFC 9525: only subjectAltName
//! counts, never the common name; an address is matched by an iPAddress alone and a name by a dNSName alone; a wildcard
//! is one whole label, the left-most. The platform's library checks too; OpenSSL by the same rules, SChannel still takes
//! a common name.

use crate::error::Id;
use pkcs8::der::{AnyRef, Decode, Reader, SliceReader, Tag, TagNumber, Tagged};
use std::net::IpAddr;
use x509_parser::certificate::X509CertificateParser;
use x509_parser::nom::Parser;

/// subjectAltName, RFC 5280 section 4.2.1.6, encoded.
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1D, 0x11];

/// What a certificate is for.
#[derive(Default)]
struct Names {
    hosts: Vec<Vec<u8>>,
    addresses: Vec<Vec<u8>>,
}

/// What is wrong with a certificate, in DER, for that host: a name in ASCII or an address without brackets.
pub(super) fn check(certificate: &[u8], host: &str) -> Result<(), Id> {
    let names = names(certificate).ok_or(Id::CertificateRefused)?;
    if names.hosts.is_empty() && names.addresses.is_empty() {
        return Err(Id::CertificateWithoutNames);
    }
    let fits = match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => names.addresses.iter().any(|found| *found == address.octets()),
        Ok(IpAddr::V6(address)) => names.addresses.iter().any(|found| *found == address.octets()),
        Err(_) => names.hosts.iter().any(|pattern| matches(pattern, host.as_bytes())),
    };
    if fits { Ok(()) } else { Err(Id::CertificateWrongHost) }
}

fn matches(pattern: &[u8], host: &[u8]) -> bool {
    let host = host.strip_suffix(b".").unwrap_or(host);
    if let Some(parent) = pattern.strip_prefix(b"*.") {
        // The star stands for one label, and not for one of a top-level domain.
        let Some(dot) = host.iter().position(|&byte| byte == b'.') else { return false };
        return dot > 0 && parent.contains(&b'.') && !parent.contains(&b'*') && same(parent, &host[dot + 1..]);
    }
    !pattern.contains(&b'*') && same(pattern, host)
}

/// Whatever a name holds, a NUL too, is compared.
fn same(a: &[u8], b: &[u8]) -> bool {
    !a.is_empty() && a.eq_ignore_ascii_case(b)
}

/// `None` where the certificate cannot be read, or has the extension twice.
fn names(certificate: &[u8]) -> Option<Names> {
    // Taking all extensions apart would leave a table behind when the library goes.
    let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
    let (_, certificate) = parser.parse(certificate).ok()?;
    let mut found = certificate.extensions().iter().filter(|found| found.oid.as_bytes() == ALTERNATIVE_NAMES);
    let Some(extension) = found.next() else { return Some(Names::default()) };
    if found.next().is_some() {
        return None;
    }
    general_names(extension.value).ok()
}

fn general_names(value: &[u8]) -> pkcs8::der::Result<Names> {
    const DNS_NAME: TagNumber = TagNumber(2);
    const IP_ADDRESS: TagNumber = TagNumber(7);
    let mut names = Names::default();
    let list = AnyRef::from_der(value)?;
    let mut reader = SliceReader::new(list.value())?;
    while !reader.is_finished() {
        let name = AnyRef::decode(&mut reader)?;
        match name.tag() {
            Tag::ContextSpecific { constructed: false, number: DNS_NAME } => names.hosts.push(name.value().to_vec()),
            Tag::ContextSpecific { constructed: false, number: IP_ADDRESS } => {
                names.addresses.push(name.value().to_vec());
            }
            _ => {}
        }
    }
    Ok(names)
}
