//! Frames that no client may send, one connection after the other.

use crate::alone;
use crate::bystander::beside;
use crate::face::*;
use crate::raw::{self, BINARY, CLOSE, CONTINUE, FIN, PING, TEXT};
use std::io::Write;

/// Shakes hands, sends the bytes and reads on to the close frame, again and again; how often.
fn sent_again_and_again(what: &str, list: &[(&str, Vec<u8>, u16)]) {
    let _alone = alone();
    let server = Server::running();
    let count = beside(what, &server, |going| {
        let mut count = 0;
        while going.on() {
            for (name, bytes, code) in list {
                let mut stream = raw::client(server.port());
                stream.write_all(bytes).unwrap();
                assert_eq!(raw::read_close(&mut stream).map(|(code, _)| code), Some(*code), "{name}");
                count += 1;
            }
        }
        count
    });
    println!("{what}: {count} times");
    assert!(count >= list.len());
    until("the offenders have gone", || server.connection_count() == 0);
    let closes = server.statistics()["closes"].clone();
    let closed: i64 = list
        .iter()
        .map(|(.., code)| *code)
        .collect::<std::collections::BTreeSet<_>>()
        .iter()
        .map(|code| closes[code.to_string()].as_i64().unwrap_or(0))
        .sum();
    assert_eq!(closed, i64::try_from(count).unwrap(), "{closes}");
}

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    raw::frame(first, true, payload)
}

#[test]
fn text_that_is_not_utf8() {
    let list = [
        ("a bad byte", masked(FIN | TEXT, &[b'a', 0xff]), 1007),
        ("a bad byte at the end of much", masked(FIN | TEXT, &[&[b'a'; 100_000][..], &[0xff]].concat()), 1007),
        ("a surrogate", masked(FIN | TEXT, &[0xed, 0xa0, 0x80]), 1007),
        ("a cut character", [masked(TEXT, &[0xd0]), masked(FIN | CONTINUE, b"")].concat(), 1007),
        ("a bad reason", masked(FIN | CLOSE, &[3, 232, 0xff]), 1007),
    ];
    sent_again_and_again("text that is not UTF-8", &list);
}

#[test]
fn unmasked_frames() {
    let list = [
        ("text", raw::frame(FIN | TEXT, false, b"x"), 1002),
        ("much", raw::frame(FIN | BINARY, false, &[1; 100_000]), 1002),
        ("a ping", raw::frame(FIN | PING, false, b"x"), 1002),
        ("a close", raw::frame(FIN | CLOSE, false, &[3, 232]), 1002),
    ];
    sent_again_and_again("unmasked frames", &list);
}

#[test]
fn reserved_bits_and_opcodes() {
    let mut list: Vec<_> =
        [0x40, 0x20, 0x10, 0x70].map(|bit| ("a reserved bit", masked(FIN | bit | TEXT, b"x"), 1002)).into();
    list.extend((3..8).chain(11..16).map(|opcode| ("a reserved opcode", masked(FIN | opcode, b"x"), 1002)));
    sent_again_and_again("reserved bits and opcodes", &list);
}

#[test]
fn closes_with_a_bad_code() {
    let close = |code: u16| ("a bad code", masked(FIN | CLOSE, &raw::close_body(code, "")), 1002);
    let mut list: Vec<_> = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535].map(close).into();
    list.push(("one byte", masked(FIN | CLOSE, &[3]), 1002));
    sent_again_and_again("closes with a bad code", &list);
}
