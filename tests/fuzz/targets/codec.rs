//! Bytes of a connection, in both roles, with and without compression, however they are cut and however little may come:
//! the same messages, the same verdict, no message over the limit, no text that is not UTF-8; and what tungstenite says.

use super::input::{Input, pieces};
use super::reference;
use websocket_addin::ws::deflate::{DeflatePool, Deflater, Direction, InflatePool};
use websocket_addin::ws::{Decoder, Item, Message, MessageKind, Role};

/// A limit that no input here reaches.
pub const ROOMY: usize = 16 << 20;
const MOST: usize = 1 << 18;

/// What a codec gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A text, or else binary.
    Message(bool, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
}

/// Bytes with what was agreed on.
#[derive(Debug)]
pub struct Conversation {
    pub server: bool,
    pub deflate: Option<Direction>,
    pub limit: usize,
    pub seed: u8,
    pub bytes: Vec<u8>,
}

/// What came, and the close code of the violation that ended it.
pub type Outcome = (Vec<Seen>, Option<u16>);

impl Conversation {
    /// The first four bytes say what was agreed on; then come frames, well-formed for the most part.
    pub fn read(data: &[u8]) -> Self {
        let mut input = Input::new(data);
        let (flags, limit, seed, bits) = (input.byte(), input.byte(), input.byte(), input.byte());
        let direction = Direction { takeover: flags & 4 != 0, bits: 8 + bits % 8 };
        let mut conversation = Self {
            server: flags & 1 != 0,
            deflate: (flags & 2 != 0).then_some(direction),
            limit: [ROOMY, ROOMY, ROOMY, 0, 1, 125, 1000, 70_000][usize::from(limit % 8)],
            seed,
            bytes: Vec::new(),
        };
        let mut deflater = Deflater::new(Direction { takeover: false, ..direction });
        let mut pool = DeflatePool::new();
        while !input.is_empty() && conversation.bytes.len() < MOST {
            conversation.frame(&mut input, &mut deflater, &mut pool);
        }
        conversation
    }

    fn frame(&mut self, input: &mut Input<'_>, deflater: &mut Deflater, pool: &mut DeflatePool) {
        let (head, shape, size) = (input.byte(), input.byte(), input.byte());
        if shape == 0xff {
            // Not a frame, but just bytes.
            self.bytes.extend_from_slice(input.bytes(size.into()));
            return;
        }
        let mut payload = input.bytes(size.into()).to_vec();
        if shape & 1 != 0 {
            // Long ones, of which little has to be said.
            let times = 1 + usize::from(input.word()) / (1 + payload.len());
            payload = payload.repeat(times);
        }
        let mut head = head;
        if shape & 2 != 0 && self.deflate.is_some() {
            let message = Message::binary(payload.clone());
            if let Some(packed) = deflater.deflate_message(&message, pool) {
                payload = packed.to_vec();
                head |= 0x40;
            }
        }
        self.bytes.push(head);
        let masked = if self.server != (shape & 4 != 0 && size == 7) { 0x80 } else { 0 };
        let long = u64::try_from(payload.len()).unwrap_or_default();
        match (shape >> 3, payload.len()) {
            // Lengths that are longer than they need to be, or a lie.
            (30, _) => self.length(masked | 127, &long.to_be_bytes()),
            (29, _) => self.length(masked | 126, &(long as u16).to_be_bytes()),
            (28, _) => self.length(masked | 127, &(long | 1 << 63).to_be_bytes()),
            (27, _) => self.length(masked | 127, &(long | 1 << 40).to_be_bytes()),
            (_, 0..126) => self.length(masked | long as u8, &[]),
            (_, 126..65536) => self.length(masked | 126, &(long as u16).to_be_bytes()),
            _ => self.length(masked | 127, &long.to_be_bytes()),
        }
        let key = if masked == 0 { [0; 4] } else { [shape, size, 0x5a, 0] };
        if masked != 0 {
            self.bytes.extend(key);
        }
        self.bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    }

    fn length(&mut self, byte: u8, more: &[u8]) {
        self.bytes.push(byte);
        self.bytes.extend_from_slice(more);
    }
}

fn seen(item: Item, buffer: &[u8]) -> Seen {
    match item {
        Item::Message(message) => Seen::Message(message.kind() == MessageKind::Text, message.data().to_vec()),
        Item::InPlace(kind, place) => Seen::Message(kind == MessageKind::Text, buffer[place].to_vec()),
        Item::Ping(data) => Seen::Ping(data.to_vec()),
        Item::Pong(data) => Seen::Pong(data.to_vec()),
        Item::Close(close) => Seen::Close(close.code, close.reason),
    }
}

/// Our codec over the bytes, cut by `seed`; by the two calls of the I/O thread, or by the one that does both.
pub fn ours(conversation: &Conversation, seed: u8, by_steps: bool) -> Outcome {
    let role = if conversation.server { Role::Server } else { Role::Client };
    let mut decoder = Decoder::new(role);
    if let Some(direction) = conversation.deflate {
        decoder.inflate(direction);
    }
    let mut pool = InflatePool::new();
    let mut all = Vec::new();
    for piece in pieces(&conversation.bytes, seed) {
        let (mut buffer, mut at) = (piece.to_vec(), 0);
        loop {
            let ordinary =
                if by_steps { decoder.next_ordinary(&mut buffer, &mut at, conversation.limit) } else { None };
            let item = match ordinary {
                Some((kind, place)) => Ok(Some(Item::InPlace(kind, place))),
                None if by_steps => decoder.next_other(&mut buffer, &mut at, conversation.limit, &mut pool),
                None => decoder.next(&mut buffer, &mut at, conversation.limit, &mut pool),
            };
            match item {
                Ok(Some(item)) => all.push(seen(item, &buffer)),
                Ok(None) => break,
                Err(violation) => return (all, Some(violation.code)),
            }
        }
        assert_eq!(at, buffer.len(), "input is left over");
        // The limit, one step of the inflater, and the inflater itself.
        assert!(decoder.assembling() <= conversation.limit + (1 << 18), "{} bytes held", decoder.assembling());
    }
    (all, None)
}

pub fn run(data: &[u8]) {
    let conversation = Conversation::read(data);
    let whole = ours(&conversation, 0, false);
    for item in &whole.0 {
        match item {
            Seen::Message(text, data) => {
                assert!(data.len() <= conversation.limit, "a message over the limit");
                assert!(!text || std::str::from_utf8(data).is_ok(), "a text that is none");
            }
            Seen::Ping(data) | Seen::Pong(data) => assert!(data.len() <= 125),
            Seen::Close(_, reason) => assert!(reason.len() <= 123),
        }
    }
    for (seed, by_steps) in [(0, true), (conversation.seed, false), (conversation.seed, true)] {
        let other = ours(&conversation, seed, by_steps);
        assert_eq!(whole.0, other.0, "what comes depends on how it is cut");
        // What is inflated is judged as it comes: bad UTF-8, damage, too much, whichever shows first.
        let packed = conversation.deflate.is_some() && whole.1.is_some() && other.1.is_some();
        assert!(packed || whole.1 == other.1, "{:?} or {:?}, as it is cut", whole.1, other.1);
    }
    if conversation.deflate.is_none() && conversation.limit == ROOMY {
        agrees(&conversation, &whole);
    }
}

/// tungstenite gives the same. We refuse more, all at once by RFC 6455: lengths that are longer than they need to be
/// (section 5.2: "the minimal number of bytes MUST be used"), and a head as soon as it is there, where tungstenite waits
/// for the payload. It reports close codes that may not travel as a protocol error of its own making, 1002.
fn agrees(conversation: &Conversation, (items, violation): &Outcome) {
    let (theirs, complained) = reference::tungstenite(&conversation.bytes, conversation.server);
    match violation {
        Some(_) => {
            let common = theirs.iter().zip(items).take_while(|(theirs, ours)| theirs == ours).count();
            assert_eq!(common, items.len().min(theirs.len()), "{theirs:?} {items:?}");
        }
        None => {
            assert!(!complained, "tungstenite refuses what we take: {items:?}");
            let as_theirs: Vec<_> = items.iter().map(without_bad_gateway).collect();
            assert_eq!(as_theirs, theirs);
        }
    }
}

/// 1014, bad gateway, is registered and may travel; tungstenite does not know it and reports 1002.
fn without_bad_gateway(item: &Seen) -> Seen {
    match item {
        Seen::Close(Some(1014), _) => Seen::Close(Some(1002), "Protocol violation".to_owned()),
        other => other.clone(),
    }
}
