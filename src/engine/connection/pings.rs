//! Calls that wait for a pong.

use crate::engine::shared::{Deadline, Wait, lock, serial, wait};
use crate::error::{Error, Id, Result};
use std::sync::{Condvar, Mutex};

#[derive(Default)]
struct State {
    /// What each ping took when its pong has come, or why none can. Boxed, because there are none most of the time.
    waiting: Option<Box<Waiting>>,
    /// Why there are no more.
    ended: Option<Id>,
}

#[derive(Default)]
struct Waiting(Vec<Call>);

type Call = (u64, Option<Result<i64, Id>>);

impl State {
    fn find(&mut self, id: u64) -> Option<&mut Call> {
        self.waiting.as_mut()?.0.iter_mut().find(|(other, _)| *other == id)
    }

    fn forget(&mut self, id: u64) {
        if let Some(waiting) = &mut self.waiting {
            waiting.0.retain(|(other, _)| *other != id);
            if waiting.0.is_empty() {
                self.waiting = None;
            }
        }
    }
}

/// See the module's page.
#[derive(Default)]
pub struct Pings {
    state: Mutex<State>,
    ponged: Condvar,
}

impl Pings {
    /// A call begins to wait; gives the id of its ping, which is sent then. `is_paused`: nothing is read.
    pub fn begin(&self, is_paused: impl FnOnce() -> bool) -> Result<u64> {
        let mut state = lock(&self.state);
        // Under the lock, because a pause takes the lock after it has set its mark.
        if is_paused() {
            return Err(Error::of(Id::ReadingPaused));
        }
        if state.ended.is_some() {
            return Err(Error::of(Id::NotConnected));
        }
        let id = serial();
        state.waiting.get_or_insert_default().0.push((id, None));
        Ok(id)
    }

    /// Waits for the pong; the round trip in milliseconds.
    pub fn wait(&self, id: u64, timeout: Wait) -> Result<i64> {
        let deadline = Deadline::of(timeout);
        let mut state = lock(&self.state);
        loop {
            match state.find(id).map(|entry| entry.1) {
                None => return Err(Error::of(state.ended.unwrap_or(Id::ClosedWhileWaiting))),
                Some(Some(answer)) => {
                    state.forget(id);
                    return answer.map_err(Error::of);
                }
                Some(None) => {}
            }
            let (guard, in_time) = wait(&self.ponged, state, deadline);
            state = guard;
            if !in_time {
                state.forget(id);
                return Err(Error::new(Id::PingTimeout, [timeout.ms().into()]));
            }
        }
    }

    /// A pong has come.
    pub fn answer(&self, id: u64, round_trip_ms: i64) {
        let mut state = lock(&self.state);
        if let Some(entry) = state.find(id) {
            entry.1.get_or_insert(Ok(round_trip_ms));
            drop(state);
            self.ponged.notify_all();
        }
    }

    /// Ends the calls that wait now.
    pub fn fail(&self, why: Id) {
        let mut state = lock(&self.state);
        for (_, answer) in state.waiting.iter_mut().flat_map(|waiting| &mut waiting.0) {
            answer.get_or_insert(Err(why));
        }
        drop(state);
        self.ponged.notify_all();
    }

    /// Ends the calls that wait, and later ones; the first caller's error counts.
    pub fn end(&self, why: Id) {
        let mut state = lock(&self.state);
        state.ended.get_or_insert(why);
        // One that has been answered, perhaps with the same read that brought the end, keeps its answer.
        if let Some(waiting) = &mut state.waiting {
            waiting.0.retain(|(_, answer)| answer.is_some());
        }
        drop(state);
        self.ponged.notify_all();
    }
}
