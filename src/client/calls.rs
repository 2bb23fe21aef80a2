//! A client's calls that connect, send, receive and wait.

use super::reconnect::RetryState;
use super::{Client, Phase, State};
use crate::engine::{
    Body, CloseInfo, Command, Connection, Deadline, Event, Outcome, Reason, Wait, Want, lock, refuse_on_io_thread, wait,
};
use crate::error::{Error, Id, Result};
use crate::net::{TlsIdentity, TlsSources};
use crate::ws::{Message, MessageCow, ServerAnswer, Target, check_close, check_header};
use std::sync::Arc;

impl Client {
    /// Connects and shakes hands; blocks until decided, at most `ConnectTimeout`.
    pub fn connect(&self, url: &str) -> Result<()> {
        let _inside = self.enter()?;
        refuse_on_io_thread("connect")?;
        let attempt = self.begin(url, false)?;
        let mut state = lock(&self.shared.state);
        // The I/O thread keeps the deadline, and `Disconnect` and destruction end the attempt.
        while state.attempt == attempt && state.phase == Phase::Connecting {
            state = wait(&self.shared.changed, state, Deadline::Never).0;
        }
        match state.failure.clone() {
            Some(error) if state.attempt == attempt => Err(error),
            _ if state.attempt != attempt => Err(Error::of(Id::Cancelled)),
            _ => Ok(()),
        }
    }

    /// The same without waiting: the outcome is an event and the status.
    pub fn begin_connect(&self, url: &str) -> Result<()> {
        let _inside = self.enter()?;
        self.begin(url, true).map(|_| ())
    }

    fn begin(&self, url: &str, announce: bool) -> Result<u64> {
        let shared = &self.shared;
        let check = |state: &State| match state.phase {
            Phase::Open if state.peer_closes => Err(Error::of(Id::Connecting)),
            Phase::Open => Err(Error::of(Id::AlreadyConnected)),
            Phase::Connecting | Phase::Closing | Phase::Reconnecting => Err(Error::of(Id::Connecting)),
            Phase::Closed if state.cancelled => Err(Error::of(Id::Cancelled)),
            Phase::Closed => Ok(()),
        };
        check(&lock(&shared.state))?;
        let target = Target::parse(url)?;
        let io = lock(&self.runtime).as_ref().ok_or_else(|| Error::of(Id::Cancelled))?.io()?;
        let mut state = lock(&shared.state);
        check(&state)?;
        let connection = Connection::new(io);
        state.phase = Phase::Connecting;
        state.broken = false;
        state.attempt += 1;
        state.announce = announce;
        state.failure = None;
        state.answer = ServerAnswer::default();
        state.redirected_to = None;
        state.connection = Some(connection.clone());
        state.live.push(connection.clone());
        state.target = Some(target.clone());
        state.retry = RetryState::first();
        state.last = CloseInfo { code: 0, reason: Reason::none(), clean: false };
        let attempt = state.attempt;
        shared.inbox.clear_for_next();
        shared.inbox.set_live(true);
        let plan = Box::new(shared.plan(&state, target));
        connection.post(Command::Dial { connection: connection.clone(), owner: shared.clone(), plan });
        Ok(attempt)
    }

    /// Sends what is queued and closes; true when everything was written and the close was clean.
    /// Inside an event handler the close is only started.
    pub fn disconnect(&self, code: u16, reason: &str) -> Result<bool> {
        let _inside = self.enter()?;
        check_close(code, reason)?;
        self.shared.disconnect(code, reason)
    }

    /// Ends the connection at once, without a close handshake, and all attempts; what is queued is dropped. Inside an
    /// event handler the end is only started.
    pub fn abort(&self) -> Result<()> {
        let _inside = self.enter()?;
        self.shared.abort()
    }

    pub fn send<'a>(&self, message: impl Into<MessageCow<'a>>) -> Result<()> {
        let _inside = self.enter()?;
        self.shared.send(message.into())
    }

    /// The next message, discarding other events before it.
    pub fn receive(&self, timeout: Wait) -> Result<Outcome<Message>> {
        refuse_on_io_thread("receive")?;
        if let Some(Event { body: Body::Message(message), .. }) = self.shared.inbox.receive_now(Want::Message) {
            return Ok(Outcome::Got(message));
        }
        let _inside = self.enter()?;
        Ok(match self.shared.inbox.receive(Want::Message, timeout)? {
            Outcome::Got(Event { body: Body::Message(message), .. }) => Outcome::Got(message),
            Outcome::Got(_) | Outcome::Timeout => Outcome::Timeout,
            Outcome::Closed => Outcome::Closed,
        })
    }

    pub fn receive_event(&self, timeout: Wait) -> Result<Outcome<Event>> {
        let _inside = self.enter()?;
        refuse_on_io_thread("receive_event")?;
        self.shared.inbox.receive(Want::Any, timeout)
    }

    /// Round trip in milliseconds.
    pub fn ping(&self, timeout: Wait) -> Result<i64> {
        let _inside = self.enter()?;
        refuse_on_io_thread("ping")?;
        self.shared.open_connection()?.ping(timeout)
    }

    /// What the client shows from the next connect on when a server asks for a certificate; without one: nothing.
    pub fn set_client_certificate(&self, sources: &TlsSources) -> Result<()> {
        let _inside = self.enter()?;
        let identity = match sources.is_empty() {
            true => None,
            false => {
                let workers = lock(&self.runtime).as_ref().ok_or_else(|| Error::of(Id::Cancelled))?.workers()?;
                let (blocking_calls, sources) = (&self.shared.blocking_calls, sources.clone());
                Some(Arc::new(blocking_calls.run(blocking_calls.generation(), &workers, move || sources.load())?))
            }
        };
        self.set_identity(identity);
        Ok(())
    }

    pub(super) fn set_identity(&self, identity: Option<Arc<TlsIdentity>>) {
        let before = std::mem::replace(&mut lock(&self.shared.state).identity, identity);
        if let (Some(before), Some(runtime)) = (before, lock(&self.runtime).as_ref()) {
            runtime.discard(before);
        }
    }

    /// A header of the next handshake; an empty value removes it.
    pub fn set_header(&self, name: &str, value: &str) -> Result<()> {
        let _inside = self.enter()?;
        check_header(name, value)?;
        let mut state = lock(&self.shared.state);
        let found = state.headers.iter().position(|(other, _)| other.eq_ignore_ascii_case(name));
        match (found, value.is_empty()) {
            (Some(at), true) => {
                state.headers.remove(at);
            }
            (Some(at), false) => value.clone_into(&mut state.headers[at].1),
            (None, true) => {}
            (None, false) => state.headers.push((name.to_owned(), value.to_owned())),
        }
        Ok(())
    }
}
