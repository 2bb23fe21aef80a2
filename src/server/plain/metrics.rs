//! The server's figures as Prometheus reads them (text format 0.0.4).

use super::super::Shared;
use crate::engine::lock;
use crate::error::{Language, Result};
use serde_json::Value;
use std::fmt::Write;
use std::time::UNIX_EPOCH;

/// The type of that text.
pub(super) const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A figure of Statistics: name, what it is, its key there.
type Figure = (&'static str, &'static str, &'static str);

const GAUGES: &[Figure] = &[
    ("websocket_connections", "Open connections.", "connections"),
    ("websocket_sessions_waiting", "Sessions that wait for their connection to come back.", "sessions_waiting"),
    ("websocket_receive_queue_messages", "Messages received and not yet taken by the host.", "queued_in"),
    ("websocket_receive_queue_bytes", "Bytes received and not yet taken by the host.", "queued_in_bytes"),
    ("websocket_send_queue_bytes", "Bytes that wait to be sent.", "queued_out_bytes"),
];

const COUNTERS: &[Figure] = &[
    ("websocket_connects_total", "Connections opened.", "connects"),
    ("websocket_received_messages_total", "Messages received.", "messages_in"),
    ("websocket_sent_messages_total", "Messages sent.", "messages_out"),
    ("websocket_received_bytes_total", "Bytes of messages received, compressed as they came.", "bytes_in"),
    ("websocket_sent_bytes_total", "Bytes of messages sent, compressed as they went.", "bytes_out"),
    ("websocket_pings_total", "Pings sent.", "pings"),
];

/// A label takes few values, all of them ours: nothing here has to be escaped.
const LABELLED: &[(&str, &str, &str, &str)] = &[
    ("websocket_rejected_total", "Connections rejected, by HTTP status or reason.", "rejected", "reason"),
    ("websocket_closes_total", "Connections ended, by close code.", "closes", "code"),
];

impl Shared {
    pub(in crate::server) fn metrics(&self) -> Result<String> {
        let figures = self.figures(Language::English)?;
        let mut out = String::new();
        for (kind, rows) in [("gauge", GAUGES), ("counter", COUNTERS)] {
            for (name, help, key) in rows {
                begin(&mut out, name, help, kind);
                sample(&mut out, name, None, &figures[key]);
            }
        }
        for (name, help, key, label) in LABELLED {
            begin(&mut out, name, help, "counter");
            for (value, count) in figures[key].as_object().into_iter().flatten() {
                sample(&mut out, name, Some((label, value)), count);
            }
        }
        let name = "websocket_http_answers_total";
        begin(&mut out, name, "Answers to requests of plain HTTP, by status.", "counter");
        for (status, count) in lock(&self.plain_answers).iter() {
            sample(&mut out, name, Some(("status", &status.to_string())), &Value::from(*count));
        }
        let name = "websocket_start_time_seconds";
        begin(&mut out, name, "When the server object was made, in seconds since 1970.", "gauge");
        let made = self.totals.started_at().duration_since(UNIX_EPOCH).unwrap_or_default();
        sample(&mut out, name, None, &Value::from(made.as_secs()));
        let name = "websocket_build_info";
        begin(&mut out, name, "The library's version.", "gauge");
        sample(&mut out, name, Some(("version", env!("CARGO_PKG_VERSION"))), &Value::from(1));
        Ok(out)
    }
}

// Writing to a String cannot fail.
fn begin(out: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn sample(out: &mut String, name: &str, label: Option<(&str, &str)>, value: &Value) {
    let _ = match label {
        Some((label, text)) => writeln!(out, "{name}{{{label}=\"{text}\"}} {value}"),
        None => writeln!(out, "{name} {value}"),
    };
}
