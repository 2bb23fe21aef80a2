//! The load generator: one epoll thread, frames prepared once, replies counted rather than decoded. It costs far less
//! per message than any server under test, so the server is what is measured.

use crate::stream::Stream;
use compare::REQUEST;
use hdrhistogram::Histogram;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// What is sent: `connections` of them, each with `window` messages of `size` bytes under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    pub name: &'static str,
    pub connections: usize,
    pub window: usize,
    pub size: usize,
}

/// What the other side speaks, and who connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// Bytes and nothing else; the same bytes come back.
    Plain,
    /// We are the client of a WebSocket server.
    Client,
    /// The same under TLS.
    SecureClient,
    /// We are the server, and clients connect to us.
    Server,
}

/// What a stretch of time gave.
pub struct Outcome {
    pub messages: u64,
    pub elapsed: Duration,
    /// The same with the messages that came back after the time was up.
    pub wall: Duration,
    pub trips: Histogram<u64>,
}

/// What a program may take for an answer at the beginning.
const PATIENCE: Duration = Duration::from_secs(10);
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
/// A binary frame of `size` bytes.
fn frame(size: usize, masked: bool) -> Vec<u8> {
    let payload: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
    compare::frame(0x82, &payload, masked.then_some(KEY))
}

struct Peer {
    stream: Stream,
    /// Bytes of prepared frames that may be written now, and where in the prepared bytes the next one begins.
    due: usize,
    at: usize,
    /// Bytes received of the current reply.
    received: usize,
    sent_at: VecDeque<Instant>,
}

pub struct Load {
    poll: Poll,
    peers: Vec<Peer>,
    prepared: Vec<u8>,
    frame: usize,
    reply: usize,
    /// The reply as it must look, for the first one of each connection.
    expected: Vec<u8>,
    case: Case,
    buffer: Vec<u8>,
}

impl Load {
    pub fn connect(address: SocketAddr, case: Case, speech: Speech) -> io::Result<Self> {
        let mut streams = Vec::new();
        // Made once: it reads the system's certificates, which takes longer than a handshake.
        let connector = match speech {
            Speech::SecureClient => Some(compare::trusting()?),
            Speech::Plain | Speech::Client | Speech::Server => None,
        };
        for _ in 0..case.connections {
            let socket = TcpStream::connect_timeout(&address, PATIENCE)?;
            socket.set_nodelay(true)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            let mut stream = match &connector {
                Some(connector) => Stream::secure(connector, socket)?,
                None => Stream::Plain(socket),
            };
            if speech != Speech::Plain {
                stream.write_all(format!("{REQUEST}\r\n").as_bytes())?;
                shake(&mut stream, "101")?;
            }
            streams.push(stream);
        }
        Self::new(streams, case, speech)
    }

    /// Waits for `case.connections` clients on `listener`.
    pub fn accept(listener: &TcpListener, case: Case, speech: Speech) -> io::Result<Self> {
        // A client that has ended does not come any more.
        socket2::SockRef::from(listener).set_read_timeout(Some(PATIENCE))?;
        let mut streams = Vec::new();
        for _ in 0..case.connections {
            let (socket, _) = listener.accept()?;
            socket.set_nodelay(true)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            let mut stream = Stream::Plain(socket);
            if speech == Speech::Server {
                let request = shake(&mut stream, "GET")?;
                stream.write_all(answer(&request).as_bytes())?;
            }
            streams.push(stream);
        }
        Self::new(streams, case, speech)
    }

    fn new(streams: Vec<Stream>, case: Case, speech: Speech) -> io::Result<Self> {
        let poll = Poll::new()?;
        let sent = frame(case.size, speech != Speech::Server);
        let answers = matches!(speech, Speech::Client | Speech::SecureClient);
        let expected = if answers { frame(case.size, false) } else { Vec::new() };
        let reply = match speech {
            Speech::Plain => sent.len(),
            Speech::Client | Speech::SecureClient => expected.len(),
            Speech::Server => frame(case.size, true).len(),
        };
        let mut peers = Vec::new();
        for stream in streams {
            stream.socket().set_nonblocking(true)?;
            let fd = stream.socket().as_raw_fd();
            poll.registry().register(
                &mut SourceFd(&fd),
                Token(peers.len()),
                Interest::READABLE | Interest::WRITABLE,
            )?;
            peers.push(Peer { stream, due: 0, at: 0, received: 0, sent_at: VecDeque::new() });
        }
        let prepared = sent.repeat(case.window);
        let buffer = vec![0; 1024 * 1024];
        Ok(Self { poll, peers, prepared, frame: sent.len(), reply, expected, case, buffer })
    }

    /// One message on each connection, the first of which is compared with what must come back.
    pub fn check(&mut self) -> io::Result<()> {
        for at in 0..self.peers.len() {
            let peer = &mut self.peers[at];
            let mut answer = Vec::new();
            let (mut sent, end) = (0, Instant::now() + PATIENCE);
            while answer.len() < self.reply {
                if Instant::now() > end {
                    return Err(io::Error::new(ErrorKind::TimedOut, "no answer to the first message"));
                }
                match peer.stream.write(&self.prepared[sent..self.frame]) {
                    Ok(count) => sent += count,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
                match peer.stream.read(&mut self.buffer) {
                    Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                    Ok(count) => answer.extend_from_slice(&self.buffer[..count]),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        self.poll.poll(&mut Events::with_capacity(8), Some(Duration::from_millis(1)))?;
                    }
                    Err(error) => return Err(error),
                }
            }
            let wrong = answer.len() != self.reply || !self.expected.is_empty() && answer != self.expected;
            if wrong {
                return Err(io::Error::new(ErrorKind::InvalidData, "the echo is not what was sent"));
            }
        }
        Ok(())
    }

    /// Keeps every window full for `time`, then lets what is under way come back.
    pub fn run(&mut self, time: Duration) -> io::Result<Outcome> {
        self.run_until(time, u64::MAX)
    }

    /// The same, but no longer than until `most` messages have come back.
    pub fn run_until(&mut self, time: Duration, most: u64) -> io::Result<Outcome> {
        let begin = Instant::now();
        let trips = Histogram::new(3).map_err(io::Error::other)?;
        let mut outcome = Outcome { messages: 0, elapsed: time, wall: time, trips };
        for at in 0..self.peers.len() {
            let window = self.case.window;
            self.send(at, window, begin)?;
        }
        let mut events = Events::with_capacity(1024);
        let (mut open, mut under_way) = (true, self.peers.len() * self.case.window);
        let give_up = begin + time + Duration::from_secs(20);
        while under_way > 0 {
            match self.poll.poll(&mut events, Some(Duration::from_millis(100))) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            let now = Instant::now();
            if open && (now - begin >= time || outcome.messages >= most) {
                (open, outcome.elapsed) = (false, now - begin);
            }
            if now > give_up {
                return Err(io::Error::new(ErrorKind::TimedOut, "answers are missing"));
            }
            for event in &events {
                let at = event.token().0;
                if event.is_writable() {
                    self.write(at)?;
                }
                if event.is_readable() {
                    let replies = self.read(at)?;
                    let peer = &mut self.peers[at];
                    for sent in peer.sent_at.drain(..replies) {
                        if open {
                            outcome.trips.record((now - sent).as_nanos() as u64).map_err(io::Error::other)?;
                        }
                    }
                    under_way -= replies;
                    if open {
                        outcome.messages += replies as u64;
                        under_way += replies;
                        self.send(at, replies, now)?;
                    }
                }
            }
        }
        outcome.wall = begin.elapsed();
        Ok(outcome)
    }

    fn send(&mut self, at: usize, count: usize, now: Instant) -> io::Result<()> {
        let peer = &mut self.peers[at];
        peer.due += count * self.frame;
        peer.sent_at.extend(std::iter::repeat_n(now, count));
        self.write(at)
    }

    fn write(&mut self, at: usize) -> io::Result<()> {
        let (peer, whole) = (&mut self.peers[at], self.prepared.len());
        while peer.due > 0 {
            let end = whole.min(peer.at + peer.due);
            match peer.stream.write(&self.prepared[peer.at..end]) {
                Ok(count) => {
                    peer.due -= count;
                    peer.at = (peer.at + count) % whole;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what is there; how many replies it completed.
    fn read(&mut self, at: usize) -> io::Result<usize> {
        let peer = &mut self.peers[at];
        loop {
            match peer.stream.read(&mut self.buffer) {
                Ok(0) => return Err(io::Error::new(ErrorKind::UnexpectedEof, "the server closed the connection")),
                Ok(count) => peer.received += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
            if peer.received >= self.reply * self.case.window {
                break;
            }
        }
        let replies = peer.received / self.reply;
        peer.received %= self.reply;
        Ok(replies)
    }
}

/// Reads an HTTP head that begins like `start` or holds it in its first line.
fn shake(stream: &mut Stream, start: &str) -> io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    match head.lines().next().is_some_and(|line| line.contains(start)) {
        true => Ok(head),
        false => Err(io::Error::new(ErrorKind::InvalidData, head)),
    }
}

fn answer(request: &str) -> String {
    let key = request.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim().to_owned())
    });
    let digest = sha1_smol::Sha1::from(key.unwrap_or_default() + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest();
    let accept = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, digest.bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}
