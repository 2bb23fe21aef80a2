//! The border between the host's threads and the library: no panic crosses it, and no cancellation acts inside.

use super::fork::Stake;
use std::cell::Cell;
use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

thread_local! {
    /// Inside of a border, or on a thread of ours. No destructor.
    static AT_BORDER: Cell<bool> = const { Cell::new(false) };
}

/// Runs a call of the host; a panic ends here, prints nothing and gives `panicked`. Std's own report of a panic would
/// leave something behind in the host's thread, and its text belongs to no host's error stream.
///
/// `pthread_cancel` of the thread acts when it has left: system calls of ours are points of cancellation, and what
/// glibc does then, unwinding the stack by force, must not meet `catch_unwind`, which ends the process. With the
/// asynchronous type it acts inside the last call here. So from there on no frame has anything to drop or to catch, and
/// no unwinder but the system's meets it (ours may be another, linked statically): that is why the result is `Copy`,
/// why `catch_unwind` has a frame of its own, and why exported functions have the ABI `C-unwind`.
#[inline]
pub fn border<R: Copy>(panicked: R, f: impl FnOnce() -> R) -> R {
    // On a thread of ours, and in a call from inside another, it is disabled already.
    if AT_BORDER.get() {
        return caught(panicked, f);
    }
    let before = disable_cancellation();
    quiet_panics();
    AT_BORDER.set(true);
    let result = caught(panicked, f);
    AT_BORDER.set(false);
    restore_cancellation(before);
    result
}

#[inline(never)]
fn caught<R: Copy>(panicked: R, f: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or(panicked)
}

/// This is a thread of ours: a host that cancels it has no effect, and a panic on it prints nothing. Where it is caught it
/// becomes an error of whom it concerns. Std's report would take memory, and locks, which where memory is short holds up
/// the thread for ever (with RUST_BACKTRACE set).
pub(super) fn begin_thread() {
    disable_cancellation();
    quiet_panics();
    AT_BORDER.set(true);
}

type PanicHook = Box<dyn Fn(&std::panic::PanicHookInfo<'_>) + Send + Sync>;

/// The hook that was there before. Neither it nor ours takes memory, which nobody would free at an unload: std's own hook
/// and ours are functions without data.
static BEFORE: OnceLock<PanicHook> = OnceLock::new();

/// Panics inside a border, and on threads of ours, are silent; all others go to the hook that was there before.
pub fn quiet_panics() {
    if BEFORE.get().is_none() {
        set_quiet_hook();
    }
}

#[cold]
#[inline(never)]
fn set_quiet_hook() {
    // One that is half done at a fork would hold the child up.
    let _stake = Stake::take();
    BEFORE.get_or_init(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(|info| {
            if let Some(before) = BEFORE.get().filter(|_| !AT_BORDER.get()) {
                before(info);
            }
        }));
        before
    });
}

#[cfg(target_os = "linux")]
unsafe extern "C-unwind" {
    // The crate libc has it for other systems only. It unwinds where it lets a cancellation act.
    safe fn pthread_setcancelstate(state: c_int, before: Option<&mut c_int>) -> c_int;
}

/// From pthread.h.
#[cfg(target_os = "linux")]
const PTHREAD_CANCEL_DISABLE: c_int = 1;

/// From now on nobody cancels this thread; what was in force before.
#[cfg(target_os = "linux")]
fn disable_cancellation() -> c_int {
    let mut before = 0;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, Some(&mut before));
    before
}

#[cfg(target_os = "linux")]
fn restore_cancellation(before: c_int) {
    if before != PTHREAD_CANCEL_DISABLE {
        pthread_setcancelstate(before, None);
    }
}

#[cfg(not(target_os = "linux"))]
fn disable_cancellation() -> c_int {
    0
}

#[cfg(not(target_os = "linux"))]
fn restore_cancellation(_: c_int) {}
