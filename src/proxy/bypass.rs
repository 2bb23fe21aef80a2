//! Which hosts are connected to directly: the rules of NO_PROXY.

use std::net::IpAddr;
use url::Host;

/// The entries of a list such as `localhost, .example.com, 10.0.0.0/8, host:8080, [::1], *`.
pub struct Bypass(Vec<Entry>);

enum Rule {
    All,
    /// The host itself and everything under it.
    Domain(String),
    Address(IpAddr),
    /// An address and how many of its bits count.
    Net(IpAddr, u8),
    /// Names without a dot, the `<local>` of Windows.
    Local,
    /// With `*` somewhere, as Windows has them.
    Pattern(String),
}

struct Entry {
    rule: Rule,
    port: Option<u16>,
}

impl Bypass {
    /// Reads a list with commas, semicolons or blanks between its entries. What cannot be understood matches nothing.
    pub fn parse(list: &str) -> Self {
        let entries = list.split([',', ';', ' ', '\t']).map(str::trim).filter(|entry| !entry.is_empty());
        Self(entries.filter_map(Entry::parse).collect())
    }

    /// `host`: as in a parsed URL, lower case, punycode, IPv6 without brackets and zone.
    pub fn has(&self, host: &str, port: u16) -> bool {
        self.0.iter().any(|entry| entry.port.is_none_or(|own| own == port) && entry.rule.matches(host))
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self { rule: Rule::All, port: None });
        }
        if text.eq_ignore_ascii_case("<local>") {
            return Some(Self { rule: Rule::Local, port: None });
        }
        if let Some((net, bits)) = text.split_once('/') {
            let net: IpAddr = bare(net).parse().ok()?;
            let bits = bits.parse().ok().filter(|bits| *bits <= width(net))?;
            return Some(Self { rule: Rule::Net(net, bits), port: None });
        }
        if let Ok(address) = bare(text).parse() {
            return Some(Self { rule: Rule::Address(address), port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (text, None),
        };
        if let Ok(address) = bare(host).parse() {
            return Some(Self { rule: Rule::Address(address), port });
        }
        let name = host.strip_prefix("*.").or_else(|| host.strip_prefix('.')).unwrap_or(host);
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.contains('*') {
            let pattern = host.strip_suffix('.').unwrap_or(host);
            return Some(Self { rule: Rule::Pattern(pattern.to_ascii_lowercase()), port });
        }
        match Host::parse(name).ok()? {
            Host::Domain(name) => Some(Self { rule: Rule::Domain(name), port }),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        }
    }
}

/// An address without brackets. Of one that is local to a link the zone does not matter.
fn bare(text: &str) -> &str {
    let bare = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
    bare.split_once('%').map_or(bare, |(address, _)| address)
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl Rule {
    fn matches(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        let address = || host.parse::<IpAddr>().ok();
        match self {
            Rule::All => true,
            Rule::Domain(name) => {
                host.strip_suffix(name.as_str()).is_some_and(|front| front.is_empty() || front.ends_with('.'))
            }
            Rule::Address(own) => address() == Some(*own),
            Rule::Net(net, bits) => address().is_some_and(|address| shares(*net, address, *bits)),
            Rule::Local => !host.contains(['.', ':']),
            Rule::Pattern(pattern) => fits(pattern, host),
        }
    }
}

/// Whether two addresses of one family have their first `bits` bits in common.
fn shares(one: IpAddr, other: IpAddr, bits: u8) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    let differing = number(one) ^ number(other);
    one.is_ipv4() == other.is_ipv4() && (bits == 0 || differing.leading_zeros() >= u32::from(bits))
}

/// Whether `text` fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let last = pieces.next_back().unwrap_or_default();
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_no_proxy() {
        for (list, host, port, expected) in [
            ("", "a.example", 80, false),
            ("*", "a.example", 80, true),
            ("example.com", "example.com", 80, true),
            ("example.com", "www.example.com", 443, true),
            ("example.com", "notexample.com", 80, false),
            (".Example.COM", "www.example.com", 80, true),
            (".example.com", "example.com", 80, true),
            ("*.example.com", "a.b.example.com", 80, true),
            ("example.com:8080", "example.com", 8080, true),
            ("example.com:8080", "example.com", 80, false),
            ("a,  b ,example.com", "example.com", 80, true),
            ("a b", "b", 80, true),
            ("пример.рф", "xn--e1afmkfd.xn--p1ai", 80, true),
            ("10.0.0.0/8", "10.200.3.4", 80, true),
            ("10.0.0.0/8", "11.0.0.1", 80, false),
            ("10.0.0.0/8", "10.example.com", 80, false),
            ("192.168.1.0/25", "192.168.1.127", 80, true),
            ("192.168.1.0/25", "192.168.1.128", 80, false),
            ("0.0.0.0/0", "8.8.8.8", 80, true),
            ("0.0.0.0/0", "::1", 80, false),
            ("10.0.0.0/33", "10.0.0.1", 80, false),
            ("fd00::/8", "fd12::1", 80, true),
            ("fd00::/8", "fe80::1", 80, false),
            ("127.0.0.1", "127.0.0.1", 9, true),
            ("127.0.0.1:9", "127.0.0.1", 9, true),
            ("127.0.0.1:9", "127.0.0.1", 8, false),
            ("::1", "::1", 80, true),
            ("fe80::1%eth0", "fe80::1", 80, true),
            ("[fe80::1%25eth0]:9", "fe80::1", 9, true),
            ("fe80::/10", "fe80::1", 80, true),
            ("example.com.", "example.com", 80, true),
            ("example.com", "www.example.com.", 80, true),
            ("example.com.:81", "example.com.", 81, true),
            ("localhost", "localhost.", 80, true),
            ("*.corp.*.", "www.corp.example.", 80, true),
            ("*.intra.", "www.intra", 80, true),
            ("[::1]", "::1", 80, true),
            ("[::1]:81", "::1", 80, false),
            ("[::1]:81", "::1", 81, true),
            ("<local>", "server", 80, true),
            ("<local>", "server.example", 80, false),
            ("192.168.*", "192.168.7.8", 80, true),
            ("*.corp.*", "www.corp.example", 80, true),
            ("intra*", "intranet", 80, true),
            ("intra*", "extranet", 80, false),
            ("exa mple/99", "example", 80, false),
        ] {
            assert_eq!(Bypass::parse(list).has(host, port), expected, "{list}: {host}:{port}");
        }
    }
}
