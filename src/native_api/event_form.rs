//! How an event looks to the host: its name and its data.
//!
//! A text for the host takes several times the memory of its message, so all of it is made in memory that may be
//! refused: NO_MEMORY then, and the event is as it was.

use super::convert;
use super::units::Units;
use crate::engine::{Body, Event, EventData};
use crate::error::{Language, Result};
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
    /// An event in the host's form: its name and its data, which is NUL-terminated.
    pub fn put(self, event: &Event, language: Language) -> Result<(&'static str, Vec<u16>)> {
        match (&event.body, self) {
            (Body::Message(message), HostEvents::Plain) => plain(message),
            (Body::Message(message), HostEvents::WithId) => with_id(event.connection, message),
            (_, form) => Ok((event.name(), Units::of(&form.other(event, language))?)),
        }
    }

    /// The data of an event that is no message. Short: what a head or a close frame may hold at most.
    fn other(self, event: &Event, language: Language) -> String {
        match (&event.body, self) {
            (_, HostEvents::Plain) => event_text(event, language),
            (Body::Open(opening), HostEvents::WithId) => opening.json(),
            (Body::Pending(json), HostEvents::WithId) => json.clone(),
            (_, HostEvents::WithId) => {
                let text = event_text(event, language);
                let mut value = json!({ "id": event.connection });
                match serde_json::from_str::<Value>(&text) {
                    Ok(Value::Object(fields)) => {
                        if let Some(value) = value.as_object_mut() {
                            value.extend(fields);
                        }
                    }
                    Err(_) if text.is_empty() => {}
                    Ok(_) | Err(_) => value["text"] = Value::from(text),
                }
                value.to_string()
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
fn name_of(message: &Message) -> &'static str {
    match message.kind() {
        MessageKind::Binary => "binary",
        MessageKind::Text if message.data().contains(&0) => "text64",
        MessageKind::Text => "message",
    }
}

fn plain(message: &Message) -> Result<(&'static str, Vec<u16>)> {
    let (name, data) = (name_of(message), message.data());
    let mut units;
    if name == "message" {
        units = Units::room_for(convert::utf16_len(data))?;
        units.text(data)?;
    } else {
        units = Units::room_for(Units::base64_len(data.len()))?;
        units.base64(data)?;
    }
    Ok((name, units.finish()?))
}

/// What stands around the data in JSON.
const FRAME: usize = 64;

fn with_id(connection: u64, message: &Message) -> Result<(&'static str, Vec<u16>)> {
    let (name, data) = (name_of(message), message.data());
    let head = format!("{{\"id\":{connection},\"data\":");
    let mut units;
    if name == "message" {
        units = Units::room_for(convert::utf16_len(data) + FRAME)?;
        units.text(head.as_bytes())?;
        // It is UTF-8: that is checked where a text message is made.
        units.quoted(std::str::from_utf8(data).unwrap_or_default())?;
    } else {
        units = Units::room_for(Units::base64_len(data.len()) + FRAME)?;
        units.text(head.as_bytes())?;
        units.text(b"\"")?;
        units.base64(data)?;
        units.text(b"\"")?;
    }
    units.text(b"}")?;
    Ok((name, units.finish()?))
}
