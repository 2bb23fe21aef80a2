//! One connection on its I/O thread: a state machine from the dial, or the accept, to the last byte.
//!
//! What there is of a connection stands in `setup`, `exchange`, `close_state`, `liveness` and `state`; the steps, one file a phase,
//! stand on these and call each other in every direction. The table calls `steps`.
//!
//! Threads: the loop. A host thread that has borrowed it reads and writes on open connections without TLS only; all else
//! is the I/O thread's.
//! Owns: the socket with its TLS, the decoder, what is staged and not written, timers, how far the close has come.
//! Locks: none of its own, and none is held between two steps. A step takes those of the outbox and of the queue, and
//! what an `Owner` takes.

mod allowance;
mod answering;
mod close_state;
mod closing;
mod dialing;
mod exchange;
mod failing;
mod fast_path;
mod keepalive;
mod liveness;
mod logging;
mod opening;
mod pace;
mod packing;
mod pausing;
mod pending;
mod plain_answer;
mod plain_request;
mod proxied;
mod reading;
mod redirecting;
mod redirects;
mod setup;
mod state;
mod steps;
mod tunneling;
mod unpacked;
mod writing;

pub use self::state::{Disposition, Driver};
