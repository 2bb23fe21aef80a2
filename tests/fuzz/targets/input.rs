//! Bytes taken apart into what a target needs. What is missing reads as zero, so that every input is a good one.

pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub fn word(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// Up to `most` bytes.
    pub fn bytes(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// The rest as text, and what is behind its first line, or `otherwise`.
    pub fn two_lines(self, otherwise: &str) -> (String, String) {
        let text = String::from_utf8_lossy(self.0);
        let (first, second) = text.split_once('\n').unwrap_or((&text, otherwise));
        (first.to_owned(), second.to_owned())
    }
}

/// Pieces of `bytes` as a network may bring them, by a seed: whole, byte by byte, in short or in long pieces.
pub fn pieces(bytes: &[u8], seed: u8) -> Vec<&[u8]> {
    let mut state = usize::from(seed) | 0x100;
    let mut next = |most: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        1 + (state >> 33) % most
    };
    let (mut rest, mut pieces) = (bytes, Vec::new());
    while !rest.is_empty() {
        let size = match seed % 4 {
            0 => rest.len(),
            1 => 1,
            2 => next(17),
            _ => next(5000),
        };
        let (piece, others) = rest.split_at(size.min(rest.len()));
        pieces.push(piece);
        rest = others;
    }
    pieces
}

/// That an error, or anything that goes to a log or to a person, stays on one line.
pub fn one_line(text: &str) {
    assert!(!text.contains(['\n', '\r', '\0']), "more than one line: {text:?}");
}
