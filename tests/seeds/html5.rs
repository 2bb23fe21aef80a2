//! The life of a connection in a page and in a program: the same events with the same states.

use super::devtools::DevTools;
use super::*;
use serde_json::{Value, json};

/// What the other side does: it answers once and waits for the close.
fn answer(server: &Server) {
    let (connection, text) = message(server);
    assert_eq!(text, "привет");
    server.send(connection, "и тебе").unwrap();
}

#[test]
fn a_page_lives_through_it() {
    let server = Server::running();
    let page = common::root().join("examples/html5/index.html");
    let url = format!("file://{}?url={}", page.display(), server.url());
    let Some(chromium) = Peer::chromium(&url) else { return };
    let page = DevTools::of(&chromium);
    let log = || page.evaluate("[...document.querySelectorAll('#log li')].map((line) => line.textContent)");
    let lines = |expected: &[&str]| until(&format!("{expected:?}, only {}", log()), || log() == json!(expected));
    lines(&["new WebSocket [CONNECTING]", "open [OPEN]"]);
    page.evaluate(
        "document.getElementById('text').value = 'привет', document.querySelector('form').requestSubmit(), 1",
    );
    answer(&server);
    lines(&["new WebSocket [CONNECTING]", "open [OPEN]", "message и тебе [OPEN]"]);
    let clicked = page.evaluate("document.getElementById('close').click(), 1");
    assert_eq!(clicked, json!(1));
    lines(&[
        "new WebSocket [CONNECTING]",
        "open [OPEN]",
        "message и тебе [OPEN]",
        "close() [CLOSING]",
        // The reason would be the server's, which has none.
        "close 1000  clean [CLOSED]",
    ]);
    assert_ne!(log(), Value::Null);
}

#[test]
fn a_program_lives_through_the_same() {
    let server = Server::running();
    let (mut program, _scratch) = program("html5/lifecycle", &[&server.url()]);
    let begun = program.line();
    // It may be there before the state is asked.
    assert!(begun == "begin_connect [CONNECTING]" || begun == "begin_connect [OPEN]", "{begun}");
    assert_eq!(program.line(), "open [OPEN]");
    program.type_line("привет");
    answer(&server);
    assert_eq!(program.line(), "message и тебе [OPEN]");
    program.type_line("close");
    let closed = program.line();
    assert!(closed.starts_with("close {\"code\":1000,") && closed.ends_with("[CLOSED]"), "{closed}");
    assert!(closed.contains("\"clean\":true"), "{closed}");
    assert!(program.end().0);
}
