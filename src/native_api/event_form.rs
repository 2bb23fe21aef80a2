//! How an event looks to the host: its name and its data.

use crate::engine::{Body, Event, EventData};
use crate::error::Language;
use crate::ws::{Message, MessageKind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

/// How a class puts an event's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostEvents {
    /// The data alone.
    Plain,
    /// JSON that begins with the connection's number.
    WithId,
}

impl HostEvents {
    /// An event in the host's form: its name and its data.
    pub fn put(self, event: &Event, language: Language) -> (&'static str, String) {
        match (&event.body, self) {
            (Body::Message(message), HostEvents::Plain) => plain(message),
            (Body::Message(message), HostEvents::WithId) => with_id(event.connection, message),
            (_, HostEvents::Plain) => (event.name(), event_text(event, language)),
            (Body::Open(opening), HostEvents::WithId) => (event.name(), opening.json()),
            (Body::Pending(json), HostEvents::WithId) => (event.name(), json.clone()),
            (_, HostEvents::WithId) => {
                let text = event_text(event, language);
                let mut value = json!({ "id": event.connection });
                match serde_json::from_str::<Value>(&text) {
                    Ok(Value::Object(fields)) => {
                        if let Some(value) = value.as_object_mut() {
                            value.extend(fields);
                        }
                    }
                    Ok(_) | Err(_) => value["text"] = Value::from(text),
                }
                (event.name(), value.to_string())
            }
        }
    }
}

fn event_text(event: &Event, language: Language) -> String {
    match event.data(language) {
        EventData::Text(text) => String::from_utf8_lossy(&text).into_owned(),
        EventData::Binary(bytes) => BASE64.encode(bytes),
    }
}

/// The host takes NUL-terminated strings: a text that holds a NUL goes as base64 under its own name.
fn plain(message: &Message) -> (&'static str, String) {
    match message.kind() {
        MessageKind::Binary => ("binary", BASE64.encode(message.data())),
        MessageKind::Text if message.data().contains(&0) => ("text64", BASE64.encode(message.data())),
        MessageKind::Text => ("message", String::from_utf8_lossy(message.data()).into_owned()),
    }
}

fn with_id(connection: u64, message: &Message) -> (&'static str, String) {
    let (name, data) = plain(message);
    (name, json!({ "id": connection, "data": data }).to_string())
}
