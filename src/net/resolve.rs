//! From names to addresses.

use super::uninterrupted;
use crate::error::{Error, Id, Result};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

/// The addresses of a host that needs no lookup: a literal, or `localhost` (RFC 6761 section 6.3).
pub fn resolve_now(host: &str, port: u16) -> Option<Vec<SocketAddr>> {
    if host.eq_ignore_ascii_case("localhost") {
        return Some(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]);
    }
    host.parse::<IpAddr>().ok().map(|address| vec![(address, port).into()])
}

/// Asks the system's resolver. Blocks, for as long as the system likes, and cannot be cancelled.
pub fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>> {
    // std gives every failure of getaddrinfo the same kind; a name that nobody knows is by far the most common.
    let found = uninterrupted(|| (host, port).to_socket_addrs())
        .map_err(|error| Error::new(Id::HostNotFound, [host.into()]).detail(error))?;
    let addresses = alternate(found);
    if addresses.is_empty() { Err(Error::new(Id::HostNotFound, [host.into()])) } else { Ok(addresses) }
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
