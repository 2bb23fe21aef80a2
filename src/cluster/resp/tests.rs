//! Against the crate `redis-protocol`, which reads whole frames, and against what nobody may send.

use super::*;
use redis_protocol::resp2::decode::decode;
use redis_protocol::resp2::types::OwnedFrame;

/// A generator of numbers, the same from run to run.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or_default() % most
    }
}

/// What one reply is, and its bytes at the end of `out`.
fn reply(random: &mut Random, depth: usize, out: &mut Vec<u8>) -> Value {
    let text = |random: &mut Random| (0..random.below(20)).map(|_| b'a' + random.below(26) as u8).collect::<Vec<_>>();
    match random.below(if depth < 4 { 7 } else { 5 }) {
        0 => {
            let text = text(random);
            out.extend([b"+", text.as_slice(), b"\r\n"].concat());
            Value::Simple(text)
        }
        1 => {
            let text = text(random);
            out.extend([b"-ERR ", text.as_slice(), b"\r\n"].concat());
            Value::Error([b"ERR ", text.as_slice()].concat())
        }
        2 => {
            let number = (random.0 as i64) >> random.below(60);
            out.extend(format!(":{number}\r\n").bytes());
            Value::Integer(number)
        }
        3 => {
            out.extend_from_slice([b"$-1\r\n", b"*-1\r\n"][random.below(2)]);
            Value::Nil
        }
        4 => {
            let bytes: Vec<_> = (0..random.below(300)).map(|_| [b'\r', b'\n', b'$', 0, 255][random.below(5)]).collect();
            out.extend(format!("${}\r\n", bytes.len()).bytes());
            out.extend([bytes.as_slice(), b"\r\n"].concat());
            Value::Bulk(bytes)
        }
        _ => {
            let count = random.below(5);
            out.extend(format!("*{count}\r\n").bytes());
            Value::Array((0..count).map(|_| reply(random, depth + 1, out)).collect())
        }
    }
}

/// As the crate has it.
fn theirs(frame: OwnedFrame) -> Value {
    match frame {
        OwnedFrame::SimpleString(bytes) => Value::Simple(bytes),
        OwnedFrame::Error(text) => Value::Error(text.into_bytes()),
        OwnedFrame::Integer(number) => Value::Integer(number),
        OwnedFrame::BulkString(bytes) => Value::Bulk(bytes),
        OwnedFrame::Array(items) => Value::Array(items.into_iter().map(theirs).collect()),
        OwnedFrame::Null => Value::Nil,
    }
}

/// All replies of `bytes`, which come in pieces of up to `most`.
fn read(decoder: &mut Decoder, random: &mut Random, bytes: &[u8], most: usize) -> Result<Vec<Value>, Fault> {
    let (mut rest, mut all) = (bytes, Vec::new());
    while !rest.is_empty() {
        let (mut piece, later) = rest.split_at((1 + random.below(most)).min(rest.len()));
        rest = later;
        while let Some(value) = decoder.read(&mut piece)? {
            all.push(value);
        }
        assert!(piece.is_empty(), "all was taken");
    }
    Ok(all)
}

#[test]
fn replies_cut_anywhere_read_as_another_reader_has_them() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for round in 0..2000 {
        let mut bytes = Vec::new();
        let sent: Vec<_> = (0..1 + random.below(4)).map(|_| reply(&mut random, 0, &mut bytes)).collect();
        let (mut rest, mut other) = (bytes.as_slice(), Vec::new());
        while let Some((frame, size)) = decode(rest).expect("it is well-formed") {
            other.push(theirs(frame));
            rest = &rest[size..];
        }
        assert_eq!(other, sent, "the crate, round {round}");
        let most = [1, 7, bytes.len()][round % 3];
        let read = read(&mut Decoder::default(), &mut random, &bytes, most);
        assert_eq!(read, Ok(sent), "round {round}");
    }
}

/// What is no RESP2 for one is none for the other, and nothing else is read into what was spoilt.
#[test]
fn spoilt_replies_are_never_read_differently() {
    let (mut random, mut compared, mut refused) = (Random(88_172_645_463_325_252), 0, 0);
    for _ in 0..5000 {
        let mut bytes = Vec::new();
        reply(&mut random, 0, &mut bytes);
        let at = random.below(bytes.len());
        bytes[at] = b"\r\n$*:+-09a"[random.below(10)];
        let ours = Decoder::default().read(&mut bytes.as_slice());
        match (decode(&bytes), ours) {
            (Ok(Some((frame, _))), Ok(Some(value))) => {
                assert_eq!(value, theirs(frame), "{:?}", String::from_utf8_lossy(&bytes));
                compared += 1;
            }
            (Ok(None), Ok(Some(value))) => panic!("{value:?} of {:?}", String::from_utf8_lossy(&bytes)),
            (_, Err(_)) => refused += 1,
            _ => {}
        }
    }
    assert!(compared > 500 && refused > 500, "{compared} {refused}");
}

#[test]
fn commands_are_read_by_the_broker_as_they_were_meant() {
    let mut out = b"before".to_vec();
    command(&mut out, &[b"SET", b"", &[b'x'; 1234]]).unwrap();
    let value = Decoder::default().read(&mut &out[6..]).unwrap();
    assert_eq!(
        value,
        Some(Value::Array(vec![Value::Bulk(b"SET".into()), Value::Bulk(Vec::new()), Value::Bulk(vec![b'x'; 1234])]))
    );
}

#[test]
fn whatever_is_sent_is_bounded() {
    let bounds = Bounds { depth: 3, line: 10, bulk: 100, array: 5, reply: 400 };
    let size = size_of::<Value>();
    assert!(5 * size < 400 && 3 * (100 + size) < 400 && 4 * (100 + size) > 400, "the cases below fit the size {size}");
    let bulk = format!("$100\r\n{}\r\n", "x".repeat(100));
    for (text, fault) in [
        ("*1\r\n*1\r\n*1\r\n:1\r\n", None),
        ("*1\r\n*1\r\n*1\r\n*1\r\n", Some(Fault::TooBig)),
        ("+1234567890\r\n", Some(Fault::TooBig)),
        ("+123456789\r\n", None),
        // Without an end.
        ("-12345678901", None),
        ("-123456789012", Some(Fault::TooBig)),
        ("*5\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n", None),
        ("*6\r\n", Some(Fault::TooBig)),
        ("$100\r\n", None),
        ("$101\r\n", Some(Fault::TooBig)),
        ("$9223372036854775807\r\n", Some(Fault::TooBig)),
        ("*99999999\r\n", Some(Fault::TooBig)),
        ("$-2\r\n", Some(Fault::Malformed)),
        ("*-2\r\n", Some(Fault::Malformed)),
        (":\r\n", Some(Fault::Malformed)),
        (":1x\r\n", Some(Fault::Malformed)),
        ("+a\n", Some(Fault::Malformed)),
        ("+a\rb\r\n", Some(Fault::Malformed)),
        ("\r\n", Some(Fault::Malformed)),
        ("HTTP/1.1 400", Some(Fault::Malformed)),
        ("$2\r\nabcd", Some(Fault::Malformed)),
        (&format!("*3\r\n{bulk}{bulk}{bulk}"), None),
        (&format!("*4\r\n{bulk}{bulk}{bulk}{bulk}"), Some(Fault::TooBig)),
    ] {
        let mut decoder = Decoder::new(bounds);
        let mut random = Random(7);
        let read = read(&mut decoder, &mut random, text.as_bytes(), 3);
        assert_eq!(read.as_ref().err(), fault.as_ref(), "{text:?}: {read:?}");
        if let Some(fault) = fault {
            assert_eq!(decoder.read(&mut b":1\r\n".as_slice()), Err(fault), "it stays so: {text:?}");
        }
    }
}

/// A length alone takes no memory.
#[test]
fn what_is_announced_takes_no_room() {
    let mut decoder = Decoder::default();
    for _ in 0..7 {
        assert_eq!(decoder.read(&mut b"*1048576\r\n".as_slice()), Ok(None));
    }
    assert_eq!(decoder.read(&mut b"$67108864\r\nx".as_slice()), Ok(None));
    assert!(decoder.room() < 1 << 16, "{}", decoder.room());
}
