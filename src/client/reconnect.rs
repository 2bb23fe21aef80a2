//! Coming back: a connection that is lost, or a first one that could not be made, is followed by another.

pub(super) use super::backoff::RetryState;
use super::backoff::{is_followed, longest_wait, next_wait};
use super::retry_after::retry_after;
use super::{Phase, Shared, State};
use crate::engine::{CloseInfo, Command, Connection, DialPlan, lock};
use crate::net::TlsOptions;
use crate::options::{Opt, list, pins};
use crate::ws::{ServerAnswer, Target};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a `Retry-After` may ask for beyond `ReconnectMaxInterval`.
const PATIENCE: Duration = Duration::from_secs(60);

impl Shared {
    fn reconnect_times(&self) -> (Duration, Duration) {
        let time = |option| Duration::from_millis(self.options.int(option).unsigned_abs());
        (time(Opt::ReconnectInterval), time(Opt::ReconnectMaxInterval))
    }

    pub(super) fn reconnects(&self) -> bool {
        self.options.int(Opt::ReconnectInterval) > 0
    }

    /// Whether an open connection that ends so is followed by another.
    pub(super) fn follows(&self, state: &State, close_info: &CloseInfo) -> bool {
        state.phase == Phase::Open && !state.cancelled && self.reconnects() && is_followed(close_info)
    }

    /// Waits and dials again, with the same outbox.
    pub(super) fn come_back(&self, state: &mut State, before: &Arc<Connection>) {
        let (interval, max) = self.reconnect_times();
        // A connection that lived no longer than the wait for it was no success.
        let lived = state.retry.open_since.take().map(|since| since.elapsed());
        if lived.is_some_and(|lived| lived >= longest_wait(interval, max, state.retry.failures)) {
            state.retry.failures = 0;
        }
        let wait = next_wait(interval, max, state.retry.failures);
        state.retry.failures = state.retry.failures.saturating_add(1);
        self.wait_and_dial(state, before, wait);
    }

    /// An attempt has failed; how many in a row, where these are as many as may.
    pub(super) fn count_failure(&self, state: &mut State) -> Option<u32> {
        let count = state.retry.failed_attempts.saturating_add(1);
        state.retry.failed_attempts = count;
        let most = self.options.int(Opt::MaxReconnectAttempts);
        (most > 0 && i64::from(count) >= most).then_some(count)
    }

    /// How long the server has asked to be left alone, within reason: it is a stranger that must not put a client to sleep
    /// for days.
    pub(super) fn asked_wait(&self, state: &State) -> Option<Duration> {
        let (_, max) = self.reconnect_times();
        retry_after(&state.answer).map(|wait| wait.min(max.max(PATIENCE)))
    }

    fn wait_and_dial(&self, state: &mut State, before: &Arc<Connection>, wait: Duration) {
        let (Some(owner), Some(target)) = (self.own.upgrade(), &state.target) else { return };
        let asked = state.retry.not_before.map(|at| at.saturating_duration_since(Instant::now()));
        let wait = wait.max(asked.unwrap_or_default());
        let authority = Arc::from(target.address());
        let connection = before.successor();
        // What the host sends meanwhile waits for it.
        connection.outbox.open();
        state.phase = Phase::Reconnecting;
        state.retry.due = Instant::now().checked_add(wait);
        state.connection = Some(connection.clone());
        state.live.push(connection.clone());
        before.post(Command::Redial { connection, owner, authority, wait });
    }

    /// What to dial, with the headers and subprotocols that are set now.
    pub(super) fn plan(&self, state: &State, target: Target) -> DialPlan {
        let protocols = list(&self.options.text(Opt::Protocols)).map(str::to_owned).collect();
        let tls = TlsOptions {
            verify: self.options.flag(Opt::VerifyCertificate),
            ca: self.options.text(Opt::CAFile),
            identity: state.identity.clone(),
            pins: pins(&self.options.text(Opt::PinnedCertificates)).into(),
        };
        DialPlan { target, proxy: self.options.proxy(), headers: state.headers.clone(), protocols, tls }
    }

    /// The wait is over.
    pub(super) fn plan_again(&self, connection: &Arc<Connection>) -> Option<DialPlan> {
        let mut state = lock(&self.state);
        if !Self::is_current(&state, connection) || state.phase != Phase::Reconnecting {
            return None;
        }
        state.retry.count = state.retry.count.saturating_add(1);
        state.retry.due = None;
        state.answer = ServerAnswer::default();
        state.redirected_to = None;
        let target = state.target.clone()?;
        Some(self.plan(&state, target))
    }

    /// The interval was set: off gives up a wait, and a shorter one cuts it.
    pub(super) fn interval_changed(&self) {
        let mut state = lock(&self.state);
        let (Some(connection), Some(due)) = (state.connection.clone(), state.retry.due) else { return };
        if state.phase != Phase::Reconnecting {
            return;
        }
        if !self.reconnects() {
            self.give_up(&mut state, &connection);
            connection.abort();
            return self.settled(state, false);
        }
        let (interval, max) = self.reconnect_times();
        let wait = next_wait(interval, max, state.retry.failures.saturating_sub(1));
        // Not below what the server has asked for.
        if Instant::now().checked_add(wait).max(state.retry.not_before).is_some_and(|at| at < due) {
            self.wait_and_dial(&mut state, &connection, wait);
            connection.abort();
        }
    }

    /// The end of all tries: what waits to be sent is dropped.
    pub(super) fn give_up(&self, state: &mut State, connection: &Arc<Connection>) {
        state.phase = Phase::Closed;
        state.broken = true;
        state.connection = None;
        connection.outbox.close();
        self.inbox.set_live(false);
    }
}
