//! Inflating what a peer compressed, RFC 7692 section 7.2.2, as its bytes come and never beyond a bound.

use super::{Direction, STEP, TAIL, has_room, make};
use crate::error::{Error, Id};
use crate::ws::violation::{Violation, no_memory};
use zlib_rs::{Inflate, InflateFlush, Status};

/// About what an inflater takes: its window of 32 KiB and its tables. Counted with the bytes of an unfinished message.
pub(in crate::ws) const COST: usize = 48 * 1024;
/// The window of every inflater, whatever was agreed on. Only the largest serves all peers; the library allocates no
/// smaller one; and a zlib that is told to compress with 8 bits does so with 9.
const BITS: u8 = 15;
/// Inflaters that a thread keeps: more are in use only while as many messages are unfinished.
const SPARE: usize = 4;

/// After so many bytes a connection lets the others go on: some 300 µs. A few hundred bytes may become as many.
const SLICE: usize = 128 * 1024;

/// The inflaters of an I/O thread, for all its connections without context takeover.
#[expect(clippy::vec_box, reason = "they are handed out as they are")]
pub struct InflatePool {
    spare: Vec<Box<Inflate>>,
    step: Vec<u8>,
    /// Bytes that may come out before the connection whose turn it is pauses.
    left: usize,
}

impl InflatePool {
    pub fn new() -> Self {
        Self { spare: Vec::new(), step: Vec::new(), left: SLICE }
    }
}

impl Default for InflatePool {
    fn default() -> Self {
        Self::new()
    }
}

/// The receiving end of one connection.
pub(in crate::ws) struct Inflater {
    takeover: bool,
    /// With context takeover, between messages; from the first compressed one on.
    own: Option<Box<Inflate>>,
}

impl Inflater {
    pub fn new(direction: Direction) -> Self {
        Self { takeover: direction.takeover, own: None }
    }

    /// For a message that begins.
    ///
    /// # Errors
    /// 1011: no memory.
    pub fn begin(&mut self, pool: &mut InflatePool) -> Result<InflatingMessage, Violation> {
        let own = if self.takeover { self.own.take() } else { pool.spare.pop() };
        let inflater = match own {
            Some(own) => own,
            None => Box::new(fresh()?),
        };
        Ok(InflatingMessage { inflater, fresh: true, ended: false, takeover: self.takeover })
    }

    /// After a message that is whole.
    pub fn end(&mut self, done: InflatingMessage, pool: &mut InflatePool) {
        if self.takeover {
            self.own = Some(done.inflater);
        } else if pool.spare.len() < SPARE {
            let mut inflater = done.inflater;
            inflater.reset(false);
            pool.spare.push(inflater);
        }
    }
}

fn fresh() -> Result<Inflate, Violation> {
    make(COST, || Inflate::new(false, BITS)).ok_or_else(|| no_memory(Error::of(Id::NoMemory)))
}

/// A message that is being inflated.
pub(in crate::ws) struct InflatingMessage {
    inflater: Box<Inflate>,
    /// Nothing has been fed since the message, or a new stream inside it, began.
    fresh: bool,
    /// The stream has ended by a final block; what follows is another one.
    ended: bool,
    takeover: bool,
}

impl InflatingMessage {
    /// What the inflater adds to the memory of an unfinished message; one that belongs to the connection is there
    /// anyway.
    pub fn cost(&self) -> usize {
        if self.takeover { 0 } else { COST }
    }

    /// Inflates `input`, handing on what comes out piece by piece; how much of it was taken: not all when it is time for
    /// others.
    pub fn feed(
        &mut self,
        input: &[u8],
        pool: &mut InflatePool,
        mut out: impl FnMut(&[u8]) -> Result<(), Violation>,
    ) -> Result<usize, Violation> {
        if !has_room(&mut pool.step) {
            return Err(no_memory(Error::of(Id::NoMemory)));
        }
        let mut rest = input;
        loop {
            if self.ended {
                if rest.is_empty() {
                    return Ok(input.len());
                }
                self.restart();
            }
            if pool.left == 0 && !rest.is_empty() {
                pool.left = SLICE;
                return Ok(input.len() - rest.len());
            }
            self.fresh &= rest.is_empty();
            let (taken, made, status) = self.step(rest, &mut pool.step, InflateFlush::NoFlush)?;
            rest = rest.get(taken..).unwrap_or_default();
            pool.left = pool.left.saturating_sub(made);
            out(&pool.step[..made])?;
            self.ended = status == Status::StreamEnd;
            if !self.ended && rest.is_empty() && made < STEP {
                return Ok(input.len());
            }
            // Neither read nor written, and not at an end: it will not go on.
            if taken == 0 && made == 0 && !self.ended {
                return Err(damaged());
            }
        }
    }

    /// The message is whole: gives the inflater the tail that the sender left out, and makes sure that it stands
    /// between two blocks, as it must (section 7.2.2); a cut message would lose its end, or gain the tail as data.
    pub fn finish(&mut self, pool: &mut InflatePool) -> Result<(), Violation> {
        if self.ended {
            self.restart();
            return Ok(());
        }
        if self.fresh {
            // Not even the byte that an empty message has; nothing is lost by taking it for one.
            return Ok(());
        }
        // Told to stop at the end of a block, the inflater takes the four bytes and leaves a fifth alone only when they
        // are the rest of an empty block.
        let [a, b, c, d] = TAIL;
        let (taken, made, status) = self.step(&[a, b, c, d, 0], &mut pool.step, InflateFlush::Block)?;
        if taken != TAIL.len() || made != 0 || status != Status::Ok {
            return Err(damaged());
        }
        Ok(())
    }

    /// Another stream in the same message: it refers to nothing before it.
    fn restart(&mut self) {
        self.inflater.reset(false);
        (self.fresh, self.ended) = (true, false);
    }

    fn step(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        flush: InflateFlush,
    ) -> Result<(usize, usize, Status), Violation> {
        let inflater = &mut self.inflater;
        let before = (inflater.total_in(), inflater.total_out());
        let status = inflater.decompress(input, output, flush).map_err(|_| damaged())?;
        let taken = inflater.total_in().wrapping_sub(before.0);
        let made = inflater.total_out().wrapping_sub(before.1);
        // Neither exceeds the length of its slice.
        Ok((taken as usize, made as usize, status))
    }
}

fn damaged() -> Violation {
    Violation::with(1007, Id::DeflateData.into())
}
