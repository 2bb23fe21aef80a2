//! The answer to the handshake.

use super::*;

#[test]
fn a_server_that_answers_404() {
    refused_by(
        &Peer::answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        WSADDIN_HANDSHAKE,
        "the server answered HTTP 404 Not Found instead of 101 for /",
        "сервер ответил HTTP 404 Not Found вместо 101 на запрос /",
    );
}

#[test]
fn a_redirect_is_told_without_its_secrets() {
    refused_by(
        &Peer::answering("HTTP/1.1 301 Moved Permanently\r\nLocation: wss://u:SECRET@other/chat?s3cret=1\r\n\r\n"),
        WSADDIN_HANDSHAKE,
        "the server answered HTTP 301 Moved Permanently and redirects to wss://***@other/chat; MaxRedirects says how many redirects are followed",
        "сервер ответил HTTP 301 Moved Permanently и перенаправляет на wss://***@other/chat; сколько перенаправлений выполнять, задаёт МаксимумПеренаправлений",
    );
}

#[test]
fn an_answer_that_is_no_http() {
    let garbage: Vec<u8> = (0..200_u8).map(|at| at.wrapping_mul(37)).collect();
    for answer in [garbage, b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(), b"\0".to_vec()] {
        refused_by(
            &Peer::answering(answer),
            WSADDIN_HANDSHAKE,
            "the server's answer is not HTTP",
            "ответ сервера не похож на HTTP",
        );
    }
}

#[test]
fn a_banner_before_the_request_and_a_server_that_then_waits() {
    let peer = Peer::new(|stream| {
        stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n").unwrap();
        Then::Keep
    });
    refused_by(&peer, WSADDIN_HANDSHAKE, "the server's answer is not HTTP", "ответ сервера не похож на HTTP");
}

#[test]
fn a_server_that_closes_at_once() {
    // That one which has said nothing at all may want TLS stands among the hints.
    refused_by(
        &Peer::answering("HTTP/1.1 101 Switching Protocols\r\nUpgr"),
        WSADDIN_HANDSHAKE,
        "the server closed the connection before it answered the handshake",
        "сервер закрыл соединение, не ответив на рукопожатие",
    );
}

#[test]
fn an_endless_header() {
    let peer = Peer::new(|stream| {
        raw::read_head(stream);
        let _ = stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\n");
        // Until the client has had enough.
        while stream.write_all(b"X-Endless: and on and on and on\r\n").is_ok() {}
        Then::Close
    });
    refused_by(
        &peer,
        WSADDIN_HANDSHAKE,
        "the answer to the handshake exceeds 65536 bytes",
        "ответ на рукопожатие длиннее 65536 байт",
    );
}

#[test]
fn a_handshake_that_hangs() {
    let peer = Peer::new(|_| Then::Keep);
    let client = Client::new();
    client.connect_timeout(200);
    let at = peer.address();
    fails(
        WSADDIN_CONNECT_TIMEOUT,
        &format!("connecting to {at}: no connection within 200 ms: no answer to the handshake"),
        &format!("подключение к {at}: подключение не удалось за 200 мс: нет ответа на рукопожатие"),
        || client.connect(&peer.url()),
    );
}

/// A server whose answer to the handshake is made from the right one.
fn answering_with(change: impl Fn(String) -> String + Send + Sync + 'static) -> Peer {
    Peer::new(move |stream| {
        let head = raw::read_head(stream);
        let _ = stream.write_all(change(raw::accept(&head, "")).as_bytes());
        Then::Keep
    })
}

#[test]
fn a_wrong_accept_key() {
    refused_by(
        &Peer::answering(raw::accept("Sec-WebSocket-Key: another", "")),
        WSADDIN_HANDSHAKE,
        "the server's Sec-WebSocket-Accept does not belong to this request",
        "Sec-WebSocket-Accept сервера не соответствует запросу",
    );
}

#[test]
fn a_missing_upgrade() {
    for name in ["Upgrade", "Connection", "Sec-WebSocket-Accept"] {
        refused_by(
            &answering_with(move |answer| answer.replace(&format!("\r\n{name}: "), "\r\nX-Other: ")),
            WSADDIN_HANDSHAKE,
            &format!("the server's answer lacks a valid header {name}"),
            &format!("в ответе сервера нет правильного заголовка {name}"),
        );
    }
}

#[test]
fn a_subprotocol_that_is_ignored_or_foreign() {
    let client = Client::new();
    client.set_protocols("chat, superchat").unwrap();
    let peer = answering_with(|answer| answer);
    let at = peer.address();
    fails(
        WSADDIN_HANDSHAKE,
        &format!("connecting to {at}: the server selected none of the offered subprotocols (chat, superchat)"),
        &format!("подключение к {at}: сервер не выбрал ни одного из предложенных подпротоколов (chat, superchat)"),
        || client.connect(&peer.url()),
    );
    let peer = answering_with(|answer| answer.replace("\r\nUpgrade", "\r\nSec-WebSocket-Protocol: mqtt\r\nUpgrade"));
    let at = peer.address();
    fails(
        WSADDIN_HANDSHAKE,
        &format!("connecting to {at}: the server selected the subprotocol mqtt, which was not offered"),
        &format!("подключение к {at}: сервер выбрал подпротокол mqtt, который не предлагался"),
        || client.connect(&peer.url()),
    );
}

#[test]
fn a_foreign_extension() {
    refused_by(
        &answering_with(|answer| {
            answer.replace("\r\nUpgrade", "\r\nSec-WebSocket-Extensions: x-foreign; a=1\r\nUpgrade")
        }),
        WSADDIN_HANDSHAKE,
        "the server uses the extension x-foreign, which was not offered",
        "сервер использует расширение x-foreign, которое не предлагалось",
    );
}
