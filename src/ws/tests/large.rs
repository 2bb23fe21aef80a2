//! Payloads that are read straight into their memory come out as they would by the ordinary way.

use crate::ws::deflate::InflatePool;
use crate::ws::{Decoder, FrameKind, Item, Message, OutFrame, Role};

const MIB: usize = 1 << 20;
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn wire(kind: FrameKind, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    OutFrame::new(kind, payload.to_vec().into(), Some(MASK)).encode(0, usize::MAX, &mut out);
    out
}

/// Decodes `wire`, `first` bytes of it and what follows large payloads by the ordinary way, in pieces of at most
/// `piece`; the items, the fault, and how many bytes went straight.
fn decode(wire: &[u8], first: usize, piece: usize) -> (Vec<Item>, Option<u16>, usize) {
    let (mut decoder, mut pool, mut items) = (Decoder::new(Role::Server), InflatePool::new(), Vec::new());
    let (mut at, mut straight) = (0, 0);
    let mut fault = None;
    while at < wire.len() && fault.is_none() {
        let most = if at == 0 { first } else { piece };
        if let Some((memory, room)) = decoder.room() {
            let count = room.min(piece).min(wire.len() - at);
            assert!(memory.capacity() - memory.len() >= count);
            memory.extend_from_slice(&wire[at..at + count]);
            at += count;
            straight += count;
            match decoder.appended(count) {
                Ok(item) => items.extend(item),
                Err(violation) => fault = Some(violation.code),
            }
            continue;
        }
        let end = wire.len().min(at + most);
        let (mut buf, mut done) = (wire[at..end].to_vec(), 0);
        loop {
            match decoder.next(&mut buf, &mut done, 4 * MIB, &mut pool) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(violation) => {
                    fault = Some(violation.code);
                    break;
                }
            }
        }
        at = end;
    }
    (items, fault, straight)
}

#[test]
fn both_ways_give_the_same() {
    let text = "жизнь ".repeat(MIB / 11);
    let binary: Vec<u8> = (0..MIB).map(|at| (at * 7) as u8).collect();
    let wire = [
        wire(FrameKind::Text, text.as_bytes()),
        wire(FrameKind::Ping, b"between"),
        wire(FrameKind::Binary, &binary),
        wire(FrameKind::Text, b"small"),
    ]
    .concat();
    let expected = [
        Item::Message(Message::text(&text)),
        Item::Ping(bytes::Bytes::from_static(b"between")),
        Item::Message(Message::binary(binary)),
        Item::Message(Message::text("small")),
    ];
    for (first, piece) in [(1, 1 << 18), (15, 100_003), (70_001, 65_537), (1 << 18, 1 << 18), (20, 7_919)] {
        let (items, fault, straight) = decode(&wire, first, piece);
        assert_eq!(fault, None);
        assert!(items == expected, "first {first}, piece {piece}");
        assert!(straight > MIB, "only {straight} bytes went straight");
    }
}

#[test]
fn a_fault_in_a_text_shows_in_the_piece_that_has_it() {
    let mut text = "x".repeat(MIB).into_bytes();
    text[400_000] = 0xff;
    let mut wire = wire(FrameKind::Text, &text);
    // Nothing behind the piece with the fault has come.
    wire.truncate(450_000);
    let (items, fault, straight) = decode(&wire, 1000, 50_000);
    assert_eq!((items.len(), fault), (0, Some(1007)));
    assert!((400_000..450_000).contains(&straight), "{straight}");
}

#[test]
fn small_and_fragmented_ones_are_left_to_the_ordinary_way() {
    let small = wire(FrameKind::Binary, &[5; 60_000]);
    assert_eq!(decode(&small, 10, 1000).2, 0);
    // A large first fragment may go straight, its message is whole only with the last.
    let mut fragment = wire(FrameKind::Binary, &vec![6; 200_000]);
    fragment[0] &= 0x7f;
    let mut last = wire(FrameKind::Binary, &[7; 3]);
    last[0] = 0x80;
    let (items, fault, straight) = decode(&[fragment, last].concat(), 1000, 30_000);
    assert_eq!(fault, None);
    assert!(straight > 100_000, "{straight}");
    let expected = [vec![6; 200_000], vec![7; 3]].concat();
    assert!(items == [Item::Message(Message::binary(expected))]);
}
