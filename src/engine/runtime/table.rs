//! The connections and listeners of an I/O thread: each in its slot, each step of one on its own.

use super::listening::Listening;
use crate::engine::connection::{Ask, Connection, Mail};
use crate::engine::driver::{Disposition, Driver};
use crate::engine::io::{Command, TOKENS, ThreadContext};
use crate::error::{Error, Id};
use crate::net::Ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

enum Slot {
    Connection(Box<Driver>),
    Listener(Box<Listening>),
}

impl Slot {
    /// It ends because of that.
    fn end(self, io: &mut ThreadContext, why: Id) {
        match self {
            Slot::Connection(mut driver) => {
                driver.break_off(io, Error::of(why));
                driver.leave(io);
            }
            Slot::Listener(listening) => listening.close(io),
        }
    }
}

/// See the module's page.
#[derive(Default)]
pub struct Table {
    slots: Vec<Option<Slot>>,
    /// As small as they can be: there is room for as many as there are slots.
    free: Vec<u32>,
}

impl Table {
    /// Its place; the slot itself where there is no memory for one more. Whatever a slot may need later, a place among
    /// the free ones and a turn in the next round, is looked for here.
    fn insert(&mut self, io: &mut ThreadContext, slot: Slot) -> Result<usize, Slot> {
        if let Some(at) = self.free.pop() {
            self.slots[at as usize] = Some(slot);
            return Ok(at as usize);
        }
        let all = self.slots.len() + 1;
        if u32::try_from(all).is_err() {
            return Err(slot);
        }
        let (free, turns) = (all - self.free.len(), all.saturating_sub(io.requeued.len()));
        if self.slots.try_reserve(1).is_err()
            || self.free.try_reserve(free).is_err()
            || io.requeued.try_reserve(turns).is_err()
        {
            return Err(slot);
        }
        self.slots.push(Some(slot));
        Ok(all - 1)
    }

    /// Whether what comes next for that slot is reading or writing on an open connection without TLS.
    pub fn is_plain_io(&self, at: usize) -> bool {
        match self.slots.get(at) {
            Some(Some(Slot::Connection(driver))) => driver.is_plain_io(),
            Some(Some(Slot::Listener(_))) => false,
            Some(None) | None => true,
        }
    }

    pub fn is_plain_io_mail(&self, mail: &Mail) -> bool {
        match mail {
            Mail::Ask(connection, ask) => ask.is_plain_io() && self.is_plain_io(connection.slot.load(SeqCst)),
            Mail::Command(_) => false,
        }
    }

    pub fn mail(&mut self, io: &mut ThreadContext, mail: Mail) {
        match mail {
            Mail::Ask(connection, ask) => self.ask(io, &connection, ask),
            Mail::Command(command) => self.command(io, command),
        }
    }

    fn ask(&mut self, io: &mut ThreadContext, connection: &Arc<Connection>, ask: Ask) {
        match ask {
            Ask::Flush => {
                // Cleared before the queue is looked at, so that a later message posts again.
                connection.flush_flag.clear();
                self.of(io, connection, |driver, io| driver.flush(io));
            }
            Ask::Resume => self.of(io, connection, Driver::queue_has_room),
            Ask::Retime => self.of(io, connection, |driver, io| driver.tick(io)),
            Ask::Pace => self.of(io, connection, Driver::set_pace),
            Ask::Hold(on) => self.of(io, connection, |driver, io| driver.hold(io, on)),
            Ask::Close { code, reason, discard } => {
                self.of(io, connection, |driver, io| driver.close(io, code, reason, discard));
            }
            Ask::Abort => self.of(io, connection, |driver, io| driver.abort(io)),
            Ask::Decide(refusal) => self.of(io, connection, |driver, io| driver.decide(io, refusal.as_ref())),
            Ask::Worked(worked) => self.of(io, connection, |driver, io| driver.worked(io, *worked)),
            Ask::Ping(id) => self.of(io, connection, |driver, io| driver.ping(io, id)),
        }
    }

    pub fn command(&mut self, io: &mut ThreadContext, command: Command) {
        match command {
            Command::Dial { connection, owner, plan } => {
                let driver = Driver::client(connection, owner, *plan);
                self.adopt(io, driver);
            }
            Command::Redial { connection, owner, authority, wait } => {
                let driver = Driver::redial(connection, owner, authority, io.now + wait);
                self.adopt(io, driver);
            }
            Command::DialPermitted(connection) => self.of(io, &connection, Driver::dial_again),
            Command::Adopt { connection, owner, stream, tls } => {
                let driver = Driver::server(connection, owner, *stream, tls);
                self.adopt(io, driver);
            }
            Command::Prepared { connection, outcome } => {
                self.of(io, &connection, |driver, io| driver.prepared(io, outcome))
            }
            Command::Dispatch(inbox) => {
                io.hand_over();
                inbox.dispatch();
            }
            Command::Alarm { at, owner } => io.alarms.push((at.into(), owner)),
            Command::Listen { listener, acceptor, serial } => {
                match self.insert(io, Slot::Listener(Box::new(Listening::new(*listener, acceptor, serial)))) {
                    Ok(at) => self.listening(io, at, |listening, io| listening.start(io, at * TOKENS)),
                    Err(slot) => slot.end(io, Id::NoMemory),
                }
            }
            Command::Unlisten { serial } => {
                let is_it = |slot: &Option<Slot>| matches!(slot, Some(Slot::Listener(it)) if it.serial() == serial);
                while let Some(at) = self.slots.iter().position(is_it) {
                    self.free_slot(io, at);
                }
            }
            Command::Discard(_) | Command::Stop => {}
        }
    }

    fn adopt(&mut self, io: &mut ThreadContext, driver: Driver) {
        let connection = driver.connection().clone();
        match self.insert(io, Slot::Connection(Box::new(driver))) {
            Ok(at) => {
                connection.slot.store(at, SeqCst);
                self.drive(io, at, |driver, io| driver.start(io, at * TOKENS));
            }
            Err(slot) => slot.end(io, Id::NoMemory),
        }
    }

    fn of(
        &mut self,
        io: &mut ThreadContext,
        connection: &Arc<Connection>,
        step: impl FnOnce(&mut Driver, &mut ThreadContext) -> Disposition,
    ) {
        let at = connection.slot.load(SeqCst);
        let is_it =
            |slot: &Slot| matches!(slot, Slot::Connection(driver) if Arc::ptr_eq(driver.connection(), connection));
        if self.slots.get(at).and_then(Option::as_ref).is_some_and(is_it) {
            self.drive(io, at, step);
        }
    }

    pub fn ready(&mut self, io: &mut ThreadContext, event: &Ready) {
        let at = event.token / TOKENS;
        if matches!(self.slots.get(at), Some(Some(Slot::Listener(_)))) {
            self.listening(io, at, Listening::accept);
        } else {
            self.drive(io, at, |driver, io| driver.ready(io, event));
        }
    }

    pub fn timer(&mut self, io: &mut ThreadContext, token: usize, stamp: u64) {
        let at = token / TOKENS;
        match self.slots.get_mut(at) {
            Some(Some(Slot::Connection(driver))) => {
                if driver.is_pace_timer(stamp) {
                    self.drive(io, at, Driver::check_pace);
                } else if driver.timer_fired(stamp) {
                    self.drive(io, at, Driver::tick);
                }
            }
            Some(Some(Slot::Listener(_))) => self.listening(io, at, |listening, io| listening.retry(io, stamp)),
            Some(_) | None => {}
        }
    }

    /// Continues a connection or listener that was requeued.
    pub fn resume_turn(&mut self, io: &mut ThreadContext, at: usize) {
        if matches!(self.slots.get(at), Some(Some(Slot::Listener(_)))) {
            self.listening(io, at, Listening::accept);
        } else {
            self.drive(io, at, Driver::resume_turn);
        }
    }

    /// One step of a driver. A panic ends that connection and nothing else.
    fn drive(
        &mut self,
        io: &mut ThreadContext,
        at: usize,
        step: impl FnOnce(&mut Driver, &mut ThreadContext) -> Disposition,
    ) {
        let Some(Some(Slot::Connection(driver))) = self.slots.get_mut(at) else { return };
        let disposition = catch_unwind(AssertUnwindSafe(|| {
            let disposition = step(driver, io);
            if disposition == Disposition::Keep {
                driver.arm(io, at * TOKENS);
            }
            disposition
        }));
        let gone = match disposition {
            Ok(disposition) => disposition == Disposition::Remove,
            Err(_) => {
                let _ = catch_unwind(AssertUnwindSafe(|| driver.break_off(io, Error::of(Id::Panic))));
                true
            }
        };
        if gone && let Some(Some(Slot::Connection(driver))) = self.slots.get_mut(at).map(Option::take) {
            self.free.push(at as u32);
            driver.leave(io);
        }
    }

    fn listening(&mut self, io: &mut ThreadContext, at: usize, step: impl FnOnce(&mut Listening, &mut ThreadContext)) {
        if let Some(Some(Slot::Listener(listening))) = self.slots.get_mut(at) {
            step(listening, io);
        }
    }

    fn free_slot(&mut self, io: &ThreadContext, at: usize) {
        match self.slots[at].take() {
            Some(Slot::Listener(listening)) => listening.close(io),
            Some(Slot::Connection(_)) | None => {}
        }
        self.free.push(at as u32);
    }

    pub fn stop(&mut self, io: &mut ThreadContext) {
        for at in 0..self.slots.len() {
            if let Some(slot) = self.slots[at].take() {
                slot.end(io, Id::Cancelled);
            }
        }
        io.hand_over();
    }
}
