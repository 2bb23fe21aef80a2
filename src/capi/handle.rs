//! Handles: numbers that the host holds and objects that we hold.
//!
//! A handle is, from the top, 38 bits of generation, 2 of kind and 24 of index. A generation is used once (they last for
//! eight years at a thousand objects a second), so a freed handle never becomes valid again, and the kind keeps a
//! client's number from being taken for a server's.

use super::slot::{Slot, SlotGuard};
use crate::client::Client;
use crate::error::{Id, Result};
use crate::library::Stake;
use crate::server::Server;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A client. Copy it freely; it is only a number. An id of 0 is never valid.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct wsaddin_client {
    pub id: u64,
}

/// A server. Copy it freely; it is only a number. An id of 0 is never valid.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct wsaddin_server {
    pub id: u64,
}

pub(super) static CLIENTS: Table<Client> = Table::new(1);
pub(super) static SERVERS: Table<Server> = Table::new(2);

/// Objects that have a place of their own; the others are found by the table's lock.
const PLACES: usize = 64;
const INDEX_BITS: u32 = 24;
const KIND_BITS: u32 = 2;
const GENERATION_BITS: u32 = 64 - KIND_BITS - INDEX_BITS;

/// The objects of one kind.
// The lock is std's: parking_lot would leave a thread-local with a destructor on the host's threads.
pub(super) struct Table<T> {
    kind: u64,
    slots: RwLock<Slots<T>>,
    places: [Slot<T>; PLACES],
}

/// An object for the time of a call. Another thread that frees its handle meanwhile waits for the call or leaves the
/// object to it.
pub(super) enum Object<'a, T> {
    InSlot(SlotGuard<'a, T>),
    Shared(Arc<T>),
}

impl<T> Deref for Object<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Object::InSlot(guard) => guard.object(),
            Object::Shared(object) => object,
        }
    }
}

struct Slots<T> {
    last_generation: u64,
    live: usize,
    entries: Vec<Option<(u64, Arc<T>)>>,
    vacant: Vec<u32>,
}

impl<T> Table<T> {
    const fn new(kind: u64) -> Self {
        let slots = Slots { last_generation: 0, live: 0, entries: Vec::new(), vacant: Vec::new() };
        Self { kind, slots: RwLock::new(slots), places: [const { Slot::new() }; PLACES] }
    }

    fn read(&self) -> RwLockReadGuard<'_, Slots<T>> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Slots<T>> {
        self.slots.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The generation and the index, when `id` is of this kind.
    fn parts(&self, id: u64) -> Option<(u64, usize)> {
        let index = (id & ((1 << INDEX_BITS) - 1)) as usize;
        let kind = (id >> INDEX_BITS) & ((1 << KIND_BITS) - 1);
        (kind == self.kind).then_some((id >> (INDEX_BITS + KIND_BITS), index))
    }

    pub(super) fn insert(&self, object: Arc<T>) -> Result<u64> {
        let _stake = Stake::take();
        let mut slots = self.write();
        let generation = slots.last_generation + 1;
        if generation >> GENERATION_BITS != 0 {
            return Err(Id::TooManyObjects.into());
        }
        let index = match slots.vacant.pop() {
            Some(index) => index,
            None => {
                let index = u32::try_from(slots.entries.len()).ok().filter(|index| *index < 1 << INDEX_BITS);
                let index = index.ok_or(Id::TooManyObjects)?;
                slots.entries.push(None);
                index
            }
        };
        slots.last_generation = generation;
        let id = generation << (INDEX_BITS + KIND_BITS) | self.kind << INDEX_BITS | u64::from(index);
        self.places[index as usize % PLACES].put(id, &object);
        slots.entries[index as usize] = Some((generation, object));
        slots.live += 1;
        Ok(id)
    }

    pub(super) fn get(&self, id: u64) -> Result<Object<'_, T>> {
        self.find(id).ok_or_else(|| Id::BadHandle.into())
    }

    pub(super) fn find(&self, id: u64) -> Option<Object<'_, T>> {
        let (generation, index) = self.parts(id)?;
        if let Some(guard) = self.places[index % PLACES].enter(id) {
            return Some(Object::InSlot(guard));
        }
        match self.read().entries.get(index) {
            Some(Some((at, object))) if *at == generation => Some(Object::Shared(object.clone())),
            _ => None,
        }
    }

    /// Takes the handle away. The first of several callers gets the object, once the others that are inside have left:
    /// the caller has ended it, so that they do.
    pub(super) fn remove(&self, id: u64) -> Result<Arc<T>> {
        let (object, place) = self.withdraw(id)?;
        if let Some(place) = place {
            place.empty();
        }
        Ok(object)
    }

    /// The same without waiting for others. The place, where it had one, has to be emptied.
    pub(super) fn withdraw(&self, id: u64) -> Result<(Arc<T>, Option<&Slot<T>>)> {
        let (generation, index) = self.parts(id).ok_or(Id::BadHandle)?;
        // The object's own may be gone.
        let _stake = Stake::take();
        let mut slots = self.write();
        let entry = slots.entries.get_mut(index).filter(|entry| matches!(entry, Some((at, _)) if *at == generation));
        let (_, object) = entry.and_then(Option::take).ok_or(Id::BadHandle)?;
        slots.live -= 1;
        if slots.live == 0 {
            // The last object has gone, the library may be unloaded now: leave no memory behind.
            slots.entries = Vec::new();
            slots.vacant = Vec::new();
        } else {
            slots.vacant.push(index as u32);
        }
        drop(slots);
        let place = &self.places[index % PLACES];
        Ok((object, place.close(id).then_some(place)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_handle_stays_bad() {
        let table = Table::new(1);
        let first = table.insert(Arc::new(1)).unwrap();
        let second = table.insert(Arc::new(2)).unwrap();
        assert_eq!((*table.get(first).unwrap(), *table.get(second).unwrap()), (1, 2));
        assert_eq!(*table.remove(first).unwrap(), 1);
        assert!(table.remove(first).is_err());
        let third = table.insert(Arc::new(3)).unwrap();
        let index = |id| id & ((1 << INDEX_BITS) - 1);
        assert_eq!(index(first), index(third), "the index is used again");
        assert!(table.get(first).is_err());
        table.remove(second).unwrap();
        table.remove(third).unwrap();
        assert_eq!(table.read().entries.capacity(), 0);
        let fourth = table.insert(Arc::new(4)).unwrap();
        assert!([first, second, third].iter().all(|id| *id != fourth && table.get(*id).is_err()));
    }

    #[test]
    fn who_frees_a_handle_is_the_last_to_have_its_object() {
        let table = Table::new(1);
        // More than have places, and some of them come and go.
        let others: Vec<_> = (0..PLACES as u64 + 10).map(|at| table.insert(Arc::new(at)).unwrap()).collect();
        for (at, id) in others.iter().enumerate() {
            assert_eq!(*table.get(*id).unwrap(), at as u64);
        }
        table.remove(others[3]).unwrap();
        for round in 1000..1200 {
            let id = table.insert(Arc::new(round)).unwrap();
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        while let Ok(object) = table.get(id) {
                            assert_eq!(*object, round);
                        }
                    });
                }
                let mut object = table.remove(id).unwrap();
                // A call that came by the table may still be inside, one that came by the place may not.
                while Arc::get_mut(&mut object).is_none() {
                    std::thread::yield_now();
                }
                assert_eq!(*object, round);
            });
        }
    }

    #[test]
    fn kinds_and_made_up_numbers_are_told_apart() {
        let (ours, other) = (Table::new(1), Table::new(2));
        let id = ours.insert(Arc::new(())).unwrap();
        let foreign = other.insert(Arc::new(())).unwrap();
        assert!(ours.get(foreign).is_err() && other.get(id).is_err());
        for made_up in [0, 1, u64::MAX, id + 1, id ^ 1 << 63, id & 0x3FF_FFFF] {
            assert!(ours.get(made_up).is_err(), "{made_up:x}");
        }
    }
}
