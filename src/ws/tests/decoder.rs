//! The decoder's rules, each with its close code.

use crate::error::Id;
use crate::ws::deflate::InflatePool;
use crate::ws::{Decoder, FrameKind, Item, MaskKeys, Message, MessageKind, OutFrame, PeerClose, Role, Violation};
use bytes::Bytes;

const LIMIT: usize = 1 << 20;
const MASK: [u8; 4] = [0x11, 0xc2, 0x93, 0xf4];

/// A frame with any first byte, masked or not, of the shortest form.
fn frame(first: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let mut out = vec![first];
    let bit = if mask.is_some() { 0x80 } else { 0 };
    match payload.len() {
        length @ 0..126 => out.push(bit | length as u8),
        length @ 126..65536 => out.extend([&[bit | 126][..], &(length as u16).to_be_bytes()].concat()),
        length => out.extend([&[bit | 127][..], &(length as u64).to_be_bytes()].concat()),
    }
    out.extend(mask.into_iter().flatten());
    out.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ mask.map_or(0, |mask| mask[at % 4])));
    out
}

/// As a client sends it.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    frame(first, payload, Some(MASK))
}

fn feed(decoder: &mut Decoder, bytes: &[u8], limit: usize, items: &mut Vec<Item>) -> Result<(), Violation> {
    let (mut buf, mut at, mut pool) = (bytes.to_vec(), 0, InflatePool::new());
    while let Some(item) = decoder.next(&mut buf, &mut at, limit, &mut pool)? {
        items.push(item);
    }
    assert_eq!(at, bytes.len(), "not all input was consumed");
    Ok(())
}

fn decode(role: Role, pieces: &[&[u8]], limit: usize) -> Result<Vec<Item>, (u16, Id)> {
    let (mut decoder, mut items) = (Decoder::new(role), Vec::new());
    for piece in pieces {
        feed(&mut decoder, piece, limit, &mut items).map_err(|violation| (violation.code, violation.error.id()))?;
    }
    Ok(items)
}

fn server(bytes: &[u8]) -> Result<Vec<Item>, (u16, Id)> {
    decode(Role::Server, &[bytes], LIMIT)
}

fn text(text: &str) -> Item {
    Item::Message(Message::text(text))
}

fn binary(data: &[u8]) -> Item {
    Item::Message(Message::binary(data.to_vec()))
}

/// One of everything: sizes around each length form, fragments with control frames between, a close.
fn everything() -> (Vec<u8>, Vec<Item>) {
    let long: Vec<u8> = (0..300_u32).map(|at| at as u8).collect();
    let bytes = [
        masked(0x81, "привет".as_bytes()),
        masked(0x82, b""),
        masked(0x89, b"ping"),
        masked(0x82, &long),
        masked(0x01, &"мир".as_bytes()[..1]),
        masked(0x8a, b""),
        masked(0x00, b""),
        masked(0x00, &"мир".as_bytes()[1..4]),
        masked(0x89, &[7; 125]),
        masked(0x80, &"мир".as_bytes()[4..]),
        masked(0x81, b""),
        masked(0x02, &long[..200]),
        masked(0x80, &long[200..]),
        masked(0x88, b"\x03\xe8bye"),
    ]
    .concat();
    let items = vec![
        text("привет"),
        binary(b""),
        Item::Ping(Bytes::from_static(b"ping")),
        binary(&long),
        Item::Pong(Bytes::new()),
        Item::Ping(Bytes::from_static(&[7; 125])),
        text("мир"),
        text(""),
        binary(&long),
        Item::Close(PeerClose { code: Some(1000), reason: "bye".to_owned() }),
    ];
    (bytes, items)
}

#[test]
fn input_cut_anywhere_gives_the_same_items() {
    let (bytes, items) = everything();
    assert_eq!(server(&bytes).unwrap(), items);
    for cut in 0..=bytes.len() {
        let (front, back) = bytes.split_at(cut);
        assert_eq!(decode(Role::Server, &[front, back], LIMIT).unwrap(), items, "cut at {cut}");
    }
    for size in 1..30 {
        let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
        assert_eq!(decode(Role::Server, &pieces, LIMIT).unwrap(), items, "pieces of {size}");
    }
}

#[test]
fn a_long_frame_survives_any_pieces() {
    let data: Vec<u8> = (0..200_000_u32).map(|at| (at * 7) as u8).collect();
    let bytes = [masked(0x82, &data), masked(0x02, &data[..70_001]), masked(0x80, &data[70_001..])].concat();
    for size in [1_000, 4_093, 65_536, 199_999, 1 << 20] {
        let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
        assert_eq!(decode(Role::Server, &pieces, LIMIT).unwrap(), [binary(&data), binary(&data)]);
    }
}

#[test]
fn what_out_frame_writes_is_read_back() {
    let mut keys = MaskKeys::new();
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, 100_000] {
        let payload = Bytes::from(vec![b'x'; length]);
        for role in [Role::Client, Role::Server] {
            let mask = (role == Role::Server).then(|| keys.next());
            let mut wire = Vec::new();
            for kind in [FrameKind::Text, FrameKind::Binary] {
                OutFrame::new(kind, payload.clone(), mask).encode(0, usize::MAX, &mut wire);
            }
            let expected = [
                Item::Message(Message::received(MessageKind::Text, payload.clone())),
                Item::Message(Message::received(MessageKind::Binary, payload.clone())),
            ];
            assert_eq!(decode(role, &[&wire], LIMIT).unwrap(), expected);
        }
    }
}

#[test]
fn each_violation_has_its_code_however_it_is_cut() {
    let too_long = |length: u64| [&[0x82, 0xff][..], &length.to_be_bytes(), &MASK].concat();
    for (bytes, code, id) in [
        (frame(0x81, b"x", None), 1002, Id::FrameUnmasked),
        (masked(0xc1, b"x"), 1002, Id::FrameReservedBits),
        (masked(0xa1, b"x"), 1002, Id::FrameReservedBits),
        (masked(0x91, b"x"), 1002, Id::FrameReservedBits),
        (masked(0xc9, b"x"), 1002, Id::FrameReservedBits),
        (masked(0x83, b""), 1002, Id::FrameOpcode),
        (masked(0x87, b""), 1002, Id::FrameOpcode),
        (masked(0x8b, b""), 1002, Id::FrameOpcode),
        (masked(0x8f, b""), 1002, Id::FrameOpcode),
        (masked(0x09, b""), 1002, Id::FrameControlFragmented),
        (masked(0x08, b""), 1002, Id::FrameControlFragmented),
        (masked(0x89, &[0; 126]), 1002, Id::FrameControlLong),
        (masked(0x80, b"x"), 1002, Id::FrameContinuation),
        ([masked(0x81, b"x"), masked(0x80, b"x")].concat(), 1002, Id::FrameContinuation),
        ([masked(0x01, b""), masked(0x81, b"x")].concat(), 1002, Id::FrameInterrupted),
        ([masked(0x01, b"x"), masked(0x02, b"x")].concat(), 1002, Id::FrameInterrupted),
        ([&[0x82, 0xfe, 0, 125][..], &MASK, &[0; 125]].concat(), 1002, Id::FrameLength),
        (too_long(65_535), 1002, Id::FrameLength),
        (too_long(1 << 63), 1002, Id::FrameLength),
        (too_long(u64::MAX), 1002, Id::FrameLength),
        (too_long(i64::MAX as u64), 1009, Id::MessageTooBig),
        (too_long(LIMIT as u64 + 1), 1009, Id::MessageTooBig),
        ([masked(0x02, &[0; 100]), too_long(LIMIT as u64 - 99)].concat(), 1002, Id::FrameInterrupted),
        (masked(0x81, b"ok\xff"), 1007, Id::TextUtf8),
        (masked(0x81, b"ok\xc3"), 1007, Id::TextUtf8),
        ([masked(0x01, b"ok\xc3"), masked(0x80, b"")].concat(), 1007, Id::TextUtf8),
        ([masked(0x01, b"ok\xc3"), masked(0x80, b"x")].concat(), 1007, Id::TextUtf8),
        (masked(0x88, b"x"), 1002, Id::CloseFrameBody),
        (masked(0x88, &1005_u16.to_be_bytes()), 1002, Id::CloseFrameCode),
        (masked(0x88, &5000_u16.to_be_bytes()), 1002, Id::CloseFrameCode),
        (masked(0x88, b"\x03\xe8\xff"), 1007, Id::CloseFrameUtf8),
    ] {
        assert_eq!(server(&bytes), Err((code, id)), "{bytes:x?}");
        let pieces: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(decode(Role::Server, &pieces, LIMIT), Err((code, id)), "{bytes:x?}");
    }
    assert_eq!(decode(Role::Client, &[&masked(0x81, b"x")], LIMIT), Err((1002, Id::FrameMasked)));
}

#[test]
fn faults_show_before_the_head_is_complete() {
    assert_eq!(server(&[0xc1, 0x80]), Err((1002, Id::FrameReservedBits)));
    assert_eq!(server(&[0x81, 0x00]), Err((1002, Id::FrameUnmasked)));
    assert_eq!(server(&[0x00, 0xff]), Err((1002, Id::FrameContinuation)));
    // Invalid text fails before the message, and even the character, has ended.
    let whole = masked(0x81, b"abc\xf5xxxxxxxx");
    assert_eq!(server(&whole[..10]), Err((1007, Id::TextUtf8)));
    let whole = masked(0x01, b"abc\xed\xa0");
    assert_eq!(server(&whole), Err((1007, Id::TextUtf8)));
}

#[test]
fn the_limit_is_that_of_the_whole_message() {
    assert_eq!(decode(Role::Server, &[&masked(0x82, &[1; 10])], 10).unwrap(), [binary(&[1; 10])]);
    assert_eq!(decode(Role::Server, &[&masked(0x82, &[1; 11])], 10), Err((1009, Id::MessageTooBig)));
    let fragments = [masked(0x02, &[1; 6]), masked(0x00, &[1; 4]), masked(0x89, &[0; 100]), masked(0x80, b"")].concat();
    let ping = Item::Ping(Bytes::from_static(&[0; 100]));
    assert_eq!(decode(Role::Server, &[&fragments], 10).unwrap(), [ping, binary(&[1; 10])]);
    assert_eq!(decode(Role::Server, &[&fragments], 9), Err((1009, Id::MessageTooBig)));
    // Only the heads were there.
    let head = &masked(0x00, &[1; 5])[..6];
    assert_eq!(decode(Role::Server, &[&masked(0x02, &[1; 6]), head], 10), Err((1009, Id::MessageTooBig)));
}

#[test]
fn utf8_is_found_good_or_bad_wherever_it_is_cut() {
    let good =
        ["\0", "\u{7f}", "\u{80}", "\u{7ff}", "\u{800}", "\u{d7ff}", "\u{e000}", "\u{ffff}", "\u{10000}", "\u{10ffff}"];
    let bad: [&[u8]; 14] = [
        b"\x80",
        b"\xbf",
        b"\xc0\x80",
        b"\xc1\xbf",
        b"\xc3(",
        b"\xe0\x80\x80",
        b"\xe0\x9f\xbf",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xe2\x82(",
        b"\xf0\x8f\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xff",
    ];
    let check = |sequence: &[u8], good: bool| {
        let all = [b"a\xd1\x8f", sequence, b"\xf0\x9f\x8d\x8fz"].concat();
        for first in 0..=all.len() {
            for second in first..=all.len() {
                let fragments = [
                    masked(0x01, &all[..first]),
                    masked(0x00, &all[first..second]),
                    masked(0x89, b"!"),
                    masked(0x80, &all[second..]),
                ]
                .concat();
                let whole = masked(0x81, &all);
                let pieces = [&whole[..6 + first], &whole[6 + first..6 + second], &whole[6 + second..]];
                match good {
                    true => {
                        let expected = text(std::str::from_utf8(&all).unwrap());
                        assert_eq!(server(&fragments).unwrap().pop(), Some(expected.clone()));
                        assert_eq!(decode(Role::Server, &pieces, LIMIT).unwrap(), [expected]);
                    }
                    false => {
                        assert_eq!(server(&fragments), Err((1007, Id::TextUtf8)), "{sequence:x?}");
                        assert_eq!(decode(Role::Server, &pieces, LIMIT), Err((1007, Id::TextUtf8)), "{sequence:x?}");
                    }
                }
            }
        }
    };
    good.iter().for_each(|sequence| check(sequence.as_bytes(), true));
    bad.iter().for_each(|sequence| check(sequence, false));
}

#[test]
fn memory_follows_what_came_and_not_what_was_declared() {
    let (mut decoder, mut items) = (Decoder::new(Role::Server), Vec::new());
    let declared = 1_usize << 40;
    let head = [&[0x82, 0xff][..], &(declared as u64).to_be_bytes(), &MASK].concat();
    feed(&mut decoder, &head, usize::MAX, &mut items).unwrap();
    assert_eq!(decoder.assembling(), 0);
    assert_eq!(decoder.reserved(), 0);
    for round in 1..=300 {
        feed(&mut decoder, &[0; 1000], usize::MAX, &mut items).unwrap();
        assert_eq!(decoder.assembling(), round * 1000);
        assert!(decoder.reserved() <= (2 * decoder.assembling()).max(decoder.assembling() + 66 * 1024));
    }
    assert!(items.is_empty());
}

#[test]
fn an_idle_decoder_is_small_and_owns_nothing() {
    assert!(size_of::<Decoder>() <= 168, "{}", size_of::<Decoder>());
    let (mut decoder, mut items) = (Decoder::new(Role::Server), Vec::new());
    let (bytes, _) = everything();
    // All but the close.
    for piece in bytes[..bytes.len() - 11].chunks(3) {
        feed(&mut decoder, piece, LIMIT, &mut items).unwrap();
    }
    assert_eq!((decoder.assembling(), decoder.reserved()), (0, 0));
    feed(&mut decoder, &bytes[bytes.len() - 11..], LIMIT, &mut items).unwrap();
    assert_eq!((decoder.assembling(), decoder.reserved()), (0, 0));
}

#[test]
fn nothing_follows_a_close() {
    let bytes = [masked(0x02, b"half"), masked(0x88, b""), masked(0x80, b"late"), vec![0xff; 100]].concat();
    let close = Item::Close(PeerClose { code: None, reason: String::new() });
    assert_eq!(server(&bytes).unwrap(), [close]);
}
