//! The host of a URL, of a proxy's setting or of an interface: the one place that says what is looked up, what the Host
//! header holds, whom a certificate must name and what people read.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A name or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Lower case, IDN in punycode, the dot at the end of an absolute name as it was given; an address without brackets.
    name: String,
    /// An international name as it was written.
    written: Option<String>,
    /// The interface that a link-local address belongs to, by its name or number (RFC 4007 section 11).
    zone: Option<String>,
}

impl Host {
    /// `zone` as [`split_zone`] has found it. `None`: no name at all, or a zone that is none or that does not belong there.
    pub fn new(host: url::Host<&str>, zone: Option<&str>) -> Option<Self> {
        let zone = zone.map(decode_zone);
        if zone.is_some() && !matches!(host, url::Host::Ipv6(address) if is_link_local(&address)) {
            return None;
        }
        let name = match host {
            // Only an absolute name of nothing is empty without its dot.
            url::Host::Domain(name) if name.trim_end_matches('.').is_empty() => return None,
            url::Host::Domain(name) => name.to_owned(),
            url::Host::Ipv4(address) => address.to_string(),
            url::Host::Ipv6(address) => address.to_string(),
        };
        // A zone that could not be read is no zone.
        match zone {
            Some(None) => None,
            Some(zone) => Some(Self { name, written: None, zone }),
            None => Some(Self { name, written: None, zone: None }),
        }
    }

    /// Reads a name, or an address as URLs have it, an IPv6 address in brackets.
    pub fn parse(text: &str) -> Option<Self> {
        let (text, zone) = split_zone(text);
        let host = url::Host::parse(&text).ok()?;
        let host = match &host {
            url::Host::Domain(name) => url::Host::Domain(name.as_str()),
            url::Host::Ipv4(address) => url::Host::Ipv4(*address),
            url::Host::Ipv6(address) => url::Host::Ipv6(*address),
        };
        Self::new(host, zone)
    }

    /// Reads an address, an IPv6 address with or without brackets.
    pub fn literal(text: &str) -> Option<Self> {
        let bare = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
        let (address, zone) = match bare.split_once('%') {
            Some((address, zone)) => (address, Some(zone)),
            None => (bare, None),
        };
        match address.parse().ok()? {
            IpAddr::V4(address) => Self::new(url::Host::Ipv4(address), zone),
            IpAddr::V6(address) => Self::new(url::Host::Ipv6(address), zone),
        }
    }

    /// What it was read from, which people are shown: of an international name it differs from what machines get.
    #[must_use]
    pub fn written_as(mut self, text: &str) -> Self {
        self.written = (!text.is_ascii()).then(|| text.to_owned());
        self
    }

    /// For people, without the dot of an absolute name: what a certificate is not for.
    pub fn shown(&self) -> String {
        let name = self.written.as_deref().unwrap_or(&self.name);
        name.strip_suffix('.').unwrap_or(name).to_owned()
    }

    /// For the system's resolver. The dot of an absolute name keeps it from trying the names under the search domains.
    pub fn lookup(&self) -> String {
        match &self.zone {
            Some(zone) => format!("{}%{zone}", self.name),
            None => self.name.clone(),
        }
    }

    /// Without the dot of an absolute name and without the zone: what certificates hold and server names are (RFC 6066
    /// section 3), and what rules about hosts are matched with.
    pub fn bare(&self) -> &str {
        self.name.strip_suffix('.').unwrap_or(&self.name)
    }

    /// What another machine is told: an IPv6 address in brackets, without the zone, which is this machine's own affair.
    pub fn authority(&self) -> String {
        if self.name.contains(':') { format!("[{}]", self.name) } else { self.name.clone() }
    }

    /// What another machine looks up itself: a name as it was given, an address without brackets and zone.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// It ends with a dot: nothing is to be added to it.
    pub fn is_absolute(&self) -> bool {
        self.name.ends_with('.')
    }

    /// `localhost`, RFC 6761 section 6.3.
    pub fn is_localhost(&self) -> bool {
        self.bare().eq_ignore_ascii_case("localhost")
    }

    pub fn ip(&self) -> Option<IpAddr> {
        self.name.parse().ok()
    }
}

/// For people: `[fe80::1%eth0]`, an international name as it was written.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.contains(':') {
            true => match &self.zone {
                // Read again, `%25` would be a percent sign.
                Some(zone) if zone.len() > 2 && zone.starts_with("25") => write!(f, "[{}%25{zone}]", self.name),
                _ => write!(f, "[{}]", self.lookup()),
            },
            false => f.write_str(self.written.as_deref().unwrap_or(&self.name)),
        }
    }
}

/// Takes the zone out of the first brackets of a text, because parsers of URLs know none: what is left, and the zone as it
/// stands there.
pub fn split_zone(text: &str) -> (String, Option<&str>) {
    let found = text.find('[').and_then(|open| {
        let close = open + text[open..].find(']')?;
        let percent = open + text[open..close].find('%')?;
        Some((percent, close))
    });
    match found {
        Some((percent, close)) => (format!("{}{}", &text[..percent], &text[close..]), Some(&text[percent + 1..close])),
        None => (text.to_owned(), None),
    }
}

/// RFC 6874 section 2 has the percent sign itself encoded: `%25eth0`. What is pasted from elsewhere is often `%eth0`.
fn decode_zone(text: &str) -> Option<String> {
    let text = text.strip_prefix("25").filter(|rest| !rest.is_empty()).unwrap_or(text);
    let zone = percent_encoding::percent_decode_str(text).decode_utf8().ok()?;
    let fits = (1..=64).contains(&zone.len());
    (fits && !zone.contains(|c: char| c.is_control() || "%/?#@[]\\".contains(c))).then(|| zone.into_owned())
}

/// fe80::/10, RFC 4291 section 2.4.
pub fn is_link_local(address: &Ipv6Addr) -> bool {
    address.segments()[0] & 0xffc0 == 0xfe80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_use_has_its_own_form() {
        for (text, lookup, bare, authority, shown) in [
            ("Host", "host", "host", "host", "host"),
            ("db.svc.test.", "db.svc.test.", "db.svc.test", "db.svc.test.", "db.svc.test."),
            ("127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1"),
            ("127.0.0.1.", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1"),
            ("[FE80::1]", "fe80::1", "fe80::1", "[fe80::1]", "[fe80::1]"),
            ("[fe80::1%25eth0]", "fe80::1%eth0", "fe80::1", "[fe80::1]", "[fe80::1%eth0]"),
            ("[fe80::1%eth0]", "fe80::1%eth0", "fe80::1", "[fe80::1]", "[fe80::1%eth0]"),
            ("[fe80::1%2525eth0]", "fe80::1%25eth0", "fe80::1", "[fe80::1]", "[fe80::1%2525eth0]"),
            ("[fe80::1%2]", "fe80::1%2", "fe80::1", "[fe80::1]", "[fe80::1%2]"),
            ("[fe80::1%25]", "fe80::1%25", "fe80::1", "[fe80::1]", "[fe80::1%25]"),
            ("[fe80::1%252]", "fe80::1%2", "fe80::1", "[fe80::1]", "[fe80::1%2]"),
            ("[febf::1%25eth%2D0.1]", "febf::1%eth-0.1", "febf::1", "[febf::1]", "[febf::1%eth-0.1]"),
        ] {
            let host = Host::parse(text).unwrap_or_else(|| panic!("{text}"));
            let forms = (host.lookup(), host.bare().to_owned(), host.authority(), host.to_string());
            assert_eq!(forms, (lookup.into(), bare.into(), authority.into(), shown.into()), "{text}");
        }
        assert!(Host::parse("LOCALHOST.").is_some_and(|host| host.is_localhost() && host.is_absolute()));
        for text in ["fe80::1%eth0", "[fe80::1%25eth0]", "[fe80::1%eth0]"] {
            assert_eq!(Host::literal(text).unwrap().lookup(), "fe80::1%eth0", "{text}");
        }
    }

    #[test]
    fn a_zone_belongs_to_a_link_local_address() {
        for text in [
            "",
            ".",
            "..",
            "[fe80::1%]",
            "[fe80::1%25%00]",
            "[fe80::1%25a/b]",
            "[fe80::1%25a%2Fb]",
            "[fe80::1%25a%5D]",
            "[2001:db8::1%25eth0]",
            "[::1%251]",
            "host%25eth0",
            "127.0.0.1%25eth0",
            "[fe80::1%25\u{7f}]",
        ] {
            assert_eq!(Host::parse(text), None, "{text}");
        }
        assert_eq!(Host::literal("host"), None);
        assert_eq!(Host::literal("127.0.0.1%eth0"), None);
    }
}
