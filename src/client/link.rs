//! A client's connection: how it ends, and the client as its connections see it, on the I/O thread.

use super::last_end::LastEnd;
use super::{GRACE, Phase, Shared, State};
use crate::engine::{
    Accepted, Body, CloseInfo, Connection, ConnectionEnd, Deadline, DialPlan, Inbox, Info, OpenInfo, Owner, Reason,
    Wait, lock, timeout, wait,
};
use crate::error::{Error, Id, Result};
use crate::log::Object;
use crate::options::{Opt, Options};
use crate::ws::{MessageCow, ServerAnswer};
use serde_json::json;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

impl Shared {
    pub(super) fn current(&self) -> Option<Arc<Connection>> {
        lock(&self.state).connection.clone()
    }

    pub(super) fn open_connection(&self) -> Result<Arc<Connection>> {
        let state = lock(&self.state);
        match (state.phase, &state.connection) {
            (Phase::Open, Some(connection)) => Ok(connection.clone()),
            _ => Err(state.not_connected()),
        }
    }

    pub(super) fn info(&self, read: impl FnOnce(&Info) -> String) -> String {
        self.open_connection().ok().and_then(|connection| connection.info().map(read)).unwrap_or_default()
    }

    /// Queues a message for the connection there is, or for the one that comes back.
    pub(super) fn send(&self, message: MessageCow<'_>) -> Result<()> {
        self.send_within(message, self.send_timeout())
    }

    pub(super) fn send_within(&self, message: MessageCow<'_>, timeout: Wait) -> Result<()> {
        let connection = {
            let state = lock(&self.state);
            match (state.phase, &state.connection) {
                (Phase::Open | Phase::Reconnecting, Some(connection)) => connection.clone(),
                _ => return Err(state.not_connected()),
            }
        };
        let limit = || self.options.size(Opt::SendQueueBytes);
        let accepted = connection.outbox.push(message, limit, timeout)?;
        self.flush(&connection, &accepted);
        Ok(())
    }

    /// How long a call may wait for room.
    pub(super) fn send_timeout(&self) -> Wait {
        timeout(self.options.int(Opt::SendTimeout))
    }

    /// Tells the I/O thread of a message that was queued for `connection`.
    pub(super) fn flush(&self, connection: &Arc<Connection>, accepted: &Accepted) {
        match accepted.holder {
            Some(holder) if holder == connection.serial => connection.flush(accepted.above_half),
            // Another has followed meanwhile.
            Some(_) => self.current().iter().for_each(|current| current.flush(accepted.above_half)),
            None => {}
        }
    }

    pub(super) fn option_changed(&self, option: Opt) {
        match option {
            Opt::ReconnectInterval | Opt::ReconnectMaxInterval => self.interval_changed(),
            Opt::ReceiveQueueMessages | Opt::ReceiveQueueBytes => self.inbox.bounds_changed(),
            _ => self.current().iter().for_each(|connection| connection.option_changed(option)),
        }
    }

    /// Gives up an attempt that has not opened, and all that would follow it; false when there is none.
    pub(super) fn cancel_attempt(&self, mut state: MutexGuard<'_, State>) -> bool {
        let (Phase::Connecting | Phase::Reconnecting, Some(connection)) = (state.phase, state.connection.clone())
        else {
            return false;
        };
        // Calls that wait for room get Cancelled, and not that the connection is lost.
        connection.outbox.finish();
        self.give_up(&mut state, &connection);
        state.broken = false;
        state.failure = Some(Error::of(Id::Cancelled));
        state.last_end = LastEnd::now(true);
        connection.abort();
        self.settled(state, false);
        true
    }

    pub(super) fn disconnect(&self, code: u16, reason: &str) -> Result<bool> {
        let mut state = lock(&self.state);
        let Some(connection) = state.connection.clone() else { return Ok(false) };
        match state.phase {
            Phase::Closed => return Ok(false),
            Phase::Connecting | Phase::Reconnecting => {
                self.cancel_attempt(state);
                return Ok(false);
            }
            Phase::Open => {
                state.phase = Phase::Closing;
                self.inbox.release_waiters();
                drop(state);
                connection.cancel_pings();
                connection.close(code, Reason::Text(reason.to_owned()), true);
                state = lock(&self.state);
            }
            // The same end, but a shorter CloseTimeout counts from now.
            Phase::Closing => connection.close(code, Reason::Text(reason.to_owned()), true),
        }
        if crate::engine::on_io_thread() {
            return Ok(true);
        }
        let limit = Duration::from_millis(self.options.int(Opt::CloseTimeout).unsigned_abs()) + GRACE;
        self.wait_closed(state, &connection, limit)
    }

    /// Ends the connection at once and drops what is queued; on an I/O thread the end comes behind what runs there.
    pub(super) fn abort(&self) -> Result<()> {
        let mut state = lock(&self.state);
        let Some(connection) = state.connection.clone() else { return Ok(()) };
        match state.phase {
            Phase::Closed => return Ok(()),
            Phase::Connecting | Phase::Reconnecting => {
                self.cancel_attempt(state);
                return Ok(());
            }
            Phase::Open | Phase::Closing => {
                state.phase = Phase::Closing;
                self.inbox.release_waiters();
                drop(state);
                connection.cancel_pings();
                connection.outbox.finish();
                connection.abort();
                state = lock(&self.state);
            }
        }
        if !crate::engine::on_io_thread() {
            self.wait_closed(state, &connection, GRACE)?;
        }
        Ok(())
    }

    /// Waits for the end of a connection that is closing: whether it was complete.
    fn wait_closed(
        &self,
        mut state: MutexGuard<'_, State>,
        connection: &Arc<Connection>,
        limit: Duration,
    ) -> Result<bool> {
        let (attempt, closed) = (state.attempt, self.gate.is_closed());
        let deadline = Deadline::of(Wait::For(limit));
        while state.attempt == attempt && state.phase == Phase::Closing {
            if state.cancelled && !closed {
                return Err(Error::of(Id::Cancelled));
            }
            let (guard, in_time) = wait(&self.changed, state, deadline);
            state = guard;
            if !in_time {
                drop(state);
                connection.abort();
                return Ok(false);
            }
        }
        Ok(state.attempt == attempt && state.complete)
    }

    /// Starts to close an open connection whose messages will not be taken any more.
    pub(super) fn begin_close(&self) {
        let mut state = lock(&self.state);
        if let (Phase::Open, Some(connection)) = (state.phase, state.connection.clone()) {
            state.phase = Phase::Closing;
            drop(state);
            connection.close(1001, Reason::none(), true);
        }
    }

    /// Waits until the I/O thread has let go of every connection; those that only wait for the peer's FIN do not.
    pub(super) fn wait_released(&self) {
        let mut state = lock(&self.state);
        state.live.iter().for_each(Connection::abort);
        while !state.live.is_empty() {
            state = wait(&self.changed, state, Deadline::Never).0;
        }
    }

    /// The state has changed, and the queue with it, under one lock: a call that sees the new state and connects again
    /// must not find anything of the old connection. The handler runs last: it may wait for the calls that are woken
    /// here.
    pub(super) fn settled(&self, state: MutexGuard<'_, State>, handler: bool) {
        drop(state);
        self.changed.notify_all();
        if handler {
            self.inbox.dispatch();
        }
    }

    pub(super) fn is_current(state: &State, connection: &Arc<Connection>) -> bool {
        state.connection.as_ref().is_some_and(|current| Arc::ptr_eq(current, connection))
    }
}

impl Owner for Shared {
    fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    fn options(&self) -> &Options {
        &self.options
    }

    fn object(&self) -> Object {
        self.object
    }

    fn answered(&self, connection: &Arc<Connection>, answer: ServerAnswer) {
        let mut state = lock(&self.state);
        if Self::is_current(&state, connection) {
            state.answer = answer;
        }
    }

    fn redirected(&self, connection: &Arc<Connection>, url: &str) {
        let mut state = lock(&self.state);
        if Self::is_current(&state, connection) {
            state.redirected_to = Some(url.to_owned());
        }
    }

    fn opened(&self, connection: &Arc<Connection>) -> bool {
        let mut state = lock(&self.state);
        if !Self::is_current(&state, connection) || !matches!(state.phase, Phase::Connecting | Phase::Reconnecting) {
            return false;
        }
        state.phase = Phase::Open;
        state.peer_closes = false;
        state.failure = None;
        self.connects.fetch_add(1, Relaxed);
        if std::mem::replace(&mut state.retry.has_opened, true) {
            self.reconnects.fetch_add(1, Relaxed);
        }
        state.retry.open_since = Some(Instant::now());
        state.retry.failed_attempts = 0;
        state.retry.not_before = None;
        let attempt = std::mem::take(&mut state.retry.count);
        let info = connection.info();
        let open = json!({
            "url": state.url(),
            "protocol": info.map_or("", |info| info.protocol()),
            "extensions": info.map_or("", |info| info.extensions()),
            "attempt": attempt,
        });
        let open_info = OpenInfo::new(move || open.to_string());
        let handler = self.inbox.add(Some(connection), Body::Open(open_info));
        self.settled(state, handler);
        true
    }

    fn failed(&self, connection: &Arc<Connection>, error: &Error) {
        let mut state = lock(&self.state);
        if !Self::is_current(&state, connection) {
            return;
        }
        // The caller of `Connect` gets the error itself, and a first failure of such a call is final.
        let announce = state.announce || state.phase == Phase::Reconnecting;
        // Cancelled, though the host has not given it up: the I/O thread ends.
        let goes_on = announce && self.reconnects() && !state.cancelled && error.root() != Id::Cancelled;
        let error = &match self.count_failure(&mut state) {
            Some(count) if goes_on => Error::new(Id::GivenUp, [count.into()]).because(error.clone()),
            _ => error.clone(),
        };
        let goes_on = goes_on && error.id() != Id::GivenUp;
        let handler = announce && self.inbox.add(None, Body::Error(error.clone()));
        state.failure = Some(error.clone());
        self.failures.note(error.code());
        state.last_end = LastEnd::now(false);
        if goes_on {
            state.retry.not_before = self.asked_wait(&state).and_then(|wait| Instant::now().checked_add(wait));
            self.come_back(&mut state, connection);
        } else {
            self.give_up(&mut state, connection);
        }
        self.settled(state, handler);
    }

    fn dial_plan(&self, connection: &Arc<Connection>) -> Option<DialPlan> {
        self.plan_again(connection)
    }

    fn peer_closes(&self, connection: &Arc<Connection>) {
        let mut state = lock(&self.state);
        state.peer_closes |= Self::is_current(&state, connection);
    }

    fn keeps_unsent(&self, connection: &Arc<Connection>, close_info: &CloseInfo) -> bool {
        let state = lock(&self.state);
        Self::is_current(&state, connection) && self.follows(&state, close_info)
    }

    fn ended(&self, connection: &Arc<Connection>, end: &ConnectionEnd) {
        self.totals.add_end(connection, end.close_info.code);
        let mut state = lock(&self.state);
        if !Self::is_current(&state, connection) {
            return;
        }
        state.last = end.close_info.clone();
        state.last_end = LastEnd::now(state.phase == Phase::Closing);
        state.complete = end.close_info.clean && end.all_written;
        let handler = self.inbox.add(Some(connection), Body::Close(end.close_info.clone()));
        if self.follows(&state, &end.close_info) {
            // The requests that wait can no longer be answered.
            self.inbox.set_live(true);
            self.come_back(&mut state, connection);
        } else {
            let closing = state.phase == Phase::Closing;
            self.give_up(&mut state, connection);
            state.broken = end.broken && !closing;
        }
        connection.release_pings();
        self.settled(state, handler);
    }

    fn released(&self, connection: &Arc<Connection>) {
        connection.release_pings();
        lock(&self.state).live.retain(|other| !Arc::ptr_eq(other, connection));
        self.changed.notify_all();
    }
}
