//! Peers written by hand: sockets on the loopback address that do exactly what a test tells them.
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// No read or write of a hand-written peer lasts longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What becomes of a connection when its script is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    Close,
    /// It stays open, and nobody reads or writes it again, until the peer goes.
    Keep,
}

/// A server that runs a script for each connection, on a thread of its own.
pub struct Peer {
    address: SocketAddr,
    kept: Arc<Mutex<Vec<TcpStream>>>,
}

impl Peer {
    pub fn new(script: impl Fn(&mut TcpStream) -> Then + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let kept = Arc::new(Mutex::new(Vec::new()));
        let (script, place) = (Arc::new(script), Arc::downgrade(&kept));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // The peer has gone, and the test with it.
                let (Some(place), Ok(mut stream)) = (place.upgrade(), stream) else { return };
                let script = script.clone();
                std::thread::spawn(move || {
                    patient(&stream);
                    if script(&mut stream) == Then::Keep {
                        place.lock().unwrap().push(stream);
                    }
                });
            }
        });
        Self { address, kept }
    }

    /// Answers every connection with these bytes after its request, then closes.
    pub fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::new(move |stream| {
            read_head(stream);
            let _ = stream.write_all(&answer);
            Then::Close
        })
    }

    /// Shakes hands, with more header lines, and goes on with the script.
    pub fn websocket(script: impl Fn(&mut TcpStream) -> Then + Send + Sync + 'static) -> Self {
        Self::new(move |stream| {
            let head = read_head(stream);
            let _ = stream.write_all(accept(&head, "").as_bytes());
            script(stream)
        })
    }

    /// Shakes hands and then neither reads nor writes.
    pub fn frozen() -> Self {
        Self::websocket(|_| Then::Keep)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("ws://{}/", self.address)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.kept.lock().unwrap().clear();
        // Ends the accepting thread once the last reference to what it keeps has gone.
        let kept = std::mem::take(&mut self.kept);
        drop(kept);
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

pub fn patient(stream: &TcpStream) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    let _ = stream.set_nodelay(true);
}

/// The head of a request or answer, as far as it came.
pub fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The answer that belongs to a request, with more header lines (each with its CRLF).
pub fn accept(head: &str, more: &str) -> String {
    let key = header(head, "Sec-WebSocket-Key").unwrap_or_default();
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
    )
}

/// A client that has sent its request to a port of the loopback address, with more header lines (each with its CRLF).
pub fn knock(port: u16, target: &str, more: &str) -> TcpStream {
    ask(TcpStream::connect(("127.0.0.1", port)).unwrap(), port, target, more)
}

/// The same with a receive buffer that does not grow, so that its peer's output is soon held up on every system.
pub fn knock_narrowly(port: u16, target: &str, more: &str) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(128 * 1024).unwrap();
    socket.connect(&std::net::SocketAddr::from(([127, 0, 0, 1], port)).into()).unwrap();
    ask(socket.into(), port, target, more)
}

fn ask(mut stream: TcpStream, port: u16, target: &str, more: &str) -> TcpStream {
    patient(&stream);
    let request = request(port, more).replacen("GET / ", &format!("GET {target} "), 1);
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// A client that has shaken hands with the server on a port of the loopback address.
pub fn client(port: u16) -> TcpStream {
    let mut stream = knock(port, "/", "");
    let head = read_head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(header(&head, "Sec-WebSocket-Accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    stream
}

/// A request with the key of RFC 6455 section 1.3.
pub fn request(port: u16, more: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
    )
}

pub const CONTINUE: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;
/// The bit of the last frame of a message.
pub const FIN: u8 = 0x80;

/// A frame: its first byte, whether it is masked, its payload.
pub fn frame(first: u8, masked: bool, payload: &[u8]) -> Vec<u8> {
    let bit = if masked { 0x80 } else { 0 };
    let mut out = vec![first];
    match payload.len() {
        size @ 0..=125 => out.push(bit | size as u8),
        size @ 126..=0xffff => {
            out.push(bit | 126);
            out.extend_from_slice(&(size as u16).to_be_bytes());
        }
        size => {
            out.push(bit | 127);
            out.extend_from_slice(&(size as u64).to_be_bytes());
        }
    }
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    if masked {
        out.extend_from_slice(&mask);
        out.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
    } else {
        out.extend_from_slice(payload);
    }
    out
}

/// The body of a close frame.
pub fn close_body(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

/// The next frame, unmasked: its first byte and its payload; `None` at the end of the stream or on an error.
pub fn read_frame(stream: &mut impl Read) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).ok()?;
    let size = match head[1] & 0x7f {
        126 => {
            let mut size = [0; 2];
            stream.read_exact(&mut size).ok()?;
            usize::from(u16::from_be_bytes(size))
        }
        127 => {
            let mut size = [0; 8];
            stream.read_exact(&mut size).ok()?;
            u64::from_be_bytes(size) as usize
        }
        size => usize::from(size),
    };
    let mut mask = [0; 4];
    if head[1] & 0x80 != 0 {
        stream.read_exact(&mut mask).ok()?;
    }
    let mut payload = vec![0; size];
    stream.read_exact(&mut payload).ok()?;
    payload.iter_mut().enumerate().for_each(|(at, byte)| *byte ^= mask[at % 4]);
    Some((head[0], payload))
}

/// Reads on to the peer's close frame; its code (1005 when it has none) and reason.
pub fn read_close(stream: &mut impl Read) -> Option<(u16, String)> {
    loop {
        let (first, payload) = read_frame(stream)?;
        if first == FIN | CLOSE {
            return Some(match payload[..] {
                [high, low, ref reason @ ..] => {
                    (u16::from_be_bytes([high, low]), String::from_utf8(reason.to_vec()).unwrap())
                }
                _ => (1005, String::new()),
            });
        }
    }
}

/// An address whose connects are neither accepted nor refused: the backlog of its listener is full.
pub struct BlackHole {
    listener: socket2::Socket,
    filling: Vec<TcpStream>,
}

impl BlackHole {
    pub fn new() -> Self {
        let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let mut hole = Self { listener, filling: Vec::new() };
        // The kernel takes one or two more than it was told, then drops what comes.
        for _ in 0..8 {
            match TcpStream::connect_timeout(&hole.address(), Duration::from_millis(300)) {
                Ok(stream) => hole.filling.push(stream),
                Err(error) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut, "{error}");
                    return hole;
                }
            }
        }
        panic!("the backlog does not fill");
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap().as_socket().unwrap()
    }

    pub fn url(&self) -> String {
        format!("ws://{}/", self.address())
    }
}
