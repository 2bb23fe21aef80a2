//! Names and groups as the host asks for them.

use super::names::{check_group, check_name};
use super::{Phase, Server, Shared, State};
use crate::engine::{Command, Connection, Wait, lock, timeout};
use crate::error::{Error, Id, Result, memory};
use crate::options::Opt;
use crate::ws::Message;
use std::sync::Arc;

/// Whom a broadcast is for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection<'a> {
    /// Empty: everybody.
    pub group: &'a str,
    /// A connection that goes without, 0: none.
    pub except: u64,
    /// One whose send queue is full goes without, instead of being closed.
    pub skip_full: bool,
}

impl Selection<'_> {
    fn excepts(&self, connection: &Connection) -> bool {
        self.except != 0 && connection.id() == self.except
    }
}

impl Server {
    /// To the connection, or the absent session, of that name; false: no connection has it.
    pub fn send_to_name(&self, name: &str, message: &Message) -> Result<bool> {
        let wait = timeout(self.shared.options.int(Opt::SendTimeout));
        self.shared.send_to_name(name, message, wait)
    }

    /// To all connections and absent sessions, or those of a group, but for one; how many it was queued for. A
    /// connection whose queue is full is closed with 1013, or goes without where `selection` says so; an absent session
    /// whose queue is full only goes without.
    pub fn broadcast(&self, message: Message, selection: &Selection<'_>) -> Result<u64> {
        self.shared.broadcast(message, selection)
    }

    /// Names a connection, with the take-over rules of the handshake; an empty name takes its name away. False: it has
    /// ended.
    pub fn set_name(&self, connection: u64, name: &str) -> Result<bool> {
        let _inside = self.enter()?;
        check_name(name)?;
        self.change(connection, |state, connection| self.shared.claim(state, connection, name))
    }

    /// False: the connection has ended.
    pub fn join_group(&self, connection: u64, group: &str) -> Result<bool> {
        let _inside = self.enter()?;
        check_group(group)?;
        self.change(connection, |state, connection| {
            state.names.join(connection, group);
            false
        })
    }

    /// False: the connection has ended.
    pub fn leave_group(&self, connection: u64, group: &str) -> Result<bool> {
        let _inside = self.enter()?;
        check_group(group)?;
        self.change(connection, |state, connection| {
            state.names.leave_group(connection.serial, group);
            false
        })
    }

    /// A step on an open connection, which tells whether a handler is to be run. False: it has ended.
    fn change(&self, id: u64, step: impl FnOnce(&mut State, &Arc<Connection>) -> bool) -> Result<bool> {
        let mut state = lock(&self.shared.state);
        let Some(connection) = state.registry.find(id)?.cloned() else { return Ok(false) };
        let dispatch = step(&mut state, &connection);
        drop(state);
        if dispatch {
            // Where a handler takes the events, it runs on the I/O thread only.
            connection.post(Command::Dispatch(self.shared.inbox.clone()));
        }
        Ok(true)
    }
}

impl Shared {
    /// To one that was found, without waiting; false: it has ended.
    pub(super) fn send_now(&self, connection: &Arc<Connection>, message: Message) -> Result<bool> {
        match connection.send(message, || self.options.size(Opt::SendQueueBytes), Wait::No) {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.root(), Id::NotConnected | Id::ClosedWhileWaiting | Id::Cancelled) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// To the connection of that name, waiting for room no longer than that.
    pub(super) fn send_to_name(&self, name: &str, message: &Message, wait: Wait) -> Result<bool> {
        let _inside = self.enter()?;
        let options = &self.options;
        let mut last = None;
        loop {
            let Some(connection) = lock(&self.state).names.find(name).cloned() else { return Ok(false) };
            if last == Some(connection.serial) {
                // It is closing just now.
                return Ok(false);
            }
            last = Some(connection.serial);
            match connection.send(message.clone(), || options.size(Opt::SendQueueBytes), wait) {
                Ok(()) => return Ok(true),
                // Taken over in between: the message is for the connection that has the name now.
                Err(error) if matches!(error.root(), Id::NotConnected | Id::ClosedWhileWaiting) => {}
                Err(error) if error.root() == Id::Cancelled && !self.gate.is_closed() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// To all, or to those of a group.
    pub(super) fn broadcast(&self, message: Message, selection: &Selection<'_>) -> Result<u64> {
        let _inside = self.enter()?;
        let message = message.for_many();
        let all = {
            let state = lock(&self.state);
            if state.phase != Phase::Running {
                return Err(Error::of(Id::NotRunning));
            }
            if selection.except != 0 {
                state.registry.check_issued(selection.except)?;
            }
            match selection.group {
                "" => {
                    let count = state.registry.count() + state.names.absent_count();
                    memory::collect(count, state.registry.open().chain(state.names.absent()).cloned())?
                }
                group => memory::collect(state.names.member_count(group), state.names.members(group).cloned())?,
            }
        };
        let mut count = 0;
        for connection in all.iter().filter(|connection| !selection.excepts(connection)) {
            count += u64::from(self.offer(connection, &message, &all, selection));
        }
        Ok(count)
    }

    /// Queues a broadcast for one connection, or for the one that has taken it over since; whether a connection has it
    /// that is not among `all`, which get it themselves.
    fn offer(
        &self,
        connection: &Arc<Connection>,
        message: &Message,
        all: &[Arc<Connection>],
        selection: &Selection<'_>,
    ) -> bool {
        let mut target = connection.clone();
        loop {
            match target.send(message.clone(), || self.options.size(Opt::SendQueueBytes), Wait::No) {
                Ok(()) => return true,
                Err(error) if error.root() == Id::QueueFull => {
                    if !selection.skip_full {
                        self.overflown(&target, error);
                    }
                    return false;
                }
                Err(_) => match target.taken_over_by() {
                    Some(successor)
                        if !all.iter().any(|other| other.serial == successor.serial)
                            && !selection.excepts(&successor) =>
                    {
                        target = successor;
                    }
                    _ => return false,
                },
            }
        }
    }
}
