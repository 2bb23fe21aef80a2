//! Many clients on one epoll thread. They answer pings, and some of them talk.

use crate::wire::Wire;
use compare::{REQUEST, trusting};
use hdrhistogram::Histogram;
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What they speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// Bytes, and no handshake but one that says hello.
    Bytes,
    Plain,
    Tls,
    Compressed,
}

/// Handshakes under way at a time.
const AT_ONCE: usize = 128;
/// Loopback addresses that they come from.
const ADDRESSES: usize = 4;
/// Ten thousand TLS handshakes take a minute where others work, too.
const PATIENCE: Duration = Duration::from_secs(240);

const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

/// The request of one of them.
pub fn request(speech: Speech) -> String {
    match speech {
        Speech::Bytes => String::new(),
        Speech::Plain | Speech::Tls => format!("{REQUEST}\r\n"),
        Speech::Compressed => format!("{REQUEST}{OFFER}\r\n"),
    }
}

/// A masked frame; a mask of zeroes leaves the payload as it is.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    compare::frame(first, payload, Some([0; 4]))
}

struct Member {
    wire: Wire,
    open: bool,
    /// Received and not a whole frame, or head, yet; nothing most of the time.
    rest: Vec<u8>,
    /// Not written yet.
    due: Vec<u8>,
    asked: Option<Instant>,
    /// Messages, or for bytes alone bytes, that came.
    got: usize,
}

pub struct Members {
    poll: Poll,
    events: Events,
    all: Vec<Member>,
    speech: Speech,
    pub pings: u64,
    pub trips: Histogram<u64>,
    buffer: Vec<u8>,
    /// The latest message as it came, head and all.
    pub latest: Vec<u8>,
}

fn fault(kind: ErrorKind, text: &str) -> io::Error {
    io::Error::new(kind, text.to_owned())
}

impl Members {
    /// Connects all of them.
    pub fn connect(address: SocketAddr, count: usize, speech: Speech) -> io::Result<Self> {
        let tls = if speech == Speech::Tls { Some(trusting()?) } else { None };
        let mut members = Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            all: Vec::with_capacity(count),
            speech,
            pings: 0,
            trips: Histogram::new(3).map_err(io::Error::other)?,
            buffer: vec![0; 256 * 1024],
            latest: Vec::new(),
        };
        let (mut open, begun) = (0, Instant::now());
        while open < count {
            while members.all.len() < count && members.all.len() - open < AT_ONCE {
                let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
                let from = [127, 0, 0, (members.all.len() % ADDRESSES + 2) as u8];
                // Ports are picked when the other end is known, so that they do not run out.
                socket.set_reuse_address(true)?;
                socket.bind(&SocketAddr::from((from, 0)).into())?;
                socket.set_nonblocking(true)?;
                socket.set_tcp_nodelay(true)?;
                match socket.connect(&address.into()) {
                    Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => return Err(error),
                    _ => {}
                }
                let mut stream = mio::net::TcpStream::from_std(socket.into());
                let token = Token(members.all.len());
                members.poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
                let wire = Wire::new(stream, tls.as_ref())?;
                let due = request(speech).into_bytes();
                members.all.push(Member { wire, open: false, rest: Vec::new(), due, asked: None, got: 0 });
            }
            if begun.elapsed() > PATIENCE {
                return Err(fault(ErrorKind::TimedOut, "they are not all let in"));
            }
            open += members.turn(Duration::from_millis(100))?;
        }
        Ok(members)
    }

    /// Waits for news and takes them; how many have been let in.
    fn turn(&mut self, wait: Duration) -> io::Result<usize> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(0),
            other => other?,
        }
        let ready: Vec<_> = self.events.iter().map(|event| (event.token().0, event.is_writable())).collect();
        let mut opened = 0;
        for (at, writable) in ready {
            if writable {
                self.write(at)?;
            }
            opened += usize::from(self.read(at)?);
        }
        Ok(opened)
    }

    fn write(&mut self, at: usize) -> io::Result<()> {
        let member = &mut self.all[at];
        if let Some(error) = member.wire.stream().take_error()? {
            return Err(error);
        }
        while !member.due.is_empty() {
            match member.wire.write(&member.due) {
                Ok(count) => drop(member.due.drain(..count)),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => break,
                Err(error) => return Err(error),
            }
        }
        if member.due.is_empty() {
            member.due = Vec::new();
        }
        Ok(())
    }

    /// True when it has been let in by this.
    fn read(&mut self, at: usize) -> io::Result<bool> {
        let was_open = self.all[at].open;
        loop {
            let member = &mut self.all[at];
            let count = match member.wire.read(&mut self.buffer) {
                Ok(0) => return Err(fault(ErrorKind::UnexpectedEof, "the server closed a connection")),
                Ok(count) => count,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => break,
                Err(error) => return Err(error),
            };
            if self.speech == Speech::Bytes {
                // The first byte says that it has been accepted: what is sent to everybody will come to it, too.
                member.got += count - usize::from(!member.open);
                member.open = true;
                continue;
            }
            member.rest.extend_from_slice(&self.buffer[..count]);
            if !member.open {
                let Some(end) = member.rest.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
                if !member.rest.starts_with(b"HTTP/1.1 101 ") {
                    return Err(fault(ErrorKind::InvalidData, &String::from_utf8_lossy(&member.rest)));
                }
                member.rest.drain(..end + 4);
                member.open = true;
            }
            self.frames(at)?;
        }
        // Reading may have ended the TLS handshake that the request waits for, and no other edge follows.
        if !self.all[at].due.is_empty() {
            self.write(at)?;
        }
        Ok(!was_open && self.all[at].open)
    }

    fn frames(&mut self, at: usize) -> io::Result<()> {
        let member = &mut self.all[at];
        loop {
            let (head, size) = match member.rest[..] {
                [_, size @ 0..126, ..] => (2, usize::from(size)),
                [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
                [_, 127, _, _, _, _, a, b, c, d, ..] => (10, u32::from_be_bytes([a, b, c, d]) as usize),
                _ => break,
            };
            if member.rest.len() < head + size {
                break;
            }
            let whole: Vec<u8> = member.rest.drain(..head + size).collect();
            match whole[0] & 0x0f {
                9 => {
                    self.pings += 1;
                    member.due.extend(frame(0x8a, &whole[head..]));
                }
                1 | 2 => {
                    member.got += 1;
                    if let Some(asked) = member.asked.take() {
                        self.trips.record(asked.elapsed().as_nanos() as u64).map_err(io::Error::other)?;
                    }
                    self.latest = whole;
                }
                _ => return Err(fault(ErrorKind::InvalidData, "a frame that was not expected")),
            }
        }
        if member.rest.is_empty() {
            member.rest = Vec::new();
        }
        if member.due.is_empty() { Ok(()) } else { self.write(at) }
    }

    pub fn send(&mut self, at: usize, bytes: &[u8]) -> io::Result<()> {
        self.all[at].asked = Some(Instant::now());
        self.all[at].due.extend_from_slice(bytes);
        self.write(at)
    }

    /// For that long the first `active` each send `bytes` once a second and get them back, the others only live.
    pub fn live(&mut self, time: Duration, active: usize, bytes: &[u8]) -> io::Result<()> {
        self.trips.reset();
        self.pings = 0;
        let (begun, gap) = (Instant::now(), Duration::from_secs(1) / active.max(1) as u32);
        let mut next = 0_u32;
        while begun.elapsed() < time {
            let due = gap * next;
            if due <= begun.elapsed() && active > 0 {
                let at = next as usize % active;
                if self.all[at].asked.is_some() {
                    return Err(fault(ErrorKind::TimedOut, "no answer within a second"));
                }
                self.send(at, bytes)?;
                next += 1;
            }
            let wait = if active > 0 { (gap * next).saturating_sub(begun.elapsed()) } else { time };
            self.turn(wait.min(Duration::from_millis(100)))?;
        }
        Ok(())
    }

    /// Has the first one send `bytes` and waits until everybody has got `each` more.
    pub fn broadcast(&mut self, bytes: &[u8], each: usize) -> io::Result<Duration> {
        self.all.iter_mut().for_each(|member| member.got = 0);
        let begun = Instant::now();
        self.send(0, bytes)?;
        // Those before it have theirs.
        let mut at = 0;
        while at < self.all.len() {
            self.turn(Duration::from_millis(100))?;
            at += self.all[at..].iter().take_while(|member| member.got >= each).count();
            if begun.elapsed() > PATIENCE {
                return Err(fault(ErrorKind::TimedOut, "the broadcast does not reach everybody"));
            }
        }
        Ok(begun.elapsed())
    }

    /// For that long each sends `bytes` again as soon as it has got an answer; answers a second.
    pub fn exchange(&mut self, time: Duration, bytes: &[u8]) -> io::Result<f64> {
        self.trips.reset();
        for at in 0..self.all.len() {
            self.all[at].got = 0;
            self.send(at, bytes)?;
        }
        let (begun, mut count) = (Instant::now(), 0);
        while begun.elapsed() < time {
            self.turn(Duration::from_millis(100))?;
            let ready: Vec<usize> = self.events.iter().map(|event| event.token().0).collect();
            for at in ready {
                if self.all[at].got > 0 {
                    self.all[at].got = 0;
                    count += 1;
                    self.send(at, bytes)?;
                }
            }
        }
        let rate = f64::from(count) / begun.elapsed().as_secs_f64();
        while self.all.iter().any(|member| member.got == 0) {
            self.turn(Duration::from_millis(100))?;
        }
        Ok(rate)
    }
}
