//! What expands to a large message does so in slices.

use super::damage::Prng;
use crate::ws::deflate::{DeflatePool, Deflater, Direction, InflatePool, Packing, Slice};
use crate::ws::{Decoder, FrameKind, Item, Message, OutFrame, Role};

const LIMIT: usize = 16 << 20;
/// No more comes out between two pauses: a slice, what one step of the inflater makes, and a repetition of that.
const MOST: usize = 256 * 1024;

fn packed(message: &Message) -> Vec<u8> {
    let (direction, mut pool) = (Direction { takeover: false, bits: 15 }, DeflatePool::new());
    let (mut deflater, mut packing) = (Deflater::new(direction), Packing::default());
    let Slice::Done(Some(packed)) = deflater.pack(&mut packing, message, &mut pool, || true) else { panic!() };
    packed.to_vec()
}

#[test]
fn it_pauses_and_goes_on_where_it_was() {
    let mut prng = Prng(0x1357_9bdf_0246_8ace);
    let large = Message::text(&"пять ".repeat(900_000));
    let mask = Some([0x37, 0xfa, 0x21, 0x3d]);
    let mut wire = Vec::new();
    for payload in [packed(&large), packed(&large)] {
        OutFrame::compressed(FrameKind::Text, payload.into(), large.data().clone(), mask).encode(
            0,
            usize::MAX,
            &mut wire,
        );
        OutFrame::new(FrameKind::Text, "behind".into(), mask).encode(0, usize::MAX, &mut wire);
    }
    // In one piece, and cut anywhere.
    for pieces in [vec![&wire[..]], prng.cut(&wire)] {
        let (mut decoder, mut pool, mut got, mut pauses) =
            (Decoder::new(Role::Server), InflatePool::new(), Vec::new(), 0);
        decoder.inflate(Direction { takeover: false, bits: 15 });
        for piece in pieces {
            let (mut buf, mut at) = (piece.to_vec(), 0);
            while at < buf.len() {
                let before = decoder.assembling();
                match decoder.next_other(&mut buf, &mut at, LIMIT, &mut pool).unwrap() {
                    Some(Item::Message(message)) => got.push(message),
                    Some(Item::InPlace(kind, place)) => got.push(Message::received(kind, buf[place].to_vec().into())),
                    Some(other) => panic!("{other:?}"),
                    None => pauses += usize::from(at < buf.len()),
                }
                let after = decoder.assembling();
                assert!(after.saturating_sub(before) <= MOST, "from {before} to {after}");
                // The rest is kept as it is, wherever the caller puts it.
                buf.drain(..at);
                at = 0;
            }
        }
        assert!(pauses >= 2 * large.data().len() / MOST, "{pauses}");
        let small = Message::text("behind");
        assert!(got == [large.clone(), small.clone(), large.clone(), small]);
    }
}
