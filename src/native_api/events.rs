//! External events of one object: what is offered to the host, and what the host refuses stays with us.

use super::host::Services;
use super::pump::{self, Subscription};
use crate::engine::{Body, Event, Watchable, lock};
use crate::error::{Arg, Error, Id, Language, Result};
use crate::ws::{Message, MessageKind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// Events that the host keeps for a script that is busy; it begins with 1.
const DEPTH: i32 = 1024;
/// Events of one object in a turn, so that a flood does not hold up the others.
const TURN: usize = 64;

/// How a class puts an event's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostEvents {
    /// The data alone.
    Plain,
    /// JSON that begins with the connection's number.
    WithId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Off,
    Data,
    Doorbell,
}

/// What an object's turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing more to offer.
    Idle,
    More,
    /// The host's queue is full, but it has taken something before.
    Filled,
    /// The host's queue is full.
    Refused,
}

/// What may be offered, guarded so that stopping waits for an offer under way.
struct Delivery {
    services: Option<Services>,
}

/// The external events of one object.
pub(super) struct Port {
    watchable: Watchable,
    form: HostEvents,
    mode: AtomicU8,
    english: AtomicBool,
    /// A doorbell has been accepted and nothing was taken since.
    outstanding: AtomicBool,
    source: Mutex<String>,
    delivery: Mutex<Delivery>,
    subscription: Mutex<Option<Subscription>>,
}

impl Port {
    pub fn new(watchable: Watchable, form: HostEvents, class: &str) -> Arc<Self> {
        Arc::new(Self {
            watchable,
            form,
            mode: AtomicU8::new(Mode::Off as u8),
            english: AtomicBool::new(false),
            outstanding: AtomicBool::new(false),
            source: Mutex::new(format!("WebSocket.{class}")),
            delivery: Mutex::new(Delivery { services: None }),
            subscription: Mutex::new(None),
        })
    }

    fn mode(&self) -> Mode {
        match self.mode.load(SeqCst) {
            1 => Mode::Data,
            2 => Mode::Doorbell,
            _ => Mode::Off,
        }
    }

    pub fn mode_name(&self) -> &'static str {
        match self.mode() {
            Mode::Off => "",
            Mode::Data => "data",
            Mode::Doorbell => "doorbell",
        }
    }

    /// Whether every event goes to the host, so that the script has nothing to take.
    pub fn takes_all(&self) -> bool {
        self.mode() == Mode::Data
    }

    pub fn source(&self) -> String {
        lock(&self.source).clone()
    }

    pub fn set_source(&self, source: String) {
        *lock(&self.source) = source;
    }

    pub fn set_language(&self, language: Language) {
        self.english.store(language == Language::English, SeqCst);
    }

    /// Switches external events on, over or off.
    pub fn switch(self: &Arc<Self>, wanted: &str, services: Option<Services>, language: Language) -> Result<()> {
        let name = Arg::Both { en: "ExternalEvents", ru: "ВнешниеСобытия" };
        let mode = match wanted {
            "" => Mode::Off,
            "data" => Mode::Data,
            "doorbell" => Mode::Doorbell,
            other => return Err(Error::new(Id::BadValue, [name, other.into(), "\"\", data, doorbell".into()])),
        };
        if mode == Mode::Off {
            self.stop();
            return Ok(());
        }
        let services = services.filter(|services| !services.is_server_side());
        let services = services.ok_or_else(|| Error::new(Id::Unsupported, [name]))?;
        if services.event_depth() < DEPTH.into() {
            services.set_event_depth(DEPTH.into());
        }
        self.set_language(language);
        let mut subscription = lock(&self.subscription);
        self.outstanding.store(false, SeqCst);
        lock(&self.delivery).services = Some(services);
        self.mode.store(mode as u8, SeqCst);
        match &*subscription {
            Some(_) => pump::ring(),
            None => *subscription = Some(pump::subscribe(self, &self.watchable)?),
        }
        Ok(())
    }

    /// Switches external events off. When it returns the host is not called any more, unless this is a call that the
    /// host makes from inside an event.
    pub fn stop(&self) {
        self.mode.store(Mode::Off as u8, SeqCst);
        let subscription = lock(&self.subscription).take();
        if !pump::on_pump_thread() {
            // Waits for an offer under way.
            lock(&self.delivery).services = None;
        }
        // Joins the thread when this was the last object.
        drop(subscription);
    }

    /// The script has taken something: the doorbell may ring again for what is left.
    pub fn taken(&self) {
        if self.mode() == Mode::Doorbell && self.outstanding.swap(false, SeqCst) {
            pump::ring();
        }
    }

    /// Offers what waits to the host. On the pump's thread.
    pub fn turn(&self) -> Turn {
        let delivery = lock(&self.delivery);
        let Some(services) = delivery.services else { return Turn::Idle };
        for offered in 0..TURN {
            match self.mode() {
                Mode::Off => return Turn::Idle,
                Mode::Doorbell => return self.ring(services),
                Mode::Data => {}
            }
            let Some(event) = self.watchable.take() else { return Turn::Idle };
            let (name, data) = self.put(&event);
            if !services.external_event(&self.source(), name, &data) {
                self.watchable.put_back(event);
                return if offered == 0 { Turn::Refused } else { Turn::Filled };
            }
        }
        Turn::More
    }

    fn ring(&self, services: Services) -> Turn {
        if !self.watchable.has_events() || self.outstanding.swap(true, SeqCst) {
            return Turn::Idle;
        }
        if services.external_event(&self.source(), "doorbell", "") {
            return Turn::Idle;
        }
        self.outstanding.store(false, SeqCst);
        Turn::Refused
    }

    /// An event in the host's form: its name and its data.
    fn put(&self, event: &Event) -> (&'static str, String) {
        let language = if self.english.load(SeqCst) { Language::English } else { Language::Russian };
        match (&event.body, self.form) {
            (Body::Message(message), HostEvents::Plain) => plain(message),
            (Body::Message(message), HostEvents::WithId) => with_id(event.connection, message),
            (_, HostEvents::Plain) => (event.name(), event_text(event, language)),
            (Body::Open(json), HostEvents::WithId) => (event.name(), json.clone()),
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
        crate::engine::EventData::Text(text) => String::from_utf8_lossy(&text).into_owned(),
        crate::engine::EventData::Binary(bytes) => BASE64.encode(bytes),
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
