//! What the drivers of one I/O thread share, and how received messages get to the queues.

use super::budget::Budget;
use super::command::Command;
use super::dial_limit::DialLimit;
use super::owner::Owner;
use super::staged::Staged;
use crate::engine::connection::{Connection, IoHandle};
use crate::engine::inbox::{Entries, HandlerGuard, Inbox, LOT, Pushed};
use crate::engine::outbox::{Cork, Waiting};
use crate::engine::shared::{Body, Event, has_single_object};
use crate::error::{Result, memory};
use crate::net::{CompactInstant, Reactor, Timers, TlsClients, Workers};
use crate::ws::deflate::{DeflatePool, InflatePool};
use crate::ws::payload::PayloadArena;
use crate::ws::{MAX_HEAD, MaskKeys, Message};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// What is read at once, and written at once: enough for four 64 KiB messages, small enough for the cache.
pub const BUFFER: usize = 256 * 1024;
/// A payload from this size on is written from its own memory.
pub const LARGE: usize = 32 * 1024;
/// Tokens a slot owns: one for each address that a dial tries at a time.
pub const TOKENS: usize = crate::net::Dial::MAX;

/// What the drivers of one thread share.
pub struct ThreadContext {
    pub reactor: Reactor,
    pub timers: Timers,
    /// The time of this round.
    pub now: CompactInstant,
    pub input: Vec<u8>,
    pub output: Vec<u8>,
    pub masks: MaskKeys,
    pub inflate_pool: InflatePool,
    pub deflate_pool: DeflatePool,
    /// For the answers of a handler; `None` while they are on their way.
    pub cork: Option<Box<Cork>>,
    pub handle: IoHandle,
    /// Threads for what may block.
    pub workers: Arc<Workers>,
    pub tls: Arc<TlsClients>,
    /// Time that TLS handshakes have taken of this round.
    pub handshake_time: Duration,
    /// What is left of it.
    pub budget: Budget,
    /// Slots that have more to read, to write, to compress or to accept than one turn allows.
    pub requeued: VecDeque<u32>,
    pub dial_limit: DialLimit,
    /// The owners to call, and when: one or two for a server.
    pub alarms: Vec<(CompactInstant, Weak<dyn Owner>)>,
    /// Connections that a listener accepted for this thread.
    pub commands: Vec<Command>,
    /// What the round has brought so far; one object's.
    batch: Option<Batch>,
    /// The handler of the object whose messages the round brings, from one read to the next.
    run: Option<HandlerGuard>,
    spare: Entries,
    /// For the short messages that go to a queue.
    pub arena: PayloadArena,
    /// Kept empty, for its memory.
    pub fast_batch: Waiting,
    /// For the next connection that has something to write.
    pub staged: Option<Box<Staged>>,
    /// The host thread that may borrow the loop ([`crate::engine::mailbox`]), and its queue.
    pub next_borrower: Option<(usize, Arc<Inbox>)>,
    /// What the latest connection agreed on.
    agreed: Option<Arc<[String; 2]>>,
}

/// What a round has brought for one object.
struct Batch {
    inbox: Arc<Inbox>,
    /// All of them messages.
    entries: Entries,
    bytes: usize,
}

impl ThreadContext {
    /// # Errors
    /// `NoMemory`: there is none for the buffers.
    pub fn new(reactor: Reactor, handle: IoHandle, workers: Arc<Workers>) -> Result<Self> {
        let mut input = memory::room_for(BUFFER)?;
        input.resize(BUFFER, 0);
        Ok(Self {
            reactor,
            timers: Timers::new(),
            now: CompactInstant::now(),
            input,
            // What is encoded for one write, and one short message more.
            output: memory::room_for(BUFFER + LARGE + MAX_HEAD)?,
            masks: MaskKeys::new(),
            inflate_pool: InflatePool::new(),
            deflate_pool: DeflatePool::new(),
            cork: None,
            handle,
            workers,
            tls: Arc::default(),
            handshake_time: Duration::ZERO,
            budget: Budget::FULL,
            requeued: VecDeque::new(),
            dial_limit: DialLimit::default(),
            alarms: Vec::new(),
            commands: Vec::new(),
            batch: None,
            run: None,
            spare: Entries::default(),
            arena: PayloadArena::default(),
            fast_batch: Waiting::default(),
            staged: None,
            next_borrower: None,
            agreed: None,
        })
    }

    /// The buffer for what is read; after a panic that has taken it along it is made anew, if there is memory.
    #[inline]
    pub fn input(&mut self, length: usize) -> Option<&mut [u8]> {
        if self.input.is_empty() && self.input.try_reserve_exact(BUFFER).is_ok() {
            self.input.resize(BUFFER, 0);
        }
        self.input.get_mut(..length)
    }

    /// When a timer or an alarm is due next.
    pub fn next_due(&self) -> Option<CompactInstant> {
        let alarm = self.alarms.iter().map(|(at, _)| *at).min();
        [self.timers.next_due(), alarm].into_iter().flatten().min()
    }

    /// Messages and bytes that are about to be handed to that object.
    pub fn pending(&self, inbox: &Arc<Inbox>) -> (usize, usize) {
        let batch = self.batch.as_ref().filter(|batch| Arc::ptr_eq(&batch.inbox, inbox));
        batch.map_or((0, 0), |batch| (batch.entries.len(), batch.bytes))
    }

    /// Adds a message to the round's batch of its object; another object's, and one that is full, is handed over first.
    pub fn queue(&mut self, inbox: &Arc<Inbox>, message: Message, source: &Arc<Connection>) {
        let bytes = message.data().len();
        let event = Event { connection: source.id(), body: Body::Message(message) };
        let room = |batch: &&mut Batch| Arc::ptr_eq(&batch.inbox, inbox) && batch.entries.len() < LOT;
        if let Some(batch) = self.batch.as_mut().filter(room) {
            batch.entries.push_back(event, Some(source));
            batch.bytes += bytes;
            return;
        }
        self.hand_over();
        let mut entries = std::mem::take(&mut self.spare);
        entries.push_back(event, Some(source));
        self.batch = Some(Batch { inbox: inbox.clone(), entries, bytes });
    }

    /// Subprotocol and extensions, shared by consecutive connections that agree on the same.
    pub fn agreed(&mut self, both: [String; 2]) -> Option<Arc<[String; 2]>> {
        if both.iter().all(String::is_empty) {
            return None;
        }
        if self.agreed.as_deref() != Some(&both) {
            self.agreed = Some(Arc::new(both));
        }
        self.agreed.clone()
    }

    /// Calls the owners whose time has come. A panic of one ends nothing else.
    pub fn fire_alarms(&mut self) {
        let now = self.now;
        for (_, owner) in self.alarms.extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>() {
            if let Some(owner) = owner.upgrade() {
                let _ = catch_unwind(AssertUnwindSafe(|| owner.alarm()));
            }
        }
    }

    /// The handler, for what a read has brought for that object; `None` when its messages have to take the queue.
    pub fn begin_run(&mut self, inbox: &Arc<Inbox>) -> Option<HandlerGuard> {
        // What the queue is about to get comes first.
        if self.pending(inbox).0 > 0 {
            return None;
        }
        // Dropped before the next begins.
        self.run.take().filter(|run| run.may_continue(inbox)).or_else(|| inbox.begin_run())
    }

    /// Keeps it for the next read of the round, if no other thread waits for its end: acquiring one takes a lock, and
    /// releasing it another.
    pub fn keep_run(&mut self, run: Option<HandlerGuard>) {
        self.run = run.filter(|run| has_single_object() && !run.must_yield());
    }

    /// Hands the batch over and runs the handler that waits for it.
    pub fn hand_over(&mut self) {
        self.run = None;
        let Some(Batch { inbox, mut entries, bytes }) = self.batch.take() else { return };
        match inbox.push(&mut entries, bytes) {
            Pushed::ForHandler => inbox.dispatch(),
            Pushed::ForBorrower(thread) if has_single_object() => {
                inbox.offer_loop(&self.handle);
                self.next_borrower = Some((thread, inbox));
            }
            Pushed::ForBorrower(_) | Pushed::Queued => {}
        }
        entries.shrink();
        self.spare = entries;
    }

    /// Room for frames on their way out; [`ThreadContext::recycle`] takes it back.
    pub fn take_spare(&mut self) -> Box<Staged> {
        self.staged.take().unwrap_or_default()
    }

    /// What a connection keeps of it: nothing when nothing is left.
    pub fn recycle(&mut self, staged: Box<Staged>) -> Option<Box<Staged>> {
        if !staged.frames.is_empty() {
            return Some(staged);
        }
        if staged.is_worth_keeping() {
            self.staged = Some(staged);
        }
        None
    }
}
