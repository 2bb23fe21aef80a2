//! Readiness of sockets, one set per I/O thread.

use mio::{Events, Poll, Token};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

/// The waker's own token; no socket gets it.
const WAKER: Token = Token(usize::MAX);
const EVENTS: usize = 1024;

/// What happened to a socket.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    pub token: usize,
    pub readable: bool,
    pub writable: bool,
    /// The peer has closed its side, or the socket failed.
    pub read_closed: bool,
}

/// Waits for readiness. Edge-triggered: read and write until `WouldBlock`, or be sure that nothing is left.
pub struct Reactor {
    poll: Poll,
    events: Events,
    waker: Waker,
}

/// Ends a poll from any thread.
#[derive(Clone)]
pub struct Waker(Arc<mio::Waker>);

impl Waker {
    pub fn wake(&self) {
        // Fails only when the counter of pending wake-ups is full, and then the loop is awake anyway.
        let _ = self.0.wake();
    }
}

impl Reactor {
    pub fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker(Arc::new(mio::Waker::new(poll.registry(), WAKER)?));
        Ok(Self { poll, events: Events::with_capacity(EVENTS), waker })
    }

    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    pub(super) fn registry(&self) -> &mio::Registry {
        self.poll.registry()
    }

    /// Waits until something is ready, a waker wakes or the time is over (`None`: without limit), and replaces `ready`.
    pub fn poll(&mut self, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()> {
        ready.clear();
        match self.poll.poll(&mut self.events, timeout) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error),
        }
        let sockets = self.events.iter().filter(|event| event.token() != WAKER);
        ready.extend(sockets.map(|event| Ready {
            token: event.token().0,
            readable: event.is_readable(),
            writable: event.is_writable(),
            read_closed: event.is_read_closed() || event.is_error(),
        }));
        Ok(())
    }
}
