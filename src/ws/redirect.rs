//! Where a redirect leads (RFC 9110 section 15.4), and what may go there.

use super::redact;
use super::target::{Target, authority, without_secrets};
use crate::error::{Error, Id, Result};
use url::Url;

impl Target {
    /// The target of a `Location` in an answer to this one's request: absolute (ws, wss, http or https) or relative. What
    /// it has of userinfo and fragment is dropped. Our own credentials stay where host and port do.
    ///
    /// # Errors
    /// `RedirectBad`: it is malformed or of another scheme; `RedirectInsecure`: it leads out of TLS.
    pub fn redirected(&self, location: &str) -> Result<Target> {
        let location = location.trim();
        let bad = || Error::new(Id::RedirectBad, [redact::url(location).into()]);
        let reference = location.split('#').next().unwrap_or_default();
        let mut next = match (redact::scheme(reference), reference.strip_prefix("//")) {
            (Some(scheme), _) => {
                let secure = match scheme.to_ascii_lowercase().as_str() {
                    "ws" | "http" => false,
                    "wss" | "https" => true,
                    _ => return Err(bad()),
                };
                absolute(secure, &reference[scheme.len() + "://".len()..])
            }
            (None, Some(rest)) => absolute(self.secure, rest),
            (None, None) => self.relative(reference).ok_or_else(bad),
        }
        .map_err(|_| bad())?;
        if self.secure && !next.secure {
            return Err(Error::new(Id::RedirectInsecure, [redact::url(location).into()]));
        }
        next.authorization = self.authorization.clone().filter(|_| self.has_place_of(&next));
        Ok(next)
    }

    /// Whether both have the same host and port, or the same Unix socket, so that what is confided to one is known to the other.
    pub fn has_place_of(&self, other: &Target) -> bool {
        self.host.lookup() == other.host.lookup() && self.port == other.port && self.socket == other.socket
    }

    /// What tells a loop of redirects.
    pub fn is_same(&self, other: &Target) -> bool {
        self.secure == other.secure && self.has_place_of(other) && self.resource == other.resource
    }

    fn relative(&self, reference: &str) -> Option<Target> {
        const BASE: &str = "ws://base";
        let joined = Url::parse(BASE).ok()?.join(&self.resource).ok()?.join(reference).ok()?;
        // A reference that the parser's rules take for another host, as one that begins with `/\`, is malformed here.
        let rest = joined.as_str().strip_prefix(BASE).filter(|rest| rest.starts_with('/'))?;
        let scheme = redact::scheme(&self.shown)?;
        let behind = &self.shown[scheme.len() + "://".len()..];
        let place = match &self.socket {
            None => authority(behind).to_owned(),
            Some(_) => format!("{}:", behind.split(':').next().unwrap_or_default()),
        };
        let shown = format!("{scheme}://{place}{}", without_secrets(rest));
        Some(Target { resource: rest.to_owned(), shown, ..self.clone() })
    }
}

/// An absolute URL behind its scheme.
fn absolute(secure: bool, rest: &str) -> Result<Target> {
    let place = authority(rest);
    let rest = &rest[place.rfind('@').map_or(0, |at| at + 1)..];
    Target::parse(&format!("{}://{rest}", if secure { "wss" } else { "ws" }))
}

/// The subprotocols that may be offered to another server: none that carries a token.
pub fn harmless_protocols(protocols: &mut Vec<String>) {
    protocols.retain(|entry| !entry.split_once('.').is_some_and(|(front, _)| redact::is_secret(front)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_unix_socket_is_another_place_than_the_port_of_its_host() {
        let from = Target::parse("ws+unix:///run/a.sock:/x/y").unwrap();
        let next = from.redirected("../z?q").unwrap();
        assert_eq!((next.address(), &*next.resource), (from.address(), "/z?q"));
        assert_eq!(next.shown, "ws+unix:///run/a.sock:/z");
        assert!(from.has_place_of(&next) && !from.has_place_of(&from.redirected("ws://localhost/").unwrap()));
    }

    #[test]
    fn locations_are_resolved() {
        let from = Target::parse("wss://User:pw@Host:8443/a/b?q=1").unwrap();
        for (location, address, resource, shown, keeps) in [
            ("wss://host:8443/x?y#z", "host:8443", "/x?y", "wss://host:8443/x", true),
            ("https://host:8443", "host:8443", "/", "wss://host:8443", true),
            ("HTTPS://other/x", "other:443", "/x", "wss://other/x", false),
            ("wss://who:ever@other:8443/x", "other:8443", "/x", "wss://other:8443/x", false),
            ("//other/x", "other:443", "/x", "wss://other/x", false),
            ("/x y", "host:8443", "/x%20y", "wss://Host:8443/x%20y", true),
            ("c", "host:8443", "/a/c", "wss://Host:8443/a/c", true),
            ("../c", "host:8443", "/c", "wss://Host:8443/c", true),
            ("?z", "host:8443", "/a/b?z", "wss://Host:8443/a/b", true),
            ("", "host:8443", "/a/b?q=1", "wss://Host:8443/a/b", true),
        ] {
            let next = from.redirected(location).unwrap_or_else(|error| panic!("{location}: {error}"));
            assert_eq!((next.address(), next.resource.as_str()), (address.to_owned(), resource), "{location}");
            assert_eq!(next.shown, shown, "{location}");
            assert!(next.secure);
            assert_eq!(next.authorization.is_some(), keeps, "{location}");
            assert_eq!(from.has_place_of(&next), keeps, "{location}");
        }
        assert!(from.is_same(&from.redirected("").unwrap()) && !from.is_same(&from.redirected("?").unwrap()));
        let plain = Target::parse("ws://host/").unwrap();
        let secured = plain.redirected("https://host/").unwrap();
        assert!(secured.secure && !plain.has_place_of(&secured), "another port");
    }

    #[test]
    fn locations_that_lead_nowhere_are_refused() {
        let from = Target::parse("wss://host/").unwrap();
        for (location, id) in [
            ("ws://host/", Id::RedirectInsecure),
            ("http://host:443/", Id::RedirectInsecure),
            ("ftp://host/", Id::RedirectBad),
            ("wss://", Id::RedirectBad),
            ("wss://user:SECRET@host:99999/?SECRET", Id::RedirectBad),
            ("/\\other/", Id::RedirectBad),
            ("\\\\other/", Id::RedirectBad),
            ("http:other", Id::RedirectBad),
            ("javascript:alert(1)", Id::RedirectBad),
        ] {
            let error = from.redirected(location).err().unwrap_or_else(|| panic!("{location} was taken"));
            assert_eq!(error.id(), id, "{location}");
            assert!(!error.to_string().contains("SECRET"), "{error}");
        }
    }

    #[test]
    fn a_token_is_not_offered_elsewhere() {
        let mut protocols = ["chat", "access_token.abc", "v2.chat"].map(str::to_owned).to_vec();
        harmless_protocols(&mut protocols);
        assert_eq!(protocols, ["chat", "v2.chat"]);
    }
}
