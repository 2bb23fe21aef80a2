//! What belongs to the loaded library itself: its threads, its stay in memory and its end, and the few system calls
//! that have no safe wrapper. Beside the two faces the only place with `unsafe`.

#[cfg(unix)]
#[path = "unix.rs"]
mod imp;
#[cfg(windows)]
#[path = "windows.rs"]
mod imp;
#[cfg(unix)]
mod signals;

mod background;
mod border;
mod fork;
#[cfg(windows)]
mod key_container;

pub use background::{finish_later, later};
pub use border::{border, quiet_panics};
pub use fork::{Stake, back_from_host, has_child, is_forked, try_lock};
#[cfg(unix)]
pub use imp::{is_list_old, is_revoked};
#[cfg(windows)]
pub use key_container::{KeyContainer, key_container};

use std::cell::Cell;
use std::ffi::c_void;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Threads of ours that run.
static RUNNING: AtomicUsize = AtomicUsize::new(0);
/// OpenSSL was used: its own clean-up must run before the code goes.
static TLS_USED: AtomicBool = AtomicBool::new(false);
static AT_UNLOAD: Mutex<Option<fn()>> = Mutex::new(None);

/// Runs `body` on a thread of ours.
struct Body {
    run: Box<dyn FnOnce() + Send>,
    finished: Arc<AtomicBool>,
    #[cfg_attr(not(any(target_os = "linux", windows)), expect(dead_code, reason = "threads have no name there"))]
    name: String,
}

impl Body {
    fn execute(self) {
        border::begin_thread();
        // A panic ends the thread's work; it must not unwind into the system.
        let _ = catch_unwind(AssertUnwindSafe(self.run));
        RUNNING.fetch_sub(1, SeqCst);
        self.finished.store(true, SeqCst);
    }
}

/// A started thread; join or detach it.
pub struct Thread {
    finished: Arc<AtomicBool>,
    handle: imp::Handle,
}

impl Thread {
    /// Waits for its end, destructors of its thread-locals included.
    pub fn join(self) {
        imp::join(self.handle);
    }

    pub fn detach(self) {
        imp::detach(self.handle);
    }

    /// Its body is through; `join` will return at once.
    pub fn is_finished(&self) -> bool {
        self.finished.load(SeqCst)
    }
}

/// Starts a thread. Not by `std::thread` where it can be avoided: std leaves a thread-local destructor in the thread
/// that spawns, which would keep the library mapped until that host thread ends.
pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<Thread> {
    let finished = Arc::new(AtomicBool::new(false));
    let body = Body { run: Box::new(body), finished: finished.clone(), name: name.to_owned() };
    RUNNING.fetch_add(1, SeqCst);
    match imp::start(body) {
        Ok(handle) => Ok(Thread { finished, handle }),
        Err(error) => {
            RUNNING.fetch_sub(1, SeqCst);
            Err(error)
        }
    }
}

/// Has `f` called when the library is unloaded, or the process ends, with the host's objects perhaps still alive. It
/// must end by itself within a short time.
pub fn at_unload(f: fn()) {
    *AT_UNLOAD.lock().unwrap_or_else(PoisonError::into_inner) = Some(f);
}

/// The library goes, or the process ends.
#[cfg(unix)]
fn finish() {
    fork::forget();
    if is_forked() {
        // Nothing here is the child's: no thread of ours runs, and any lock may be taken.
        return;
    }
    let hook = AT_UNLOAD.try_lock().ok().and_then(|mut slot| slot.take());
    if let Some(hook) = hook {
        hook();
    }
    // With a thread of ours still inside OpenSSL nothing may be taken away from it.
    if TLS_USED.load(SeqCst) && RUNNING.load(SeqCst) == 0 {
        imp::clean_up_tls();
    }
}

/// OpenSSL is being used.
pub fn uses_tls() {
    TLS_USED.store(true, SeqCst);
}

/// Keeps the library in memory until the process ends, because a thread of ours will return into it.
pub fn pin() {
    imp::pin();
}

/// Reads at most `most` bytes into the spare room of `into`, which is not filled with zeros before.
#[cfg(unix)]
pub fn receive(socket: &mio::net::TcpStream, into: &mut Vec<u8>, most: usize) -> std::io::Result<usize> {
    let most = most.min(into.capacity() - into.len());
    let count = socket2::SockRef::from(socket).recv(&mut into.spare_capacity_mut()[..most])?.min(most);
    // SAFETY: the system has written that many bytes at the beginning of the spare room.
    unsafe { into.set_len(into.len() + count) };
    Ok(count)
}

/// How long the peer's kernel has been silent while its window holds back what we have to send; `None` when nothing is
/// held back, or when the system does not tell.
pub fn held_back(socket: &mio::net::TcpStream) -> Option<Duration> {
    imp::held_back(socket)
}

/// Memory that is about to be written from end to end may come in large pages, where the system has them: a page fault
/// for each 4 KiB costs more than all that is done with the bytes. Advice, which may have no effect; `start` need not be
/// good for anything.
pub fn prefer_large_pages(start: *mut c_void, size: usize) {
    /// Below a few of them there is nothing to gain.
    const MIN_SIZE: usize = 4 << 20;
    if size >= MIN_SIZE {
        imp::prefer_large_pages(start, size);
    }
}

/// Lets the system itself give up a peer that acknowledges nothing for so long, where it can be told to and spares one
/// that only keeps its window closed.
pub fn give_up_after(socket: &mio::net::TcpStream, limit: Duration) {
    imp::give_up_after(socket, limit);
}

/// Takes a port for this socket alone, whatever others set on theirs. Only Windows lets others set something.
#[cfg(windows)]
pub fn take_port_alone(socket: &socket2::Socket) -> io::Result<()> {
    imp::take_port_alone(socket)
}

/// A number that no other thread has at the same time.
pub fn this_thread() -> usize {
    thread_local! {
        /// Only its place counts. No destructor.
        static HERE: Cell<u8> = const { Cell::new(0) };
    }
    HERE.with(|here| std::ptr::from_ref(here).addr())
}
