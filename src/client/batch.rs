//! Many messages at a time.

use super::{Client, Phase};
use crate::engine::{Event, Outcome, Outgoing, Sent, Stopped, Wait, Want};
use crate::engine::{lock, refuse_on_io_thread, send_all};
use crate::error::Result;
use crate::options::Opt;
use std::collections::VecDeque;

impl Client {
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
        let wait_with = |outgoing: Outgoing<'a>, timeout| {
            self.shared.send_within(outgoing.message, timeout).err().map(Stopped::Failed)
        };
        send_all(messages, self.shared.send_timeout(), |part| self.queue_part(part), wait_with)
    }

    /// Queues them while there is room, under one lock and with one wake-up.
    fn queue_part(&self, part: &mut VecDeque<Outgoing<'_>>) -> Sent {
        let connection = {
            let state = lock(&self.shared.state);
            match (state.phase, &state.connection) {
                (Phase::Open | Phase::Reconnecting, Some(connection)) => connection.clone(),
                _ => return Sent::nothing(Stopped::Failed(state.not_connected())),
            }
        };
        let run = connection.outbox.push_run(part, self.shared.options.size(Opt::SendQueueBytes));
        run.accepted.iter().for_each(|accepted| self.shared.flush(&connection, accepted));
        Sent { messages: run.messages, stopped: run.failure.map(Stopped::Failed) }
    }
}
