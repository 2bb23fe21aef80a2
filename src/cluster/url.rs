//! The setting `Cluster`: where the broker is, and what the servers that share it agree on.
//!
//! `redis[s]://[user[:password]@]host[:6379][/db][?…]`, or with Sentinels, which tell who the primary is:
//! `redis[s]+sentinel://[user[:password]@]host:26379,host:26379/service[/db][?…]`.

mod parameters;
#[cfg(test)]
mod tests;

pub use parameters::Parameters;

use crate::error::{Error, Id, Result};
use crate::host::Host;
use std::fmt;
use std::fmt::Write;

/// A broker and how it is used. What it shows of itself never holds a password.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterUrl {
    pub tls: bool,
    pub broker: Broker,
    /// Of the broker, also where Sentinels stand before it.
    pub login: Login,
    pub database: u32,
    pub parameters: Parameters,
}

/// Who is dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broker {
    One(Address),
    Sentinels { addresses: Vec<Address>, service: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub host: Host,
    pub port: u16,
}

/// What AUTH gets. No user is the broker's default user; no password, no AUTH.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub password: String,
}

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;
/// Sentinels that are named at most.
const SENTINELS: usize = 16;
/// The longest URL.
const LONGEST: usize = 8192;
/// What a URL may be made of beside its delimiters.
const UNRESERVED: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl ClusterUrl {
    /// # Errors
    /// `ClusterUrl` with the reason; its text holds no password.
    pub fn parse(text: &str) -> Result<Self> {
        read(text).map_err(|why| Error::new(Id::ClusterUrl, [redact(text).into()]).because(why))
    }

    /// As it was meant, with `***` for each password.
    pub fn shown(&self) -> String {
        let mut shown = String::from(if self.tls { "rediss" } else { "redis" });
        let addresses = match &self.broker {
            Broker::One(address) => std::slice::from_ref(address),
            Broker::Sentinels { addresses, .. } => {
                shown.push_str("+sentinel");
                addresses.as_slice()
            }
        };
        shown.push_str("://");
        shown.push_str(&self.login.shown());
        for (at, address) in addresses.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            // Writing into a string does not fail.
            let _ = write!(shown, "{comma}{}:{}", address.host, address.port);
        }
        if let Broker::Sentinels { service, .. } = &self.broker {
            let _ = write!(shown, "/{}", encode(service));
        }
        if self.database > 0 {
            let _ = write!(shown, "/{}", self.database);
        }
        shown + &self.parameters.shown()
    }
}

impl fmt::Debug for ClusterUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Login {
    fn shown(&self) -> String {
        match (self.user.is_empty(), self.password.is_empty()) {
            (true, true) => String::new(),
            (false, true) => format!("{}@", encode(&self.user)),
            (_, false) => format!("{}:***@", encode(&self.user)),
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

fn read(text: &str) -> Result<ClusterUrl> {
    if text.len() > LONGEST || text.chars().any(|c| c.is_control() || c == ' ') || text.contains('#') {
        return Err(Id::ClusterUrlForm.into());
    }
    let (scheme, rest) = text.split_once("://").ok_or(Id::ClusterUrlForm)?;
    let (tls, sentinel) = match scheme.to_ascii_lowercase().as_str() {
        "redis" => (false, false),
        "rediss" => (true, false),
        "redis+sentinel" => (false, true),
        "rediss+sentinel" => (true, true),
        _ => return Err(Error::new(Id::ClusterUrlScheme, [scheme.into()])),
    };
    let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
    // A password may hold a slash that was not encoded.
    let (userinfo, place) = place.rsplit_once('@').map_or((None, place), |(userinfo, place)| (Some(userinfo), place));
    let login = userinfo.map(login).transpose()?.unwrap_or_default();
    let (hosts, path) = place.split_once('/').map_or((place, ""), |(hosts, path)| (hosts, path));
    let (broker, database) = if sentinel {
        let addresses = hosts.split(',').map(|host| address(host, SENTINEL_PORT)).collect::<Result<Vec<_>>>()?;
        let (service, database) = path.split_once('/').map_or((path, ""), |(service, database)| (service, database));
        let service = decode(service)?;
        if addresses.len() > SENTINELS || service.is_empty() {
            return Err(Id::ClusterUrlSentinel.into());
        }
        (Broker::Sentinels { addresses, service }, database)
    } else {
        (Broker::One(address(hosts, PORT)?), path)
    };
    let database = match database {
        "" => 0,
        digits if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            digits.parse().map_err(|_| Id::ClusterUrlDatabase)?
        }
        _ => return Err(Id::ClusterUrlDatabase.into()),
    };
    Ok(ClusterUrl { tls, broker, login, database, parameters: Parameters::read(query, tls, sentinel)? })
}

fn address(text: &str, port: u16) -> Result<Address> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, digits)) if !digits.contains(']') => {
            let port = digits.parse().ok().filter(|port| *port > 0 && !digits.starts_with('+'));
            (host, port.ok_or(Id::ClusterUrlPort)?)
        }
        _ => (text, port),
    };
    let host = Host::parse(host).filter(|_| !host.contains(',')).ok_or(Id::UrlHost)?;
    Ok(Address { host, port })
}

fn login(userinfo: &str) -> Result<Login> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let login = Login { user: decode(user)?, password: decode(password)? };
    // There is no AUTH with a user alone.
    if login.password.is_empty() && !login.user.is_empty() { Err(Id::ClusterUrlPassword.into()) } else { Ok(login) }
}

fn decode(text: &str) -> Result<String> {
    let text = percent_encoding::percent_decode_str(text).decode_utf8().map_err(|_| Id::ClusterUrlEncoding)?;
    if text.contains(char::is_control) { Err(Id::ClusterUrlEncoding.into()) } else { Ok(text.into_owned()) }
}

fn encode(text: &str) -> impl fmt::Display {
    percent_encoding::utf8_percent_encode(text, UNRESERVED)
}

/// What cannot be read, without what could be a password: only the scheme and what stands behind the last `@`.
fn redact(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+') => {
            (format!("{scheme}://"), rest)
        }
        _ => (String::new(), text),
    };
    let (hidden, place) = rest.rsplit_once('@').map_or(("", rest), |(_, place)| ("***@", place));
    let (place, query) = place.split_once('?').map_or((place, ""), |(place, _)| (place, "?***"));
    format!("{scheme}{hidden}{place}{query}").chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
