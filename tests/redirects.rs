//! Redirects: how far they are followed, and what does not go along.

#![allow(dead_code, reason = "a part of the common modules is used")]

#[path = "common/mod.rs"]
mod common;
#[path = "common/daemon.rs"]
mod daemon;
#[path = "common/face.rs"]
mod face;
#[path = "common/peer.rs"]
mod peer;
#[path = "common/raw.rs"]
mod raw;
#[path = "common/tls.rs"]
mod tls;

use daemon::Daemon;
use face::*;
use raw::{Peer, Then};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tls::Authority;
use websocket_addin::capi::*;

type Heads = Arc<Mutex<Vec<String>>>;

/// A server that sends everybody to what `place` makes of the path, or lets in where it makes nothing; and what it was asked.
fn sending(place: impl Fn(&str) -> Option<(u16, String)> + Send + Sync + 'static) -> (Peer, Heads) {
    let heads = Heads::default();
    let kept = heads.clone();
    let peer = Peer::new(move |stream| {
        let head = raw::read_head(stream);
        kept.lock().unwrap().push(head.clone());
        let path = head.split(' ').nth(1).unwrap_or_default();
        let answer = match place(path) {
            // Of a body that never ends nothing is waited for.
            Some((status, location)) => format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\n\r\nelsewhere"),
            None => raw::accept(&head, ""),
        };
        let _ = stream.write_all(answer.as_bytes());
        Then::Keep
    });
    (peer, heads)
}

#[test]
fn every_status_of_redirects_is_followed_on_one_server() {
    for status in [301, 302, 303, 307, 308] {
        let (peer, heads) = sending(move |path| match path {
            "/a/b?c" => Some((status, "../d?e#f".to_owned())),
            "/d?e" => Some((status, "?g".to_owned())),
            _ => None,
        });
        let client = Client::new();
        client.max_redirects(2).close_timeout(0);
        client.set_header("X-Token", "s3cret").unwrap();
        client.set_header("Cookie", "a=b").unwrap();
        client.set_protocols("").unwrap();
        let start = Instant::now();
        client.connect(&format!("ws://user:pw@{}/a/b?c", peer.address())).unwrap();
        assert!(start.elapsed() < Duration::from_secs(2), "it waits for no body");
        assert_eq!(client.server(), format!("ws://{}/d", peer.address()));
        assert_eq!(client.expect(WSADDIN_EVENT_OPEN).json()["url"], client.server());
        assert_eq!(client.handshake_status(), 101);
        let heads = heads.lock().unwrap();
        assert_eq!(heads.len(), 3);
        for (head, path) in heads.iter().zip(["/a/b?c", "/d?e", "/d?g"]) {
            assert!(head.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "{head}");
            assert_eq!(raw::header(head, "Authorization"), Some("Basic dXNlcjpwdw=="), "the same place keeps them");
            assert_eq!((raw::header(head, "X-Token"), raw::header(head, "Cookie")), (Some("s3cret"), Some("a=b")));
        }
    }
}

#[test]
fn other_answers_are_not_followed() {
    for status in [200, 300, 304, 305, 306, 309, 404] {
        let (peer, heads) = sending(move |path| (path == "/").then(|| (status, "/x".to_owned())));
        let client = Client::new();
        client.max_redirects(5).connect_timeout(300);
        assert_eq!(code(client.connect(&peer.url())), WSADDIN_HANDSHAKE);
        assert_eq!((client.handshake_status(), heads.lock().unwrap().len()), (status.into(), 1));
    }
    // Off, as it is by default; and one without a place.
    let (peer, heads) = sending(|_| Some((302, "/x?t0ken".to_owned())));
    let client = Client::new();
    client.connect_timeout(300);
    let fault = client.connect(&peer.url()).unwrap_err();
    let expected = "HTTP 302 Moved and redirects to /x; MaxRedirects says how many redirects are followed";
    assert!(fault.text.ends_with(expected), "{}", fault.text);
    assert_eq!((client.handshake_status(), client.response_body()), (302, "elsewhere".into()));
    assert_eq!(client.response_headers()["location"], "/x?t0ken");
    assert_eq!(heads.lock().unwrap().len(), 1);
    let nowhere = Peer::answering("HTTP/1.1 302 Moved\r\nContent-Length: 0\r\n\r\n");
    client.max_redirects(5);
    assert_eq!(code(client.connect(&nowhere.url())), WSADDIN_HANDSHAKE);
}

#[test]
fn nothing_confidential_goes_elsewhere() {
    let (other, others) = sending(|path| (path == "/x").then(|| (302, "/back".to_owned())));
    let place = format!("http://who:ever@{}/x", other.address());
    let (first, firsts) = sending(move |_| Some((307, place.clone())));
    let client = Client::new();
    client.max_redirects(5).close_timeout(0);
    client.set_header("Authorization", "Bearer s3cret").unwrap();
    client.set_header("Cookie", "s3cret").unwrap();
    client.set_header("X-Own", "s3cret").unwrap();
    client.set_hello_message("hello").unwrap();
    client.set_protocols("").unwrap();
    client.connect(&format!("ws://user:s3cret@{}/?s3cret", first.address())).unwrap();
    assert!(firsts.lock().unwrap()[0].contains("Bearer s3cret"));
    let heads = others.lock().unwrap().clone();
    assert_eq!(heads.len(), 2);
    for head in &heads {
        assert!(!head.contains("s3cret") && raw::header(head, "Authorization").is_none(), "{head}");
        assert_eq!(raw::header(head, "Host"), Some(other.address().to_string().as_str()));
    }
    assert_eq!(client.server(), format!("ws://{}/back", other.address()));
    // A subprotocol is asked for again, but no token in one.
    client.disconnect(1000, "").unwrap();
    client.set_protocols("chat, access_token.s3cret").unwrap();
    client.connect(&first.url()).unwrap_err();
    let head = others.lock().unwrap()[2].clone();
    assert_eq!(raw::header(&head, "Sec-WebSocket-Protocol"), Some("chat"));
}

#[test]
fn a_loop_and_too_many_are_told_with_their_chain() {
    let (peer, heads) = sending(|path| match path {
        "/a?t0ken" => Some((302, "/b".to_owned())),
        "/b" => Some((302, "/a?t0ken#x".to_owned())),
        path => Some((302, format!("{path}x"))),
    });
    let at = peer.address();
    let client = Client::new();
    client.max_redirects(20);
    let fault = client.connect(&format!("ws://{at}/a?t0ken")).unwrap_err();
    let chain = format!("ws://{at}/a → ws://{at}/b → ws://{at}/a");
    assert_eq!(fault.text, format!("connecting to {at}: the redirects form a loop: {chain}"));
    assert_eq!((fault.code, client.handshake_status()), (WSADDIN_HANDSHAKE, 302));
    assert_eq!(heads.lock().unwrap().len(), 2);
    client.max_redirects(2);
    let fault = client.connect(&format!("ws://{at}/")).unwrap_err();
    let chain = format!("ws://{at}/ → ws://{at}/x → ws://{at}/xx → ws://{at}/xxx");
    assert_eq!(fault.text, format!("connecting to {at}: more than 2 redirects: {chain}"));
    assert_eq!(heads.lock().unwrap().len(), 5);
    set_language(WSADDIN_LANGUAGE_RUSSIAN);
    let fault = client.connect(&format!("ws://{at}/")).unwrap_err();
    set_language(WSADDIN_LANGUAGE_ENGLISH);
    assert_eq!(fault.text, format!("подключение к {at}: перенаправлений больше 2: {chain}"));
    // What fails behind a redirect tells of it.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (peer, _) = sending(move |_| Some((302, format!("ws://{gone}/x"))));
    let fault = client.connect(&peer.url()).unwrap_err();
    let start = format!("after the redirects ws://{}/: connecting to {gone}: ", peer.address());
    assert!(fault.text.starts_with(&start), "{}", fault.text);
    assert_eq!(client.handshake_status(), 0, "the last server has not answered");
    for location in ["ftp://host/", "ws://host:99999/", "/\\host/"] {
        let (peer, _) = sending(move |_| Some((302, location.to_owned())));
        let fault = client.connect(&peer.url()).unwrap_err();
        assert_eq!(fault.code, WSADDIN_HANDSHAKE);
        assert!(fault.text.contains(&format!("redirects to {location}, which is no URL")), "{}", fault.text);
    }
}

#[test]
fn the_whole_way_has_one_time_limit() {
    let peer = Peer::new(|stream| {
        raw::read_head(stream);
        std::thread::sleep(Duration::from_millis(60));
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let _ = stream.write_all(format!("HTTP/1.1 302 Moved\r\nLocation: /{count}\r\n\r\n").as_bytes());
        Then::Keep
    });
    let client = Client::new();
    client.max_redirects(20).connect_timeout(300);
    assert_eq!(code(client.connect(&peer.url())), WSADDIN_CONNECT_TIMEOUT);
    // Cancelled in the middle of it.
    client.connect_timeout(0);
    client.begin_connect(&peer.url()).unwrap();
    client.disconnect(1000, "").unwrap();
    assert_eq!((client.status(), client.ready_state()), (0, 3));
}

#[test]
fn from_plain_to_tls_and_never_back() {
    let _turn = tls::turn();
    let authority = Authority::with_server("redirects");
    let secure = authority.server("server");
    let port = secure.port();
    let (plain, _) = sending(move |_| Some((301, format!("https://localhost:{port}/in"))));
    let client = authority.client();
    client.max_redirects(1);
    client.connect(&plain.url()).unwrap();
    assert_eq!(client.server(), format!("wss://localhost:{port}/in"));
    tls::echo(&client, &secure);
    client.disconnect(1000, "").unwrap();
    // A stranger's certificate is refused there, too.
    let stranger = Client::new();
    stranger.max_redirects(1);
    assert_eq!(code(stranger.connect(&plain.url())), WSADDIN_CERTIFICATE);
    // OpenSSL's own server sends back what is no WebSocket.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let back = listener.local_addr().unwrap().port();
    let (chain, key) = (authority.path("server.pem"), authority.path("server.key"));
    let target = plain.address();
    let peer = std::thread::spawn(move || {
        let mut acceptor = openssl::ssl::SslAcceptor::mozilla_intermediate_v5(openssl::ssl::SslMethod::tls()).unwrap();
        acceptor.set_certificate_chain_file(chain).unwrap();
        acceptor.set_private_key_file(key, openssl::ssl::SslFiletype::PEM).unwrap();
        let mut stream = acceptor.build().accept(listener.accept().unwrap().0).unwrap();
        raw::read_head(&mut stream);
        let answer = format!("HTTP/1.1 302 Moved\r\nLocation: http://{target}/?t0ken\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).unwrap();
        let _ = stream.read(&mut [0; 1]);
    });
    let fault = client.connect(&format!("wss://localhost:{back}/")).unwrap_err();
    let expected = format!("the server redirects from wss:// to http://{target}/, which is not encrypted");
    assert!(fault.code == WSADDIN_HANDSHAKE && fault.text.ends_with(&expected), "{}", fault.text);
    drop(client);
    peer.join().unwrap();
}

/// A client certificate is shown to the server that it was meant for alone.
#[test]
fn a_client_certificate_stays() {
    let _turn = tls::turn();
    let authority = Authority::with_server("redirects-mutual");
    authority.issue(tls::Subject { name: "me", alternatives: "", ..tls::LOCAL });
    let [chain, key, ca] = ["server.pem", "server.key", "ca.pem"].map(|name| authority.path(name));
    let Some(peer) = peer::Peer::python("tls_server.py", &[&chain, &key, &ca, "1.3"]) else { return };
    let port: u16 = peer.line_after("port ").parse().unwrap();
    let client = authority.client();
    client.max_redirects(1);
    client.set_client_certificate(&authority.path("me.pem"), &authority.path("me.key"), "").unwrap();
    client.connect(&format!("wss://localhost:{port}/")).unwrap();
    client.disconnect(1000, "").unwrap();
    let (plain, _) = sending(move |_| Some((301, format!("wss://localhost:{port}/"))));
    let fault = client.connect(&plain.url()).unwrap_err();
    // With TLS 1.3 the server says so, or only closes, behind the handshake.
    assert!(fault.text.starts_with("after the redirects ws://"), "{}", fault.text);
    assert!([WSADDIN_CERTIFICATE, WSADDIN_IO, WSADDIN_HANDSHAKE].contains(&fault.code), "{}", fault.text);
}

#[test]
fn a_reconnection_begins_at_the_first_url() {
    let others = Heads::default();
    let kept = others.clone();
    // It breaks its first connection off.
    let other = Peer::new(move |stream| {
        let head = raw::read_head(stream);
        let answer = raw::accept(&head, "");
        // Noted before the answer, which the client may be told of at once.
        let mut heads = kept.lock().unwrap();
        heads.push(head);
        let then = if heads.len() == 1 { Then::Close } else { Then::Keep };
        drop(heads);
        let _ = stream.write_all(answer.as_bytes());
        then
    });
    let place = other.address();
    let (first, firsts) = sending(move |_| Some((302, format!("ws://{place}/"))));
    let client = Client::new();
    client.max_redirects(1).reconnect_interval(1);
    client.begin_connect(&first.url()).unwrap();
    client.expect(WSADDIN_EVENT_OPEN);
    assert_eq!(client.expect(WSADDIN_EVENT_CLOSE).close().0, 1006);
    assert_eq!(client.expect(WSADDIN_EVENT_OPEN).json()["url"], format!("ws://{place}/"));
    assert_eq!((firsts.lock().unwrap().len(), others.lock().unwrap().len()), (2, 2));
    client.disconnect(1000, "").unwrap();
}

/// Each target gets its own way through the proxy.
#[test]
fn the_proxy_is_asked_anew() {
    let (last, _) = sending(|_| None);
    let place = last.address();
    let (first, _) = sending(move |_| Some((302, format!("ws://{place}/x"))));
    let asked = Heads::default();
    let kept = asked.clone();
    let proxy = Peer::new(move |stream| {
        let head = raw::read_head(stream);
        let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
        kept.lock().unwrap().push(target.clone());
        let mut server = TcpStream::connect(target).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let (mut from, mut to) = (server.try_clone().unwrap(), stream.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut from, &mut to));
        let _ = std::io::copy(stream, &mut server);
        let _ = server.shutdown(std::net::Shutdown::Both);
        Then::Close
    });
    let client = Client::new();
    client.max_redirects(1);
    client.set_proxy(&format!("http://{}", proxy.address())).unwrap();
    client.connect(&first.url()).unwrap();
    assert_eq!(*asked.lock().unwrap(), [first.address().to_string(), last.address().to_string()]);
    client.abort().unwrap();
}

/// Redirects, refusals and Retry-After of a server in Python.
#[test]
fn python_websockets_sends_elsewhere() {
    let Some(peer) = peer::Peer::python("websockets_refusing.py", &[]) else { return };
    let url = format!("ws://127.0.0.1:{}", peer.line_after("port "));
    let client = Client::new();
    client.max_redirects(3);
    client.set_header("X-Token", "own").unwrap();
    client.connect(&format!("{url}/moved/301/moved/302/moved/308/end")).unwrap();
    client.send("hi").unwrap();
    assert_eq!(client.receive(SOON).unwrap().event().text(), "/end own hi");
    client.disconnect(1000, "").unwrap();
    let fault = client.connect(&format!("{url}/moved/307/refused")).unwrap_err();
    assert!(
        fault.text.starts_with(&format!("after the redirects {url}/moved/307/refused → {url}/refused: connecting to "))
    );
    assert!(fault.text.ends_with("HTTP 403 Forbidden instead of 101 for /refused (нет мест)"), "{}", fault.text);
    assert_eq!(client.response_body(), "нет мест\n");
    client.reconnect_interval(1);
    let start = Instant::now();
    client.begin_connect(&format!("{url}/busy")).unwrap();
    client.expect(WSADDIN_EVENT_ERROR);
    client.expect(WSADDIN_EVENT_OPEN);
    assert!(start.elapsed() >= Duration::from_millis(990));
}

/// Node's ws calls its refusal's text a page.
#[test]
fn node_ws_refuses() {
    let Some(peer) = peer::Peer::node("ws_refusing.mjs", &[]) else { return };
    let url = format!("ws://127.0.0.1:{}", peer.line_after("port "));
    let client = Client::new();
    let fault = client.connect(&format!("{url}/refused")).unwrap_err();
    assert!(fault.text.ends_with("HTTP 401 Unauthorized instead of 101 for /refused (нужен токен)"), "{}", fault.text);
    assert_eq!((client.handshake_status(), client.response_body()), (401, "нужен токен".into()));
    assert_eq!(client.response_headers()["x-why"], "token");
    client.connect(&format!("{url}/")).unwrap();
    client.send("hi").unwrap();
    assert_eq!(client.receive(SOON).unwrap().event().text(), "hi");
}

/// And of nginx.
#[test]
fn nginx_sends_elsewhere() {
    let server = Server::running();
    let place = format!("return 308 http://127.0.0.1:{}/end;", server.port());
    let Some(nginx) = Daemon::nginx(&place) else { return };
    let client = Client::new();
    let fault = client.connect(&format!("ws://{}/start", nginx.address())).unwrap_err();
    assert!(fault.text.contains("HTTP 308 Permanent Redirect and redirects to http://127.0.0.1:"), "{}", fault.text);
    assert!(client.response_body().contains("<title>308 Permanent Redirect</title>"), "{}", client.response_body());
    client.max_redirects(1);
    client.connect(&format!("ws://{}/start", nginx.address())).unwrap();
    assert_eq!(server.event().json()["path"], "/end");
}
