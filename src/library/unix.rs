//! Linux, and what other systems of the kind share with it.

use super::{Body, signals};
use openssl::x509::X509VerifyResult;
use std::ffi::{c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::time::Duration;

pub type Handle = libc::pthread_t;

pub fn start(body: Body) -> io::Result<Handle> {
    let body = Box::into_raw(Box::new(body));
    let mut handle = MaybeUninit::<libc::pthread_t>::uninit();
    // SAFETY: `body` is a live box that the new thread alone takes over, and `handle` is written when the call succeeds.
    let create = || unsafe { libc::pthread_create(handle.as_mut_ptr(), std::ptr::null(), main, body.cast::<c_void>()) };
    let code = signals::while_creating(create);
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
    signals::open_to_faults();
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
    };
    let Some(info) = info else {
        // A Unix socket: what is held back waits for the peer to read, and no kernel between can fall silent.
        return is_full(socket).then_some(Duration::ZERO);
    };
    // Held back by the peer's window, which may be closed and probed. What is merely on its way does not count: it
    // was sent, and a living peer answers it in time.
    let waiting = info.tcpi_probes > 0 || unsent(socket) > 0;
    // A peer that is alive answers the first probe or retransmission; its silence alone may be a long interval
    // between probes.
    let unanswered = info.tcpi_probes > 1 || info.tcpi_retransmits > 1;
    let silent = Duration::from_millis(u64::from(info.tcpi_last_ack_recv));
    waiting.then_some(if unanswered { silent } else { Duration::ZERO })
}

/// Whether it takes nothing more at the moment.
#[cfg(target_os = "linux")]
fn is_full(socket: &mio::net::TcpStream) -> bool {
    let mut asked = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
    // SAFETY: a live descriptor, and one entry that is ours; it does not wait.
    unsafe { libc::poll(&raw mut asked, 1, 0) == 0 }
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
    super::finish();
}

/// OpenSSL's reason against a certificate that is on a revocation list; its crate has no name for it.
pub fn is_revoked() -> X509VerifyResult {
    const X509_V_ERR_CERT_REVOKED: c_int = 23;
    // SAFETY: the number is one of OpenSSL's.
    unsafe { X509VerifyResult::from_raw(X509_V_ERR_CERT_REVOKED) }
}

/// The same where the list says nothing of today.
pub fn is_list_old() -> X509VerifyResult {
    const X509_V_ERR_CRL_HAS_EXPIRED: c_int = 12;
    // SAFETY: the number is one of OpenSSL's.
    unsafe { X509VerifyResult::from_raw(X509_V_ERR_CRL_HAS_EXPIRED) }
}

#[cfg(target_os = "linux")]
pub fn clean_up_tls() {
    unsafe extern "C" {
        fn OPENSSL_cleanup();
    }
    // SAFETY: OpenSSL is linked into this library, nobody else reaches this copy, and none of our threads runs.
    // openssl-sys switches OpenSSL's own exit handler off, so this is the only call.
    unsafe { OPENSSL_cleanup() };
}

#[cfg(not(target_os = "linux"))]
pub fn clean_up_tls() {}

#[cfg(target_os = "linux")]
#[used]
// SAFETY: the section holds pointers to functions of exactly this type.
#[unsafe(link_section = ".fini_array")]
static FINISH: extern "C" fn() = finish;
