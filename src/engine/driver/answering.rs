//! The fast path through the thread: a handler is called for each message that a read has brought, where it lies, and
//! its answers leave with one write ([`crate::engine::outbox`]).

use super::state::{Disposition, Driver, Phase};
use crate::engine::inbox::HandlerGuard;
use crate::engine::io::{BUFFER, ThreadContext};
use crate::engine::outbox::{Bounds, Cork};
use crate::engine::shared::Counters;
use crate::log::{self, Level};
use crate::net::Stream;
use crate::options::Opt;
use std::io::ErrorKind;

impl Driver {
    /// The handler, for what a read has brought; `None` when its messages have to take the queue.
    pub(super) fn begin_run(&mut self, io: &mut ThreadContext) -> Option<HandlerGuard> {
        let run = io.begin_run(self.owner.inbox())?;
        if self.may_cork() {
            let bounds = Bounds {
                // The buffer takes the answers to what one read brings at most, with their heads.
                queue: self.owner.options().size(Opt::SendQueueBytes).min(2 * BUFFER),
                longest: self.deflater.as_ref().map_or(usize::MAX, |deflater| deflater.shortest() - 1),
            };
            let cork = io.cork.take().unwrap_or_else(Cork::new);
            cork.put(run.object(), self.connection.id(), &self.connection.outbox, self.role, bounds);
        }
        Some(run)
    }

    /// Whether nothing is on its way out, so that an answer may be the next.
    fn may_cork(&self) -> bool {
        matches!(self.phase, Phase::Open)
            && self.staged.is_none()
            && self.raw.is_none()
            && self.pending_pong.is_none()
            && self.blocked_since.is_none()
            && self.unwritable.is_none()
            && !self.closing.has_begun()
            // Frames are logged as they are staged.
            && !log::is_on(Level::Frames)
            && self.connection.outbox.open_bypass(self.connection.serial)
    }

    /// The handler has had everything: writes what it answered.
    pub(super) fn uncork(&mut self, io: &mut ThreadContext) -> Disposition {
        let Some(mut cork) = Cork::take() else { return Disposition::Keep };
        let disposition = self.write_answers(io, &cork);
        cork.reset();
        io.cork = Some(cork);
        disposition
    }

    fn write_answers(&mut self, io: &mut ThreadContext, cork: &Cork) -> Disposition {
        if cork.wire().is_empty() {
            return Disposition::Keep;
        }
        let Some(mut stream) = self.stream.take() else { return Disposition::Remove };
        let disposition = self.write_answers_to(io, &mut stream, cork);
        self.stream = Some(stream);
        disposition
    }

    fn write_answers_to(&mut self, io: &mut ThreadContext, stream: &mut Stream, cork: &Cork) -> Disposition {
        let (messages, bytes) = cork.count();
        let (written, whole) = (stream.write(cork.wire()), cork.wire().len());
        if written.as_ref().is_ok_and(|count| *count == whole) {
            let counters = &self.connection.counters;
            Counters::add(&counters.messages_out, messages as u64);
            Counters::add(&counters.bytes_out, bytes as u64);
            match cork.has_overflowed() {
                true if self.connection.outbox.written(messages, bytes) => self.drained(io),
                true => {}
                false => self.connection.outbox.bypassed(0, 0),
            }
            return Disposition::Keep;
        }
        // The rare case: the rest goes through the queue, in front of everything that has come meanwhile.
        if !cork.has_overflowed() {
            self.connection.outbox.charge_bypassed();
        }
        let staged = self.staged.get_or_insert_with(|| io.take_spare());
        let frames = cork.reparse().and_then(|frames| staged.make_room(frames.len()).map(|()| frames));
        match frames {
            Ok(frames) => frames.into_iter().rev().for_each(|frame| staged.push_front(frame)),
            Err(error) => return self.break_off(io, error),
        }
        match written {
            Ok(count) => _ = self.wrote(io, stream, count, whole),
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.wrote_nothing(io.now),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return self.cannot_write(io, &error),
        }
        Disposition::Keep
    }
}
