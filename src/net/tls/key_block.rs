//! A private key from a PEM block, whatever form and encryption it has.

use super::encrypted;
use super::key::Key;
use super::pem::Block;
use crate::error::{Error, Id, Result};

/// The key in a block, decrypted with the password where it is encrypted.
pub(super) fn read(block: &Block<'_>, password: &str) -> Result<Key> {
    let opened;
    let der = if block.label == "ENCRYPTED PRIVATE KEY" {
        return Key::from_pkcs8(encrypted::pkcs8(&block.der, password)?);
    } else if block.header("Proc-Type").is_some_and(|value| value.ends_with("ENCRYPTED")) {
        opened = encrypted::traditional(block, password)?;
        &opened
    } else {
        &block.der
    };
    match block.label {
        "PRIVATE KEY" => Key::from_pkcs8(der.clone()),
        "RSA PRIVATE KEY" => Key::from_pkcs1(der),
        "EC PRIVATE KEY" => Key::from_sec1(der),
        other => Err(Error::new(Id::KeyForm, [other.into()])),
    }
}
