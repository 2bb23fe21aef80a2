//! The setting of a proxy, and the rules that say which connection goes through it. The tunnel is made in `net`.

mod address;
mod bypass;
mod environment;
mod winet;

pub use address::{Kind, Proxy};
pub use bypass::Bypass;

use crate::error::Result;

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

    /// The proxy for a connection to `host` (as `Host::bare` has it), if it goes through one.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Id;

    #[test]
    fn settings_are_read_and_read_back_without_the_password() {
        for (text, shown, address) in [
            ("http://proxy:3128", "http://proxy:3128", "proxy:3128"),
            (" HTTP://user:S3C@proxy:3128/ ", "http://user:***@proxy:3128", "proxy:3128"),
            ("socks5://u%40x:S3C%3A@10.0.0.1", "socks5://u%40x:***@10.0.0.1:1080", "10.0.0.1:1080"),
            ("socks5h://[::1]:9", "socks5://[::1]:9", "[::1]:9"),
            ("http://u:S3@[fe80::1%25eth0]", "http://u:***@[fe80::1%eth0]:80", "[fe80::1%eth0]:80"),
            ("proxy.test.:3128", "http://proxy.test.:3128", "proxy.test.:3128"),
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
            "http://[2001:db8::1%25eth0]:1",
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
