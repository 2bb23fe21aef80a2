//! A number for each thread of a model.

use std::cell::Cell;

loom::thread_local! {
    static THREAD: Cell<usize> = Cell::new(0);
}

pub fn this_thread() -> usize {
    THREAD.with(Cell::get)
}

pub fn set_this_thread(number: usize) {
    THREAD.with(|it| it.set(number));
}
