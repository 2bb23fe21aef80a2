//! The reverse proxies that a server believes.

use super::list;
use crate::error::{Error, Id, Result};
use std::net::IpAddr;

/// Whether the list has this address; `None` stands for a Unix socket.
pub fn is_trusted(proxies: &str, address: Option<IpAddr>) -> bool {
    list(proxies).any(|entry| match (address, network(entry)) {
        (None, _) => entry == "unix",
        (Some(address), Some((network, bits))) => match (address.to_canonical(), network) {
            (IpAddr::V4(address), IpAddr::V4(network)) => {
                begins_alike(address.to_bits().into(), network.to_bits().into(), bits, 32)
            }
            (IpAddr::V6(address), IpAddr::V6(network)) => begins_alike(address.to_bits(), network.to_bits(), bits, 128),
            _ => false,
        },
        (Some(_), None) => false,
    })
}

fn begins_alike(one: u128, other: u128, bits: u32, of: u32) -> bool {
    (one ^ other).checked_shr(of - bits).unwrap_or(0) == 0
}

/// An address or a network, and how many bits of it count.
fn network(entry: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = match entry.split_once('/') {
        None => (entry.parse().ok()?, None),
        Some((address, bits)) => {
            let plain = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
            (address.parse().ok()?, Some(bits.parse().ok().filter(|_| plain)?))
        }
    };
    let of = if matches!(address, IpAddr::V4(_)) { 32 } else { 128 };
    let bits = bits.unwrap_or(of);
    (bits <= of).then_some((address, bits))
}

pub(super) fn check_trusted(value: &str) -> Result<()> {
    match list(value).find(|entry| *entry != "unix" && network(entry).is_none()) {
        Some(bad) => Err(Error::new(Id::TrustedProxy, [bad.into()])),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_networks_and_unix_sockets_are_told_apart() {
        let list = "127.0.0.1, 10.0.0.0/8 ,2001:db8::/33,fe80::1, unix, 192.0.2.128/25";
        let ip = |text: &str| Some(text.parse().unwrap());
        for good in ["127.0.0.1", "::ffff:127.0.0.1", "10.255.0.1", "2001:db8:7fff::9", "fe80::1", "192.0.2.200"] {
            assert!(is_trusted(list, ip(good)), "{good}");
        }
        for bad in ["127.0.0.2", "11.0.0.1", "2001:db8:8000::", "fe80::2", "192.0.2.1", "::1"] {
            assert!(!is_trusted(list, ip(bad)), "{bad}");
        }
        assert!(is_trusted(list, None) && !is_trusted("127.0.0.1", None) && !is_trusted("", ip("::1")));
        assert!(is_trusted("0.0.0.0/0", ip("8.8.8.8")) && !is_trusted("0.0.0.0/0", ip("::1")));
        assert!(is_trusted("::/0", ip("::1")) && !is_trusted("::/0", ip("8.8.8.8")));
    }

    #[test]
    fn what_is_neither_is_refused() {
        check_trusted("").unwrap();
        check_trusted(" unix , 10.0.0.0/8,::1").unwrap();
        for bad in ["proxy", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0/8", "10.0.0.0/+8", "unix:/a", "10.0.0.1:80"]
        {
            assert_eq!(check_trusted(bad).unwrap_err().id(), Id::TrustedProxy, "{bad}");
        }
    }
}
