//! What a fork leaves of the library in the child.
//!
//! Of all threads only the one that forked goes on in the child, and what the others had locked stays locked. So a child
//! of a process that had objects uses none of the library's state: every call says so and returns. Where there was none,
//! the child can make its own. It costs a call one load; the child's flag is set by a handler that the C library calls
//! at the fork.

#[cfg(unix)]
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, TryLockError};

static FORKED: AtomicBool = AtomicBool::new(false);
/// This process has had a child.
static HAS_CHILD: AtomicBool = AtomicBool::new(false);
/// How much there is that a fork would leave broken in the child.
static STAKES: AtomicUsize = AtomicUsize::new(0);

/// Whether this process is the child of one that had objects.
#[inline]
pub fn is_forked() -> bool {
    FORKED.load(Relaxed)
}

/// While it lives a child of this process must not use the library: an object with its threads, or a call that takes
/// locks without one.
pub struct Stake(());

impl Stake {
    pub fn take() -> Self {
        static WATCHED: AtomicBool = AtomicBool::new(false);
        // Counted first, so that no fork comes between.
        STAKES.fetch_add(1, SeqCst);
        if !WATCHED.swap(true, SeqCst) {
            at_fork(parent, child);
        }
        Stake(())
    }
}

impl Drop for Stake {
    fn drop(&mut self) {
        STAKES.fetch_sub(1, SeqCst);
    }
}

/// Whether a child may have copies of this process's sockets: closing one here does not end its connection then.
pub fn has_child() -> bool {
    HAS_CHILD.load(Relaxed)
}

extern "C" fn parent() {
    HAS_CHILD.store(true, SeqCst);
}

/// The first thing that happens in a child.
extern "C" fn child() {
    if STAKES.load(SeqCst) > 0 {
        FORKED.store(true, SeqCst);
    }
}

/// A lock for a forked child, where nobody would give back one that is taken.
pub fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// A thread of ours is back from a function of the host. If the host has forked there, this is the child's only thread,
/// and it has nothing to do: it must not serve the parent's sockets. The process ends as one does whose last thread ends.
#[inline]
pub fn back_from_host() {
    if is_forked() {
        end_child();
    }
}

/// What the C library knows this library by in [`at_fork`] and [`forget`]; only its address counts.
#[cfg(target_os = "linux")]
static SELF: u8 = 0;

#[cfg(target_os = "linux")]
unsafe extern "C" {
    /// What `pthread_atfork` is made of. That one takes a handle from the compiler's start files, which not every linker
    /// adds.
    fn __register_atfork(
        prepare: Option<extern "C" fn()>,
        parent: Option<extern "C" fn()>,
        child: Option<extern "C" fn()>,
        library: *const c_void,
    ) -> c_int;
    fn __cxa_finalize(library: *const c_void);
}

/// Has the functions called after each fork, in both processes.
#[cfg(target_os = "linux")]
fn at_fork(parent: extern "C" fn(), child: extern "C" fn()) {
    // SAFETY: the functions stay callable until `forget`, which the end of the library calls. It fails without
    // memory, and then a child is not told.
    unsafe { __register_atfork(None, Some(parent), Some(child), (&raw const SELF).cast()) };
}

/// Before the code goes.
#[cfg(target_os = "linux")]
pub(super) fn forget() {
    // SAFETY: forgets what was registered with this handle, which is those handlers alone.
    unsafe { __cxa_finalize((&raw const SELF).cast()) };
}

#[cfg(not(target_os = "linux"))]
fn at_fork(_: extern "C" fn(), _: extern "C" fn()) {}

#[cfg(all(unix, not(target_os = "linux")))]
pub(super) fn forget() {}

/// Ends a forked child at once: what the host registered for its own end is the parent's business.
#[cfg(unix)]
fn end_child() {
    // SAFETY: it does not return, and runs nothing of anybody's.
    unsafe { libc::_exit(0) };
}

#[cfg(not(unix))]
fn end_child() {}
