//! A key and its certificates as Windows takes them: PKCS#12, made in memory. Its other ways take RSA keys only.

use super::key::Key;
use crate::error::{Error, Id, Result};
use p12_keystore::error::Error as P12Error;
use p12_keystore::{Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm};
use p12_keystore::{PrivateKey, PrivateKeyChain};
use zeroize::Zeroizing;

/// The file, and the password that opens it.
pub(super) struct Pkcs12 {
    pub file: Zeroizing<Vec<u8>>,
    pub password: Zeroizing<String>,
}

impl Pkcs12 {
    /// 3DES and SHA-1 because Windows before 10 reads nothing newer; neither the file nor its password leaves this process.
    pub fn new(key: &Key, chain: &[Vec<u8>]) -> Result<Self> {
        let failed = |error: P12Error| Error::of(Id::TlsSetUp).detail(error);
        let certificates = chain.iter().map(|der| Certificate::from_der(der)).collect::<Result<Vec<_>, _>>();
        let private = PrivateKey::from_der(key.pkcs8()).map_err(failed)?;
        let entry = PrivateKeyChain::new("1", private, certificates.map_err(failed)?);
        let mut store = KeyStore::new();
        // Windows makes it the name of the key's container: equal ones would be one container, which the first to end
        // would delete for all.
        store.add_entry(&format!("websocket_addin-{}", *random()?), KeyStoreEntry::PrivateKeyChain(entry));
        let password = random()?;
        let writer = store
            .writer(&password)
            .encryption_algorithm(EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc)
            .encryption_iterations(1000)
            .mac_algorithm(MacAlgorithm::HmacSha1)
            .mac_iterations(1000);
        let file = writer.write().map(Zeroizing::new).map_err(failed)?;
        Ok(Self { file, password })
    }
}

/// 128 bits in hexadecimal.
fn random() -> Result<Zeroizing<String>> {
    let mut random = Zeroizing::new([0_u8; 16]);
    getrandom::fill(&mut *random).map_err(|error| Error::of(Id::TlsSetUp).detail(error))?;
    let mut text = Zeroizing::new(String::with_capacity(32));
    for byte in random.iter() {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    Ok(text)
}
