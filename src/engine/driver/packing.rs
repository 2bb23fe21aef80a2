//! Compressing what goes out, within the budget of the round.
//!
//! A message that takes longer than that goes on in later turns of its connection, whether the socket takes anything
//! meanwhile or not; the connection's other messages wait behind it, control frames do not.

use super::state::{Disposition, Driver};
use super::unpacked::Unpacked;
use crate::engine::io::{Staged, ThreadContext};
use crate::net::CompactInstant;
use crate::ws::deflate::{Deflater, Packing, Slice};
use crate::ws::{FrameKind, OutFrame, Role};

/// Short messages up to so many bytes never wait: they take less time than their wait would.
const NEVER_WAITS: usize = 4 * 1024;

impl Driver {
    /// Stages messages as long as the budget lasts; what is left over is done in a later turn.
    pub(super) fn stage_packed(&mut self, io: &mut ThreadContext, staged: &mut Staged, room: usize) {
        let Some(deflater) = &mut self.deflater else { return };
        let (outbox, serial) = (&self.connection.outbox, self.connection.serial);
        let mut unpacked = match self.packing.take() {
            Some(mut unpacked) => {
                if !unpacked.given_up && !outbox.is_sending(serial) {
                    unpacked.give_up();
                    deflater.forget();
                }
                unpacked
            }
            None => {
                // Compressed outside the queue's lock: a thread that sends must not wait for it.
                let mut unpacked = Box::new(Unpacked::default());
                outbox.take(serial, room, &mut *unpacked);
                if unpacked.messages.is_empty() {
                    return;
                }
                unpacked
            }
        };
        if unpacked.given_up {
            self.packing = Some(unpacked);
            return;
        }
        let begun = CompactInstant::now();
        let time = io.budget.time;
        let is_left = || begun.elapsed() < time;
        let mut free = NEVER_WAITS;
        let mut starved = false;
        while let Some(message) = unpacked.messages.front() {
            // With less memory fewer leave at a time.
            if staged.make_some_room(1) == 0 {
                starved = true;
                break;
            }
            match free.checked_sub(message.data().len()) {
                Some(rest) => free = rest,
                None if !is_left() => break,
                None => {}
            }
            let packed = match Deflater::is_sliced(message) {
                false => deflater.deflate_message(message, &mut io.deflate_pool),
                true => match deflater.pack(&mut unpacked.first, message, &mut io.deflate_pool, is_left) {
                    Slice::Done(packed) => packed,
                    Slice::Going => break,
                },
            };
            unpacked.first = Packing::default();
            let Some(message) = unpacked.messages.pop_front() else { break };
            let kind = FrameKind::of(message.kind());
            let mask = (self.role == Role::Client).then(|| io.masks.next());
            staged.push_back(match packed {
                Some(packed) => OutFrame::compressed(kind, packed, message.into_data(), mask),
                None => OutFrame::new(kind, message.into_data(), mask),
            });
        }
        io.budget.time = time.saturating_sub(begun.elapsed());
        if !unpacked.messages.is_empty() {
            self.packing = Some(unpacked);
            // Where there are no places it goes on when some of what is staged has gone, of which the socket tells: turn after
            // turn until then would be busy for nothing.
            if !starved {
                self.flush_due = true;
                self.requeue(io);
            }
        }
    }

    /// In a turn of its own: goes on with what an earlier one has left.
    pub(super) fn resume_flush(&mut self, io: &mut ThreadContext) -> Disposition {
        if !std::mem::take(&mut self.flush_due) {
            return Disposition::Keep;
        }
        if self.blocked_since.is_some() {
            // A compressor that others may wait for must not wait for a peer that does not read.
            if self.packing.as_ref().is_some_and(|unpacked| !unpacked.given_up) {
                self.stage(io);
            }
            return Disposition::Keep;
        }
        self.flush(io)
    }
}
