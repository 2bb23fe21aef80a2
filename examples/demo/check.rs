//! One scripted conversation through the library: the chat's server and two clients, both directions, close codes.

use crate::addin::{self, Client, EVENT_CLOSE, Received};
use crate::chat::Chat;
use serde_json::{Value, json};

/// Everything is on this machine; this only ends a check that hangs.
const DEADLINE: i64 = 10_000;

pub fn run() -> Result<(), String> {
    let library = addin::load()?;
    println!("websocket_addin {} from {}", addin::version(), library.display());
    let chat = Chat::start("127.0.0.1", 0).map_err(|failure| failure.text)?;
    std::thread::scope(|scope| {
        let served = scope.spawn(|| chat.serve(&|line| println!("    {line}")));
        let outcome = converse(&chat);
        chat.stop();
        served.join().map_err(|_| "the server's thread panicked")?.map_err(|failure| failure.text)?;
        outcome
    })?;
    println!("check passed");
    Ok(())
}

fn converse(chat: &Chat) -> Result<(), String> {
    let port = chat.port().map_err(|failure| failure.text)?;
    let url = |name: &str| format!("ws://127.0.0.1:{port}/?name={name}");
    let said = |id: u64, name: &str, text: &str| json!({ "kind": "said", "id": id, "name": name, "text": text });
    let joined = |id: u64, name: &str| json!({ "kind": "joined", "id": id, "name": name, "present": id });

    let anna = Person::new(&url("%D0%90%D0%BD%D0%BD%D0%B0"))?;
    anna.hears(&json!({ "kind": "welcome", "id": 1, "name": "Анна" }))?;
    anna.hears(&joined(1, "Анна"))?;
    let boris = Person::new(&url("Boris"))?;
    boris.hears(&json!({ "kind": "welcome", "id": 2, "name": "Boris" }))?;
    for person in [&anna, &boris] {
        person.hears(&joined(2, "Boris"))?;
    }
    passed("two clients are in, and know it");

    for (speaker, id, name, text) in [(&anna, 1, "Анна", "Привет 🙂"), (&boris, 2, "Boris", "Hello")] {
        speaker.0.send_text(text).map_err(|failure| failure.text)?;
        for person in [&anna, &boris] {
            person.hears(&said(id, name, text))?;
        }
    }
    boris.0.send_binary(&[0; 1000]).map_err(|failure| failure.text)?;
    for person in [&anna, &boris] {
        person.hears(&said(2, "Boris", "[1000 bytes]"))?;
    }
    passed("what a client says reaches everybody");

    chat.say_from_terminal("from the terminal");
    for person in [&anna, &boris] {
        person.hears(&said(0, "terminal", "from the terminal"))?;
    }
    passed("what is typed reaches everybody");

    same("a clean close", &boris.0.disconnect(1000, "bye").map_err(|failure| failure.text)?.into(), &json!(true))?;
    anna.hears(&json!({ "kind": "left", "id": 2, "name": "Boris", "present": 1 }))?;
    passed("a client closed with 1000, and the other heard of it");

    same(
        "a connection to close",
        &chat.dismiss(1, 4000, "конец").map_err(|failure| failure.text)?.into(),
        &json!(true),
    )?;
    same("the close", &anna.close()?, &json!({ "code": 4000, "reason": "конец", "clean": true }))?;
    passed("the server closed with 4000 and a reason");
    Ok(())
}

fn passed(what: &str) {
    println!("ok  {what}");
}

fn same(what: &str, got: &Value, wanted: &Value) -> Result<(), String> {
    if got == wanted { Ok(()) } else { Err(format!("{what}: got {got}, wanted {wanted}")) }
}

struct Person(Client);

impl Person {
    fn new(url: &str) -> Result<Self, String> {
        let client = Client::new().map_err(|failure| failure.text)?;
        client.connect(url).map_err(|failure| failure.text)?;
        Ok(Self(client))
    }

    /// The next message has to be this.
    fn hears(&self, wanted: &Value) -> Result<(), String> {
        match self.0.receive(DEADLINE).map_err(|failure| failure.text)? {
            Received::Message(message) => {
                let got = serde_json::from_str(message.text()).map_err(|error| error.to_string())?;
                same("a message", &got, wanted)
            }
            Received::Timeout => Err(format!("nothing came within {DEADLINE} ms, wanted {wanted}")),
            Received::Closed => Err(format!("the connection has ended, wanted {wanted}")),
        }
    }

    /// How the connection ends.
    fn close(&self) -> Result<Value, String> {
        loop {
            match self.0.receive_event(DEADLINE).map_err(|failure| failure.text)? {
                Received::Message(event) if event.event() == EVENT_CLOSE => {
                    return serde_json::from_str(event.text()).map_err(|error| error.to_string());
                }
                Received::Message(_) => {}
                Received::Timeout | Received::Closed => return Err("no close was reported".to_owned()),
            }
        }
    }
}
