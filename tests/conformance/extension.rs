//! Compression at every combination of parameters, with messages of many sizes in one piece and in fragments.

use crate::deflate::{Expand, RSV1, Squeeze};
use crate::wire::*;

/// The parameters that a peer may agree on with the echo, as the negotiated text puts them.
#[derive(Clone, Copy, Debug)]
struct Parameters {
    server_keeps: bool,
    client_keeps: bool,
    server_bits: u8,
    client_bits: u8,
}

impl Parameters {
    fn text(self) -> String {
        let mut text = "permessage-deflate".to_owned();
        if !self.server_keeps {
            text += "; server_no_context_takeover";
        }
        if !self.client_keeps {
            text += "; client_no_context_takeover";
        }
        if self.server_bits < 15 {
            text += &format!("; server_max_window_bits={}", self.server_bits);
        }
        if self.client_bits < 15 {
            text += &format!("; client_max_window_bits={}", self.client_bits);
        }
        text
    }
}

/// Text with repetitions near and far.
fn text(size: usize, seed: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32 ^ seed as u32;
    let mut out = Vec::with_capacity(size + 40);
    while out.len() < size {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let number = state >> 16;
        out.extend(format!("{{\"id\": {}, \"name\": \"item {}\"}}, ", number % 1000, number % 7).bytes());
    }
    out.truncate(size);
    out
}

fn converse(echo: Echo, parameters: Parameters) {
    let agreed = parameters.text();
    let deflate = Deflate { extension: &agreed, takeover: true, bits: 15 };
    let mut wire = Wire::with(echo, Some(deflate));
    match echo {
        Echo::Server => assert_eq!(wire.extension, agreed),
        Echo::Client => assert_eq!(wire.extension, "permessage-deflate; client_max_window_bits"),
    }
    let (ours, theirs) = match echo {
        Echo::Server => {
            ((parameters.client_keeps, parameters.client_bits), (parameters.server_keeps, parameters.server_bits))
        }
        Echo::Client => {
            ((parameters.server_keeps, parameters.server_bits), (parameters.client_keeps, parameters.client_bits))
        }
    };
    let mut squeeze = Squeeze::new(6, ours.1.max(9));
    let mut expand = Expand::new(theirs.1);
    let mut pass = |wire: &mut Wire, data: &[u8], pieces: usize| {
        if !ours.0 {
            squeeze = Squeeze::new(6, ours.1.max(9));
        }
        let packed = squeeze.message(data);
        let mut first = RSV1 | TEXT;
        let size = packed.len().div_ceil(pieces).max(1);
        let mut parts = packed.chunks(size).peekable();
        while let Some(part) = parts.next() {
            wire.say(if parts.peek().is_none() { first | FIN } else { first }, part);
            first = CONTINUE;
        }
        let (got, payload) = wire.frame_back();
        assert_eq!(got & !RSV1, FIN | TEXT);
        if got & RSV1 == 0 {
            assert!(payload == data, "{echo:?} {parameters:?}: {} bytes", data.len());
            return;
        }
        if !theirs.0 {
            expand = Expand::new(theirs.1);
        }
        assert!(expand.message(&payload) == data, "{echo:?} {parameters:?}: {} bytes", data.len());
    };
    for (at, size) in [0, 16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131_072].into_iter().enumerate() {
        for pieces in [1, 2, 7] {
            pass(&mut wire, &text(size, at), pieces);
        }
    }
    wire.ends();
}

#[test]
fn every_combination_of_parameters() {
    for echo in BOTH {
        for (server_bits, client_bits) in [(15, 15), (9, 9), (8, 15), (15, 8), (12, 10)] {
            for keeps in 0..4 {
                let (server_keeps, client_keeps) = (keeps & 1 != 0, keeps & 2 != 0);
                converse(echo, Parameters { server_keeps, client_keeps, server_bits, client_bits });
            }
        }
    }
}

#[test]
fn offers_are_tried_in_their_order() {
    let bad = "permessage-deflate; unknown_parameter, permessage-deflate; server_max_window_bits=20";
    for (offered, agreed) in [
        (
            format!("{bad}, permessage-deflate; server_max_window_bits=9"),
            "permessage-deflate; server_max_window_bits=9",
        ),
        (
            "permessage-deflate; client_no_context_takeover, permessage-deflate".into(),
            "permessage-deflate; client_no_context_takeover",
        ),
        (bad.into(), ""),
    ] {
        let mut wire = Wire::with(Echo::Server, Some(Deflate { extension: &offered, takeover: true, bits: 15 }));
        assert_eq!(wire.extension, agreed, "{offered}");
        if agreed.is_empty() {
            wire.say(FIN | RSV1 | TEXT, &Squeeze::new(6, 15).message(b"nobody agreed"));
            wire.closes(1002);
        } else {
            wire.say(FIN | RSV1 | TEXT, &Squeeze::new(6, 9).message(b"Hello"));
            wire.hears(FIN | TEXT, b"Hello");
            wire.ends();
        }
    }
}
