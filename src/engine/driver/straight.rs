//! The short way of what waits to be sent: from the queue into the thread's buffer, and on with one write. Only what the
//! kernel does not take becomes frames that are kept.
//!
//! For messages that go out as they are, of a server: not masked, not compressed, and not worth a place of their own.

use super::state::Driver;
use crate::engine::io::Io;
use crate::engine::outbox::Waiting;
use crate::engine::shared::Counters;
use crate::log::{self, Level};
use crate::net::Stream;
use crate::ws::{FrameKind, OutFrame, Role, append_frame};
use std::io::{self, ErrorKind};

/// A payload that is worth a place of its own in the write.
pub(super) const LARGE: usize = 32 * 1024;

/// What has become of what waited.
pub(super) enum Went {
    /// So much of it has gone, in one write; whether more waits.
    Out { bytes: usize, messages: usize, more: bool },
    /// It is staged, or there was nothing: the ordinary way goes on.
    Not,
}

impl Driver {
    /// Whether nothing else is on its way out that would come first, or be mixed with it.
    pub(super) fn goes_straight(&self) -> bool {
        self.role == Role::Server
            && self.packer.is_none()
            && self.staged.is_none()
            && self.unanswered.is_none()
            && !self.closing.has_begun()
            // The log tells of frames that are staged.
            && !log::is_on(Level::Frames)
    }

    pub(super) fn write_straight(&mut self, io: &mut Io, stream: &mut Stream) -> io::Result<Went> {
        let mut lot = std::mem::take(&mut io.straight);
        let more = self.connection.outbox.take_lot(self.connection.serial, self.portion, &mut lot);
        let outcome = self.write_lot(io, stream, &mut lot, more);
        lot.clear();
        io.straight = lot;
        outcome
    }

    fn write_lot(&mut self, io: &mut Io, stream: &mut Stream, lot: &mut Waiting, more: bool) -> io::Result<Went> {
        if lot.is_empty() {
            return Ok(Went::Not);
        }
        io.output.clear();
        let (mut payloads, mut short) = (0, true);
        lot.read(|kind, data| {
            short &= data.len() < LARGE;
            if short {
                append_frame(FrameKind::of(kind), data, None, &mut io.output);
            }
            payloads += data.len();
        });
        if !short {
            self.stage_all(io, lot);
            return Ok(Went::Not);
        }
        let (messages, offered) = (lot.len(), io.output.len());
        match stream.write(&io.output) {
            Ok(bytes) if bytes == offered => {
                self.learn(stream, bytes, bytes);
                let counters = &self.connection.counters;
                Counters::add(&counters.messages_out, messages as u64);
                Counters::add(&counters.bytes_out, payloads as u64);
                self.connection.outbox.written(messages, payloads);
                Ok(Went::Out { bytes, messages, more })
            }
            other => {
                self.stage_all(io, lot);
                self.went_partly(io, stream, other, offered)
            }
        }
    }

    fn stage_all(&mut self, io: &mut Io, lot: &mut Waiting) {
        let staged = self.staged.get_or_insert_with(|| io.lend());
        for message in lot {
            staged.push_back(OutFrame::new(FrameKind::of(message.kind()), message.into_data(), None));
        }
    }

    fn went_partly(
        &mut self,
        io: &mut Io,
        stream: &Stream,
        outcome: io::Result<usize>,
        offered: usize,
    ) -> io::Result<Went> {
        match outcome {
            Ok(count) => _ = self.took(io, stream, count, offered),
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.took_nothing(io.now),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(Went::Not)
    }
}
