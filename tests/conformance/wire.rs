//! The peer's end of a connection to an echo in either role.

use crate::face::{Client, Event, Got, Server};
use crate::raw;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use websocket_addin::capi::*;

pub use crate::raw::{BINARY, CLOSE, CONTINUE, FIN, PING, PONG, TEXT};

/// Whose role the echo has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    Server,
    Client,
}

pub const BOTH: [Echo; 2] = [Echo::Server, Echo::Client];

/// What is offered to a server, or answered to a client, on permessage-deflate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deflate<'a> {
    pub extension: &'a str,
    pub takeover: bool,
    pub bits: i64,
}

pub struct Wire {
    stream: TcpStream,
    pub echo: Echo,
    /// What the echo has agreed to, or offered.
    pub extension: String,
    /// Keeps the object and its thread.
    thread: Option<std::thread::JoinHandle<()>>,
    server: Option<std::sync::Arc<Server>>,
}

fn is_text(event: &Event) -> bool {
    event.kind == WSADDIN_KIND_TEXT
}

fn serve(server: &Server) {
    while let Ok(Got::Event(event)) = server.receive(0) {
        let sent = match is_text(&event) {
            true => server.send(event.connection, event.text()),
            false => server.send_binary(event.connection, &event.data),
        };
        assert!(sent.is_ok());
    }
}

fn ask(client: &Client, url: &str) {
    client.connect(url).expect("it connects");
    while let Ok(Got::Event(event)) = client.receive(0) {
        // It may be closing.
        let _ = if is_text(&event) { client.send(event.text()) } else { client.send_binary(&event.data) };
    }
}

impl Wire {
    pub fn new(echo: Echo) -> Self {
        Self::with(echo, None)
    }

    pub fn with(echo: Echo, deflate: Option<Deflate<'_>>) -> Self {
        let header =
            deflate.map(|deflate| format!("Sec-WebSocket-Extensions: {}\r\n", deflate.extension)).unwrap_or_default();
        match echo {
            Echo::Server => {
                let server = std::sync::Arc::new(Server::new());
                if let Some(deflate) = deflate {
                    server.compression_context(deflate.takeover.into()).compression_window_bits(deflate.bits);
                }
                server.run("127.0.0.1", 0).unwrap();
                let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
                raw::patient(&stream);
                stream.write_all(raw::request(server.port(), &header).as_bytes()).unwrap();
                let head = raw::read_head(&mut stream);
                assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
                let extension = raw::header(&head, "Sec-WebSocket-Extensions").unwrap_or_default().to_owned();
                let own = server.clone();
                let thread = std::thread::spawn(move || serve(&own));
                Self { stream, echo, extension, thread: Some(thread), server: Some(server) }
            }
            Echo::Client => {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let url = format!("ws://{}/", listener.local_addr().unwrap());
                let (takeover, bits) = deflate.map_or((false, 15), |deflate| (deflate.takeover, deflate.bits));
                let thread = std::thread::spawn(move || {
                    let client = Client::new();
                    client.compression_context(takeover.into()).compression_window_bits(bits);
                    ask(&client, &url);
                });
                let (mut stream, _) = listener.accept().unwrap();
                raw::patient(&stream);
                let head = raw::read_head(&mut stream);
                let extension = raw::header(&head, "Sec-WebSocket-Extensions").unwrap_or_default().to_owned();
                stream.write_all(raw::accept(&head, &header).as_bytes()).unwrap();
                Self { stream, echo, extension, thread: Some(thread), server: None }
            }
        }
    }

    /// A frame's bytes, masked as the role demands.
    pub fn frame(&self, first: u8, payload: &[u8]) -> Vec<u8> {
        raw::frame(first, self.echo == Echo::Server, payload)
    }

    pub fn say(&mut self, first: u8, payload: &[u8]) {
        let frame = self.frame(first, payload);
        self.write(&frame);
    }

    /// The other end may have closed already.
    pub fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    pub fn octets(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write(std::slice::from_ref(byte)));
    }

    #[track_caller]
    pub fn hears(&mut self, first: u8, payload: &[u8]) {
        let (got, data) = raw::read_frame(&mut self.stream).expect("a frame");
        assert_eq!(got, first, "{:?}: {}", self.echo, data[..data.len().min(200)].escape_ascii());
        assert!(data == payload, "{:?}: another payload, of {} instead of {}", self.echo, data.len(), payload.len());
    }

    /// The next frame, whatever it is.
    #[track_caller]
    pub fn frame_back(&mut self) -> (u8, Vec<u8>) {
        raw::read_frame(&mut self.stream).expect("a frame")
    }

    /// The next frame is a close with this code, and nothing follows but the end of the stream.
    #[track_caller]
    pub fn closes(mut self, code: u16) {
        let (first, body) = raw::read_frame(&mut self.stream).expect("a close frame");
        assert_eq!(first, FIN | CLOSE, "{:?}", self.echo);
        let got = body.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
        assert_eq!(got, code, "{:?}", self.echo);
        // A server closes its side first; a client waits for ours.
        if self.echo == Echo::Client {
            let _ = self.stream.shutdown(std::net::Shutdown::Write);
        }
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest);
        assert!(rest.is_empty(), "{:?}: {} after the close", self.echo, rest.escape_ascii());
    }

    /// Ends with the usual handshake, which proves that the connection was in order to the end.
    #[track_caller]
    pub fn ends(mut self) {
        self.say(FIN | CLOSE, &raw::close_body(1000, ""));
        self.closes(1000);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        if let Some(server) = self.server.take() {
            let _ = server.stop();
        }
        let ended = self.thread.take().map(std::thread::JoinHandle::join);
        if !std::thread::panicking() {
            assert!(ended.is_none_or(|ended| ended.is_ok()), "the echo has panicked");
        }
    }
}
