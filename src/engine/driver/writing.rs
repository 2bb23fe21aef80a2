//! Frames out.
//!
//! A payload is copied twice on its way to the kernel: from the host's memory into the message, and from the message,
//! masked where the role demands it, into the thread's buffer, which one system call hands over for all frames due. A
//! large one that is not masked goes from the message to the kernel, without the second copy.
//! A connection owns no write buffer: what the kernel does not take is encoded again when there is room, and so that
//! this stays the exception only about as much is encoded as it took the last time.

use super::fast_path::FastPath;
use super::state::{Disposition, Driver, Phase};
use crate::engine::io::{BUFFER, LARGE, Staged, ThreadContext};
use crate::engine::outbox::Sink;
use crate::engine::shared::{Body, Counters};
use crate::log::{self, Level};
use crate::net::{CompactInstant, Stream};
use crate::ws::{FrameKind, MaskKeys, Message, OutFrame};
use bytes::Bytes;
use std::io::{self, ErrorKind};

/// What one connection writes of short messages in a turn, so that one long queue does not hold up the others
/// ([`cost`]). Large ones have the budget of the round ([`crate::engine::io::Budget`]).
const TURN_BUDGET: usize = 4 * BUFFER;
/// What a message counts at least, so that the number of the shortest ones in a turn is bounded, too.
const MESSAGE_COST: usize = 1024;
/// The least that is encoded for one write: a TLS record, which must be offered again whole.
const MIN_WRITE: usize = 16 * 1024;
/// The memory of a message from this size on is given back on a worker: the system takes a millisecond for some of these.
const HEAVY: usize = 4 * 1024 * 1024;
/// Pings that came together and are answered one by one.
const MAX_STAGED_FOR_PONG: usize = 64;

/// What a write takes of the budget: not less than a full one, because a thread that sends while it lasts leaves a few
/// more messages for the next one each time.
fn cost(bytes: usize, messages: usize) -> usize {
    bytes.max(messages * MESSAGE_COST).max(BUFFER)
}

/// Makes frames of messages that leave the queue.
struct Stager<'a> {
    staged: &'a mut Staged,
    /// A client's.
    masks: Option<&'a mut MaskKeys>,
}

impl Sink for Stager<'_> {
    /// With less memory fewer leave at a time.
    fn make_room(&mut self, messages: usize) -> usize {
        self.staged.make_some_room(messages)
    }

    fn put(&mut self, message: Message) {
        let kind = FrameKind::of(message.kind());
        let mask = self.masks.as_mut().map(|masks| masks.next());
        self.staged.push_back(OutFrame::new(kind, message.into_data(), mask));
    }
}

impl Driver {
    /// Writes what is due.
    pub fn flush(&mut self, io: &mut ThreadContext) -> Disposition {
        match self.write(io) {
            Ok(()) => self.written(io),
            Err(error) => self.cannot_write(io, &error),
        }
    }

    /// The peer has gone, perhaps with messages and a close frame that still wait to be read.
    pub(super) fn cannot_write(&mut self, io: &mut ThreadContext, error: &io::Error) -> Disposition {
        if !matches!(self.phase, Phase::Open) || self.closing.ignores_input() {
            return self.lost(io, error);
        }
        self.unwritable = Some(self.loss(error));
        self.blocked_since = Some(io.now);
        if let Some(unpacked) = &mut self.packing {
            unpacked.give_up();
        }
        self.requeue(io);
        Disposition::Keep
    }

    fn write(&mut self, io: &mut ThreadContext) -> io::Result<()> {
        if self.blocked_since.is_some() {
            return Ok(());
        }
        let Some(mut stream) = self.stream.take() else { return Ok(()) };
        let outcome = self.write_to(io, &mut stream);
        self.stream = Some(stream);
        outcome
    }

    fn write_to(&mut self, io: &mut ThreadContext, stream: &mut Stream) -> io::Result<()> {
        while let Some(raw) = &mut self.raw
            && raw.sent < raw.bytes.len()
        {
            match stream.write(&raw.bytes[raw.sent..]) {
                Ok(count) => raw.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.blocked_since = Some(io.now);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.raw = None;
        if !matches!(self.phase, Phase::Open) {
            return Ok(());
        }
        let mut spent = 0;
        while spent < TURN_BUDGET {
            if self.may_take_fast_path()
                && let FastPath::Written { bytes, messages, more } = self.write_fast_path(io, stream)?
            {
                spent += cost(bytes, messages);
                if more {
                    continue;
                }
                return Ok(());
            }
            if self.blocked_since.is_some() {
                return Ok(());
            }
            self.stage(io);
            let Some(staged) = &self.staged else { return Ok(()) };
            if io.budget.bytes == 0 && staged.bytes > LARGE {
                break;
            }
            io.output.clear();
            let (mut from, mut large) = (staged.sent, &[][..]);
            for frame in &staged.frames {
                let room = self.write_size - io.output.len();
                if room == 0 {
                    break;
                }
                // TLS copies anyway, and wants to be offered the same again.
                if let Some((head, payload)) = frame.unmasked(from).filter(|(_, payload)| payload.len() >= LARGE)
                    && !stream.is_tls()
                {
                    io.output.extend_from_slice(head);
                    // A part of a very large one: the kernel copies it within the call.
                    large = payload.get(..BUFFER).unwrap_or(payload);
                    break;
                }
                frame.encode(from, room, &mut io.output);
                from = 0;
            }
            let offered = io.output.len() + large.len();
            match stream.write_both(&io.output, large) {
                Ok(count) => {
                    io.budget.bytes = io.budget.bytes.saturating_sub(count);
                    spent += cost(count, self.wrote(io, stream, count, offered));
                    if self.blocked_since.is_some() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.wrote_nothing(io.now);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.flush_due = true;
        self.requeue(io);
        Ok(())
    }

    /// The kernel took `count` of the bytes it was offered. Returns how many messages have gone with them.
    pub(super) fn wrote(&mut self, io: &mut ThreadContext, stream: &Stream, count: usize, offered: usize) -> usize {
        self.adapt_write_size(stream, count, offered);
        if stream.is_full(count, offered) {
            self.blocked_since = Some(io.now);
        }
        self.advance(io, count)
    }

    /// Adapts how much is encoded for the next write.
    pub(super) fn adapt_write_size(&mut self, stream: &Stream, count: usize, offered: usize) {
        // TLS takes one record at a time.
        self.write_size = match count < offered {
            true => count.max(MIN_WRITE),
            false if stream.is_tls() => self.write_size,
            false => self.write_size.max(2 * count).min(BUFFER),
        };
    }

    pub(super) fn wrote_nothing(&mut self, now: CompactInstant) {
        self.write_size = MIN_WRITE;
        self.blocked_since = Some(now);
    }

    /// Fixes the order and the masks of what goes out next: what is staged never changes.
    pub(super) fn stage(&mut self, io: &mut ThreadContext) {
        if let Some(payload) = self.pending_pong.take() {
            self.stage_frame(io, FrameKind::Pong, *payload);
        }
        if self.closing.is_staged() {
            return;
        }
        let client = self.is_client();
        let mut staged = self.staged.take().unwrap_or_else(|| io.take_spare());
        let (room, first) = (BUFFER.saturating_sub(staged.bytes), staged.frames.len());
        let outbox = &self.connection.outbox;
        match &self.deflater {
            None => {
                let masks = client.then_some(&mut io.masks);
                outbox.take(self.connection.serial, room, &mut Stager { staged: &mut staged, masks });
            }
            Some(_) => self.stage_packed(io, &mut staged, room),
        }
        if log::is_on(Level::Frames) {
            staged.frames.iter().skip(first).for_each(|frame| self.log_frame(frame));
        }
        self.staged = io.recycle(staged);
        let outbox = &self.connection.outbox;
        let is_packing = self.packing.as_ref().is_some_and(|packing| !packing.given_up);
        if let Some(payload) = self.closing.next_frame(|| !is_packing && outbox.is_empty(self.connection.serial)) {
            self.stage_frame(io, FrameKind::Close, payload);
        }
    }

    /// Gives back what the kernel has not taken, for a connection that may follow this one.
    pub(super) fn hand_back(&mut self) {
        let staged = self.staged.take().into_iter().flat_map(|staged| staged.into_messages());
        let packing = self.packing.take().into_iter().flat_map(|packing| packing.into_messages());
        let lost = self.connection.outbox.detach(self.connection.serial, staged.chain(packing));
        if lost > 0 {
            log::error!(self.subject(), "out of memory: {lost} messages that were not sent are lost");
        }
    }

    /// The send queue, which was full, has room again: the host is told, behind what came before.
    pub(super) fn drained(&self, io: &mut ThreadContext) {
        io.hand_over();
        self.owner.inbox().put(Some(&self.connection), Body::Drained);
    }

    pub(super) fn stage_frame(&mut self, io: &mut ThreadContext, kind: FrameKind, payload: Bytes) {
        let mask = self.is_client().then(|| io.masks.next());
        let frame = OutFrame::new(kind, payload, mask);
        self.log_frame(&frame);
        self.staged.get_or_insert_with(|| io.take_spare()).push_back(frame);
    }

    /// The kernel took `count` more bytes. Returns how many messages have gone with them.
    fn advance(&mut self, io: &mut ThreadContext, count: usize) -> usize {
        let Some(mut staged) = self.staged.take() else { return 0 };
        let mut left = staged.sent + count;
        let (mut messages, mut bytes, mut wire) = (0, 0, 0);
        while let Some(frame) = staged.pop_gone(&mut left) {
            match frame.kind() {
                FrameKind::Text | FrameKind::Binary => {
                    messages += 1;
                    bytes += frame.message().len();
                    wire += frame.payload().len();
                    if frame.message().len() >= HEAVY && frame.message().is_unique() {
                        // Fails only when the pool has stopped; then it is dropped here.
                        let _ = io.workers.run(move |_| drop(frame));
                    }
                }
                FrameKind::Ping => {
                    if let Ok(id) = <[u8; 8]>::try_from(&frame.payload()[..]) {
                        Counters::add(&self.connection.counters.pings, 1);
                        self.keepalive.ping_left(u64::from_be_bytes(id), CompactInstant::now());
                    }
                }
                FrameKind::Pong => {}
                FrameKind::Close => self.closing.sent(),
            }
        }
        staged.sent = left;
        // An idle connection owns no buffer.
        self.staged = io.recycle(staged);
        if messages > 0 {
            let counters = &self.connection.counters;
            Counters::add(&counters.messages_out, messages as u64);
            Counters::add(&counters.bytes_out, wire as u64);
            if self.connection.outbox.written(messages, bytes) {
                self.drained(io);
            }
        }
        messages
    }

    /// Answers a ping; while output is held up, and of a flood, only the latest one (RFC 6455 section 5.5.3).
    pub(super) fn answer_ping(&mut self, io: &mut ThreadContext, payload: Bytes) {
        if self.closing.is_staged() {
            return;
        }
        if self.blocked_since.is_some()
            || self.staged.as_ref().is_some_and(|staged| staged.frames.len() >= MAX_STAGED_FOR_PONG)
        {
            self.pending_pong = Some(Box::new(payload));
        } else {
            self.stage_frame(io, FrameKind::Pong, payload);
        }
    }

    pub fn ping(&mut self, io: &mut ThreadContext, id: u64) -> Disposition {
        if !matches!(self.phase, Phase::Open) || self.closing.has_begun() {
            return Disposition::Keep;
        }
        self.stage_frame(io, FrameKind::Ping, Bytes::copy_from_slice(&id.to_be_bytes()));
        self.flush(io)
    }
}
