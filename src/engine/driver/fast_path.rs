//! The fast path of what waits to be sent: from the queue into the thread's buffer, and on with one write. Only what
//! the kernel does not take becomes staged frames.
//!
//! For messages that a server sends as they are: not masked, not compressed, and not so large that a copy costs more
//! than a write of their own.

use super::state::Driver;
use crate::engine::io::{LARGE, ThreadContext};
use crate::engine::outbox::Waiting;
use crate::engine::shared::Counters;
use crate::log::{self, Level};
use crate::net::Stream;
use crate::ws::{FrameKind, OutFrame, Role, append_frame};
use std::io::{self, ErrorKind};

/// What has become of what waited.
pub(super) enum FastPath {
    /// So much was written, in one write; whether more waits.
    Written { bytes: usize, messages: usize, more: bool },
    /// It is staged, or there was nothing: the ordinary path goes on.
    NotTaken,
}

impl Driver {
    /// Whether nothing else is on its way out that would come first, or be mixed with it.
    pub(super) fn may_take_fast_path(&self) -> bool {
        self.role == Role::Server
            && self.deflater.is_none()
            && self.staged.is_none()
            && self.pending_pong.is_none()
            && !self.closing.has_begun()
            // Frames are logged as they are staged.
            && !log::is_on(Level::Frames)
    }

    pub(super) fn write_fast_path(&mut self, io: &mut ThreadContext, stream: &mut Stream) -> io::Result<FastPath> {
        let mut batch = std::mem::take(&mut io.fast_batch);
        let more = self.connection.outbox.take_batch(self.connection.serial, self.write_size, &mut batch);
        let outcome = self.write_batch(io, stream, &mut batch, more);
        batch.clear();
        io.fast_batch = batch;
        outcome
    }

    fn write_batch(
        &mut self,
        io: &mut ThreadContext,
        stream: &mut Stream,
        batch: &mut Waiting,
        more: bool,
    ) -> io::Result<FastPath> {
        if batch.is_empty() {
            return Ok(FastPath::NotTaken);
        }
        io.output.clear();
        let (mut payloads, mut short) = (0, true);
        batch.read(|kind, data| {
            short &= data.len() < LARGE;
            if short {
                append_frame(FrameKind::of(kind), data, None, &mut io.output);
            }
            payloads += data.len();
        });
        if !short {
            self.stage_all(io, batch)?;
            return Ok(FastPath::NotTaken);
        }
        let (messages, offered) = (batch.len(), io.output.len());
        match stream.write(&io.output) {
            Ok(bytes) if bytes == offered => {
                self.adapt_write_size(stream, bytes, bytes);
                let counters = &self.connection.counters;
                Counters::add(&counters.messages_out, messages as u64);
                Counters::add(&counters.bytes_out, payloads as u64);
                if self.connection.outbox.written(messages, payloads) {
                    self.drained(io);
                }
                Ok(FastPath::Written { bytes, messages, more })
            }
            other => {
                self.stage_all(io, batch)?;
                self.wrote_partly(io, stream, other, offered)
            }
        }
    }

    /// Without memory for it the connection has to end: part of a frame may have gone.
    fn stage_all(&mut self, io: &mut ThreadContext, batch: &mut Waiting) -> io::Result<()> {
        let staged = self.staged.get_or_insert_with(|| io.take_spare());
        staged.make_room(batch.len()).map_err(|_| ErrorKind::OutOfMemory)?;
        for message in batch {
            staged.push_back(OutFrame::new(FrameKind::of(message.kind()), message.into_data(), None));
        }
        Ok(())
    }

    fn wrote_partly(
        &mut self,
        io: &mut ThreadContext,
        stream: &Stream,
        outcome: io::Result<usize>,
        offered: usize,
    ) -> io::Result<FastPath> {
        match outcome {
            Ok(count) => _ = self.wrote(io, stream, count, offered),
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.wrote_nothing(io.now),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(FastPath::NotTaken)
    }
}
