//! What a user is told when something fails: the result and the whole text, in both languages.

mod common {
    pub mod face;
    pub mod raw;
}

use common::face::*;
use common::raw::{self, BlackHole, FIN, Peer, Then};
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

// ---- the URL

#[test]
fn a_malformed_url() {
    let cases = [
        ("ws://", "ws://"),
        ("ws://host:99999/x", "ws://host:99999/x"),
        ("ws://ho st/", "ws://ho st/"),
        ("ws://[::1/", "ws://[::1/"),
        ("ws://user:SECRET@host:99999?token=s3cret", "ws://***@host:99999"),
    ];
    for (url, shown) in cases {
        let client = Client::new();
        let ours = [format!("the URL {shown} is malformed"), format!("неверный URL {shown}")];
        let _guard = english();
        for (language, ours) in [WSADDIN_LANGUAGE_ENGLISH, WSADDIN_LANGUAGE_RUSSIAN].into_iter().zip(ours) {
            set_language(language);
            let fault = client.connect(url).unwrap_err();
            assert_eq!(fault.code, WSADDIN_BAD_ARGUMENT);
            assert!(fault.text.starts_with(&ours), "{}", fault.text);
            assert!(!fault.text.contains("SECRET") && !fault.text.contains("s3cret"), "{}", fault.text);
        }
        assert_eq!((client.status(), client.ready_state()), (0, 3), "nothing was tried");
    }
}

#[test]
fn a_url_without_a_scheme() {
    connect_fails(
        "localhost:9098/chat",
        WSADDIN_BAD_ARGUMENT,
        "the URL localhost:9098/chat is malformed: it has to begin with ws:// or wss://",
        "неверный URL localhost:9098/chat: он должен начинаться с ws:// или wss://",
    );
}

#[test]
fn an_unknown_scheme() {
    connect_fails(
        "http://user:SECRET@host/?token=s3cret",
        WSADDIN_BAD_ARGUMENT,
        "the URL http://***@host/ has the scheme http: ws or wss is needed",
        "URL http://***@host/: схема http не поддерживается, нужна ws или wss",
    );
}

#[test]
fn a_url_with_a_fragment() {
    connect_fails(
        "ws://host/path#s3cret",
        WSADDIN_BAD_ARGUMENT,
        "the URL ws://host/path has a fragment (#…), which RFC 6455 does not allow",
        "URL ws://host/path содержит фрагмент (#…), RFC 6455 этого не допускает",
    );
}

// ---- reaching the other side

#[test]
fn a_host_that_does_not_resolve() {
    connect_fails(
        "ws://user:SECRET@nobody.invalid:9098/?token=s3cret",
        WSADDIN_RESOLVE,
        "connecting to nobody.invalid:9098: host nobody.invalid not found (*)",
        "подключение к nobody.invalid:9098: узел nobody.invalid не найден (*)",
    );
}

/// A port of the loopback address on which nobody listens.
fn closed_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

#[test]
fn a_refused_port() {
    let port = closed_port();
    connect_fails(
        &format!("ws://user:SECRET@127.0.0.1:{port}/?token=s3cret"),
        WSADDIN_REFUSED,
        &format!("connecting to 127.0.0.1:{port}: connection refused (*)"),
        &format!("подключение к 127.0.0.1:{port}: соединение отклонено (*)"),
    );
}

#[test]
fn an_address_that_does_not_answer() {
    let hole = BlackHole::new();
    let at = hole.address();
    let client = Client::new();
    client.connect_timeout(200);
    fails(
        WSADDIN_CONNECT_TIMEOUT,
        &format!("connecting to {at}: no connection within 200 ms: no answer from the address"),
        &format!("подключение к {at}: подключение не удалось за 200 мс: адрес не отвечает"),
        || client.connect(&hole.url()),
    );
    assert_eq!((client.status(), client.ready_state()), (-1, 3));
}

// ---- the answer to the handshake

#[test]
fn a_server_that_answers_404() {
    refused_by(
        &Peer::answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        WSADDIN_HANDSHAKE,
        "the server answered HTTP 404 Not Found instead of 101",
        "сервер ответил HTTP 404 Not Found вместо 101",
    );
}

#[test]
fn a_redirect_is_told_without_its_secrets() {
    refused_by(
        &Peer::answering("HTTP/1.1 301 Moved Permanently\r\nLocation: wss://u:SECRET@other/chat?s3cret=1\r\n\r\n"),
        WSADDIN_HANDSHAKE,
        "the server answered HTTP 301 Moved Permanently and redirects to wss://***@other/chat; redirects are not followed",
        "сервер ответил HTTP 301 Moved Permanently и перенаправляет на wss://***@other/chat; перенаправления не выполняются",
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
    for answer in ["", "HTTP/1.1 101 Switching Protocols\r\nUpgr"] {
        refused_by(
            &Peer::answering(answer),
            WSADDIN_HANDSHAKE,
            "the server closed the connection before it answered the handshake",
            "сервер закрыл соединение, не ответив на рукопожатие",
        );
    }
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

// ---- TLS

#[test]
fn tls_to_a_plain_port() {
    let peer = Peer::new(|stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        Then::Keep
    });
    let at = peer.address();
    connect_fails(
        &format!("wss://{at}/"),
        WSADDIN_TLS,
        &format!("connecting to {at}: the other side does not speak TLS (*)"),
        &format!("подключение к {at}: другая сторона не использует TLS (*)"),
    );
}

#[test]
fn tls_that_is_closed_during_the_handshake() {
    let peer = Peer::new(|stream| {
        let _ = stream.read(&mut [0; 4096]);
        Then::Close
    });
    let at = peer.address();
    connect_fails(
        &format!("wss://{at}/"),
        WSADDIN_TLS,
        &format!("connecting to {at}: the peer closed the connection during the TLS handshake (*)"),
        &format!("подключение к {at}: соединение закрыто во время рукопожатия TLS (*)"),
    );
}

#[test]
fn a_tls_handshake_that_hangs() {
    let peer = Peer::new(|_| Then::Keep);
    let client = Client::new();
    client.connect_timeout(500);
    let at = peer.address();
    fails(
        WSADDIN_CONNECT_TIMEOUT,
        &format!("connecting to {at}: no connection within 500 ms: TLS handshake"),
        &format!("подключение к {at}: подключение не удалось за 500 мс: рукопожатие TLS"),
        || client.connect(&format!("wss://{at}/")),
    );
}

/// `openssl s_server` with a certificate that it has signed itself.
struct TlsServer {
    child: Child,
    port: u16,
    folder: std::path::PathBuf,
}

impl TlsServer {
    fn start() -> Self {
        let folder =
            std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("self-signed-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout"])
            .args([key.as_os_str(), "-out".as_ref(), certificate.as_os_str()])
            .stderr(Stdio::null())
            .status()
            .expect("this test needs the program openssl");
        assert!(made.success());
        let port = closed_port();
        let child = Command::new("openssl")
            .args(["s_server", "-quiet", "-accept", &format!("127.0.0.1:{port}"), "-key"])
            .args([key.as_os_str(), "-cert".as_ref(), certificate.as_os_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("the TLS server listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { child, port, folder }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_self_signed_certificate() {
    let server = TlsServer::start();
    let port = server.port;
    connect_fails(
        &format!("wss://localhost:{port}/"),
        WSADDIN_CERTIFICATE,
        &format!("connecting to localhost:{port}: the server's certificate is self-signed (*)"),
        &format!("подключение к localhost:{port}: сертификат сервера самоподписанный (*)"),
    );
}

// ---- using what is not there

#[test]
fn not_connected() {
    let client = Client::new();
    let (en, ru) = ("not connected", "соединение не установлено");
    fails(WSADDIN_NOT_CONNECTED, en, ru, || client.send("x"));
    fails(WSADDIN_NOT_CONNECTED, en, ru, || client.send_binary(b"x"));
    fails(WSADDIN_NOT_CONNECTED, en, ru, || client.ping(1000));
    fails(WSADDIN_NOT_CONNECTED, en, ru, || client.request("{}", 1000));
}

#[test]
fn connected_already_or_on_the_way() {
    let server = Server::running();
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    for url in [server.url().as_str(), "ws://nobody.invalid/"] {
        fails(WSADDIN_ALREADY_CONNECTED, "Already connected", "Подключение уже выполнено", || client.connect(url));
        fails(
            WSADDIN_ALREADY_CONNECTED,
            "Already connected",
            "Подключение уже выполнено",
            || client.begin_connect(url),
        );
    }
    assert_eq!(client.status(), 1, "the connection stays");
    let hanging = Peer::new(|_| Then::Keep);
    let client = Client::new();
    client.begin_connect(&hanging.url()).unwrap();
    fails(WSADDIN_CONNECTING, "Connection in progress", "Подключение уже выполняется", || {
        client.connect(&server.url())
    });
    assert_eq!(client.ready_state(), 0);
}

#[test]
fn closing_with_what_may_not_be_sent() {
    let server = Server::running();
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    let connection = server.opened();
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
        let en = format!("close code {code} may not be sent: 1000–1003, 1007–1014 and 3000–4999 are allowed");
        let ru = format!("код закрытия {code} нельзя отправить: допустимы 1000–1003, 1007–1014 и 3000–4999");
        fails(WSADDIN_BAD_ARGUMENT, &en, &ru, || client.disconnect(code, ""));
        fails(WSADDIN_BAD_ARGUMENT, &en, &ru, || server.disconnect(connection, code, ""));
    }
    let reason = "ы".repeat(62);
    let en = "the close reason takes 124 bytes of UTF-8, 123 are allowed";
    let ru = "причина закрытия занимает 124 байт в UTF-8, допустимо 123";
    fails(WSADDIN_BAD_ARGUMENT, en, ru, || client.disconnect(1000, &reason));
    fails(WSADDIN_BAD_ARGUMENT, en, ru, || server.disconnect(connection, 1000, &reason));
    assert_eq!((client.status(), server.connection_count()), (1, 1), "nothing happened");
}

#[test]
fn headers_that_are_refused() {
    let client = Client::new();
    fails(
        WSADDIN_BAD_ARGUMENT,
        "the header Sec-WebSocket-Key belongs to the handshake and cannot be set",
        "заголовок Sec-WebSocket-Key относится к рукопожатию, задать его нельзя",
        || client.set_header("Sec-WebSocket-Key", "x"),
    );
    fails(
        WSADDIN_BAD_ARGUMENT,
        "the value of the header X-Token holds a character that is not allowed",
        "значение заголовка X-Token содержит недопустимый символ",
        || client.set_header("X-Token", "SECRET\r\nX-Injected: 1"),
    );
    fails(
        WSADDIN_BAD_ARGUMENT,
        "X Token is not a name of an HTTP header",
        "X Token: недопустимое имя заголовка HTTP",
        || client.set_header("X Token", "x"),
    );
}

// ---- listening

#[test]
fn a_port_in_use() {
    let server = Server::running();
    let port = server.port();
    let second = Server::new();
    fails(
        WSADDIN_ADDRESS,
        &format!("listening on 127.0.0.1:{port}: the port is in use (*)"),
        &format!("прослушивание 127.0.0.1:{port}: порт занят (*)"),
        || second.run("127.0.0.1", port.into()),
    );
    assert_eq!((second.port(), second.server()), (0, String::new()));
    fails(
        WSADDIN_ALREADY_RUNNING,
        &format!("the server is already running on 127.0.0.1:{port}"),
        &format!("сервер уже запущен на 127.0.0.1:{port}"),
        || server.run("127.0.0.1", 0),
    );
    server.stop().unwrap();
    second.run("127.0.0.1", port.into()).unwrap();
}

#[test]
fn an_interface_that_is_none_of_ours() {
    let server = Server::new();
    fails(
        WSADDIN_ADDRESS,
        "listening on 192.0.2.1:0: the address does not belong to this machine (*)",
        "прослушивание 192.0.2.1:0: адрес не принадлежит этому компьютеру (*)",
        || server.run("192.0.2.1", 0),
    );
    for name in ["eth0", "999.1.1.1", "example.com", "127.0.0.1:80"] {
        fails(
            WSADDIN_ADDRESS,
            &format!("{name} is not an IP address"),
            &format!("{name} не является IP-адресом"),
            || server.run(name, 0),
        );
    }
    for port in [-1, 65536, i64::MAX, i64::MIN] {
        fails(
            WSADDIN_BAD_ARGUMENT,
            &format!("port {port} is out of range 0…65535"),
            &format!("порт {port} вне диапазона 0…65535"),
            || server.run("127.0.0.1", port),
        );
    }
}

#[test]
fn connections_that_are_not_there() {
    let server = Server::new();
    let not_running = |server: &Server| {
        fails(WSADDIN_BAD_ARGUMENT, "connection 7 was never issued", "соединения 7 не было", || {
            server.send(7, "x")
        });
        fails(WSADDIN_BAD_ARGUMENT, "connection 7 was never issued", "соединения 7 не было", || {
            server.ping(7, 1000)
        });
    };
    not_running(&server);
    server.run("127.0.0.1", 0).unwrap();
    not_running(&server);
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    let connection = server.opened();
    assert!(client.disconnect(1000, "").unwrap());
    until("the server knows", || server.connection_count() == 0);
    assert!(!server.send(connection, "x").unwrap());
    assert!(!server.disconnect(connection, 1000, "").unwrap());
}

// ---- bounds

const LIMIT_EN: &str = "a message of 1001 bytes exceeds the limit of 1000";
const LIMIT_RU: &str = "сообщение в 1001 байт превышает предел 1000";

/// The reason of the last end, in both languages.
fn reasons(client: &Client) -> (String, String) {
    let _guard = english();
    let en = client.close_reason();
    set_language(WSADDIN_LANGUAGE_RUSSIAN);
    let ru = client.close_reason();
    set_language(WSADDIN_LANGUAGE_ENGLISH);
    (en, ru)
}

#[test]
fn a_message_over_the_clients_limit() {
    let server = Server::running();
    let client = Client::new();
    client.max_message_size(1000).connect(&server.url()).unwrap();
    let connection = server.opened();
    assert!(server.send_binary(connection, &[1; 1000]).unwrap());
    assert!(server.send_binary(connection, &[2; 1001]).unwrap());
    assert_eq!(client.receive(SOON).unwrap().event().data, [1; 1000], "the limit itself is allowed");
    assert_eq!(client.receive(SOON), Ok(Got::Closed));
    assert_eq!((client.status(), client.ready_state(), client.close_code()), (-1, 3, 1009));
    assert_eq!(reasons(&client), (LIMIT_EN.into(), LIMIT_RU.into()));
    let (code, reason, clean) = server.event().close();
    assert_eq!((code, reason.as_str(), clean), (1009, LIMIT_EN, true), "the server is told why");
}

#[test]
fn a_message_over_the_servers_limit() {
    let server = Server::running();
    server.max_message_size(1000);
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    server.opened();
    client.send_binary(&[1; 1000]).unwrap();
    client.send_binary(&[2; 1001]).unwrap();
    assert_eq!(server.event().data, [1; 1000]);
    let (code, reason, clean) = server.event().close();
    assert_eq!((code, reason.as_str(), clean), (1009, LIMIT_EN, false));
    assert_eq!(client.receive(SOON), Ok(Got::Closed));
    // The peer closed, so it is no failure of ours; the words on the wire are English.
    assert_eq!((client.status(), client.close_code(), client.close_reason()), (0, 1009, LIMIT_EN.into()));
}

#[test]
fn a_message_over_the_limit_in_many_frames() {
    let server = Server::running();
    server.max_message_size(1000);
    let mut peer = raw::client(server.port());
    server.opened();
    peer.write_all(&raw::frame(raw::BINARY, true, &[0; 600])).unwrap();
    peer.write_all(&raw::frame(raw::CONTINUE, true, &[0; 401])).unwrap();
    assert_eq!(raw::read_close(&mut peer), Some((1009, LIMIT_EN.into())));
    assert_eq!(server.event().close(), (1009, LIMIT_EN.into(), false));
}

#[test]
fn a_full_receive_queue() {
    let peer = Peer::websocket(|stream| {
        for _ in 0..10 {
            stream.write_all(&raw::frame(FIN | raw::TEXT, false, b"x")).unwrap();
        }
        Then::Keep
    });
    let client = Client::new();
    client.receive_queue_messages(4).connect(&peer.url()).unwrap();
    let (en, ru) =
        ("reading is paused because the receive queue is full", "приём приостановлен: очередь приёма заполнена");
    until("reading is paused", || client.ping(-1).is_err_and(|fault| fault.code == WSADDIN_QUEUE_FULL));
    until("what came before is handed over", || client.queued() == 4);
    fails(WSADDIN_QUEUE_FULL, en, ru, || client.ping(5000));
    fails(WSADDIN_QUEUE_FULL, en, ru, || client.request("{}", 5000));
    for _ in 0..10 {
        assert_eq!(client.receive(SOON).unwrap().event().text(), "x", "nothing was lost");
    }
}

#[test]
fn a_full_receive_queue_of_a_server() {
    let server = Server::running();
    server.receive_queue_messages(4);
    let mut peer = raw::client(server.port());
    let connection = server.opened();
    for _ in 0..10 {
        peer.write_all(&raw::frame(FIN | raw::TEXT, true, b"x")).unwrap();
    }
    until("reading is paused", || server.ping(connection, -1).is_err_and(|fault| fault.code == WSADDIN_QUEUE_FULL));
    fails(
        WSADDIN_QUEUE_FULL,
        "reading is paused because the receive queue is full",
        "приём приостановлен: очередь приёма заполнена",
        || server.ping(connection, 5000),
    );
    for _ in 0..10 {
        assert_eq!(server.receive(SOON).unwrap().event().text(), "x", "nothing was lost");
    }
}

/// Sends to a peer that does not read until the kernel's buffers and the queue are full.
fn fill(client: &Client) {
    client.send_queue_bytes(100_000).send_timeout(-1);
    let data = vec![0; 50_000];
    let start = Instant::now();
    let mut full = 0;
    // Full for some time: the kernel takes what it can.
    while full < 20 {
        assert!(start.elapsed() < Duration::from_secs(20));
        match client.send_binary(&data) {
            Ok(()) => full = 0,
            Err(fault) => {
                assert_eq!(fault.code, WSADDIN_QUEUE_FULL, "{}", fault.text);
                full += 1;
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

#[test]
fn a_full_send_queue() {
    let peer = Peer::frozen();
    let client = Client::new();
    client.close_timeout(0).connect(&peer.url()).unwrap();
    fill(&client);
    let before = client.buffered_amount();
    assert!((50_000..=100_000).contains(&before), "{before}");
    let (en, ru) = (
        format!("the send queue is full: {before} of 100000 bytes wait"),
        format!("очередь отправки заполнена: ожидает {before} из 100000 байт"),
    );
    let data = vec![0; 60_000];
    let start = Instant::now();
    fails(WSADDIN_QUEUE_FULL, &en, &ru, || client.send_binary(&data));
    assert!(start.elapsed() < Duration::from_millis(500), "SendTimeout −1 does not wait: {:?}", start.elapsed());
    client.send_timeout(300);
    let start = Instant::now();
    fails(WSADDIN_QUEUE_FULL, &en, &ru, || client.send_binary(&data));
    assert!(start.elapsed() >= Duration::from_millis(600), "twice SendTimeout: {:?}", start.elapsed());
    assert_eq!(client.buffered_amount(), before, "nothing was queued");
}

#[test]
fn a_server_whose_send_queue_is_full() {
    let server = Server::running();
    server.send_queue_bytes(100_000).close_timeout(0);
    let peer = raw::client(server.port());
    let connection = server.opened();
    let data = vec![0; 50_000];
    let mut full = 0;
    while full < 20 {
        match server.send_binary(connection, &data) {
            Ok(sent) => {
                assert!(sent);
                full = 0;
            }
            Err(_) => {
                full += 1;
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
    fails(
        WSADDIN_QUEUE_FULL,
        "the send queue is full: * of 100000 bytes wait",
        "очередь отправки заполнена: ожидает * из 100000 байт",
        || server.send_binary(connection, &[0; 60_000]),
    );
    drop(peer);
}

// ---- peers that vanish

#[test]
fn a_peer_that_vanishes_without_a_fin() {
    // It reads nothing any more and answers nothing; its kernel acknowledges, as that of a stopped program does.
    let peer = Peer::frozen();
    let client = Client::new();
    client.ping_interval(100).pong_timeout(200).connect(&peer.url()).unwrap();
    assert_eq!(client.receive(SOON), Ok(Got::Closed));
    assert_eq!((client.status(), client.ready_state(), client.close_code()), (-1, 3, 1011));
    assert_eq!(reasons(&client), ("no answer to a ping within 200 ms".into(), "нет ответа на пинг за 200 мс".into()));
}

#[test]
fn a_client_that_vanishes_without_a_fin() {
    let server = Server::running();
    server.ping_interval(100).pong_timeout(200);
    let _peer = raw::client(server.port());
    server.opened();
    assert_eq!(server.event().close(), (1011, "no answer to a ping within 200 ms".into(), false));
}

#[test]
fn a_pong_that_does_not_come() {
    let peer = Peer::frozen();
    let client = Client::new();
    client.close_timeout(0).connect(&peer.url()).unwrap();
    fails(WSADDIN_PING_TIMEOUT, "no pong within 150 ms", "ответ на пинг не получен за 150 мс", || client.ping(150));
    fails(
        WSADDIN_REQUEST_TIMEOUT,
        "no reply within 150 ms",
        "ответ на запрос не получен за 150 мс",
        || client.request("{\"method\":\"none\"}", 150),
    );
    for text in ["", "[1]", "\"x\"", "{\"id\":"] {
        let _guard = english();
        let fault = client.request(text, 150).unwrap_err();
        assert_eq!(fault.code, WSADDIN_BAD_ARGUMENT);
        assert!(fault.text.starts_with("the request is not a JSON object"), "{}", fault.text);
    }
}

#[test]
fn a_connection_that_ends_in_the_middle_of_a_call() {
    let told = Arc::new(AtomicUsize::new(0));
    let count = told.clone();
    let peer = Peer::websocket(move |stream| {
        // The ping, or the request.
        let (first, _) = raw::read_frame(stream).unwrap();
        count.fetch_add(usize::from(first), Ordering::SeqCst);
        Then::Close
    });
    let client = Client::new();
    fails(
        WSADDIN_NOT_CONNECTED,
        "the connection was closed meanwhile",
        "соединение закрыто во время ожидания",
        || {
            client.connect(&peer.url())?;
            client.ping(SOON)
        },
    );
    fails(
        WSADDIN_NOT_CONNECTED,
        "the connection was closed meanwhile",
        "соединение закрыто во время ожидания",
        || {
            // At once: who is told of the end finds the state to match.
            client.connect(&peer.url())?;
            client.request("{\"id\":1}", SOON)
        },
    );
    assert_eq!(told.load(Ordering::SeqCst), 2 * 0x89 + 2 * 0x81);
    for _ in 0..100 {
        client.connect(&peer.url()).unwrap();
        assert_eq!(code(client.ping(SOON)), WSADDIN_NOT_CONNECTED);
    }
}

#[test]
fn connections_that_break() {
    type Script = fn(&mut TcpStream) -> Then;
    let cases: [(Script, &str, &str); 2] = [
        (
            |_| Then::Close,
            "the peer closed the connection without a close handshake",
            "соединение закрыто без закрывающего рукопожатия",
        ),
        (
            |stream| {
                let socket = socket2::SockRef::from(&*stream);
                socket.set_linger(Some(Duration::ZERO)).unwrap();
                Then::Close
            },
            "the connection was lost (*)",
            "соединение потеряно (*)",
        ),
    ];
    for (script, en, ru) in cases {
        let peer = Peer::websocket(move |stream| {
            // Not before the client has seen the connection open.
            raw::read_frame(stream).unwrap();
            script(stream)
        });
        let client = Client::new();
        client.connect(&peer.url()).unwrap();
        client.send("now").unwrap();
        assert_eq!(client.receive(SOON), Ok(Got::Closed));
        assert_eq!((client.status(), client.ready_state(), client.close_code()), (-1, 3, 1006));
        let (got_en, got_ru) = reasons(&client);
        assert!(fits(&got_en, en) && fits(&got_ru, ru), "{got_en} / {got_ru}");
    }
}

// ---- a name server that never answers

/// Not a test of its own: the process inside the namespace, started by the next test.
#[test]
#[ignore = "runs inside the namespace that the test of the silent name server makes"]
fn inside_a_namespace_with_a_silent_name_server() {
    if std::env::var_os("WSADDIN_IN_NAMESPACE").is_none() {
        return;
    }
    let name_server = std::net::UdpSocket::bind("127.0.0.1:53").unwrap();
    let asked = Arc::new(AtomicBool::new(false));
    let seen = asked.clone();
    std::thread::spawn(move || {
        while name_server.recv(&mut [0; 512]).is_ok() {
            seen.store(true, Ordering::SeqCst);
        }
    });
    let client = Client::new();
    for round in 0..3 {
        asked.store(false, Ordering::SeqCst);
        std::thread::scope(|scope| {
            let blocked = scope.spawn(|| client.connect(&format!("ws://silent{round}.example/")));
            until("the name server was asked", || asked.load(Ordering::SeqCst));
            let start = Instant::now();
            assert_eq!(client.disconnect(1000, ""), Ok(false));
            println!("disconnect: {:?}", start.elapsed());
            let fault = blocked.join().unwrap().unwrap_err();
            println!("connect woken: {:?}", start.elapsed());
            assert!(start.elapsed() < Duration::from_millis(250), "{:?}", start.elapsed());
            assert_eq!((fault.code, fault.text.as_str()), (WSADDIN_CANCELLED, "cancelled"));
            assert_eq!((client.status(), client.ready_state()), (0, 3));
        });
    }
    // The time-out of a lookup.
    client.connect_timeout(300);
    let start = Instant::now();
    let fault = client.connect("ws://silent.example/").unwrap_err();
    assert_eq!(fault.code, WSADDIN_CONNECT_TIMEOUT);
    assert_eq!(fault.text, "connecting to silent.example:80: no connection within 300 ms: looking up the host");
    assert!(start.elapsed() < Duration::from_millis(550), "{:?}", start.elapsed());
    // Another client is not held up by lookups that hang.
    let server = Server::running();
    let other = Client::new();
    other.connect(&server.url()).unwrap();
    other.free().unwrap();
    server.free().unwrap();
    // Freeing the last object while a lookup hangs, from another thread than the one that is blocked.
    asked.store(false, Ordering::SeqCst);
    client.connect_timeout(0);
    std::thread::scope(|scope| {
        let blocked = scope.spawn(|| client.connect("ws://silent-again.example/"));
        until("the name server was asked", || asked.load(Ordering::SeqCst));
        let start = Instant::now();
        client.free().unwrap();
        println!("free: {:?}", start.elapsed());
        assert_eq!(code(blocked.join().unwrap()), WSADDIN_CANCELLED);
        assert!(start.elapsed() < Duration::from_millis(250), "{:?}", start.elapsed());
    });
    println!("the namespace is done");
}

/// Runs an ignored test of this file in a network and mount namespace of its own. `None`: none could be made here.
fn in_a_namespace(test: &str) -> Option<String> {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("resolv.conf"), "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n").unwrap();
    std::fs::write(folder.join("nsswitch.conf"), "hosts: files dns\n").unwrap();
    // The files may be links, and mounting follows them.
    let script = r#"
        set -e
        ip link set lo up
        mount --bind "$1/resolv.conf" "$(readlink -f /etc/resolv.conf)"
        if [ -e /etc/nsswitch.conf ]; then mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf; fi
        echo "the namespace is made"
        shift
        exec "$@"
    "#;
    let mut child = Command::new("unshare");
    child.args(["--net", "--mount", "--", "sh", "-c", script, "sh"]).arg(&folder);
    child.arg(std::env::current_exe().unwrap()).args(["--exact", test, "--ignored", "--nocapture"]);
    let output = child.env("WSADDIN_IN_NAMESPACE", "1").stdin(Stdio::null()).output();
    let _ = std::fs::remove_dir_all(&folder);
    let (made, text, success) = match &output {
        Ok(output) => {
            let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
            (out.contains("the namespace is made"), format!("{out}\n{err}"), output.status.success())
        }
        Err(error) => (false, error.to_string(), false),
    };
    if !made {
        // Making one takes root, or a container that allows it.
        let must = std::env::var_os("WSADDIN_NO_SKIP").is_some_and(|value| value == "1");
        assert!(!must, "{test}: no namespace could be made:\n{text}");
        let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: no namespace could be made: {text}");
        return None;
    }
    assert!(success && text.contains("the namespace is done"), "{text}");
    print!("{text}");
    Some(text)
}

#[test]
fn a_name_server_that_never_answers() {
    if let Some(text) = in_a_namespace("inside_a_namespace_with_a_silent_name_server") {
        assert!(text.contains("free: "), "{text}");
    }
}

/// Not a test of its own, either.
#[test]
#[ignore = "runs inside the namespace that the test of the cut line makes"]
fn inside_a_namespace_whose_line_is_cut() {
    if std::env::var_os("WSADDIN_IN_NAMESPACE").is_none() {
        return;
    }
    let server = Server::running();
    let client = Client::new();
    server.ping_interval(300).pong_timeout(500);
    client.ping_interval(300).pong_timeout(500).connect(&server.url()).unwrap();
    server.opened();
    assert!(client.ping(SOON).unwrap() >= 0);
    let start = Instant::now();
    // Everything on the way is lost: no FIN, no reset, no acknowledgement.
    assert!(Command::new("ip").args(["link", "set", "lo", "down"]).status().unwrap().success());
    assert_eq!(client.receive(SOON), Ok(Got::Closed));
    println!("the client noticed after {:?}", start.elapsed());
    let close = server.event().close();
    println!("the server noticed after {:?}", start.elapsed());
    // Three times both times together.
    assert!(start.elapsed() < Duration::from_millis(2400 + 250), "{:?}", start.elapsed());
    let text = "no answer to a ping within 500 ms";
    assert_eq!((client.status(), client.close_code(), client.close_reason()), (-1, 1011, text.into()));
    assert_eq!(close, (1011, text.into(), false));
    println!("the namespace is done");
}

#[test]
fn a_line_that_is_cut() {
    if let Some(text) = in_a_namespace("inside_a_namespace_whose_line_is_cut") {
        assert!(text.contains("the server noticed after"), "{text}");
    }
}
