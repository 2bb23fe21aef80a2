//! PEM as people have it: any line length and line end, text between the blocks, headers of encrypted keys.

use crate::error::{Error, Id, Result};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// Other people's base64 may lack its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// One block.
pub(super) struct Block<'a> {
    pub label: &'a str,
    /// `Name: value` lines before the data, as in encrypted keys of OpenSSL's own form.
    headers: Vec<(&'a str, &'a str)>,
    pub der: Zeroizing<Vec<u8>>,
}

impl Block<'_> {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
    }

    pub fn is_certificate(&self) -> bool {
        matches!(self.label, "CERTIFICATE" | "X509 CERTIFICATE")
    }

    pub fn is_revocation_list(&self) -> bool {
        self.label == "X509 CRL"
    }

    pub fn is_key(&self) -> bool {
        self.label.ends_with("PRIVATE KEY")
    }
}

/// Whether a text is meant to be PEM rather than the path of a file.
pub(super) fn is_pem(text: &[u8]) -> bool {
    text.windows(BEGIN.len()).any(|window| window == BEGIN.as_bytes())
}

/// The blocks of a text. One that does not end, or is no base64, is an error.
pub(super) fn blocks(text: &str) -> Result<Vec<Block<'_>>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(BEGIN) {
        let (label, after) = rest[at + BEGIN.len()..].split_once(DASHES).ok_or_else(|| Error::of(Id::PemDamaged))?;
        let end = format!("-----END {label}-----");
        let (body, after) = after.split_once(end.as_str()).ok_or_else(|| Error::of(Id::PemDamaged))?;
        rest = after;
        found.push(block(label, body)?);
    }
    Ok(found)
}

fn block<'a>(label: &'a str, body: &'a str) -> Result<Block<'a>> {
    let mut headers = Vec::new();
    // What is wiped has its size from the beginning: growing would leave copies behind.
    let mut data = Zeroizing::new(Vec::with_capacity(body.len()));
    for line in body.lines() {
        match line.split_once(':') {
            Some((name, value)) => headers.push((name.trim(), value.trim())),
            None => data.extend(line.bytes().filter(|byte| !byte.is_ascii_whitespace())),
        }
    }
    let mut der = Zeroizing::new(vec![0; base64::decoded_len_estimate(data.len())]);
    let size = BASE64.decode_slice(&*data, &mut der).map_err(|_| Error::of(Id::PemDamaged))?;
    der.truncate(size);
    Ok(Block { label, headers, der })
}
