//! The other end of a send queue.

use crate::ws::Message;

/// Where messages go that leave a queue.
pub trait Sink {
    /// Looks for places for so many; how many there are.
    fn make_room(&mut self, messages: usize) -> usize;

    fn put(&mut self, message: Message);
}
