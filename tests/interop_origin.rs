//! Pages in headless Chromium: whose origin a server lets in, and how a page carries the token.

#![allow(dead_code, reason = "each interoperability test uses a part of the common modules")]

#[path = "common/addin.rs"]
mod addin;
#[path = "common/devtools.rs"]
mod devtools;
#[path = "common/face.rs"]
mod face;
#[path = "common/peer.rs"]
mod peer;
#[path = "common/raw.rs"]
mod raw;

use devtools::DevTools;
use face::Server;
use peer::Peer;
use serde_json::{Value, json};
use std::path::Path;
use websocket_addin::capi::*;

const PAGE: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<!doctype html>\
    <meta charset=utf-8><title>origin</title><body>";

/// A web server with one page.
fn site() -> raw::Peer {
    raw::Peer::answering(PAGE)
}

/// What a page, or a frame in it that has no origin of its own, gets from `new WebSocket`: `["open", subprotocol]`, or
/// `["closed", code]`.
fn attempt(page: &DevTools, server: &Server, protocols: &[&str], sandboxed: bool) -> Value {
    let body = format!(
        "const socket = new WebSocket({}, {});\n\
         socket.onopen = () => tell(['open', socket.protocol]);\n\
         socket.onclose = (event) => tell(['closed', event.code]);\n",
        json!(server.url()),
        json!(protocols)
    );
    if !sandboxed {
        return page.evaluate(&format!("new Promise((tell) => {{ {body} }})"));
    }
    let document = format!("<script>const tell = (what) => parent.postMessage(what, '*');\n{body}</script>");
    page.evaluate(&format!(
        "new Promise((tell) => {{\n\
         window.onmessage = (event) => tell(event.data);\n\
         const frame = document.createElement('iframe');\n\
         frame.sandbox = 'allow-scripts';\n\
         frame.srcdoc = {};\n\
         document.body.append(frame); }})",
        json!(document)
    ))
}

/// The `Origin` of the next connection that opens.
fn origin_of_newcomer(server: &Server) -> String {
    loop {
        let event = server.event();
        if event.event == WSADDIN_EVENT_OPEN {
            return event.json()["headers"]["origin"].as_str().unwrap_or("none").to_owned();
        }
    }
}

#[test]
fn a_page_comes_in_from_an_allowed_origin_only() {
    let (site, server) = (site(), Server::running());
    server.set_protocols("chat").unwrap();
    let Some(chromium) = Peer::chromium(&site.url().replacen("ws:", "http:", 1)) else { return };
    let page = DevTools::of(&chromium);
    let origin = format!("http://{}", site.address());
    face::until("the page is there", || page.evaluate("document.body && location.origin") == json!(origin));
    let (open, refused) = (json!(["open", "chat"]), json!(["closed", 1006]));

    // Without a list anybody comes; a sandboxed frame's origin is opaque.
    assert_eq!(attempt(&page, &server, &["chat"], false), open);
    assert_eq!(origin_of_newcomer(&server), origin);
    assert_eq!(attempt(&page, &server, &["chat"], true), open);
    assert_eq!(origin_of_newcomer(&server), "null");

    server.set_allowed_origins(&format!("https://elsewhere.example, {origin}")).unwrap();
    assert_eq!(attempt(&page, &server, &["chat"], false), open);
    assert_eq!(origin_of_newcomer(&server), origin);
    assert_eq!(attempt(&page, &server, &["chat"], true), refused);

    server.set_allowed_origins("null").unwrap();
    assert_eq!(attempt(&page, &server, &["chat"], true), open);
    assert_eq!(origin_of_newcomer(&server), "null");
    assert_eq!(attempt(&page, &server, &["chat"], false), refused);

    // The same host on another port is another origin.
    server.set_allowed_origins("http://127.0.0.1, https://*.example").unwrap();
    assert_eq!(attempt(&page, &server, &["chat"], false), refused);
    assert_eq!(server.statistics()["rejected"], json!({"403": 3}));
    // A program sends no origin.
    let _program = raw::client(server.port());
    assert_eq!(origin_of_newcomer(&server), "none");
}

/// A page that was opened from a disk.
#[test]
fn a_local_file_has_no_origin_of_its_own() {
    let server = Server::running();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/browser/index.html");
    let Some(chromium) = Peer::chromium(&format!("file://{}", file.display())) else { return };
    let page = DevTools::of(&chromium);
    face::until("the page is there", || page.evaluate("document.body && location.protocol") == json!("file:"));
    server.set_allowed_origins("null").unwrap();
    assert_eq!(attempt(&page, &server, &[], false), json!(["open", ""]));
    assert_eq!(origin_of_newcomer(&server), "null");
    server.set_allowed_origins("https://a.example").unwrap();
    assert_eq!(attempt(&page, &server, &[], false), json!(["closed", 1006]));
}

#[test]
fn a_page_carries_the_token_among_its_subprotocols() {
    let (site, server) = (site(), Server::running());
    server.set_protocols("chat").unwrap();
    server.set_access_token("t0ken~of-1C").unwrap();
    let Some(chromium) = Peer::chromium(&site.url().replacen("ws:", "http:", 1)) else { return };
    let page = DevTools::of(&chromium);
    face::until("the page is there", || page.evaluate("document.body && location.protocol") == json!("http:"));
    assert_eq!(attempt(&page, &server, &["chat"], false), json!(["closed", 1006]));
    assert_eq!(attempt(&page, &server, &["chat", "access_token.wrong"], false), json!(["closed", 1006]));
    assert_eq!(attempt(&page, &server, &["access_token.t0ken~of-1C", "chat"], false), json!(["open", "chat"]));
    let told = server.event();
    assert!(told.event == WSADDIN_EVENT_OPEN && told.text().contains("access_token.***"), "{told:?}");
    assert!(!told.text().contains("t0ken"), "{told:?}");
    assert_eq!(server.statistics()["rejected"], json!({"401": 2}));

    // What a subprotocol's name may not hold is escaped by the page.
    server.set_access_token("a/b+c==, ключ").unwrap();
    let escaped = page.evaluate("encodeURIComponent('a/b+c==, ключ')");
    let entry = format!("access_token.{}", escaped.as_str().unwrap());
    assert_eq!(attempt(&page, &server, &["chat", &entry], false), json!(["open", "chat"]));
}
