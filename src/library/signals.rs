//! Which of the host's signals a thread of ours takes.
//!
//! A signal that is sent to the process goes to any thread that does not block it, and runs the host's handler there, or
//! ends the process where the host keeps it blocked to take it with `sigwait` or `signalfd`. So our threads block what
//! the threads that made them block, and besides everything that is sent to a process: SIGINT, SIGTERM, SIGHUP,
//! SIGCHLD, SIGALRM, SIGPIPE and the like, SIGUSR1 and SIGUSR2 too, which are commands of an administrator far more often
//! than anything else; the runtimes that use them for their threads (HotSpot SIGUSR2) unblock them when a thread of ours
//! first calls into them.
//!
//! What a runtime sends to one of its threads, and waits for, must get through, because a thread of ours that calls the
//! host becomes one of them: Mono and the Boehm collector stop threads with SIGPWR and start them with SIGXCPU, Mono
//! aborts them with a real-time signal, .NET interrupts them with the first of these, D stops and starts them with
//! two, Go preempts them with SIGURG, and profilers look at them with SIGPROF.
//!
//! What a fault raises is for whoever reports faults, sanitizers above all: with such a signal blocked the system would
//! end the process without asking anybody.

use std::ffi::c_int;
use std::mem::MaybeUninit;

/// Raised by what the thread itself does.
const OF_FAULTS: [c_int; 7] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGSYS, libc::SIGABRT];

/// Sent by runtimes to their threads, besides the real-time signals.
#[cfg(target_os = "linux")]
const OF_RUNTIMES: [c_int; 4] = [libc::SIGPWR, libc::SIGXCPU, libc::SIGURG, libc::SIGPROF];
#[cfg(not(target_os = "linux"))]
const OF_RUNTIMES: [c_int; 3] = [libc::SIGXCPU, libc::SIGURG, libc::SIGPROF];

#[cfg(target_os = "linux")]
fn real_time() -> std::ops::RangeInclusive<c_int> {
    libc::SIGRTMIN()..=libc::SIGRTMAX()
}

#[cfg(not(target_os = "linux"))]
fn real_time() -> std::ops::Range<c_int> {
    0..0
}

/// Runs `create`, which makes a thread, with the mask that the new one shall inherit; the caller's own comes back.
pub fn while_creating<R>(create: impl FnOnce() -> R) -> R {
    let mut more = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: both sets are written before they are read. The caller blocks more than before, never less, so that
    // nothing reaches it that it does not expect.
    unsafe {
        libc::sigfillset(more.as_mut_ptr());
        for signal in OF_FAULTS.into_iter().chain(OF_RUNTIMES).chain(real_time()) {
            libc::sigdelset(more.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, more.as_ptr(), before.as_mut_ptr());
    }
    let made = create();
    // SAFETY: as above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut()) };
    made
}

/// On a new thread: whatever the thread that made it blocks, faults are reported.
pub fn open_to_faults() {
    let mut faults = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the set is written before it is read.
    unsafe {
        libc::sigemptyset(faults.as_mut_ptr());
        for signal in OF_FAULTS {
            libc::sigaddset(faults.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(libc::SIG_UNBLOCK, faults.as_ptr(), std::ptr::null_mut());
    }
}
