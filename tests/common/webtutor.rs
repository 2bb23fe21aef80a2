//! The pages of WebTutor's article on WebSockets, in Python, and what each of them has to get.
#![allow(dead_code, reason = "each test file uses its part")]

use super::peer::Peer;
use serde_json::{Value, json};

pub const PAGES: [&str; 4] =
    ["id:10001::group_id:10001", "id:10002::group_id:10001", "id:10003::group_id:10002", "id:10004::group_id:10002"];

/// The four pages and one without a name; all are connected when this returns.
pub fn pages(port: &str) -> Option<Peer> {
    started(&[&format!("ws://127.0.0.1:{port}")])
}

/// The same through TLS, where the server's certificate is of this authority.
pub fn secure_pages(port: &str, authority: &str) -> Option<Peer> {
    started(&[&format!("wss://localhost:{port}"), authority])
}

fn started(arguments: &[&str]) -> Option<Peer> {
    let pages = Peer::python("webtutor_clients.py", arguments)?;
    assert_eq!(pages.line(), "ready");
    Some(pages)
}

/// What was wrapped is a JSON array of one object.
fn wrapped(text: &str) -> Value {
    json!([{ "text": text }])
}

/// Waits until all have got "end", and looks what came before.
pub fn check(pages: &Peer) {
    let got: Value = serde_json::from_str(&pages.line()).expect("a JSON object");
    let parsed = |name: &str| -> Vec<Value> {
        let messages = got[name].as_array().unwrap_or_else(|| panic!("{name}: {got}"));
        let text = |message: &Value| message.as_str().expect("a text").to_owned();
        messages
            .iter()
            .map(text)
            .map(|text| if text.starts_with('[') { serde_json::from_str(&text).expect("JSON") } else { text.into() })
            .collect()
    };
    let all = [json!("всем"), wrapped("всем")];
    for (name, first) in [
        (PAGES[0], vec![json!("лично"), wrapped("группе")]),
        (PAGES[1], vec![wrapped("лично \"вам\""), wrapped("группе")]),
        (PAGES[2], vec![json!("группе")]),
        (PAGES[3], vec![json!("группе")]),
        ("", vec![]),
    ] {
        assert_eq!(parsed(name), [&first[..], &all].concat(), "{name}");
    }
}
