//! A listener on its I/O thread.

use crate::engine::io::{Acceptor, Command, TOKENS, ThreadContext};
use crate::net::Listener;
use std::sync::Arc;
use std::time::Duration;

/// Connections accepted in one turn, so that a flood of them does not hold up the others.
const ACCEPTS_PER_TURN: usize = 64;
/// After a failed accept (no descriptors left) the next try waits this long.
const PAUSE: Duration = Duration::from_millis(50);

pub struct Listening {
    listener: Listener,
    acceptor: Arc<dyn Acceptor>,
    serial: u64,
    token: usize,
    registered: bool,
    /// A timer for the next try is set.
    paused: bool,
}

impl Listening {
    pub fn new(listener: Listener, acceptor: Arc<dyn Acceptor>, serial: u64) -> Self {
        Self { listener, acceptor, serial, token: 0, registered: false, paused: false }
    }

    pub fn serial(&self) -> u64 {
        self.serial
    }

    pub fn start(&mut self, io: &mut ThreadContext, token: usize) {
        self.token = token;
        self.accept(io);
    }

    /// A timer has fired.
    pub fn retry(&mut self, io: &mut ThreadContext, serial: u64) {
        if serial == self.serial {
            self.paused = false;
            self.accept(io);
        }
    }

    /// Accepts what waits. Readiness is edge-triggered: a turn that stops early must be requeued.
    pub fn accept(&mut self, io: &mut ThreadContext) {
        if !self.registered {
            if self.listener.register(&io.reactor, self.token).is_err() {
                return self.try_later(io);
            }
            self.registered = true;
        }
        for _ in 0..ACCEPTS_PER_TURN {
            match self.listener.accept() {
                Ok((stream, address)) => {
                    if let Some(connection) = self.acceptor.accept(address) {
                        let owner = self.acceptor.clone().owner();
                        let tls = self.acceptor.tls();
                        let target = connection.io.clone();
                        let adopt = Command::Adopt { connection, owner, stream: Box::new(stream), tls };
                        if target.is(&io.handle) {
                            io.commands.push(adopt);
                        } else {
                            target.post(adopt);
                        }
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                // The peer has closed the connection already.
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return self.try_later(io),
            }
        }
        io.requeued.push_back((self.token / TOKENS) as u32);
    }

    fn try_later(&mut self, io: &mut ThreadContext) {
        // One timer at a time: every connection that cannot be accepted makes the socket ready again.
        if !std::mem::replace(&mut self.paused, true) {
            io.timers.set(io.now + PAUSE, self.token, self.serial);
        }
    }

    pub fn close(self, io: &ThreadContext) {
        let Self { listener, acceptor, .. } = self;
        listener.close(&io.reactor);
        acceptor.closed();
    }
}
