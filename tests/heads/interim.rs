//! Interim answers before the final one, RFC 9110 section 15.2.

use super::*;
use crate::tls::Authority;
use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod};
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
const PROCESSING: &str = "HTTP/1.1 102 Processing\r\nX: y\r\n\r\n";
/// With what must not be taken for the final answer's.
const HINTS: &str = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\nUpgrade: h2c\r\nConnection: close\r\n\
    Sec-WebSocket-Accept: x\r\nSec-WebSocket-Extensions: x\r\nSec-WebSocket-Protocol: x\r\nLocation: /\r\n\r\n";

fn before(interim: &[&str]) -> Peer {
    let interim = interim.concat();
    answering(move |answer| (interim.clone() + &answer).into_bytes())
}

#[test]
fn they_are_skipped() {
    for interim in [
        &[CONTINUE][..],
        &[PROCESSING],
        &[HINTS],
        &["HTTP/1.1 199 \n\n"],
        &["HTTP/1.0 100\r\n\r\n", "\r\n"],
        &[CONTINUE, PROCESSING, HINTS, HINTS, PROCESSING],
        &[CONTINUE; 100],
    ] {
        talks(&Client::new(), &before(interim).url(), interim[0]);
    }
}

/// At every byte, with the first frame behind the last one; and byte by byte.
#[test]
fn wherever_they_are_cut() {
    let wire = |request: &str| {
        [(CONTINUE.to_owned() + HINTS + &right(request)).into_bytes(), raw::frame(FIN | TEXT, false, b"first")].concat()
    };
    let length = wire("Sec-WebSocket-Key: x").len();
    let (tell, cuts) = std::sync::mpsc::channel();
    let cuts = std::sync::Mutex::new(cuts);
    let peer = Peer::new(move |stream| {
        let wire = wire(&raw::read_head(stream));
        let pieces: Vec<&[u8]> = match cuts.lock().unwrap().recv().unwrap() {
            None => wire.chunks(1).collect(),
            Some(cut) => vec![&wire[..cut], &wire[cut..]],
        };
        for piece in pieces {
            let _ = stream.write_all(piece);
            // So that the two parts come in two reads as a rule.
            std::thread::yield_now();
        }
        echo(stream);
        Then::Close
    });
    for cut in (0..length).map(Some).chain([None]) {
        tell.send(cut).unwrap();
        talks(&Client::new(), &peer.url(), &format!("cut at {cut:?}"));
    }
}

#[test]
fn through_tls() {
    let authority = Authority::with_server("interim");
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
    acceptor.set_certificate_chain_file(authority.path("server.pem")).unwrap();
    acceptor.set_private_key_file(authority.path("server.key"), SslFiletype::PEM).unwrap();
    let acceptor = acceptor.build();
    let peer = Peer::new(move |stream| {
        let Ok(mut stream) = acceptor.accept(stream.try_clone().unwrap()) else { return Then::Close };
        let answer = CONTINUE.to_owned() + HINTS + &right(&raw::read_head(&mut stream));
        // Each byte a record of its own, and the last one with the first frame.
        let (most, last) = answer.split_at(answer.len() - 1);
        most.bytes().for_each(|byte| drop(stream.write_all(&[byte])));
        let _ = stream.write_all(&[last.as_bytes(), &raw::frame(FIN | TEXT, false, b"first")].concat());
        echo(&mut stream);
        Then::Close
    });
    talks(&authority.client(), &format!("wss://localhost:{}/", peer.address().port()), "TLS");
    // And behind a proxy that has interim answers, too.
    let target = peer.address();
    let proxy = proxy(CONTINUE.to_owned() + HINTS + "HTTP/1.1 200 OK\r\n\r\n", move |stream| {
        let server = TcpStream::connect(target).unwrap();
        raw::patient(&server);
        let (mut there, mut back) = (stream.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::scope(|scope| {
            scope.spawn(|| drop(std::io::copy(&mut there, &mut &server)));
            let _ = std::io::copy(&mut back, stream);
            let _ = stream.shutdown(std::net::Shutdown::Both);
        });
    });
    let client = authority.client();
    client.set_proxy(&format!("http://{}", proxy.address())).unwrap();
    talks(&client, &format!("wss://localhost:{}/", target.port()), "TLS through a proxy");
}

#[test]
fn of_a_proxy_and_of_the_server_behind_it() {
    let proxy = proxy(CONTINUE.to_owned() + PROCESSING + "HTTP/1.1 200 OK\r\n\r\n", |stream| {
        let answer = CONTINUE.to_owned() + HINTS + &right(&raw::read_head(stream));
        let _ = stream.write_all(&[answer.as_bytes(), &raw::frame(FIN | TEXT, false, b"first")].concat());
        echo(stream);
    });
    talks(&through(&proxy), BEHIND, "both");
}

#[test]
fn a_refusal_behind_them_is_told() {
    let peer = Peer::answering(format!("{HINTS}HTTP/1.1 403 Forbidden\r\n\r\n"));
    let fault = Client::new().connect(&peer.url()).unwrap_err();
    assert_eq!(fault.code, WSADDIN_HANDSHAKE);
    assert!(fault.text.ends_with("the server answered HTTP 403 Forbidden instead of 101 for /"), "{}", fault.text);
    // Nothing behind it: it is as if nothing had been said.
    let peer = Peer::answering(HINTS);
    let fault = Client::new().connect(&peer.url()).unwrap_err();
    assert!(fault.text.ends_with("closed the connection before it answered the handshake"), "{}", fault.text);
}

#[test]
fn they_have_an_end() {
    let endless = |pause: Duration| {
        Peer::new(move |stream| {
            raw::read_head(stream);
            while stream.write_all(CONTINUE.as_bytes()).is_ok() {
                std::thread::sleep(pause);
            }
            Then::Close
        })
    };
    // In bytes, long before the deadline.
    let client = Client::new();
    client.connect_timeout(60_000);
    for fault in [client.connect(&endless(Duration::ZERO).url()).unwrap_err(), {
        let proxy = endless(Duration::ZERO);
        client.set_proxy(&format!("http://{}", proxy.address())).unwrap();
        client.connect(BEHIND).unwrap_err()
    }] {
        assert!(matches!(fault.code, WSADDIN_HANDSHAKE | WSADDIN_PROXY), "{}", fault.text);
        assert!(fault.text.ends_with(" exceeds 65536 bytes"), "{}", fault.text);
    }
    // In time: none of them begins it anew.
    let peer = endless(Duration::from_millis(20));
    let client = Client::new();
    client.connect_timeout(500);
    let start = Instant::now();
    assert_eq!(client.connect(&peer.url()).unwrap_err().code, WSADDIN_CONNECT_TIMEOUT);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}
