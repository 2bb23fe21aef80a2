//! A peer's side of permessage-deflate, for tests that send and read compressed frames by hand.
#![allow(dead_code, reason = "each test file uses its part")]

use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush};

pub const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// Set in the first byte of a compressed message.
pub const RSV1: u8 = 0x40;

/// A compressor with its context.
pub struct Squeeze(Deflate);

impl Squeeze {
    pub fn new(level: i32, bits: u8) -> Self {
        Self(Deflate::new(level, false, bits))
    }

    pub fn flush(&mut self, data: &[u8], flush: DeflateFlush) -> Vec<u8> {
        let mut out = vec![0; data.len() + data.len() / 8 + 1024];
        let before = (self.0.total_in(), self.0.total_out());
        self.0.compress(data, &mut out, flush).unwrap();
        assert_eq!(self.0.total_in() - before.0, data.len() as u64);
        out.truncate((self.0.total_out() - before.1) as usize);
        out
    }

    /// A message's payload: flushed, without the tail.
    pub fn message(&mut self, data: &[u8]) -> Vec<u8> {
        if data.is_empty() {
            // A second flush without input gives nothing; section 7.2.3.6 has this instead.
            return vec![0];
        }
        let mut out = self.flush(data, DeflateFlush::SyncFlush);
        assert!(out.ends_with(&TAIL));
        out.truncate(out.len() - TAIL.len());
        out
    }
}

/// One message, without context.
pub fn squeeze(data: &[u8]) -> Vec<u8> {
    Squeeze::new(6, 15).message(data)
}

/// An inflater with its context and no larger a window than told.
pub struct Expand(Inflate);

impl Expand {
    pub fn new(bits: u8) -> Self {
        Self(Inflate::new(false, bits))
    }

    /// Byte by byte: then only the window serves what a message refers back to.
    pub fn message(&mut self, payload: &[u8]) -> Vec<u8> {
        let input = [payload, &TAIL].concat();
        let (mut rest, mut out) = (&input[..], Vec::new());
        loop {
            let before = (self.0.total_in(), self.0.total_out());
            let mut byte = [0];
            self.0.decompress(rest, &mut byte, InflateFlush::NoFlush).unwrap();
            rest = &rest[(self.0.total_in() - before.0) as usize..];
            if self.0.total_out() == before.1 {
                assert!(rest.is_empty());
                return out;
            }
            out.push(byte[0]);
        }
    }
}
