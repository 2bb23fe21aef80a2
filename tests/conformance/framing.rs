//! Frames, pings, reserved bits and opcodes.

use crate::wire::*;

#[test]
fn payloads_of_every_form_of_length_come_back() {
    for echo in BOTH {
        for first in [FIN | TEXT, FIN | BINARY] {
            let mut wire = Wire::new(echo);
            for length in [0, 1, 125, 126, 127, 128, 65535, 65536] {
                let payload = vec![if first == FIN | TEXT { b'*' } else { 0xfe }; length];
                wire.say(first, &payload);
                wire.hears(first, &payload);
            }
            // In chops of 997 octets.
            let payload = vec![b'*'; 65536];
            for chop in wire.frame(first, &payload).chunks(997) {
                wire.write(chop);
            }
            wire.hears(first, &payload);
            wire.ends();
        }
    }
}

#[test]
fn pings_are_answered_with_what_they_hold() {
    for echo in BOTH {
        let mut wire = Wire::new(echo);
        for payload in [&b""[..], b"Hello, world!", &[0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff], &[0xfe; 125]] {
            wire.say(FIN | PING, payload);
            wire.hears(FIN | PONG, payload);
            let octets = wire.frame(FIN | PING, payload);
            wire.octets(&octets);
            wire.hears(FIN | PONG, payload);
        }
        for at in 0..10 {
            wire.say(FIN | PING, format!("payload-{at}").as_bytes());
        }
        for at in 0..10 {
            wire.hears(FIN | PONG, format!("payload-{at}").as_bytes());
        }
        wire.ends();
    }
}

#[test]
fn pongs_that_nobody_asked_for_are_ignored() {
    for echo in BOTH {
        let mut wire = Wire::new(echo);
        wire.say(FIN | PONG, b"");
        wire.say(FIN | PONG, b"unsolicited pong payload");
        wire.say(FIN | PING, b"ping payload");
        wire.hears(FIN | PONG, b"ping payload");
        wire.ends();
    }
}

#[test]
fn a_control_frame_holds_125_bytes() {
    for echo in BOTH {
        for kind in [PING, PONG, CLOSE] {
            for length in [126, 127, 65536] {
                let mut wire = Wire::new(echo);
                wire.say(FIN | kind, &vec![0xfe; length]);
                wire.closes(1002);
            }
        }
    }
}

#[test]
fn reserved_bits_fail_whatever_frame_has_them() {
    for echo in BOTH {
        for bits in 1..8_u8 {
            for kind in [TEXT, BINARY, PING, PONG, CLOSE] {
                let mut wire = Wire::new(echo);
                // What came before is answered, how ever soon the bad frame follows.
                let bad = wire.frame(FIN | bits << 4 | kind, b"");
                let frames = [wire.frame(FIN | TEXT, b"before"), bad, wire.frame(FIN | PING, b"after")].concat();
                match bits {
                    4 => wire.octets(&frames),
                    _ => wire.write(&frames),
                }
                wire.hears(FIN | TEXT, b"before");
                wire.closes(1002);
            }
        }
    }
}

#[test]
fn reserved_opcodes_fail() {
    for echo in BOTH {
        for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15_u8] {
            for payload in [&b""[..], b"reserved opcode payload"] {
                let mut wire = Wire::new(echo);
                wire.say(FIN | TEXT, b"Hello");
                wire.say(FIN | opcode, payload);
                wire.say(FIN | PING, b"");
                wire.hears(FIN | TEXT, b"Hello");
                wire.closes(1002);
            }
        }
    }
}
