//! permessage-deflate: what is negotiated, what is sent, and what of a peer's compressed frames is accepted.

mod agreeing;
#[path = "../common/deflate.rs"]
mod deflate;
#[path = "../common/face.rs"]
mod face;
mod keeping;
mod messages;
#[path = "../common/raw.rs"]
mod raw;
mod slices;
mod violating;

use face::Server;
use raw::{Peer, Then};
use std::io::Write;
use std::net::TcpStream;

/// A raw client of a server, with what it offers and what is answered.
fn offering(server: &Server, offer: &str) -> (TcpStream, Option<String>) {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    raw::patient(&stream);
    let header = format!("Sec-WebSocket-Extensions: {offer}\r\n");
    stream.write_all(raw::request(server.port(), &header).as_bytes()).unwrap();
    let head = raw::read_head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    (stream, raw::header(&head, "Sec-WebSocket-Extensions").map(str::to_owned))
}

/// The payload of a data frame that must be compressed.
fn compressed(stream: &mut TcpStream, first: u8) -> Vec<u8> {
    let (got, payload) = raw::read_frame(stream).unwrap();
    assert_eq!(got, first | deflate::RSV1);
    payload
}

fn words(size: usize) -> String {
    let mut text = String::new();
    for at in 0_usize.. {
        text.push_str(["привет ", "wide ", "world ", "€ "][at * at % 7 % 4]);
        if text.len() >= size {
            break;
        }
    }
    text.truncate(text.floor_char_boundary(size));
    text
}

/// Bytes that do not compress.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..size)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

/// A server that answers with this extension and goes on with the script.
fn answering(extensions: &'static str, script: impl Fn(&mut TcpStream) -> Then + Send + Sync + 'static) -> Peer {
    Peer::new(move |stream| {
        let head = raw::read_head(stream);
        let answer = raw::accept(&head, &format!("Sec-WebSocket-Extensions: {extensions}\r\n"));
        let _ = stream.write_all(answer.as_bytes());
        script(stream)
    })
}
