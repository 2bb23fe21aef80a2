//! From names to addresses.

use super::uninterrupted;
use crate::error::{Error, Id, Result};
use crate::host::{Host, is_link_local};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs};

/// The addresses of a host that needs no lookup: a literal, or `localhost` (RFC 6761 section 6.3). That an interface is
/// given by its name is left to the system.
pub fn resolve_now(host: &Host, port: u16) -> Option<Vec<SocketAddr>> {
    if host.is_localhost() {
        return Some(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]);
    }
    Some(vec![match (host.ip()?, host.zone()) {
        (IpAddr::V6(address), Some(zone)) => SocketAddrV6::new(address, port, 0, zone.parse().ok()?).into(),
        (address, _) => (address, port).into(),
    }])
}

/// Asks the system's resolver. Blocks, for as long as the system likes, and cannot be cancelled; but not for an address.
pub fn look_up(host: &Host, port: u16) -> Result<Vec<SocketAddr>> {
    let name = host.lookup();
    let addresses = match uninterrupted(|| (&*name, port).to_socket_addrs()) {
        Ok(found) => alternate(found),
        Err(error) => {
            let listed = if host.is_absolute() { listed(host.bare(), port) } else { Vec::new() };
            if listed.is_empty() {
                return Err(match host.zone() {
                    Some(zone) => Error::new(Id::ZoneUnknown, [zone.into()]),
                    // std gives every failure of getaddrinfo the same kind; a name that nobody knows is by far the most
                    // common.
                    None => Error::new(Id::HostNotFound, [host.to_string().into()]).log_detail(error),
                });
            }
            listed
        }
    };
    if addresses.is_empty() { Err(Error::new(Id::HostNotFound, [host.to_string().into()])) } else { Ok(addresses) }
}

/// The addresses of an absolute name in the hosts file, where names stand without their dot: glibc compares them letter by
/// letter. (Asking without the dot would try the search domains as well.)
fn listed(name: &str, port: u16) -> Vec<SocketAddr> {
    let text = if cfg!(unix) { std::fs::read_to_string("/etc/hosts").unwrap_or_default() } else { String::new() };
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().split_whitespace());
    let found = lines.filter_map(|mut words| {
        let address = words.next()?.parse::<IpAddr>().ok()?;
        words.any(|other| other.eq_ignore_ascii_case(name)).then(|| (address, port).into())
    });
    alternate(found)
}

/// A link-local address of any interface: the system takes none such.
pub(super) fn lacks_zone(address: &SocketAddr) -> bool {
    matches!(address, SocketAddr::V6(address) if is_link_local(address.ip()) && address.scope_id() == 0)
}

/// Alternating families, in the resolver's order otherwise (RFC 8305 section 4).
fn alternate(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut unique: Vec<SocketAddr> = Vec::new();
    for address in found {
        if !unique.contains(&address) {
            unique.push(address);
        }
    }
    let first_is_v6 = unique.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (Vec<_>, Vec<_>) =
        unique.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut ordered = Vec::with_capacity(first.len() + second.len());
    first.reverse();
    second.reverse();
    while let Some(address) = first.pop() {
        ordered.push(address);
        ordered.extend(second.pop());
    }
    second.reverse();
    ordered.extend(second);
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_alternate_and_nothing_is_lost() {
        let list = ["1.1.1.1:1", "1.1.1.2:1", "1.1.1.1:1", "[::1]:1", "[::2]:1", "[::3]:1"];
        let found = alternate(list.iter().map(|text| text.parse().unwrap()));
        let texts: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["1.1.1.1:1", "[::1]:1", "1.1.1.2:1", "[::2]:1", "[::3]:1"]);
    }
}
