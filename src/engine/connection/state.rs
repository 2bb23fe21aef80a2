//! One connection as host threads see it; its I/O thread owns the rest ([`crate::engine::driver`]).

use crate::engine::io::Command;
use crate::engine::outbox::Outbox;
use crate::engine::runtime::IoHandle;
pub use crate::engine::shared::Tally;
use crate::engine::shared::{Counters, Deadline, Reason, Wait, lock, serial, wait};
use crate::error::{Error, Id, Result};
use crate::options::Opt;
use crate::ws::Request;
use once_cell::sync::OnceCell;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What is known of a connection once it is open.
pub struct Info {
    pub address: Option<SocketAddr>,
    /// Subprotocol and extensions, the same for most connections of a thread; `None` for neither.
    pub(in crate::engine) agreed: Option<Arc<[String; 2]>>,
    pub secure: bool,
    /// Milliseconds since 1970.
    pub(in crate::engine) connected_ms: u64,
    /// The request of a server's connection.
    pub request: Option<Request>,
}

impl Info {
    /// When it opened, by the system's clock.
    pub fn connected_at(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.connected_ms)
    }

    /// The subprotocol, or nothing.
    pub fn protocol(&self) -> &str {
        self.agreed.as_ref().map_or("", |agreed| &agreed[0])
    }

    /// The extensions in force, or nothing.
    pub fn extensions(&self) -> &str {
        self.agreed.as_ref().map_or("", |agreed| &agreed[1])
    }
}

#[derive(Default)]
struct Pings {
    /// Calls that wait for a pong, with what it took when it has come. Boxed, because there are none most of the time.
    waiting: Option<Box<Waiting>>,
    /// Why there are no more.
    ended: Option<Id>,
}

#[derive(Default)]
struct Waiting(Vec<(u64, Option<i64>)>);

impl Pings {
    fn find(&mut self, id: u64) -> Option<&mut (u64, Option<i64>)> {
        self.waiting.as_mut()?.0.iter_mut().find(|(other, _)| *other == id)
    }

    fn forget(&mut self, id: u64) {
        if let Some(waiting) = &mut self.waiting {
            waiting.0.retain(|(other, _)| *other != id);
            if waiting.0.is_empty() {
                self.waiting = None;
            }
        }
    }
}

/// See the module's page.
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
    /// Received; the I/O thread's alone.
    pub(in crate::engine) admitted: Tally,
    info: OnceCell<Info>,
    /// Who goes on in its place.
    heir: OnceCell<Weak<Connection>>,
    pings: Mutex<Pings>,
    ponged: Condvar,
    /// Of what was received, taken by the host; written under the queue's lock.
    pub(in crate::engine) taken: Tally,
    paused: AtomicBool,
    /// Its counters are in the sums of the object, and no longer added to them.
    pub(in crate::engine) booked: AtomicBool,
    /// [`Connection::was_pending`]
    pending: AtomicBool,
    /// The host has been told of its end: nothing of it may follow.
    over: AtomicBool,
    /// A flush is on its way to the I/O thread.
    pub(in crate::engine) dirty: AtomicBool,
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
            booked: AtomicBool::new(false),
            pending: AtomicBool::new(false),
            over: AtomicBool::new(false),
            heir: OnceCell::new(),
            dirty: AtomicBool::new(false),
            pings: Mutex::default(),
            ponged: Condvar::new(),
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

    /// Whether the host has, or had, to let it in and has not refused: it expects to hear of its end.
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

    /// Who has taken its place, if that one is still there.
    pub fn heir(&self) -> Option<Arc<Self>> {
        self.heir.get().and_then(Weak::upgrade)
    }

    pub fn set_heir(&self, heir: &Arc<Self>) {
        // A connection is taken over once.
        let _ = self.heir.set(Arc::downgrade(heir));
    }

    /// Hands a command to its I/O thread.
    pub fn post(&self, command: Command) {
        self.io.post(command);
    }

    /// An option was set that acts at once on what is sent, or on the keepalive.
    pub fn option_changed(self: &Arc<Self>, option: Opt) {
        match option {
            Opt::PingInterval | Opt::PongTimeout => self.post(Command::Retime(self.clone())),
            Opt::SendQueueBytes => self.outbox.bounds_changed(),
            _ => {}
        }
    }

    /// Asks the I/O thread to close: what is queued goes first, then the handshake, all within `CloseTimeout`.
    /// A reason of ours is what its end is told with, whether or not the peer answers.
    pub fn close(self: &Arc<Self>, code: u16, reason: Reason, discard: bool) {
        self.outbox.finish();
        self.io.post(Command::Close { connection: self.clone(), code, reason, discard });
    }

    /// Ends it at once, in whatever state it is.
    pub fn abort(self: &Arc<Self>) {
        self.io.post(Command::Abort(self.clone()));
    }

    /// Sends a ping and waits for its pong; the round trip in milliseconds.
    pub fn ping(self: &Arc<Self>, patience: Wait) -> Result<i64> {
        if self.is_paused() {
            return Err(Error::of(Id::ReadingPaused));
        }
        let id = {
            let mut pings = lock(&self.pings);
            if pings.ended.is_some() {
                return Err(Error::of(Id::NotConnected));
            }
            let id = serial();
            pings.waiting.get_or_insert_default().0.push((id, None));
            id
        };
        self.io.post(Command::Ping(self.clone(), id));
        let deadline = Deadline::of(patience);
        let mut pings = lock(&self.pings);
        loop {
            match pings.find(id).map(|entry| entry.1) {
                None => return Err(Error::of(pings.ended.unwrap_or(Id::ClosedWhileWaiting))),
                Some(Some(round_trip)) => {
                    pings.forget(id);
                    return Ok(round_trip);
                }
                Some(None) => {}
            }
            let (guard, in_time) = wait(&self.ponged, pings, deadline);
            pings = guard;
            if !in_time {
                pings.forget(id);
                return Err(Error::new(Id::PingTimeout, [patience.ms().into()]));
            }
        }
    }

    pub(in crate::engine) fn pong(&self, id: u64, round_trip_ms: i64) {
        self.counters.round_trip_ms.store(round_trip_ms, Relaxed);
        let mut pings = lock(&self.pings);
        if let Some(entry) = pings.find(id) {
            entry.1 = Some(round_trip_ms);
            drop(pings);
            self.ponged.notify_all();
        }
    }

    /// Ends the calls that wait for a pong, because the host closes.
    pub fn cancel_pings(&self) {
        self.end_pings(Id::Cancelled);
    }

    /// The connection has ended: ends the calls that wait for room or a pong. The owner does this once its state says
    /// so, because who is woken may connect again at once.
    pub fn release_waiters(&self) {
        self.outbox.close();
        self.release_pings();
    }

    /// The same for one whose outbox lives on.
    pub fn release_pings(&self) {
        self.end_pings(Id::ClosedWhileWaiting);
    }

    /// The first caller's error counts.
    fn end_pings(&self, why: Id) {
        let mut pings = lock(&self.pings);
        pings.ended.get_or_insert(why);
        // One that has been answered, perhaps with the same read that brought the end, keeps its answer.
        if let Some(waiting) = &mut pings.waiting {
            waiting.0.retain(|(_, answer)| answer.is_some());
        }
        drop(pings);
        self.ponged.notify_all();
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

    pub(in crate::engine) fn set_paused(&self, paused: bool) {
        self.paused.store(paused, SeqCst);
    }

    pub(in crate::engine) fn resume(self: &Arc<Self>) {
        self.io.post(Command::Resume(self.clone()));
    }
}
