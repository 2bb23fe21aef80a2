//! Answers that say what they should in an odd way.

use super::*;

type Edit = fn(String) -> String;

/// A line before the first header.
fn with(answer: &str, line: &str) -> String {
    answer.replacen("\r\n", &format!("\r\n{line}\r\n"), 1)
}

const ODD: &[(&str, Edit)] = &[
    ("no reason", |answer| answer.replacen(" Switching Protocols", "", 1)),
    ("a blank for a reason", |answer| answer.replacen(" Switching Protocols", " ", 1)),
    ("another reason", |answer| answer.replacen("Switching Protocols", "Web Socket Protocol Handshake", 1)),
    ("a reason in Russian", |answer| answer.replacen("Switching Protocols", "Смена протокола", 1)),
    ("a reason with a control character", |answer| answer.replacen("Switching", "Swit\u{1}ching", 1)),
    ("blanks before the status", |answer| answer.replacen(" 101", "  101", 1)),
    ("blanks after the reason", |answer| answer.replacen("Protocols", "Protocols \t ", 1)),
    ("a small http", |answer| answer.replacen("HTTP/", "http/", 1)),
    ("HTTP/1.0", |answer| answer.replacen("HTTP/1.1", "HTTP/1.0", 1)),
    ("LF alone", |answer| answer.replace("\r\n", "\n")),
    ("LF alone in the last line", |answer| answer.replacen("\r\n\r\n", "\r\n\n", 1)),
    ("LF alone before the last line", |answer| answer.replacen("\r\n\r\n", "\n\r\n", 1)),
    ("two CR", |answer| answer.replace("\r\n", "\r\r\n")),
    ("an empty line before it", |answer| format!("\r\n{answer}")),
    ("small names", |answer| {
        answer.replace("Upgrade:", "upgrade:").replace("Sec-WebSocket-Accept", "sec-websocket-accept")
    }),
    ("great values", |answer| answer.replace(": websocket", ": WebSocket").replace(": Upgrade", ": UPGRADE")),
    ("no blanks after the colons", |answer| answer.replace(": ", ":")),
    ("blanks around the values", |answer| answer.replace(": ", ": \t ").replace("\r\nS", " \t\r\nS")),
    ("blanks before the colons", |answer| answer.replace(": ", " \t: ")),
    ("folded values", |answer| answer.replace(": ", ":\r\n ")),
    ("a fold of many lines", |answer| with(&answer, "X-Note: a\r\n b\r\n\tc\r\n \r\n d")),
    ("a fold in a list", |answer| answer.replace(": Upgrade", ": keep-alive,\r\n Upgrade")),
    ("a folded line before all headers", |answer| with(&answer, " X: y")),
    ("a line without a colon", |answer| with(&answer, "nonsense")),
    ("a line without a colon at the end", |answer| answer.replace("\r\n\r\n", "\r\nnonsense\r\n\r\n")),
    ("a colon without a name", |answer| with(&answer, ": nobody")),
    ("a name with a blank", |answer| with(&answer, "Bad Name: x")),
    ("a name in Russian", |answer| with(&answer, "Имя: значение")),
    ("a control character in a value", |answer| with(&answer, "Server: \u{1}\u{1b}[0m")),
    ("a NUL in a value", |answer| with(&answer, "Server: a\0b")),
    ("a CR in a value", |answer| with(&answer, "Server: a\rUpgrade: h2c")),
    ("a DEL in a name", |answer| with(&answer, "Ser\u{7f}ver: a")),
    ("an odd line with a fold", |answer| with(&answer, "Server: \u{1}\r\n Upgrade: h2c")),
    ("a header again and again", |answer| with(&answer, "Via: 1.1 a\r\nVia: 1.1 b\r\nvia: 1.1 a")),
    ("Upgrade twice", |answer| with(&answer, "Upgrade: websocket")),
    ("a list in Upgrade", |answer| answer.replace(": websocket", ": h2c, websocket/13, websocket")),
    ("several in Connection", |answer| answer.replace("Connection: ", "Connection: keep-alive,, ")),
    ("several Connection", |answer| with(&answer, "Connection: keep-alive\r\nCONNECTION: close, x")),
    ("a length", |answer| with(&answer, "Content-Length: 5")),
    ("a coding", |answer| with(&answer, "Transfer-Encoding: chunked")),
    ("no subprotocol", |answer| with(&answer, "Sec-WebSocket-Protocol:")),
    ("no extension", |answer| with(&answer, "Sec-WebSocket-Extensions:\r\nSec-WebSocket-Extensions: ,")),
    ("many headers", |answer| with(&answer, &"X: y\r\n".repeat(5000)[..5000 * 6 - 2])),
    ("a long header", |answer| with(&answer, &format!("Set-Cookie: {}", "x".repeat(60_000)))),
];

#[test]
fn odd_answers_of_servers() {
    for (what, edit) in ODD {
        let peer = answering(|answer| edit(answer).into_bytes());
        talks(&Client::new(), &peer.url(), what);
    }
}

#[test]
fn bytes_that_are_no_text() {
    let peer = answering(|answer| {
        let (line, rest) = answer.split_once("\r\n").unwrap();
        [line.as_bytes(), b"\r\nServer: \xe4\xf6\xfc\xff\r\n", rest.as_bytes()].concat()
    });
    talks(&Client::new(), &peer.url(), "Latin 1");
}

#[test]
fn several_lines_of_extensions_are_one_list() {
    let peer = answering(|answer| {
        let lines = "Sec-WebSocket-Extensions:\r\nSEC-WEBSOCKET-EXTENSIONS : permessage-deflate;\r\n server_no_context_takeover\r\n\
                     Sec-WebSocket-Extensions: ,";
        with(&answer, lines).into_bytes()
    });
    let client = Client::new();
    client.connect(&peer.url()).unwrap();
    assert!(client.extensions().contains("permessage-deflate; server_no_context_takeover"), "{}", client.extensions());
}

#[test]
fn the_subprotocol_may_be_folded() {
    let peer = answering(|answer| with(&answer, "Sec-WebSocket-Protocol :\r\n\tchat \t").into_bytes());
    let client = Client::new();
    client.set_protocols("chat").unwrap();
    client.connect(&peer.url()).unwrap();
    assert_eq!(client.protocol(), "chat");
}
