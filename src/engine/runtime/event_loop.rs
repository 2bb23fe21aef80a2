//! The loop of an I/O thread: commands, readiness and timers to the drivers; what they received to the queues.

use super::table::Table;
use crate::engine::connection::{Backend, IoHandle, IoThread, Mail};
use crate::engine::io::{Budget, Command, TOKENS, ThreadContext};
use crate::engine::mailbox::Rounds;
use crate::engine::shared::has_single_object;
use crate::error::Result;
use crate::net::{CompactInstant, Reactor, Ready, Workers};
use crossbeam_channel::Receiver;
use std::sync::Arc;
use std::time::Duration;

/// Time per round for connections that used up their budget in an earlier one ([`ThreadContext::requeued`]). They are
/// served first in, first out, until it is spent; the one being served then still finishes its turn. No other
/// connection waits longer than this.
const REQUEUE_BUDGET: Duration = Duration::from_micros(500);

/// Commands between two looks at the clock, and the time after which the others wait for the next round.
const COMMANDS: usize = 64;
const COMMANDS_BUDGET: Duration = Duration::from_millis(1);

/// The longest time of a borrowed round after which the borrower checks its own queue and its timeout.
const BORROWED_ROUND: Duration = Duration::from_millis(2);

/// For so long the I/O thread keeps the loop when something has come that a borrower must not do.
const KEEP_LOOP: Duration = Duration::from_millis(5);

/// Which thread runs a round.
#[derive(Clone, Copy)]
enum Runner {
    Thread,
    /// A host call that has borrowed the loop ([`crate::engine::mailbox`]) and waits no longer than this. On a host's
    /// thread no handler and no TLS library may run: it reads and writes on open connections, and stops at the first
    /// thing beyond that.
    Borrower(Option<Duration>),
}

/// Why a round ended early.
enum Halt {
    /// The thread is told to stop, and everything has been ended.
    Stopped,
    /// What comes next must be done by the I/O thread. It and all behind it stay queued.
    NeedsIoThread,
}

/// See the module's page.
pub struct EventLoop {
    io: ThreadContext,
    table: Table,
    mail: Receiver<Mail>,
    /// The next command, which a borrower had to leave to the I/O thread.
    deferred: Option<Mail>,
    ready: Vec<Ready>,
    /// How many of them have been served.
    served: usize,
    /// The round has met something that a borrower must not do.
    needs_io_thread: bool,
    /// Until then the loop is not lent.
    no_lending_before: CompactInstant,
}

impl EventLoop {
    pub fn new(reactor: Reactor, handle: IoHandle, mail: Receiver<Mail>, workers: Arc<Workers>) -> Result<Box<Self>> {
        let io = ThreadContext::new(reactor, handle, workers)?;
        let table = Table::default();
        Ok(Box::new(Self {
            io,
            table,
            mail,
            deferred: None,
            ready: Vec::new(),
            served: 0,
            needs_io_thread: false,
            no_lending_before: CompactInstant::now(),
        }))
    }

    /// The I/O thread's life.
    pub fn run(mut self: Box<Self>) {
        while self.round(Runner::Thread).is_ok() {
            self.keep_loop_if_needed();
            if let Some((borrower, inbox)) = self.io.next_borrower.take()
                && has_single_object()
                && self.io.now >= self.no_lending_before
            {
                let handle = self.io.handle.clone();
                self = handle.leadership().wait_while_lent(self, borrower, || inbox.is_awaited());
                self.keep_loop_if_needed();
            }
        }
    }

    /// Where the I/O thread is needed it keeps the loop for a while: each change costs a wake-up, and time.
    fn keep_loop_if_needed(&mut self) {
        if self.needs_io_thread {
            self.no_lending_before = CompactInstant::now() + KEEP_LOOP;
        }
    }

    /// Does what there is to do, waits for more and does that.
    fn round(&mut self, runner: Runner) -> Result<(), Halt> {
        let outcome = self.steps(runner);
        self.io.hand_over();
        outcome
    }

    fn steps(&mut self, runner: Runner) -> Result<(), Halt> {
        self.io.now = CompactInstant::now();
        self.io.handshake_time = Duration::ZERO;
        self.io.budget = Budget::FULL;
        self.needs_io_thread = false;
        self.io.next_borrower = None;
        self.obey(runner)?;
        self.serve(runner)?;
        if self.has_unserved() {
            return Ok(());
        }
        self.resume_requeued(runner)?;
        self.io.hand_over();
        // A borrower whose queue may have what it waits for does not poll for more.
        if matches!(runner, Runner::Borrower(_)) && self.io.handle.leadership().is_notified() {
            return Ok(());
        }
        self.poll(runner);
        self.serve(runner)?;
        self.keep_time(runner)?;
        self.take_accepted(runner)
    }

    /// Whether sockets are ready that have not been served, because the time of a borrowed round was over.
    fn has_unserved(&self) -> bool {
        self.served < self.ready.len()
    }

    /// A borrower checks its queue when notified, and its timeout, however much there is to read.
    fn is_over(&self, runner: Runner) -> bool {
        matches!(runner, Runner::Borrower(_))
            && (self.io.handle.leadership().is_notified() || self.io.now.elapsed() >= BORROWED_ROUND)
    }

    /// Whether the runner may do what comes next.
    fn may(&mut self, runner: Runner, plain_io: bool) -> bool {
        self.needs_io_thread |= !plain_io;
        plain_io || matches!(runner, Runner::Thread)
    }

    fn obey(&mut self, runner: Runner) -> Result<(), Halt> {
        // The commands that are here now: hosts that send all the time must not keep the loop from its sockets, nor must a
        // broadcast to everybody.
        let mut left = self.mail.len() + usize::from(self.deferred.is_some());
        loop {
            for _ in 0..left.min(COMMANDS) {
                let Some(mail) = self.deferred.take().or_else(|| self.mail.try_recv().ok()) else { return Ok(()) };
                if !self.may(runner, self.table.is_plain_io_mail(&mail)) {
                    self.deferred = Some(mail);
                    return Err(Halt::NeedsIoThread);
                }
                if matches!(mail, Mail::Command(Command::Stop)) {
                    self.table.stop(&mut self.io);
                    return Err(Halt::Stopped);
                }
                self.table.mail(&mut self.io, mail);
            }
            left = left.saturating_sub(COMMANDS);
            if left == 0 || self.io.now.elapsed() >= COMMANDS_BUDGET {
                return Ok(());
            }
        }
    }

    fn serve(&mut self, runner: Runner) -> Result<(), Halt> {
        while let Some(event) = self.ready.get(self.served).copied() {
            if !self.may(runner, self.table.is_plain_io(event.token / TOKENS)) {
                return Err(Halt::NeedsIoThread);
            }
            self.served += 1;
            self.table.ready(&mut self.io, &event);
            if self.is_over(runner) {
                break;
            }
        }
        Ok(())
    }

    /// Connections that used up their turn go on in their order, however many they are, until [`REQUEUE_BUDGET`] is
    /// spent; a connection with little to read is not among them, and never waits for more than that.
    fn resume_requeued(&mut self, runner: Runner) -> Result<(), Halt> {
        if self.io.requeued.is_empty() {
            return Ok(());
        }
        let begun = CompactInstant::now();
        for _ in 0..self.io.requeued.len() {
            let Some(slot) = self.io.requeued.front().map(|slot| *slot as usize) else { break };
            if !self.may(runner, self.table.is_plain_io(slot)) {
                return Err(Halt::NeedsIoThread);
            }
            self.io.requeued.pop_front();
            self.io.budget = Budget::FULL;
            self.table.resume_turn(&mut self.io, slot);
            if begun.elapsed() >= REQUEUE_BUDGET {
                break;
            }
        }
        self.io.budget = Budget::FULL;
        Ok(())
    }

    fn poll(&mut self, runner: Runner) {
        let io = &mut self.io;
        // A listener that has just started may have accepted connections already.
        let busy = !io.requeued.is_empty() || !io.commands.is_empty();
        let poll_time = if busy || !io.handle.leadership().begin_poll(|| self.mail.is_empty()) {
            Some(Duration::ZERO)
        } else {
            let due = io.next_due().map(|due| due.saturating_duration_since(CompactInstant::now()));
            let timeout = if let Runner::Borrower(timeout) = runner { timeout } else { None };
            due.into_iter().chain(timeout).min()
        };
        self.served = 0;
        if io.reactor.poll(poll_time, &mut self.ready).is_err() {
            self.ready.clear();
        }
        io.handle.leadership().end_poll();
        io.now = CompactInstant::now();
    }

    /// Timers and alarms.
    fn keep_time(&mut self, runner: Runner) -> Result<(), Halt> {
        if self.io.next_due().is_none_or(|due| due > self.io.now) {
            return Ok(());
        }
        if !self.may(runner, false) {
            return Err(Halt::NeedsIoThread);
        }
        while let Some((token, stamp)) = self.io.timers.pop_due(self.io.now) {
            self.table.timer(&mut self.io, token, stamp);
        }
        self.io.fire_alarms();
        Ok(())
    }

    /// Adopts the connections that a listener has accepted in this round.
    fn take_accepted(&mut self, runner: Runner) -> Result<(), Halt> {
        if !self.may(runner, self.io.commands.is_empty()) {
            return Err(Halt::NeedsIoThread);
        }
        for command in std::mem::take(&mut self.io.commands) {
            self.table.command(&mut self.io, command);
        }
        Ok(())
    }
}

impl Rounds for EventLoop {
    fn has_work(&self) -> bool {
        !self.mail.is_empty() || self.has_unserved()
    }

    fn round_for_host(&mut self, timeout: Option<Duration>) -> bool {
        self.round(Runner::Borrower(timeout)).is_ok()
    }
}

/// What the rooms below do not know of an I/O thread.
impl Backend for IoThread {
    type Command = Command;
    type Loop = EventLoop;
}
