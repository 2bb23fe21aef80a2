//! tVariant, the value that crosses the border.

mod given;

use super::convert;
use super::host::Memory;
use super::place::Place;
use super::text;
use crate::error::{Error, Id, Result, memory};
use crate::library;
use crate::ws::{Message, MessageKind};
use std::ffi::{c_int, c_void};

/// The types, as the host numbers them.
pub(super) mod vt {
    pub const EMPTY: u16 = 0;
    pub const NULL: u16 = 1;
    pub const I2: u16 = 2;
    pub const I4: u16 = 3;
    pub const R4: u16 = 4;
    pub const R8: u16 = 5;
    pub const DATE: u16 = 6;
    pub const TM: u16 = 7;
    pub const PSTR: u16 = 8;
    pub const ERROR: u16 = 10;
    pub const BOOL: u16 = 11;
    pub const I1: u16 = 13;
    pub const UI1: u16 = 14;
    pub const UI2: u16 = 15;
    pub const UI4: u16 = 16;
    pub const I8: u16 = 17;
    pub const UI8: u16 = 18;
    pub const INT: u16 = 19;
    pub const UINT: u16 = 20;
    pub const PWSTR: u16 = 22;
    pub const BLOB: u16 = 23;
}

/// A string or a blob: the pointer, and the length in symbols of the string or bytes of the blob.
#[repr(C)]
#[derive(Clone, Copy)]
struct Buffer {
    data: *mut c_void,
    length: u32,
}

/// C's `struct tm`, here only for its size, which is the union's on unix.
#[repr(C)]
#[derive(Clone, Copy)]
struct Time {
    fields: [c_int; 9],
    #[cfg(unix)]
    offset: std::ffi::c_long,
    #[cfg(unix)]
    zone: *const c_void,
}

#[repr(C)]
union Value {
    i1: i8,
    i2: i16,
    i4: i32,
    i8: i64,
    ui1: u8,
    ui2: u16,
    ui4: u32,
    ui8: u64,
    r4: f32,
    r8: f64,
    buffer: Buffer,
    _time: Time,
}

/// See the module's page.
#[repr(C)]
pub(super) struct Variant {
    value: Value,
    elements: u32,
    vt: u16,
}

const _: () = {
    const SIZE: usize = if cfg!(windows) {
        48
    } else if cfg!(target_pointer_width = "64") {
        64
    } else {
        52
    };
    assert!(size_of::<Variant>() == SIZE);
    assert!(std::mem::offset_of!(Variant, value) == 0);
    assert!(std::mem::offset_of!(Variant, elements) == size_of::<Value>());
    assert!(std::mem::offset_of!(Variant, vt) == size_of::<Value>() + 4);
};

/// A value on its way to the host.
#[derive(Clone, Debug)]
pub(super) enum Output {
    Empty,
    Bool(bool),
    Int(i64),
    Text(String),
    Message(Message),
}

#[cfg(test)]
impl Variant {
    pub fn of_int(number: i64) -> Self {
        Self { value: Value { i8: number }, elements: 0, vt: vt::I8 }
    }

    /// A string that lies where `units` does.
    pub fn of_text(units: &[u16]) -> Self {
        let buffer = Buffer { data: units.as_ptr().cast_mut().cast(), length: units.len() as u32 };
        Self { value: Value { buffer }, elements: 0, vt: vt::PWSTR }
    }
}

impl Variant {
    pub fn is_empty(&self) -> bool {
        matches!(self.vt, vt::EMPTY | vt::NULL)
    }

    /// A whole number of any numeric type.
    pub fn int(&self, place: Place) -> Result<i64> {
        // SAFETY: the type says which field of the union was written.
        let number = unsafe {
            match self.vt {
                vt::I1 => Some(i64::from(self.value.i1)),
                vt::I2 => Some(i64::from(self.value.i2)),
                vt::I4 | vt::INT | vt::ERROR => Some(i64::from(self.value.i4)),
                vt::I8 => Some(self.value.i8),
                vt::UI1 => Some(i64::from(self.value.ui1)),
                vt::UI2 => Some(i64::from(self.value.ui2)),
                vt::UI4 | vt::UINT => Some(i64::from(self.value.ui4)),
                vt::UI8 => i64::try_from(self.value.ui8).ok(),
                vt::R4 => whole(f64::from(self.value.r4)),
                vt::R8 => whole(self.value.r8),
                _ => None,
            }
        };
        number.ok_or_else(|| self.unfit(place, "an integer", "целое число"))
    }

    /// A logical value; a number is none, as in 1C.
    pub fn bool(&self, place: Place) -> Result<bool> {
        match self.vt {
            // SAFETY: the type says which field was written; any byte but 0 is true.
            vt::BOOL => Ok(unsafe { self.value.ui1 } != 0),
            _ => Err(self.unfit(place, "a boolean", "булево")),
        }
    }

    pub fn text(&self, place: Place) -> Result<String> {
        match self.vt {
            // SAFETY: the host's string lives as long as the call.
            vt::PWSTR => text::to_utf8(unsafe { self.units() }.ok_or_else(|| null(place))?, place),
            vt::PSTR => {
                // SAFETY: as above.
                let bytes = unsafe { self.bytes() }.ok_or_else(|| null(place))?;
                let text = simdutf8::compat::from_utf8(bytes)
                    .map_err(|error| Error::new(Id::BadUtf8, [place.name(), error.valid_up_to().into()]))?;
                memory::copy(text)
            }
            _ => Err(self.unfit(place, "a string", "строка")),
        }
    }

    /// A message: a string as text, a blob as binary. Copies the payload once.
    pub fn message(&self, place: Place) -> Result<Message> {
        match self.vt {
            vt::PWSTR | vt::PSTR => self.text(place).map(Message::from_string),
            vt::BLOB => {
                // SAFETY: the host's data live as long as the call.
                let bytes = unsafe { self.bytes() }.ok_or_else(|| null(place))?;
                Message::try_binary(bytes)
            }
            _ => Err(self.unfit(place, "a string or binary data", "строка или двоичные данные")),
        }
    }

    /// `None`: a length without memory.
    ///
    /// # Safety
    /// The value is a wide string of the host.
    unsafe fn units(&self) -> Option<&[u16]> {
        // SAFETY: the caller's promise; an empty string may have no memory.
        unsafe {
            let Buffer { data, length } = self.value.buffer;
            match (length, data.is_null()) {
                (0, _) => Some(&[]),
                (_, true) => None,
                (_, false) => Some(std::slice::from_raw_parts(data.cast(), length as usize)),
            }
        }
    }

    /// `None`: a length without memory.
    ///
    /// # Safety
    /// The value is a narrow string or a blob of the host.
    unsafe fn bytes(&self) -> Option<&[u8]> {
        // SAFETY: the caller's promise; an empty one may have no memory.
        unsafe {
            let Buffer { data, length } = self.value.buffer;
            match (length, data.is_null()) {
                (0, _) => Some(&[]),
                (_, true) => None,
                (_, false) => Some(std::slice::from_raw_parts(data.cast(), length as usize)),
            }
        }
    }

    /// Frees what the host's memory manager gave for the old content.
    fn release(&mut self, memory: Memory) {
        if matches!(self.vt, vt::PWSTR | vt::PSTR | vt::BLOB) {
            // SAFETY: these types keep a buffer of the host's memory manager, or NULL.
            let data = unsafe { self.value.buffer.data };
            memory.free(data);
        }
        self.vt = vt::EMPTY;
    }
}

fn whole(number: f64) -> Option<i64> {
    // Beyond 2^53 a double does not tell neighbouring integers apart.
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
    (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
}

fn null(place: Place) -> Error {
    Error::new(Id::NullPointer, [place.name()])
}

/// A value in the host's memory that the host does not have yet: dropping it frees it.
pub(super) struct Prepared {
    variant: Variant,
    memory: Option<Memory>,
}

impl Prepared {
    /// Allocates from the host what `output` needs. Text is converted straight into the host's memory.
    pub fn new(output: &Output, memory: Option<Memory>) -> Result<Self> {
        let plain = |vt, value| Ok(Self { variant: Variant { value, elements: 0, vt }, memory: None });
        match output {
            Output::Empty => plain(vt::EMPTY, Value { i8: 0 }),
            Output::Bool(value) => plain(vt::BOOL, Value { ui8: u64::from(*value) }),
            Output::Int(value) => match i32::try_from(*value) {
                Ok(value) => plain(vt::I4, Value { i4: value }),
                #[expect(clippy::cast_precision_loss, reason = "a 1C number of this size is a double anyway")]
                Err(_) => plain(vt::R8, Value { r8: *value as f64 }),
            },
            Output::Text(text) => Self::text(text.as_bytes(), memory),
            Output::Message(message) => match message.kind() {
                MessageKind::Text => Self::text(message.data(), memory),
                MessageKind::Binary => Self::blob(message.data(), memory),
            },
        }
    }

    fn text(utf8: &[u8], memory: Option<Memory>) -> Result<Self> {
        // And one for the NUL that some hosts look for.
        let (memory, data, room) = allocate::<u16>(convert::utf16_len(utf8) + 1, memory)?;
        let written = convert::to_utf16(utf8, room);
        room[written] = 0;
        Self::with(vt::PWSTR, data, written, memory)
    }

    fn blob(bytes: &[u8], memory: Option<Memory>) -> Result<Self> {
        let (memory, data, room) = allocate::<u8>(bytes.len() + 1, memory)?;
        room[..bytes.len()].copy_from_slice(bytes);
        Self::with(vt::BLOB, data, bytes.len(), memory)
    }

    fn with(vt: u16, data: *mut c_void, length: usize, memory: Memory) -> Result<Self> {
        let Ok(length) = u32::try_from(length) else {
            memory.free(data);
            return Err(Error::of(Id::NoMemory));
        };
        let value = Value { buffer: Buffer { data, length } };
        Ok(Self { variant: Variant { value, elements: 0, vt }, memory: Some(memory) })
    }

    /// Gives the value to the host. The old content of an out parameter is the host's and is freed; the place for a
    /// result has none.
    pub fn give(mut self, place: &mut Variant, old: Option<Memory>) {
        if let Some(memory) = old {
            place.release(memory);
        }
        // The old bits stay behind and are forgotten.
        std::mem::swap(place, &mut self.variant);
        self.memory = None;
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if let Some(memory) = self.memory {
            self.variant.release(memory);
        }
    }
}

fn allocate<'a, T: Copy>(count: usize, memory: Option<Memory>) -> Result<(Memory, *mut c_void, &'a mut [T])> {
    let memory = memory.ok_or_else(|| Error::of(Id::NoMemory))?;
    let size = count.checked_mul(size_of::<T>()).ok_or_else(|| Error::of(Id::NoMemory))?;
    let data = memory.allocate(size)?;
    library::prefer_large_pages(data, size);
    // SAFETY: fresh memory of that size, aligned as an allocator's is, ours alone until it is given away. It is only
    // written, and units and bytes have no invalid values.
    let room = unsafe { std::slice::from_raw_parts_mut(data.cast::<T>(), count) };
    Ok((memory, data, room))
}
