//! permessage-deflate, RFC 7692.
//!
//! [`offer`] and its neighbours agree on the parameters. Without context takeover, which is what we ask
//! for by default, a message is compressed and inflated with what the I/O thread owns ([`DeflatePool`], [`InflatePool`]),
//! and a connection owns nothing between messages; with it, each connection owns its own, as it does an inflater
//! alone where a server keeps its context unasked.

mod agree;
mod compressed_once;
mod extension;
mod inflate;
mod job;
mod pack;
mod sample;
mod slices;

pub use agree::{Agreement, Direction, Settings, accepted, negotiate, offer};
pub use compressed_once::CompressedOnce;
pub use extension::is_well_formed;
pub use inflate::InflatePool;
pub(super) use inflate::{Inflater, InflatingMessage};
pub use pack::{DeflatePool, Deflater, Packing};
pub use slices::Slice;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What ends each flushed piece of a deflate stream and is left out on the wire (section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// What is inflated or compressed in one step: it stays in the processor's cache until it is copied to where it is
/// kept, so that nothing has to be reserved, or filled with zeros, for what may never come.
const STEP: usize = 32 * 1024;

/// Makes a compressor or an inflater that takes about `cost` bytes; `None` when there is no memory for it. The library
/// that has them panics then, which is caught, but has a price: so it is tried out first.
fn make<T>(cost: usize, new: impl FnOnce() -> T) -> Option<T> {
    let mut trial = Vec::<u8>::new();
    trial.try_reserve_exact(cost).ok()?;
    drop(std::hint::black_box(trial));
    // Another thread may have taken it since.
    catch_unwind(AssertUnwindSafe(new)).ok()
}

/// Room for a step, which a thread keeps; false when there is no memory for it.
fn has_room(step: &mut Vec<u8>) -> bool {
    if step.len() < STEP {
        if step.try_reserve_exact(STEP).is_err() {
            return false;
        }
        step.resize(STEP, 0);
    }
    true
}
