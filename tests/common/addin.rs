//! The library as a host sees it: loaded at run time, called through its C functions (`include/websocket_addin.h`).
//!
//! Shared by the demo and by the tests that stand where a host stands. Each C function that they use has one safe
//! method here; the raw pointers end in this file.

use libloading::Library;
use std::ffi::{CStr, c_char, c_void};
use std::path::PathBuf;
use std::ptr::null_mut;
use std::sync::OnceLock;
use std::{env, fmt, slice};

pub const FOREVER: i64 = 0;

const TIMEOUT: i32 = 1;
const CLOSED: i32 = 2;
pub const EVENT_OPEN: i32 = 1;
pub const EVENT_MESSAGE: i32 = 2;
pub const EVENT_CLOSE: i32 = 3;
const KIND_BINARY: i32 = 1;
pub const NOT_RUNNING: i32 = -7;

/// `wsaddin_client` and `wsaddin_server`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Handle {
    id: u64,
}

/// `wsaddin_message`, of which a host knows only pointers.
#[repr(C)]
struct Opaque([u8; 0]);

type MessageOut = *mut *mut Opaque;
type Bytes = *const c_void;

macro_rules! functions {
    ($($name:ident($($arg:ty),*) $(-> $ret:ty)?;)*) => {
        struct Functions { $($name: unsafe extern "C" fn($($arg),*) $(-> $ret)?),* }

        impl Functions {
            /// # Safety
            /// `library` is ours, so that its symbols have the types of the header; it stays loaded.
            unsafe fn of(library: &Library) -> std::result::Result<Self, libloading::Error> {
                // SAFETY: the caller's promise.
                Ok(unsafe { Self { $($name: *library.get(concat!("wsaddin_", stringify!($name)).as_bytes())?),* } })
            }
        }
    };
}

functions! {
    version() -> *const c_char;
    error_description() -> *const c_char;
    message_event(*const Opaque) -> i32;
    message_kind(*const Opaque) -> i32;
    message_data(*const Opaque) -> *const u8;
    message_size(*const Opaque) -> usize;
    message_connection(*const Opaque) -> u64;
    message_free(*mut Opaque);
    client_new(*mut Handle) -> i32;
    client_free(Handle) -> i32;
    client_connect(Handle, Bytes, usize) -> i32;
    client_disconnect(Handle, u16, Bytes, usize, *mut i32) -> i32;
    client_send_text(Handle, Bytes, usize) -> i32;
    client_send_binary(Handle, Bytes, usize) -> i32;
    client_receive(Handle, i64, MessageOut) -> i32;
    client_receive_event(Handle, i64, MessageOut) -> i32;
    client_ping(Handle, i64, *mut i64) -> i32;
    client_request(Handle, Bytes, usize, i64, Bytes, usize, Bytes, usize, MessageOut) -> i32;
    server_new(*mut Handle) -> i32;
    server_free(Handle) -> i32;
    server_run(Handle, Bytes, usize, i64) -> i32;
    server_set_pages_folder(Handle, Bytes, usize) -> i32;
    server_stop(Handle) -> i32;
    server_get_port(Handle, *mut i64) -> i32;
    server_send_text(Handle, u64, Bytes, usize) -> i32;
    server_send_binary(Handle, u64, Bytes, usize) -> i32;
    server_broadcast_text(Handle, Bytes, usize, *mut i64) -> i32;
    server_receive_event(Handle, i64, MessageOut) -> i32;
    server_disconnect(Handle, u64, u16, Bytes, usize) -> i32;
    server_ping(Handle, u64, i64, *mut i64) -> i32;
}

/// A negative result with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: i32,
    pub text: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

pub type Result<T> = std::result::Result<T, Failure>;

fn check(result: i32) -> Result<i32> {
    if result >= 0 {
        return Ok(result);
    }
    // SAFETY: the function gives a NUL-terminated text that stays until this thread's next call.
    let text = unsafe { CStr::from_ptr((functions().error_description)()) };
    Err(Failure { code: result, text: text.to_string_lossy().into_owned() })
}

/// Where the library is. Beside a test or example Cargo has put it into `deps`; the copy one folder up is refreshed by
/// `cargo build` only and may be old, so it comes last. `WSADDIN_LIBRARY` names another one.
pub fn path() -> std::result::Result<PathBuf, String> {
    if let Some(path) = env::var_os("WSADDIN_LIBRARY") {
        return Ok(path.into());
    }
    let name = format!("{}websocket_addin{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let folder = program.parent().ok_or("a program has a folder")?;
    let places = [folder.join(&name), folder.join("../deps").join(&name), folder.join("..").join(&name)];
    places
        .iter()
        .find(|path| path.exists())
        .cloned()
        .ok_or_else(|| format!("{name} is not beside {}", folder.display()))
}

static LIBRARY: OnceLock<std::result::Result<(PathBuf, Functions), String>> = OnceLock::new();

fn open() -> std::result::Result<(PathBuf, Functions), String> {
    let path = path()?;
    // Shorter to read, where it can be had.
    let path = path.canonicalize().unwrap_or(path);
    let failed = |error: libloading::Error| format!("{}: {error}", path.display());
    // SAFETY: our own library; loading it runs no code that has requirements.
    let library = unsafe { Library::new(&path) }.map_err(failed)?;
    // SAFETY: it stays loaded as long as the process lives, see `forget`.
    let functions = unsafe { Functions::of(&library) }.map_err(failed)?;
    std::mem::forget(library);
    Ok((path, functions))
}

/// Loads the library and says from where. Whoever comes without this call gets a panic instead of the error.
pub fn load() -> std::result::Result<&'static PathBuf, &'static str> {
    LIBRARY.get_or_init(open).as_ref().map(|(path, _)| path).map_err(String::as_str)
}

fn functions() -> &'static Functions {
    LIBRARY.get_or_init(open).as_ref().map(|(_, functions)| functions).unwrap_or_else(|text| panic!("{text}"))
}

pub fn version() -> String {
    // SAFETY: a NUL-terminated text that lives as long as the library.
    unsafe { CStr::from_ptr((functions().version)()) }.to_string_lossy().into_owned()
}

/// A message or another event that is ours.
pub struct Message(*mut Opaque);

// SAFETY: the header allows any thread to read and free a message.
unsafe impl Send for Message {}

impl Message {
    pub fn event(&self) -> i32 {
        // SAFETY: not freed before the drop, here and below.
        unsafe { (functions().message_event)(self.0) }
    }

    pub fn is_binary(&self) -> bool {
        // SAFETY: as above.
        unsafe { (functions().message_kind)(self.0) == KIND_BINARY }
    }

    pub fn connection(&self) -> u64 {
        // SAFETY: as above.
        unsafe { (functions().message_connection)(self.0) }
    }

    pub fn data(&self) -> &[u8] {
        // SAFETY: as above; the data is never NULL and stays as long as the message.
        unsafe { slice::from_raw_parts((functions().message_data)(self.0), (functions().message_size)(self.0)) }
    }

    /// The text of anything but a binary message; the library has checked it.
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.data()).expect("a text is UTF-8")
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: ours, and freed only here.
        unsafe { (functions().message_free)(self.0) }
    }
}

/// What a waiting call came back with.
pub enum Received {
    Message(Message),
    Timeout,
    /// The connection or the server has ended, and everything was taken.
    Closed,
}

fn received(call: impl FnOnce(MessageOut) -> i32) -> Result<Received> {
    let mut message = null_mut();
    match check(call(&mut message))? {
        TIMEOUT => Ok(Received::Timeout),
        CLOSED => Ok(Received::Closed),
        _ => Ok(Received::Message(Message(message))),
    }
}

fn bytes(data: &[u8]) -> Bytes {
    data.as_ptr().cast()
}

// Every call below hands over handles that live as long as their owner, pointers to whole slices with their length,
// and pointers to locals for what comes out: all that the header asks for.

pub struct Client(Handle);

impl Client {
    pub fn new() -> Result<Self> {
        let mut handle = Handle { id: 0 };
        // SAFETY: see above.
        check(unsafe { (functions().client_new)(&mut handle) })?;
        Ok(Self(handle))
    }

    pub fn connect(&self, url: &str) -> Result<()> {
        // SAFETY: see above.
        check(unsafe { (functions().client_connect)(self.0, bytes(url.as_bytes()), url.len()) }).map(drop)
    }

    /// Whether everything was written and the other side confirmed the close.
    pub fn disconnect(&self, code: u16, reason: &str) -> Result<bool> {
        let mut clean = 0;
        let (data, size) = (bytes(reason.as_bytes()), reason.len());
        // SAFETY: see above.
        check(unsafe { (functions().client_disconnect)(self.0, code, data, size, &mut clean) })?;
        Ok(clean != 0)
    }

    pub fn send_text(&self, text: &str) -> Result<()> {
        // SAFETY: see above.
        check(unsafe { (functions().client_send_text)(self.0, bytes(text.as_bytes()), text.len()) }).map(drop)
    }

    pub fn send_binary(&self, data: &[u8]) -> Result<()> {
        // SAFETY: see above.
        check(unsafe { (functions().client_send_binary)(self.0, bytes(data), data.len()) }).map(drop)
    }

    pub fn receive(&self, timeout_ms: i64) -> Result<Received> {
        // SAFETY: see above.
        received(|out| unsafe { (functions().client_receive)(self.0, timeout_ms, out) })
    }

    pub fn receive_event(&self, timeout_ms: i64) -> Result<Received> {
        // SAFETY: see above.
        received(|out| unsafe { (functions().client_receive_event)(self.0, timeout_ms, out) })
    }

    /// The round trip in milliseconds.
    pub fn ping(&self, timeout_ms: i64) -> Result<i64> {
        let mut time = 0;
        // SAFETY: see above.
        check(unsafe { (functions().client_ping)(self.0, timeout_ms, &mut time) })?;
        Ok(time)
    }

    /// Sends a JSON object and gives the message that has the same `id`.
    pub fn request(&self, text: &str, timeout_ms: i64) -> Result<Received> {
        let (data, size) = (bytes(text.as_bytes()), text.len());
        // SAFETY: see above.
        received(|out| unsafe {
            (functions().client_request)(self.0, data, size, timeout_ms, bytes(b"id"), 2, bytes(b""), 0, out)
        })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: see above.
        unsafe { (functions().client_free)(self.0) };
    }
}

pub struct Server(Handle);

impl Server {
    pub fn new() -> Result<Self> {
        let mut handle = Handle { id: 0 };
        // SAFETY: see above.
        check(unsafe { (functions().server_new)(&mut handle) })?;
        Ok(Self(handle))
    }

    pub fn set_pages_folder(&self, folder: &str) -> Result<()> {
        let (name, size) = (folder.as_ptr().cast(), folder.len());
        // SAFETY: a text that outlives the call.
        check(unsafe { (functions().server_set_pages_folder)(self.0, name, size) }).map(drop)
    }

    pub fn run(&self, interface: &str, port: u16) -> Result<()> {
        let (name, size) = (bytes(interface.as_bytes()), interface.len());
        // SAFETY: see above.
        check(unsafe { (functions().server_run)(self.0, name, size, port.into()) }).map(drop)
    }

    pub fn stop(&self) -> Result<()> {
        // SAFETY: see above.
        check(unsafe { (functions().server_stop)(self.0) }).map(drop)
    }

    pub fn port(&self) -> Result<u16> {
        let mut port = 0;
        // SAFETY: see above.
        check(unsafe { (functions().server_get_port)(self.0, &mut port) })?;
        Ok(u16::try_from(port).expect("a port has 16 bits"))
    }

    /// False: that connection has gone.
    pub fn send_text(&self, connection: u64, text: &str) -> Result<bool> {
        let (data, size) = (bytes(text.as_bytes()), text.len());
        // SAFETY: see above.
        check(unsafe { (functions().server_send_text)(self.0, connection, data, size) }).map(|result| result == 0)
    }

    /// False: that connection has gone.
    pub fn send_binary(&self, connection: u64, data: &[u8]) -> Result<bool> {
        let (data, size) = (bytes(data), data.len());
        // SAFETY: see above.
        check(unsafe { (functions().server_send_binary)(self.0, connection, data, size) }).map(|result| result == 0)
    }

    /// To all; how many it was queued for.
    pub fn broadcast_text(&self, text: &str) -> Result<i64> {
        let mut count = 0;
        let (data, size) = (bytes(text.as_bytes()), text.len());
        // SAFETY: see above.
        check(unsafe { (functions().server_broadcast_text)(self.0, data, size, &mut count) })?;
        Ok(count)
    }

    pub fn receive_event(&self, timeout_ms: i64) -> Result<Received> {
        // SAFETY: see above.
        received(|out| unsafe { (functions().server_receive_event)(self.0, timeout_ms, out) })
    }

    /// Starts the close. False: that connection has gone already.
    pub fn disconnect(&self, connection: u64, code: u16, reason: &str) -> Result<bool> {
        let (data, size) = (bytes(reason.as_bytes()), reason.len());
        // SAFETY: see above.
        check(unsafe { (functions().server_disconnect)(self.0, connection, code, data, size) })
            .map(|result| result == 0)
    }

    /// The round trip in milliseconds.
    pub fn ping(&self, connection: u64, timeout_ms: i64) -> Result<i64> {
        let mut time = 0;
        // SAFETY: see above.
        check(unsafe { (functions().server_ping)(self.0, connection, timeout_ms, &mut time) })?;
        Ok(time)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SAFETY: see above.
        unsafe { (functions().server_free)(self.0) };
    }
}
