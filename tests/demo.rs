//! The demo as a newcomer meets it: started from the command line, its page in a browser, and the scripted check.

#![allow(dead_code, reason = "the common modules serve other tests as well")]

#[path = "common/addin.rs"]
mod addin;
#[path = "common/devtools.rs"]
mod devtools;
#[path = "common/peer.rs"]
mod peer;

use devtools::DevTools;
use peer::Peer;
use std::process::{Command, Stdio};

/// `cargo test` and `cargo build --examples` make it; `cargo test --test demo` alone does not.
fn demo(args: &[&str]) -> Command {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().join("../examples/demo");
    assert!(program.exists(), "build the demo before: cargo build --examples");
    let mut command = Command::new(program);
    command.args(args);
    command
}

#[test]
fn the_check_passes() {
    let (success, lines) = Peer::start("demo", &mut demo(&["--check"])).end();
    assert!(success, "{lines:#?}");
    assert_eq!(lines.last().map(String::as_str), Some("check passed"));
}

#[test]
fn a_port_in_use_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = demo(&["--port", &port]).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains(&format!("127.0.0.1:{port}")) && text.contains("in use") && text.contains("--port"),
        "{text}"
    );
    let output = demo(&["--port", "x"]).stdin(Stdio::null()).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("usage:"));
}

/// Waits until a condition in JavaScript holds on the page.
fn until(page: &DevTools, condition: &str) {
    let wait = format!(
        "new Promise((resolve) => {{
            const look = () => ({condition}) && resolve(true);
            const changes = {{ subtree: true, childList: true, characterData: true, attributes: true }};
            new MutationObserver(look).observe(document.body, changes);
            look();
        }})"
    );
    assert_eq!(page.evaluate(&wait), true);
}

fn until_shown(page: &DevTools, text: &str) {
    until(page, &format!("document.body.innerText.includes({})", serde_json::to_string(text).unwrap()));
}

#[test]
fn the_page_and_the_terminal_talk() {
    let mut demo_process = Peer::start("demo", &mut demo(&["--port", "0"]));
    let address = demo_process.line_after("    http://");
    let port = address.split_once(':').expect("a port").1.trim_end_matches('/').to_owned();
    let Some(chromium) = Peer::chromium(&format!("http://{address}?name=Анна")) else { return };
    let page = DevTools::of(&chromium);
    assert_eq!(demo_process.line_after("* "), "Анна joined, 1 here");

    // The server knows of the connection before the page does.
    until(&page, "document.getElementById('state').dataset.state === 'open'");
    let send =
        "document.getElementById('text').value = 'привет <b>🙂</b>'; document.querySelector('form').requestSubmit()";
    page.evaluate(send);
    assert_eq!(demo_process.line(), "Анна: привет <b>🙂</b>");
    until_shown(&page, "привет <b>🙂</b>");
    demo_process.type_line("печатаю в терминале");
    until_shown(&page, "печатаю в терминале");
    page.evaluate("const name = document.getElementById('name'); name.value = 'Борис'; name.onchange()");
    // The new connection and the end of the old one meet on the way.
    let mut lines = [demo_process.line(), demo_process.line()];
    lines.sort();
    assert!(lines[0].contains("Анна left (1000)") && lines[1].contains("Борис joined"), "{lines:?}");

    // The end of the input ends the demo; the page says so and comes back when the demo does, on the same port.
    let (success, lines) = demo_process.end();
    assert!(success && lines.last().is_some_and(|line| line == "ended"), "{lines:?}");
    until_shown(&page, "1001");
    let demo_process = Peer::start("demo", &mut demo(&["--port", &port]));
    assert_eq!(demo_process.line_after("* "), "Борис joined, 1 here");
}
