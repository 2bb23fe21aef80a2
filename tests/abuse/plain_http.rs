//! Abuse of plain HTTP: the same port, and so the same loop, as the good client's.

use crate::alone;
use crate::bystander::beside;
use crate::face::*;
use crate::flow::{descriptors, status_kib};
use crate::raw;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const TOKEN: &str = "Authorization: Bearer s3cret\r\n";
const MANY: usize = 1500;

fn server() -> Server {
    let server = Server::new();
    server.set_health_path("/health").unwrap();
    server.set_pages_folder(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/browser")).unwrap();
    server.set_control_path("/control").unwrap();
    server.set_control_token("s3cret").unwrap();
    server.run("127.0.0.1", 0).unwrap();
    server
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    raw::patient(&stream);
    stream
}

/// Everything that is answered until the server closes.
fn talk(server: &Server, request: &[u8]) -> String {
    let mut stream = connect(server);
    // It may be refused while we still write.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn one_status(answer: &str) -> Option<u16> {
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "one answer: {answer:?}");
    answer.get(9..12)?.parse().ok()
}

/// Bodies of one byte a second or so, of which none comes to its end.
#[test]
fn slow_bodies() {
    let _alone = alone();
    let server = server();
    server.handshake_timeout(2000);
    let (before, open) = (status_kib("VmRSS:"), descriptors());
    let head = format!("POST /control/broadcast HTTP/1.1\r\nHost: x\r\n{TOKEN}Content-Length: 60000000\r\n\r\n");
    let begin = || {
        let mut stream = connect(&server);
        stream.write_all(head.as_bytes()).unwrap();
        stream.set_nonblocking(true).unwrap();
        stream
    };
    let (refused, grown) = beside("1,500 slow bodies", &server, |going| {
        let mut slow: Vec<TcpStream> = (0..MANY).map(|_| begin()).collect();
        let (mut refused, mut grown, begun) = (0, 0, Instant::now());
        while going.on() || begun.elapsed() < Duration::from_secs(4) {
            let turn = Instant::now();
            for stream in &mut slow {
                let mut answer = [0; 64];
                match stream.read(&mut answer) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => drop(stream.write(b"x")),
                    Ok(size) => {
                        assert!(answer[..size].starts_with(b"HTTP/1.1 408 "), "{:?}", &answer[..size]);
                        refused += 1;
                        *stream = begin();
                    }
                    Err(_) => *stream = begin(),
                }
            }
            grown = status_kib("VmRSS:").saturating_sub(before);
            std::thread::sleep(Duration::from_millis(500).saturating_sub(turn.elapsed()));
        }
        (refused, grown)
    });
    println!("{refused} were refused, {grown} KiB more meanwhile");
    assert!(refused >= MANY, "HandshakeTimeout holds");
    // What is declared is not reserved: a first step of 64 KiB each, at most.
    assert!(grown < (MANY * 80) as u64, "{grown} KiB");
    until("their sockets are closed", || descriptors() <= open + 8);
}

/// Connections that have asked once and stay.
#[test]
fn kept_connections() {
    let _alone = alone();
    let server = server();
    let before = status_kib("VmRSS:");
    let request = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    let grown = beside("1,500 kept connections that ask in turn", &server, |going| {
        let mut kept: Vec<TcpStream> = (0..MANY).map(|_| connect(&server)).collect();
        // Not all at once: each request is work for the one thread, and what is asked of it together comes before what is
        // asked later.
        let mut turn = 0;
        while going.on() {
            let asking = kept.len() / 30;
            let start = turn % 30 * asking;
            let asking = &mut kept[start..start + asking];
            turn += 1;
            for stream in asking.iter_mut() {
                stream.write_all(request).unwrap();
            }
            for stream in asking {
                let head = raw::read_head(stream);
                assert!(head.starts_with("HTTP/1.1 200 "), "{head:?}");
                stream.read_exact(&mut [0; 15]).unwrap();
            }
        }
        status_kib("VmRSS:").saturating_sub(before)
    });
    // Both ends are in this process.
    println!("{grown} KiB more for {MANY}");
    assert!(grown < (MANY * 8) as u64, "{grown} KiB");
}

/// Requests whose end could be read in two ways: one answer, a refusal, and the end. What is hidden behind is not obeyed.
#[test]
fn smuggling() {
    let _alone = alone();
    let server = server();
    let hidden = format!("POST /control/broadcast HTTP/1.1\r\nHost: x\r\n{TOKEN}Content-Length: 5\r\n\r\nowned");
    let length = hidden.len();
    let cases = [
        format!("Content-Length: 0\r\nContent-Length: {length}\r\n"),
        format!("Content-Length: {length}\r\nContent-Length: {length}\r\n"),
        format!("Content-Length: 0, {length}\r\n"),
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n".to_owned(),
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n".to_owned(),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n".to_owned(),
        "Transfer-Encoding: chunked, identity\r\n".to_owned(),
        "Transfer-Encoding: identity, chunked\r\n".to_owned(),
        "Transfer-Encoding : chunked\r\n".to_owned(),
        "Transfer-Encoding:\x0bchunked\r\n".to_owned(),
        "Transfer-Encoding: \"chunked\"\r\n".to_owned(),
        " Transfer-Encoding: chunked\r\n".to_owned(),
        "X: y\r\n Transfer-Encoding: chunked\r\n".to_owned(),
        "X: y\rTransfer-Encoding: chunked\r\n".to_owned(),
        "Content-Length: +0\r\n".to_owned(),
        "Content-Length: -0\r\n".to_owned(),
        "Content-Length: 0x0\r\n".to_owned(),
        "Content-Length: 0 0\r\n".to_owned(),
        "Content-Length:\r\n".to_owned(),
        "Content-Length: 99999999999999999999\r\n".to_owned(),
    ];
    let bad_chunks = [
        "0\n\n",
        "0\r\r\n\r\n",
        "g\r\n",
        "-0\r\n\r\n",
        "+0\r\n\r\n",
        "0x0\r\n\r\n",
        " 0\r\n\r\n",
        "0 \r\n\r\n",
        "0;a\nb\r\n\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "1\r\na0\r\n\r\n",
        "1\r\na\n0\r\n\r\n",
        "ffffffffffffffff0\r\n",
    ];
    let count = beside("requests that could be read in two ways", &server, |going| {
        let mut count = 0;
        while going.on() {
            for (more, body) in cases
                .iter()
                .map(|more| (more.as_str(), ""))
                .chain(bad_chunks.iter().map(|chunk| ("Transfer-Encoding: chunked\r\n", *chunk)))
            {
                for path in ["/control/send?name=a", "/health", "/"] {
                    if !body.is_empty() && path != "/control/send?name=a" {
                        // Its body is not read, and so nothing behind it.
                        continue;
                    }
                    let request = format!("POST {path} HTTP/1.1\r\nHost: x\r\n{TOKEN}{more}\r\n{body}{hidden}");
                    let answer = talk(&server, request.as_bytes());
                    let status = one_status(&answer);
                    assert!(matches!(status, Some(400 | 501)), "{more:?} {body:?} {path}: {answer:?}");
                    count += 1;
                }
            }
        }
        count
    });
    println!("{count} requests");
    // Nothing was sent to anybody.
    assert!(!server.metrics().contains("status=\"200\""), "{}", server.metrics());
}

/// More than `MaxMessageSize`, declared or in chunks without end; and more than all unfinished ones may hold together.
#[test]
fn large_bodies() {
    let _alone = alone();
    let server = server();
    server.max_message_size(1_000_000).assembly_bytes(8_000_000);
    let before = status_kib("VmRSS:");
    let head = |more: &str| format!("POST /control/broadcast HTTP/1.1\r\nHost: x\r\n{TOKEN}{more}\r\n");
    let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
    let grown = beside("bodies over the limit", &server, |going| {
        let mut grown = 0;
        while going.on() {
            let declared = talk(&server, head("Content-Length: 1000001\r\n").as_bytes());
            assert_eq!(one_status(&declared), Some(413));
            let mut endless = connect(&server);
            endless.write_all(head("Transfer-Encoding: chunked\r\n").as_bytes()).unwrap();
            while endless.write_all(&chunk).is_ok() {}
            // Thirty times nearly as much as one may hold: some are refused, whichever.
            let mut crowd: Vec<TcpStream> = (0..30).map(|_| connect(&server)).collect();
            for stream in &mut crowd {
                let _ = stream.write_all(head("Content-Length: 999999\r\n").as_bytes());
                let _ = stream.write_all(&vec![b'x'; 900_000]);
            }
            for stream in &mut crowd {
                stream.set_nonblocking(true).unwrap();
                let _ = stream.read(&mut [0; 16]);
            }
            grown = grown.max(status_kib("VmRSS:").saturating_sub(before));
        }
        grown
    });
    println!("{grown} KiB more at most");
    assert!(grown < 64 * 1024, "{grown} KiB");
    let total = server.metrics();
    assert!(total.contains("status=\"413\"") && total.contains("status=\"503\""), "{total}");
}

/// What is outside the folder, over and over, and as many requests for what is in it.
#[test]
fn ways_out_of_the_folder() {
    let _alone = alone();
    let server = server();
    let targets = [
        "/../Cargo.toml",
        "/%2e%2e/demo/main.rs",
        "/..%2fdemo/main.rs",
        "/..%5cdemo",
        "//etc/passwd",
        "/\\\\host\\x",
        "/nul",
        "/index.html::$DATA",
        "/index.html%00",
        "/.git",
        "/%c0%ae%c0%ae/x",
    ];
    let count = beside("ways out of the folder", &server, |going| {
        let mut count = 0;
        let mut stream = connect(&server);
        while going.on() {
            for target in targets.iter().chain(&["/"]) {
                stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
                let head = raw::read_head(&mut stream);
                let length = raw::header(&head, "Content-Length").unwrap().parse().unwrap();
                stream.read_exact(&mut vec![0; length]).unwrap();
                assert_eq!(one_status(&head), Some(if *target == "/" { 200 } else { 404 }), "{target}: {head}");
                count += 1;
            }
        }
        count
    });
    println!("{count} requests");
}
