//! What a user is told when something fails: the result and the whole text, in both languages.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/face.rs"]
mod face;
#[path = "../common/namespace.rs"]
mod namespace;
#[path = "../common/raw.rs"]
mod raw;

mod bounds;
mod handshake;
mod hints;
mod misuse;
mod reaching;
mod tls;
mod vanishing;

use face::*;
use raw::{BlackHole, FIN, Peer, Then};
use std::fmt::Debug;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// The language is the process's.
static LANGUAGE: Mutex<()> = Mutex::new(());

fn english() -> MutexGuard<'static, ()> {
    let guard = LANGUAGE.lock().unwrap_or_else(PoisonError::into_inner);
    set_language(WSADDIN_LANGUAGE_ENGLISH);
    guard
}

/// Whether a text is as expected; a `*` stands for what the system said.
fn fits(text: &str, expected: &str) -> bool {
    match expected.split_once('*') {
        None => text == expected,
        Some((start, end)) => text.len() > start.len() + end.len() && text.starts_with(start) && text.ends_with(end),
    }
}

/// Lets it fail in both languages.
fn fails<T: Debug>(code: i32, en: &str, ru: &str, call: impl Fn() -> Outcome<T>) {
    let _guard = english();
    for (language, expected) in [(WSADDIN_LANGUAGE_ENGLISH, en), (WSADDIN_LANGUAGE_RUSSIAN, ru)] {
        set_language(language);
        let fault = call().expect_err("it should have failed");
        assert_eq!(fault.code, code, "{}", fault.text);
        assert!(fits(&fault.text, expected), "\n     got {}\nexpected {expected}", fault.text);
        for secret in ["SECRET", "s3cret"] {
            assert!(!fault.text.contains(secret), "{}", fault.text);
        }
    }
    set_language(WSADDIN_LANGUAGE_ENGLISH);
}

/// A connect that fails; afterwards the state says so.
fn connect_fails(url: &str, code: i32, en: &str, ru: &str) {
    let client = Client::new();
    fails(code, en, ru, || client.connect(url));
    let broken = code != WSADDIN_BAD_ARGUMENT;
    assert_eq!((client.status(), client.ready_state()), (if broken { -1 } else { 0 }, 3));
    assert_eq!((client.server(), client.close_code()), (String::new(), 0));
    assert_eq!(client.receive(0), Ok(Got::Closed));
}

/// A connect to a peer, whose address goes before the reason.
fn refused_by(peer: &Peer, code: i32, en: &str, ru: &str) {
    let at = peer.address();
    connect_fails(&peer.url(), code, &format!("connecting to {at}: {en}"), &format!("подключение к {at}: {ru}"));
}

/// A port of the loopback address on which nobody listens.
fn closed_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
