//! A conversation in plain HTTP, for the sweep through a server's allocations.

use super::{DATA_PATIENCE, lib};
use std::io::{Read, Write};
use std::net::TcpStream;

use websocket_addin::capi::*;

/// Connections whose long handshakes make the list of all a long one.
const CONNECTIONS: usize = 24;
const FILE: usize = 700_000;
const TOKEN: &str = "Authorization: Bearer t\r\n";

fn connect(port: u16) -> Option<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(DATA_PATIENCE)).unwrap();
    Some(stream)
}

/// What comes until the other end is done with it, or has closed. It must not just stay silent.
fn read(stream: &mut TcpStream, until: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let (mut all, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
    while !until(&all) {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => all.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("neither an answer nor an end"),
            Err(_) => break,
        }
    }
    all
}

fn head_length(all: &[u8]) -> Option<usize> {
    all.windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4)
}

/// The status and the content of the last answer to these bytes; `None`: the connection ended before it was whole.
fn ask(port: u16, request: &[u8], answers: usize) -> Option<(u16, usize)> {
    let mut stream = connect(port)?;
    stream.write_all(request).ok()?;
    let mut all = read(&mut stream, |all| {
        let mut rest = all;
        (0..answers).all(|_| match whole(rest) {
            Some((_, _, length)) => {
                rest = &rest[length..];
                true
            }
            None => false,
        })
    });
    let mut last = None;
    for _ in 0..answers {
        let (status, size, length) = whole(&all)?;
        last = Some((status, size));
        all.drain(..length);
    }
    last
}

/// Status, size of the content and of all, of an answer that is whole.
fn whole(all: &[u8]) -> Option<(u16, usize, usize)> {
    let head = head_length(all)?;
    let text = std::str::from_utf8(&all[..head]).unwrap();
    let status: u16 = text[9..12].parse().unwrap();
    let length = text.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let size = length.map_or(0, |length| length.parse().unwrap());
    (all.len() >= head + size).then_some((status, size, head + size))
}

/// The whole conversation; whether all of it has come about.
pub fn talk(folder: &str) -> bool {
    let mut good = true;
    let mut server = wsaddin_server { id: 0 };
    let mut check = |result: i32| good &= result == WSADDIN_OK;
    // SAFETY: live memory for the time of each call; the handle may be bad.
    let port = unsafe {
        check(lib(|| wsaddin_server_new(&raw mut server)));
        for (set, value) in [
            (wsaddin_server_set_pages_folder as unsafe extern "C-unwind" fn(_, _, _) -> _, folder),
            (wsaddin_server_set_control_path, "/control"),
            (wsaddin_server_set_control_token, "t"),
        ] {
            check(lib(|| set(server, value.as_ptr().cast(), value.len())));
        }
        check(lib(|| wsaddin_server_set_close_timeout(server, 200)));
        check(lib(|| wsaddin_server_run(server, c"127.0.0.1".as_ptr().cast(), 9, 0)));
        let mut port = 0;
        check(lib(|| wsaddin_server_get_port(server, &raw mut port)));
        port as u16
    };
    if port != 0 {
        good &= exchange(port);
    }
    lib(|| wsaddin_server_free(server));
    good
}

fn exchange(port: u16) -> bool {
    let mut good = true;
    let mut is = |found: Option<(u16, usize)>, status: u16, least: usize| {
        let fits = found.is_some_and(|(code, size)| code == status && size >= least);
        if !fits {
            eprintln!("{found:?} instead of {status} with {least}");
        }
        good &= fits;
    };
    // A file; one behind the other; and a path of very many names.
    let file = "GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n";
    is(ask(port, file.as_bytes(), 1), 200, FILE);
    is(ask(port, file.repeat(3).as_bytes(), 3), 200, FILE);
    for names in [2000, 7000] {
        is(ask(port, format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", "/a".repeat(names)).as_bytes(), 1), 404, 1);
    }
    // Handshakes of which the list of connections tells all.
    let handshake = format!(
        "GET /{} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "y".repeat(14_000)
    );
    let mut kept = Vec::new();
    for _ in 0..CONNECTIONS {
        let Some(mut stream) = connect(port) else { continue };
        if stream.write_all(handshake.as_bytes()).is_ok() {
            read(&mut stream, |all| head_length(all).is_some());
        }
        kept.push(stream);
    }
    let list = format!("GET /control/connections HTTP/1.1\r\nHost: x\r\n{TOKEN}\r\n");
    is(ask(port, list.as_bytes(), 1), 200, CONNECTIONS * 14_000);
    // Bodies: of a told length with the next request behind it, and in chunks.
    let body = "z".repeat(200_000);
    let broadcast = format!("POST /control/broadcast HTTP/1.1\r\nHost: x\r\n{TOKEN}");
    let told = format!("{broadcast}Content-Length: {}\r\n\r\n{body}{list}", body.len());
    is(ask(port, told.as_bytes(), 2), 200, CONNECTIONS * 14_000);
    let chunk = format!("{:x}\r\n{}\r\n", 20_000, &body[..20_000]).repeat(5);
    is(ask(port, format!("{broadcast}Transfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n").as_bytes(), 1), 200, 1);
    good
}

/// The folder of pages.
pub fn folder() -> String {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sweep-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("large.bin"), vec![7; FILE]).unwrap();
    folder.to_str().unwrap().to_owned()
}
