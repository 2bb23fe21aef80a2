//! What Statistics and ConnectionInfo tell.

use super::state::Connection;
use crate::engine::shared::{Counters, OpenJson, lock, serial};
use crate::log::iso;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// The sums over an object's ended connections, and what happened to them.
pub struct Totals {
    /// The object's number in this process.
    pub serial: u64,
    messages_in: AtomicU64,
    messages_out: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    pings: AtomicU64,
    closes: Mutex<BTreeMap<u16, u64>>,
    rejected: Mutex<BTreeMap<String, u64>>,
    started_at: SystemTime,
}

impl Default for Totals {
    fn default() -> Self {
        Self {
            serial: serial(),
            messages_in: AtomicU64::new(0),
            messages_out: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            pings: AtomicU64::new(0),
            closes: Mutex::default(),
            rejected: Mutex::default(),
            started_at: SystemTime::now(),
        }
    }
}

impl Totals {
    /// Keeps the figures of a connection that has ended.
    pub fn add_end(&self, connection: &Connection, code: u16) {
        // Under the lock, so that no sum counts it twice or not at all.
        let mut closes = lock(&self.closes);
        for (total, counter) in self.pairs(&connection.counters) {
            total.fetch_add(counter.load(Relaxed), Relaxed);
        }
        connection.counted.store(true, Relaxed);
        *closes.entry(code).or_default() += 1;
    }

    pub fn add_rejected(&self, reason: String) {
        *lock(&self.rejected).entry(reason).or_default() += 1;
    }

    /// When the object was made.
    pub fn started_at(&self) -> SystemTime {
        self.started_at
    }

    fn pairs<'a>(&'a self, counters: &'a Counters) -> [(&'a AtomicU64, &'a AtomicU64); 5] {
        [
            (&self.messages_in, &counters.messages_in),
            (&self.messages_out, &counters.messages_out),
            (&self.bytes_in, &counters.bytes_in),
            (&self.bytes_out, &counters.bytes_out),
            (&self.pings, &counters.pings),
        ]
    }

    /// The figures that both objects have; `live` are the connections that have not ended, and so many messages and bytes
    /// wait to be received.
    pub fn json<'a>(
        &self,
        live: impl Iterator<Item = &'a Arc<Connection>>,
        (queued_in, queued_in_bytes): (usize, usize),
    ) -> Value {
        let mut queued_out_bytes = 0;
        let mut round_trip = None;
        // Looked at without the lock: of ten thousand that takes its time.
        let mut figures = Vec::new();
        for connection in live.filter(|connection| !connection.counted.load(Relaxed)) {
            figures.push((connection, self.pairs(&connection.counters).map(|(_, counter)| counter.load(Relaxed))));
            queued_out_bytes += connection.outbox.waiting().1;
            let latest = connection.counters.round_trip_ms.load(Relaxed);
            round_trip = round_trip.max((latest >= 0).then_some(latest));
        }
        let closes = lock(&self.closes);
        let mut sums = [&self.messages_in, &self.messages_out, &self.bytes_in, &self.bytes_out, &self.pings]
            .map(|total| total.load(Relaxed));
        // One that has ended meanwhile is in the sums.
        for (_, own) in figures.iter().filter(|(connection, _)| !connection.counted.load(Relaxed)) {
            for (sum, figure) in sums.iter_mut().zip(own) {
                *sum += figure;
            }
        }
        let counts = |map: &BTreeMap<String, u64>| -> Map<String, Value> {
            map.iter().map(|(key, count)| (key.clone(), json!(count))).collect()
        };
        let closes: BTreeMap<String, u64> = closes.iter().map(|(code, count)| (code.to_string(), *count)).collect();
        json!({
            "messages_in": sums[0],
            "messages_out": sums[1],
            "bytes_in": sums[2],
            "bytes_out": sums[3],
            "queued_in": queued_in,
            "queued_in_bytes": queued_in_bytes,
            "queued_out_bytes": queued_out_bytes,
            "pings": sums[4],
            "round_trip_ms": round_trip,
            "connects": 0,
            "reconnects": 0,
            "rejected": counts(&lock(&self.rejected)),
            "closes": counts(&closes),
            "connections": 0,
            "sessions_waiting": 0,
            "warnings": [],
            "started_at": iso(self.started_at),
        })
    }
}

/// ConnectionInfo of a server's connection.
pub fn connection_json(connection: &Connection, state: &str, with_headers: bool) -> Value {
    let counters = &connection.counters;
    let (queued_out, queued_out_bytes) = connection.outbox.waiting();
    let round_trip = counters.round_trip_ms.load(Relaxed);
    let figures = json!({
        "messages_in": counters.messages_in.load(Relaxed),
        "messages_out": counters.messages_out.load(Relaxed),
        "bytes_in": counters.bytes_in.load(Relaxed),
        "bytes_out": counters.bytes_out.load(Relaxed),
        "queued_in": connection.inbound().0,
        "queued_out": queued_out,
        "queued_out_bytes": queued_out_bytes,
        "round_trip_ms": (round_trip >= 0).then_some(round_trip),
    });
    with_figures(connection, state, with_headers, figures)
}

/// The same at the moment when it opened, with so many messages and bytes waiting for it.
pub fn opening_json(connection: &Connection, (queued_out, queued_out_bytes): (usize, usize)) -> Value {
    let figures = json!({
        "messages_in": 0,
        "messages_out": 0,
        "bytes_in": 0,
        "bytes_out": 0,
        "queued_in": 0,
        "queued_out": queued_out,
        "queued_out_bytes": queued_out_bytes,
        "round_trip_ms": null,
    });
    with_figures(connection, "open", true, figures)
}

/// ConnectionInfo of one that has no name, no groups and nothing waiting.
impl OpenJson for Connection {
    fn open_json(&self) -> String {
        opening_json(self, (0, 0)).to_string()
    }
}

fn with_figures(connection: &Connection, state: &str, with_headers: bool, figures: Value) -> Value {
    let info = connection.info();
    let request = info.and_then(|info| info.request.as_ref());
    let mut value = json!({
        "id": connection.id(),
        "name": "",
        "groups": [],
        "address": info.and_then(|info| info.address).map(|address| address.to_string()).unwrap_or_default(),
        "path": request.map_or("", |request| request.path()),
        "query": request.map_or("", |request| request.query()),
    });
    if with_headers {
        let mut headers = Map::new();
        for (name, text) in request.iter().flat_map(|request| request.headers()) {
            match headers.get_mut(&name.to_ascii_lowercase()) {
                Some(Value::String(before)) => {
                    before.push_str(", ");
                    before.push_str(&text);
                }
                _ => {
                    headers.insert(name.to_ascii_lowercase(), Value::from(text.into_owned()));
                }
            }
        }
        value["headers"] = Value::Object(headers);
    }
    let rest = json!({
        "protocol": info.map_or("", |info| info.protocol()),
        "extensions": info.map_or("", |info| info.extensions()),
        "secure": info.is_some_and(|info| info.secure()),
        "state": state,
        "connected_at": info.map(|info| iso(info.connected_at())),
    });
    let way = info.and_then(|info| info.way.as_ref());
    if let Some(proxy) = way.and_then(|way| way.proxy.as_ref()) {
        value["proxy"] = Value::from(proxy.to_string());
    }
    if let Some(certificate) = way.and_then(|way| way.certificate.as_ref()) {
        value["certificate"] = json!({
            "subject": certificate.subject,
            "issuer": certificate.issuer,
            "serial": certificate.serial,
            "sha256": certificate.sha256,
            "not_after": iso(certificate.not_after),
            "names": certificate.names,
        });
    }
    if let (Some(value), Value::Object(rest), Value::Object(figures)) = (value.as_object_mut(), rest, figures) {
        value.extend(rest.into_iter().chain(figures));
    }
    value
}
