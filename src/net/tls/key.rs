//! Private keys in all their forms become PKCS#8, the one form that every platform takes.

use crate::error::{Error, Id, Result};
use pkcs1::RsaPrivateKey;
use pkcs8::der::asn1::{OctetStringRef, UintRef};
use pkcs8::der::{AnyRef, Decode, Encode};
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use sec1::EcPrivateKey;
use zeroize::Zeroizing;

/// id-ecPublicKey, RFC 5480.
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// A key as PKCS#8 DER. Wiped when it goes.
pub(super) struct Key(Zeroizing<Vec<u8>>);

fn damaged(_: impl Sized) -> Error {
    Error::of(Id::KeyDamaged)
}

impl Key {
    /// Checked, because a wrong password may pass for a right one once in 256 times.
    pub fn from_pkcs8(der: Zeroizing<Vec<u8>>) -> Result<Self> {
        PrivateKeyInfoRef::try_from(&der[..]).map_err(damaged)?;
        Ok(Self(der))
    }

    pub fn from_pkcs1(der: &[u8]) -> Result<Self> {
        RsaPrivateKey::<UintRef<'_>>::from_der(der).map_err(damaged)?;
        Self::wrap(pkcs1::ALGORITHM_ID, der)
    }

    pub fn from_sec1(der: &[u8]) -> Result<Self> {
        let key = EcPrivateKey::from_der(der).map_err(damaged)?;
        let curve =
            key.parameters.and_then(|parameters| parameters.named_curve()).ok_or_else(|| Error::of(Id::KeyCurve))?;
        Self::wrap(AlgorithmIdentifierRef { oid: EC, parameters: Some(AnyRef::from(&curve)) }, der)
    }

    fn wrap(algorithm: AlgorithmIdentifierRef<'_>, der: &[u8]) -> Result<Self> {
        let key = OctetStringRef::new(der).map_err(damaged)?;
        let info = PrivateKeyInfoRef::new(algorithm, key);
        let mut out = Zeroizing::new(vec![0; der.len() + 128]);
        let size = info.encode_to_slice(&mut out).map_err(damaged)?.len();
        out.truncate(size);
        Ok(Self(out))
    }

    pub fn pkcs8(&self) -> &[u8] {
        &self.0
    }

    /// The public key as a certificate holds it, where the private one tells.
    pub fn public(&self) -> Option<Vec<u8>> {
        let info = PrivateKeyInfoRef::try_from(&self.0[..]).ok()?;
        let inner = info.private_key.as_bytes();
        if info.algorithm.oid == pkcs1::ALGORITHM_OID {
            return RsaPrivateKey::<UintRef<'_>>::from_der(inner).ok()?.public_key().to_der().ok();
        }
        if info.algorithm.oid == EC {
            return EcPrivateKey::from_der(inner).ok()?.public_key.map(<[u8]>::to_vec);
        }
        None
    }
}
