//! What one turn of a connection had no time to compress.

use crate::engine::outbox::Sink;
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

impl Sink for Unpacked {
    /// With less memory fewer are taken at a time. The first always has a place: what it takes is small.
    fn make_room(&mut self, messages: usize) -> usize {
        match self.messages.try_reserve(messages) {
            Ok(()) => messages,
            Err(_) => 1,
        }
    }

    fn put(&mut self, message: Message) {
        self.messages.push_back(message);
    }
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
