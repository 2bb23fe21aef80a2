//! The fast path of a handler's answers: what it sends to the connection whose messages it is just given is encoded at
//! once, into one buffer, which one system call hands over when the handler has had all that a read brought.
//!
//! No queue, no lock and no memory of its own for an answer; so only while nothing else waits to be sent. As soon as
//! something does, or an answer does not fit, that answer and all later ones take the queue behind what is here.

use super::queue::Outbox;
use crate::error::{Result, memory};
use crate::ws::{FrameKind, MAX_HEAD, MaskKeys, MessageKind, OutFrame, Role, append_frame};
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::sync::Arc;

thread_local! {
    /// Only while a handler runs on this thread.
    static CORK: RefCell<ManuallyDrop<Option<Box<Cork>>>> = const { RefCell::new(ManuallyDrop::new(None)) };
}

/// What bounds the answers of one run of the handler.
#[derive(Clone, Copy)]
pub struct Bounds {
    /// Of what waits at a time, as the send queue counts it; and so of the buffer: a message counts there for more than the
    /// longest head of a frame.
    pub queue: usize,
    /// Longer ones take the queue, where they are compressed.
    pub longest: usize,
}

/// The answers of one connection's handler.
pub struct Cork {
    /// The face's number of the object, and the connection's id.
    object: u64,
    connection: u64,
    outbox: Option<Arc<Outbox>>,
    role: Role,
    bounds: Bounds,
    masks: MaskKeys,
    wire: Vec<u8>,
    /// How many messages these are, and the bytes of their payloads.
    messages: usize,
    payload: usize,
    /// An answer did not fit: the rest goes through the queue, and what is here counts as waiting there.
    overflowed: bool,
}

impl Cork {
    pub fn new() -> Box<Self> {
        Box::new(Self {
            object: 0,
            connection: 0,
            outbox: None,
            role: Role::Server,
            bounds: Bounds { queue: 0, longest: 0 },
            masks: MaskKeys::new(),
            wire: Vec::new(),
            messages: 0,
            payload: 0,
            overflowed: false,
        })
    }

    /// From now on [`answer`] finds it, until [`Cork::take`]. `object` and `connection` are the numbers by which the host
    /// calls them, `outbox` is the connection's.
    pub fn put(mut self: Box<Self>, object: u64, connection: u64, outbox: &Arc<Outbox>, role: Role, bounds: Bounds) {
        (self.object, self.connection, self.role, self.bounds) = (object, connection, role, bounds);
        self.outbox = Some(outbox.clone());
        CORK.with_borrow_mut(|cork| **cork = Some(self));
    }

    pub fn take() -> Option<Box<Self>> {
        let mut cork = CORK.with_borrow_mut(|cork| cork.take())?;
        cork.outbox = None;
        Some(cork)
    }

    pub fn wire(&self) -> &[u8] {
        &self.wire
    }

    /// Messages and their payload bytes.
    pub fn count(&self) -> (usize, usize) {
        (self.messages, self.payload)
    }

    pub fn has_overflowed(&self) -> bool {
        self.overflowed
    }

    /// Empties it, for the next run.
    pub fn reset(&mut self) {
        self.wire.clear();
        (self.messages, self.payload, self.overflowed) = (0, 0, false);
    }

    /// The frames one by one, as the queue would have given them.
    ///
    /// # Errors
    /// `NoMemory`.
    pub fn reparse(&self) -> Result<Vec<OutFrame>> {
        let mut rest = &self.wire[..];
        let mut frames = memory::room_for(self.messages)?;
        while let Some((frame, behind)) = OutFrame::reparse(rest)? {
            rest = behind;
            frames.push(frame);
        }
        Ok(frames)
    }

    fn add(&mut self, kind: MessageKind, data: &[u8]) -> bool {
        let Some(outbox) = &self.outbox else { return false };
        if self.overflowed {
            return false;
        }
        let fits = data.len() <= self.bounds.longest
            && Outbox::cost_of(self.messages + 1, self.payload + data.len()) <= self.bounds.queue;
        // Without memory here it takes the queue, too, which says so if there is none either.
        let fits = fits && self.wire.try_reserve(MAX_HEAD + data.len()).is_ok();
        if !fits || !outbox.is_bypass_open() {
            outbox.charge_bypassed();
            self.overflowed = true;
            return false;
        }
        let mask = (self.role == Role::Client).then(|| self.masks.next());
        append_frame(FrameKind::of(kind), data, mask, &mut self.wire);
        self.messages += 1;
        self.payload += data.len();
        outbox.bypassed(self.messages, self.payload);
        true
    }
}

/// Sends what `data` gives to the connection whose handler runs on this thread; false when that is not the one meant, when
/// the message must take the queue, or when there is no such data. A text is UTF-8: the caller's duty. Never blocks.
#[inline(always)]
pub fn answer<'a>(object: u64, connection: u64, kind: MessageKind, data: impl FnOnce() -> Option<&'a [u8]>) -> bool {
    CORK.with_borrow_mut(|cork| {
        let meant = cork.as_mut().filter(|cork| cork.object == object && cork.connection == connection);
        meant.is_some_and(|cork| data().is_some_and(|data| cork.add(kind, data)))
    })
}
