//! Answers that refuse, in whatever shape: their status is told. And what is tolerated opens no door.

use super::*;
use websocket_addin::capi::*;

fn fault(peer: &Peer) -> String {
    let fault = Client::new().connect(&peer.url()).unwrap_err();
    assert_eq!(fault.code, WSADDIN_HANDSHAKE, "{}", fault.text);
    let start = format!("connecting to {}: ", peer.address());
    fault.text.strip_prefix(&start).unwrap_or_else(|| panic!("{}", fault.text)).to_owned()
}

#[test]
fn the_status_of_a_damaged_refusal_is_told() {
    for head in [
        "HTTP/1.1 403 Forbidden\r\nno colon\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\nX: a\0b\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\nX: a\rb\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\n folded\r\nName : x\r\n\r\n",
        "HTTP/1.1 403 Forbidden\n\n",
        "http/1.0  403  Forbidden \r\n\r\n",
        "HTTP/2 403 Forbidden\r\n\r\n",
        "HTTP/1.1 403 For\u{1}bidden\r\n\r\n",
        // Cut off in its head.
        "HTTP/1.1 403 Forbidden\r\n",
        "HTTP/1.1 403 Forbidden\r\nContent-Le",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 Forbidden\r\nX",
    ] {
        let shown = if head.contains('\u{1}') { "403 For bidden" } else { "403 Forbidden" };
        let text = fault(&Peer::answering(head));
        assert_eq!(text, format!("the server answered HTTP {shown} instead of 101 for /"), "{head:?}");
    }
    let endless = Peer::answering(format!("HTTP/1.1 403 Forbidden\r\nX: {}", "x".repeat(1 << 20)));
    assert_eq!(fault(&endless), "the server answered HTTP 403 Forbidden instead of 101 for /");
    assert_eq!(
        fault(&Peer::answering("HTTP/1.1 403 Нет\r\n\r\n")),
        "the server answered HTTP 403 Нет instead of 101 for /"
    );
}

#[test]
fn a_redirect_is_found_in_a_damaged_head() {
    let peer = Peer::answering("HTTP/1.1 302 Found\nno colon\nlocation :\n /login\n\n");
    let expected =
        "the server answered HTTP 302 Found and redirects to /login; MaxRedirects says how many redirects are followed";
    assert_eq!(fault(&peer), expected);
}

/// A line that is ignored is not there, and a needed header cannot be smuggled in or hidden.
#[test]
fn what_is_ignored_does_not_count() {
    let lacks = |name: &str| format!("the server's answer lacks a valid header {name}");
    let cases: &[(&str, &str, String)] = &[
        ("Upgrade: websocket", "Upgrade: \u{1}websocket", lacks("Upgrade")),
        ("Upgrade: websocket", "Upgrade: \0websocket", lacks("Upgrade")),
        ("Upgrade: websocket", "Upgrade websocket", lacks("Upgrade")),
        ("Upgrade: websocket", "Upgrade: websocket2", lacks("Upgrade")),
        ("Upgrade: websocket", "X: y\r\n Upgrade: websocket", lacks("Upgrade")),
        ("Upgrade: websocket", "X: y\rUpgrade: websocket", lacks("Upgrade")),
        ("Upgrade: websocket", "Upgrade: web\r\n socket", lacks("Upgrade")),
        ("Connection: Upgrade", "Connection: close", lacks("Connection")),
        ("Connection: Upgrade", "Connection: Up\r\n grade", lacks("Connection")),
        ("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x\r\nSec-WebSocket-Accept: ", lacks("Sec-WebSocket-Accept")),
        ("Sec-WebSocket-Accept: ", "X-Accept: ", lacks("Sec-WebSocket-Accept")),
        (
            "Sec-WebSocket-Accept: ",
            "Sec-WebSocket-Accept: x\r\n ",
            "the server's Sec-WebSocket-Accept does not belong to this request".to_owned(),
        ),
        (
            "HTTP/1.1 101",
            "HTTP/1.1 200",
            "the server answered HTTP 200 Switching Protocols instead of 101 for / (\u{fffd} first)".to_owned(),
        ),
        (
            "HTTP/1.1 101",
            "HTTP/1.1 1010",
            "the server's answer is not HTTP (HTTP/1.1 1010 Switching Protocols)".to_owned(),
        ),
        ("HTTP/1.1 101", "HTTP/1.1", "the server's answer is not HTTP (HTTP/1.1 Switching Protocols)".to_owned()),
        ("HTTP/1.1 101", "HTTQ/1.1 101", "the server's answer is not HTTP".to_owned()),
        (
            "\r\n\r\n",
            "\r\nSec-WebSocket-Protocol:\r\n chat\r\n\r\n",
            "the server selected the subprotocol chat, which was not offered".to_owned(),
        ),
        (
            "\r\n\r\n",
            "\r\nSec-WebSocket-Extensions :\r\n x-y\r\n\r\n",
            "the server uses the extension x-y, which was not offered".to_owned(),
        ),
    ];
    for (from, to, expected) in cases {
        let (from, to) = ((*from).to_owned(), (*to).to_owned());
        let what = format!("{to:?} for {from:?}");
        let peer = answering(move |answer| answer.replacen(&from, &to, 1).into_bytes());
        assert_eq!(&fault(&peer), expected, "{what}");
    }
}
