//! Fragmentation.

use crate::wire::*;

#[test]
fn control_frames_are_not_fragmented() {
    for echo in BOTH {
        for kind in [PING, PONG, CLOSE] {
            let mut wire = Wire::new(echo);
            wire.say(kind, b"fragment1");
            wire.say(FIN | CONTINUE, b"fragment2");
            wire.closes(1002);
        }
    }
}

#[test]
fn fragments_are_put_together_however_they_come() {
    for echo in BOTH {
        let mut wire = Wire::new(echo);
        for kind in [TEXT, BINARY] {
            for octets in [false, true] {
                for pings in [0, 1] {
                    let mut bytes = wire.frame(kind, b"fragment1");
                    for _ in 0..pings {
                        bytes.extend(wire.frame(FIN | PING, b"ping payload"));
                    }
                    bytes.extend(wire.frame(FIN | CONTINUE, b"fragment2"));
                    if octets {
                        wire.octets(&bytes)
                    } else {
                        wire.write(&bytes)
                    }
                    for _ in 0..pings {
                        wire.hears(FIN | PONG, b"ping payload");
                    }
                    wire.hears(FIN | kind, b"fragment1fragment2");
                }
            }
        }
        // Five of them, with pings behind the second and the fourth.
        for (first, payload) in [
            (TEXT, &b"fragment1"[..]),
            (CONTINUE, b"fragment2"),
            (FIN | PING, b"pongme 1!"),
            (CONTINUE, b"fragment3"),
            (CONTINUE, b"fragment4"),
            (FIN | PING, b"pongme 2!"),
            (FIN | CONTINUE, b"fragment5"),
        ] {
            wire.say(first, payload);
        }
        wire.hears(FIN | PONG, b"pongme 1!");
        wire.hears(FIN | PONG, b"pongme 2!");
        wire.hears(FIN | TEXT, b"fragment1fragment2fragment3fragment4fragment5");
        wire.ends();
    }
}

#[test]
fn an_answer_to_a_ping_does_not_wait_for_the_message() {
    for echo in BOTH {
        let mut wire = Wire::new(echo);
        wire.say(TEXT, b"fragment1");
        wire.say(FIN | PING, b"now");
        wire.hears(FIN | PONG, b"now");
        wire.say(FIN | CONTINUE, b"");
        wire.hears(FIN | TEXT, b"fragment1");
        wire.ends();
    }
}

#[test]
fn there_must_be_something_to_continue() {
    for echo in BOTH {
        for first in [FIN | CONTINUE, CONTINUE] {
            for octets in [false, true] {
                let mut wire = Wire::new(echo);
                let bytes =
                    [wire.frame(first, b"non-continuation payload"), wire.frame(FIN | TEXT, b"Hello, world!")].concat();
                if octets {
                    wire.octets(&bytes)
                } else {
                    wire.write(&bytes)
                }
                wire.closes(1002);
            }
            // After a whole message, and after a fragmented one.
            let mut wire = Wire::new(echo);
            wire.say(TEXT, b"a");
            wire.say(FIN | CONTINUE, b"b");
            wire.hears(FIN | TEXT, b"ab");
            wire.say(first, b"c");
            wire.closes(1002);
        }
    }
}

#[test]
fn a_message_does_not_begin_inside_another() {
    for echo in BOTH {
        for first in [FIN | TEXT, TEXT, FIN | BINARY, BINARY] {
            let mut wire = Wire::new(echo);
            wire.say(TEXT, b"fragment1");
            wire.say(first, b"fragment2");
            wire.closes(1002);
        }
    }
}
