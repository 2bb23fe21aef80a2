//! The external events of one object: switched on, over and off, and told what its script does.

use super::event_form::HostEvents;
use super::events::{EventFeed, Mode};
use super::host_calls::HostCalls;
use super::pump::{self, Subscription};
use crate::engine::{Watchable, lock};
use crate::error::{Arg, Error, Id, Language, Result};
use std::sync::{Arc, Mutex};

/// Whether the port is at the pump.
enum Membership {
    Out,
    In(Subscription),
    /// The object has ended: never again.
    Ended,
}

/// See the module's page.
pub(super) struct ExternalEvents {
    pub feed: Arc<EventFeed>,
    /// Held while the port's mode is changed, and never while the host is called.
    membership: Mutex<Membership>,
}

impl ExternalEvents {
    pub fn new(watchable: Watchable, host_calls: &Arc<HostCalls>, form: HostEvents, class: &str) -> Self {
        Self { feed: EventFeed::new(watchable, host_calls, form, class), membership: Mutex::new(Membership::Out) }
    }

    /// Switches external events on, over or off. Off: when it returns the host is not called any more, unless this is a
    /// call that the host makes from inside an event.
    pub fn switch(&self, wanted: &str, language: Language) -> Result<()> {
        let name = Arg::Both { en: "ExternalEvents", ru: "ВнешниеСобытия" };
        let mode = match wanted {
            "" => {
                self.leave(Membership::Out);
                return Ok(());
            }
            "data" => Mode::Data,
            "doorbell" => Mode::Doorbell,
            other => return Err(Error::new(Id::BadValue, [name, other.into(), "\"\", data, doorbell".into()])),
        };
        if !self.feed.prepare_host() {
            return Err(Error::new(Id::Unsupported, [name]));
        }
        let mut membership = lock(&self.membership);
        match &*membership {
            Membership::Out => *membership = Membership::In(pump::subscribe(&self.feed, self.feed.watchable())?),
            Membership::In(_) => {}
            Membership::Ended => return Err(Error::of(Id::Cancelled)),
        }
        self.feed.set_language(language);
        self.feed.set_mode(mode);
        drop(membership);
        pump::wake();
        Ok(())
    }

    /// Switches external events off for good, as `switch` does.
    pub fn end(&self) {
        self.leave(Membership::Ended);
    }

    fn leave(&self, next: Membership) {
        let mut membership = lock(&self.membership);
        self.feed.set_mode(Mode::Off);
        let last = match std::mem::replace(&mut *membership, Membership::Out) {
            Membership::In(subscription) => subscription.leave(),
            Membership::Out => None,
            Membership::Ended => {
                *membership = Membership::Ended;
                None
            }
        };
        if let Membership::Ended = next {
            *membership = next;
        }
        drop(membership);
        self.feed.wait_offered();
        // Only now: its thread may be in a host that asks for the locks above.
        if let Some(pump) = last {
            pump.end();
        }
    }

    /// The script has asked, and got something or not.
    pub fn asked(&self, got: bool) {
        if self.feed.asked(got) {
            pump::wake();
        }
    }
}
