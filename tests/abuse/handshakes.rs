//! Handshakes that do not come to an end, or are all head.

use crate::alone;
use crate::bystander::beside;
use crate::face::*;
use crate::flow::{descriptors, status_kib};
use crate::raw;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const SLOW: usize = 2000;

/// A connection that sends its request byte by byte.
struct Slow {
    stream: TcpStream,
    sent: usize,
}

impl Slow {
    fn new(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_nonblocking(true).unwrap();
        Self { stream, sent: 0 }
    }

    /// One more byte; false when the server has let go of it.
    fn next(&mut self, request: &[u8]) -> bool {
        match self.stream.read(&mut [0; 64]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            _ => return false,
        }
        let written = self.stream.write(&request[self.sent..=self.sent]).is_ok();
        self.sent += 1;
        written
    }
}

/// All the time 2,000 of them: who is thrown out comes again.
#[test]
fn one_byte_a_second() {
    let _alone = alone();
    let server = Server::running();
    server.handshake_timeout(3000);
    let (before, open) = (status_kib("VmRSS:"), descriptors());
    let request = raw::request(server.port(), "");
    let (bytes, thrown_out, grown) = beside("2,000 handshakes of one byte a second", &server, |going| {
        let mut slow: Vec<Slow> = (0..SLOW).map(|_| Slow::new(server.port())).collect();
        let (mut bytes, mut thrown_out, mut grown) = (0, 0, 0);
        let begun = Instant::now();
        // Long enough for every one to be thrown out once, whatever the echoes take.
        while going.on() || begun.elapsed() < Duration::from_secs(5) {
            let turn = Instant::now();
            for (at, one) in slow.iter_mut().enumerate() {
                if one.next(request.as_bytes()) {
                    bytes += 1;
                } else {
                    *one = Slow::new(server.port());
                    thrown_out += 1;
                }
                // Spread over the second.
                let due = Duration::from_secs(1) * at as u32 / SLOW as u32;
                std::thread::sleep(due.saturating_sub(turn.elapsed()));
            }
            grown = status_kib("VmRSS:").saturating_sub(before);
        }
        (bytes, thrown_out, grown)
    });
    println!("{bytes} bytes, {thrown_out} were thrown out, {grown} KiB more meanwhile");
    assert!(thrown_out >= SLOW, "HandshakeTimeout holds");
    // Both ends are in this process; the test's own half is a few bytes each.
    assert!(grown < SLOW as u64 * 4, "{grown} KiB");
    // Those that were thrown out were told why; the others have left.
    until("all are counted", || {
        let rejected = &server.statistics()["rejected"];
        let count = |reason: &str| rejected[reason].as_u64().unwrap_or(0);
        count("408") >= SLOW as u64 && count("408") + count("handshake") >= (SLOW + thrown_out) as u64
    });
    until("their sockets are closed", || descriptors() <= open + 8);
}

#[test]
fn headers_of_64_kib() {
    let _alone = alone();
    let server = Server::running();
    let port = server.port();
    let long = raw::request(port, &format!("X-Long: {}\r\n", "x".repeat(64 * 1024)));
    let many = raw::request(port, &"X: y\r\n".repeat(64 * 1024 / 6));
    let endless = format!("GET /{} HTTP/1.1\r\n", "x".repeat(64 * 1024));
    let before = status_kib("VmRSS:");
    let count = beside("heads of 64 KiB", &server, |going| {
        let mut count = 0;
        while going.on() {
            for request in [&long, &many, &endless] {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                raw::patient(&stream);
                // It may be refused while we still write.
                let _ = stream.write_all(request.as_bytes());
                let head = raw::read_head(&mut stream);
                assert!(head.starts_with("HTTP/1.1 431 "), "{head:?}");
                count += 1;
            }
        }
        count
    });
    let grown = status_kib("VmRSS:").saturating_sub(before);
    println!("{count} heads, {grown} KiB more");
    assert!(count > 0 && grown < 8 * 1024);
    assert_eq!(server.statistics()["rejected"]["431"], count);
}
