//! What belongs to the loaded library itself: its threads, its stay in memory and its end, and the few system calls
//! that have no safe wrapper. Beside the two faces the only place with `unsafe`.

use std::cell::Cell;
use std::ffi::c_void;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
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
    const LEAST: usize = 4 << 20;
    if size >= LEAST {
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

thread_local! {
    /// Inside a border. No destructor.
    static AT_BORDER: Cell<bool> = const { Cell::new(false) };
}

/// Runs a call of the host; a panic ends here and prints nothing. Std's own report of a panic would leave something
/// behind in the host's thread, and its text belongs to no host's error stream.
pub fn border<R>(f: impl FnOnce() -> R) -> std::thread::Result<R> {
    quiet_panics();
    let outer = AT_BORDER.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(f));
    AT_BORDER.set(outer);
    outcome
}

type PanicHook = Box<dyn Fn(&std::panic::PanicHookInfo<'_>) + Send + Sync>;

/// Panics inside a border are silent; all others go to the hook that was there before.
pub fn quiet_panics() {
    /// The hook that was there before. Neither it nor ours takes memory, which nobody would free at an unload: std's own
    /// hook and ours are functions without data.
    static BEFORE: OnceLock<PanicHook> = OnceLock::new();
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

#[cfg(unix)]
mod imp {
    use super::{AT_UNLOAD, Body, RUNNING, SeqCst, TLS_USED};
    use std::ffi::{c_int, c_void};
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::AsRawFd;
    use std::time::Duration;

    pub type Handle = libc::pthread_t;

    pub fn start(body: Body) -> io::Result<Handle> {
        let body = Box::into_raw(Box::new(body));
        let mut handle = MaybeUninit::<libc::pthread_t>::uninit();
        let mut all = MaybeUninit::<libc::sigset_t>::uninit();
        let mut before = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: the sets are written before they are read; `body` is a live box that the new thread alone takes
        // over, and `handle` is written when the call succeeds. The host's signals are blocked while the thread is
        // born, so that it inherits the mask and no handler of the host ever runs on it.
        let code = unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
            let code = libc::pthread_create(handle.as_mut_ptr(), std::ptr::null(), main, body.cast::<c_void>());
            libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
            code
        };
        if code != 0 {
            // SAFETY: no thread was made, so the box is still ours alone.
            drop(unsafe { Box::from_raw(body) });
            return Err(io::Error::from_raw_os_error(code));
        }
        // SAFETY: pthread_create succeeded and wrote it.
        Ok(unsafe { handle.assume_init() })
    }

    extern "C" fn main(body: *mut c_void) -> *mut c_void {
        // SAFETY: `start` passes a box of `Body` and gives it up.
        let body = unsafe { Box::from_raw(body.cast::<Body>()) };
        #[cfg(target_os = "linux")]
        if let Ok(name) = std::ffi::CString::new(&body.name[..body.name.len().min(15)]) {
            // SAFETY: our own thread, and a NUL-terminated name of at most 15 bytes.
            unsafe { libc::pthread_setname_np(libc::pthread_self(), name.as_ptr()) };
        }
        body.execute();
        std::ptr::null_mut()
    }

    pub fn join(handle: Handle) {
        // SAFETY: the handle comes from pthread_create and is consumed here, so nobody joins or detaches it twice.
        unsafe { libc::pthread_join(handle, std::ptr::null_mut()) };
    }

    pub fn detach(handle: Handle) {
        // SAFETY: as in `join`.
        unsafe { libc::pthread_detach(handle) };
    }

    pub fn pin() {
        let mut info = MaybeUninit::<libc::Dl_info>::zeroed();
        // SAFETY: the address is that of a function of ours; `info` is written when the result is not 0, and its file
        // name then lives as long as the library. Opening what is loaded already changes its flags only.
        unsafe {
            if libc::dladdr(main as *const c_void, info.as_mut_ptr()) != 0 {
                let name = info.assume_init().dli_fname;
                libc::dlopen(name, libc::RTLD_NOW | libc::RTLD_NOLOAD | libc::RTLD_NODELETE);
            }
        }
    }

    #[cfg(target_os = "linux")]
    pub fn held_back(socket: &mio::net::TcpStream) -> Option<Duration> {
        let mut info = MaybeUninit::<libc::tcp_info>::zeroed();
        let mut length = libc::socklen_t::try_from(size_of::<libc::tcp_info>()).ok()?;
        // SAFETY: a live descriptor, and a buffer of the length given; all of its bytes are initialised, and every
        // pattern of them is a valid value.
        let info = unsafe {
            let code = libc::getsockopt(
                socket.as_raw_fd(),
                libc::IPPROTO_TCP,
                libc::TCP_INFO,
                info.as_mut_ptr().cast::<c_void>(),
                &raw mut length,
            );
            (code == 0).then(|| info.assume_init())
        }?;
        // Held back by the peer's window, which may be closed and probed. What is merely on its way does not count: it
        // was sent, and a living peer answers it in time.
        let waiting = info.tcpi_probes > 0 || unsent(socket) > 0;
        // A peer that is alive answers the first probe or retransmission; its silence alone may be a long interval
        // between probes.
        let unanswered = info.tcpi_probes > 1 || info.tcpi_retransmits > 1;
        let silent = Duration::from_millis(u64::from(info.tcpi_last_ack_recv));
        waiting.then_some(if unanswered { silent } else { Duration::ZERO })
    }

    /// Bytes in the send queue that the kernel has not sent yet.
    #[cfg(target_os = "linux")]
    fn unsent(socket: &mio::net::TcpStream) -> c_int {
        /// From linux/sockios.h; libc has no name for it.
        const SIOCOUTQNSD: libc::c_ulong = 0x894B;
        let mut bytes: c_int = 0;
        // SAFETY: a live descriptor, and a request that writes one int.
        let code = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCOUTQNSD, &raw mut bytes) };
        if code == 0 { bytes } else { 0 }
    }

    #[cfg(not(target_os = "linux"))]
    pub fn held_back(_: &mio::net::TcpStream) -> Option<Duration> {
        None
    }

    #[cfg(target_os = "linux")]
    pub fn prefer_large_pages(start: *mut c_void, size: usize) {
        const PAGE: usize = 2 << 20;
        // Whole pages only: what lies beside the piece is none of our business.
        let before = start.addr().next_multiple_of(PAGE) - start.addr();
        let whole = size.saturating_sub(before) / PAGE * PAGE;
        // SAFETY: this advice changes no byte and no access right; the system refuses what is not mapped.
        unsafe { libc::madvise(start.wrapping_byte_add(before), whole, libc::MADV_HUGEPAGE) };
    }

    #[cfg(not(target_os = "linux"))]
    pub fn prefer_large_pages(_: *mut c_void, _: usize) {}

    /// TCP_USER_TIMEOUT counts a closed window, too.
    pub fn give_up_after(_: &mio::net::TcpStream, _: Duration) {}

    /// The system calls this when the library goes, or when the process ends.
    extern "C" fn finish() {
        let hook = AT_UNLOAD.try_lock().ok().and_then(|mut slot| slot.take());
        if let Some(hook) = hook {
            hook();
        }
        // With a thread of ours still inside OpenSSL nothing may be taken away from it.
        if TLS_USED.load(SeqCst) && RUNNING.load(SeqCst) == 0 {
            clean_up_tls();
        }
    }

    #[cfg(target_os = "linux")]
    fn clean_up_tls() {
        unsafe extern "C" {
            fn OPENSSL_cleanup();
        }
        // SAFETY: OpenSSL is linked into this library, nobody else reaches this copy, and none of our threads runs.
        // openssl-sys switches OpenSSL's own exit handler off, so this is the only call.
        unsafe { OPENSSL_cleanup() };
    }

    #[cfg(not(target_os = "linux"))]
    fn clean_up_tls() {}

    #[cfg(target_os = "linux")]
    #[used]
    // SAFETY: the section holds pointers to functions of exactly this type.
    #[unsafe(link_section = ".fini_array")]
    static FINISH: extern "C" fn() = finish;
}

#[cfg(windows)]
mod imp {
    use super::Body;
    use std::ffi::c_void;
    use std::io;
    use std::os::windows::io::AsRawSocket;
    use std::time::Duration;
    use windows_sys::Win32::Networking::WinSock;

    pub type Handle = std::thread::JoinHandle<()>;

    /// Windows unloads a library whatever is left in its threads, so std's threads do.
    pub fn start(body: Body) -> io::Result<Handle> {
        std::thread::Builder::new().name(body.name.clone()).spawn(move || body.execute())
    }

    pub fn join(handle: Handle) {
        let _ = handle.join();
    }

    pub fn detach(handle: Handle) {
        drop(handle);
    }

    pub fn prefer_large_pages(_: *mut c_void, _: usize) {}

    unsafe extern "system" {
        fn GetModuleHandleExW(flags: u32, address: *const c_void, module: *mut *mut c_void) -> i32;
    }

    pub fn pin() {
        const PIN: u32 = 1;
        const FROM_ADDRESS: u32 = 4;
        let mut module = std::ptr::null_mut();
        // SAFETY: the address is that of a function of ours, and `module` takes the result.
        unsafe { GetModuleHandleExW(PIN | FROM_ADDRESS, pin as *const c_void, &raw mut module) };
    }

    /// Windows tells the peer's window, from version 10 on, but not since when the peer is silent: giving up is left to
    /// [`give_up_after`].
    pub fn held_back(socket: &mio::net::TcpStream) -> Option<Duration> {
        let version = 0_u32;
        let mut info = WinSock::TCP_INFO_v0::default();
        let mut length = 0;
        // SAFETY: a live socket, a version that lives through the call and a structure of that version with its size.
        let code = unsafe {
            WinSock::WSAIoctl(
                handle(socket),
                WinSock::SIO_TCP_INFO,
                (&raw const version).cast::<c_void>(),
                size_of_val(&version) as u32,
                (&raw mut info).cast::<c_void>(),
                size_of_val(&info) as u32,
                &raw mut length,
                std::ptr::null_mut(),
                None,
            )
        };
        (code == 0 && info.SndWnd < info.Mss).then_some(Duration::ZERO)
    }

    pub fn give_up_after(socket: &mio::net::TcpStream, limit: Duration) {
        let seconds = i32::try_from(limit.as_millis().div_ceil(1000)).unwrap_or(i32::MAX).max(1);
        // Older systems do not know it and give up after their own time.
        let _ = set(handle(socket), WinSock::IPPROTO_TCP, WinSock::TCP_MAXRT, seconds);
    }

    pub fn take_port_alone(socket: &socket2::Socket) -> io::Result<()> {
        set(handle(socket), WinSock::SOL_SOCKET, WinSock::SO_EXCLUSIVEADDRUSE, 1)
    }

    fn handle(socket: &impl AsRawSocket) -> WinSock::SOCKET {
        socket.as_raw_socket() as WinSock::SOCKET
    }

    fn set(socket: WinSock::SOCKET, level: i32, option: i32, value: i32) -> io::Result<()> {
        let bytes = value.to_ne_bytes();
        // SAFETY: bytes that live through the call, with their number; a socket that is not alive is an error.
        let code = unsafe { WinSock::setsockopt(socket, level, option, bytes.as_ptr(), bytes.len() as i32) };
        if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}
