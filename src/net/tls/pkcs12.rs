//! PKCS#12: reading what the host has.

use super::cost;
use super::key::Key;
use crate::error::{Error, Id, Result};
use p12_keystore::Pkcs12Archive;
use p12_keystore::error::Error as P12Error;
use zeroize::Zeroizing;

/// A key and its certificates, the key's own first.
pub(super) struct Opened {
    pub key: Key,
    pub chain: Vec<Vec<u8>>,
}

/// Whether this looks like PKCS#12 (or any other DER) rather than text.
pub(super) fn is_der(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0x30)
}

pub(super) fn read(bytes: &[u8], password: &str) -> Result<Opened> {
    if !cost::is_affordable(bytes) {
        return Err(Error::of(Id::KeyCost));
    }
    let archive = Pkcs12Archive::from_pkcs12(bytes, password).map_err(|error| refusal(&error, password))?;
    let bag = archive.keys.first().ok_or_else(|| Error::of(Id::KeyAbsent))?;
    let key = Key::from_pkcs8(Zeroizing::new(bag.key.as_der().to_vec()))?;
    let own = bag.local_key_id.as_ref().map(AsRef::as_ref);
    let (mut first, rest): (Vec<_>, Vec<_>) =
        archive.certs.iter().partition(|cert| own.is_some() && cert.local_key_id.as_deref() == own);
    first.extend(rest);
    let chain: Vec<_> = first.iter().map(|cert| cert.cert.as_der().to_vec()).collect();
    if chain.is_empty() { Err(Error::of(Id::CertificateAbsent)) } else { Ok(Opened { key, chain }) }
}

fn refusal(error: &P12Error, password: &str) -> Error {
    match error {
        P12Error::MacError(_) | P12Error::UnpadError | P12Error::Pkcs5Error(_) => match password.is_empty() {
            true => Error::of(Id::PasswordMissing),
            false => Error::of(Id::PasswordWrong),
        },
        P12Error::UnsupportedEncryptionScheme | P12Error::UnsupportedMacAlgorithm | P12Error::InvalidParameters => {
            Error::of(Id::Pkcs12Old).detail(error)
        }
        _ => Error::of(Id::CertificateForm).detail(error),
    }
}

/// A PKCS#8 key whose encryption is one of PKCS#12's: it becomes the only content of one, without a MAC.
pub(super) fn decrypt(encrypted: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>> {
    // RFC 7292 section 4 and its appendix: PFX, AuthenticatedSafe, SafeContents, SafeBag.
    let bag = sequence(&[SHROUDED_KEY_BAG, &tlv(0xA0, encrypted)]);
    let version = [2, 1, 3];
    let pfx = sequence(&[&version, &data(&sequence(&[&data(&sequence(&[&bag]))]))]);
    match Pkcs12Archive::from_pkcs12(&pfx, password) {
        Ok(archive) => {
            let bag = archive.keys.first().ok_or_else(|| Error::of(Id::KeyDamaged))?;
            Ok(Zeroizing::new(bag.key.as_der().to_vec()))
        }
        Err(P12Error::UnsupportedEncryptionScheme | P12Error::InvalidParameters) => {
            Err(Error::new(Id::KeyEncryption, ["PBES1".into()]))
        }
        Err(_) => Err(Error::of(Id::PasswordWrong)),
    }
}

/// The object identifiers pkcs8ShroudedKeyBag and data, encoded.
const SHROUDED_KEY_BAG: &[u8] = &[6, 11, 42, 134, 72, 134, 247, 13, 1, 12, 10, 1, 2];
const DATA: &[u8] = &[6, 9, 42, 134, 72, 134, 247, 13, 1, 7, 1];

fn data(content: &[u8]) -> Vec<u8> {
    sequence(&[DATA, &tlv(0xA0, &tlv(4, content))])
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// Tag, length and value in DER.
fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len().to_be_bytes();
    let used = length.iter().skip_while(|byte| **byte == 0).copied();
    let mut out = vec![tag];
    match u8::try_from(value.len()) {
        Ok(short) if short < 128 => out.push(short),
        _ => {
            // At most eight bytes.
            out.push(0x80 | u8::try_from(used.clone().count()).unwrap_or_default());
            out.extend(used);
        }
    }
    out.extend_from_slice(value);
    out
}
