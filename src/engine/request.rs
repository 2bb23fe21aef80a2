//! `Request`: a message that answers another is taken out of the stream by an id in its JSON.

use super::connection::Connection;
use super::event::{Body, Event, Wait};
use super::queue::{Inbox, State};
use super::sync::{Deadline, lock, wait};
use crate::error::{Error, Id, Result};
use crate::ws::Message;
use serde_json::Value;
use std::sync::{Arc, Condvar, Mutex};

enum Answer {
    Awaited,
    Message(Message),
    Ended(Id),
}

/// A request that waits for its reply.
pub struct Pending {
    field: String,
    id: Value,
    answer: Mutex<Answer>,
    bell: Condvar,
}

impl Pending {
    fn set(&self, answer: Answer) {
        *lock(&self.answer) = answer;
        self.bell.notify_all();
    }
}

impl State {
    pub(super) fn fail_requests(&mut self, why: Id) {
        for pending in self.requests.drain(..) {
            pending.set(Answer::Ended(why));
        }
    }
}

impl Inbox {
    /// Registers a request; do this before sending it, so that no reply comes too early.
    pub fn expect(&self, field: &str, id: Value) -> Result<Arc<Pending>> {
        let answer = Mutex::new(Answer::Awaited);
        let pending = Arc::new(Pending { field: field.to_owned(), id, answer, bell: Condvar::new() });
        let mut state = self.lock();
        if state.is_cancelled() {
            return Err(Error::of(Id::Cancelled));
        }
        state.requests.push(pending.clone());
        // The reply is not for the handler.
        self.interrupt();
        Ok(pending)
    }

    /// Waits for the reply; one that comes later is an ordinary message.
    pub fn await_reply(&self, pending: &Arc<Pending>, patience: Wait) -> Result<Message> {
        let deadline = Deadline::of(patience);
        self.hurry();
        let mut answer = lock(&pending.answer);
        while matches!(*answer, Answer::Awaited) {
            let (guard, in_time) = wait(&pending.bell, answer, deadline);
            answer = guard;
            if !in_time {
                break;
            }
        }
        drop(answer);
        self.forget_request(pending);
        // Looked at only now: until it was taken off the list, the reply could still come.
        match std::mem::replace(&mut *lock(&pending.answer), Answer::Awaited) {
            Answer::Message(message) => Ok(message),
            Answer::Ended(why) => Err(Error::of(why)),
            Answer::Awaited => Err(Error::new(Id::RequestTimeout, [patience.ms().into()])),
        }
    }

    pub fn forget_request(&self, pending: &Arc<Pending>) {
        self.lock().requests.retain(|other| !Arc::ptr_eq(other, pending));
    }

    /// Gives a message to the request that it answers.
    pub(super) fn answers_request(&self, state: &mut State, event: &Event, source: Option<&Arc<Connection>>) -> bool {
        let Body::Message(message) = &event.body else { return false };
        let Some(text) = message.as_str() else { return false };
        let Ok(Value::Object(object)) = serde_json::from_str::<Value>(text) else { return false };
        let found = state.requests.iter().position(|pending| object.get(&pending.field) == Some(&pending.id));
        let Some(at) = found else { return false };
        let pending = state.requests.remove(at);
        self.settle_outside(&mut state.books, message, source);
        pending.set(Answer::Message(message.clone()));
        true
    }
}
