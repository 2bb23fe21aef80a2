//! Loom's, in the place of the library's `sync`.

pub use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
pub use std::sync::PoisonError;

pub mod thread {
    pub use loom::thread::yield_now;

    /// Time is nothing here; others run meanwhile.
    pub fn sleep(_: std::time::Duration) {
        yield_now();
    }
}

pub mod atomic {
    pub use loom::sync::atomic::Ordering;
    use std::sync::OnceLock;

    /// Loom's atomics cannot be made in a constant; these are made where they are first used, which has to be by the
    /// thread that makes what they are part of.
    ///
    /// Loom takes SeqCst for AcqRel, but knows fences that are. What SeqCst adds is that a load behind a write is not
    /// done before it, so a fence stands behind each write (all are SeqCst) and in front of each load that is; more would order what
    /// the pieces do not.
    fn fence(order: Ordering) {
        if order == Ordering::SeqCst {
            loom::sync::atomic::fence(order);
        }
    }

    macro_rules! atomics {
        ($($name:ident of $value:ty { $($write:ident($($argument:ident: $type:ty),*) -> $result:ty;)* })*) => {
            $(
                pub struct $name($value, OnceLock<loom::sync::atomic::$name>);

                impl $name {
                    pub const fn new(value: $value) -> Self {
                        Self(value, OnceLock::new())
                    }

                    fn inner(&self) -> &loom::sync::atomic::$name {
                        self.1.get_or_init(|| loom::sync::atomic::$name::new(self.0))
                    }

                    pub fn load(&self, order: Ordering) -> $value {
                        fence(order);
                        self.inner().load(order)
                    }

                    $(pub fn $write(&self, $($argument: $type),*) -> $result {
                        let result = self.inner().$write($($argument),*);
                        fence(Ordering::SeqCst);
                        result
                    })*
                }

                impl Default for $name {
                    fn default() -> Self {
                        let made = Self::new(<$value>::default());
                        made.inner();
                        made
                    }
                }
            )*
        };
    }

    atomics! {
        AtomicBool of bool {
            store(value: bool, order: Ordering) -> ();
            swap(value: bool, order: Ordering) -> bool;
        }
        AtomicU8 of u8 {
            store(value: u8, order: Ordering) -> ();
            compare_exchange(from: u8, to: u8, order: Ordering, otherwise: Ordering) -> Result<u8, u8>;
        }
        AtomicU64 of u64 {
            store(value: u64, order: Ordering) -> ();
            compare_exchange(from: u64, to: u64, order: Ordering, otherwise: Ordering) -> Result<u64, u64>;
        }
        AtomicUsize of usize {
            store(value: usize, order: Ordering) -> ();
            fetch_add(value: usize, order: Ordering) -> usize;
            fetch_sub(value: usize, order: Ordering) -> usize;
            fetch_or(value: usize, order: Ordering) -> usize;
        }
    }
}
