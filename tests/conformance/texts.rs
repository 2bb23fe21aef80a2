//! UTF-8, failing at the first byte that shows it.

use crate::wire::*;

/// What is valid, among it the ends of every range and what is no character but allowed.
const VALID: [&[u8]; 24] = [
    b"",
    b"Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!",
    "κόσμε".as_bytes(),
    b"\x00",
    b"\xc2\x80",
    b"\xe0\xa0\x80",
    b"\xf0\x90\x80\x80",
    b"\x7f",
    b"\xdf\xbf",
    b"\xef\xbf\xbf",
    b"\xf4\x8f\xbf\xbf",
    b"\xed\x9f\xbf",
    b"\xee\x80\x80",
    b"\xef\xbf\xbd",
    b"\xef\xbf\xbe",
    b"\xf0\x9f\xbf\xbe",
    b"\xf0\x9f\xbf\xbf",
    b"\xf0\xaf\xbf\xbe",
    b"\xf0\xbf\xbf\xbf",
    b"\xf3\xbf\xbf\xbf",
    b"\xf4\x8f\xbf\xbe",
    b"\xef\xb7\x90",
    b"\xf0\x9f\x98\x80",
    b"\xf1\x8f\xbf\xbe",
];

/// What is not: how many bytes there are before a decoder can tell, or none if only the end tells.
const INVALID: [(&[u8], Option<usize>); 38] = [
    (b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited", Some(13)),
    // Beyond the last character.
    (b"\xf4\x90\x80\x80", Some(2)),
    (b"\xf5\x80\x80\x80", Some(1)),
    (b"\xf7\xbf\xbf\xbf", Some(1)),
    (b"\xf8\x88\x80\x80\x80", Some(1)),
    (b"\xfb\xbf\xbf\xbf\xbf", Some(1)),
    (b"\xfc\x84\x80\x80\x80\x80", Some(1)),
    (b"\xfd\xbf\xbf\xbf\xbf\xbf", Some(1)),
    // Continuations without a beginning.
    (b"\x80", Some(1)),
    (b"\xbf", Some(1)),
    (b"\x80\xbf\x80\xbf", Some(1)),
    (b"a\x80\x81\x82\xbe\xbf", Some(2)),
    // Beginnings without continuations.
    (b"\xc3 \xc4 \xdf ", Some(2)),
    (b"\xe0 \xe1 \xef ", Some(2)),
    (b"\xf0 \xf1 \xf4 ", Some(2)),
    (b"\xf8 \xf9 ", Some(1)),
    (b"\xfc \xfd ", Some(1)),
    // Cut at the end.
    (b"\xc3", None),
    (b"\xe0\xa0", None),
    (b"\xf0\x90\x80", None),
    (b"\xdf", None),
    (b"\xef\xbf", None),
    (b"\xf4\x8f\xbf", None),
    (b"\xf8\x88", Some(1)),
    // Impossible bytes.
    (b"\xfe", Some(1)),
    (b"\xff", Some(1)),
    (b"\xfe\xfe\xff\xff", Some(1)),
    // Too long a form.
    (b"\xc0\xaf", Some(1)),
    (b"\xc1\xbf", Some(1)),
    (b"\xe0\x80\xaf", Some(2)),
    (b"\xe0\x9f\xbf", Some(2)),
    (b"\xf0\x80\x80\xaf", Some(2)),
    (b"\xf0\x8f\xbf\xbf", Some(2)),
    (b"\xc0\x80", Some(1)),
    // Surrogates, alone and in pairs.
    (b"\xed\xa0\x80", Some(2)),
    (b"\xed\xbf\xbf", Some(2)),
    (b"\xed\xa0\x80\xed\xb0\x80", Some(2)),
    (b"\xed\xaf\xbf\xed\xbf\xbf", Some(2)),
];

#[test]
fn valid_texts_come_back_however_they_are_cut() {
    for echo in BOTH {
        let mut wire = Wire::new(echo);
        for text in VALID {
            wire.say(FIN | TEXT, text);
            wire.hears(FIN | TEXT, text);
            // Every octet a fragment.
            wire.say(TEXT, b"");
            for octet in text {
                wire.say(CONTINUE, std::slice::from_ref(octet));
            }
            wire.say(FIN | CONTINUE, b"");
            wire.hears(FIN | TEXT, text);
            // Every octet a packet.
            let octets = wire.frame(FIN | TEXT, text);
            wire.octets(&octets);
            wire.hears(FIN | TEXT, text);
        }
        // Three empty fragments.
        wire.say(TEXT, b"");
        wire.say(CONTINUE, b"");
        wire.say(FIN | CONTINUE, b"");
        wire.hears(FIN | TEXT, b"");
        wire.ends();
    }
}

#[test]
fn invalid_texts_fail_whole_and_in_fragments() {
    for echo in BOTH {
        for (text, _) in INVALID {
            let mut wire = Wire::new(echo);
            wire.say(FIN | TEXT, text);
            wire.closes(1007);
            let mut wire = Wire::new(echo);
            wire.say(TEXT, b"");
            for octet in text {
                wire.say(CONTINUE, std::slice::from_ref(octet));
            }
            wire.say(FIN | CONTINUE, b"");
            wire.closes(1007);
        }
    }
}

#[test]
fn they_fail_at_the_byte_that_tells() {
    for echo in BOTH {
        for (text, tells) in INVALID {
            let Some(tells) = tells else { continue };
            // In fragments: the rest never comes.
            let mut wire = Wire::new(echo);
            wire.say(TEXT, "κόσμε".as_bytes());
            wire.say(CONTINUE, &text[..tells - 1]);
            wire.say(FIN | PING, b"still well");
            wire.hears(FIN | PONG, b"still well");
            wire.say(CONTINUE, &text[tells - 1..tells]);
            wire.closes(1007);
            // Inside one frame that is not complete.
            let mut wire = Wire::new(echo);
            let whole = [&vec![b'a'; 70_000], text, &[b'a'; 1000]].concat();
            let frame = wire.frame(FIN | TEXT, &whole);
            let cut = frame.len() - whole.len() + 70_000 + tells;
            wire.write(&frame[..cut - 1]);
            wire.write(&frame[cut - 1..cut]);
            wire.closes(1007);
        }
    }
}

#[test]
fn a_binary_message_may_hold_anything() {
    for echo in BOTH {
        let mut wire = Wire::new(echo);
        for (data, _) in INVALID {
            wire.say(BINARY, data);
            wire.say(FIN | CONTINUE, data);
            wire.hears(FIN | BINARY, &data.repeat(2));
        }
        wire.ends();
    }
}
