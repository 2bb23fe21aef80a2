//! Compressed messages, damaged: never a panic nor memory beyond the bound, and what comes out is right or a violation.

use super::damage::Prng;
use crate::ws::deflate::{DeflatePool, Deflater, Direction, InflatePool};
use crate::ws::{Decoder, FrameKind, Item, Message, MessageKind, OutFrame, Role};
use bytes::Bytes;

const ROUNDS: u32 = 3_000;
const LIMIT: usize = 20_000;

/// Messages that came out, and the code of what ended them.
fn decode(role: Role, direction: Direction, pieces: &[&[u8]]) -> (Vec<Message>, Option<u16>) {
    let (mut decoder, mut messages, mut pool) = (Decoder::new(role), Vec::new(), InflatePool::new());
    decoder.inflate(direction);
    for piece in pieces {
        let (mut buf, mut at) = (piece.to_vec(), 0);
        loop {
            let next = decoder.next(&mut buf, &mut at, LIMIT, &mut pool);
            assert!(decoder.reserved() <= 2 * LIMIT, "{} bytes for a message of at most {LIMIT}", decoder.reserved());
            match next {
                Ok(Some(Item::Message(message))) => {
                    assert!(message.data().len() <= LIMIT);
                    assert!(message.kind() == MessageKind::Binary || message.as_str().is_some());
                    messages.push(message);
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(violation) => return (messages, Some(violation.code)),
            }
        }
    }
    (messages, None)
}

fn text(prng: &mut Prng) -> Message {
    let size = [0, 40, 300, 3000][prng.below(4)];
    let mut text = String::new();
    while text.len() < size {
        text.push_str(["яблоко ", "€", "😀", "apple ", "\u{0}", "{\"id\": 1}"][prng.below(6)]);
    }
    if prng.below(2) == 0 { Message::from_string(text) } else { Message::binary(text.into_bytes()) }
}

/// Frames of a message as a peer sends it: in fragments half the time, with a ping between.
fn frames(prng: &mut Prng, role: Role, message: &Message, packed: Option<Bytes>) -> Vec<u8> {
    let kind = if message.kind() == MessageKind::Text { FrameKind::Text } else { FrameKind::Binary };
    let compressed = packed.is_some();
    let payload = packed.unwrap_or_else(|| message.data().clone());
    let parts = if prng.below(2) == 0 { prng.cut(&payload) } else { vec![&payload[..]] };
    let mut wire = Vec::new();
    let mut frame = |kind, payload: &[u8], first: &dyn Fn(u8) -> u8, prng: &mut Prng| {
        let mask = (role == Role::Server).then(|| (prng.below(1 << 32) as u32).to_ne_bytes());
        let start = wire.len();
        OutFrame::new(kind, Bytes::copy_from_slice(payload), mask).encode(0, usize::MAX, &mut wire);
        wire[start] = first(wire[start]);
    };
    let count = parts.len().max(1);
    for at in 0..count {
        let (begins, ends) = (at == 0, at + 1 == count);
        let first = |byte: u8| {
            let byte = if ends { byte } else { byte & 0x7f };
            if !begins { byte & 0xf0 } else { byte | if compressed { 0x40 } else { 0 } }
        };
        frame(kind, parts.get(at).copied().unwrap_or_default(), &first, prng);
        if prng.below(4) == 0 {
            frame(FrameKind::Ping, b"?", &|byte| byte, prng);
        }
    }
    wire
}

#[test]
fn damaged_compressed_messages_are_right_or_a_violation() {
    let mut prng = Prng(0x1234_5678_9abc_def1);
    let mut codes = std::collections::BTreeMap::new();
    for round in 0..ROUNDS {
        let role = if prng.below(2) == 0 { Role::Server } else { Role::Client };
        let direction = Direction { takeover: prng.below(2) == 0, bits: 8 + prng.below(8) as u8 };
        let (mut deflater, mut deflate_pool) = (Deflater::new(direction), DeflatePool::new());
        let (mut wire, mut sent) = (Vec::new(), Vec::new());
        for _ in 0..1 + prng.below(4) {
            let message = text(&mut prng);
            let packed = deflater.deflate_message(&message, &mut deflate_pool);
            wire.extend(frames(&mut prng, role, &message, packed));
            sent.push(message);
        }
        assert_eq!(decode(role, direction, &prng.cut(&wire)), (sent, None), "round {round}: undamaged");
        prng.damage(&mut wire);
        let (whole, cut) = (decode(role, direction, &[&wire]), decode(role, direction, &prng.cut(&wire)));
        // Of two faults in one piece, which shows first is a matter of the cut; what came before them is not.
        assert_eq!((&whole.0, whole.1.is_some()), (&cut.0, cut.1.is_some()), "round {round}: {wire:x?}");
        for code in [whole.1, cut.1].into_iter().flatten() {
            assert!([1002, 1007, 1009].contains(&code), "round {round}: {code}");
            *codes.entry(code).or_insert(0) += 1;
        }
    }
    // The damage reached what it is about.
    assert!(codes[&1007] > 100 && codes[&1002] > 100, "{codes:?}");
}

#[test]
fn noise_is_no_compressed_message() {
    let mut prng = Prng(0x0fed_cba9_8765_4321);
    let direction = Direction { takeover: false, bits: 15 };
    for _ in 0..ROUNDS {
        let noise: Vec<u8> = (0..1 + prng.below(200)).map(|_| prng.below(256) as u8).collect();
        let mut wire = Vec::new();
        OutFrame::new(FrameKind::Binary, noise.into(), None).encode(0, usize::MAX, &mut wire);
        wire[0] |= 0x40;
        let (messages, code) = decode(Role::Client, direction, &prng.cut(&wire));
        assert!(code.is_none_or(|code| code == 1007 || code == 1009), "{code:?}");
        assert_eq!(messages.len(), usize::from(code.is_none()), "one or the other");
    }
}
