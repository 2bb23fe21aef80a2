//! Encrypted private keys: PKCS#8's own encryption (PBES2, and PBES1 with 3DES) and the older one of OpenSSL.

use super::pem::Block;
use super::{cost, pkcs12};
use crate::error::{Error, Id, Result};
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use md5::{Digest, Md5};
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::Decode;
use pkcs8::der::asn1::AnyRef;
use zeroize::{Zeroize, Zeroizing};

fn needs(password: &str) -> Result<()> {
    if password.is_empty() { Err(Error::of(Id::PasswordMissing)) } else { Ok(()) }
}

/// `BEGIN ENCRYPTED PRIVATE KEY`: PKCS#8 DER.
pub(super) fn pkcs8(der: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>> {
    if !is_whole(der) {
        return Err(Error::of(Id::KeyDamaged));
    }
    needs(password)?;
    if !cost::is_affordable(der) {
        return Err(Error::of(Id::KeyCost));
    }
    // What is not of PKCS#5 may be of PKCS#12.
    let Ok(info) = EncryptedPrivateKeyInfoRef::try_from(der) else { return pkcs12::decrypt(der, password) };
    let unsupported = |what: String| Error::new(Id::KeyEncryption, [what.into()]);
    if info.encryption_algorithm.pbes2().is_none() {
        return Err(unsupported("PBES1".into()));
    }
    match info.decrypt(password) {
        Ok(document) => Ok(document.to_bytes()),
        Err(pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::UnsupportedAlgorithm { oid })) => {
            Err(unsupported(oid.to_string()))
        }
        // What decrypts to nonsense was decrypted with the wrong password.
        Err(_) => Err(Error::of(Id::PasswordWrong)),
    }
}

/// `Proc-Type: 4,ENCRYPTED`: the DER inside.
pub(super) fn traditional(block: &Block<'_>, password: &str) -> Result<Zeroizing<Vec<u8>>> {
    needs(password)?;
    let info = block.header("DEK-Info").ok_or_else(|| Error::of(Id::PemDamaged))?;
    let (cipher, iv) = info.split_once(',').ok_or_else(|| Error::of(Id::PemDamaged))?;
    let iv = unhex(iv.trim()).ok_or_else(|| Error::of(Id::PemDamaged))?;
    let cipher = cipher.trim();
    let open = match cipher {
        "AES-128-CBC" => open::<Decryptor<aes::Aes128>>,
        "AES-192-CBC" => open::<Decryptor<aes::Aes192>>,
        "AES-256-CBC" => open::<Decryptor<aes::Aes256>>,
        "DES-EDE3-CBC" => open::<Decryptor<des::TdesEde3>>,
        "DES-CBC" => open::<Decryptor<des::Des>>,
        other => return Err(Error::new(Id::KeyEncryption, [other.into()])),
    };
    open(&block.der, password.as_bytes(), &iv)
}

fn open<C: KeyIvInit + BlockModeDecrypt>(data: &[u8], password: &[u8], iv: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let salt = iv.get(..8).ok_or_else(|| Error::of(Id::PemDamaged))?;
    let key = derive(password, salt, C::key_size());
    let cipher = C::new_from_slices(&key, iv).map_err(|_| Error::of(Id::PemDamaged))?;
    let mut data = Zeroizing::new(data.to_vec());
    let size = cipher.decrypt_padded::<Pkcs7>(&mut data).map_err(|_| Error::of(Id::PasswordWrong))?.len();
    data.truncate(size);
    // The padding fits by chance once in 256 times; an ASN.1 sequence of just this length does not.
    if is_whole(&data) { Ok(data) } else { Err(Error::of(Id::PasswordWrong)) }
}

/// Whether it is one ASN.1 value of just this length.
fn is_whole(der: &[u8]) -> bool {
    AnyRef::from_der(der).is_ok()
}

/// OpenSSL's EVP_BytesToKey with MD5 and one round, which is what this form uses.
fn derive(password: &[u8], salt: &[u8], size: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(size + 16));
    let mut last: Option<[u8; 16]> = None;
    while key.len() < size {
        let mut hash = Md5::new();
        if let Some(last) = &last {
            hash.update(last);
        }
        hash.update(password);
        hash.update(salt);
        let digest: [u8; 16] = hash.finalize().into();
        key.extend_from_slice(&digest);
        last = Some(digest);
    }
    last.zeroize();
    key.truncate(size);
    key
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
