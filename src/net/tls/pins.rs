//! Whether a server has one of the keys that the host insists on.

use super::failure::Judged;
use crate::error::Id;
use crate::options::{Pin, show_pin};
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509CertificateParser;
use x509_parser::nom::Parser;

/// Looks at certificates in DER, the server's own first: one key has to be among the pins, if there are any.
pub(super) fn check(chain: impl IntoIterator<Item = Vec<u8>>, pins: &[Pin]) -> Result<(), Judged> {
    if pins.is_empty() {
        return Ok(());
    }
    let mut own = None;
    for der in chain {
        let pin = pin_of(&der).ok_or(Judged::Is(Id::CertificateRefused))?;
        if pins.contains(&pin) {
            return Ok(());
        }
        own.get_or_insert(pin);
    }
    Err(own.map_or(Judged::Is(Id::CertificateRefused), |own| Judged::Pin(show_pin(&own))))
}

fn pin_of(certificate: &[u8]) -> Option<Pin> {
    let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
    let (_, certificate) = parser.parse(certificate).ok()?;
    Some(Sha256::digest(certificate.public_key().raw).into())
}
