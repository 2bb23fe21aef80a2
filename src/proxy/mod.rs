//! The setting of a proxy, and the rules that say which connection goes through it. The tunnel is made in `net`.

mod bypass;
mod environment;
mod winet;

pub use bypass::Bypass;

use crate::error::{Error, Id, Result};
use std::fmt;
use url::Host;

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
    /// For the lookup; IPv6 without brackets.
    pub host: String,
    pub port: u16,
    pub(crate) credentials: Option<(Vec<u8>, Vec<u8>)>,
}

/// What the property says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Setting {
    /// Connect directly.
    #[default]
    None,
    /// What the environment says at each connect.
    Environment,
    /// What the system says at each connect: the environment, but on Windows the user's settings.
    System,
    Fixed(Proxy),
}

impl Setting {
    /// Reads the property.
    ///
    /// # Errors
    /// `ProxyMalformed`; its text holds no credentials.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        Ok(match text {
            "" => Setting::None,
            _ if text.eq_ignore_ascii_case("env") => Setting::Environment,
            _ if text.eq_ignore_ascii_case("system") => Setting::System,
            _ => Setting::Fixed(Proxy::parse(text)?),
        })
    }

    /// The setting as it reads back, `***` for the password.
    pub fn shown(&self) -> String {
        match self {
            Setting::None => String::new(),
            Setting::Environment => "env".to_owned(),
            Setting::System => "system".to_owned(),
            Setting::Fixed(proxy) => proxy.shown(),
        }
    }

    /// The proxy for a connection to `host` (IPv6 without brackets), if it goes through one.
    ///
    /// # Errors
    /// `ProxyVariable`: the environment, or the system's settings, name a proxy that is none.
    pub fn choose(&self, secure: bool, host: &str, port: u16) -> Result<Option<Proxy>> {
        match self {
            Setting::None => Ok(None),
            Setting::Fixed(proxy) => Ok(Some(proxy.clone())),
            Setting::Environment => environment::choose(secure, host, port, |name| std::env::var(name).ok()),
            Setting::System => system(secure, host, port),
        }
    }
}

#[cfg(not(windows))]
fn system(secure: bool, host: &str, port: u16) -> Result<Option<Proxy>> {
    environment::choose(secure, host, port, |name| std::env::var(name).ok())
}

#[cfg(windows)]
fn system(secure: bool, host: &str, port: u16) -> Result<Option<Proxy>> {
    winet::user_settings().map_or(Ok(None), |settings| settings.choose(secure, host, port))
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
        let host = match Host::parse(host).map_err(|_| malformed())? {
            Host::Domain(name) => name,
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
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
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_read_back_without_the_password() {
        for (text, shown, address) in [
            ("http://proxy:3128", "http://proxy:3128", "proxy:3128"),
            (" HTTP://user:S3C@proxy:3128/ ", "http://user:***@proxy:3128", "proxy:3128"),
            ("socks5://u%40x:S3C%3A@10.0.0.1", "socks5://u%40x:***@10.0.0.1:1080", "10.0.0.1:1080"),
            ("socks5h://[::1]:9", "socks5://[::1]:9", "[::1]:9"),
            ("proxy:8080", "http://proxy:8080", "proxy:8080"),
            ("http://user:S3/C@S3@прокси.рф", "http://user:***@xn--h1adldfi.xn--p1ai:80", "xn--h1adldfi.xn--p1ai:80"),
        ] {
            let setting = Setting::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(setting.shown(), shown, "{text}");
            let Setting::Fixed(proxy) = &setting else { panic!("{text}") };
            assert_eq!(proxy.address(), address, "{text}");
            assert!(!format!("{setting:?}").contains("S3"), "{setting:?}");
        }
        for (text, setting) in [("", Setting::None), (" ENV ", Setting::Environment), ("System", Setting::System)] {
            assert_eq!(Setting::parse(text).unwrap(), setting);
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_its_secrets() {
        for text in [
            "https://user:S3C@proxy:1",
            "ftp://proxy",
            "http://",
            "http://user:S3C@",
            "http://proxy:0",
            "http://proxy:65536",
            "http://proxy:",
            "socks5://:S3C@proxy",
            "http://pro xy",
            "http://proxy/path",
            "http://user:S3C@proxy:port",
            "user:S3C",
            "http://a%3Ab:S3C@proxy",
            "socks5://:S3C@proxy:1",
        ] {
            let error = Setting::parse(text).err().unwrap_or_else(|| panic!("{text} was accepted"));
            assert_eq!(error.id(), Id::ProxyMalformed, "{text}");
            assert!(!error.to_string().contains("S3C@"), "{error}");
        }
    }
}
