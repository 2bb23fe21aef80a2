//! Compression against Python `websockets`, `aiohttp` and Tornado, Perl's Mojolicious and Node `ws`, at every combination
//! of parameters, with messages from nothing to 16 MiB; and against Chromium, which chooses no parameters, but follows those of our server.

mod common {
    pub mod face;
}
#[path = "common/peer.rs"]
#[allow(dead_code, reason = "each test file uses its part")]
mod peer;

use common::face::{Client, Got, SOON, Server};
use peer::Peer;
use std::path::Path;
use std::sync::{Arc, mpsc};
use websocket_addin::capi::*;

const LARGE: usize = 16 << 20;

fn text(size: usize) -> String {
    "Ж🙂a\u{0}12345678".repeat(size / 16)
}

/// Our settings: context takeover and window. The first two hear the largest messages.
const SETTINGS: [(i64, i64); 6] = [(0, 15), (1, 15), (0, 10), (1, 10), (0, 8), (1, 8)];

/// Bytes that do not compress, more than every window spans.
fn noise() -> Vec<u8> {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(&mut next).take(70_000).collect()
}

/// Our client against servers that tell their ports and names, then `ready`.
fn clients_talk_to(peer: Option<Peer>) {
    let Some(peer) = peer else { return };
    let mut count = 0;
    loop {
        let line = peer.line();
        if line == "ready" {
            break;
        }
        let (port, name) = line.strip_prefix("port ").and_then(|rest| rest.split_once(' ')).expect("a port and a name");
        for (takeover, bits) in SETTINGS {
            let client = Client::new();
            client.compression_context(takeover).compression_window_bits(bits);
            client.connect(&format!("ws://127.0.0.1:{port}/")).unwrap();
            let name = format!("{name} with {takeover} and {bits}: {}", client.extensions());
            assert!(client.extensions().starts_with("permessage-deflate"), "{name}");
            let large: &[usize] = if count < 2 { &[1 << 20, LARGE] } else { &[] };
            let mut sum = 0;
            for size in [0, 16, 400, 4096, 50_000].iter().chain(large).copied() {
                let text = text(size);
                for _ in 0..if size == LARGE { 1 } else { 2 } {
                    client.send(&text).unwrap();
                    client.send_binary(text.as_bytes()).unwrap();
                    for kind in [WSADDIN_KIND_TEXT, WSADDIN_KIND_BINARY] {
                        let Got::Event(event) = client.receive(SOON).expect(&name) else { panic!("{name}: no answer") };
                        assert_eq!(event.kind, kind, "{name}");
                        assert!(event.data == text.as_bytes(), "{name}: {size} bytes");
                    }
                    sum += 2 * text.len();
                }
            }
            let figures = client.statistics();
            client.send_binary(&noise()).unwrap();
            let Got::Event(event) = client.receive(SOON).expect(&name) else { panic!("{name}: no answer") };
            assert!(event.data == noise(), "{name}: noise");
            assert!(figures["bytes_out"].as_u64().unwrap() < sum as u64 / 10, "{name}: {figures}");
            assert!(figures["bytes_in"].as_u64().unwrap() < sum as u64 / 10, "{name}: {figures}");
            assert!(client.disconnect(1000, "").unwrap(), "{name}");
            count += 1;
        }
    }
    assert!(count > 0);
    assert!(peer.end().0);
}

/// Clients that get the URLs of our servers, one for each of our settings, and end when they have passed.
fn servers_talk_to(start: impl FnOnce(&[&str]) -> Option<Peer>) {
    servers_hear(|urls, _| {
        let Some(peer) = start(urls) else { return false };
        let (success, output) = peer.end_within(3 * peer::DEADLINE);
        assert!(success && output == ["passed"], "the peer says: {output:?}");
        true
    });
}

/// `talk` gets their URLs, and the first text that begins with `verdict`; it tells whether somebody talked to them.
fn servers_hear(talk: impl FnOnce(&[&str], mpsc::Receiver<String>) -> bool) {
    let (tell, verdict) = mpsc::channel();
    let servers: Vec<Arc<Server>> = SETTINGS
        .iter()
        .map(|(takeover, bits)| {
            let server = Server::new();
            server.compression_context(*takeover).compression_window_bits(*bits).send_queue_bytes(64 << 20);
            server.run("127.0.0.1", 0).unwrap();
            Arc::new(server)
        })
        .collect();
    let echoes: Vec<_> = servers
        .iter()
        .map(|server| {
            let (server, tell) = (server.clone(), tell.clone());
            std::thread::spawn(move || {
                while let Ok(Got::Event(event)) = server.receive(0) {
                    if event.data.starts_with(b"verdict ") {
                        // Nobody listens when the test has failed.
                        let _ = tell.send(event.text().to_owned());
                    }
                    let sent = match event.kind == WSADDIN_KIND_TEXT {
                        true => server.send(event.connection, event.text()),
                        false => server.send_binary(event.connection, &event.data),
                    };
                    assert!(sent.unwrap());
                }
            })
        })
        .collect();
    let urls: Vec<String> = servers.iter().map(|server| server.url()).collect();
    if talk(&urls.iter().map(String::as_str).collect::<Vec<_>>(), verdict) {
        for server in &servers {
            let figures = server.statistics();
            assert!(figures["bytes_in"].as_u64().unwrap() < 20 << 20, "{figures}");
            assert!(figures["messages_in"].as_u64().unwrap() > 30, "{figures}");
        }
    }
    servers.iter().for_each(|server| server.stop().unwrap());
    echoes.into_iter().for_each(|echo| echo.join().unwrap());
}

#[test]
fn our_client_and_python_servers() {
    clients_talk_to(Peer::python("deflate_server.py", &[]));
}

#[test]
fn our_client_and_a_perl_server() {
    clients_talk_to(Peer::perl("mojolicious_server.pl"));
}

#[test]
fn python_clients_and_our_server() {
    servers_talk_to(|urls| Peer::python("deflate_client.py", urls));
}

#[test]
fn our_client_and_node_servers() {
    clients_talk_to(Peer::node("ws_deflate_server.mjs", &[]));
}

#[test]
fn node_clients_and_our_server() {
    servers_talk_to(|urls| Peer::node("ws_deflate_client.mjs", urls));
}

#[test]
fn a_page_and_our_servers() {
    servers_hear(|urls, verdict| {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/browser_deflate.html");
        let Some(chromium) = Peer::chromium(&format!("file://{}?{}", page.display(), urls.join("&"))) else {
            return false;
        };
        assert_eq!(verdict.recv_timeout(3 * peer::DEADLINE).expect("the page tells"), "verdict passed");
        drop(chromium);
        true
    });
}
