//! The public keys that a client insists on.

use super::{Arg, Opt, list};
use crate::error::{Error, Id, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// SHA-256 of a key as certificates hold it (SubjectPublicKeyInfo, in DER).
pub type Pin = [u8; 32];

/// A list that was checked when it was set.
pub fn pins(value: &str) -> Vec<Pin> {
    list(value).filter_map(pin).collect()
}

/// As it is written in the list.
pub fn show_pin(pin: &Pin) -> String {
    format!("sha256/{}", BASE64_STANDARD.encode(pin))
}

/// `sha256/` and 44 characters of Base64; curl writes two slashes, and Base64 may begin with one.
fn pin(entry: &str) -> Option<Pin> {
    let text = entry.strip_prefix("sha256/")?;
    let text = if text.len() == 45 { text.strip_prefix('/')? } else { text };
    BASE64_STANDARD.decode(text).ok()?.try_into().ok()
}

pub(super) fn check_pins(value: &str) -> Result<()> {
    match list(value).find(|entry| pin(entry).is_none()) {
        None => Ok(()),
        Some(bad) => {
            let expected = Arg::Both {
                en: "sha256/ and the Base64 of 32 bytes, several separated by commas",
                ru: "sha256/ и 32 байта в Base64, несколько — через запятую",
            };
            Err(Error::new(Id::BadValue, [Opt::PinnedCertificates.label(), bad.into(), expected]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_read_as_curl_writes_them_too() {
        let (zeros, slashes) = (show_pin(&[0; 32]), show_pin(&[255; 32]));
        assert_eq!(zeros, "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        assert!(slashes.starts_with("sha256///"));
        let curl = zeros.replace("sha256/", "sha256//");
        let list = format!(" {zeros}, {slashes},,{curl}");
        check_pins(&list).unwrap();
        assert_eq!(pins(&list), [[0; 32], [255; 32], [0; 32]]);
        assert!(pins("").is_empty() && check_pins(" , ").is_ok());
        for bad in ["sha256/", "sha1/AAAA", "AAAA", "sha256/AAAA", &zeros[..50], &format!("{zeros}A"), "sha256/%"] {
            assert!(check_pins(bad).is_err(), "{bad}");
            assert!(check_pins(&format!("{zeros}, {bad}")).is_err(), "{bad}");
        }
    }
}
