//! Clients that connect and vanish.

use crate::alone;
use crate::bystander::beside;
use crate::face::*;
use crate::flow::{descriptors, status_kib};
use crate::raw::{self, FIN, TEXT};
use socket2::SockRef;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

/// How often in all, half of it before memory is looked at for the first time.
const TIMES: usize = 10_000;

/// One that goes at some point of its life, with a reset every other time.
fn come_and_go(port: u16, number: usize) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let from = [127, 0, 1, u8::try_from(number % 8 + 1).unwrap()];
    socket.bind(&std::net::SocketAddr::from((from, 0)).into()).unwrap();
    socket.connect(&std::net::SocketAddr::from(([127, 0, 0, 1], port)).into()).unwrap();
    let mut stream = TcpStream::from(socket);
    raw::patient(&stream);
    let request = raw::request(port, "");
    match number % 5 {
        0 => {}
        1 => stream.write_all(&request.as_bytes()[..40]).unwrap(),
        2 => stream.write_all(request.as_bytes()).unwrap(),
        rest => {
            stream.write_all(request.as_bytes()).unwrap();
            assert!(raw::read_head(&mut stream).starts_with("HTTP/1.1 101 "));
            if rest == 4 {
                stream.write_all(&raw::frame(TEXT, true, &[b'x'; 10_000])).unwrap();
                stream.write_all(&raw::frame(FIN | TEXT, true, b"cut")[..4]).unwrap();
            }
        }
    }
    if number.is_multiple_of(2) {
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

#[test]
fn ten_thousand_come_and_go() {
    let _alone = alone();
    let server = Server::running();
    let open = descriptors();
    let half = |what: &str, from: usize| {
        beside(what, &server, |_| {
            (from..from + TIMES / 2).for_each(|number| come_and_go(server.port(), number));
        });
        until("all have gone", || server.connection_count() == 0);
        until("their sockets are closed", || descriptors() <= open);
    };
    half("the first 5,000 that vanish", 0);
    let before = status_kib("VmRSS:");
    half("the next 5,000 that vanish", TIMES / 2);
    let grown = status_kib("VmRSS:").saturating_sub(before);
    println!("{grown} KiB more after the second half");
    assert!(grown < 1024, "{grown} KiB stay");
    let statistics = server.statistics();
    assert_eq!(statistics["connections"], 0);
    // The good client twice; one may have vanished before its request was read.
    let connects = statistics["connects"].as_u64().unwrap();
    assert!((TIMES as u64 * 2 / 5 + 2..=TIMES as u64 * 3 / 5 + 2).contains(&connects), "{statistics}");
}
