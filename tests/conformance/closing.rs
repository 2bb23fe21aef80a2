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

#[test]
fn what_came_before_a_violation_is_answered_first() {
    for echo in BOTH {
        for (bad, code) in [(FIN | 0x20 | TEXT, 1002), (FIN | CONTINUE, 1002), (FIN | 3, 1002), (FIN | TEXT, 1007)] {
            let mut wire = Wire::new(echo);
            let mut bytes: Vec<u8> = (0..20_u8).flat_map(|at| wire.frame(FIN | BINARY, &[at; 300])).collect();
            bytes.extend(wire.frame(FIN | PING, b"?"));
            bytes.extend(wire.frame(bad, b"\xff"));
            wire.write(&bytes);
            // The answer to a ping comes when it likes.
            let mut pongs = 0;
            let mut at = 0_u8;
            while at < 20 || pongs == 0 {
                match wire.frame_back() {
                    (first, payload) if first == FIN | PONG => {
                        assert_eq!(payload, b"?");
                        pongs += 1;
                    }
                    (first, payload) => {
                        assert_eq!((first, payload), (FIN | BINARY, vec![at; 300]), "{echo:?}");
                        at += 1;
                    }
                }
            }
            wire.closes(code);
        }
    }
}

#[test]
fn a_host_that_takes_nothing_does_not_keep_a_violator() {
    use crate::face::{Got, Server};
    use crate::raw;
    use std::io::Write;
    let server = Server::running();
    let mut peer = raw::client(server.port());
    let bytes = [raw::frame(FIN | TEXT, true, b"before"), raw::frame(FIN | 0x40 | TEXT, true, b"")].concat();
    peer.write_all(&bytes).unwrap();
    assert_eq!(raw::read_close(&mut peer).map(|close| close.0), Some(1002));
    server.opened();
    assert_eq!(server.event().text(), "before", "what was received is the host's");
    assert_eq!(server.event().close().0, 1002);
    // With CloseTimeout 0 it does not wait at all: neither the host's answer, nor for the peer.
    server.close_timeout(0);
    let mut peer = raw::client(server.port());
    server.opened();
    peer.write_all(&bytes).unwrap();
    assert_eq!(server.event().text(), "before");
    assert_eq!(server.event().close().0, 1002);
    server.close_timeout(3000);
    // A host that asks again and again without waiting has dealt with a message when it asks for the next.
    let mut peer = raw::client(server.port());
    let id = server.opened();
    peer.write_all(&bytes).unwrap();
    loop {
        match server.receive(-1).unwrap() {
            Got::Event(event) => assert!(server.send(id, event.text()).unwrap()),
            Got::Timeout if server.connection_count() > 0 => std::thread::yield_now(),
            _ => break,
        }
    }
    assert_eq!(raw::read_frame(&mut peer), Some((FIN | TEXT, b"before".to_vec())));
    assert_eq!(raw::read_close(&mut peer).map(|close| close.0), Some(1002));
}

#[test]
fn a_violation_with_nothing_to_answer_is_told_at_once() {
    use std::time::{Duration, Instant};
    for echo in BOTH {
        let mut times: Vec<Duration> = (0..9)
            .map(|_| {
                let mut wire = Wire::new(echo);
                // Answered long ago.
                wire.say(FIN | TEXT, b"before");
                wire.hears(FIN | TEXT, b"before");
                let start = Instant::now();
                wire.say(FIN | CONTINUE, b"");
                assert_eq!(wire.frame_back().0, FIN | CLOSE);
                start.elapsed()
            })
            .collect();
        times.sort();
        assert!(times[4] < Duration::from_millis(300), "{echo:?}: {times:?}");
    }
}
