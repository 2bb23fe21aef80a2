//! Both ends of the handshake, against each other and against what is wrong.

use crate::error::{Id, Language};
use crate::ws::{Agreed, ClientHandshake, Refusal, Request, ServerHandshake, Target};

fn client(url: &str, protocols: &[&str], extensions: Option<&str>) -> ClientHandshake {
    ClientHandshake::new(&Target::parse(url).unwrap(), &[], protocols, extensions)
}

fn request_text(handshake: &ClientHandshake) -> String {
    String::from_utf8(handshake.request().to_vec()).unwrap()
}

fn serve(bytes: &[u8]) -> Result<Option<(Request, Vec<u8>)>, Refusal> {
    ServerHandshake::new().feed(bytes)
}

/// A request that is right but for what `edit` does to it.
fn refused(edit: impl Fn(&str) -> String) -> (u16, String) {
    let bytes = edit(&request_text(&client("ws://host/", &[], None)));
    let whole = serve(bytes.as_bytes()).map(|done| done.is_some()).expect_err(&bytes);
    // The same when it comes byte by byte.
    let mut handshake = ServerHandshake::new();
    let single = bytes.bytes().find_map(|byte| handshake.feed(&[byte]).err()).unwrap();
    assert_eq!(whole.status, single.status, "{bytes}");
    (whole.status, whole.text.into_owned())
}

#[test]
fn both_ends_agree_wherever_the_bytes_are_cut() {
    let mut asked = client("ws://u:p@host:81/a%20b/?q=1&r", &["v2", "v1"], Some("x-y; z=1"));
    let wire = [asked.request(), b"\x81\x80"].concat();
    for cut in 0..wire.len() {
        let mut handshake = ServerHandshake::new();
        let early = handshake.feed(&wire[..cut]).unwrap();
        let (request, rest) = match early {
            Some((request, rest)) => (request, [rest, wire[cut..].to_vec()].concat()),
            None => handshake.feed(&wire[cut..]).unwrap().unwrap(),
        };
        assert_eq!(rest, b"\x81\x80", "cut at {cut}");
        assert_eq!((request.path(), request.query()), ("/a%20b/", "q=1&r"));
        assert_eq!(request.protocols(), ["v2", "v1"]);
        assert_eq!(request.extensions().as_deref(), Some("x-y; z=1"));
        assert_eq!(request.header("host").as_deref(), Some("host:81"));
        assert_eq!(request.header("AUTHORIZATION").as_deref(), Some("Basic dTpw"));
        assert_eq!(request.header("X-None"), None);
    }
    let (request, _) = serve(&wire).unwrap().unwrap();
    let answer = [request.accept(Some("v1"), Some("x-y"), ""), b"\x81\x00".to_vec()].concat();
    let agreed = Agreed { protocol: "v1".to_owned(), extensions: "x-y".to_owned() };
    let mut rest = None;
    for byte in &answer[..answer.len() - 2] {
        assert_eq!(rest, None);
        rest = asked.feed(&[*byte]).unwrap();
    }
    assert_eq!(rest, Some((agreed, Vec::new())));
    let mut asked = client("ws://host", &[], None);
    let (request, _) = serve(asked.request()).unwrap().unwrap();
    let answer = [request.accept(None, None, ""), b"\x81\x00".to_vec()].concat();
    let agreed = Agreed { protocol: String::new(), extensions: String::new() };
    assert_eq!(asked.feed(&answer).unwrap(), Some((agreed, b"\x81\x00".to_vec())));
}

#[test]
fn a_request_has_what_section_4_1_asks_for() {
    let headers = [("Authorization".to_owned(), "Bearer x".to_owned()), ("X-Name".to_owned(), "значение".to_owned())];
    let target = Target::parse("wss://user:pass@[::1]/?q").unwrap();
    let handshake = ClientHandshake::new(&target, &headers, &[], None);
    let text = request_text(&handshake);
    assert!(text.starts_with("GET /?q HTTP/1.1\r\nHost: [::1]\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"));
    assert!(text.ends_with("Authorization: Bearer x\r\nX-Name: значение\r\n\r\n"));
    assert!(!text.contains("Basic") && !text.contains("Protocol") && !text.contains("Extensions"));
    assert_ne!(text, request_text(&ClientHandshake::new(&target, &headers, &[], None)), "the nonce has to differ");
}

#[test]
fn a_request_is_kept_as_it_came() {
    let bytes = b"\r\nGET ws://host:80/p?q HTTP/1.1\r\nHost:host:80 \r\nX: a\r\nx:\tb:c \r\nX-Text: \xd1\x8f\xff\r\nConnection: keep-alive, upgrade\r\nUpgrade: h2c, WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let (request, _) = serve(bytes).unwrap().unwrap();
    assert_eq!((request.path(), request.query()), ("/p", "q"));
    assert_eq!(request.header("X").as_deref(), Some("a, b:c"));
    assert_eq!(request.header("x-text").as_deref(), Some("я\u{fffd}"));
    let names: Vec<&str> = request.headers().map(|(name, _)| name).collect();
    assert_eq!(names[..4], ["Host", "X", "x", "X-Text"]);
    assert_eq!(names.len(), 8);
    let answer = String::from_utf8(request.accept(None, None, "")).unwrap();
    // The example of RFC 6455 section 1.3.
    assert!(answer.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    for (target, path, query) in [("/", "/", ""), ("/?", "/", ""), ("ws://h", "/", ""), ("ws://h?x=/y", "/", "x=/y")] {
        let bytes = request_text(&client("ws://host/", &[], None)).replacen("GET /", &format!("GET {target}"), 1);
        let (request, _) = serve(bytes.as_bytes()).unwrap().unwrap();
        assert_eq!((request.path(), request.query()), (path, query), "{target}");
    }
}

#[test]
fn each_bad_request_has_its_status() {
    for (from, to, status) in [
        ("GET / HTTP/1.1", "\u{16}\u{3}\u{1}", 400),
        ("GET /", "GET  /", 400),
        ("GET /", "GET *", 400),
        ("GET /", "GET host:80", 400),
        ("GET /", "GET /#x", 400),
        ("GET /", "POST /", 405),
        ("GET /", "OPTIONS /", 405),
        ("HTTP/1.1", "HTTP/1.0", 426),
        ("HTTP/1.1", "HTTP/9", 400),
        ("Host: host\r\n", "", 400),
        ("Host: host\r\n", "Host: host\r\nHost: other\r\n", 400),
        ("Host: host\r\n", "Host: host\r\nbad header: x\r\n", 400),
        ("Host: host\r\n", "Host: host\r\n folded\r\n", 400),
        ("Host: host\r\n", "Host: host\r\nX: a\0b\r\n", 400),
        ("Host: host\r\n", "Host: host\r\nContent-Length: 5\r\n", 400),
        ("Host: host\r\n", "Host: host\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Upgrade: websocket\r\n", "", 426),
        ("Upgrade: websocket\r\n", "Upgrade: h2c\r\n", 426),
        ("Connection: Upgrade\r\n", "", 400),
        ("Connection: Upgrade\r\n", "Connection: keep-alive\r\n", 400),
        ("Version: 13", "Version: 8", 426),
        ("Sec-WebSocket-Version: 13\r\n", "", 426),
        ("Sec-WebSocket-Key: ", "X-Key: ", 400),
        ("==\r\n", "=\r\n", 400),
        ("==\r\n", "==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 400),
        ("Sec-WebSocket-Key: ", "Sec-WebSocket-Key: é", 400),
    ] {
        assert_eq!(refused(|request| request.replacen(from, to, 1)).0, status, "{to:?} for {from:?}");
    }
    let insert = |text: String| refused(move |request| request.replacen("\r\n", &format!("\r\n{text}"), 1));
    assert_eq!(insert(format!("X: {}\r\n", "x".repeat(16 * 1024))).0, 431);
    assert_eq!(insert("X: y\r\n".repeat(200)).0, 431);
    assert_eq!(serve(&[b'G'; 20 * 1024]).err().unwrap().status, 431);
    assert_eq!(serve(b"\x16").err().unwrap().status, 400, "TLS on a plain port shows at its first byte");
}

#[test]
fn a_refusal_is_a_whole_answer() {
    let answer = |status| String::from_utf8(Refusal::new(status, "text").answer("")).unwrap();
    assert_eq!(
        answer(403),
        "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\ntext"
    );
    assert!(answer(426).contains("\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"));
    assert!(answer(405).contains("\r\nAllow: GET, HEAD\r\n"));
    assert!(answer(499).starts_with("HTTP/1.1 499 \r\n"));
}

/// What the client says to an answer that is right but for what `edit` does to it.
fn answered(
    protocols: &[&str],
    extensions: Option<&str>,
    edit: impl Fn(&str) -> String,
) -> Result<Agreed, crate::error::Error> {
    let mut asked = client("ws://host", protocols, extensions);
    let (request, _) = serve(asked.request()).unwrap().unwrap();
    let answer = edit(&String::from_utf8(request.accept(None, None, "")).unwrap());
    match asked.feed(answer.as_bytes())? {
        Some((agreed, _)) => Ok(agreed),
        // It ends with the body of a refusal.
        None => Err(asked.cut()),
    }
}

fn replaced(from: &str, to: &str) -> Id {
    answered(&[], None, |answer| answer.replacen(from, to, 1)).expect_err(to).id()
}

#[test]
fn each_bad_answer_has_its_error() {
    for (from, to, id) in [
        ("HTTP/1.1", "SSH-2.0", Id::NotHttp),
        ("HTTP/1.1 101", "HTTP/1.1 1O1", Id::NotHttp),
        ("Upgrade: ", "bad header: ", Id::AnswerHeader),
        ("Upgrade: ", "Upgrade: \u{1}", Id::AnswerHeader),
        ("Accept: ", "Accept: \0", Id::AnswerHeader),
        ("Upgrade: websocket", "X: y", Id::AnswerHeader),
        ("Upgrade: websocket", "Upgrade: h2c", Id::AnswerHeader),
        ("Connection: Upgrade", "Connection: close", Id::AnswerHeader),
        ("Sec-WebSocket-Accept", "X", Id::AnswerHeader),
        ("Accept: ", "Accept: x\r\nSec-WebSocket-Accept: ", Id::AnswerHeader),
        ("Accept: ", "Accept: x", Id::AcceptMismatch),
        ("\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n", Id::SubprotocolForeign),
        ("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", Id::ExtensionForeign),
        ("101 Switching Protocols", "404 Not Found", Id::HttpStatus),
        ("101 Switching Protocols", "200", Id::HttpStatus),
        ("101 Switching Protocols", "302 Found\r\nLocation: /login", Id::HttpRedirect),
        ("101 Switching Protocols", "302 Found", Id::HttpStatus),
    ] {
        assert_eq!(replaced(from, to), id, "{to:?} for {from:?}");
    }
    let with = |header: &'static str| move |answer: &str| answer.replace("\r\n\r\n", &format!("\r\n{header}\r\n\r\n"));
    let id = |result: Result<Agreed, crate::error::Error>| result.map_err(|error| error.id());
    let offered: &[&str] = &["a", "b"];
    assert_eq!(id(answered(offered, None, str::to_owned)), Err(Id::SubprotocolIgnored));
    assert_eq!(id(answered(offered, None, with("Sec-WebSocket-Protocol: A"))), Err(Id::SubprotocolForeign));
    let twice = with("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a");
    assert_eq!(id(answered(offered, None, twice)), Err(Id::AnswerHeader));
    assert_eq!(answered(offered, None, with("Sec-WebSocket-Protocol: b")).unwrap().protocol, "b");
    let more = with("Sec-WebSocket-Extensions: x; a=1, y");
    assert_eq!(answered(&[], Some("y, x; a"), more).unwrap().extensions, "x; a=1, y");
    assert_eq!(id(answered(&[], Some("x"), more)), Err(Id::ExtensionForeign));
    let long = format!("X: {}\r\n", "x".repeat(100));
    assert_eq!(
        id(answered(&[], None, |answer| answer.replacen("\r\n", &format!("\r\n{}", long.repeat(700)), 1))),
        Err(Id::AnswerTooLong)
    );
}

#[test]
fn refusals_are_told_without_secrets_in_both_languages() {
    // With its body, which ends with the connection.
    let answer = |text: &str| {
        let mut asked = client("ws://host", &[], None);
        assert_eq!(asked.feed(text.as_bytes()).unwrap(), None);
        asked.cut()
    };
    let error = answer("HTTP/1.1 404 Not\tFound\r\n\r\n");
    assert_eq!(error.text(Language::English), "the server answered HTTP 404 Not Found instead of 101 for /");
    assert_eq!(error.text(Language::Russian), "сервер ответил HTTP 404 Not Found вместо 101 на запрос /");
    let error = answer("HTTP/1.1 301 Moved\r\nLocation: https://u:SECRET@other/x?token=SECRET\r\n\r\n");
    assert_eq!(
        error.text(Language::Russian),
        "сервер ответил HTTP 301 Moved и перенаправляет на https://***@other/x; сколько перенаправлений выполнять, задаёт МаксимумПеренаправлений"
    );
    let error = answer(&format!("HTTP/1.1 500 {}\r\n\r\n", "x".repeat(5000)));
    assert!(error.text(Language::English).len() < 200);
}

#[test]
fn an_answer_that_is_no_http_shows_at_its_first_bytes() {
    let mut asked = client("ws://host", &[], None);
    assert_eq!(asked.cut().id(), Id::AnswerCutPlain);
    assert_eq!(client("wss://host", &[], None).cut().id(), Id::AnswerCut);
    assert_eq!(asked.feed(b"HT").unwrap(), None);
    assert_eq!(asked.cut().id(), Id::AnswerCut);
    assert_eq!(asked.feed(b"X").unwrap_err().id(), Id::NotHttp);
    let mut asked = client("ws://host", &[], None);
    assert_eq!(asked.feed(b"HTTP/1.1 101 Switching").unwrap(), None);
    assert_eq!(asked.cut().id(), Id::AnswerCut);
    for (status, id) in [("101 Switching Protocols", Id::AnswerTooLong), ("200 OK", Id::HttpStatus)] {
        let mut asked = client("ws://host", &[], None);
        let head = format!("HTTP/1.1 {status}\r\n{}", "a: b\r\n".repeat(20_000));
        assert_eq!(asked.feed(head.as_bytes()).unwrap_err().id(), id);
    }
    let mut asked = client("ws://host", &[], None);
    assert_eq!(asked.feed(b"HTTP/1.1 503 Full\r\nRetry").unwrap(), None);
    assert_eq!(asked.cut().text(Language::English), "the server answered HTTP 503 Full instead of 101 for /");
}

/// An alert, and what a server says that speaks first: only a client that has asked without TLS is told of wss.
#[test]
fn an_answer_by_tls_is_recognised() {
    for bytes in [&b"\x15\x03\x01\x00\x02\x02\x0a"[..], b"\x16\x03\x03\x00\x7a"] {
        assert_eq!(client("ws://host", &[], None).feed(bytes).unwrap_err().id(), Id::AnswerIsTls);
        assert_eq!(client("wss://host", &[], None).feed(bytes).unwrap_err().id(), Id::NotHttp);
    }
}
