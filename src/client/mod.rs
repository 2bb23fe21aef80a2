//! The client object: at most one connection at a time.

mod absence;
mod backoff;
mod batch;
mod calls;
mod last_end;
mod link;
mod reconnect;
mod request;
mod retry_after;

use self::backoff::RetryState;
use self::last_end::LastEnd;
use crate::engine::{
    BlockingCalls, CloseInfo, Command, Connection, Gate, GateGuard, Handler, Inbox, LastFailure, Reason, RuntimeRef,
    Totals, Watchable, lock, refuse_on_io_thread,
};
use crate::error::{Error, Id, Language, Result, memory};
use crate::log::Object;
use crate::net::TlsIdentity;
use crate::options::{Options, Side};
use crate::ws::{ServerAnswer, Target};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, Weak};
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
    /// Waiting or dialling to come back.
    Reconnecting,
}

struct State {
    phase: Phase,
    /// The open connection's peer has begun to close it.
    peer_closes: bool,
    /// The last connection, or the last attempt, failed.
    broken: bool,
    /// Counts attempts, so that a call knows whether the state it sees is of its own.
    attempt: u64,
    /// An attempt of `begin_connect` tells its failure as an event.
    announce: bool,
    retry: RetryState,
    /// Why the last attempt failed, unless a connection has opened since.
    failure: Option<Error>,
    /// What the server answered to the last handshake.
    answer: ServerAnswer,
    connection: Option<Arc<Connection>>,
    /// The connections, ended ones too, that the I/O thread still holds.
    live: Vec<Arc<Connection>>,
    target: Option<Target>,
    /// Where redirects have led: it is connected to this URL, and not to the target's.
    redirected_to: Option<String>,
    last: CloseInfo,
    last_end: LastEnd,
    /// The last end was clean and everything was written.
    complete: bool,
    headers: Vec<(String, String)>,
    identity: Option<Arc<TlsIdentity>>,
    cancelled: bool,
}

/// A client. Every method may be called from any thread at any time.
pub struct Client {
    shared: Arc<Shared>,
    runtime: Mutex<Option<RuntimeRef>>,
}

struct Shared {
    gate: Gate,
    object: Object,
    options: Arc<Options>,
    inbox: Arc<Inbox>,
    state: Mutex<State>,
    changed: Condvar,
    totals: Totals,
    connects: AtomicU64,
    reconnects: AtomicU64,
    failures: LastFailure,
    /// For the commands that need an owner.
    own: Weak<Shared>,
    blocking_calls: Arc<BlockingCalls>,
}

impl Client {
    /// Makes a client and starts the I/O threads if it is the first object.
    pub fn new() -> Result<Arc<Self>> {
        refuse_on_io_thread("new")?;
        let options = Arc::new(Options::new(Side::Client));
        let last = CloseInfo { code: 0, reason: Reason::none(), clean: false };
        let shared = Arc::new_cyclic(|own| Shared {
            gate: Gate::default(),
            object: Object::client(),
            inbox: Inbox::new(options.clone(), 1),
            options,
            state: Mutex::new(State {
                phase: Phase::Closed,
                peer_closes: false,
                broken: false,
                attempt: 0,
                announce: false,
                retry: RetryState::default(),
                failure: None,
                answer: ServerAnswer::default(),
                connection: None,
                live: Vec::new(),
                target: None,
                redirected_to: None,
                last,
                last_end: LastEnd::default(),
                complete: false,
                headers: Vec::new(),
                identity: None,
                cancelled: false,
            }),
            changed: Condvar::new(),
            totals: Totals::default(),
            connects: AtomicU64::new(0),
            reconnects: AtomicU64::new(0),
            failures: LastFailure::default(),
            own: own.clone(),
            blocking_calls: Arc::default(),
        });
        let weak = shared.own.clone();
        shared.options.on_change(move |option| {
            if let Some(shared) = weak.upgrade() {
                shared.option_changed(option);
            }
        });
        let runtime = RuntimeRef::acquire()?;
        Ok(Arc::new(Self { shared, runtime: Mutex::new(Some(runtime)) }))
    }

    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    fn enter(&self) -> Result<GateGuard<'_>> {
        self.shared.gate.enter()
    }

    /// 1 open, −1 failed, broken or reconnecting, 0 otherwise.
    pub fn status(&self) -> i32 {
        let state = lock(&self.shared.state);
        match state.phase {
            Phase::Open => i32::from(!state.peer_closes),
            Phase::Reconnecting => -1,
            Phase::Closed if state.broken => -1,
            Phase::Closed | Phase::Connecting | Phase::Closing => 0,
        }
    }

    /// 0 connecting or reconnecting, 1 open, 2 closing, 3 closed: as in HTML's WebSocket.
    pub fn ready_state(&self) -> i32 {
        let state = lock(&self.shared.state);
        match state.phase {
            Phase::Connecting | Phase::Reconnecting => 0,
            Phase::Open if state.peer_closes => 2,
            Phase::Open => 1,
            Phase::Closing => 2,
            Phase::Closed => 3,
        }
    }

    /// The URL connected to, without userinfo, query and fragment; empty when not connected.
    pub fn server(&self) -> String {
        let state = lock(&self.shared.state);
        if state.phase == Phase::Open { state.url().to_owned() } else { String::new() }
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
        self.shared.info(|info| info.protocol().to_owned())
    }

    pub fn extensions(&self) -> String {
        self.shared.info(|info| info.extensions().to_owned())
    }

    pub fn close_code(&self) -> u16 {
        lock(&self.shared.state).last.code
    }

    pub fn close_reason(&self, language: Language) -> String {
        lock(&self.shared.state).last.reason.text(language).into_owned()
    }

    /// The HTTP status that the server answered to the last handshake; 0: none.
    pub fn handshake_status(&self) -> u16 {
        lock(&self.shared.state).answer.status
    }

    /// The headers of that answer as JSON; empty without one.
    pub fn response_headers(&self) -> String {
        let state = lock(&self.shared.state);
        if state.answer.status == 0 { String::new() } else { state.answer.headers_json() }
    }

    /// The beginning of its body as text, where it was a refusal.
    pub fn response_body(&self) -> String {
        lock(&self.shared.state).answer.body.clone()
    }

    /// What failed last: calls, which tell it, and attempts to connect.
    pub fn last_failure(&self) -> &LastFailure {
        &self.shared.failures
    }

    /// JSON.
    pub fn statistics(&self) -> Result<String> {
        let connection = self.shared.current();
        let mut value = self.shared.totals.json(connection.iter(), self.shared.inbox.waiting());
        let open = lock(&self.shared.state).phase == Phase::Open;
        value["connects"] = json!(self.shared.connects.load(Relaxed));
        value["reconnects"] = json!(self.shared.reconnects.load(Relaxed));
        value["connections"] = json!(u64::from(open));
        memory::json(&value)
    }

    /// Events go to `handler` on the I/O thread instead of the queue; `None` takes it away and waits until it is over.
    pub fn set_handler(&self, handler: Option<Handler>) -> Result<()> {
        let _inside = self.enter()?;
        if self.shared.inbox.set_handler(handler)? {
            let io = lock(&self.runtime).as_ref().ok_or_else(|| Error::of(Id::Cancelled))?.io()?;
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
        self.begin_end()?;
        self.finish_end();
        Ok(())
    }

    /// The same without waiting, from anywhere: every call is ended, the close is on its way, no run of the handler
    /// begins any more. [`Client::finish_end`] has to follow on a thread that may wait.
    pub fn release(&self) -> Result<()> {
        self.begin_end()?;
        self.shared.inbox.drop_handler();
        self.shared.begin_close();
        Ok(())
    }

    fn begin_end(&self) -> Result<()> {
        let shared = &self.shared;
        if !shared.gate.close() {
            return Err(Error::of(Id::Cancelled));
        }
        lock(&shared.state).cancelled = true;
        shared.changed.notify_all();
        shared.inbox.cancel();
        shared.blocking_calls.close();
        if !shared.cancel_attempt(lock(&shared.state))
            && let Some(connection) = shared.current()
        {
            connection.cancel_pings();
            // Ends a `send` that waits for room; what was accepted still goes out.
            connection.outbox.finish();
        }
        Ok(())
    }

    /// Waits until nothing works for the object.
    pub fn finish_end(&self) {
        let shared = &self.shared;
        shared.gate.wait_empty();
        // The queue is no longer read: its messages must not hold the connection back.
        shared.inbox.clear();
        let _ = shared.disconnect(1001, "");
        shared.wait_released();
        let _ = shared.inbox.set_handler(None);
        shared.inbox.clear();
        self.set_identity(None);
        // Joins the I/O threads if this was the last object.
        let runtime = lock(&self.runtime).take();
        drop(runtime);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.shut_down();
    }
}
