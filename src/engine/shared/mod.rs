//! What all of the engine uses and neither a connection nor an I/O thread is needed for.
//!
//! Threads: any, in each call of this room.
//! Owns: the number of each I/O thread and whether a host's thread runs a borrowed loop (thread-locals), whether one
//! object has the process to itself.
//! Locks: one in each `Gate`, `BlockingCalls` and `Signal`, for one kind of wait each; nothing else is taken inside
//! them, but the place of a result inside that of a `BlockingCalls`.

mod blocking_calls;
mod counters;
mod event;
mod gate;
mod last_failure;
mod signal;
mod sync;
mod threads;

pub use self::blocking_calls::{BlockingCalls, Generation};
pub use self::counters::{Counters, Tally};
pub use self::event::{Body, CloseInfo, Event, EventData, OpenInfo, OpenJson, Outcome, Reason};
pub use self::gate::{Gate, GateGuard};
pub use self::last_failure::LastFailure;
pub use self::signal::Signal;
pub use self::sync::{Deadline, Wait, lock, wait};
pub use self::threads::{
    become_io_thread, has_single_object, io_thread, is_borrower, on_io_thread, refuse_on_io_thread, serial,
    set_borrower, set_single_object, timeout,
};
