//! The short way of what waits to be sent: from the queue into the thread's buffer, and on with one write. Only what the
//! kernel does not take becomes frames that are kept.
//!
//! For messages that go out as they are, of a server: not masked, not compressed, and not worth a place of their own.

use super::Driver;
use super::writing::LARGE;
use crate::engine::connection::Counters;
use crate::engine::io_thread::Io;
use crate::log::{self, Level};
use crate::net::Stream;
use crate::ws::{FrameKind, Message, OutFrame, Role, append_frame};
use std::io::{self, ErrorKind};

/// Room for messages that is kept for the next connection that has some.
const KEPT: usize = 1024;

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
        let mut messages = std::mem::take(&mut io.straight);
        io.output.clear();
        let (mut bytes, mut short) = (0, true);
        let output = &mut io.output;
        // Encoded under the queue's lock: who floods it does not fill it faster than it is emptied.
        let more = self.connection.outbox.take(self.connection.serial, self.portion, |message| {
            short &= message.data().len() < LARGE;
            if short {
                append_frame(FrameKind::of(message.kind()), message.data(), None, output);
            }
            bytes += message.data().len();
            messages.push(message);
        });
        let outcome = match messages.len() {
            0 => Ok(Went::Not),
            _ if !short => {
                self.stage_all(io, &mut messages);
                Ok(Went::Not)
            }
            count => match stream.write(&io.output) {
                Ok(taken) if taken == io.output.len() => {
                    self.learn(stream, taken, taken);
                    let counters = &self.connection.counters;
                    Counters::add(&counters.messages_out, count as u64);
                    Counters::add(&counters.bytes_out, bytes as u64);
                    self.connection.outbox.written(count, bytes);
                    Ok(Went::Out { bytes: taken, messages: count, more })
                }
                other => {
                    let offered = io.output.len();
                    self.stage_all(io, &mut messages);
                    self.went_partly(io, stream, other, offered)
                }
            },
        };
        messages.clear();
        if messages.capacity() <= KEPT {
            io.straight = messages;
        }
        outcome
    }

    fn stage_all(&mut self, io: &mut Io, messages: &mut Vec<Message>) {
        let staged = self.staged.get_or_insert_with(|| io.lend());
        for message in messages.drain(..) {
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
