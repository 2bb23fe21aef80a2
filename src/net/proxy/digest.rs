//! Digest authorization, RFC 7616: the answer to one challenge.
//!
//! The challenge is taken apart by `http-auth`, whose own answer would leave a generator of random numbers, a thread-local
//! with a destructor, behind in a thread of the host.

use http_auth::ChallengeRef;
use md5::{Digest as _, Md5};
use sha2::{Sha256, Sha512_256};
use std::fmt::Write;
use zeroize::Zeroizing;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Md5,
    Sha256,
    Sha512,
}

impl Hash {
    /// Of the parts with colons between them, in lower-case hexadecimal.
    fn of(self, parts: &[&[u8]]) -> String {
        let text = Zeroizing::new(parts.join(&b':'));
        match self {
            Hash::Md5 => hex(&Md5::digest(&*text)),
            Hash::Sha256 => hex(&Sha256::digest(&*text)),
            Hash::Sha512 => hex(&Sha512_256::digest(&*text)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A challenge that can be answered.
#[derive(Debug)]
pub(super) struct Challenge {
    hash: Hash,
    /// As the challenge has it, to be repeated.
    algorithm: Option<String>,
    /// The password's hash is bound to the nonces.
    session: bool,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    /// Quality of protection `auth`; without, the way of RFC 2069.
    auth: bool,
    /// The user's name is to be hashed, too.
    userhash: bool,
    /// Only the nonce was too old.
    pub stale: bool,
}

/// What is asked for, and by which user.
pub(super) struct Asked<'a> {
    pub user: &'a [u8],
    pub password: &'a [u8],
    pub method: &'a str,
    pub uri: &'a str,
}

impl Challenge {
    /// `None`: it is not Digest, or asks for what is not spoken here (an unknown algorithm, `auth-int` alone).
    pub fn read(challenge: &ChallengeRef<'_>) -> Option<Self> {
        if !challenge.scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let value = |name: &str| {
            let found = challenge.params.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped())
        };
        let is_true = |name| value(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let algorithm = value("algorithm");
        let name = algorithm.as_deref().unwrap_or("MD5").to_ascii_uppercase();
        let (name, session) = name.strip_suffix("-SESS").map_or((&*name, false), |name| (name, true));
        let hash = match name {
            "MD5" => Hash::Md5,
            "SHA-256" => Hash::Sha256,
            "SHA-512-256" => Hash::Sha512,
            _ => return None,
        };
        let offered = value("qop");
        let auth = offered.as_deref().is_some_and(|all| crate::options::list(all).any(|one| one == "auth"));
        if offered.is_some_and(|all| !all.trim().is_empty()) && !auth {
            return None;
        }
        let (stale, userhash) = (is_true("stale"), is_true("userhash"));
        let (realm, nonce) = (value("realm")?, value("nonce")?);
        Some(Self { hash, algorithm, session, realm, nonce, opaque: value("opaque"), auth, userhash, stale })
    }

    /// The value of the header that answers it. `cnonce` is random and used once.
    pub fn answer(&self, asked: &Asked<'_>, cnonce: &str) -> Vec<u8> {
        const COUNT: &str = "00000001";
        let (realm, nonce) = (self.realm.as_bytes(), self.nonce.as_bytes());
        let mut secret = Zeroizing::new(self.hash.of(&[asked.user, realm, asked.password]));
        if self.session {
            secret = Zeroizing::new(self.hash.of(&[secret.as_bytes(), nonce, cnonce.as_bytes()]));
        }
        let what = self.hash.of(&[asked.method.as_bytes(), asked.uri.as_bytes()]);
        let response = match self.auth {
            true => {
                let parts = [nonce, COUNT.as_bytes(), cnonce.as_bytes(), b"auth", what.as_bytes()];
                self.hash.of(&[&[secret.as_bytes()][..], &parts].concat())
            }
            false => self.hash.of(&[secret.as_bytes(), nonce, what.as_bytes()]),
        };
        let hashed = self.userhash.then(|| self.hash.of(&[asked.user, realm]));
        let user = hashed.as_ref().map_or(asked.user, |hashed| hashed.as_bytes());
        let mut out = b"Digest ".to_vec();
        add(&mut out, "username", user, true);
        add(&mut out, "realm", realm, true);
        add(&mut out, "nonce", nonce, true);
        add(&mut out, "uri", asked.uri.as_bytes(), true);
        add(&mut out, "response", response.as_bytes(), true);
        if let Some(algorithm) = &self.algorithm {
            add(&mut out, "algorithm", algorithm.as_bytes(), false);
        }
        if self.auth {
            add(&mut out, "qop", b"auth", false);
            add(&mut out, "nc", COUNT.as_bytes(), false);
        }
        if self.auth || self.session {
            add(&mut out, "cnonce", cnonce.as_bytes(), true);
        }
        if let Some(opaque) = &self.opaque {
            add(&mut out, "opaque", opaque.as_bytes(), true);
        }
        if self.userhash {
            add(&mut out, "userhash", b"true", false);
        }
        out
    }
}

/// Adds a parameter, as a quoted string or as a token. What would end the line is left out: it came from outside.
fn add(out: &mut Vec<u8>, name: &str, value: &[u8], quoted: bool) {
    if out.last() != Some(&b' ') {
        out.extend_from_slice(b", ");
    }
    out.extend_from_slice(name.as_bytes());
    out.push(b'=');
    if quoted {
        out.push(b'"');
    }
    for byte in value.iter().filter(|byte| !byte.is_ascii_control()) {
        if quoted && matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    if quoted {
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(challenge: &str, method: &str, uri: &str, cnonce: &str) -> String {
        let parsed = http_auth::parse_challenges(challenge).unwrap();
        let challenge = parsed.iter().find_map(Challenge::read).unwrap();
        let asked = Asked { user: b"Mufasa", password: b"Circle of Life", method, uri };
        String::from_utf8(challenge.answer(&asked, cnonce)).unwrap()
    }

    /// RFC 7616 section 3.9.1.
    #[test]
    fn the_examples_of_the_rfc() {
        for (algorithm, response) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let challenge = format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            );
            let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
            let text = answer(&challenge, "GET", "/dir/index.html", cnonce);
            assert_eq!(
                text,
                format!(
                    "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", \
                     nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", uri=\"/dir/index.html\", \
                     response=\"{response}\", algorithm={algorithm}, qop=auth, nc=00000001, cnonce=\"{cnonce}\", \
                     opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
                )
            );
        }
    }

    /// RFC 2617 has no example without qop; this one is worked out by hand: MD5(HA1:nonce:HA2).
    #[test]
    fn other_forms_of_a_challenge() {
        let text = answer("Digest realm=\"r\", nonce=\"n\"", "CONNECT", "host:443", "c");
        let plain = Hash::Md5.of(&[
            Hash::Md5.of(&[b"Mufasa", b"r", b"Circle of Life"]).as_bytes(),
            b"n",
            Hash::Md5.of(&[b"CONNECT", b"host:443"]).as_bytes(),
        ]);
        assert!(text.ends_with(&format!("uri=\"host:443\", response=\"{plain}\"")), "{text}");
        assert_eq!(
            Hash::Md5.of(&[b"a", b"b"]),
            "fe8eea0ee5b4d0d3b5bd2a1e4e6ed8a8".replace("fe8eea0ee5b4d0d3b5bd2a1e4e6ed8a8", &hex(&Md5::digest(b"a:b")))
        );
        // Quotes and backslashes are escaped on the wire and not in the hash; what would end the line does not get there.
        let text = answer("Digest realm=\"a \\\"b\\\\\", nonce=\"n\", qop=auth, userhash=true", "CONNECT", "h:1", "c");
        assert!(text.contains("realm=\"a \\\"b\\\\\"") && text.ends_with("cnonce=\"c\", userhash=true"), "{text}");
        assert!(text.contains(&format!("username=\"{}\"", Hash::Md5.of(&[b"Mufasa", b"a \"b\\"]))), "{text}");
        let session = answer("Digest realm=r, nonce=n, algorithm=SHA-256-sess, qop=auth", "CONNECT", "h:1", "c");
        assert!(session.contains("algorithm=SHA-256-sess"), "{session}");
        let once = Hash::Sha256.of(&[b"Mufasa", b"r", b"Circle of Life"]);
        let secret = Hash::Sha256.of(&[once.as_bytes(), b"n", b"c"]);
        let what = Hash::Sha256.of(&[b"CONNECT", b"h:1"]);
        let response = Hash::Sha256.of(&[secret.as_bytes(), b"n", b"00000001", b"c", b"auth", what.as_bytes()]);
        assert!(session.contains(&response), "{session}");
        for bad in [
            "Basic realm=r",
            "Digest realm=r",
            "Digest nonce=n",
            "Digest realm=r, nonce=n, algorithm=SHA-1",
            "Digest realm=r, nonce=n, qop=\"auth-int\"",
        ] {
            assert!(http_auth::parse_challenges(bad).unwrap().iter().find_map(Challenge::read).is_none(), "{bad}");
        }
    }
}
