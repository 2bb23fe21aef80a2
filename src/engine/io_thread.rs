//! The loop of an I/O thread: commands, readiness and timers to the drivers; what they received to the queues.

use super::command::{Command, Owner};
use super::connection::Connection;
use super::cork::Cork;
use super::driver::{After, Driver, Staged};
use super::listening::Listening;
use super::queue::{Entry, Inbox};
use super::reconnect::Dials;
use super::runtime::IoHandle;
use crate::error::{Error, Id};
use crate::net::{Moment, Reactor, Ready, Timers, TlsClients};
use crate::ws::MaskKeys;
use crate::ws::deflate::{Inflaters, Packers};
use crossbeam_channel::Receiver;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// What is read at once, and written at once: enough for four 64 KiB messages, small enough for the cache.
pub(super) const BUFFER: usize = 256 * 1024;
/// What those who go on where their last turn stopped may take of one round, but for the one who exceeds it.
const GOING_ON: Duration = Duration::from_micros(500);
/// Tokens a slot owns: one for each address that a dial tries at a time.
pub(super) const TOKENS: usize = crate::net::Dial::MAX;

/// What the drivers of one thread share.
pub(super) struct Io {
    pub reactor: Reactor,
    pub timers: Timers,
    /// The time of this round.
    pub now: Moment,
    pub input: Vec<u8>,
    pub output: Vec<u8>,
    pub masks: MaskKeys,
    pub inflaters: Inflaters,
    pub packers: Packers,
    /// For the answers of a handler; `None` while they are on their way.
    pub cork: Option<Box<Cork>>,
    pub handle: IoHandle,
    pub tls: Arc<TlsClients>,
    /// What TLS handshakes have taken of this round.
    pub shaking: Duration,
    /// Slots that have more to read, or to accept, than one turn allows.
    pub again: VecDeque<usize>,
    pub dials: Dials,
    /// Whom to call, and when: one or two for a server.
    alarms: Vec<(Moment, Weak<dyn Owner>)>,
    /// Newcomers that a listener accepted for this thread.
    pub commands: Vec<Command>,
    /// What the round has brought so far; one object's.
    batch: Option<Batch>,
    spare: Vec<Entry>,
    /// For the next connection that has something to write.
    pub staged: Option<Box<Staged>>,
    /// What the latest connection agreed on.
    agreed: Option<Arc<[String; 2]>>,
}

/// What a round has brought for one object.
struct Batch {
    inbox: Arc<Inbox>,
    entries: Vec<Entry>,
    /// Of the messages among them.
    bytes: usize,
}

impl Io {
    /// Messages and bytes that are about to be handed to that object.
    pub fn pending(&self, inbox: &Arc<Inbox>) -> (usize, usize) {
        let batch = self.batch.as_ref().filter(|batch| Arc::ptr_eq(&batch.inbox, inbox));
        batch.map_or((0, 0), |batch| (batch.entries.len(), batch.bytes))
    }

    /// Adds an event to the round's batch of its object; another object's is handed over first.
    pub fn queue(&mut self, inbox: &Arc<Inbox>, entry: Entry) {
        let bytes = entry.event.message().map_or(0, |message| message.data().len());
        if let Some(batch) = self.batch.as_mut().filter(|batch| Arc::ptr_eq(&batch.inbox, inbox)) {
            batch.entries.push(entry);
            batch.bytes += bytes;
            return;
        }
        self.hand_over();
        let mut entries = std::mem::take(&mut self.spare);
        entries.push(entry);
        self.batch = Some(Batch { inbox: inbox.clone(), entries, bytes });
    }

    /// Subprotocol and extensions, once for all who agree on the same one after the other.
    pub fn agreed(&mut self, both: [String; 2]) -> Option<Arc<[String; 2]>> {
        if both.iter().all(String::is_empty) {
            return None;
        }
        if self.agreed.as_deref() != Some(&both) {
            self.agreed = Some(Arc::new(both));
        }
        self.agreed.clone()
    }

    /// Calls those whose time has come. A panic of one ends nothing else.
    fn ring_alarms(&mut self) {
        let now = self.now;
        for (_, owner) in self.alarms.extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>() {
            if let Some(owner) = owner.upgrade() {
                let _ = catch_unwind(AssertUnwindSafe(|| owner.alarm()));
            }
        }
    }

    /// Hands the batch over and runs the handler that waits for it.
    pub fn hand_over(&mut self) {
        let Some(Batch { inbox, mut entries, .. }) = self.batch.take() else { return };
        if inbox.push(&mut entries) {
            inbox.dispatch();
        }
        if entries.capacity() <= 4096 {
            self.spare = entries;
        }
    }
}

enum Slot {
    Connection(Box<Driver>),
    Listener(Box<Listening>),
}

#[derive(Default)]
struct Table {
    slots: Vec<Option<Slot>>,
    free: Vec<usize>,
}

/// Runs until told to stop.
pub(super) fn run(reactor: Reactor, handle: &IoHandle, commands: &Receiver<Command>) {
    let mut io = Io {
        reactor,
        timers: Timers::new(),
        now: Moment::now(),
        input: vec![0; BUFFER],
        output: Vec::with_capacity(BUFFER),
        masks: MaskKeys::new(),
        inflaters: Inflaters::new(),
        packers: Packers::new(),
        cork: None,
        handle: handle.clone(),
        tls: Arc::default(),
        shaking: Duration::ZERO,
        again: VecDeque::new(),
        dials: Dials::default(),
        alarms: Vec::new(),
        commands: Vec::new(),
        batch: None,
        spare: Vec::new(),
        staged: None,
        agreed: None,
    };
    let mut table = Table::default();
    let mut ready: Vec<Ready> = Vec::new();
    loop {
        io.now = Moment::now();
        io.shaking = Duration::ZERO;
        // Those that are here now: hosts that send all the time must not keep the loop from its sockets.
        for _ in 0..commands.len() {
            let Ok(command) = commands.try_recv() else { break };
            if matches!(command, Command::Stop) {
                table.stop(&mut io);
                return;
            }
            table.command(&mut io, command);
        }
        table.go_on(&mut io);
        io.hand_over();
        // A listener that has just started may have found newcomers already.
        let busy = !io.again.is_empty() || !io.commands.is_empty();
        let timeout = if busy || !handle.fall_asleep(commands) {
            Some(Duration::ZERO)
        } else {
            let alarm = io.alarms.iter().map(|(at, _)| *at).min();
            let due = [io.timers.next_due(), alarm].into_iter().flatten().min();
            due.map(|due| due.saturating_duration_since(Moment::now()))
        };
        if io.reactor.poll(timeout, &mut ready).is_err() {
            ready.clear();
        }
        handle.wake_up();
        io.now = Moment::now();
        for event in &ready {
            table.ready(&mut io, event);
        }
        while let Some((token, stamp)) = io.timers.pop_due(io.now) {
            table.timer(&mut io, token, stamp);
        }
        io.ring_alarms();
        for command in std::mem::take(&mut io.commands) {
            table.command(&mut io, command);
        }
        io.hand_over();
    }
}

impl Table {
    fn insert(&mut self, slot: Slot) -> usize {
        if let Some(at) = self.free.pop() {
            self.slots[at] = Some(slot);
            return at;
        }
        self.slots.push(Some(slot));
        self.slots.len() - 1
    }

    fn command(&mut self, io: &mut Io, command: Command) {
        match command {
            Command::Dial { connection, owner, plan } => {
                let driver = Driver::client(connection, owner, *plan);
                self.adopt(io, driver);
            }
            Command::Redial { connection, owner, place, wait } => {
                let driver = Driver::again(connection, owner, place, io.now + wait);
                self.adopt(io, driver);
            }
            Command::Turn(connection) => self.of(io, &connection, Driver::dial_again),
            Command::Adopt { connection, owner, stream, tls } => {
                let driver = Driver::server(connection, owner, *stream, tls);
                self.adopt(io, driver);
            }
            Command::Prepared { connection, outcome } => {
                self.of(io, &connection, |driver, io| driver.prepared(io, outcome))
            }
            Command::Flush(connection) => {
                // Cleared before the queue is looked at, so that a later message posts again.
                connection.dirty.store(false, SeqCst);
                self.of(io, &connection, |driver, io| driver.flush(io));
            }
            Command::Resume(connection) => self.of(io, &connection, |driver, io| driver.resume(io)),
            Command::Retime(connection) => self.of(io, &connection, |driver, io| driver.tick(io)),
            Command::Close { connection, code, reason, discard } => {
                self.of(io, &connection, |driver, io| driver.close(io, code, &reason, discard));
            }
            Command::Abort(connection) => self.of(io, &connection, |driver, io| driver.abort(io)),
            Command::Decide(connection, refusal) => {
                self.of(io, &connection, |driver, io| driver.decide(io, refusal.as_ref()));
            }
            Command::Ping(connection, id) => self.of(io, &connection, |driver, io| driver.ping(io, id)),
            Command::Dispatch(inbox) => {
                io.hand_over();
                inbox.dispatch();
            }
            Command::Alarm { at, owner } => io.alarms.push((at.into(), owner)),
            Command::Listen { listener, acceptor, serial } => {
                let at = self.insert(Slot::Listener(Box::new(Listening::new(*listener, acceptor, serial))));
                self.listening(io, at, |listening, io| listening.start(io, at * TOKENS));
            }
            Command::Unlisten { serial } => {
                let is_it = |slot: &Option<Slot>| matches!(slot, Some(Slot::Listener(it)) if it.serial() == serial);
                while let Some(at) = self.slots.iter().position(is_it) {
                    self.free_slot(at);
                }
            }
            Command::Discard(_) | Command::Stop => {}
        }
    }

    fn adopt(&mut self, io: &mut Io, driver: Driver) {
        let connection = driver.connection().clone();
        let at = self.insert(Slot::Connection(Box::new(driver)));
        connection.slot.store(at, SeqCst);
        self.drive(io, at, |driver, io| driver.start(io, at * TOKENS));
    }

    fn of(&mut self, io: &mut Io, connection: &Arc<Connection>, step: impl FnOnce(&mut Driver, &mut Io) -> After) {
        let at = connection.slot.load(SeqCst);
        let is_it =
            |slot: &Slot| matches!(slot, Slot::Connection(driver) if Arc::ptr_eq(driver.connection(), connection));
        if self.slots.get(at).and_then(Option::as_ref).is_some_and(is_it) {
            self.drive(io, at, step);
        }
    }

    fn ready(&mut self, io: &mut Io, event: &Ready) {
        let at = event.token / TOKENS;
        if matches!(self.slots.get(at), Some(Some(Slot::Listener(_)))) {
            self.listening(io, at, Listening::accept);
        } else {
            self.drive(io, at, |driver, io| driver.ready(io, event));
        }
    }

    fn timer(&mut self, io: &mut Io, token: usize, stamp: u64) {
        let at = token / TOKENS;
        match self.slots.get_mut(at) {
            Some(Some(Slot::Connection(driver))) => {
                if driver.timer_fired(stamp) {
                    self.drive(io, at, Driver::tick);
                }
            }
            Some(Some(Slot::Listener(_))) => self.listening(io, at, |listening, io| listening.retry(io, stamp)),
            Some(_) | None => {}
        }
    }

    /// Those who had more than a turn allows go on in their order, however many they are, for a part of the round; who
    /// has little to say is not among them, and never waits for more than that.
    fn go_on(&mut self, io: &mut Io) {
        let begun = Moment::now();
        for _ in 0..io.again.len() {
            let Some(slot) = io.again.pop_front() else { break };
            self.again(io, slot);
            if begun.elapsed() >= GOING_ON {
                break;
            }
        }
    }

    /// Goes on where the last turn stopped.
    fn again(&mut self, io: &mut Io, at: usize) {
        if matches!(self.slots.get(at), Some(Some(Slot::Listener(_)))) {
            self.listening(io, at, Listening::accept);
        } else {
            self.drive(io, at, Driver::go_on);
        }
    }

    /// One step of a driver. A panic ends that connection and nothing else.
    fn drive(&mut self, io: &mut Io, at: usize, step: impl FnOnce(&mut Driver, &mut Io) -> After) {
        let Some(Some(Slot::Connection(driver))) = self.slots.get_mut(at) else { return };
        let after = catch_unwind(AssertUnwindSafe(|| {
            let after = step(driver, io);
            if after == After::Keep {
                driver.arm(io, at * TOKENS);
            }
            after
        }));
        let gone = match after {
            Ok(after) => after == After::Gone,
            Err(_) => {
                // The step may have had the buffer in its hands.
                io.input.resize(BUFFER, 0);
                let _ = catch_unwind(AssertUnwindSafe(|| driver.break_off(io, Error::of(Id::Panic))));
                true
            }
        };
        if gone && let Some(Some(Slot::Connection(driver))) = self.slots.get_mut(at).map(Option::take) {
            self.free.push(at);
            driver.leave(io);
        }
    }

    fn listening(&mut self, io: &mut Io, at: usize, step: impl FnOnce(&mut Listening, &mut Io)) {
        if let Some(Some(Slot::Listener(listening))) = self.slots.get_mut(at) {
            step(listening, io);
        }
    }

    fn free_slot(&mut self, at: usize) {
        match self.slots[at].take() {
            Some(Slot::Listener(listening)) => listening.close(),
            Some(Slot::Connection(_)) | None => {}
        }
        self.free.push(at);
    }

    fn stop(&mut self, io: &mut Io) {
        for at in 0..self.slots.len() {
            match self.slots[at].take() {
                Some(Slot::Connection(mut driver)) => {
                    driver.break_off(io, Error::of(Id::Cancelled));
                    driver.leave(io);
                }
                Some(Slot::Listener(listening)) => listening.close(),
                None => {}
            }
        }
        io.hand_over();
    }
}
