//! Damaged input: never a panic, and the outcome does not depend on how the bytes are cut.

use crate::error::Id;
use crate::ws::deflate::InflatePool;
use crate::ws::{ClientHandshake, Decoder, FrameKind, Item, OutFrame, Role, ServerHandshake, Target};
use bytes::Bytes;

const ROUNDS: u32 = 3_000;

/// A small generator (xorshift), so that a failure can be repeated.
pub(super) struct Prng(pub u64);

impl Prng {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    /// Overwrites, removes or repeats a few bytes.
    pub fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            if bytes.is_empty() {
                break;
            }
            let at = self.below(bytes.len());
            match self.below(4) {
                0 => bytes[at] = self.below(256) as u8,
                1 => bytes[at] ^= 1 << self.below(8),
                2 => drop(bytes.remove(at)),
                _ => bytes.insert(at, bytes[at]),
            }
        }
    }

    pub fn cut<'a>(&mut self, mut bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        while !bytes.is_empty() {
            let size = 1 + self.below(20);
            let (piece, rest) = bytes.split_at(size.min(bytes.len()));
            pieces.push(piece);
            bytes = rest;
        }
        pieces
    }
}

fn decode(role: Role, pieces: &[&[u8]]) -> (Vec<Item>, Option<(u16, Id)>) {
    let (mut decoder, mut items, mut pool) = (Decoder::new(role), Vec::new(), InflatePool::new());
    for piece in pieces {
        let (mut buf, mut at) = (piece.to_vec(), 0);
        loop {
            match decoder.next(&mut buf, &mut at, 500, &mut pool) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(violation) => return (items, Some((violation.code, violation.error.id()))),
            }
        }
    }
    (items, None)
}

#[test]
fn damaged_frames_end_the_same_however_they_are_cut() {
    let mut prng = Prng(0x9e37_79b9_7f4a_7c15);
    for round in 0..ROUNDS {
        let role = if prng.below(2) == 0 { Role::Server } else { Role::Client };
        let mut wire = Vec::new();
        for _ in 0..4 {
            let kind =
                [FrameKind::Text, FrameKind::Binary, FrameKind::Ping, FrameKind::Pong, FrameKind::Text][prng.below(5)];
            let payload = Bytes::from("яж¢€😀".repeat(prng.below(9)));
            let mask = (role == Role::Server).then(|| (prng.below(1 << 32) as u32).to_ne_bytes());
            let start = wire.len();
            OutFrame::new(kind, payload, mask).encode(0, usize::MAX, &mut wire);
            // A beginning or a continuation as often as a whole message.
            wire[start] &= [0xff, 0x7f, 0xf0, 0x70][prng.below(4)];
        }
        prng.damage(&mut wire);
        assert_eq!(decode(role, &[&wire]), decode(role, &prng.cut(&wire)), "round {round}: {wire:x?}");
    }
}

#[test]
fn damaged_handshakes_end_the_same_however_they_are_cut() {
    let mut prng = Prng(0x2545_f491_4f6c_dd1d);
    let target = Target::parse("ws://host:81/path?query").unwrap();
    for round in 0..ROUNDS {
        let asked = || ClientHandshake::new(&target, &[], &["a", "b"], Some("x"));
        let mut request = asked().request().to_vec();
        let (valid, _) = ServerHandshake::new().feed(&request).unwrap().unwrap();
        prng.damage(&mut request);
        // A fault in the middle may show only with the next end, so there is one.
        request.extend(b"\n\n");
        let serve = |pieces: &[&[u8]]| {
            let mut handshake = ServerHandshake::new();
            for (at, piece) in pieces.iter().enumerate() {
                match handshake.feed(piece) {
                    Ok(None) => {}
                    Ok(Some((request, rest))) => {
                        let headers: Vec<_> =
                            request.headers().map(|(name, value)| format!("{name}={value}")).collect();
                        let rest = [&[rest.as_slice()], &pieces[at + 1..]].concat().concat();
                        return Ok(Some((request.path().to_owned(), request.query().to_owned(), headers, rest)));
                    }
                    // Of two faults, which shows first is a matter of the cut.
                    Err(_) => return Err(()),
                }
            }
            Ok(None)
        };
        assert_eq!(serve(&[&request]), serve(&prng.cut(&request)), "round {round}: {}", request.escape_ascii());

        let mut answer = valid.accept(Some("b"), Some("x"), "");
        prng.damage(&mut answer);
        answer.extend(b"\n\n");
        let answered = |pieces: &[&[u8]]| {
            let mut handshake = asked();
            pieces.iter().find_map(|piece| {
                handshake.feed(piece).map_err(|error| error.id()).transpose().map(|done| done.is_ok())
            })
        };
        assert_eq!(answered(&[&answer]), answered(&prng.cut(&answer)), "round {round}: {}", answer.escape_ascii());
    }
}
