//! The server object: one listener (on one or both address families) and its connections.

mod batch;
mod certificate;
mod ending;
mod headers;
mod inquiries;
mod lookup;
mod names;
mod owner;
mod plain;
mod policy;
mod registry;
mod running;
mod sessions;
mod takeover;
mod tls;
mod traced;

use self::certificate::Tls;
use self::headers::Headers;
use self::names::Names;
use self::registry::Registry;
pub use self::sessions::Selection;
use crate::engine::{
    BlockingCalls, Body, Command, Connection, Event, Gate, GateGuard, Handler, Inbox, IoHandle, LastFailure, Outcome,
    RuntimeRef, Totals, Wait, Want, Watchable, lock, refuse_on_io_thread, timeout,
};
use crate::error::{Error, Id, Language, Result, memory};
use crate::log::Object;
use crate::net::Place;
use crate::options::{Opt, Options, Side};
use crate::ws::{Message, MessageCow};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::{Duration, Instant};

/// Beyond `CloseTimeout`, how long a stop waits for connections that do not close.
const GRACE: Duration = Duration::from_millis(20);

/// A server. Every method may be called from any thread at any time.
pub struct Server {
    shared: Arc<Shared>,
    runtime: Mutex<Option<RuntimeRef>>,
    failures: LastFailure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Stopped,
    /// Between the check of the state and the listening sockets.
    Starting,
    Running,
    Stopping,
}

struct State {
    phase: Phase,
    /// Counts runs, so that a stop waits for the end of its own.
    run: u64,
    place: Option<Place>,
    listeners: usize,
    ios: Vec<IoHandle>,
    next_io: usize,
    registry: Registry,
    names: Names,
    /// When the sessions are looked at next.
    alarm: Option<Instant>,
    cancelled: bool,
}

struct Shared {
    me: Weak<Shared>,
    gate: Gate,
    object: Object,
    options: Arc<Options>,
    inbox: Arc<Inbox>,
    state: Mutex<State>,
    changed: Condvar,
    totals: Totals,
    assembly: AtomicUsize,
    connects: AtomicU64,
    /// Answers to plain HTTP, by status.
    plain_answers: Mutex<BTreeMap<u16, u64>>,
    blocking_calls: Arc<BlockingCalls>,
    tls: Mutex<Option<Tls>>,
    headers: Mutex<Headers>,
}

impl Server {
    /// Makes a server and starts the I/O threads if it is the first object.
    pub fn new() -> Result<Arc<Self>> {
        refuse_on_io_thread("new")?;
        let options = Arc::new(Options::new(Side::Server));
        let shared = Arc::new_cyclic(|me| Shared {
            me: me.clone(),
            gate: Gate::default(),
            object: Object::server(),
            // One connection holds at most a quarter of either bound, so that one flood does not starve the others.
            inbox: Inbox::new(options.clone(), 4),
            options,
            state: Mutex::new(State {
                phase: Phase::Stopped,
                run: 0,
                place: None,
                listeners: 0,
                ios: Vec::new(),
                next_io: 0,
                registry: Registry::default(),
                names: Names::default(),
                alarm: None,
                cancelled: false,
            }),
            changed: Condvar::new(),
            totals: Totals::default(),
            assembly: AtomicUsize::new(0),
            connects: AtomicU64::new(0),
            plain_answers: Mutex::default(),
            blocking_calls: Arc::default(),
            tls: Mutex::default(),
            headers: Mutex::default(),
        });
        let weak: Weak<Shared> = Arc::downgrade(&shared);
        shared.options.on_change(move |option| {
            if let Some(shared) = weak.upgrade() {
                shared.option_changed(option);
            }
        });
        let runtime = RuntimeRef::acquire()?;
        Ok(Arc::new(Self { shared, runtime: Mutex::new(Some(runtime)), failures: LastFailure::default() }))
    }

    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// What failed last: calls, which tell it.
    pub fn last_failure(&self) -> &LastFailure {
        &self.failures
    }

    fn enter(&self) -> Result<GateGuard<'_>> {
        self.shared.enter()
    }

    /// True: queued; false: that connection has ended. An id never issued is an error.
    pub fn send<'a>(&self, connection: u64, message: impl Into<MessageCow<'a>>) -> Result<bool> {
        self.send_within(connection, message, timeout(self.shared.options.int(Opt::SendTimeout)))
    }

    fn send_within<'a>(&self, connection: u64, message: impl Into<MessageCow<'a>>, timeout: Wait) -> Result<bool> {
        let options = &self.shared.options;
        let limit = || options.size(Opt::SendQueueBytes);
        // One that does not wait is through before the object's end can take the lock.
        let _inside = match timeout {
            Wait::No => self.shared.gate.check().map(|()| None)?,
            Wait::For(_) | Wait::Forever => Some(self.enter()?),
        };
        let outcome = match timeout {
            // Under the lock, which spares the connection's count of owners two changes a message.
            Wait::No => match lock(&self.shared.state).registry.find(connection)? {
                Some(connection) => connection.queue(message, limit, Wait::No),
                None => return Ok(false),
            },
            wait => match self.shared.find(connection)? {
                Some(connection) => connection.queue(message, limit, wait),
                None => return Ok(false),
            },
        };
        match outcome {
            Ok(pending_flush) => {
                pending_flush.post();
                Ok(true)
            }
            Err(error) if self.is_of_connection(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether a send has failed because its connection has gone; that is no error, unless the server itself goes.
    fn is_of_connection(&self, error: &Error) -> bool {
        match error.root() {
            Id::NotConnected | Id::ClosedWhileWaiting => true,
            Id::Cancelled => !self.shared.gate.is_closed(),
            _ => false,
        }
    }

    pub fn receive(&self, timeout: Wait) -> Result<Outcome<(u64, Message)>> {
        refuse_on_io_thread("receive")?;
        if let Some(Event { connection, body: Body::Message(message) }) = self.shared.inbox.receive_now(Want::Message) {
            return Ok(Outcome::Got((connection, message)));
        }
        let _inside = self.enter()?;
        Ok(match self.shared.inbox.receive(Want::Message, timeout)? {
            Outcome::Got(Event { connection, body: Body::Message(message) }) => Outcome::Got((connection, message)),
            Outcome::Got(_) | Outcome::Timeout => Outcome::Timeout,
            Outcome::Closed => Outcome::Closed,
        })
    }

    pub fn receive_event(&self, timeout: Wait) -> Result<Outcome<Event>> {
        let _inside = self.enter()?;
        refuse_on_io_thread("receive_event")?;
        self.shared.inbox.receive(Want::Any, timeout)
    }

    /// JSON; `None` when the connection has ended.
    pub fn connection_info(&self, connection: u64) -> Result<Option<String>> {
        self.shared.connection_info(connection)
    }

    /// JSON array.
    pub fn connection_list(&self) -> Result<String> {
        self.shared.connection_list()
    }

    /// Round trip in milliseconds.
    pub fn ping(&self, connection: u64, timeout: Wait) -> Result<i64> {
        let _inside = self.enter()?;
        refuse_on_io_thread("ping")?;
        let connection = self.shared.find(connection)?.ok_or_else(|| Error::of(Id::NotConnected))?;
        connection.ping(timeout)
    }

    /// The address listened on, without the port; empty when stopped.
    pub fn server(&self) -> String {
        lock(&self.shared.state).place.as_ref().map(Place::without_port).unwrap_or_default()
    }

    /// The port listened on; 0 when stopped.
    pub fn port(&self) -> u16 {
        lock(&self.shared.state).place.as_ref().map_or(0, Place::port)
    }

    /// `1: 127.0.0.1:50412 | 2: 127.0.0.1:50413`
    pub fn connections(&self) -> Result<String> {
        let all = {
            let state = lock(&self.shared.state);
            memory::collect(state.registry.count(), state.registry.open().cloned())?
        };
        let mut list = memory::Text::default();
        for (at, connection) in all.iter().enumerate() {
            let address = connection.info().and_then(|info| info.address);
            let address = address.map(|address| address.to_string()).unwrap_or_default();
            list.push(&format!("{}{}: {address}", if at == 0 { "" } else { " | " }, connection.id()))?;
        }
        Ok(list.into_string())
    }

    pub fn connection_count(&self) -> u64 {
        lock(&self.shared.state).registry.count() as u64
    }

    /// Messages received and not yet taken.
    pub fn queued(&self) -> u64 {
        self.shared.inbox.queued() as u64
    }

    /// JSON.
    pub fn statistics(&self, language: Language) -> Result<String> {
        self.shared.statistics(language)
    }

    /// What Prometheus reads.
    pub fn metrics(&self) -> Result<String> {
        self.shared.metrics()
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

    /// Ends the object: wakes every call, waits until all host threads have left, stops. When it returns nothing of
    /// ours works for it. Every later call fails with CANCELLED.
    pub fn shut_down(&self) -> Result<()> {
        refuse_on_io_thread("free")?;
        self.begin_end()?;
        self.finish_end();
        Ok(())
    }

    /// The same without waiting, from anywhere: every call is ended, the close is on its way, no run of the handler
    /// begins any more. [`Server::finish_end`] has to follow on a thread that may wait.
    pub fn release(&self) -> Result<()> {
        self.begin_end()?;
        self.shared.inbox.drop_handler();
        self.begin_stop();
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
        shared.each_live(|connection| {
            connection.cancel_pings();
            connection.outbox.finish();
        });
        Ok(())
    }

    /// Waits until nothing works for the object.
    pub fn finish_end(&self) {
        let shared = &self.shared;
        shared.gate.wait_empty();
        shared.inbox.clear();
        self.stop_now();
        let _ = shared.inbox.set_handler(None);
        shared.inbox.clear();
        self.set_tls(None);
        let runtime = lock(&self.runtime).take();
        drop(runtime);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.shut_down();
    }
}

impl Shared {
    /// A number for what this server asks of the runtime.
    fn runtime_user(&self) -> u64 {
        self.totals.serial
    }

    /// An open connection; `None` when it has ended.
    fn find(&self, id: u64) -> Result<Option<Arc<Connection>>> {
        Ok(lock(&self.state).registry.find(id)?.cloned())
    }

    /// Shows every connection whose driver lives, one by one: no list of them is made, and the lock is never held for
    /// long. One that opens or ends meanwhile may be shown twice.
    fn each_live(&self, mut show: impl FnMut(&Arc<Connection>)) {
        let mut last = Default::default();
        loop {
            let next = lock(&self.state).registry.next_live(&mut last);
            let Some(connection) = next else { break };
            show(&connection);
        }
    }

    fn option_changed(&self, option: Opt) {
        if is_bound(option) {
            return self.inbox.bounds_changed();
        }
        if acts_on_connections(option) {
            self.each_live(|connection| connection.option_changed(option));
            let mut last = None;
            loop {
                let next = lock(&self.state).names.next_absent(&mut last);
                let Some(connection) = next else { break };
                connection.option_changed(option);
            }
        }
    }
}

/// Whether it bounds the receive queue.
fn is_bound(option: Opt) -> bool {
    matches!(
        option,
        Opt::ReceiveQueueMessages | Opt::ReceiveQueueBytes | Opt::ConnectionQueueMessages | Opt::ConnectionQueueBytes
    )
}

/// Whether the open connections have to be told of it.
fn acts_on_connections(option: Opt) -> bool {
    matches!(
        option,
        Opt::PingInterval | Opt::PongTimeout | Opt::SendQueueBytes | Opt::IdleTimeout | Opt::MessagesPerSecond
    )
}
