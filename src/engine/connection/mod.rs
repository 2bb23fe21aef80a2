//! One connection as the host sees it: what is known of it, what is sent to it, and what is asked of its I/O thread.
//!
//! Threads: any to send, close, abort, ping and ask; inside a handler that is the I/O thread, which never waits. Info,
//! counters and pongs are written by the loop.
//! Owns: one `Arc` each for the outbox and the way to the I/O thread; info, counters, calls that wait for a pong.
//! Locks: that of the pings, with a condition for the calls that wait; nothing is taken inside it. `Totals` has one for the
//! closes by code; inside it are taken that of the rejections and that of an outbox. A message is sent under the
//! outbox's lock alone; a post, which may wake a thread, follows when it is free.

mod ask;
mod calls;
mod flush_flag;
mod info;
mod pings;
mod send;
mod state;
mod stats;

pub use self::ask::{Ask, Worked};
pub use self::info::{Connected, Info, Way};
pub use self::send::PendingFlush;
pub use self::state::{Backend, Connection, IoHandle, IoThread, LoopGuard, Mail};
pub use self::stats::{Totals, connection_json, opening_json};
