//! The client object: at most one connection at a time.

use crate::engine::{
    Body, Command, Connection, Deadline, DialPlan, End, Ending, Event, Gate, Handler, Inbox, Inside, Lease, Outcome,
    Owner, Reason, Totals, Wait, Want, Watchable, lock, refuse_on_io_thread, wait,
};
use crate::error::{Error, Id, Language, Result};
use crate::options::{Opt, Options, Side, list};
use crate::ws::{Message, Target, check_close, check_header};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::time::Duration;

/// Beyond `CloseTimeout`, how long a call trusts the I/O thread to report the end.
const GRACE: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Never connected, or ended.
    Closed,
    Connecting,
    Open,
    Closing,
}

struct State {
    phase: Phase,
    /// The last connection, or the last attempt, failed.
    broken: bool,
    /// Counts attempts, so that a call knows whether the state it sees is of its own.
    attempt: u64,
    /// An attempt of `begin_connect` tells its failure as an event.
    announce: bool,
    failure: Option<Error>,
    connection: Option<Arc<Connection>>,
    /// The connections, ended ones too, that the I/O thread still holds.
    live: Vec<Arc<Connection>>,
    url: String,
    last: Ending,
    /// The last end was clean and everything was written.
    complete: bool,
    headers: Vec<(String, String)>,
    cancelled: bool,
}

/// A client. Every method may be called from any thread at any time.
pub struct Client {
    shared: Arc<Shared>,
    lease: Mutex<Option<Lease>>,
}

struct Shared {
    gate: Gate,
    options: Arc<Options>,
    inbox: Arc<Inbox>,
    state: Mutex<State>,
    changed: Condvar,
    totals: Totals,
    connects: AtomicU64,
}

impl Client {
    /// Makes a client and starts the I/O threads if it is the first object.
    pub fn new() -> Result<Arc<Self>> {
        refuse_on_io_thread("new")?;
        let options = Arc::new(Options::new(Side::Client));
        let last = Ending { code: 0, reason: Reason::none(), clean: false };
        let shared = Arc::new(Shared {
            gate: Gate::default(),
            inbox: Inbox::new(options.clone(), 1),
            options,
            state: Mutex::new(State {
                phase: Phase::Closed,
                broken: false,
                attempt: 0,
                announce: false,
                failure: None,
                connection: None,
                live: Vec::new(),
                url: String::new(),
                last,
                complete: false,
                headers: Vec::new(),
                cancelled: false,
            }),
            changed: Condvar::new(),
            totals: Totals::default(),
            connects: AtomicU64::new(0),
        });
        let weak: Weak<Shared> = Arc::downgrade(&shared);
        shared.options.on_change(move |option| {
            if let Some(shared) = weak.upgrade() {
                shared.option_changed(option);
            }
        });
        let lease = Lease::acquire()?;
        Ok(Arc::new(Self { shared, lease: Mutex::new(Some(lease)) }))
    }

    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    fn enter(&self) -> Result<Inside<'_>> {
        self.shared.gate.enter()
    }

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
            Phase::Open => Err(Error::of(Id::AlreadyConnected)),
            Phase::Connecting | Phase::Closing => Err(Error::of(Id::Connecting)),
            Phase::Closed if state.cancelled => Err(Error::of(Id::Cancelled)),
            Phase::Closed => Ok(()),
        };
        check(&lock(&shared.state))?;
        let target = Target::parse(url)?;
        let io = lock(&self.lease).as_ref().ok_or_else(|| Error::of(Id::Cancelled))?.io()?;
        let mut state = lock(&shared.state);
        check(&state)?;
        let connection = Connection::new(io);
        state.phase = Phase::Connecting;
        state.broken = false;
        state.attempt += 1;
        state.announce = announce;
        state.failure = None;
        state.connection = Some(connection.clone());
        state.live.push(connection.clone());
        state.url.clone_from(&target.shown);
        state.last = Ending { code: 0, reason: Reason::none(), clean: false };
        let attempt = state.attempt;
        shared.inbox.clear();
        shared.inbox.set_live(true);
        let protocols = list(&shared.options.text(Opt::Protocols)).map(str::to_owned).collect();
        let plan = Box::new(DialPlan { target, headers: state.headers.clone(), protocols });
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

    pub fn send(&self, message: Message) -> Result<()> {
        let _inside = self.enter()?;
        let connection = self.shared.open_connection()?;
        self.shared.send(&connection, message)
    }

    /// The next message, discarding other events before it.
    pub fn receive(&self, patience: Wait) -> Result<Outcome<Message>> {
        let _inside = self.enter()?;
        refuse_on_io_thread("receive")?;
        Ok(match self.shared.inbox.receive(Want::Message, patience)? {
            Outcome::Got(Event { body: Body::Message(message), .. }) => Outcome::Got(message),
            Outcome::Got(_) | Outcome::Timeout => Outcome::Timeout,
            Outcome::Closed => Outcome::Closed,
        })
    }

    pub fn receive_event(&self, patience: Wait) -> Result<Outcome<Event>> {
        let _inside = self.enter()?;
        refuse_on_io_thread("receive_event")?;
        self.shared.inbox.receive(Want::Any, patience)
    }

    /// Round trip in milliseconds.
    pub fn ping(&self, patience: Wait) -> Result<i64> {
        let _inside = self.enter()?;
        refuse_on_io_thread("ping")?;
        self.shared.open_connection()?.ping(patience)
    }

    /// Sends a JSON object and returns the message that answers it. An empty `reply_field` is `id_field`.
    pub fn request(&self, text: &str, patience: Wait, id_field: &str, reply_field: &str) -> Result<Message> {
        let _inside = self.enter()?;
        refuse_on_io_thread("request")?;
        let mut value: Value =
            serde_json::from_str(text).map_err(|error| Error::of(Id::RequestNotObject).detail(error))?;
        let object = value.as_object_mut().ok_or_else(|| Error::of(Id::RequestNotObject))?;
        let connection = self.shared.open_connection()?;
        if connection.is_paused() {
            return Err(Error::of(Id::ReadingPaused));
        }
        let (id, text) = match object.get(id_field) {
            // Sent as it was written, to the byte.
            Some(id) => (id.clone(), text.to_owned()),
            None => {
                let id = Value::from(format!("{}-{}", std::process::id(), crate::engine::serial()));
                object.insert(id_field.to_owned(), id.clone());
                (id, value.to_string())
            }
        };
        let field = if reply_field.is_empty() { id_field } else { reply_field };
        let pending = self.shared.inbox.expect(field, id)?;
        if let Err(error) = self.shared.send(&connection, Message::from_string(text)) {
            self.shared.inbox.forget_request(&pending);
            return Err(error);
        }
        self.shared.inbox.await_reply(&pending, patience)
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

    /// 1 open, −1 failed or broken, 0 otherwise.
    pub fn status(&self) -> i32 {
        let state = lock(&self.shared.state);
        match state.phase {
            Phase::Open => 1,
            Phase::Closed if state.broken => -1,
            Phase::Closed | Phase::Connecting | Phase::Closing => 0,
        }
    }

    /// 0 connecting, 1 open, 2 closing, 3 closed: as in HTML's WebSocket.
    pub fn ready_state(&self) -> i32 {
        match lock(&self.shared.state).phase {
            Phase::Connecting => 0,
            Phase::Open => 1,
            Phase::Closing => 2,
            Phase::Closed => 3,
        }
    }

    /// The URL connected to, without userinfo, query and fragment; empty when not connected.
    pub fn server(&self) -> String {
        let state = lock(&self.shared.state);
        if state.phase == Phase::Open { state.url.clone() } else { String::new() }
    }

    /// Bytes accepted by `send` and not yet taken by the kernel.
    pub fn buffered_amount(&self) -> u64 {
        self.shared.current().map_or(0, |connection| connection.outbox.waiting().1 as u64)
    }

    /// Messages received and not yet taken.
    pub fn queued(&self) -> u64 {
        self.shared.inbox.queued() as u64
    }

    pub fn protocol(&self) -> String {
        self.shared.info(|info| info.protocol.clone())
    }

    pub fn extensions(&self) -> String {
        self.shared.info(|info| info.extensions.clone())
    }

    pub fn close_code(&self) -> u16 {
        lock(&self.shared.state).last.code
    }

    pub fn close_reason(&self, language: Language) -> String {
        lock(&self.shared.state).last.reason.text(language).into_owned()
    }

    /// JSON.
    pub fn statistics(&self) -> String {
        let connection = self.shared.current();
        let mut value = self.shared.totals.json(connection.iter(), &self.shared.inbox);
        let open = lock(&self.shared.state).phase == Phase::Open;
        value["connects"] = json!(self.shared.connects.load(Relaxed));
        value["reconnects"] = json!(0);
        value["connections"] = json!(u64::from(open));
        value.to_string()
    }

    /// Events go to `handler` on the I/O thread instead of the queue; `None` takes it away and waits until it is over.
    pub fn set_handler(&self, handler: Option<Handler>) -> Result<()> {
        let _inside = self.enter()?;
        if self.shared.inbox.set_handler(handler)? {
            let io = lock(&self.lease).as_ref().ok_or_else(|| Error::of(Id::Cancelled))?.io()?;
            io.post(Command::Dispatch(self.shared.inbox.clone()));
        }
        Ok(())
    }

    /// What `wait_any` waits for.
    pub fn watchable(&self) -> Watchable {
        Watchable::new(&self.shared.inbox)
    }

    /// Ends the object: wakes every call, waits until all host threads have left, closes with 1001 within
    /// `CloseTimeout`. When it returns nothing of ours works for it. Every later call fails with CANCELLED.
    pub fn shut_down(&self) -> Result<()> {
        refuse_on_io_thread("free")?;
        let shared = &self.shared;
        if !shared.gate.close() {
            return Err(Error::of(Id::Cancelled));
        }
        lock(&shared.state).cancelled = true;
        shared.changed.notify_all();
        shared.inbox.cancel();
        if let Some(connection) = shared.current() {
            connection.cancel_pings();
            // Ends a `send` that waits for room; what was accepted still goes out.
            connection.outbox.finish();
            if lock(&shared.state).phase == Phase::Connecting {
                shared.cancel_attempt(&connection);
            }
        }
        shared.gate.wait_empty();
        // The queue is no longer read: its messages must not hold the connection back.
        shared.inbox.clear();
        let _ = shared.disconnect(1001, "");
        shared.wait_gone();
        let _ = shared.inbox.set_handler(None);
        shared.inbox.clear();
        // Joins the I/O threads if this was the last object.
        let lease = lock(&self.lease).take();
        drop(lease);
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.shut_down();
    }
}

impl Shared {
    fn current(&self) -> Option<Arc<Connection>> {
        lock(&self.state).connection.clone()
    }

    fn open_connection(&self) -> Result<Arc<Connection>> {
        let state = lock(&self.state);
        match (state.phase, &state.connection) {
            (Phase::Open, Some(connection)) => Ok(connection.clone()),
            _ => Err(Error::of(Id::NotConnected)),
        }
    }

    fn info(&self, read: impl FnOnce(&crate::engine::Info) -> String) -> String {
        self.open_connection().ok().and_then(|connection| connection.info().map(read)).unwrap_or_default()
    }

    fn send(&self, connection: &Arc<Connection>, message: Message) -> Result<()> {
        let patience = crate::engine::patience(self.options.int(Opt::SendTimeout));
        connection.send(message, || self.options.size(Opt::SendQueueBytes), patience)
    }

    fn option_changed(&self, option: Opt) {
        if let Some(connection) = self.current() {
            connection.option_changed(option, &self.inbox);
        }
    }

    /// Gives up an attempt that has not opened.
    fn cancel_attempt(&self, connection: &Arc<Connection>) {
        let mut state = lock(&self.state);
        let own = state.connection.as_ref().is_some_and(|current| Arc::ptr_eq(current, connection));
        if own && state.phase == Phase::Connecting {
            state.phase = Phase::Closed;
            state.broken = false;
            state.failure = Some(Error::of(Id::Cancelled));
            state.connection = None;
            connection.abort();
            self.inbox.set_live(false);
            self.settled(state, false);
        }
    }

    fn disconnect(&self, code: u16, reason: &str) -> Result<bool> {
        let mut state = lock(&self.state);
        let Some(connection) = state.connection.clone() else { return Ok(false) };
        match state.phase {
            Phase::Closed => return Ok(false),
            Phase::Connecting => {
                drop(state);
                self.cancel_attempt(&connection);
                return Ok(false);
            }
            Phase::Open => {
                state.phase = Phase::Closing;
                self.inbox.release_waiters();
                drop(state);
                connection.cancel_pings();
                connection.close(code, reason, true);
                state = lock(&self.state);
            }
            // The same end, but a shorter CloseTimeout counts from now.
            Phase::Closing => connection.close(code, reason, true),
        }
        if crate::engine::on_io_thread() {
            return Ok(true);
        }
        let (attempt, closed) = (state.attempt, self.gate.is_closed());
        let limit = Duration::from_millis(self.options.int(Opt::CloseTimeout).unsigned_abs()) + GRACE;
        let deadline = Deadline::of(Wait::For(limit));
        while state.attempt == attempt && state.phase == Phase::Closing {
            if state.cancelled && !closed {
                return Err(Error::of(Id::Cancelled));
            }
            let (guard, in_time) = wait(&self.changed, state, deadline);
            state = guard;
            if !in_time {
                drop(state);
                connection.abort();
                return Ok(false);
            }
        }
        Ok(state.attempt == attempt && state.complete)
    }

    /// Waits until the I/O thread has let go of every connection; those that only wait for the peer's FIN do not.
    fn wait_gone(&self) {
        let mut state = lock(&self.state);
        state.live.iter().for_each(Connection::abort);
        while !state.live.is_empty() {
            state = wait(&self.changed, state, Deadline::Never).0;
        }
    }

    /// The state has changed, and the queue with it, under one lock: whoever sees the new state and connects again must
    /// not meet what the old connection leaves behind. Only then the handler runs and waiting calls look again.
    fn settled(&self, state: MutexGuard<'_, State>, handler: bool) {
        drop(state);
        if handler {
            self.inbox.dispatch();
        }
        self.changed.notify_all();
    }

    fn is_current(state: &State, connection: &Arc<Connection>) -> bool {
        state.connection.as_ref().is_some_and(|current| Arc::ptr_eq(current, connection))
    }
}

impl Owner for Shared {
    fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    fn options(&self) -> &Options {
        &self.options
    }

    fn opened(&self, connection: &Arc<Connection>) -> bool {
        let mut state = lock(&self.state);
        if !Self::is_current(&state, connection) || state.phase != Phase::Connecting {
            return false;
        }
        state.phase = Phase::Open;
        self.connects.fetch_add(1, Relaxed);
        let info = connection.info();
        let open = json!({
            "url": state.url,
            "protocol": info.map_or("", |info| &info.protocol),
            "extensions": info.map_or("", |info| &info.extensions),
            "attempt": 1,
        });
        let handler = self.inbox.add(Some(connection), Body::Open(open.to_string()));
        self.settled(state, handler);
        true
    }

    fn failed(&self, connection: &Arc<Connection>, error: &Error) {
        let mut state = lock(&self.state);
        if !Self::is_current(&state, connection) || state.phase != Phase::Connecting {
            return;
        }
        state.phase = Phase::Closed;
        state.broken = true;
        state.failure = Some(error.clone());
        state.connection = None;
        let handler = state.announce && self.inbox.add(None, Body::Error(error.clone()));
        self.inbox.set_live(false);
        self.settled(state, handler);
    }

    fn ended(&self, connection: &Arc<Connection>, end: &End) {
        self.totals.add_end(connection, end.ending.code);
        let mut state = lock(&self.state);
        if !Self::is_current(&state, connection) {
            return;
        }
        state.broken = end.broken && state.phase != Phase::Closing;
        state.phase = Phase::Closed;
        state.last = end.ending.clone();
        state.complete = end.ending.clean && end.all_written;
        state.connection = None;
        let handler = self.inbox.add(Some(connection), Body::Close(end.ending.clone()));
        self.inbox.set_live(false);
        self.settled(state, handler);
    }

    fn gone(&self, connection: &Arc<Connection>) {
        lock(&self.state).live.retain(|other| !Arc::ptr_eq(other, connection));
        self.changed.notify_all();
    }
}
