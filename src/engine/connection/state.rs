//! One connection as all threads see it, and the way to its I/O thread; that one owns the rest.
//!
//! What is brought to an I/O thread is for a connection, and a connection is the way there: the two are the one pair in
//! the engine that need each other, and so they stand in one file.

use super::ask::Ask;
use super::flush_flag::FlushFlag;
use super::info::Info;
use super::pings::Pings;
use crate::engine::mailbox;
use crate::engine::mailbox::{Mailbox, Rounds};
use crate::engine::outbox::Outbox;
use crate::engine::shared::{Counters, Tally};
use once_cell::sync::OnceCell;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Weak};

/// What an I/O thread is made of, which is not known here: all that is brought to it but for what is asked of one
/// connection, and the loop that it runs. The room that has both says so of [`IoThread`].
pub trait Backend {
    type Command: Send;
    type Loop: Rounds + Send;
}

/// An I/O thread.
pub struct IoThread;

/// What is brought to an I/O thread.
pub enum Mail {
    Ask(Arc<Connection>, Ask),
    Command(<IoThread as Backend>::Command),
}

/// The way to an I/O thread.
pub type IoHandle = Mailbox<Mail, <IoThread as Backend>::Loop>;
/// A call that waits and runs the thread's loop meanwhile.
pub type LoopGuard = mailbox::LoopGuard<Mail, <IoThread as Backend>::Loop>;

impl IoHandle {
    pub fn post(&self, command: <IoThread as Backend>::Command) {
        self.send(Mail::Command(command), false);
    }

    pub(in crate::engine) fn ask(&self, connection: &Arc<Connection>, ask: Ask) {
        let plain_io = ask.is_plain_io();
        self.send(Mail::Ask(connection.clone(), ask), plain_io);
    }

    /// The same, without waking the thread: [`Mailbox::tell`] has to follow.
    pub(in crate::engine) fn ask_quietly(&self, connection: &Arc<Connection>, ask: Ask) {
        self.put(Mail::Ask(connection.clone(), ask));
    }
}

/// A connection, in whatever state it is.
// In this order, because two threads write here for each message: what the I/O thread writes and what the host writes
// lie a cache line apart, with what is only read in between.
#[repr(C)]
pub struct Connection {
    /// Tells connections of the process apart before, and whether or not, they get an id; the log names it.
    pub serial: u64,
    id: AtomicU64,
    /// Its own, or one that outlives it.
    pub outbox: Arc<Outbox>,
    pub(in crate::engine) io: IoHandle,
    /// The slot in the I/O thread's table, set before any command can name it.
    pub(in crate::engine) slot: AtomicUsize,
    pub counters: Counters,
    /// Received; written by the I/O thread alone.
    pub(in crate::engine) admitted: Tally,
    info: OnceCell<Info>,
    /// The connection that has taken its session over.
    taken_over_by: OnceCell<Weak<Connection>>,
    pub(super) pings: Pings,
    /// Of what was received, taken by the host; written under the queue's lock.
    pub(in crate::engine) taken: Tally,
    paused: AtomicBool,
    /// Its counters are in the sums of the object, and no longer added to them.
    pub(in crate::engine) counted: AtomicBool,
    /// [`Connection::was_pending`]
    pending: AtomicBool,
    /// The host has been told of its end: nothing of it may follow.
    over: AtomicBool,
    /// A `drained` of it waits in the queue.
    drained: AtomicBool,
    pub(in crate::engine) flush_flag: FlushFlag,
}

impl Connection {
    pub fn new(io: IoHandle) -> Arc<Self> {
        Self::with_outbox(io, Arc::default())
    }

    /// One that goes on with what an earlier one has not written.
    pub fn with_outbox(io: IoHandle, outbox: Arc<Outbox>) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let counters = Counters { round_trip_ms: AtomicI64::new(-1), ..Counters::default() };
        Arc::new(Self {
            serial: NEXT.fetch_add(1, Relaxed),
            id: AtomicU64::new(0),
            outbox,
            counters,
            io,
            slot: AtomicUsize::new(usize::MAX),
            info: OnceCell::new(),
            admitted: Tally::default(),
            taken: Tally::default(),
            paused: AtomicBool::new(false),
            counted: AtomicBool::new(false),
            pending: AtomicBool::new(false),
            over: AtomicBool::new(false),
            drained: AtomicBool::new(false),
            taken_over_by: OnceCell::new(),
            flush_flag: FlushFlag::new(),
            pings: Pings::default(),
        })
    }

    /// One that follows this one, on the same thread and with the same outbox.
    pub fn successor(&self) -> Arc<Self> {
        Self::with_outbox(self.io.clone(), self.outbox.clone())
    }

    /// The server's id, given when it opens; a client's connections have 0.
    pub fn id(&self) -> u64 {
        self.id.load(Relaxed)
    }

    pub fn set_id(&self, id: u64) {
        self.id.store(id, Relaxed);
    }

    /// Whether the host has, or had, to accept it and has not rejected it: its end must be reported then.
    pub fn was_pending(&self) -> bool {
        self.pending.load(Relaxed)
    }

    pub fn set_pending(&self, pending: bool) {
        self.pending.store(pending, Relaxed);
    }

    pub fn is_over(&self) -> bool {
        self.over.load(SeqCst)
    }

    /// The host is told of its end, or there is nothing to tell; what still arrives is dropped.
    pub fn set_over(&self) {
        self.over.store(true, SeqCst);
    }

    /// The connection that has taken its session over, if that one still exists.
    pub fn taken_over_by(&self) -> Option<Arc<Self>> {
        self.taken_over_by.get().and_then(Weak::upgrade)
    }

    pub fn set_taken_over_by(&self, taken_over_by: &Arc<Self>) {
        // A connection is taken over once.
        let _ = self.taken_over_by.set(Arc::downgrade(taken_over_by));
    }

    /// Hands a command to its I/O thread.
    pub fn post(&self, command: <IoThread as Backend>::Command) {
        self.io.post(command);
    }

    pub fn info(&self) -> Option<&Info> {
        self.info.get()
    }

    pub(in crate::engine) fn set_info(&self, info: Info) {
        // Set once, when the connection opens.
        let _ = self.info.set(info);
    }

    /// Messages and bytes received and not yet taken by the host.
    pub fn inbound(&self) -> (usize, usize) {
        // In this order, so that neither goes below zero.
        let (taken_messages, taken_bytes) = self.taken.get();
        let (messages, bytes) = self.admitted.get();
        (messages.wrapping_sub(taken_messages), bytes.wrapping_sub(taken_bytes))
    }

    /// Whether reading is paused because the receive queue is full.
    pub fn is_paused(&self) -> bool {
        self.paused.load(SeqCst)
    }

    /// Says that a `drained` of it waits in the queue, or not; whether one did.
    pub(in crate::engine) fn set_drained(&self, waits: bool) -> bool {
        self.drained.swap(waits, SeqCst)
    }

    pub(in crate::engine) fn set_paused(&self, paused: bool) {
        self.paused.store(paused, SeqCst);
    }
}
