//! The host's interfaces that we call: its memory and its add-in services.

use super::units::Units;
use crate::error::{Error, Id, Result};
use std::ffi::{c_int, c_long, c_ulong, c_ushort, c_void};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// The destructor slots before the methods in a table.
const DESTRUCTORS: usize = if cfg!(windows) { 1 } else { 2 };

/// IInterface, as which the host hands out an IPlatformInfo, has no table. Microsoft's compiler puts such a base behind
/// the table's pointer of the class that has one, so that the pointer handed out lies that much behind the object.
const BASE_OFFSET: usize = if cfg!(windows) { size_of::<*const c_void>() } else { 0 };

/// What the host said of itself with `SetPlatformCapabilities`; the extended interface exists from 2 on.
pub(super) static CAPABILITIES: AtomicI64 = AtomicI64::new(0);

/// The slot number `method` (destructors not counted) of a C++ object's table.
///
/// # Safety
/// `object` is a live object of the host whose table has that many slots, and `F` is the type of the function there.
unsafe fn slot<F: Copy>(object: NonNull<c_void>, method: usize) -> F {
    const { assert!(size_of::<F>() == size_of::<*const c_void>()) };
    // SAFETY: an object begins with the pointer to its table; the rest is the caller's promise.
    unsafe {
        let table = *object.as_ptr().cast::<*const *const c_void>();
        std::mem::transmute_copy(&*table.add(method))
    }
}

/// IMemoryManager: memory that the host will own.
#[derive(Clone, Copy)]
pub(super) struct Memory(NonNull<c_void>);

// SAFETY: the host lets every thread that calls into it use its memory manager.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    pub fn new(pointer: *mut c_void) -> Option<Self> {
        NonNull::new(pointer).map(Self)
    }

    /// Fresh memory of the host, never NULL.
    pub fn allocate(self, size: usize) -> Result<*mut c_void> {
        type Allocate = unsafe extern "system" fn(*mut c_void, *mut *mut c_void, c_ulong) -> bool;
        let size = c_ulong::try_from(size).map_err(|_| Error::of(Id::NoMemory))?;
        let mut data = std::ptr::null_mut();
        // SAFETY: AllocMemory is the first method of IMemoryManager and writes one pointer.
        let done = unsafe { slot::<Allocate>(self.0, DESTRUCTORS)(self.0.as_ptr(), &raw mut data, size) };
        if done && !data.is_null() { Ok(data) } else { Err(Error::of(Id::NoMemory)) }
    }

    /// Gives memory back that this manager allocated; NULL is ignored.
    pub fn free(self, mut data: *mut c_void) {
        type Free = unsafe extern "system" fn(*mut c_void, *mut *mut c_void);
        if !data.is_null() {
            // SAFETY: FreeMemory is the second method and takes a pointer to the pointer.
            unsafe { slot::<Free>(self.0, DESTRUCTORS + 1)(self.0.as_ptr(), &raw mut data) };
        }
    }

    /// A NUL-terminated copy of a text for the host.
    pub fn text(self, text: &str) -> Result<*mut u16> {
        let units = Units::of(text)?;
        let data = self.allocate(units.len() * 2)?.cast::<u16>();
        // SAFETY: fresh memory of that size, which cannot overlap ours.
        unsafe { data.copy_from_nonoverlapping(units.as_ptr(), units.len()) };
        Ok(data)
    }
}

/// IAddInDefBase: errors and external events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Services(NonNull<c_void>);

// SAFETY: the host documents its add-in services as callable from any thread of the add-in.
unsafe impl Send for Services {}
// SAFETY: as above.
unsafe impl Sync for Services {}

/// A message of the importance that raises an exception in the script.
const IMPORTANT: c_ushort = 1006;

impl Services {
    pub fn new(pointer: *mut c_void) -> Option<Self> {
        NonNull::new(pointer).map(Self)
    }

    /// Reports an error of the present call; with a result of false it becomes the script's exception.
    pub fn add_error(self, source: &str, text: &str) {
        type AddError = unsafe extern "system" fn(*mut c_void, c_ushort, *const u16, *const u16, c_long) -> bool;
        // Without memory for its text it is an exception all the same.
        let [source, text] = [source, text].map(|text| Units::of(text).unwrap_or_default());
        let [source, text] = [&source, &text].map(|text| if text.is_empty() { &[0][..] } else { text });
        // SAFETY: AddError is the first method; the texts are NUL-terminated and live through the call.
        unsafe {
            slot::<AddError>(self.0, DESTRUCTORS)(self.0.as_ptr(), IMPORTANT, source.as_ptr(), text.as_ptr(), 1);
        }
    }

    /// Sets the number of external events that the host keeps for the script.
    pub fn set_event_depth(self, depth: c_long) {
        type SetDepth = unsafe extern "system" fn(*mut c_void, c_long) -> bool;
        // SAFETY: SetEventBufferDepth is the fifth method.
        unsafe { slot::<SetDepth>(self.0, DESTRUCTORS + 4)(self.0.as_ptr(), depth) };
    }

    pub fn event_depth(self) -> c_long {
        type Depth = unsafe extern "system" fn(*mut c_void) -> c_long;
        // SAFETY: GetEventBufferDepth is the sixth method.
        unsafe { slot::<Depth>(self.0, DESTRUCTORS + 5)(self.0.as_ptr()) }
    }

    /// Offers an external event; false when the host's queue is full. `data` is NUL-terminated.
    ///
    /// # Errors
    /// `NoMemory`: none for its texts; the host was not asked.
    pub fn external_event(self, source: &str, event: &str, data: &mut [u16]) -> Result<bool> {
        type ExternalEvent = unsafe extern "system" fn(*mut c_void, *mut u16, *mut u16, *mut u16) -> bool;
        let (mut source, mut event) = (Units::of(source)?, Units::of(event)?);
        if data.last() != Some(&0) {
            return Err(Error::of(Id::BadUtf16));
        }
        // SAFETY: ExternalEvent is the seventh method; the texts are NUL-terminated, writable (the host's interface
        // asks for that) and live through the call.
        Ok(unsafe {
            slot::<ExternalEvent>(self.0, DESTRUCTORS + 6)(
                self.0.as_ptr(),
                source.as_mut_ptr(),
                event.as_mut_ptr(),
                data.as_mut_ptr(),
            )
        })
    }

    /// Whether the host says that it has no external events: a server or an external connection.
    pub fn is_server_side(self) -> bool {
        #[repr(C)]
        struct AppInfo {
            version: *const u16,
            user_agent: *const u16,
            application: c_int,
        }
        type GetInterface = unsafe extern "system" fn(*mut c_void, c_int) -> *mut c_void;
        type GetInfo = unsafe extern "system" fn(*mut c_void) -> *const AppInfo;
        const PLATFORM_INFO: c_int = 1;
        const SERVER: c_int = 3;
        const EXTERNAL_CONNECTION: c_int = 4;
        const MOBILE_SERVER: c_int = 6;
        if CAPABILITIES.load(Relaxed) < 2 {
            return false;
        }
        // SAFETY: a host of these capabilities gives IAddInDefBaseEx, whose only own method follows the ten of its
        // base, and which gives NULL or the IInterface inside an IPlatformInfo. That has no destructor and one method,
        // which gives NULL or a structure that it keeps.
        let application = unsafe {
            let info = slot::<GetInterface>(self.0, DESTRUCTORS + 10)(self.0.as_ptr(), PLATFORM_INFO);
            NonNull::new(info)
                .map(|info| info.byte_sub(BASE_OFFSET))
                .and_then(|info| slot::<GetInfo>(info, 0)(info.as_ptr()).as_ref())
                .map(|it| it.application)
        };
        matches!(application, Some(SERVER | EXTERNAL_CONNECTION | MOBILE_SERVER))
    }
}
