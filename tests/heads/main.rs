//! HTTP heads as they come in the wild: what our client takes of servers and proxies, and what our server does not take.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/face.rs"]
mod face;
#[path = "../common/raw.rs"]
mod raw;
#[path = "../common/tls.rs"]
mod tls;

mod interim;
mod proxies;
mod refused;
mod requests;
mod tolerated;

use face::*;
use raw::{FIN, Peer, TEXT, Then};
use std::io::{Read, Write};
use std::net::TcpStream;

/// The answer of a server that speaks HTTP as it should.
fn right(request: &str) -> String {
    raw::accept(request, "")
}

/// A server whose answer is made from the right one, with its first message in the same packet; afterwards it sends back
/// one message and closes as it should.
fn answering(edit: impl Fn(String) -> Vec<u8> + Send + Sync + 'static) -> Peer {
    Peer::new(move |stream| {
        let answer = edit(right(&raw::read_head(stream)));
        let _ = stream.write_all(&[answer, raw::frame(FIN | TEXT, false, b"first")].concat());
        echo(stream);
        Then::Close
    })
}

/// Sends back a message and answers the close.
fn echo(stream: &mut (impl Read + Write)) {
    if let Some((first, payload)) = raw::read_frame(stream) {
        let _ = stream.write_all(&raw::frame(first, false, &payload));
    }
    if let Some((code, _)) = raw::read_close(stream) {
        let _ = stream.write_all(&raw::frame(FIN | raw::CLOSE, false, &raw::close_body(code, "")));
    }
}

/// Connects to such a server, hears its first message, is echoed and closes.
fn talks(client: &Client, url: &str, what: &str) {
    client.connect(url).unwrap_or_else(|fault| panic!("{what}: {}", fault.text));
    let next = || match client.receive(SOON).expect(what) {
        Got::Event(event) => event.text().to_owned(),
        other => panic!("{what}: {other:?}"),
    };
    assert_eq!(next(), "first", "{what}");
    client.send("привет").expect(what);
    assert_eq!(next(), "привет", "{what}");
    assert!(client.disconnect(1000, "").expect(what), "{what}");
}

/// A proxy that answers CONNECT so, and then is the server itself: no packet has bytes of both.
fn proxy(answer: impl Into<Vec<u8>>, server: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> Peer {
    let answer = answer.into();
    Peer::new(move |stream| {
        raw::read_head(stream);
        let _ = stream.write_all(&answer);
        server(stream);
        Then::Close
    })
}

/// Where a client is told to connect to behind such a proxy.
const BEHIND: &str = "ws://somewhere.example:81/";

fn through(proxy: &Peer) -> Client {
    let client = Client::new();
    client.set_proxy(&format!("http://{}", proxy.address())).unwrap();
    client
}
