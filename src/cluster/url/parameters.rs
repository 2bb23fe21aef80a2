//! What stands behind the `?`: `name=value` with `&` between, each name once.

use super::{Login, decode, encode};
use crate::error::{Error, Id, Result};
use std::fmt::Write;
use std::time::Duration;

/// What the servers of a cluster agree on, and how the broker is spoken to.
#[derive(Clone, PartialEq, Eq)]
pub struct Parameters {
    /// Servers with the same prefix at the same broker are one cluster.
    pub prefix: String,
    /// What this server is called; empty: host:port that it listens on.
    pub name: String,
    /// A server unheard of for so long is dead.
    pub lease: Duration,
    /// How long a call waits for the broker's answer.
    pub timeout: Duration,
    /// Bytes of waiting messages of all names together.
    pub memory: u64,
    /// Bytes of the log.
    pub log: u64,
    /// Authorities, as for the client object; empty: those of the system.
    pub ca: String,
    pub certificate: String,
    pub key: String,
    /// Whether the broker's certificate must be good.
    pub verify: bool,
    /// Of the Sentinels: the login before the hosts is the broker's.
    pub sentinel: Login,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            prefix: "websocket".to_owned(),
            name: String::new(),
            lease: Duration::from_millis(6000),
            timeout: Duration::from_millis(1000),
            memory: 256 << 20,
            log: 64 << 20,
            ca: String::new(),
            certificate: String::new(),
            key: String::new(),
            verify: true,
            sentinel: Login::default(),
        }
    }
}

/// Of a beat, a third of the lease, several fit into what nobody waits for.
const LEASE: (u64, u64) = (2000, 60_000);
const TIMEOUT: (u64, u64) = (10, 60_000);
/// At least one message of the greatest size, 16 MiB; at most what scripts count exactly.
const BYTES: (u64, u64) = (32 << 20, 1 << 50);
/// A prefix is part of every key.
const PREFIX: usize = 64;
const NAME: usize = 255;

impl Parameters {
    pub(super) fn read(query: Option<&str>, tls: bool, sentinel: bool) -> Result<Self> {
        let mut all = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if seen.contains(&name) {
                return Err(Error::new(Id::ParameterUnknown, [name.into()]));
            }
            let needs_tls = ["ca", "cert", "key", "verify"].contains(&name);
            if needs_tls && !tls {
                return Err(Error::new(Id::ClusterParameterScheme, [name.into(), "rediss://".into()]));
            }
            if name.starts_with("sentinel_") && !sentinel {
                return Err(Error::new(Id::ClusterParameterScheme, [name.into(), "redis+sentinel://".into()]));
            }
            all.set(name, &decode(value)?)?;
            seen.push(name);
        }
        if all.certificate.is_empty() && !all.key.is_empty() {
            return Err(Id::ClusterParameterKey.into());
        }
        match all.sentinel.password.is_empty() && !all.sentinel.user.is_empty() {
            true => Err(Id::ClusterUrlPassword.into()),
            false => Ok(all),
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match name {
            "prefix" => {
                let fits = (1..=PREFIX).contains(&value.len()) && !value.contains(['{', '}']);
                self.prefix = text(name, value, fits)?;
            }
            "name" => self.name = text(name, value, (1..=NAME).contains(&value.len()))?,
            "lease" => self.lease = Duration::from_millis(number(name, value, LEASE)?),
            "timeout" => self.timeout = Duration::from_millis(number(name, value, TIMEOUT)?),
            "memory" => self.memory = number(name, value, BYTES)?,
            "log" => self.log = number(name, value, BYTES)?,
            "ca" => self.ca = value.to_owned(),
            "cert" => self.certificate = value.to_owned(),
            "key" => self.key = value.to_owned(),
            "verify" => {
                self.verify = match value {
                    "true" | "1" => true,
                    "false" | "0" => false,
                    _ => return Err(Error::new(Id::BadValue, [name.into(), value.into(), "true, false".into()])),
                }
            }
            "sentinel_user" => self.sentinel.user = value.to_owned(),
            "sentinel_password" => self.sentinel.password = value.to_owned(),
            _ => return Err(Error::new(Id::ParameterUnknown, [name.into()])),
        }
        Ok(())
    }

    /// What differs from the defaults.
    pub(super) fn shown(&self) -> String {
        let default = Self::default();
        let mut shown = String::new();
        let mut add = |name: &str, value: &dyn std::fmt::Display, differs: bool| {
            if differs {
                let sign = if shown.is_empty() { '?' } else { '&' };
                // Writing into a string does not fail.
                let _ = write!(shown, "{sign}{name}={value}");
            }
        };
        let number = |duration: Duration| duration.as_millis();
        add("prefix", &encode(&self.prefix), self.prefix != default.prefix);
        add("name", &encode(&self.name), self.name != default.name);
        add("lease", &number(self.lease), self.lease != default.lease);
        add("timeout", &number(self.timeout), self.timeout != default.timeout);
        add("memory", &self.memory, self.memory != default.memory);
        add("log", &self.log, self.log != default.log);
        add("ca", &encode(&self.ca), !self.ca.is_empty());
        add("cert", &encode(&self.certificate), !self.certificate.is_empty());
        // A key may be given as its text.
        let key = if self.key.contains("PRIVATE KEY") { "***".to_owned() } else { encode(&self.key).to_string() };
        add("key", &key, !self.key.is_empty());
        add("verify", &self.verify, !self.verify);
        add("sentinel_user", &encode(&self.sentinel.user), !self.sentinel.user.is_empty());
        add("sentinel_password", &"***", !self.sentinel.password.is_empty());
        shown
    }
}

fn text(name: &str, value: &str, fits: bool) -> Result<String> {
    if fits { Ok(value.to_owned()) } else { Err(Error::new(Id::ClusterParameterText, [name.into(), value.into()])) }
}

fn number(name: &str, value: &str, (least, most): (u64, u64)) -> Result<u64> {
    let digits = value.bytes().all(|digit| digit.is_ascii_digit());
    let number = value.parse().ok().filter(|number| digits && (least..=most).contains(number));
    number.ok_or_else(|| Error::new(Id::OutOfRange, [name.into(), value.into(), least.into(), most.into()]))
}
