//! What a file would have us compute to open it: an encrypted key says itself how slow its password is to be tried.

/// Rounds of key derivation in a file, all its parts together: what a processor does in about a second. Tools write from
/// 1 to 1,000,000, and for scrypt 2^17.
const MOST: u64 = 1 << 21;
/// Of one scrypt, in bytes.
const SCRYPT_MEMORY: u64 = 256 << 20;

/// The object identifiers, encoded, behind which the parameters of a key derivation stand: PBKDF2 and scrypt; without
/// their last numbers the ciphers of PBES1 and of PKCS#12.
const PBKDF2: &[u8] = &[6, 9, 42, 134, 72, 134, 247, 13, 1, 5, 12];
const SCRYPT: &[u8] = &[6, 9, 43, 6, 1, 4, 1, 218, 71, 4, 11];
const PBES1: &[u8] = &[6, 9, 42, 134, 72, 134, 247, 13, 1, 5];
const PKCS12: &[u8] = &[6, 10, 42, 134, 72, 134, 247, 13, 1, 12, 1];

/// Whether what the DER asks for is worth computing. It is looked through for key derivations wherever they stand, since
/// they may be of any number and depth; what is encrypted itself cannot be seen, and whoever encrypted it knew the password.
pub(super) fn is_affordable(der: &[u8]) -> bool {
    let mut rounds: u64 = 0;
    for at in 0..der.len() {
        let rest = &der[at..];
        let cost = if let Some(rest) = rest.strip_prefix(SCRYPT) {
            scrypt(rest)
        } else if let Some(rest) = rest.strip_prefix(PBKDF2) {
            iterations(rest)
        } else if let Some([_, rest @ ..]) = rest.strip_prefix(PBES1).or_else(|| rest.strip_prefix(PKCS12)) {
            iterations(rest)
        } else {
            None
        };
        // Where no parameters follow, nothing is derived either.
        rounds = rounds.saturating_add(cost.unwrap_or_default());
        if rounds > MOST {
            return false;
        }
    }
    true
}

/// `SEQUENCE { salt OCTET STRING, iterations INTEGER, … }`
fn iterations(der: &[u8]) -> Option<u64> {
    let (mut inside, _) = value(der, 0x30)?;
    value(inside, 4).map(|(_, rest)| inside = rest)?;
    integer(&mut inside)
}

/// `SEQUENCE { salt OCTET STRING, cost INTEGER, block size INTEGER, parallelization INTEGER, … }`
fn scrypt(der: &[u8]) -> Option<u64> {
    let (mut inside, _) = value(der, 0x30)?;
    value(inside, 4).map(|(_, rest)| inside = rest)?;
    let (cost, block, parallel) = (integer(&mut inside)?, integer(&mut inside)?, integer(&mut inside)?);
    let blocks = cost.saturating_mul(block);
    if blocks.saturating_mul(128) > SCRYPT_MEMORY { Some(u64::MAX) } else { Some(blocks.saturating_mul(parallel)) }
}

/// An INTEGER; one that does not fit is very large.
fn integer(der: &mut &[u8]) -> Option<u64> {
    let (digits, rest) = value(der, 2)?;
    *der = rest;
    Some(digits.iter().fold(0, |number: u64, &digit| number.saturating_mul(256).saturating_add(digit.into())))
}

/// The contents of a value with that tag, and what is behind it.
fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [first, length, rest @ ..] = der else { return None };
    if *first != tag {
        return None;
    }
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length - 0x80))?;
            (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(value.len()).unwrap()], value].concat()
    }

    fn with(oid: &[u8], numbers: &[u64]) -> Vec<u8> {
        let mut parameters = tlv(4, b"saltsalt");
        for number in numbers {
            parameters.extend(tlv(2, &number.to_be_bytes()));
        }
        [oid, &tlv(0x30, &parameters)].concat()
    }

    #[test]
    fn what_is_absurd_is_seen_before_it_is_computed() {
        let pkcs12_3des = [PKCS12, &[3]].concat();
        let pbes1 = [PBES1, &[3]].concat();
        for (what, oid, numbers, good) in [
            ("PBKDF2", PBKDF2, &[2048][..], true),
            ("PBKDF2, a million", PBKDF2, &[1_000_000], true),
            ("PBKDF2, absurd", PBKDF2, &[i32::MAX as u64], false),
            ("PBKDF2, more absurd", PBKDF2, &[u64::MAX], false),
            ("PKCS#12", &pkcs12_3des, &[2048], true),
            ("PKCS#12, absurd", &pkcs12_3des, &[50_000_000], false),
            ("PBES1, absurd", &pbes1, &[50_000_000], false),
            ("scrypt as OpenSSL has it", SCRYPT, &[16_384, 8, 1], true),
            ("scrypt, 2^17", SCRYPT, &[1 << 17, 8, 1], true),
            ("scrypt, memory", SCRYPT, &[1 << 20, 8, 1], false),
            ("scrypt, blocks", SCRYPT, &[2, 1 << 30, 1], false),
            ("scrypt, times", SCRYPT, &[16_384, 8, 1 << 20], false),
            ("scrypt, overflow", SCRYPT, &[1 << 63, 1 << 63, 1 << 63], false),
        ] {
            assert_eq!(is_affordable(&with(oid, numbers)), good, "{what}");
        }
        // Many that are modest by themselves.
        assert!(is_affordable(&with(PBKDF2, &[600_000]).repeat(3)));
        assert!(!is_affordable(&with(PBKDF2, &[600_000]).repeat(4)));
        // Something else, and what is cut short.
        let whole = with(SCRYPT, &[u64::MAX, 1, 1]);
        assert!((0..whole.len()).all(|end| end > 12 || is_affordable(&whole[..end])));
        assert!(is_affordable(b"") && is_affordable(&[6; 4096]));
    }
}
