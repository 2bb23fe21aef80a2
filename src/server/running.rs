//! From `Run` to the end of `Stop`.

use super::names::Names;
use super::{GRACE, Phase, Server};
use crate::engine::{Acceptor, Command, Connection, Deadline, Reason, Wait, lock, refuse_on_io_thread, wait};
use crate::error::{Error, Id, Result};
use crate::log;
use crate::net::{Listener, Place, TlsSources, interface_places};
use crate::options::Opt;
use std::sync::Arc;
use std::time::Duration;

impl Server {
    /// Listens and accepts in the background; port 0 picks a free one.
    pub fn run(&self, interface: &str, port: i64) -> Result<()> {
        self.run_with(interface, port, None)
    }

    /// The same with TLS.
    pub fn run_tls(&self, interface: &str, port: i64, sources: TlsSources) -> Result<()> {
        self.run_with(interface, port, Some(sources))
    }

    fn run_with(&self, interface: &str, port: i64, sources: Option<TlsSources>) -> Result<()> {
        let _inside = self.enter()?;
        refuse_on_io_thread("run")?;
        let port = u16::try_from(port).map_err(|_| Error::new(Id::PortRange, [port.into()]))?;
        let places = interface_places(interface, port)?;
        let options = &self.shared.options;
        if !options.text(Opt::ControlPath).is_empty() && options.control_token().is_empty() {
            return Err(Error::of(Id::ControlToken));
        }
        let shared = &self.shared;
        // Before a stop can see that this run has begun.
        let generation = shared.blocking_calls.generation();
        let run = {
            let mut state = lock(&shared.state);
            while matches!(state.phase, Phase::Stopping | Phase::Starting) && !state.cancelled {
                state = wait(&shared.changed, state, Deadline::Never).0;
            }
            if state.cancelled {
                return Err(Error::of(Id::Cancelled));
            }
            if state.phase == Phase::Running {
                let address = state.place.as_ref().map(Place::to_string).unwrap_or_default();
                return Err(Error::new(Id::AlreadyRunning, [address.into()]));
            }
            state.phase = Phase::Starting;
            state.run += 1;
            state.run
        };
        let started = self.prepare_tls(generation, sources).and_then(|()| self.listen(run, &places));
        if let Err(error) = &started {
            log::error!(shared.object.itself(), "not listening: {error}");
            self.set_tls(None);
            lock(&shared.state).phase = Phase::Stopped;
            shared.changed.notify_all();
        }
        started
    }

    fn listen(&self, run: u64, places: &[(Place, bool)]) -> Result<()> {
        let shared = &self.shared;
        let listeners = bind(places)?;
        let Some(first) = listeners.first().map(|listener| listener.place().clone()) else {
            return Err(Error::of(Id::ListenFailed));
        };
        let threads = shared.options.size(Opt::IoThreads);
        let ios = lock(&self.runtime)
            .as_ref()
            .ok_or_else(|| Error::of(Id::Cancelled))?
            .ios(Some((shared.runtime_user(), threads)))?;
        shared.inbox.clear_for_next();
        shared.inbox.set_live(true);
        let mut state = lock(&shared.state);
        state.phase = Phase::Running;
        state.registry.running = true;
        state.place = Some(first.clone());
        state.listeners = listeners.len();
        state.ios.clone_from(&ios);
        state.registry.clear_open();
        (state.names, state.alarm) = (Names::default(), None);
        // Before the lock is released, or a stop could overtake it and wait for a listener that comes too late.
        for listener in listeners {
            let acceptor: Arc<dyn Acceptor> = shared.clone();
            let serial = shared.runtime_user() ^ (run << 48);
            ios[0].post(Command::Listen { listener: Box::new(listener), acceptor, serial });
        }
        drop(state);
        log::info!(shared.object.itself(), "listening on {first}");
        shared.changed.notify_all();
        Ok(())
    }

    /// Closes every connection with 1001 within `CloseTimeout` and frees the port.
    pub fn stop(&self) -> Result<()> {
        let _inside = self.enter()?;
        refuse_on_io_thread("stop")?;
        self.stop_now();
        Ok(())
    }

    /// The part of a stop that needs no waiting: no connection is accepted any more, and all that are open get a close
    /// frame.
    pub(super) fn begin_stop(&self) {
        let shared = &self.shared;
        let state = lock(&shared.state);
        if state.phase != Phase::Running {
            return;
        }
        state.ios[0].post(Command::Unlisten { serial: shared.runtime_user() ^ (state.run << 48) });
        drop(state);
        shared.each_live(|connection| connection.close(1001, Reason::none(), true));
    }

    pub(super) fn stop_now(&self) {
        let shared = &self.shared;
        shared.blocking_calls.interrupt();
        let mut state = lock(&shared.state);
        while state.phase == Phase::Starting {
            state = wait(&shared.changed, state, Deadline::Never).0;
        }
        let run = state.run;
        match state.phase {
            Phase::Stopped | Phase::Starting => return,
            Phase::Stopping => {
                while state.run == run && state.phase == Phase::Stopping {
                    state = wait(&shared.changed, state, Deadline::Never).0;
                }
                return;
            }
            Phase::Running => {
                state.phase = Phase::Stopping;
                state.registry.running = false;
            }
        }
        let serial = shared.runtime_user() ^ (run << 48);
        state.ios[0].post(Command::Unlisten { serial });
        while state.listeners > 0 {
            state = wait(&shared.changed, state, Deadline::Never).0;
        }
        state.registry.clear_open();
        let sessions = state.names.clear();
        if shared.end_sessions(sessions) {
            // Where a handler takes the events, it runs on the I/O thread only.
            state.ios[0].post(Command::Dispatch(shared.inbox.clone()));
        }
        drop(state);
        // Calls that wait for the server end now; what was received is still handed over, unless no call can take it.
        let discard = shared.gate.is_closed();
        shared.inbox.release_waiters();
        shared.each_live(|connection| {
            connection.cancel_pings();
            connection.close(1001, Reason::none(), discard);
        });
        let limit = Duration::from_millis(shared.options.int(Opt::CloseTimeout).unsigned_abs()) + GRACE;
        let deadline = Deadline::of(Wait::For(limit));
        let mut state = lock(&shared.state);
        let mut late = false;
        while state.registry.live_count() > 0 {
            let until = if late { Deadline::Never } else { deadline };
            let (guard, in_time) = wait(&shared.changed, state, until);
            state = guard;
            if !in_time {
                late = true;
                state.registry.live().for_each(Connection::abort);
            }
        }
        drop(state);
        self.set_tls(None);
        shared.inbox.set_live(false);
        if let Some(runtime) = lock(&self.runtime).as_ref() {
            runtime.release_ios(shared.runtime_user());
        }
        let mut state = lock(&shared.state);
        state.phase = Phase::Stopped;
        state.place = None;
        state.ios = Vec::new();
        drop(state);
        log::info!(shared.object.itself(), "stopped");
        shared.changed.notify_all();
    }
}

/// Ports that the system picks for one family and that are in use in the other are passed over, so many at most.
const MAX_PICKS: usize = 16;

/// Listens at all of these places, on one port, also when the system picks it.
fn bind(places: &[(Place, bool)]) -> Result<Vec<Listener>> {
    // Kept until there is a good one, or the system would pick them again.
    let mut passed_over = Vec::new();
    loop {
        let mut listeners: Vec<Listener> = Vec::new();
        let mut is_taken = false;
        for (place, v6_only) in places {
            let mut place = place.clone();
            let picked = place.port() == 0;
            if let (Some(first), Place::Tcp(address)) = (listeners.first(), &mut place) {
                address.set_port(first.place().port());
            }
            match Listener::bind(&place, *v6_only) {
                Ok(listener) => listeners.push(listener),
                Err(error) if listeners.is_empty() => return Err(error),
                Err(error) if error.root() == Id::PortInUse => {
                    if !picked || passed_over.len() == MAX_PICKS {
                        return Err(error);
                    }
                    is_taken = true;
                }
                // A machine without IPv6 listens on IPv4 alone.
                Err(_) => {}
            }
        }
        if !is_taken {
            return Ok(listeners);
        }
        passed_over.push(listeners);
    }
}
