//! What is sent and what has to arrive: messages that say whose they are, and the books about them.

use crate::face::Event;
use std::sync::OnceLock;
use websocket_addin::capi::*;

/// Kind, stream and number as digits.
pub const HEAD: usize = 1 + 16 + 16;
/// An echo of what the client has sent, a message of the server's to one connection, one to all.
pub const ECHO: u8 = b'E';
pub const PUSH: u8 = b'P';
pub const BROADCAST: u8 = b'B';

fn filler() -> &'static [u8] {
    static FILLER: OnceLock<Vec<u8>> = OnceLock::new();
    FILLER.get_or_init(|| {
        let mut random = Random::new(7);
        // Compressible by half or so, and ASCII, so that it may go as a text or as a binary message.
        (0..2 << 20).map(|_| b'a' + random.below(16) as u8).collect()
    })
}

/// Message `number` of a stream; its content depends on both.
pub fn message(kind: u8, stream: u64, number: u64, size: usize) -> Vec<u8> {
    let mut data = format!("{}{stream:016x}{number:016x}", kind as char).into_bytes();
    let from = (stream.wrapping_mul(31).wrapping_add(number.wrapping_mul(977)) % 65536) as usize;
    data.extend_from_slice(&filler()[from..from + size.saturating_sub(HEAD)]);
    data
}

pub fn parse(data: &[u8]) -> Option<(u8, u64, u64)> {
    let head = std::str::from_utf8(data.get(..HEAD)?).ok()?;
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    Some((head.as_bytes()[0], number(&head[1..17])?, number(&head[17..])?))
}

/// The same numbers for the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    /// Mostly short, now and then long.
    pub fn size(&mut self) -> usize {
        match self.below(400) {
            0 => 200_000 + self.below(600_000) as usize,
            1..20 => 4_000 + self.below(70_000) as usize,
            _ => HEAD + self.below(200) as usize,
        }
    }
}

/// A client's book about one connection.
#[derive(Debug, Default)]
pub struct Book {
    pub stream: u64,
    pub sent: u64,
    pub echoed: u64,
    pub pushed: u64,
    /// The last message to all; a connection begins somewhere among them.
    broadcast: Option<u64>,
    pub received: u64,
    pub opened: bool,
    /// Code and cleanness.
    pub closed: Option<(i64, bool)>,
}

impl Book {
    pub fn of(stream: u64) -> Self {
        Self { stream, ..Self::default() }
    }

    pub fn outstanding(&self) -> u64 {
        self.sent - self.echoed
    }

    /// Once and in order, or why not.
    pub fn take(&mut self, event: &Event) -> Result<(), String> {
        let wrong = |what: &str, book: &Self| {
            let data = &event.data[..event.data.len().min(60)];
            Err(format!("{what}: event {} {:?} with {book:?}", event.event, String::from_utf8_lossy(data)))
        };
        if event.event == WSADDIN_EVENT_OPEN {
            let again = std::mem::replace(&mut self.opened, true);
            return if again { wrong("a second open", self) } else { Ok(()) };
        }
        if event.event == WSADDIN_EVENT_CLOSE {
            let (code, _, clean) = event.close();
            let again = self.closed.replace((code, clean)).is_some();
            return if again { wrong("a second close", self) } else { Ok(()) };
        }
        if event.event != WSADDIN_EVENT_MESSAGE {
            return Ok(());
        }
        self.received += 1;
        let Some((kind, stream, number)) = parse(&event.data) else { return wrong("not of this test", self) };
        if event.data != message(kind, stream, number, event.data.len()) {
            return wrong("other content", self);
        }
        let expected = match kind {
            ECHO if stream == self.stream => std::mem::replace(&mut self.echoed, number + 1),
            PUSH => std::mem::replace(&mut self.pushed, number + 1),
            BROADCAST => self.broadcast.replace(number).map_or(number, |last| last + 1),
            _ => return wrong("another's message", self),
        };
        if number == expected { Ok(()) } else { wrong(&format!("{expected} was the next"), self) }
    }
}

/// A server's book about one connection.
#[derive(Debug, Default)]
pub struct Account {
    stream: Option<u64>,
    next: u64,
    pub pushed: u64,
}

impl Account {
    pub fn take(&mut self, data: &[u8]) -> Result<(), String> {
        // A request.
        if data.starts_with(b"{") {
            return Ok(());
        }
        let shown = || String::from_utf8_lossy(&data[..data.len().min(60)]).into_owned();
        let (kind, stream, number) = parse(data).ok_or_else(|| format!("not of this test: {:?}", shown()))?;
        let expected = std::mem::replace(&mut self.next, number + 1);
        let is_right = kind == ECHO && number == expected && *self.stream.get_or_insert(stream) == stream;
        if is_right { Ok(()) } else { Err(format!("{expected} was the next: {:?} with {self:?}", shown())) }
    }
}
