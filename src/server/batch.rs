//! Many messages at a time.

use super::Server;
use crate::engine::{Event, Outcome, Outgoing, PendingFlush, Sent, Stopped, Wait, Want};
use crate::engine::{lock, refuse_on_io_thread, send_all, timeout};
use crate::error::{Error, Result};
use crate::options::Opt;
use std::collections::VecDeque;

impl Server {
    /// All messages that are queued, up to a bound; with [`Want::Any`] the other events, too. `reserve` is called with
    /// their number or more before any is taken: where it fails they stay.
    pub fn receive_batch(
        &self,
        want: Want,
        timeout: Wait,
        reserve: impl FnOnce(usize) -> Result<()>,
    ) -> Result<Outcome<Vec<Event>>> {
        let _inside = self.enter()?;
        refuse_on_io_thread("receive_batch")?;
        self.shared.inbox.receive_batch(want, timeout, reserve)
    }

    /// Queues messages in order and stops at the first that fails. Waits for room no longer than `SendTimeout` in all.
    pub fn send_batch<'a>(&self, messages: impl Iterator<Item = Result<Outgoing<'a>>>) -> Sent {
        let _inside = match self.enter() {
            Ok(inside) => inside,
            Err(error) => return Sent::nothing(Stopped::Failed(error)),
        };
        let timeout = timeout(self.shared.options.int(Opt::SendTimeout));
        let wait_with = |Outgoing { connection, message }: Outgoing<'a>, timeout| match self
            .send_within(connection, message, timeout)
        {
            Ok(true) => None,
            Ok(false) => Some(Stopped::Gone),
            Err(error) => Some(Stopped::Failed(error)),
        };
        send_all(messages, timeout, |part| self.queue_part(part), wait_with)
    }

    /// Queues them while there is room, under one lock and with one wake-up.
    fn queue_part(&self, part: &mut VecDeque<Outgoing<'_>>) -> Sent {
        let limit = self.shared.options.size(Opt::SendQueueBytes);
        let (mut sent, mut flushes) = (Sent::default(), Vec::new());
        let state = lock(&self.shared.state);
        while let Some(first) = part.front()
            && sent.stopped.is_none()
        {
            match state.registry.find(first.connection) {
                Ok(Some(connection)) => {
                    let (messages, flush, failure) = connection.queue_run(part, limit);
                    sent.messages += messages;
                    flushes.extend(flush);
                    sent.stopped = failure.map(|error| self.stopped(error));
                }
                Ok(None) => sent.stopped = Some(Stopped::Gone),
                Err(error) => sent.stopped = Some(Stopped::Failed(error)),
            }
        }
        drop(state);
        PendingFlush::post_all(flushes);
        sent
    }

    fn stopped(&self, error: Error) -> Stopped {
        if self.is_of_connection(&error) { Stopped::Gone } else { Stopped::Failed(error) }
    }
}
