//! Where raw pointers die: arguments become slices and texts, outputs become values that can only be set.
//!
//! What can be checked is checked (NULL, lengths, UTF-8); that a pointer leads to memory of the size given is the
//! caller's promise, which the header's first page states.

use crate::error::{Error, Id, Result};
use crate::net::TlsSources;
use crate::ws::{Message, MessageKind};
use std::ffi::{c_char, c_void};

/// The bytes of an argument.
///
/// # Safety
/// `data` is NULL or readable for `size` bytes for the whole call.
#[inline(always)]
pub(super) unsafe fn bytes<'a>(name: &'static str, data: *const c_void, size: usize) -> Result<&'a [u8]> {
    if size == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(Error::new(Id::NullPointer, [name.into()]));
    }
    if isize::try_from(size).is_err() {
        return Err(Error::new(Id::SizeTooBig, [name.into(), size.into()]));
    }
    // SAFETY: not NULL, not longer than an object can be, and readable by the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(data.cast(), size) })
}

/// The text of an argument.
///
/// # Safety
/// As for [`bytes`].
pub(super) unsafe fn text<'a>(name: &'static str, data: *const c_void, size: usize) -> Result<&'a str> {
    // SAFETY: the same promise.
    let bytes = unsafe { bytes(name, data, size) }?;
    simdutf8::compat::from_utf8(bytes)
        .map_err(|error| Error::new(Id::BadUtf8, [name.into(), error.valid_up_to().into()]))
}

/// The payload of a message; `None` where [`bytes`] or [`text`] would say what is wrong with it.
///
/// # Safety
/// As for [`bytes`].
#[inline(always)]
pub(super) unsafe fn payload<'a>(kind: MessageKind, data: *const c_void, size: usize) -> Option<&'a [u8]> {
    if size > 0 && (data.is_null() || isize::try_from(size).is_err()) {
        return None;
    }
    // SAFETY: not NULL, not longer than an object can be, and readable by the caller's promise.
    let bytes = if size == 0 { &[] } else { unsafe { std::slice::from_raw_parts(data.cast(), size) } };
    (kind == MessageKind::Binary || simdutf8::basic::from_utf8(bytes).is_ok()).then_some(bytes)
}

/// A text that an object tells, perhaps in vain.
pub(super) trait Told {
    fn told(self) -> Result<String>;
}

impl Told for String {
    fn told(self) -> Result<String> {
        Ok(self)
    }
}

impl Told for Result<String> {
    fn told(self) -> Result<String> {
        self
    }
}

/// A text message: the one copy of the payload on its way from the host to the send queue.
///
/// # Safety
/// As for [`bytes`].
pub(super) unsafe fn text_message(name: &'static str, data: *const c_void, size: usize) -> Result<Message> {
    // SAFETY: the same promise.
    let text = unsafe { text(name, data, size) }?;
    Message::try_text(text)
}

/// A binary message, copied likewise.
///
/// # Safety
/// As for [`bytes`].
pub(super) unsafe fn binary_message(name: &'static str, data: *const c_void, size: usize) -> Result<Message> {
    // SAFETY: the same promise.
    let bytes = unsafe { bytes(name, data, size) }?;
    Message::try_binary(bytes)
}

/// Certificate, key and password.
///
/// # Safety
/// As for [`bytes`], each.
pub(super) unsafe fn sources(
    (certificate, certificate_size): (*const c_void, usize),
    (key, key_size): (*const c_void, usize),
    (password, password_size): (*const c_void, usize),
) -> Result<TlsSources> {
    // SAFETY: the same promise, for each.
    unsafe {
        Ok(TlsSources::new(
            text("certificate", certificate, certificate_size)?,
            text("key", key, key_size)?,
            text("password", password, password_size)?,
        ))
    }
}

/// The elements of an array argument, of which there is at least one.
///
/// # Safety
/// `items` is NULL or readable for `count` elements for the whole call.
pub(super) unsafe fn array<'a>(name: &'static str, items: *const u64, count: usize) -> Result<&'a [u64]> {
    if count == 0 {
        return Err(Error::new(Id::CountZero, [name.into()]));
    }
    // SAFETY: the same promise.
    unsafe { list(name, items, count) }
}

/// The elements of an array argument.
///
/// # Safety
/// `items` is NULL or readable for `count` elements for the whole call.
pub(super) unsafe fn list<'a, T>(name: &'static str, items: *const T, count: usize) -> Result<&'a [T]> {
    if count == 0 {
        return Ok(&[]);
    }
    if items.is_null() {
        return Err(Error::new(Id::NullPointer, [name.into()]));
    }
    if count > isize::MAX as usize / size_of::<T>() {
        return Err(Error::new(Id::SizeTooBig, [name.into(), count.into()]));
    }
    // SAFETY: not NULL, not longer than an object can be, and readable by the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(items, count) })
}

/// A logical value: 0 or 1.
pub(super) fn flag(name: &'static str, value: i32) -> Result<bool> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(Error::new(Id::OutOfRange, [name.into(), i64::from(other).into(), 0.into(), 1.into()])),
    }
}

/// An object of ours behind a pointer.
///
/// # Safety
/// `pointer` is NULL or leads to a live object that nobody changes during the call.
pub(super) unsafe fn reference<'a, T>(name: &'static str, pointer: *const T) -> Result<&'a T> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_ref() }.ok_or_else(|| Error::new(Id::NullPointer, [name.into()]))
}

/// A place for one value; zero or NULL until it is set.
pub(super) struct Out<T>(*mut T);

impl<T> Out<T> {
    pub(super) fn set(self, value: T) {
        // SAFETY: `out` has checked the pointer and the caller promised that it stays writable.
        unsafe { self.0.write(value) };
    }
}

/// A place for an output, which becomes `empty` at once. Outputs come first in a function's body, so that they are
/// empty whatever fails afterwards.
///
/// # Safety
/// `place` is NULL or writable for the whole call.
pub(super) unsafe fn out<T>(name: &'static str, place: *mut T, empty: T) -> Result<Out<T>> {
    if place.is_null() {
        return Err(Error::new(Id::NullPointer, [name.into()]));
    }
    let out = Out(place);
    // SAFETY: not NULL, and writable by the caller's promise.
    unsafe { place.write(empty) };
    Ok(out)
}

/// A count as C gets it.
pub(super) fn clamp(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A place for a text: a buffer and the size that the text needs.
pub(super) struct TextOut {
    buffer: *mut c_char,
    capacity: usize,
    needed: Out<usize>,
}

/// A place for a text, which becomes the empty text at once.
///
/// # Safety
/// `buffer` is NULL or writable for `capacity` bytes, `needed` is NULL or writable, both for the whole call.
pub(super) unsafe fn text_out(buffer: *mut c_char, capacity: usize, needed: *mut usize) -> Result<TextOut> {
    if capacity > 0 && !buffer.is_null() {
        // SAFETY: not NULL, and at least one byte is writable by the caller's promise.
        unsafe { buffer.write(0) };
    }
    // SAFETY: the caller's promise.
    let needed = unsafe { out("needed", needed, 0) }?;
    if capacity > 0 && buffer.is_null() {
        return Err(Error::new(Id::NullPointer, ["buffer".into()]));
    }
    Ok(TextOut { buffer, capacity, needed })
}

impl TextOut {
    /// Writes the text and a NUL if they fit; else only says how many bytes the text has.
    pub(super) fn set(self, text: &str) -> Result<()> {
        self.needed.set(text.len());
        if self.capacity <= text.len() {
            return Err(Error::new(Id::BufferTooSmall, [self.capacity.into(), (text.len() + 1).into()]));
        }
        // SAFETY: `text_out` has checked the buffer, which holds more than the text's bytes and cannot overlap ours.
        unsafe {
            self.buffer.copy_from_nonoverlapping(text.as_ptr().cast(), text.len());
            self.buffer.add(text.len()).write(0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::null;

    #[test]
    fn null_goes_only_with_size_0() {
        // SAFETY: NULL is allowed.
        unsafe {
            assert_eq!(bytes("data", null(), 0).unwrap(), b"");
            assert_eq!(bytes("data", null(), 1).unwrap_err().text(crate::error::Language::English), "data is NULL");
            assert!(bytes("data", b"x".as_ptr().cast(), usize::MAX).is_err());
        }
    }

    #[test]
    fn bad_utf8_names_the_parameter_and_the_place() {
        let bad = b"ab\xFF";
        // SAFETY: three readable bytes.
        let error = unsafe { text("url", bad.as_ptr().cast(), bad.len()) }.unwrap_err();
        assert_eq!(error.text(crate::error::Language::English), "url is not valid UTF-8 (at byte 2)");
    }

    #[test]
    fn a_text_fits_with_its_nul_or_is_not_written() {
        let mut buffer = [b'#' as c_char; 8];
        let mut needed = 99;
        // SAFETY: capacities not larger than the buffer.
        unsafe {
            text_out(buffer.as_mut_ptr(), 4, &mut needed).unwrap().set("abc").unwrap();
            assert_eq!((needed, buffer[3], buffer[4]), (3, 0, b'#' as c_char));
            assert!(text_out(buffer.as_mut_ptr(), 3, &mut needed).unwrap().set("abc").is_err());
            assert_eq!((needed, buffer[0]), (3, 0));
            assert!(text_out(std::ptr::null_mut(), 0, &mut needed).unwrap().set("").is_err());
            assert!(text_out(std::ptr::null_mut(), 1, &mut needed).is_err());
        }
    }
}
