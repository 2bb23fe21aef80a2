//! Whom a reverse proxy speaks for: `Forwarded` (RFC 7239), `X-Forwarded-For` and `X-Forwarded-Proto`.
//!
//! Each proxy on the way adds the address of who has asked it, at the right. So the list is read from there: who is
//! trusted is believed about the entry before it, and nobody else about anything.

use super::Shared;
use crate::net::{Peer, PeerAddress};
use crate::options::{Opt, is_trusted};
use crate::ws::Refusal;
use std::net::{IpAddr, SocketAddr};

/// One entry: an address, and whether it spoke TLS where that is told.
type Entry = (Option<PeerAddress>, Option<bool>);

impl Shared {
    /// Who is behind `peer`, by the headers of its request.
    pub(super) fn traced(&self, peer: Peer, header: impl Fn(&str) -> Option<String>) -> Result<Peer, Refusal> {
        match self.options.text(Opt::TrustedProxies).as_str() {
            "" => Ok(peer),
            proxies => trace(proxies, peer, header),
        }
    }
}

fn trace(proxies: &str, peer: Peer, header: impl Fn(&str) -> Option<String>) -> Result<Peer, Refusal> {
    let Some(address) = peer.address.filter(|address| is_trusted(proxies, address.ip())) else { return Ok(peer) };
    let forwarded = header("Forwarded").map(|text| walk(proxies, address, forwarded(&text)));
    let x_forwarded = header("X-Forwarded-For").map(|text| {
        let protos = header("X-Forwarded-Proto").unwrap_or_default();
        walk(proxies, address, x_forwarded(&text, &protos))
    });
    let found = match (forwarded, x_forwarded) {
        (Some(one), Some(other)) if one.0.ip() != other.0.ip() => {
            return Err(Refusal::new(400, "Forwarded and X-Forwarded-For name different addresses"));
        }
        (Some(found), _) | (None, Some(found)) => found,
        (None, None) => {
            let secure = header("X-Forwarded-Proto").and_then(|text| is_secure(text.rsplit(',').next()?));
            return Ok(Peer { secure: secure.unwrap_or(peer.secure), ..peer });
        }
    };
    let (found, secure) = found;
    let proxy = if found == address { peer.proxy } else { peer.proxy.or(Some(address)) };
    Ok(Peer { address: Some(found), proxy, secure: secure.unwrap_or(peer.secure) })
}

/// The first address from the right that is not trusted, or the last one that can be read.
fn walk(proxies: &str, from: PeerAddress, entries: Vec<Entry>) -> (PeerAddress, Option<bool>) {
    let mut found = (from, None);
    for (address, secure) in entries.into_iter().rev() {
        let Some(address) = address else { break };
        found = (address, secure);
        if !is_trusted(proxies, address.ip()) {
            break;
        }
    }
    found
}

fn x_forwarded(addresses: &str, protos: &str) -> Vec<Entry> {
    let addresses: Vec<&str> = addresses.split(',').map(str::trim).collect();
    let protos: Vec<&str> = protos.split(',').map(str::trim).collect();
    let secure = |at: usize| match protos.len() {
        // One for all, as most proxies have it.
        1 => is_secure(protos[0]),
        count => is_secure(protos.get((at + count).checked_sub(addresses.len())?)?),
    };
    addresses.iter().enumerate().map(|(at, text)| (address(text), secure(at))).collect()
}

fn forwarded(text: &str) -> Vec<Entry> {
    let entry = |element: String| {
        let mut entry = (None, None);
        for pair in split(&element, ';') {
            let Some((name, value)) = pair.split_once('=') else { continue };
            let value = value.trim();
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
            match name.trim().to_ascii_lowercase().as_str() {
                "for" => entry.0 = address(value),
                "proto" => entry.1 = is_secure(value),
                _ => {}
            }
        }
        entry
    };
    split(text, ',').into_iter().map(entry).collect()
}

/// The parts of a list; what stands in quotes is not looked into.
fn split(text: &str, separator: char) -> Vec<String> {
    let (mut parts, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for c in text.chars() {
        if c == separator && !quoted {
            parts.push(String::new());
            continue;
        }
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && quoted && !escaped;
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<PeerAddress> {
    let host = |text: &str| text.parse::<IpAddr>().ok().map(PeerAddress::Host);
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    host(bare.filter(|text| text.contains(':')).unwrap_or(text))
        .or_else(|| text.parse::<SocketAddr>().ok().map(PeerAddress::Socket))
}

fn is_secure(proto: &str) -> Option<bool> {
    match proto.trim().to_ascii_lowercase().as_str() {
        "https" | "wss" => Some(true),
        "http" | "ws" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXIES: &str = "10.0.0.0/8, ::1, unix";

    fn found(entries: Vec<Entry>) -> (String, Option<bool>) {
        let (address, secure) = walk(PROXIES, PeerAddress::Unix, entries);
        (address.to_string(), secure)
    }

    #[test]
    fn the_first_from_the_right_that_is_not_trusted_is_the_client() {
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("6.6.6.6, 192.0.2.1", "192.0.2.1"),
            ("6.6.6.6, 192.0.2.1, 10.0.0.1", "192.0.2.1"),
            ("10.0.0.2, 10.0.0.1", "10.0.0.2"),
            ("192.0.2.1, unknown, 10.0.0.1", "10.0.0.1"),
            ("192.0.2.1,, 10.0.0.1", "10.0.0.1"),
            ("nonsense", "unix"),
            ("", "unix"),
            ("192.0.2.1:5000", "192.0.2.1:5000"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:5000", "[2001:db8::1]:5000"),
            ("192.0.2.1, ::ffff:10.0.0.1", "192.0.2.1"),
        ] {
            assert_eq!(found(x_forwarded(text, "")).0, expected, "{text}");
        }
        for (text, expected) in [
            ("for=192.0.2.1", ("192.0.2.1", None)),
            ("For=\"[2001:db8::1]:47011\";proto=https", ("[2001:db8::1]:47011", Some(true))),
            ("for=6.6.6.6, for=192.0.2.1;by=10.0.0.3;proto=http, for=10.0.0.1;proto=https", ("192.0.2.1", Some(false))),
            ("for=192.0.2.1, for=_hidden, for=10.0.0.1", ("10.0.0.1", None)),
            ("for=192.0.2.1;host=\"a,b;c\"", ("192.0.2.1", None)),
            ("for=\"6.6.6.6, 192.0.2.1\"", ("unix", None)),
            ("proto=https", ("unix", None)),
        ] {
            assert_eq!(found(forwarded(text)), (expected.0.to_owned(), expected.1), "{text}");
        }
    }

    #[test]
    fn the_scheme_is_that_of_the_same_entry_or_of_all() {
        let secure = |addresses, protos| found(x_forwarded(addresses, protos)).1;
        assert_eq!(secure("192.0.2.1, 10.0.0.1", "https"), Some(true));
        assert_eq!(secure("192.0.2.1, 10.0.0.1", "https, http"), Some(true));
        assert_eq!(secure("192.0.2.1, 10.0.0.1", "http, https"), Some(false));
        assert_eq!(secure("6.6.6.6, 192.0.2.1, 10.0.0.1", "https, http"), Some(true));
        assert_eq!((secure("192.0.2.1", ""), secure("192.0.2.1", "gopher")), (None, None));
    }
}
