//! The chat's server. Whatever text a client sends is what it says; its name is in the query of the URL, `?name=Anna`.
//! Everybody gets JSON: `welcome` (only the newcomer: its own `id`), `joined`, `left` and `said`.

use crate::addin::{self, EVENT_CLOSE, EVENT_MESSAGE, EVENT_OPEN, FOREVER, Message, NOT_RUNNING, Received, Server};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Mutex;

/// Longer names are cut: they are shown before every line.
const NAME_LENGTH: usize = 32;

/// The folder with the page.
const PAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/browser");

pub struct Chat {
    server: Server,
    /// Who is there, by connection.
    names: Mutex<HashMap<u64, String>>,
}

impl Chat {
    pub fn start(interface: &str, port: u16) -> addin::Result<Self> {
        let server = Server::new()?;
        // The page comes from where its WebSocket connection goes to.
        server.set_pages_folder(PAGES)?;
        server.run(interface, port)?;
        Ok(Self { server, names: Mutex::default() })
    }

    pub fn port(&self) -> addin::Result<u16> {
        self.server.port()
    }

    /// Closes every connection; `serve` returns then.
    pub fn stop(&self) {
        if let Err(failure) = self.server.stop() {
            eprintln!("demo: {failure}");
        }
    }

    /// Passes on what is said until the server is stopped; `show` gets the lines for the terminal.
    pub fn serve(&self, show: &dyn Fn(&str)) -> addin::Result<()> {
        loop {
            match self.server.receive_event(FOREVER)? {
                Received::Message(event) => self.take(&event, show)?,
                Received::Closed => return Ok(()),
                Received::Timeout => {}
            }
        }
    }

    fn take(&self, event: &Message, show: &dyn Fn(&str)) -> addin::Result<()> {
        let id = event.connection();
        match event.event() {
            EVENT_OPEN => {
                let name = name(event.text()).unwrap_or_else(|| format!("guest {id}"));
                let present = self.change(|names| names.insert(id, name.clone()));
                self.server.send_text(id, &json!({ "kind": "welcome", "id": id, "name": name }).to_string())?;
                show(&format!("* {name} joined, {present} here"));
                self.tell(&json!({ "kind": "joined", "id": id, "name": name, "present": present }))
            }
            EVENT_MESSAGE => {
                let text = match event.is_binary() {
                    true => format!("[{} bytes]", event.data().len()),
                    false => without_controls(event.text()),
                };
                let name = self.names.lock().unwrap().get(&id).cloned().unwrap_or_default();
                show(&format!("{name}: {text}"));
                self.say(id, &name, &text)
            }
            EVENT_CLOSE => {
                let mut name = None;
                let present = self.change(|names| name = names.remove(&id));
                let name = name.unwrap_or_default();
                let close: Value = serde_json::from_str(event.text()).unwrap_or_default();
                show(&format!("* {name} left ({}), {present} here", close["code"]));
                self.tell(&json!({ "kind": "left", "id": id, "name": name, "present": present }))
            }
            _ => Ok(()),
        }
    }

    /// What is typed into the terminal.
    pub fn say_from_terminal(&self, text: &str) {
        let text = without_controls(text);
        if !text.trim().is_empty()
            && let Err(failure) = self.say(0, "terminal", &text)
        {
            eprintln!("demo: {failure}");
        }
    }

    /// Ends one connection.
    pub fn dismiss(&self, id: u64, code: u16, reason: &str) -> addin::Result<bool> {
        self.server.disconnect(id, code, reason)
    }

    fn say(&self, id: u64, name: &str, text: &str) -> addin::Result<()> {
        self.tell(&json!({ "kind": "said", "id": id, "name": name, "text": text }))
    }

    fn tell(&self, what: &Value) -> addin::Result<()> {
        match self.server.broadcast_text(&what.to_string()) {
            // Stopped: nobody is left to be told.
            Err(failure) if failure.code != NOT_RUNNING => Err(failure),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// How many are there afterwards.
    fn change<T>(&self, change: impl FnOnce(&mut HashMap<u64, String>) -> T) -> usize {
        let mut names = self.names.lock().unwrap();
        change(&mut names);
        names.len()
    }
}

/// The name in the query of the newcomer's URL.
fn name(connection_info: &str) -> Option<String> {
    let info: Value = serde_json::from_str(connection_info).ok()?;
    let query = info["query"].as_str()?.as_bytes();
    let (_, name) = url::form_urlencoded::parse(query).find(|(key, _)| key == "name")?;
    let name: String = without_controls(&name).trim().chars().take(NAME_LENGTH).collect();
    (!name.is_empty()).then_some(name)
}

/// Nobody may move our cursor or colour our terminal from afar.
fn without_controls(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
