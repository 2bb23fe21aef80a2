//! The loop of an I/O thread: commands, readiness and timers to the drivers; what they received to the queues.

use super::command::Command;
use super::io_thread::Io;
use super::runtime::IoHandle;
use super::table::Table;
use crate::net::{Moment, Reactor, Ready};
use crossbeam_channel::Receiver;
use std::time::Duration;

/// What those who go on where their last turn stopped may take of one round, but for the one who exceeds it.
const GOING_ON: Duration = Duration::from_micros(500);

/// See the module's page.
pub(super) struct EventLoop {
    io: Io,
    table: Table,
    commands: Receiver<Command>,
    ready: Vec<Ready>,
}

/// The thread is told to stop; everything has been ended.
pub(super) struct Stopped;

impl EventLoop {
    pub fn new(reactor: Reactor, handle: IoHandle, commands: Receiver<Command>) -> Box<Self> {
        let io = Io::new(reactor, handle);
        Box::new(Self { io, table: Table::default(), commands, ready: Vec::new() })
    }

    /// Does what there is to do, waits for more and does that.
    pub fn round(&mut self) -> Result<(), Stopped> {
        self.io.now = Moment::now();
        self.io.shaking = Duration::ZERO;
        self.obey()?;
        self.go_on();
        self.io.hand_over();
        self.poll();
        for event in &self.ready {
            self.table.ready(&mut self.io, event);
        }
        while let Some((token, stamp)) = self.io.timers.pop_due(self.io.now) {
            self.table.timer(&mut self.io, token, stamp);
        }
        self.io.ring_alarms();
        for command in std::mem::take(&mut self.io.commands) {
            self.table.command(&mut self.io, command);
        }
        self.io.hand_over();
        Ok(())
    }

    fn obey(&mut self) -> Result<(), Stopped> {
        // Those that are here now: hosts that send all the time must not keep the loop from its sockets.
        for _ in 0..self.commands.len() {
            let Ok(command) = self.commands.try_recv() else { break };
            if matches!(command, Command::Stop) {
                self.table.stop(&mut self.io);
                return Err(Stopped);
            }
            self.table.command(&mut self.io, command);
        }
        Ok(())
    }

    /// Those who had more than a turn allows go on in their order, however many they are, for a part of the round; who
    /// has little to say is not among them, and never waits for more than that.
    fn go_on(&mut self) {
        let begun = Moment::now();
        for _ in 0..self.io.again.len() {
            let Some(slot) = self.io.again.pop_front() else { break };
            self.table.again(&mut self.io, slot);
            if begun.elapsed() >= GOING_ON {
                break;
            }
        }
    }

    fn poll(&mut self) {
        let io = &mut self.io;
        // A listener that has just started may have found newcomers already.
        let busy = !io.again.is_empty() || !io.commands.is_empty();
        let timeout = if busy || !io.handle.fall_asleep(&self.commands) {
            Some(Duration::ZERO)
        } else {
            io.next_due().map(|due| due.saturating_duration_since(Moment::now()))
        };
        if io.reactor.poll(timeout, &mut self.ready).is_err() {
            self.ready.clear();
        }
        io.handle.wake_up();
        io.now = Moment::now();
    }
}
