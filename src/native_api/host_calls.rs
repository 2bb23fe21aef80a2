//! The calls from one object to its host: the host's services, counted with the thread that makes them. No lock is held
//! while the host works, because it may call us from inside; and the thread that ends the object waits for the calls of
//! other threads, but never for its own, nor for those of threads that wait for it ([`super::waits`]).

use super::host::Services;
use crate::engine::lock;
use crate::library;
use std::cell::Cell;
use std::sync::{Condvar, Mutex, PoisonError};

thread_local! {
    /// Something with an address of its own in each thread. Without a destructor, as everything that host threads touch.
    static MARK: Cell<u8> = const { Cell::new(0) };
}

/// The calling thread, among those that live.
pub(super) fn this_thread() -> usize {
    MARK.with(|mark| std::ptr::from_ref(mark).addr())
}

/// On whose behalf the host is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A call of the host, which stands in the object's gate.
    Call,
    /// An event of ours.
    Event,
}

#[derive(Default)]
struct State {
    services: Option<Services>,
    calls: Vec<(usize, Origin)>,
}

/// See the module's page.
#[derive(Default)]
pub(super) struct HostCalls {
    state: Mutex<State>,
    left: Condvar,
}

/// A call under way; it has ended when this is dropped, also by a panic.
pub(super) struct Busy<'a>(&'a HostCalls, (usize, Origin));

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        // The host has forked inside, and this is the child.
        if library::is_forked() {
            return;
        }
        let mut state = lock(&self.0.state);
        if let Some(at) = state.calls.iter().rposition(|call| *call == self.1) {
            state.calls.remove(at);
        }
        drop(state);
        self.0.left.notify_all();
    }
}

impl HostCalls {
    pub fn connect(&self, services: Option<Services>) {
        lock(&self.state).services = services;
    }

    /// Calls the host; `None` when there is none (any more).
    pub fn call<R>(&self, origin: Origin, f: impl FnOnce(Services) -> R) -> Option<R> {
        let me = (this_thread(), origin);
        let services = {
            let mut state = lock(&self.state);
            let services = state.services?;
            state.calls.push(me);
            services
        };
        let _busy = Busy(self, me);
        let result = f(services);
        if origin == Origin::Event {
            library::back_from_host();
        }
        Some(result)
    }

    /// A call of the host that is about to wait for others to return from it counts as one that is in its hands itself: who
    /// ends the object there must not wait for it.
    pub fn waits(&self) -> Busy<'_> {
        let me = (this_thread(), Origin::Call);
        lock(&self.state).calls.push(me);
        Busy(self, me)
    }

    /// As [`HostCalls::call`] in a forked child, where a lock that is taken would never be released.
    pub fn call_forked(&self, f: impl FnOnce(Services)) {
        if let Some(services) = library::try_lock(&self.state).and_then(|state| state.services) {
            f(services);
        }
    }

    /// Calls of the host into the object from which these threads have not returned, since they are in the host's hands.
    pub fn calls_of(&self, threads: &[usize]) -> usize {
        let state = lock(&self.state);
        state.calls.iter().filter(|(thread, origin)| *origin == Origin::Call && threads.contains(thread)).count()
    }

    /// Whether that thread calls the host.
    pub fn has_of(&self, thread: usize) -> bool {
        lock(&self.state).calls.iter().any(|(other, _)| *other == thread)
    }

    /// From now on the host is not called. Waits for what other threads have under way than these.
    pub fn close(&self, excused: &[usize]) {
        let mut state = lock(&self.state);
        state.services = None;
        while state.calls.iter().any(|(thread, _)| !excused.contains(thread)) {
            state = self.left.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
