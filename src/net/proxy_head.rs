//! The head that a reverse proxy may send before everything else: the PROXY protocol of HAProxy, versions 1 and 2.
//!
//! Bytes in, a verdict out; nothing here knows of sockets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
const FIRST: &[u8] = b"PROXY ";
/// The longest line of version 1, with its end.
const LINE: usize = 107;
/// The longest head of version 2 that is taken: addresses, and what proxies add.
pub const LONGEST: usize = 4096;
/// The addition that tells of TLS, and its bit for a client that speaks it.
const SSL: u8 = 0x20;
const CLIENT_SSL: u8 = 1;

/// What the first bytes of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyHead {
    /// No such head.
    Absent,
    /// The beginning of one: more bytes are needed.
    Partial,
    /// One of so many bytes. `source`: whom the proxy speaks for, if for somebody else than itself and by an IP address.
    Whole {
        size: usize,
        source: Option<SocketAddr>,
        /// Whether the client speaks TLS with the proxy, where that is told.
        secure: Option<bool>,
    },
    /// One that is not well-formed.
    Bad,
}

/// Reads the head at the beginning of `bytes`.
pub fn read_proxy_head(bytes: &[u8]) -> ProxyHead {
    let begins = |whole: &[u8]| whole.starts_with(&bytes[..bytes.len().min(whole.len())]);
    if bytes.is_empty() {
        return ProxyHead::Partial;
    }
    match (begins(SIGNATURE), begins(FIRST)) {
        (true, _) if bytes.len() < SIGNATURE.len() + 4 => ProxyHead::Partial,
        (true, _) => binary(bytes).unwrap_or(ProxyHead::Bad),
        (_, true) if bytes.len() < FIRST.len() => ProxyHead::Partial,
        (_, true) => line(bytes),
        (false, false) => ProxyHead::Absent,
    }
}

/// Version 1: `PROXY TCP4 192.0.2.1 192.0.2.2 56324 443`.
fn line(bytes: &[u8]) -> ProxyHead {
    let known = &bytes[..bytes.len().min(LINE)];
    let Some(end) = known.windows(2).position(|pair| pair == b"\r\n") else {
        return if known.len() == LINE { ProxyHead::Bad } else { ProxyHead::Partial };
    };
    let size = end + 2;
    let Ok(text) = std::str::from_utf8(&known[FIRST.len()..end]) else { return ProxyHead::Bad };
    let whole = |source| ProxyHead::Whole { size, source, secure: None };
    let mut words = text.split(' ');
    let family = words.next();
    if family == Some("UNKNOWN") {
        // What follows is to be ignored.
        return whole(None);
    }
    let [source, target] = [words.next(), words.next()].map(|word| word.and_then(|word| word.parse::<IpAddr>().ok()));
    let [port, other] = [words.next(), words.next()].map(|word| word.and_then(port));
    match (family, source, target, port, other, words.next()) {
        (Some("TCP4"), Some(source @ IpAddr::V4(_)), Some(IpAddr::V4(_)), Some(port), Some(_), None)
        | (Some("TCP6"), Some(source @ IpAddr::V6(_)), Some(IpAddr::V6(_)), Some(port), Some(_), None) => {
            whole(Some(SocketAddr::new(source, port)))
        }
        _ => ProxyHead::Bad,
    }
}

fn port(digits: &str) -> Option<u16> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    digits.parse().ok().filter(|_| plain)
}

/// Version 2; `None`: not well-formed.
fn binary(bytes: &[u8]) -> Option<ProxyHead> {
    let [version, family, high, low] = *bytes.get(12..16)?.first_chunk()?;
    let size = 16 + usize::from(u16::from_be_bytes([high, low]));
    if version >> 4 != 2 || version & 0xF > 1 || size > LONGEST {
        return None;
    }
    let Some(body) = bytes.get(16..size) else { return Some(ProxyHead::Partial) };
    let own = ProxyHead::Whole { size, source: None, secure: None };
    if version & 0xF == 0 {
        // LOCAL: the proxy speaks for itself, as for a health check.
        return Some(own);
    }
    let port = |at: usize| Some(u16::from_be_bytes(*body.get(at..)?.first_chunk()?));
    let (source, additions) = match family {
        0x11 => {
            let ip = Ipv4Addr::from(*body.first_chunk::<4>()?);
            (Some(SocketAddr::new(ip.into(), port(8)?)), body.get(12..)?)
        }
        0x21 => {
            let ip = Ipv6Addr::from(*body.first_chunk::<16>()?);
            (Some(SocketAddr::new(ip.into(), port(32)?)), body.get(36..)?)
        }
        // A Unix socket.
        0x31 => (None, body.get(216..)?),
        // Not told, or of a kind that TCP does not have: to be taken for the proxy's own.
        _ => return Some(own),
    };
    Some(ProxyHead::Whole { size, source, secure: speaks_tls(additions)? })
}

/// What the additions tell of the client's TLS; `None`: they are not well-formed.
fn speaks_tls(mut additions: &[u8]) -> Option<Option<bool>> {
    let mut secure = None;
    while let [kind, high, low, rest @ ..] = additions {
        let size = usize::from(u16::from_be_bytes([*high, *low]));
        let (value, behind) = rest.split_at_checked(size)?;
        if *kind == SSL {
            secure = Some(value.first()? & CLIENT_SSL != 0);
        }
        additions = behind;
    }
    additions.is_empty().then_some(secure)
}

#[cfg(test)]
#[path = "proxy_head_tests.rs"]
mod tests;
