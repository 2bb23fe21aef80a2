//! The URL of a server, RFC 6455 section 3.

mod local;

use super::redact;
use crate::error::{Error, Id, Result};
use crate::host::{Host, split_zone};
use crate::net::UnixPath;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::net::{Ipv4Addr, Ipv6Addr};
use url::{ParseError, Url};

/// What a URL says about where to connect and what to ask for.
#[derive(Clone)]
pub struct Target {
    /// `wss`.
    pub secure: bool,
    /// The unspecified address, which some write for "this machine", is the loopback address of its family.
    pub host: Host,
    pub port: u16,
    /// Where to connect to instead, of a URL `ws+unix`; the host is `localhost` then.
    pub socket: Option<UnixPath>,
    /// Path and query for the request line, percent-encoded.
    pub resource: String,
    /// The URL as it was written, without userinfo, query and fragment: fit for people and logs.
    pub shown: String,
    /// The value of an `Authorization` header, from the userinfo.
    pub(super) authorization: Option<String>,
}

impl Target {
    /// Reads a `ws`, `wss` or `ws+unix` URL; blanks around it are ignored.
    ///
    /// # Errors
    /// `UrlMalformed`, `UrlScheme` or `UrlFragment`; those of [`UnixPath::parse`]. Their texts hold neither userinfo nor query.
    pub fn parse(url: &str) -> Result<Target> {
        let text = url.trim();
        if text.is_empty() {
            return Err(Id::UrlEmpty.into());
        }
        let malformed = || Error::new(Id::UrlMalformed, [redact::url(text).into()]);
        let Some(scheme) = redact::scheme(text) else {
            return Err(malformed().because(Id::UrlNoScheme.into()));
        };
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "ws" => false,
            "wss" => true,
            "ws+unix" => return Self::local(text),
            other => return Err(Error::new(Id::UrlScheme, [redact::url(text).into(), other.into()])),
        };
        if text.contains('#') {
            return Err(Error::new(Id::UrlFragment, [redact::url(text).into()]));
        }
        // Browsers' rules, which the parser follows, drop line ends, turn `\` into `/` and skip surplus slashes. In a
        // configuration these are slips of the pen, and what is shown has to be what is connected to.
        let rest = &text[scheme.len() + "://".len()..];
        if text.contains(|c: char| c.is_control() || c == '\\') || rest.starts_with('/') {
            return Err(malformed());
        }
        let (start, behind) = text.split_at(text.len() - rest.len() + authority(rest).len());
        let (start, zone) = split_zone(start);
        let parsed = Url::parse(&(start + behind)).map_err(|error| match why(error, authority(rest)) {
            Some(cause) => malformed().because(cause.into()),
            None => malformed(),
        })?;
        let named = match parsed.host().ok_or_else(malformed)? {
            url::Host::Ipv4(address) if address.is_unspecified() => url::Host::Ipv4(Ipv4Addr::LOCALHOST),
            url::Host::Ipv6(address) if address.is_unspecified() => url::Host::Ipv6(Ipv6Addr::LOCALHOST),
            named => named,
        };
        let host = Host::new(named, zone).ok_or_else(|| match zone {
            Some(_) => malformed().because(Id::UrlZone.into()),
            None => malformed(),
        })?;
        let host = host.written_as(host_part(authority(rest)));
        let resource = match parsed.query() {
            Some(query) => format!("{}?{query}", parsed.path()),
            None => parsed.path().to_owned(),
        };
        Ok(Target {
            secure,
            host,
            port: parsed.port().unwrap_or(default_port(secure)),
            socket: None,
            resource,
            shown: format!("{scheme}://{}", without_secrets(rest)),
            authorization: authorization(&parsed),
        })
    }

    /// Of a URL with the name of a Unix socket.
    fn local(text: &str) -> Result<Target> {
        let local::Local { socket, resource, shown } = local::parse(text)?;
        let host = Host::new(url::Host::Domain("localhost"), None).ok_or_else(|| Error::of(Id::UrlMalformed))?;
        let port = default_port(false);
        Ok(Target { secure: false, host, port, socket: Some(socket), resource, shown, authorization: None })
    }

    /// The value of the `Host` header: the port only where it is not the scheme's own (section 4.1).
    pub fn host_header(&self) -> String {
        match self.port == default_port(self.secure) {
            true => self.host.authority(),
            false => format!("{}:{}", self.host.authority(), self.port),
        }
    }

    /// `host:port` for people, an IPv6 address in brackets and with its zone; or the Unix socket.
    pub fn address(&self) -> String {
        match &self.socket {
            None => format!("{}:{}", self.host, self.port),
            Some(path) => path.to_string(),
        }
    }
}

/// What the parser found wrong with a URL of this authority.
fn why(error: ParseError, authority: &str) -> Option<Id> {
    match error {
        ParseError::InvalidPort => {
            let port = authority.rsplit(':').next().unwrap_or_default();
            let blank = port.contains(char::is_whitespace);
            Some(if blank { Id::UrlPortBlank } else { Id::UrlPort })
        }
        ParseError::EmptyHost
        | ParseError::IdnaError
        | ParseError::InvalidIpv4Address
        | ParseError::InvalidIpv6Address
        | ParseError::InvalidDomainCharacter => Some(Id::UrlHost),
        _ => None,
    }
}

fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// What stands between `scheme://` and the path or query.
pub(super) fn authority(rest: &str) -> &str {
    &rest[..rest.find(['/', '?']).unwrap_or(rest.len())]
}

/// Of an authority, less userinfo and port; of a name, not of an address in brackets.
fn host_part(authority: &str) -> &str {
    let behind = &authority[authority.rfind('@').map_or(0, |at| at + 1)..];
    behind.split(':').next().unwrap_or_default()
}

/// What follows `scheme://` in a well-formed URL, less userinfo and query.
pub(super) fn without_secrets(rest: &str) -> &str {
    let from = authority(rest).rfind('@').map_or(0, |at| at + 1);
    let to = rest.find('?').unwrap_or(rest.len());
    &rest[from..to]
}

/// RFC 7617. The URL holds the two parts percent-encoded, the header their bytes.
fn authorization(url: &Url) -> Option<String> {
    let (user, password) = (url.username(), url.password());
    if user.is_empty() && password.is_none() {
        return None;
    }
    let mut bytes: Vec<u8> = percent_encoding::percent_decode_str(user).collect();
    bytes.push(b':');
    bytes.extend(percent_encoding::percent_decode_str(password.unwrap_or_default()));
    Some(format!("Basic {}", BASE64_STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Language;

    fn target(url: &str) -> Target {
        Target::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn urls_are_taken_apart() {
        for (url, secure, address, host_header, resource, shown) in [
            ("ws://host", false, "host:80", "host", "/", "ws://host"),
            ("wss://host/", true, "host:443", "host", "/", "wss://host/"),
            (
                " \tWSS://Host:8443/a b?q=1 2\r\n",
                true,
                "host:8443",
                "host:8443",
                "/a%20b?q=1%202",
                "WSS://Host:8443/a b",
            ),
            ("ws://host:80/x", false, "host:80", "host", "/x", "ws://host:80/x"),
            ("ws://host:443/", false, "host:443", "host:443", "/", "ws://host:443/"),
            ("ws://host?q", false, "host:80", "host", "/?q", "ws://host"),
            ("ws://u:p@host/@/?a@b", false, "host:80", "host", "/@/?a@b", "ws://host/@/"),
            ("ws://127.0.0.1:9098/x", false, "127.0.0.1:9098", "127.0.0.1:9098", "/x", "ws://127.0.0.1:9098/x"),
            ("ws://[2001:DB8::1]/", false, "[2001:db8::1]:80", "[2001:db8::1]", "/", "ws://[2001:DB8::1]/"),
            ("ws://0.0.0.0:9/", false, "127.0.0.1:9", "127.0.0.1:9", "/", "ws://0.0.0.0:9/"),
            ("ws://[::]:9/", false, "[::1]:9", "[::1]:9", "/", "ws://[::]:9/"),
            ("wss://Db.Svc.test./x", true, "db.svc.test.:443", "db.svc.test.", "/x", "wss://Db.Svc.test./x"),
            (
                "ws://u:p%40@[fe80::1%25eth0]:9/%25?[%]",
                false,
                "[fe80::1%eth0]:9",
                "[fe80::1]:9",
                "/%25?[%]",
                "ws://[fe80::1%25eth0]:9/%25",
            ),
            ("ws://host/[%25a]", false, "host:80", "host", "/[%25a]", "ws://host/[%25a]"),
            (
                "ws://пример.рф/чат?имя=Ё",
                false,
                "пример.рф:80",
                "xn--e1afmkfd.xn--p1ai",
                "/%D1%87%D0%B0%D1%82?%D0%B8%D0%BC%D1%8F=%D0%81",
                "ws://пример.рф/чат",
            ),
        ] {
            let target = target(url);
            assert_eq!(target.secure, secure, "{url}");
            assert_eq!(target.address(), address, "{url}");
            assert_eq!(target.host_header(), host_header, "{url}");
            assert_eq!(target.resource, resource, "{url}");
            assert_eq!(target.shown, shown, "{url}");
        }
        assert_eq!(target("ws://[::1]/").host.bare(), "::1");
    }

    #[test]
    fn userinfo_becomes_basic_authorization() {
        for (url, expected) in [
            ("ws://host", None),
            ("ws://@host", None),
            ("ws://Aladdin:open%20sesame@host", Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")),
            ("ws://user@host", Some("Basic dXNlcjo=")),
            ("ws://a:b%40c%3Ad@host", Some("Basic YTpiQGM6ZA==")),
        ] {
            assert_eq!(target(url).authorization.as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn what_is_no_websocket_url_is_refused_without_its_secrets() {
        for (url, id) in [
            ("", Id::UrlEmpty),
            (" \t", Id::UrlEmpty),
            ("ws://", Id::UrlMalformed),
            ("ws:///path", Id::UrlMalformed),
            ("ws:host", Id::UrlMalformed),
            ("ws://:80", Id::UrlMalformed),
            ("ws://host:99999", Id::UrlMalformed),
            ("ws://user:SECRET@host:99999?SECRET", Id::UrlMalformed),
            ("ws://user:SE/CRET@host", Id::UrlMalformed),
            ("ws://ho st/", Id::UrlMalformed),
            ("ws://ho\nst/", Id::UrlMalformed),
            ("ws://host\\path", Id::UrlMalformed),
            ("ws://[::1/", Id::UrlMalformed),
            ("ws://./", Id::UrlMalformed),
            ("ws://[fe80::1%25]x]/", Id::UrlMalformed),
            ("ws://[2001:db8::1%25eth0]/", Id::UrlMalformed),
            ("ws://[fe80::1%25e/0]/", Id::UrlMalformed),
            ("ws://host%25eth0/", Id::UrlMalformed),
            ("localhost:80", Id::UrlMalformed),
            ("127.0.0.1:9098/x", Id::UrlMalformed),
            ("user:SECRET@host", Id::UrlMalformed),
            ("http://user:SECRET@host/?SECRET", Id::UrlScheme),
            ("https://host", Id::UrlScheme),
            ("ws://host/#", Id::UrlFragment),
            ("ws://user:SECRET@host/path#SECRET", Id::UrlFragment),
        ] {
            let error = Target::parse(url).err().unwrap_or_else(|| panic!("{url} was accepted"));
            assert_eq!(error.id(), id, "{url}");
            for language in [Language::English, Language::Russian] {
                assert!(!error.text(language).contains("SE"), "{}", error.text(language));
            }
        }
    }

    #[test]
    fn a_missing_scheme_is_explained() {
        let error = Target::parse("localhost:80").err().unwrap();
        assert_eq!(
            error.text(Language::English),
            "the URL localhost:80 is malformed: it has to begin with ws:// or wss://"
        );
        assert_eq!(error.text(Language::Russian), "неверный URL localhost:80: он должен начинаться с ws:// или wss://");
    }
}
