//! The I/O threads of the process, their loops, and the connections and listeners of each.
//!
//! Threads: `RuntimeRef` is used on a host's thread; the rest is the loop's, run by the I/O thread or, for reading and
//! writing, by a borrower.
//! Owns: the threads, from the first object to the last; the slots of an I/O thread with their drivers and listeners.
//! Locks: that of the process's threads. Inside it threads are started and joined, the log and the payload pool opened
//! and closed. A join is sound there only because a thread that is told to stop has no connection left whose handler
//! could want the lock: `Owner::released` is the last call.

mod event_loop;
mod listening;
mod table;
mod threads;

pub use self::threads::RuntimeRef;
