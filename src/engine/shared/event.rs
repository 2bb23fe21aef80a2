//! What an object tells its host.

use crate::error::{Error, Language};
use crate::ws::{Message, MessageKind};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Why a connection ended: the peer's words, or our own error, whose text is made when it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    Text(String),
    Ours(Error),
}

impl Reason {
    pub fn none() -> Self {
        Reason::Text(String::new())
    }

    pub fn text(&self, language: Language) -> Cow<'_, str> {
        match self {
            Reason::Text(text) => Cow::Borrowed(text),
            Reason::Ours(error) => Cow::Owned(error.text(language)),
        }
    }
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseInfo {
    /// RFC 6455 section 7.4; 1005 when the peer's close frame had no code, 1006 when there was none.
    pub code: u16,
    pub reason: Reason,
    /// Both close frames were exchanged.
    pub clean: bool,
}

/// The data of an `open` event, made only when it is read: a host that takes messages alone never asks for it.
pub struct OpenInfo(Arc<dyn OpenJson>);

/// The JSON of an `open`, the same however late it is asked for.
pub trait OpenJson: Send + Sync {
    fn open_json(&self) -> String;
}

impl<F: Fn() -> String + Send + Sync> OpenJson for F {
    fn open_json(&self) -> String {
        self()
    }
}

impl OpenInfo {
    /// Of a source that exists anyway: it takes no memory of its own, and there may be many thousands of them.
    pub fn of(source: Arc<dyn OpenJson>) -> Self {
        Self(source)
    }

    /// `json` must give the same however late it is asked.
    pub fn new(json: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(json))
    }

    pub fn json(&self) -> String {
        self.0.open_json()
    }
}

impl fmt::Debug for OpenInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.json())
    }
}

/// The body of an [`Event`].
#[derive(Debug)]
pub enum Body {
    /// JSON: a client's `{"url","protocol","extensions","attempt"}`, a server's ConnectionInfo.
    Open(OpenInfo),
    /// An incoming connection waits for the host to accept it. JSON: ConnectionInfo.
    Pending(String),
    Message(Message),
    Close(CloseInfo),
    Error(Error),
    /// JSON of a session that ended with messages waiting: `{"name","messages"}`.
    Expired(String),
    /// A send queue that was full is less than half full.
    Drained,
}

/// One entry of an object's queue.
#[derive(Debug)]
pub struct Event {
    /// The server's connection id; 0 for a client's events and for errors that belong to no connection.
    pub connection: u64,
    pub body: Body,
}

/// The data of an event as the faces hand it over.
#[derive(Debug)]
pub enum EventData<'a> {
    Text(Cow<'a, [u8]>),
    Binary(&'a [u8]),
}

impl Event {
    /// The event's name, the same in every language.
    pub fn name(&self) -> &'static str {
        match self.body {
            Body::Open(_) => "open",
            Body::Pending(_) => "pending",
            Body::Message(_) => "message",
            Body::Close(_) => "close",
            Body::Error(_) => "error",
            Body::Expired(_) => "expired",
            Body::Drained => "drained",
        }
    }

    /// The data: UTF-8 bytes of a text, or the bytes of a binary message.
    pub fn data(&self, language: Language) -> EventData<'_> {
        match &self.body {
            Body::Open(open_info) => EventData::Text(Cow::Owned(open_info.json().into_bytes())),
            Body::Drained => EventData::Text(Cow::Borrowed(b"")),
            Body::Pending(json) | Body::Expired(json) => EventData::Text(Cow::Borrowed(json.as_bytes())),
            Body::Message(message) => match message.kind() {
                MessageKind::Text => EventData::Text(Cow::Borrowed(message.data())),
                MessageKind::Binary => EventData::Binary(message.data()),
            },
            Body::Close(close_info) => EventData::Text(Cow::Owned(
                serde_json::json!({
                    "code": close_info.code,
                    "reason": close_info.reason.text(language),
                    "clean": close_info.clean,
                })
                .to_string()
                .into_bytes(),
            )),
            Body::Error(error) => EventData::Text(Cow::Owned(error.text(language).into_bytes())),
        }
    }

    pub fn message(&self) -> Option<&Message> {
        match &self.body {
            Body::Message(message) => Some(message),
            Body::Open(_) | Body::Pending(_) | Body::Close(_) | Body::Error(_) | Body::Expired(_) | Body::Drained => {
                None
            }
        }
    }
}

/// What a waiting call came back with.
#[derive(Debug)]
pub enum Outcome<T> {
    Got(T),
    /// Nothing within the time given.
    Timeout,
    /// The object has ended (or not begun) and its queue is empty.
    Closed,
}
