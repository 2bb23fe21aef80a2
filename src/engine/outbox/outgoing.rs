//! Many messages at a time, for one queue under one lock.

use super::queue::{Accepted, Outbox};
use crate::engine::shared::{Deadline, Wait};
use crate::error::{Error, Id, Result};
use crate::ws::MessageCow;
use std::collections::VecDeque;

/// What is prepared before the first lock is taken, and so queued with one wake-up: texts are checked and long messages
/// copied by then. The last message may exceed the bytes.
const MAX_PREPARED_MESSAGES: usize = 256;
const MAX_PREPARED_BYTES: usize = 1024 * 1024;

/// A message and the connection it is for: a server's id, 0 for a client.
pub struct Outgoing<'a> {
    pub connection: u64,
    pub message: MessageCow<'a>,
}

/// Why a batch ended before its end.
pub enum Stopped {
    /// That connection has gone.
    Gone,
    Failed(Error),
}

/// What has become of a part of a batch.
#[derive(Default)]
pub struct Sent {
    pub messages: usize,
    pub stopped: Option<Stopped>,
}

impl Sent {
    /// The first message failed.
    pub fn nothing(stopped: Stopped) -> Self {
        Self { messages: 0, stopped: Some(stopped) }
    }
}

/// Sends `messages` in order, a part at a time, by `queue`, which takes them from the front of the part without waiting
/// and stops at the first that fails. One that finds no room is left there, and sent by `wait_with`, with what is left of
/// `timeout`. Stops at the first that fails for good; how many have not.
pub fn send_all<'a>(
    mut messages: impl Iterator<Item = Result<Outgoing<'a>>>,
    timeout: Wait,
    mut queue: impl FnMut(&mut VecDeque<Outgoing<'a>>) -> Sent,
    mut wait_with: impl FnMut(Outgoing<'a>, Wait) -> Option<Stopped>,
) -> Sent {
    let (mut total, mut part, mut deadline) = (0, VecDeque::new(), None);
    loop {
        let (mut bytes, mut failed, mut end) = (0, None, false);
        while part.len() < MAX_PREPARED_MESSAGES && bytes < MAX_PREPARED_BYTES && failed.is_none() && !end {
            match messages.next() {
                Some(Ok(outgoing)) if part.try_reserve(1).is_ok() => {
                    bytes += outgoing.message.size();
                    part.push_back(outgoing);
                }
                Some(Ok(_)) => failed = Some(Error::of(Id::NoMemory)),
                Some(Err(error)) => failed = Some(error),
                None => end = true,
            }
        }
        while !part.is_empty() {
            let Sent { messages, mut stopped } = queue(&mut part);
            total += messages;
            if matches!(&stopped, Some(Stopped::Failed(error)) if error.root() == Id::QueueFull)
                && timeout != Wait::No
                && let Some(first) = part.pop_front()
            {
                let deadline = *deadline.get_or_insert_with(|| Deadline::of(timeout));
                stopped = wait_with(first, deadline.into());
                total += usize::from(stopped.is_none());
            }
            if stopped.is_some() {
                return Sent { messages: total, stopped };
            }
        }
        if end || failed.is_some() {
            return Sent { messages: total, stopped: failed.map(Stopped::Failed) };
        }
    }
}

/// What [`Outbox::push_run`] has done.
pub struct Run {
    pub messages: usize,
    /// Unless it was none.
    pub accepted: Option<Accepted>,
    /// Why the next one was not queued.
    pub failure: Option<Error>,
}

impl Outbox {
    /// Queues messages from the front of `part`, up to the first that is for another connection than the first, while
    /// there is room under `limit` bytes; without waiting. One that finds no room is left at the front.
    pub fn push_run(&self, part: &mut VecDeque<Outgoing<'_>>, limit: usize) -> Run {
        let mut run = Run { messages: 0, accepted: None, failure: None };
        let mut state = self.change();
        if !state.open {
            run.failure = Some(Error::of(Id::NotConnected));
            return run;
        }
        let connection = part.front().map(|first| first.connection);
        while let Some(next) = part.front()
            && Some(next.connection) == connection
        {
            let size = next.message.size();
            if !state.has_room(size, limit) {
                run.failure = Some(Error::new(Id::QueueFull, [state.bytes.into(), limit.into()]));
                break;
            }
            let Some(next) = part.pop_front() else { break };
            if let Err(error) = state.queue.push_back(next.message) {
                run.failure = Some(error);
                break;
            }
            state.bytes += size;
            state.messages += 1;
            run.messages += 1;
        }
        if run.messages > 0 {
            run.accepted = Some(Accepted { holder: state.holder, above_half: state.cost() > limit / 2 });
        }
        run
    }
}
