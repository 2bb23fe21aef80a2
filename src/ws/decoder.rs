//! Received bytes to messages: heads, unmasking, assembly and UTF-8, RFC 6455 sections 5 and 8.1.
//!
//! Bytes are unmasked where they lie, in the caller's buffer. A message that lies there whole is copied once, into its
//! [`Bytes`]; one that spans buffers grows in a `Vec` with what arrives and becomes `Bytes` as it is. Between messages
//! a decoder owns no heap memory.

use super::Role;
use super::assembly::Assembly;
use super::close::PeerClose;
use super::deflate::{Direction, InflatePool, Inflater};
use super::head::{self, FrameHead, Opcode};
use super::mask;
use super::message::{Message, MessageKind};
use super::payload;
use super::violation::{Violation, no_memory};
use crate::error::{Error, Id};
use crate::log::{self, Object, Subject};
use bytes::Bytes;
use std::ops::Range;

/// Bytes of a text that the log is given.
const LOGGED: usize = 400;
const MAX_HEAD: usize = 14;

/// What a peer sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Message(Message),
    /// A message that lies in the caller's buffer, unmasked and checked: only [`Decoder::next_other`] gives it.
    InPlace(MessageKind, Range<usize>),
    Ping(Bytes),
    Pong(Bytes),
    Close(PeerClose),
}

/// Turns the bytes of one connection into [`Item`]s.
pub struct Decoder {
    role: Role,
    /// For the log of frames, while there is one.
    subject: Option<Box<Subject>>,
    closed: bool,
    /// The beginning of a head that is not complete.
    head: [u8; MAX_HEAD],
    head_len: u8,
    /// One that is not complete.
    pub(super) frame: Option<Box<Frame>>,
    pub(super) message: Option<Box<Assembly>>,
    inflater: Option<Inflater>,
    /// Payload bytes on the wire of the message that is not complete, or else of the last one.
    pub(super) wire_len: u64,
}

/// A frame whose head has been read.
pub(super) struct Frame {
    pub(super) opcode: Opcode,
    pub(super) last: bool,
    compressed: bool,
    /// As the next byte meets it.
    pub(super) mask: [u8; 4],
    pub(super) remaining: usize,
    begun: bool,
    /// What has come of a control frame.
    control: Vec<u8>,
}

impl Decoder {
    /// For a connection on which we are `role`.
    pub fn new(role: Role) -> Self {
        Self {
            role,
            subject: None,
            closed: false,
            head: [0; MAX_HEAD],
            head_len: 0,
            frame: None,
            message: None,
            inflater: None,
            wire_len: 0,
        }
    }

    /// Whose frames these are, for the log.
    pub fn belongs_to(&mut self, subject: Subject) {
        self.subject = Some(Box::new(subject));
    }

    /// permessage-deflate was agreed on.
    pub fn inflate(&mut self, direction: Direction) {
        self.inflater = Some(Inflater::new(direction));
    }

    /// Bytes of an unfinished message now held in memory, with what inflates it.
    pub fn assembling(&self) -> usize {
        self.message.as_ref().map_or(0, |message| {
            message.data.len() + message.inflating.as_ref().map_or(0, |inflating| inflating.cost())
        })
    }

    /// How many bytes from `input` on belong to the frame that is being read, or to the next one: all of it where that
    /// cannot be told yet.
    pub fn next_frame(&self, input: &[u8]) -> usize {
        if let Some(frame) = &self.frame {
            return frame.remaining.max(1);
        }
        if self.head_len > 0 {
            // Until the head is whole.
            return 1;
        }
        let Some(second) = input.get(1) else { return input.len() };
        let (short, mask) = (usize::from(second & 0x7F), if second & 0x80 == 0 { 0 } else { 4 });
        let number = |bytes: usize| {
            let digits = input.get(2..2 + bytes)?;
            Some(2 + bytes + digits.iter().fold(0_usize, |sum, digit| sum.saturating_mul(256) | usize::from(*digit)))
        };
        let whole = match short {
            126 => number(2),
            127 => number(8),
            short => Some(2 + short),
        };
        whole.map_or(input.len(), |whole| whole.saturating_add(mask))
    }

    /// Payload bytes that the last message took on the wire.
    pub fn wire_len(&self) -> u64 {
        self.wire_len
    }

    /// Heap bytes of the decoder's own.
    #[cfg(test)]
    pub(super) fn reserved(&self) -> usize {
        self.frame.as_ref().map_or(0, |frame| frame.control.capacity())
            + self.message.as_ref().map_or(0, |message| message.data.capacity())
    }

    /// Takes bytes from `buf[*at..]`, unmasking them in place, advances `*at` and returns the next item; `None` when
    /// all input is consumed. What follows a close frame is consumed and ignored (section 5.5.1).
    ///
    /// # Errors
    /// A [`Violation`], at the first byte that shows it; the decoder is of no further use then. `max_message` is the
    /// largest message in bytes; a larger one fails when the head that exceeds it is read, a compressed one as soon as
    /// what is inflated exceeds it.
    pub fn next(
        &mut self,
        buf: &mut [u8],
        at: &mut usize,
        max_message: usize,
        pool: &mut InflatePool,
    ) -> Result<Option<Item>, Violation> {
        let item = match self.next_ordinary(buf, at, max_message) {
            Some((kind, place)) => Some(Item::InPlace(kind, place)),
            None => loop {
                let item = self.next_other(buf, at, max_message, pool)?;
                if item.is_some() || *at >= buf.len() {
                    break item;
                }
            },
        };
        Ok(match item {
            Some(Item::InPlace(kind, place)) => {
                let data = buf.get(place).unwrap_or_default();
                Some(Item::Message(Message::received(kind, payload::copy(data).map_err(no_memory)?)))
            }
            other => other,
        })
    }

    /// The same for what [`Decoder::next_ordinary`] has left, without the copy of a message that lies in `buf` whole.
    /// `None` with input left over: what is inflated has taken its time, and the other connections come first.
    ///
    /// # Errors
    /// As [`Decoder::next`].
    pub fn next_other(
        &mut self,
        buf: &mut [u8],
        at: &mut usize,
        max_message: usize,
        pool: &mut InflatePool,
    ) -> Result<Option<Item>, Violation> {
        loop {
            if self.closed {
                *at = buf.len();
                return Ok(None);
            }
            let mut frame = match self.frame.take() {
                Some(frame) => *frame,
                None => match self.read_head(buf, at)? {
                    Some(head) => {
                        self.tell(&head, buf.get(*at..).unwrap_or_default());
                        self.begin(&head, max_message)?
                    }
                    None => return Ok(None),
                },
            };
            let input = buf.get_mut(*at..).unwrap_or_default();
            let taken = input.len().min(frame.remaining);
            let payload = &mut input[..taken];
            *at += taken;
            mask::apply(payload, frame.mask);
            let place = *at - taken..*at;
            let whole = !frame.begun && taken == frame.remaining;
            let mut used = taken;
            let item = match frame.opcode.is_control() {
                true => self.control(&mut frame, payload, whole)?,
                false => self.data(&frame, payload, whole.then_some(place), max_message, pool, &mut used)?,
            };
            frame.begun |= used > 0;
            frame.mask = mask::at_offset(frame.mask, used);
            if used < taken {
                // As it came, for the next time.
                mask::apply(payload.get_mut(used..).unwrap_or_default(), frame.mask);
                *at -= taken - used;
            }
            frame.remaining -= used;
            if frame.remaining > 0 {
                self.frame = Some(Box::new(frame));
                return Ok(None);
            }
            if item.is_some() {
                return Ok(item);
            }
        }
    }

    /// The ordinary case without the detours of the others: a message in one frame that lies in `buf` whole, and where.
    /// `None` when it is something else, or the log tells of frames; then nothing has been taken.
    #[inline(always)]
    pub fn next_ordinary(
        &mut self,
        buf: &mut [u8],
        at: &mut usize,
        max_message: usize,
    ) -> Option<(MessageKind, Range<usize>)> {
        let within = self.closed || self.head_len > 0 || self.frame.is_some() || self.message.is_some();
        if within || log::is_on(log::Level::Frames) {
            return None;
        }
        let input = buf.get_mut(*at..)?;
        let head = head::read_ordinary(input, self.role)?;
        let (Opcode::Begin(kind), Ok(length)) = (head.opcode, usize::try_from(head.length)) else { return None };
        let payload = input.get_mut(head.size..)?.get_mut(..length)?;
        if length > max_message {
            return None;
        }
        mask::apply(payload, head.mask);
        if kind == MessageKind::Text && simdutf8::basic::from_utf8(payload).is_err() {
            // The long way says what is wrong with it; it unmasks, too.
            mask::apply(payload, head.mask);
            return None;
        }
        let start = *at + head.size;
        *at = start + length;
        self.wire_len = head.length;
        Some((kind, start..*at))
    }

    /// The frame's head and the beginning of its text, for the log; what of it has come by now.
    fn tell(&self, head: &FrameHead, rest: &[u8]) {
        if !log::is_on(log::Level::Frames) {
            return;
        }
        let inside = self.message.as_ref().is_some_and(|message| message.inflating.is_some());
        let packed = head.compressed || inside && head.opcode == Opcode::Continue;
        let text = match (head.opcode, &self.message) {
            _ if packed => false,
            (Opcode::Begin(MessageKind::Text) | Opcode::Close, _) => true,
            (Opcode::Continue, Some(message)) => message.kind == MessageKind::Text,
            _ => false,
        };
        let length = usize::try_from(head.length).unwrap_or(usize::MAX);
        let mut payload = rest.get(..length.min(rest.len()).min(LOGGED)).unwrap_or_default().to_vec();
        mask::apply(&mut payload, head.mask);
        let from = if head.opcode == Opcode::Close { 2.min(payload.len()) } else { 0 };
        let beginning = if text { log::excerpt(&payload[from..]) } else { String::new() };
        let last = if head.last { "final" } else { "not final" };
        let mask = if head.mask == [0; 4] { "" } else { " masked" };
        let packed = if packed { " compressed" } else { "" };
        let subject = self.subject.as_ref().map_or_else(|| Object::Library.itself(), |subject| **subject);
        log::frames!(subject, "in {} {last}{mask}{packed} {} bytes{beginning}", head.opcode.name(), head.length);
    }

    /// Reads a head, wherever it was cut; `None` when the input ended within.
    fn read_head(&mut self, buf: &[u8], at: &mut usize) -> Result<Option<FrameHead>, Violation> {
        let (inside, deflate) = (self.message.is_some(), self.inflater.is_some());
        if self.head_len == 0 {
            let input = buf.get(*at..).unwrap_or_default();
            if let Some(head) = head::read(input, self.role, inside, deflate)? {
                *at += head.size;
                return Ok(Some(head));
            }
        }
        // An incomplete head is shorter than 14 bytes, so there is room until it is complete.
        while let (Some(byte), Some(place)) = (buf.get(*at), self.head.get_mut(usize::from(self.head_len))) {
            *place = *byte;
            *at += 1;
            self.head_len += 1;
            if let Some(head) = head::read(&self.head[..usize::from(self.head_len)], self.role, inside, deflate)? {
                self.head_len = 0;
                return Ok(Some(head));
            }
        }
        Ok(None)
    }

    /// Section 10.4: the limit holds for the whole message, and for what is declared, before any of it is taken.
    fn begin(&self, head: &FrameHead, max_message: usize) -> Result<Frame, Violation> {
        let too_big = |total: u64| {
            let args = [total.to_string().into(), max_message.into()];
            Err(Violation::with(1009, Error::new(Id::MessageTooBig, args)))
        };
        let packed = self.message.as_ref().map_or(head.compressed, |message| message.inflating.is_some());
        let before = self.message.as_ref().map_or(0, |message| message.data.len());
        let total = head.length.saturating_add(before as u64);
        // What a compressed frame holds shows while it is inflated.
        if !head.opcode.is_control() && !packed && total > max_message as u64 {
            return too_big(total);
        }
        let Ok(remaining) = usize::try_from(head.length) else { return too_big(total) };
        let (opcode, last, compressed, mask) = (head.opcode, head.last, head.compressed, head.mask);
        Ok(Frame { opcode, last, compressed, mask, remaining, begun: false, control: Vec::new() })
    }

    fn control(&mut self, frame: &mut Frame, payload: &[u8], whole: bool) -> Result<Option<Item>, Violation> {
        if !whole {
            frame.control.reserve_exact(frame.remaining);
            frame.control.extend_from_slice(payload);
            if payload.len() < frame.remaining {
                return Ok(None);
            }
        }
        let body = if whole { payload } else { &frame.control };
        Ok(Some(match frame.opcode {
            Opcode::Ping => Item::Ping(Bytes::copy_from_slice(body)),
            Opcode::Close => {
                self.closed = true;
                // An unfinished message will never be finished.
                self.message = None;
                Item::Close(PeerClose::parse(body)?)
            }
            Opcode::Pong | Opcode::Begin(_) | Opcode::Continue => Item::Pong(Bytes::copy_from_slice(body)),
        }))
    }

    /// `whole` is where the payload lies when nothing of the frame is missing; `used` becomes how much of it was taken.
    fn data(
        &mut self,
        frame: &Frame,
        payload: &[u8],
        whole: Option<Range<usize>>,
        max_message: usize,
        pool: &mut InflatePool,
        used: &mut usize,
    ) -> Result<Option<Item>, Violation> {
        if let (Opcode::Begin(kind), true, Some(place), false) = (frame.opcode, frame.last, whole, frame.compressed) {
            if kind == MessageKind::Text && simdutf8::basic::from_utf8(payload).is_err() {
                return Err(Violation::with(1007, Id::TextUtf8.into()));
            }
            self.wire_len = payload.len() as u64;
            return Ok(Some(Item::InPlace(kind, place)));
        }
        // Nothing of the frame is here yet: the rest may come in one piece and need no assembly.
        if payload.is_empty() && frame.remaining > 0 {
            return Ok(None);
        }
        if let (Opcode::Begin(kind), None) = (frame.opcode, &self.message) {
            let inflater = self.inflater.as_mut().filter(|_| frame.compressed);
            let inflating = inflater.map(|inflater| inflater.begin(pool).map(Box::new)).transpose()?;
            self.wire_len = 0;
            self.message = Some(Box::new(Assembly::new(kind, inflating)));
        }
        let Some(message) = &mut self.message else { return Err(Violation::protocol(Id::FrameContinuation)) };
        let mut complete = frame.last && payload.len() == frame.remaining;
        match message.inflating.take() {
            None => message.append(payload, frame.last, frame.remaining)?,
            Some(mut inflating) => {
                *used = inflating.feed(payload, pool, |piece| message.append_inflated(piece, max_message))?;
                complete &= *used == payload.len();
                if complete {
                    inflating.finish(pool)?;
                    if let Some(inflater) = &mut self.inflater {
                        inflater.end(*inflating, pool);
                    }
                } else {
                    message.inflating = Some(inflating);
                }
            }
        }
        self.wire_len += *used as u64;
        if !complete {
            return Ok(None);
        }
        Ok(match self.message.take() {
            Some(done) => Some(Item::Message(done.finish()?)),
            None => None,
        })
    }
}
