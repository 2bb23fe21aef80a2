//! Offering the events of one object to the host; what the host refuses stays with us.

use super::event_form::HostEvents;
use super::host_calls::{HostCalls, Origin, this_thread};
use super::waits::Waiting;
use crate::engine::{Event, Watchable, lock};
use crate::error::{Error, Language, Result};
use crate::log;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Events that the host keeps for a script that is busy; it begins with 1.
const DEPTH: i32 = 1024;
/// Events of one object in a turn, so that a flood does not hold up the others.
const EVENTS_PER_TURN: usize = 64;
/// A script that has taken something is given so long to ask for more before the doorbell rings for what it left: one that
/// takes all in a loop hears one doorbell for the whole batch. There is no other sign that the loop has ended early.
const LOOP: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Off,
    Data,
    Doorbell,
}

/// What an object's turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pumped {
    /// Nothing more to offer.
    Idle,
    More,
    /// The host's queue is full, but it has taken something before.
    Filled,
    /// The host's queue is full.
    Refused,
    /// Something may be to offer after that time.
    Later(Duration),
}

/// What is between the doorbell and the script.
#[derive(Default)]
struct Bell {
    /// One has been accepted, and the script has not asked since.
    outstanding: bool,
    /// When the script took something; nothing once it has asked and got nothing.
    took: Option<Instant>,
}

/// Which thread offers, so that only one does and stopping can wait for it.
#[derive(Default)]
struct Offering {
    thread: Option<usize>,
    /// Counts the turns that have ended.
    ended: u64,
    /// Another pump has come meanwhile and went away.
    missed: bool,
}

/// What of an object is offered, and how.
pub(super) struct EventFeed {
    watchable: Watchable,
    host_calls: Arc<HostCalls>,
    form: HostEvents,
    mode: AtomicU8,
    english: AtomicBool,
    /// There was no memory for the event that is next.
    starved: AtomicBool,
    bell: Mutex<Bell>,
    source: Mutex<String>,
    offering: Mutex<Offering>,
    offered: Condvar,
}

impl EventFeed {
    pub fn new(watchable: Watchable, host_calls: &Arc<HostCalls>, form: HostEvents, class: &str) -> Arc<Self> {
        Arc::new(Self {
            watchable,
            host_calls: host_calls.clone(),
            form,
            mode: AtomicU8::new(Mode::Off as u8),
            english: AtomicBool::new(false),
            starved: AtomicBool::new(false),
            bell: Mutex::default(),
            source: Mutex::new(format!("WebSocket.{class}")),
            offering: Mutex::default(),
            offered: Condvar::new(),
        })
    }

    pub fn watchable(&self) -> &Watchable {
        &self.watchable
    }

    fn mode(&self) -> Mode {
        match self.mode.load(SeqCst) {
            1 => Mode::Data,
            2 => Mode::Doorbell,
            _ => Mode::Off,
        }
    }

    pub fn mode_name(&self) -> &'static str {
        match self.mode() {
            Mode::Off => "",
            Mode::Data => "data",
            Mode::Doorbell => "doorbell",
        }
    }

    /// Whether every event goes to the host, so that the script has nothing to take.
    pub fn takes_all(&self) -> bool {
        self.mode() == Mode::Data
    }

    pub fn source(&self) -> String {
        lock(&self.source).clone()
    }

    pub fn set_source(&self, source: String) {
        *lock(&self.source) = source;
    }

    pub fn set_language(&self, language: Language) {
        self.english.store(language == Language::English, SeqCst);
    }

    /// Whether there is a host that takes events; it is asked to keep enough of them.
    pub fn prepare_host(&self) -> bool {
        let has_events = self.host_calls.call(Origin::Call, |services| {
            let has_events = !services.is_server_side();
            if has_events && services.event_depth() < DEPTH.into() {
                services.set_event_depth(DEPTH.into());
            }
            has_events
        });
        has_events == Some(true)
    }

    /// From now on events are offered so, or not at all.
    pub fn set_mode(&self, mode: Mode) {
        if mode != Mode::Off {
            *lock(&self.bell) = Bell::default();
        }
        self.mode.store(mode as u8, SeqCst);
    }

    /// Waits for an offer under way, but not for one that this call is part of, or that waits for this call.
    pub fn wait_offered(&self) {
        let waiting = Waiting::for_calls(&self.host_calls);
        let mut offering = lock(&self.offering);
        let ended = offering.ended;
        while offering.ended == ended && offering.thread.is_some_and(|thread| !waiting.excused().contains(&thread)) {
            offering = self.offered.wait(offering).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The script has asked, and got something or not: the doorbell may ring again for what is left. Whether there is now
    /// something to look at.
    #[must_use]
    pub fn asked(&self, got: bool) -> bool {
        if self.mode() != Mode::Doorbell {
            return false;
        }
        let answered = {
            let mut bell = lock(&self.bell);
            bell.took = got.then(Instant::now);
            std::mem::take(&mut bell.outstanding)
        };
        // From the first answer on the pump looks by itself as long as something is left.
        answered || (!got && self.watchable.has_events())
    }

    /// Offers what waits to the host; and whether another pump, which has come meanwhile, must look again. On the pump's
    /// thread.
    pub fn pump_once(&self) -> (Pumped, bool) {
        {
            let mut offering = lock(&self.offering);
            if offering.thread.is_some() {
                // The thread of an earlier pump, which is in the host's hands. Order is kept by one offer at a time.
                offering.missed = true;
                return (Pumped::Idle, false);
            }
            offering.thread = Some(this_thread());
        }
        let pumped = self.offer();
        let missed = {
            let mut offering = lock(&self.offering);
            offering.thread = None;
            offering.ended += 1;
            std::mem::take(&mut offering.missed)
        };
        self.offered.notify_all();
        (pumped, missed)
    }

    fn offer(&self) -> Pumped {
        for offered in 0..EVENTS_PER_TURN {
            match self.mode() {
                Mode::Off => return Pumped::Idle,
                Mode::Doorbell => return self.ring(),
                Mode::Data => {}
            }
            let Some((event, clears)) = self.watchable.take() else { return Pumped::Idle };
            let language = if self.english.load(SeqCst) { Language::English } else { Language::Russian };
            let put = self.form.put(&event, language);
            match put.and_then(|(name, mut data)| self.tell(name, &mut data)) {
                Ok(true) => self.starved.store(false, SeqCst),
                Ok(false) => {
                    self.watchable.put_back(event, clears);
                    return if offered == 0 { Pumped::Refused } else { Pumped::Filled };
                }
                Err(error) => {
                    // As with a host whose queue is full: it keeps its place and is offered again, until there is memory.
                    self.say_starved(&event, &error);
                    self.watchable.put_back(event, clears);
                    return Pumped::Refused;
                }
            }
        }
        Pumped::More
    }

    /// One line of the log, however often that event is offered in vain.
    fn say_starved(&self, event: &Event, error: &Error) {
        if !self.starved.swap(true, SeqCst) {
            let size = event.message().map_or(0, |message| message.data().len());
            let (who, source, name) = (log::Object::Library.itself(), self.source(), event.name());
            log::error!(who, "{source}: the external event {name} of {size} bytes waits: {error}");
        }
    }

    /// False: the host refuses it, or there is no host.
    fn tell(&self, name: &str, data: &mut [u16]) -> Result<bool> {
        let source = self.source();
        let told = self.host_calls.call(Origin::Event, |services| services.external_event(&source, name, data));
        told.unwrap_or(Ok(false))
    }

    fn ring(&self) -> Pumped {
        {
            let mut bell = lock(&self.bell);
            if bell.outstanding || !self.watchable.has_events() {
                return Pumped::Idle;
            }
            let left = bell.took.map_or(Duration::ZERO, |took| LOOP.saturating_sub(took.elapsed()));
            if !left.is_zero() {
                return Pumped::Later(left);
            }
            bell.outstanding = true;
        }
        if let Ok(true) = self.tell("doorbell", &mut [0]) {
            return Pumped::Idle;
        }
        lock(&self.bell).outstanding = false;
        Pumped::Refused
    }
}
