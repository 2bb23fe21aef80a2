//! The thread that offers external events to the host: one for the process, while any object has them switched on.

use super::events::{Port, Turn};
use crate::engine::{Signal, Watchable, lock};
use crate::error::{Error, Id, Result};
use crate::library::{self, Thread};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A host whose queue is full is asked again after this long, and then less and less often.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

thread_local! {
    /// Without a destructor, as everything that host threads touch.
    static ON_PUMP: Cell<bool> = const { Cell::new(false) };
}

/// The thread and who is served by it.
pub(super) struct Pump {
    signal: Arc<Signal>,
    ports: Arc<Mutex<Vec<Arc<Port>>>>,
    stopped: Arc<AtomicBool>,
    thread: Thread,
}

static PUMP: Mutex<Option<Pump>> = Mutex::new(None);

/// An object's place at the pump, which it leaves with [`Subscription::leave`].
pub(super) struct Subscription {
    port: *const Port,
    watchable: Watchable,
    signal: Arc<Signal>,
}

// SAFETY: the pointer is only compared.
unsafe impl Send for Subscription {}

/// Joins the pump, which starts with the first.
pub(super) fn subscribe(port: &Arc<Port>, watchable: &Watchable) -> Result<Subscription> {
    let mut slot = lock(&PUMP);
    if slot.is_none() {
        *slot = Some(start()?);
    }
    let Some(pump) = slot.as_ref() else { return Err(Error::of(Id::Io)) };
    lock(&pump.ports).push(port.clone());
    watchable.subscribe(&pump.signal);
    pump.signal.notify();
    Ok(Subscription { port: Arc::as_ptr(port), watchable: watchable.clone(), signal: pump.signal.clone() })
}

/// Something may be there to offer.
pub(super) fn wake() {
    if let Some(pump) = lock(&PUMP).as_ref() {
        pump.signal.notify();
    }
}

impl Subscription {
    /// Leaves at once. The last one gets the pump, to end it with no lock held.
    #[must_use]
    pub fn leave(self) -> Option<Pump> {
        self.watchable.unsubscribe(&self.signal);
        let mut slot = lock(&PUMP);
        let pump = slot.as_ref()?;
        let mut ports = lock(&pump.ports);
        ports.retain(|port| !std::ptr::eq(Arc::as_ptr(port), self.port));
        let empty = ports.is_empty();
        drop(ports);
        if empty { slot.take() } else { None }
    }
}

impl Pump {
    /// Ends the thread.
    pub fn end(self) {
        self.stopped.store(true, SeqCst);
        self.signal.notify();
        if ON_PUMP.get() {
            // The host destroys its last object inside an event: the thread ends by itself right after.
            self.thread.detach();
        } else {
            self.thread.join();
        }
    }
}

fn start() -> Result<Pump> {
    let signal = Signal::new();
    let ports: Arc<Mutex<Vec<Arc<Port>>>> = Arc::default();
    let stopped = Arc::new(AtomicBool::new(false));
    let (bell, members, end) = (signal.clone(), ports.clone(), stopped.clone());
    let thread = library::spawn("websocket-event", move || {
        ON_PUMP.set(true);
        run(&bell, &members, &end);
    });
    let thread = thread.map_err(|error| Error::of(Id::Io).detail(error))?;
    Ok(Pump { signal, ports, stopped, thread })
}

fn run(signal: &Signal, ports: &Mutex<Vec<Arc<Port>>>, stopped: &AtomicBool) {
    let mut pause = FIRST_PAUSE;
    while !stopped.load(SeqCst) {
        let present = lock(ports).clone();
        let turns: Vec<Turn> = present.iter().map(|port| take_turn(port)).collect();
        drop(present);
        let later = turns.iter().filter_map(|turn| if let Turn::Later(time) = turn { Some(*time) } else { None }).min();
        if turns.contains(&Turn::More) {
            pause = FIRST_PAUSE;
        } else if turns.contains(&Turn::Filled) {
            // The host takes its events, if only a few at a time: it need not be spared.
            pause = FIRST_PAUSE;
            signal.wait(Some(pause));
        } else if turns.contains(&Turn::Refused) {
            // News do not help while the host's queue is full, so only the time is waited for.
            signal.wait(Some(later.map_or(pause, |later| later.min(pause))));
            pause = (pause * 2).min(LONGEST_PAUSE);
        } else {
            pause = FIRST_PAUSE;
            signal.wait(later);
        }
    }
}

fn take_turn(port: &Port) -> Turn {
    let (turn, missed) = port.turn();
    if missed {
        // At once, and the pump of now, which need not be this one.
        wake();
    }
    turn
}
