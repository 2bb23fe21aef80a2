//! Origins, RFC 6454: what pages of a browser say they are from, and which of them may connect.

use super::list;
use crate::error::{Error, Id, Result};
use url::Host;

/// An origin as browsers write it: in small letters, the host in ASCII, without the scheme's own port; `None` when it
/// is none. `null` is one. A host may begin with `*.`.
fn origin(text: &str) -> Option<String> {
    let text = text.to_lowercase();
    if text == "null" {
        return Some(text);
    }
    let (scheme, rest) = text.split_once("://")?;
    let (host, port) = match rest.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((host, port)) if !port.contains(']') => (host, Some(port.parse::<u16>().ok()?)),
        _ => (rest, None),
    };
    let letters = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let (star, name) = host.strip_prefix("*.").map_or(("", host), |name| ("*.", name));
    // The host's parser takes escapes and, in a name, a star; an origin has neither.
    if scheme.is_empty() || !letters || name.contains(['%', '*', ',']) {
        return None;
    }
    let name = Host::parse(name).ok()?;
    let own = match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    };
    let port = port.filter(|port| Some(*port) != own).map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{scheme}://{star}{name}{port}"))
}

/// Whether `AllowedOrigins` may be set to this.
pub(super) fn check_origins(value: &str) -> Result<()> {
    match list(value).find(|entry| origin(entry).is_none()) {
        Some(entry) => Err(Error::new(Id::Origin, [entry.into()])),
        None => Ok(()),
    }
}

/// Whether a browser's `Origin` is one of the allowed.
pub fn is_allowed(allowed: &str, from: &str) -> bool {
    let Some(from) = origin(from).filter(|from| !from.contains('*')) else { return false };
    list(allowed).filter_map(origin).any(|entry| match entry.split_once("://*.") {
        None => entry == from,
        Some((scheme, host)) => from
            .split_once("://")
            .filter(|(other, _)| *other == scheme)
            .and_then(|(_, whole)| whole.strip_suffix(host))
            .is_some_and(|front| front.len() > 1 && front.ends_with('.')),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_compared_as_browsers_mean_them() {
        for (allowed, from, expected) in [
            ("https://a.example", "https://a.example", true),
            ("https://a.example:443", "https://A.example", true),
            ("https://a.example", "http://a.example", false),
            ("https://a.example", "https://a.example:8443", false),
            ("https://a.example", "https://a.example.evil", false),
            ("https://*.example", "https://a.example", true),
            ("https://*.example", "https://a.b.example", true),
            ("https://*.example", "https://example", false),
            ("https://*.example", "https://evilexample", false),
            ("https://*.example", "https://.example", false),
            ("https://*.example", "https://*.example", false),
            ("https://*.example:8443", "https://a.example:8443", true),
            ("https://*.example", "https://a.example:8443", false),
            ("https://x, null", "null", true),
            ("https://x", "null", false),
            ("https://x", "", false),
            ("http://[::1]:3000", "http://[::1]:3000", true),
            ("http://[0:0::1]", "http://[::1]", true),
            ("https://магазин.РФ", "https://xn--80aairftm.xn--p1ai", true),
            ("https://*.пример.рф:8443", "https://www.xn--e1afmkfd.xn--p1ai:8443", true),
            ("moz-extension://0f6a", "moz-extension://0f6a", true),
        ] {
            assert_eq!(is_allowed(allowed, from), expected, "{allowed} {from}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for wrong in [
            "a.example",
            "https://",
            "https://a/",
            "https://a?b",
            "://a",
            "https://*",
            "https://*.",
            "https://a*b",
            "https://a@b",
            "https://a:99999",
            "https://a b",
            "https://a%41",
            "h t://a",
            "https://a.*.b",
        ] {
            assert!(check_origins(wrong).is_err() && check_origins(&format!("null, {wrong}")).is_err(), "{wrong}");
        }
        assert!(check_origins("").is_ok() && check_origins(" https://a , null ,").is_ok());
    }
}
