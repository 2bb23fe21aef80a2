//! Large messages, many messages, and every way to cut them.

use crate::wire::*;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

fn payload(size: usize) -> Vec<u8> {
    (0..size).map(|at| b' ' + (at * 31 % 89) as u8).collect()
}

#[test]
fn messages_up_to_16_mib_come_back() {
    for echo in BOTH {
        let mut wire = Wire::new(echo);
        for first in [FIN | TEXT, FIN | BINARY] {
            for size in [64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB] {
                let data = payload(size);
                wire.say(first, &data);
                wire.hears(first, &data);
            }
        }
        wire.ends();
    }
}

#[test]
fn a_message_in_fragments_of_any_size_comes_back() {
    for echo in BOTH {
        let mut wire = Wire::new(echo);
        let data = payload(MIB);
        for (kind, size) in [(TEXT, 64), (BINARY, 256), (TEXT, KIB), (BINARY, 4 * KIB), (TEXT, 64 * KIB), (BINARY, MIB)]
        {
            let mut bytes = Vec::new();
            let mut first = kind;
            for part in data.chunks(size) {
                bytes.extend(wire.frame(first, part));
                first = CONTINUE;
            }
            bytes.extend(wire.frame(FIN | CONTINUE, b""));
            wire.write(&bytes);
            wire.hears(FIN | kind, &data);
        }
        wire.ends();
    }
}

#[test]
fn a_message_in_chops_of_any_size_comes_back() {
    for echo in BOTH {
        let mut wire = Wire::new(echo);
        let data = payload(256 * KIB);
        for chop in [64, 128, 256, 512, 1024, 2048] {
            let frame = wire.frame(FIN | TEXT, &data);
            frame.chunks(chop).for_each(|chop| wire.write(chop));
            wire.hears(FIN | TEXT, &data);
        }
        wire.ends();
    }
}

#[test]
fn a_thousand_round_trips_of_each_size() {
    for echo in BOTH {
        let mut wire = Wire::new(echo);
        for size in [0, 16, 64, 256, 1024, 4096, 16 * KIB] {
            let data = payload(size);
            for first in [FIN | TEXT, FIN | BINARY] {
                for _ in 0..100 {
                    wire.say(first, &data);
                    wire.hears(first, &data);
                }
            }
        }
        // Ten times as many at once, answered in order.
        let all: Vec<u8> = (0..1000).flat_map(|at| wire.frame(FIN | TEXT, at.to_string().as_bytes())).collect();
        wire.write(&all);
        (0..1000).for_each(|at: u32| wire.hears(FIN | TEXT, at.to_string().as_bytes()));
        wire.ends();
    }
}

#[test]
fn a_message_of_65536_bytes_in_fragments_of_1300() {
    for echo in BOTH {
        let mut wire = Wire::new(echo);
        let data = payload(65536);
        let mut parts = data.chunks(1300).peekable();
        let mut first = TEXT;
        while let Some(part) = parts.next() {
            wire.say(if parts.peek().is_none() { FIN | first } else { first }, part);
            first = CONTINUE;
        }
        wire.hears(FIN | TEXT, &data);
        wire.ends();
    }
}
