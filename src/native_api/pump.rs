//! The thread that offers external events to the host: one for the process, while any object has them switched on.

use super::events::{EventFeed, Pumped};
use super::host_calls::this_thread;
use super::waits::Waiting;
use crate::engine::{Signal, Watchable, lock};
use crate::error::{Error, Id, Result};
use crate::library::{self, Thread};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A host whose queue is full is asked again after this long, and then less and less often.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const MAX_PAUSE: Duration = Duration::from_millis(50);

thread_local! {
    /// Without a destructor, as everything that host threads touch.
    static ON_PUMP: Cell<bool> = const { Cell::new(false) };
}

/// The thread and the objects that it serves.
pub(super) struct Pump {
    signal: Arc<Signal>,
    feeds: Arc<Mutex<Vec<Arc<EventFeed>>>>,
    stopped: Arc<AtomicBool>,
    /// As [`this_thread`] has it on the thread, once it runs.
    mark: Arc<AtomicUsize>,
    thread: Thread,
}

static PUMP: Mutex<Option<Pump>> = Mutex::new(None);

/// An object's place at the pump, which it leaves with [`Subscription::leave`].
pub(super) struct Subscription {
    feed: *const EventFeed,
    watchable: Watchable,
    signal: Arc<Signal>,
}

// SAFETY: the pointer is only compared.
unsafe impl Send for Subscription {}

/// Joins the pump, which starts with the first.
pub(super) fn subscribe(feed: &Arc<EventFeed>, watchable: &Watchable) -> Result<Subscription> {
    let mut slot = lock(&PUMP);
    if slot.is_none() {
        *slot = Some(start()?);
    }
    let Some(pump) = slot.as_ref() else { return Err(Error::of(Id::Io)) };
    lock(&pump.feeds).push(feed.clone());
    watchable.subscribe(&pump.signal);
    pump.signal.notify();
    Ok(Subscription { feed: Arc::as_ptr(feed), watchable: watchable.clone(), signal: pump.signal.clone() })
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
        let mut feeds = lock(&pump.feeds);
        feeds.retain(|feed| !std::ptr::eq(Arc::as_ptr(feed), self.feed));
        let empty = feeds.is_empty();
        drop(feeds);
        if empty { slot.take() } else { None }
    }
}

impl Pump {
    /// Ends the thread.
    pub fn end(self) {
        self.stopped.store(true, SeqCst);
        self.signal.notify();
        let mark = self.mark.load(SeqCst);
        let waiting = Waiting::for_thread(mark);
        if ON_PUMP.get() || waiting.excused().contains(&mark) {
            // The host destroys its last object inside an event, or something inside an event waits for the call in which
            // it does: the thread ends by itself right after.
            self.thread.detach();
        } else {
            self.thread.join();
        }
    }
}

fn start() -> Result<Pump> {
    let signal = Signal::new();
    let feeds: Arc<Mutex<Vec<Arc<EventFeed>>>> = Arc::default();
    let stopped = Arc::new(AtomicBool::new(false));
    let mark = Arc::new(AtomicUsize::new(0));
    let (bell, members, end, own) = (signal.clone(), feeds.clone(), stopped.clone(), mark.clone());
    let thread = library::spawn("websocket-event", move || {
        ON_PUMP.set(true);
        own.store(this_thread(), SeqCst);
        run(&bell, &members, &end);
    });
    let thread = thread.map_err(|error| Error::of(Id::Io).system(&error))?;
    Ok(Pump { signal, feeds, stopped, mark, thread })
}

fn run(signal: &Signal, feeds: &Mutex<Vec<Arc<EventFeed>>>, stopped: &AtomicBool) {
    let mut pause = FIRST_PAUSE;
    while !stopped.load(SeqCst) {
        let present = lock(feeds).clone();
        let pumped: Vec<Pumped> = present.iter().map(|feed| take_turn(feed)).collect();
        drop(present);
        let later =
            pumped.iter().filter_map(|pumped| if let Pumped::Later(time) = pumped { Some(*time) } else { None }).min();
        if pumped.contains(&Pumped::More) {
            pause = FIRST_PAUSE;
        } else if pumped.contains(&Pumped::Filled) {
            // The host takes its events, if only a few at a time: it need not be spared.
            pause = FIRST_PAUSE;
            signal.wait(Some(pause));
        } else if pumped.contains(&Pumped::Refused) {
            // News do not help while the host's queue is full, so only the time is waited for.
            signal.wait(Some(later.map_or(pause, |later| later.min(pause))));
            pause = (pause * 2).min(MAX_PAUSE);
        } else {
            pause = FIRST_PAUSE;
            signal.wait(later);
        }
    }
}

fn take_turn(feed: &EventFeed) -> Pumped {
    let (pumped, missed) = feed.pump_once();
    if missed {
        // At once, and the pump of now, which need not be this one.
        wake();
    }
    pumped
}
