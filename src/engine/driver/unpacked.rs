//! What one turn of a connection had no time to compress.

use crate::ws::Message;
use crate::ws::deflate::Packing;
use std::collections::{VecDeque, vec_deque};

/// Messages that were taken from the send queue and are not compressed yet.
#[derive(Default)]
pub struct Unpacked {
    pub messages: VecDeque<Message>,
    /// How far the first one has come.
    pub first: Packing,
    /// The peer will read nothing more, or the session has gone: they are not sent by this connection.
    pub given_up: bool,
}

impl Unpacked {
    /// Its compressor is for others from now on.
    pub fn give_up(&mut self) {
        self.given_up = true;
        self.first = Packing::default();
    }

    pub fn into_messages(self) -> vec_deque::IntoIter<Message> {
        self.messages.into_iter()
    }
}
