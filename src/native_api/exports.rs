//! The functions by which the host finds the objects. They stand in no C header.

use super::abi::{self, Object};
use super::component::{Addin, Component};
use super::host::CAPABILITIES;
use super::table::Class;
use super::text::same_name;
use crate::client::Client;
use crate::error::Result;
use crate::library;
use crate::server::Server;
use std::ffi::{c_int, c_long, c_void};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

const fn ascii<const N: usize>(text: &str) -> [u16; N] {
    assert!(text.len() + 1 == N);
    let mut units = [0; N];
    let mut at = 0;
    while at < text.len() {
        units[at] = text.as_bytes()[at] as u16;
        at += 1;
    }
    units
}

static CLASS_NAMES: [u16; 14] = ascii("Client|Server");

/// The version of the Native API that this component knows; later ones add nothing that it uses.
const CAPABILITY: c_int = 3;
/// Any kind of attachment: isolated or not.
const ATTACH_ANY: c_int = 3;

/// The classes, separated by `|`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn GetClassNames() -> *const u16 {
    CLASS_NAMES.as_ptr()
}

/// Makes an object of the class; not 0 when `object` holds it.
///
/// # Safety
/// `name` is NULL or NUL-terminated, `object` is NULL or a place for one pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn GetClassObject(name: *const u16, object: *mut *mut c_void) -> c_long {
    library::border(0, || {
        if library::is_forked() {
            return 0;
        }
        // SAFETY: the caller's promise.
        let (Some(first), Some(place)) = (unsafe { name.as_ref() }, unsafe { object.as_mut() }) else { return 0 };
        // SAFETY: NUL-terminated, and no class name is longer.
        let length = (0..32).find(|&at| unsafe { *std::ptr::from_ref(first).add(at) } == 0).unwrap_or(0);
        // SAFETY: as above.
        let name = unsafe { std::slice::from_raw_parts(name, length) };
        match make(name) {
            Some(Ok(addin)) => {
                *place = Object::boxed(addin).cast();
                1
            }
            Some(Err(_)) | None => 0,
        }
    })
}

fn make(name: &[u16]) -> Option<Result<Arc<dyn Addin>>> {
    if same_name(Client::NAME, name) {
        Some(Component::<Client>::make())
    } else if same_name(Server::NAME, name) {
        Some(Component::<Server>::make())
    } else {
        None
    }
}

/// Ends an object and clears the pointer; 0 when that is done.
///
/// # Safety
/// `object` is NULL or holds NULL or an object of [`GetClassObject`] that nobody uses afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn DestroyObject(object: *mut *mut c_void) -> c_long {
    library::border(-1, || {
        // SAFETY: the caller's promise.
        let Some(place) = (unsafe { object.as_mut() }) else { return -1 };
        let object = std::mem::replace(place, std::ptr::null_mut());
        if object.is_null() {
            return -1;
        }
        // SAFETY: the caller's promise.
        unsafe { abi::destroy(object.cast()) };
        0
    })
}

/// The host says which version of the Native API it has.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn SetPlatformCapabilities(capabilities: c_int) -> c_int {
    CAPABILITIES.store(capabilities.into(), Relaxed);
    CAPABILITY
}

/// How the component may be attached.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn GetAttachType() -> c_int {
    ATTACH_ANY
}
