//! The user's static proxy settings on Windows: what Internet Explorer began and every program follows.
#![cfg_attr(not(windows), allow(dead_code, reason = "only its tests run elsewhere"))]

use super::{Bypass, Proxy};
use crate::error::{Error, Id, Result};

/// The three values under `Internet Settings`.
pub(super) struct UserSettings {
    /// `host:port`, or `http=host:port;https=host:port;socks=host:port`.
    pub server: String,
    /// Entries with `*`, semicolons between them, and `<local>`.
    pub bypass: String,
}

/// What the registry holds; `None` while no proxy is switched on.
#[cfg(windows)]
pub(super) fn user_settings() -> Option<UserSettings> {
    let key = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings";
    let key = windows_registry::CURRENT_USER.open(key).ok()?;
    if key.get_u32("ProxyEnable").unwrap_or(0) == 0 {
        return None;
    }
    let server = key.get_string("ProxyServer").ok().filter(|server| !server.trim().is_empty())?;
    Some(UserSettings { server, bypass: key.get_string("ProxyOverride").unwrap_or_default() })
}

impl UserSettings {
    pub(super) fn choose(&self, secure: bool, host: &str, port: u16) -> Result<Option<Proxy>> {
        if Bypass::parse(&self.bypass).has(host, port) {
            return Ok(None);
        }
        let entries = || self.server.split([';', ' ']).map(str::trim).filter(|entry| !entry.is_empty());
        let of = |kind: &str| {
            let found = entries().find_map(|entry| {
                let (own, value) = entry.split_once('=')?;
                own.trim().eq_ignore_ascii_case(kind).then(|| value.trim())
            });
            found.map(|value| (kind == "socks", value))
        };
        let own = of(if secure { "https" } else { "http" });
        let plain = entries().find(|entry| !entry.contains('=')).map(|entry| (false, entry));
        let Some((socks, value)) = own.or_else(|| of("socks")).or(plain) else { return Ok(None) };
        let value = if socks { format!("socks5://{value}") } else { value.to_owned() };
        let proxy = Proxy::parse(&value);
        proxy
            .map(Some)
            .map_err(|error| Error::new(Id::ProxyVariable, ["ProxyServer".into()]).because(error).with_own_code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_of_a_user() {
        let choose = |server: &str, secure| {
            let settings = UserSettings { server: server.to_owned(), bypass: "*.intra;<local>".to_owned() };
            assert!(settings.choose(secure, "www.intra", 80).unwrap().is_none());
            assert!(settings.choose(secure, "server", 80).unwrap().is_none());
            settings.choose(secure, "www.example", 80).unwrap().map_or_else(String::new, |proxy| proxy.shown())
        };
        assert_eq!(choose("proxy:3128", true), "http://proxy:3128");
        assert_eq!(choose("http=a:1;https=b:2", true), "http://b:2");
        assert_eq!(choose("http=a:1;https=http://b:2", false), "http://a:1");
        assert_eq!(choose("ftp=a:1;socks=s:9", true), "socks5://s:9");
        assert_eq!(choose("ftp=a:1", true), "");
    }
}
