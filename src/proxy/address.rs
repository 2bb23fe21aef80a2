//! A proxy as the setting, the environment or the system names it.

use crate::error::{Error, Id, Result};
use crate::host::Host;
use std::fmt;

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// HTTP's CONNECT, RFC 9110 section 9.3.6.
    Http,
    /// RFC 1928.
    Socks5,
}

/// A proxy. What it shows of itself never holds the credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    pub kind: Kind,
    pub host: Host,
    pub port: u16,
    pub(crate) credentials: Option<(Vec<u8>, Vec<u8>)>,
}

impl Proxy {
    /// Reads `http://user:password@host:port`, `socks5://…`; without a scheme it is HTTP's. The name and the password
    /// are percent-encoded; what stands behind the last `@` is the host.
    ///
    /// # Errors
    /// `ProxyMalformed`; its text holds no credentials.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let malformed = || Error::new(Id::ProxyMalformed, [redact(text).into()]);
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let kind = match scheme.to_ascii_lowercase().as_str() {
            "http" => Kind::Http,
            "socks5" | "socks5h" | "socks" => Kind::Socks5,
            _ => return Err(malformed()),
        };
        let (userinfo, place) = match rest.rsplit_once('@') {
            Some((userinfo, place)) => (Some(userinfo), place),
            None => (None, rest),
        };
        let place = place.strip_suffix('/').unwrap_or(place);
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (place, None),
        };
        let port = match port {
            Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or_else(malformed)?,
            None => kind.default_port(),
        };
        let host = Host::parse(host).ok_or_else(malformed)?;
        let credentials = userinfo.filter(|userinfo| !userinfo.is_empty()).map(credentials);
        // RFC 1929 has one byte for each length, and RFC 7617 no colon in the name.
        if let Some((user, password)) = &credentials {
            let too_long = kind == Kind::Socks5 && (user.len() > 255 || password.len() > 255 || user.is_empty());
            if too_long || kind == Kind::Http && user.contains(&b':') {
                return Err(malformed());
            }
        }
        Ok(Self { kind, host, port, credentials })
    }

    /// `host:port`, an IPv6 address in brackets.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// As a URL with `***` for the password.
    pub fn shown(&self) -> String {
        let scheme = match self.kind {
            Kind::Http => "http",
            Kind::Socks5 => "socks5",
        };
        let user = match &self.credentials {
            None => String::new(),
            Some((user, _)) => {
                let user = percent_encoding::percent_encode(user, percent_encoding::NON_ALPHANUMERIC);
                format!("{user}:***@")
            }
        };
        format!("{scheme}://{user}{}", self.address())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Kind {
    fn default_port(self) -> u16 {
        match self {
            Kind::Http => 80,
            Kind::Socks5 => 1080,
        }
    }
}

fn credentials(userinfo: &str) -> (Vec<u8>, Vec<u8>) {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let decode = |text| percent_encoding::percent_decode_str(text).collect();
    (decode(user), decode(password))
}

/// A malformed setting without what could be a password.
fn redact(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            (format!("{scheme}://"), rest)
        }
        _ => (String::new(), text),
    };
    let shown = match rest.rsplit_once('@') {
        Some((_, place)) => format!("{scheme}***@{place}"),
        None => format!("{scheme}{rest}"),
    };
    let shown: String = shown.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    shown
}
