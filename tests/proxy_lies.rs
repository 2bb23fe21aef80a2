//! Proxies that refuse, hang, lie or break off: a clear error, of the proxy's own code, within the deadline.

mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/raw.rs"]
mod raw;

use face::{Client, Event, Server};
use raw::{Peer, Then};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use websocket_addin::capi::*;
use websocket_addin::error::Language;
use websocket_addin::options::Opt;

const HOST: &str = "somewhere.example:81";
const URL: &str = "ws://somewhere.example:81/";

/// The error of a connect through this proxy, and how long it took.
fn fails(setting: &str) -> (String, Duration) {
    let client = Client::new();
    client.connect_timeout(15_000);
    client.set_proxy(setting).unwrap();
    let start = Instant::now();
    let fault = client.connect(URL).unwrap_err();
    assert_eq!(fault.code, WSADDIN_PROXY, "{}", fault.text);
    println!("{}", fault.text);
    (fault.text, start.elapsed())
}

/// What an HTTP proxy that answers so gets said of it.
fn http(answer: impl Into<Vec<u8>>) -> String {
    let peer = Peer::answering(answer);
    let (text, time) = fails(&format!("http://{}", peer.address()));
    assert!(time < Duration::from_secs(10), "not waited for: {time:?}");
    let start = format!("connecting to {HOST} through the proxy {}: ", peer.address());
    text.strip_prefix(&start).unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// The same with SOCKS: an answer for each message of the client.
fn socks(userinfo: &str, answers: &'static [&'static [u8]]) -> String {
    let peer = Peer::new(move |stream| {
        for answer in answers {
            let mut message = [0; 300];
            let _ = stream.read(&mut message);
            let _ = stream.write_all(answer);
        }
        Then::Close
    });
    let (text, time) = fails(&format!("socks5://{userinfo}{}", peer.address()));
    assert!(time < Duration::from_secs(10), "not waited for: {time:?}");
    let start = format!("connecting to {HOST} through the proxy {}: ", peer.address());
    text.strip_prefix(&start).unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn http_proxies_that_say_no_or_nonsense() {
    for (answer, expected) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\n\
             proxy-authenticate: NTLM\r\nProxy-Authenticate: Basic realm=\"a, b\"\r\nContent-Length: 3\r\n\r\nno!",
            "the proxy demands authorization (407), it offers: Negotiate, NTLM, Basic",
        ),
        ("HTTP/1.1 407 No\r\n\r\n", "the proxy demands authorization (407), it offers: —"),
        ("HTTP/1.1 403 Filtered\r\n\r\n", "the proxy answered HTTP 403 Filtered instead of 200"),
        ("HTTP/1.1 302 Found\r\nLocation: http://login/\r\n\r\n", "the proxy answered HTTP 302 Found instead of 200"),
        ("HTTP/1.1 101 Switching\r\n\r\n", "the proxy answered HTTP 101 Switching instead of 200"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "the proxy's answer is not HTTP"),
        ("\0\0\0\0", "the proxy's answer is not HTTP"),
        ("HTTP/nonsense\r\n\r\n", "the proxy's answer is not HTTP (HTTP/nonsense)"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n<html>login", "the proxy sent data of its own after its answer"),
        ("HTTP/1.1 200 OK\r\nVia", "the proxy closed the connection before it answered"),
        ("HTTP/1.1 502 Bad Gateway\r\nVia", "the proxy answered HTTP 502 Bad Gateway instead of 200"),
        ("http/1.0 403\nVia : x\nno colon\nX: \u{1}\n\n", "the proxy answered HTTP 403 instead of 200"),
        (
            "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 407 No\r\nProxy-Authenticate:\r\n NTLM,\r\n\tBasic realm=x\r\n\r\n",
            "the proxy demands authorization (407), it offers: NTLM, Basic",
        ),
        ("", "the proxy closed the connection before it answered"),
    ] {
        assert_eq!(http(answer), expected);
    }
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    assert_eq!(http(long), "the proxy's answer exceeds 65536 bytes");
    let many = format!("HTTP/1.1 200 OK\r\n{}", "X: y\r\n".repeat(1 << 16));
    assert_eq!(http(many), "the proxy's answer exceeds 65536 bytes");
}

#[test]
fn socks_proxies_that_say_no_or_nonsense() {
    let user = "user:s3cret@";
    for (userinfo, answers, expected) in [
        (
            "",
            &[b"\x05\xff".as_slice()] as &[&[u8]],
            "the proxy accepts none of the offered methods of authorization: none (no user name is set)",
        ),
        (
            user,
            &[b"\x05\xff"],
            "the proxy accepts none of the offered methods of authorization: none, user name and password",
        ),
        (user, &[b"\x05\x02", b"\x01\x01"], "the proxy refused the user name or password"),
        ("", &[b"\x05\0", b"\x05\x05\0\x01\0\0\0\0\0\0"], "the proxy could not connect: connection refused"),
        ("", &[b"\x05\0", b"\x05\x04\0\x01\0\0\0\0\0\0"], "the proxy could not connect: host unreachable or not found"),
        ("", &[b"\x05\0", b"\x05\x63\0\x01\0\0\0\0\0\0"], "the proxy could not connect: 99"),
        ("", &[b"\x05\x02"], "the proxy's answer is not SOCKS 5"),
        ("", &[b"HTTP/1.1 400 Bad Request\r\n\r\n"], "the proxy's answer is not SOCKS 5"),
        ("", &[b"\x05\0", b"\x04\0"], "the proxy's answer is not SOCKS 5"),
        ("", &[b"\x05\0", b"\x05\0\0\x01\0\0\0\0\0\0junk"], "the proxy sent data of its own after its answer"),
        ("", &[b"\x05\0", b"\x05\0\0\x01\0"], "the proxy closed the connection before it answered"),
        ("", &[b"\x05"], "the proxy closed the connection before it answered"),
        ("", &[], "the proxy closed the connection before it answered"),
    ] {
        let answers: &'static [&'static [u8]] = Box::leak(answers.to_vec().into_boxed_slice());
        let text = socks(userinfo, answers);
        assert!(text.starts_with(expected) && !text.contains("s3cret"), "{text}");
    }
}

#[test]
fn proxies_that_are_not_there() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for scheme in ["http", "socks5"] {
        let (text, _) = fails(&format!("{scheme}://user:s3cret@{nobody}"));
        let expected =
            format!("connecting to {HOST} through the proxy {nobody}: connecting to {nobody}: connection refused");
        assert!(text.starts_with(&expected) && !text.contains("s3cret"), "{text}");
        let (text, _) = fails(&format!("{scheme}://user:s3cret@proxy.invalid:3128"));
        let expected =
            format!("connecting to {HOST} through the proxy proxy.invalid:3128: host proxy.invalid not found");
        assert!(text.starts_with(&expected) && !text.contains("s3cret"), "{text}");
    }
    let client = websocket_addin::client::Client::new().unwrap();
    client.options().set_text(Opt::Proxy, &format!("http://{nobody}")).unwrap();
    let text = client.connect(URL).unwrap_err().text(Language::Russian);
    let expected = format!("подключение к {HOST} через прокси {nobody}: подключение к {nobody}: соединение отклонено");
    assert!(text.starts_with(&expected), "{text}");
}

/// Each hangs in another place; the deadline holds for all steps together, and `Disconnect` ends it at once.
#[test]
fn proxies_that_hang() {
    let silent = || Peer::new(|_| Then::Keep);
    let halfway = Peer::new(|stream| {
        raw::read_head(stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nVia: ");
        Then::Keep
    });
    let trickling = Peer::new(|stream| {
        raw::read_head(stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX: ");
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
        Then::Close
    });
    let socks = Peer::new(|stream| {
        let _ = stream.read(&mut [0; 3]);
        let _ = stream.write_all(b"\x05\0\x05");
        Then::Keep
    });
    for (setting, peer) in
        [("http", silent()), ("socks5", silent()), ("http", halfway), ("http", trickling), ("socks5", socks)]
    {
        let client = Client::new();
        client.set_proxy(&format!("{setting}://{}", peer.address())).unwrap();
        let mut times = Vec::new();
        for _ in 0..3 {
            client.connect_timeout(300);
            let start = Instant::now();
            let fault = client.connect(URL).unwrap_err();
            times.push(start.elapsed());
            assert_eq!(fault.code, WSADDIN_PROXY);
            let place = format!("connecting to {HOST} through the proxy {}", peer.address());
            assert_eq!(fault.text, format!("{place}: no connection within 300 ms: no answer from the proxy"));
        }
        times.sort();
        println!("{setting}: {times:?}");
        assert!(times[1] < Duration::from_millis(550) && times[2] < Duration::from_secs(10), "{times:?}");
        client.connect_timeout(0);
        client.begin_connect(URL).unwrap();
        let start = Instant::now();
        client.free().unwrap();
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
}

/// What a proxy is asked, byte by byte.
#[test]
fn the_proxy_gets_the_name() {
    let (tell, heard) = channel();
    let http = Peer::new(move |stream| {
        let _ = tell.send(raw::read_head(stream));
        Then::Close
    });
    let client = Client::new();
    client.set_proxy(&format!("http://Aladdin:open%20sesame@{}", http.address())).unwrap();
    for (url, place) in [
        ("ws://unknown.invalid/", "unknown.invalid:80"),
        ("wss://пример.рф/чат", "xn--e1afmkfd.xn--p1ai:443"),
        ("ws://[2001:db8::1]:9000/", "[2001:db8::1]:9000"),
        ("ws://10.1.2.3:9000/", "10.1.2.3:9000"),
    ] {
        assert!(client.connect(url).is_err());
        let head = heard.recv_timeout(Duration::from_secs(20)).unwrap();
        let lines: Vec<&str> = head.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines[0], format!("CONNECT {place} HTTP/1.1"));
        assert_eq!(raw::header(&head, "Host"), Some(place));
        assert_eq!(raw::header(&head, "Proxy-Authorization"), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        assert_eq!(lines.len(), 3, "{head}");
    }
    let (tell, heard) = channel();
    let socks = Peer::new(move |stream| {
        let mut hello = [0; 3];
        let _ = stream.read_exact(&mut hello);
        let _ = stream.write_all(b"\x05\0");
        let mut request = vec![0; 300];
        let count = stream.read(&mut request).unwrap_or(0);
        request.truncate(count);
        let _ = tell.send((hello, request));
        Then::Close
    });
    client.set_proxy(&format!("socks5://{}", socks.address())).unwrap();
    for (url, request) in [
        ("ws://unknown.invalid/", b"\x05\x01\0\x03\x0funknown.invalid\0\x50".to_vec()),
        ("wss://пример.рф/чат", b"\x05\x01\0\x03\x18xn--e1afmkfd.xn--p1ai\x01\xbb".to_vec()),
        ("ws://[::1]/", [b"\x05\x01\0\x04".as_slice(), &[0; 15], b"\x01\0\x50"].concat()),
        ("ws://10.1.2.3:256/", b"\x05\x01\0\x01\x0a\x01\x02\x03\x01\0".to_vec()),
    ] {
        assert!(client.connect(url).is_err());
        let (hello, asked) = heard.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(hello, *b"\x05\x01\0");
        // Length bytes are those of the names themselves.
        let mut request = request;
        if request[3] == 3 {
            request[4] = (request.len() - 7) as u8;
        }
        assert_eq!(asked, request, "{url}");
    }
}

/// An answer cut into single bytes, and the server's first frame in the same packet as its answer: nothing is lost.
#[test]
fn not_a_byte_behind_the_answer_is_lost() {
    let proxy = Peer::new(|stream| {
        raw::read_head(stream);
        for byte in b"HTTP/1.0 200 Connection established\r\nProxy-Agent: x\r\n\r\n" {
            let _ = stream.write_all(&[*byte]);
        }
        // It is the server from here on.
        let head = raw::read_head(stream);
        let mut answer = raw::accept(&head, "").into_bytes();
        answer.extend(raw::frame(0x81, false, b"first"));
        answer.extend(raw::frame(0x81, false, b"second"));
        let _ = stream.write_all(&answer);
        raw::read_close(stream);
        Then::Close
    });
    for _ in 0..20 {
        let client = Client::new();
        client.set_proxy(&format!("http://{}", proxy.address())).unwrap();
        client.connect(URL).unwrap();
        let text = |event: Event| event.text().to_owned();
        assert_eq!(text(client.receive(face::SOON).unwrap().event()), "first");
        assert_eq!(text(client.receive(face::SOON).unwrap().event()), "second");
    }
}

/// A hundred dials that hang in a proxy hold nobody up.
#[test]
fn hanging_proxies_hold_up_nobody_else() {
    let silent = Peer::new(|_| Then::Keep);
    let hanging: Vec<Client> = (0..100)
        .map(|_| {
            let client = Client::new();
            client.set_proxy(&format!("http://{}", silent.address())).unwrap();
            client.begin_connect(URL).unwrap();
            client
        })
        .collect();
    let server = Server::running();
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    assert!(client.ping(face::SOON).unwrap() < 5_000);
    drop(hanging);
    let _ = TcpStream::connect(silent.address());
}
