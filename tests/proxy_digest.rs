//! Proxies that want Digest (RFC 7616), and what is said of those that want something else.

mod common;
#[path = "common/daemon.rs"]
mod daemon;
#[path = "common/face.rs"]
mod face;
#[path = "common/raw.rs"]
mod raw;
#[path = "common/tls.rs"]
mod tls;

use daemon::Daemon;
use face::{Client, Server};
use md5::{Digest, Md5};
use raw::{Peer, Then};
use sha2::{Sha256, Sha512_256};
use std::collections::HashMap;
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use tls::{Authority, echo, turn};
use websocket_addin::capi::*;
use websocket_addin::error::Language;
use websocket_addin::options::Opt;

const USER: &str = "Jäger \"1\"";
const PASSWORD: &str = "s3cret:p@w";
const SETTING: &str = "J%C3%A4ger%20%221%22:s3cret%3Ap%40w";
const URL: &str = "ws://target.test:81/";

/// What a proxy does with the connection on which it refuses.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Refusing {
    KeepsIt,
    KeepsItWithoutContent,
    Closes,
    ClosesWithoutSaying,
    KeepsItInChunks,
    IsOld,
}

fn hash(algorithm: &str, text: &str) -> String {
    let digest = match algorithm.trim_end_matches("-sess") {
        "SHA-256" => Sha256::digest(text).to_vec(),
        "SHA-512-256" => Sha512_256::digest(text).to_vec(),
        _ => Md5::digest(text).to_vec(),
    };
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The parameters of a challenge or an answer, without their quotes.
fn parameters(text: &str) -> HashMap<String, String> {
    let (mut found, mut rest) = (HashMap::new(), text.trim_start_matches("Digest "));
    while let Some((name, behind)) = rest.split_once('=') {
        let mut value = String::new();
        let mut characters = behind.char_indices().peekable();
        let quoted = characters.next_if(|(_, c)| *c == '"').is_some();
        let mut end = behind.len();
        while let Some((at, c)) = characters.next() {
            match c {
                '\\' if quoted => value.extend(characters.next().map(|(_, c)| c)),
                '"' if quoted => {}
                ',' if !quoted || behind[..at].ends_with('"') => {
                    end = at;
                    break;
                }
                c => value.push(c),
            }
        }
        found.insert(name.trim_matches([' ', ',']).to_owned(), value.trim().to_owned());
        rest = behind.get(end..).unwrap_or_default();
    }
    found
}

/// Whether an answer is right, by the formulas of RFC 7616 section 3.4.
fn is_right(challenge: &str, answer: &str) -> bool {
    let (asked, given) = (parameters(challenge), parameters(answer));
    let get = |name: &str| given.get(name).map(String::as_str).unwrap_or_default();
    let algorithm = asked.get("algorithm").map(String::as_str).unwrap_or_default();
    let same = ["realm", "nonce", "opaque", "algorithm"].iter().all(|name| asked.get(*name) == given.get(*name));
    let realm = get("realm");
    let user = match asked.get("userhash").map(String::as_str) {
        Some("true") if get("userhash") == "true" => hash(algorithm, &format!("{USER}:{realm}")),
        _ => USER.to_owned(),
    };
    let mut first = hash(algorithm, &format!("{USER}:{realm}:{PASSWORD}"));
    if algorithm.ends_with("-sess") {
        first = hash(algorithm, &format!("{first}:{}:{}", get("nonce"), get("cnonce")));
    }
    let second = hash(algorithm, &format!("CONNECT:{}", get("uri")));
    let middle = match asked.contains_key("qop") {
        true => format!("{}:{}:{}:{}", get("nonce"), get("nc"), get("cnonce"), get("qop")),
        false => get("nonce").to_owned(),
    };
    let expected = hash(algorithm, &format!("{first}:{middle}:{second}"));
    same && get("username") == user && get("uri") == "target.test:81" && get("response") == expected
}

type Heads = Arc<Mutex<Vec<(usize, String)>>>;

/// A proxy that wants this challenge answered, in which `NONCE` is another one each time; what it has been asked, with the
/// number of the connection. The first `stale` right answers come too late.
fn proxy(challenge: &'static str, refusing: Refusing, stale: usize) -> (Peer, Heads) {
    let (heads, connections, stale) = (Heads::default(), AtomicUsize::new(0), AtomicUsize::new(stale));
    let seen = heads.clone();
    let peer = Peer::new(move |stream| {
        let number = connections.fetch_add(1, Relaxed);
        let mut pending = String::new();
        for round in 0.. {
            let head = raw::read_head(stream);
            if !head.starts_with("CONNECT ") {
                return Then::Close;
            }
            seen.lock().unwrap().push((number, head.clone()));
            let answer = raw::header(&head, "Proxy-Authorization").unwrap_or_default();
            // A nonce holds on every connection.
            let known = seen.lock().unwrap().len();
            let before = challenge.replace("NONCE", &format!("nonce-{}", known - 1));
            let right =
                answer.starts_with("Digest ") && is_right(if pending.is_empty() { &before } else { &pending }, answer);
            let late = right && stale.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
            if right && !late {
                stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
                let head = raw::read_head(stream);
                stream.write_all(raw::accept(&head, "").as_bytes()).unwrap();
                return Then::Keep;
            }
            pending = challenge.replace("NONCE", &format!("nonce-{known}"));
            let late = if late { ", stale=true" } else { "" };
            refuse(stream, refusing, &format!("Proxy-Authenticate: {pending}{late}\r\n"));
            if matches!(refusing, Refusing::Closes | Refusing::ClosesWithoutSaying | Refusing::IsOld) {
                return Then::Close;
            }
            assert!(round < 10);
        }
        Then::Close
    });
    (peer, heads)
}

fn refuse(stream: &mut TcpStream, refusing: Refusing, lines: &str) {
    let body = "x".repeat(9_000);
    let version = if refusing == Refusing::IsOld { "1.0" } else { "1.1" };
    let (more, body) = match refusing {
        Refusing::KeepsIt => (format!("Proxy-Connection: keep-alive\r\nContent-Length: {}\r\n", body.len()), body),
        Refusing::ClosesWithoutSaying => (format!("Content-Length: {}\r\n", body.len()), body),
        Refusing::KeepsItWithoutContent => ("Content-Length: 0\r\n".to_owned(), String::new()),
        Refusing::Closes => ("Connection: close\r\n".to_owned(), body),
        Refusing::IsOld => (format!("Content-Length: {}\r\n", body.len()), body),
        Refusing::KeepsItInChunks => ("Transfer-Encoding: chunked\r\n".to_owned(), "3\r\nabc\r\n0\r\n\r\n".to_owned()),
    };
    let answer = format!("HTTP/{version} 407 Proxy Authentication Required\r\n{lines}{more}\r\n{body}");
    // The client need not wait for all of it.
    let _ = stream.write_all(answer.as_bytes());
}

#[test]
fn each_form_of_digest_on_kept_and_on_new_connections() {
    for challenge in [
        "Digest realm=\"a \\\"b\\\"\", nonce=\"NONCE\", qop=\"auth,auth-int\", opaque=\"o/==\"",
        "Digest realm=\"r\", nonce=\"NONCE\", qop=\"auth\", algorithm=MD5",
        "Digest realm=\"r\", nonce=\"NONCE\", qop=\"auth\", algorithm=SHA-256",
        "Digest realm=\"r\", nonce=\"NONCE\", qop=\"auth\", algorithm=SHA-512-256, userhash=true",
        "Digest realm=\"r\", nonce=\"NONCE\", qop=\"auth\", algorithm=SHA-256-sess",
        "Digest realm=\"r\", nonce=\"NONCE\"",
    ] {
        for (refusing, connections) in [
            (Refusing::KeepsIt, 1),
            (Refusing::KeepsItWithoutContent, 1),
            (Refusing::Closes, 2),
            (Refusing::ClosesWithoutSaying, 2),
            (Refusing::KeepsItInChunks, 2),
            (Refusing::IsOld, 2),
        ] {
            let (peer, heads) = proxy(challenge, refusing, 0);
            let client = Client::new();
            client.close_timeout(0).set_proxy(&format!("http://{SETTING}@{}", peer.address())).unwrap();
            client.connect(URL).unwrap_or_else(|fault| panic!("{challenge} {refusing:?}: {}", fault.text));
            let heads = heads.lock().unwrap();
            let numbers: Vec<usize> = heads.iter().map(|(number, _)| *number).collect();
            let last = heads.last().unwrap();
            assert!(last.1.starts_with("CONNECT target.test:81 HTTP/1.1\r\nHost: target.test:81\r\n"), "{}", last.1);
            assert_eq!(last.0 + 1, connections, "{challenge} {refusing:?}: {numbers:?}");
            assert!(!last.1.contains("s3cret"), "{}", last.1);
        }
    }
}

#[test]
fn a_stale_nonce_is_replaced_and_a_wrong_password_is_called_that() {
    const CHALLENGE: &str = "Digest realm=\"r\", nonce=\"NONCE\", qop=\"auth\"";
    for refusing in [Refusing::KeepsIt, Refusing::Closes] {
        let (peer, heads) = proxy(CHALLENGE, refusing, 1);
        let client = Client::new();
        client.close_timeout(0).set_proxy(&format!("http://{SETTING}@{}", peer.address())).unwrap();
        client.connect(URL).unwrap();
        assert_eq!(heads.lock().unwrap().len(), 3, "Basic, the stale one, and the fresh one");
        // Without end it is not tried.
        let (peer, heads) = proxy(CHALLENGE, refusing, 9);
        let client = Client::new();
        client.close_timeout(0).set_proxy(&format!("http://{SETTING}@{}", peer.address())).unwrap();
        let fault = client.connect(URL).unwrap_err();
        assert!(fault.text.ends_with("refused the user name or password (407), it offers: Digest"), "{}", fault.text);
        assert_eq!(heads.lock().unwrap().len(), 3);
        let (peer, heads) = proxy(CHALLENGE, refusing, 0);
        client.set_proxy(&format!("http://{SETTING}x@{}", peer.address())).unwrap();
        let fault = client.connect(URL).unwrap_err();
        assert_eq!(fault.code, WSADDIN_PROXY);
        assert!(fault.text.ends_with("refused the user name or password (407), it offers: Digest"), "{}", fault.text);
        assert_eq!(heads.lock().unwrap().len(), 2);
    }
}

/// What is said must be true whatever is offered, with credentials and without.
#[test]
fn what_is_said_of_each_offer() {
    let demands = "the proxy demands authorization (407), it offers: ";
    let refuses = "the proxy refused the user name or password (407), it offers: ";
    let strange = "the proxy demands authorization (407) and offers only what is not supported: ";
    for (offers, without, with, list) in [
        (&["Basic realm=\"a, b\""][..], demands, refuses, "Basic"),
        (&["Digest realm=\"r\", nonce=\"n\", qop=\"auth\""], demands, refuses, "Digest"),
        (&["Digest realm=\"r\", nonce=\"n\", algorithm=SHA-1"], strange, strange, "Digest"),
        (&["Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\""], strange, strange, "Digest"),
        (&["NTLM"], strange, strange, "NTLM"),
        (&["Negotiate"], strange, strange, "Negotiate"),
        (&["Bearer realm=\"r\", error=\"invalid_token\""], strange, strange, "Bearer"),
        (&["Negotiate, NTLM"], strange, strange, "Negotiate, NTLM"),
        (&["Negotiate", "NTLM"], strange, strange, "Negotiate, NTLM"),
        (&["Negotiate", "Basic realm=\"r\""], demands, refuses, "Negotiate, Basic"),
        (&["NTLM, basic realm=r"], demands, refuses, "NTLM, basic"),
        (&["Basic realm=r, Digest realm=\"r\", nonce=\"n\""], demands, refuses, "Basic, Digest"),
        (&["Digest realm=\"r\", nonce=\"n\"", "Negotiate"], demands, refuses, "Digest, Negotiate"),
        (&[], demands, refuses, "—"),
    ] {
        let lines: String = offers.iter().map(|offer| format!("Proxy-Authenticate: {offer}\r\n")).collect();
        let peer = Peer::answering(format!("HTTP/1.1 407 No\r\nConnection: close\r\n{lines}\r\n"));
        for (userinfo, expected) in [("", without), ("user:s3cret@", with)] {
            let client = Client::new();
            client.set_proxy(&format!("http://{userinfo}{}", peer.address())).unwrap();
            let fault = client.connect(URL).unwrap_err();
            assert_eq!(fault.code, WSADDIN_PROXY);
            let text = format!("through the proxy {}: {expected}{list}", peer.address());
            assert!(fault.text.contains(&text) && !fault.text.contains("s3cret"), "{offers:?}: {}", fault.text);
            let client = websocket_addin::client::Client::new().unwrap();
            client.options().set_text(Opt::Proxy, &format!("http://{userinfo}{}", peer.address())).unwrap();
            let text = client.connect(URL).unwrap_err().text(Language::Russian);
            let russian = match expected {
                text if text == demands => "прокси требует авторизации (407), предлагает: ",
                text if text == refuses => "прокси отверг имя или пароль (407), предлагает: ",
                _ => "прокси требует авторизации (407), но предлагает только то, что не поддерживается: ",
            };
            assert!(text.contains(&format!("{russian}{list}")), "{offers:?}: {text}");
        }
    }
}

/// The proxy that most people run, with the one way of Digest that it has: `ws` and `wss`.
#[test]
fn squid_with_digest() {
    let _turn = turn();
    let Some(proxy) = Daemon::squid("user", "s3cretp@w") else { return };
    let authority = Authority::with_server("squid");
    let (plain, secure) = (Server::running(), authority.server("server"));
    let client = authority.client();
    client.set_proxy(&format!("http://user:s3cretp%40w@{}", proxy.address())).unwrap();
    for (server, url) in
        [(&plain, plain.url()), (&secure, secure.secure_url("localhost")), (&secure, secure.secure_url("localhost."))]
    {
        client.connect(&url).unwrap_or_else(|fault| panic!("{url}: {}\n{}", fault.text, proxy.log()));
        echo(&client, server);
        assert!(client.disconnect(1000, "").unwrap());
        while server.event().event != WSADDIN_EVENT_CLOSE {}
    }
    for (userinfo, expected) in [
        ("", "the proxy demands authorization (407), it offers: Digest"),
        ("user:s3cretwrong@", "the proxy refused the user name or password (407), it offers: Digest"),
    ] {
        client.set_proxy(&format!("http://{userinfo}{}", proxy.address())).unwrap();
        let fault = client.connect(&plain.url()).unwrap_err();
        assert!(fault.code == WSADDIN_PROXY && fault.text.ends_with(expected), "{}", fault.text);
    }
}
