//! Windows.

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
