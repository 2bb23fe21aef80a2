//! The least of a 1C host on unix: objects by their tables of functions, tVariant, a memory manager.

use super::input::Input;
use std::alloc::{Layout, alloc, dealloc};
use std::ffi::{c_long, c_ulong, c_void};
use std::ptr::null_mut;

unsafe extern "C-unwind" {
    fn GetClassObject(name: *const u16, object: *mut *mut c_void) -> c_long;
    fn DestroyObject(object: *mut *mut c_void) -> c_long;
}

const R8: u16 = 5;
const BOOL: u16 = 11;
const I8: u16 = 17;
const PWSTR: u16 = 22;
const BLOB: u16 = 23;

/// What would talk to places, or write into files, that the input names.
const ELSEWHERE: [&str; 6] = ["Connect", "BeginConnect", "Proxy", "CAFile", "LogFile", "Run"];

/// tVariant: a union of 56 bytes, of which a string or blob takes a pointer and a length.
#[repr(C)]
struct Variant {
    value: [u64; 7],
    elements: u32,
    vt: u16,
}

/// Memory with its size in front, since the host is not told the size again.
unsafe extern "C-unwind" fn allocate(_: *mut c_void, place: *mut *mut c_void, size: c_ulong) -> bool {
    let size = usize::try_from(size).expect("a size");
    let layout = Layout::from_size_align(size + 16, 16).expect("a size that there is");
    // SAFETY: not empty; the library gives a live place.
    unsafe {
        let memory = alloc(layout).cast::<usize>();
        memory.write(size);
        *place = memory.add(2).cast();
    }
    true
}

unsafe extern "C-unwind" fn free(_: *mut c_void, place: *mut *mut c_void) {
    // SAFETY: a live place that holds NULL or what `allocate` gave.
    unsafe {
        let memory = std::mem::replace(&mut *place, null_mut()).cast::<usize>();
        if !memory.is_null() {
            let memory = memory.sub(2);
            dealloc(memory.cast(), Layout::from_size_align_unchecked(memory.read() + 16, 16));
        }
    }
}

/// Whatever the library asks of the host's services, the answer is yes.
extern "C-unwind" fn yes() -> bool {
    true
}

/// Tables of functions behind two destructors that nobody calls.
#[repr(transparent)]
struct Table<const N: usize>([*const c_void; N]);
// SAFETY: functions, which any thread may call.
unsafe impl<const N: usize> Sync for Table<N> {}
static MEMORY: Table<4> =
    Table([yes as *const c_void, yes as *const c_void, allocate as *const c_void, free as *const c_void]);
static SERVICES: Table<16> = Table([yes as *const c_void; 16]);
static MEMORY_MANAGER: &Table<4> = &MEMORY;
static CONNECTION: &Table<16> = &SERVICES;

impl Variant {
    const EMPTY: Self = Self { value: [0; 7], elements: 0, vt: 0 };

    fn data(vt: u16, bytes: &[u8], length: usize) -> Self {
        let mut place = null_mut();
        // SAFETY: a live place, then fresh memory of that size.
        unsafe {
            allocate(null_mut(), &raw mut place, bytes.len() as c_ulong);
            place.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        Self { value: [place as u64, length as u64, 0, 0, 0, 0, 0], vt, ..Self::EMPTY }
    }

    fn text(text: &str) -> Self {
        let units: Vec<u8> = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        Self::data(PWSTR, &units, units.len() / 2 - 1)
    }

    /// Anything: right and wrong types, numbers that are none, texts that are none.
    fn any(input: &mut Input<'_>) -> Self {
        let (kind, size) = (input.byte(), usize::from(input.byte()));
        let number = match size % 8 {
            0 => i64::MIN,
            1 => i64::MAX,
            2 => -1,
            _ => i64::from(input.word() as i16) % 50,
        };
        let mut simple = Self { value: [number as u64, 0, 0, 0, 0, 0, 0], ..Self::EMPTY };
        match kind % 8 {
            0 | 1 => {
                let bytes = input.bytes(size & !1);
                // Not NUL-terminated: the length counts.
                Self::data(PWSTR, bytes, bytes.len() / 2)
            }
            2 => Self::text(&String::from_utf8_lossy(input.bytes(size))),
            3 => {
                let bytes = input.bytes(size);
                Self::data(BLOB, bytes, bytes.len())
            }
            4 => {
                simple.vt = I8;
                simple
            }
            5 => {
                simple.vt = BOOL;
                simple.value[0] = u64::from(size.is_multiple_of(2));
                simple
            }
            6 => {
                simple.vt = R8;
                simple.value[0] =
                    [f64::NAN, f64::INFINITY, 1e300, -0.5, 2.0, 1.0 / 3.0, -1.0, 9e15][size % 8].to_bits();
                simple
            }
            // A NULL string, which some hosts give for an empty one, or a type that there is none of.
            _ => Self { vt: if size.is_multiple_of(2) { PWSTR } else { 200 }, ..Self::EMPTY },
        }
    }

    fn free(mut self) {
        if matches!(self.vt, PWSTR | BLOB) {
            let mut place = self.value[0] as *mut c_void;
            // SAFETY: NULL, or memory of the manager's.
            unsafe { free(null_mut(), &raw mut place) };
        }
        self.vt = 0;
    }
}

/// An object of the component.
pub struct Object(*mut c_void);

// SAFETY: the interface lets any thread call.
unsafe impl Sync for Object {}

impl Object {
    pub fn new(class: &str) -> Self {
        let name: Vec<u16> = class.encode_utf16().chain([0]).collect();
        let mut object = null_mut();
        // SAFETY: NUL-terminated; a live place; then pointers to our tables, which live as long as the program.
        unsafe {
            assert_ne!(GetClassObject(name.as_ptr(), &raw mut object), 0);
            let object = Self(object);
            let give: unsafe extern "C-unwind" fn(*mut c_void, *const c_void) -> bool = object.method(0, 2);
            assert!(give(object.base(0), (&raw const CONNECTION).cast()));
            let give: unsafe extern "C-unwind" fn(*mut c_void, *const c_void) -> bool = object.method(0, 3);
            assert!(give(object.base(0), (&raw const MEMORY_MANAGER).cast()));
            object
        }
    }

    fn base(&self, base: usize) -> *mut c_void {
        // SAFETY: four bases, one pointer apart.
        unsafe { self.0.cast::<*const c_void>().add(base).cast() }
    }

    /// The function in a slot of a base's table.
    ///
    /// # Safety
    /// `F` is its type.
    unsafe fn method<F: Copy>(&self, base: usize, slot: usize) -> F {
        assert_eq!(size_of::<F>(), size_of::<usize>());
        // SAFETY: a base begins with the pointer to its table; the caller promises the rest.
        unsafe {
            let table = *self.base(base).cast::<*const *const c_void>();
            std::mem::transmute_copy(&*table.add(slot))
        }
    }

    fn count(&self, slot: usize) -> c_long {
        // SAFETY: GetNProps or GetNMethods.
        let count: unsafe extern "C-unwind" fn(*mut c_void) -> c_long = unsafe { self.method(1, slot) };
        // SAFETY: a live object.
        unsafe { count(self.base(1)) }
    }

    fn find(&self, slot: usize, name: &str) -> c_long {
        let name: Vec<u16> = name.encode_utf16().chain([0]).collect();
        // SAFETY: FindProp or FindMethod.
        let find: unsafe extern "C-unwind" fn(*mut c_void, *const u16) -> c_long = unsafe { self.method(1, slot) };
        // SAFETY: NUL-terminated.
        unsafe { find(self.base(1), name.as_ptr()) }
    }

    fn property(&self, index: c_long, value: &mut Variant, set: bool) -> bool {
        type Access = unsafe extern "C-unwind" fn(*mut c_void, c_long, *mut Variant) -> bool;
        // SAFETY: GetPropVal or SetPropVal.
        let access: Access = unsafe { self.method(1, if set { 7 } else { 6 }) };
        // SAFETY: a live variant.
        unsafe { access(self.base(1), index, value) }
    }

    pub fn number(&self, property: &str) -> u64 {
        let mut value = Variant::EMPTY;
        assert!(self.property(self.find(4, property), &mut value, false), "{property}");
        value.value[0] & 0xffff_ffff
    }

    fn call(&self, index: c_long, parameters: &mut [Variant], function: bool) -> (bool, Variant) {
        type Procedure = unsafe extern "C-unwind" fn(*mut c_void, c_long, *mut Variant, c_long) -> bool;
        type Function = unsafe extern "C-unwind" fn(*mut c_void, c_long, *mut Variant, *mut Variant, c_long) -> bool;
        let (mut result, count) = (Variant::EMPTY, parameters.len() as c_long);
        // SAFETY: CallAsProc and CallAsFunc, with as many live variants as it says.
        let done = unsafe {
            match function {
                false => self.method::<Procedure>(1, 16)(self.base(1), index, parameters.as_mut_ptr(), count),
                true => {
                    self.method::<Function>(1, 17)(self.base(1), index, &raw mut result, parameters.as_mut_ptr(), count)
                }
            }
        };
        (done, result)
    }

    /// With texts; those that are numbers as numbers, and defaults for the others.
    pub fn call_by_name(&self, name: &str, texts: &[&str]) {
        let index = self.find(11, name);
        assert!(index >= 0, "{name}");
        // SAFETY: GetNParams.
        let count: unsafe extern "C-unwind" fn(*mut c_void, c_long) -> c_long = unsafe { self.method(1, 13) };
        // SAFETY: a live object.
        let count = usize::try_from(unsafe { count(self.base(1), index) }).expect("a count");
        let mut parameters: Vec<_> = (0..count)
            .map(|at| match texts.get(at).map(|text| (text, text.parse::<u64>())) {
                Some((_, Ok(number))) => Variant { value: [number, 0, 0, 0, 0, 0, 0], vt: I8, ..Variant::EMPTY },
                Some((text, Err(_))) => Variant::text(text),
                None => Variant::EMPTY,
            })
            .collect();
        let (_, result) = self.call(index, &mut parameters, true);
        result.free();
        parameters.into_iter().for_each(Variant::free);
    }

    /// Any call with anything.
    pub fn anything(&self, input: &mut Input<'_>) {
        let (what, index) = (input.byte(), c_long::from(input.byte()));
        let elsewhere = |slot| ELSEWHERE.iter().any(|name| self.find(slot, name) == index);
        match what % 4 {
            0 => {
                let index = if what == 252 { c_long::from(input.word() as i16) } else { index % (self.count(3) + 2) };
                let mut value = Variant::EMPTY;
                self.property(index, &mut value, false);
                value.free();
            }
            1 if !elsewhere(4) => {
                let mut value = Variant::any(input);
                self.property(index, &mut value, true);
                value.free();
            }
            _ if !elsewhere(11) => {
                let count = usize::from(input.byte()) % 9;
                let mut parameters: Vec<_> = (0..count).map(|_| Variant::any(input)).collect();
                let index = if what == 254 { c_long::MIN } else { index };
                let (done, result) = self.call(index, &mut parameters, what % 4 == 2);
                assert!(done || result.vt == 0 || !matches!(result.vt, PWSTR | BLOB), "an output of a failed call");
                result.free();
                parameters.into_iter().for_each(Variant::free);
            }
            _ => {}
        }
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        let mut object = self.0;
        // SAFETY: an object that nobody uses any more.
        assert_eq!(unsafe { DestroyObject(&raw mut object) }, 0);
    }
}
