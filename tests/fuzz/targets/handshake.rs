//! Requests to our server, answers to our client and what both say of compression: the same verdict however the bytes are
//! cut, and nothing in a header that could begin another.

use super::input::{Input, one_line, pieces};
use tungstenite::handshake::derive_accept_key;
use websocket_addin::ws::deflate::{self, Settings};
use websocket_addin::ws::{Agreed, ClientHandshake, Heard, ServerHandshake, Target, show_head};

/// Where an answer of the corpus has the key that belongs to the request.
const ACCEPT: &[u8] = b"@@";
const TOKEN: &str = "access_token.";

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let (kind, seed) = (input.byte(), input.byte());
    let rest = input.rest();
    match kind % 4 {
        0 => request(rest, seed),
        1 => {
            // A request that would do, with the first line of the input in its path and the others among its headers.
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            let (path, headers) = rest.split_at(end);
            let good = b" HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r";
            request(&[b"GET /", path, good, headers, b"\r\n\r\nbehind"].concat(), seed);
        }
        2 => answer(rest, seed),
        _ => compression(&String::from_utf8_lossy(rest)),
    }
}

/// What the server makes of a request, and what is behind it; or its status; `None` while it waits for more.
fn served(bytes: &[u8], seed: u8) -> Option<Result<(String, Vec<u8>), u16>> {
    let mut handshake = ServerHandshake::new();
    let mut fed = 0;
    for piece in pieces(bytes, seed) {
        fed += piece.len();
        match handshake.hear(piece, false) {
            Ok(None) => {}
            Ok(Some(Heard::Plain(..))) => panic!("plain HTTP is not served"),
            Ok(Some(Heard::WebSocket(mut request, mut rest))) => {
                rest.extend_from_slice(&bytes[fed..]);
                let mut all = format!("{} {} {:?}", request.path(), request.query(), request.protocols());
                assert!(!request.path().is_empty());
                for (name, value) in request.headers() {
                    assert!(!name.is_empty());
                    one_line(&value);
                    all.push_str(&format!("\n{name}: {value}"));
                }
                let answer = request.accept(None, None, "");
                assert!(answer.starts_with(b"HTTP/1.1 101 ") && answer.ends_with(b"\r\n\r\n"));
                show_head(request.head()).iter().for_each(|line| one_line(line));
                request.hide_token(TOKEN);
                let shown = |part: &str| part.starts_with("access_token=") && part != "access_token=***";
                assert!(!request.query().split('&').any(shown), "{}", request.query());
                return Some(Ok((all, rest)));
            }
            Err(refusal) => {
                let answer = refusal.answer("");
                assert!(answer.starts_with(format!("HTTP/1.1 {} ", refusal.status).as_bytes()));
                return Some(Err(refusal.status));
            }
        }
    }
    None
}

fn request(bytes: &[u8], seed: u8) {
    same(served(bytes, 0), served(bytes, seed));
}

/// A refusal may come earlier when less has come, and for another reason then; acceptance is one.
fn same<T: PartialEq + std::fmt::Debug, E>(whole: Option<Result<T, E>>, cut: Option<Result<T, E>>) {
    let accepted = |outcome: Option<Result<T, E>>| outcome.and_then(Result::ok);
    assert_eq!(accepted(whole), accepted(cut), "acceptance depends on how it is cut");
}

fn answer(bytes: &[u8], seed: u8) {
    let target = Target::parse("ws://host:1/x?y").expect("that is a URL");
    let settings = Settings { takeover: false, bits: 15 };
    let outcome = |seed| -> Option<Result<(Agreed, Vec<u8>), ()>> {
        let header = ("X-A".to_owned(), "b".to_owned());
        let mut handshake = ClientHandshake::new(&target, &[header], &["chat", "b"], Some(&deflate::offer(settings)));
        let request = String::from_utf8(handshake.request().to_vec()).expect("a request is text");
        let key =
            request.split("Sec-WebSocket-Key: ").nth(1).expect("it has a key").split('\r').next().unwrap_or_default();
        let mut bytes = bytes.to_vec();
        if let Some(place) = bytes.windows(ACCEPT.len()).position(|window| window == ACCEPT) {
            bytes.splice(place..place + ACCEPT.len(), derive_accept_key(key.as_bytes()).bytes());
        }
        let mut fed = 0;
        for piece in pieces(&bytes, seed) {
            fed += piece.len();
            match handshake.feed(piece) {
                Ok(None) => {}
                Ok(Some((agreed, mut rest))) => {
                    rest.extend_from_slice(&bytes[fed..]);
                    one_line(&agreed.protocol);
                    one_line(&agreed.extensions);
                    let _ = deflate::accepted(settings, &agreed.extensions);
                    return Some(Ok((agreed, rest)));
                }
                Err(error) => {
                    one_line(&error.to_string());
                    answered(&handshake, &target);
                    return Some(Err(()));
                }
            }
        }
        one_line(&handshake.cut().to_string());
        answered(&handshake, &target);
        None
    };
    let (whole, cut) = (outcome(0), outcome(seed));
    // The key differs from run to run, and with it where a piece ends: nothing else does.
    same(whole, cut);
}

/// What the host may ask for, and where a redirect would lead: never to a URL that could not be connected to.
fn answered(handshake: &ClientHandshake, target: &Target) {
    if let Some(answer) = handshake.heard() {
        let headers = answer.headers_json();
        assert!(headers.starts_with('{') && headers.ends_with('}'), "{headers}");
        assert!(answer.body.len() <= 3 * 16 * 1024, "{}", answer.body.len());
    }
    match handshake.redirect().map(|location| target.redirected(location)) {
        Some(Ok(next)) => {
            one_line(&next.shown);
            assert!(next.resource.starts_with('/') && next.resource.is_ascii(), "{}", next.resource);
            assert!(!next.resource.contains(|c: char| c.is_control() || c == ' '), "{}", next.resource);
        }
        Some(Err(error)) => one_line(&error.to_string()),
        None => {}
    }
}

fn compression(text: &str) {
    for (takeover, bits) in [(false, 15), (true, 15), (false, 8), (true, 11)] {
        let settings = Settings { takeover, bits };
        match deflate::accepted(settings, text) {
            Ok(Some(agreed)) => {
                assert!((8..=bits).contains(&agreed.out.bits) && (8..=15).contains(&agreed.inward.bits), "{agreed:?}");
            }
            Ok(None) => {}
            Err(error) => one_line(&error.to_string()),
        }
        if let Some((agreed, answer)) = deflate::negotiate(settings, text) {
            assert!(deflate::is_well_formed(&answer) && (8..=bits).contains(&agreed.out.bits), "{answer:?} {agreed:?}");
            one_line(&answer);
        }
    }
}
