//! Closing.

use crate::raw::close_body;
use crate::wire::*;

#[test]
fn the_code_comes_back() {
    for echo in BOTH {
        for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
            let mut wire = Wire::new(echo);
            wire.say(FIN | CLOSE, &close_body(code, ""));
            wire.closes(code);
        }
        let mut wire = Wire::new(echo);
        wire.say(FIN | CLOSE, &[]);
        wire.closes(1005);
    }
}

#[test]
fn a_reason_is_utf_8_of_up_to_123_bytes() {
    for echo in BOTH {
        for reason in ["Hello World!", &"*".repeat(123), "Привет", &"€".repeat(41)] {
            let mut wire = Wire::new(echo);
            wire.say(FIN | CLOSE, &close_body(1000, reason));
            wire.closes(1000);
        }
        let mut wire = Wire::new(echo);
        wire.say(FIN | CLOSE, &close_body(1000, &"*".repeat(124)));
        wire.closes(1002);
        for reason in [&b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"[..], b"\xc0\xaf", b"cut \xd0"]
        {
            let mut wire = Wire::new(echo);
            wire.say(FIN | CLOSE, &[&[3, 232], reason].concat());
            wire.closes(1007);
        }
    }
}

#[test]
fn codes_that_must_not_travel_are_refused() {
    for echo in BOTH {
        for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
            let mut wire = Wire::new(echo);
            wire.say(FIN | CLOSE, &close_body(code, ""));
            wire.closes(1002);
        }
        let mut wire = Wire::new(echo);
        wire.say(FIN | CLOSE, &[3]);
        wire.closes(1002);
    }
}

#[test]
fn what_follows_a_close_is_ignored() {
    for echo in BOTH {
        for (first, payload) in [
            (FIN | CLOSE, close_body(1001, "again")),
            (FIN | PING, b"?".to_vec()),
            (FIN | TEXT, b"Hello World!".to_vec()),
            (FIN | TEXT, vec![0xff]),
            (FIN | 0x70 | 15, vec![0]),
        ] {
            let mut wire = Wire::new(echo);
            let close = wire.frame(FIN | CLOSE, &close_body(1000, ""));
            wire.write(&[close, wire.frame(first, &payload)].concat());
            wire.closes(1000);
        }
    }
}

#[test]
fn a_close_inside_a_message_ends_it() {
    for echo in BOTH {
        let mut wire = Wire::new(echo);
        wire.say(TEXT, b"fragment1");
        wire.say(FIN | CLOSE, &close_body(1000, ""));
        wire.say(FIN | CONTINUE, b"fragment2");
        wire.closes(1000);
    }
}

#[test]
fn messages_before_a_close_are_answered_first() {
    for echo in BOTH {
        let mut wire = Wire::new(echo);
        wire.say(FIN | TEXT, b"Hello World!");
        wire.hears(FIN | TEXT, b"Hello World!");
        wire.ends();
        // A large one that waits must not hold up the close, and neither come in pieces.
        let mut wire = Wire::new(echo);
        let large = vec![b'B'; 256 << 10];
        wire.say(FIN | TEXT, &large);
        wire.say(FIN | CLOSE, &close_body(1000, ""));
        loop {
            match wire.frame_back() {
                (first, payload) if first == FIN | TEXT => assert_eq!(payload, large),
                (first, payload) => {
                    assert_eq!((first, payload), (FIN | CLOSE, close_body(1000, "")));
                    break;
                }
            }
        }
    }
}
