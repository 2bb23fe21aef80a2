//! Frames in.
//!
//! A handler is given a message where it lies, in the thread's buffer. On its way to the queue a payload is copied
//! once: from the thread's buffer into the message (or, when it spans reads, into the message as it grows). The face
//! makes the second copy into the host's memory, or lends the first.

use super::state::{Disposition, Driver, PausedInput, Phase, Undecoded};
use crate::engine::inbox::HandlerGuard;
use crate::engine::io::{BUFFER, TOKENS, ThreadContext};
use crate::engine::shared::{Body, Counters, Event};
use crate::error::{Error, Id, memory};
use crate::log;
use crate::net::CompactInstant;
use crate::options::Opt;
use crate::ws::payload::PayloadArena;
use crate::ws::{Item, Message, MessageCow, MessageKind, PeerClose, Violation};
use bytes::Bytes;
use std::io::ErrorKind;
use std::time::Duration;

/// Reads of one connection in a turn, so that one flood does not hold up the others.
const READS_PER_TURN: usize = 4;
/// Time that the frames of one read may take of the loop. It is kept by reading less at once: 256 KiB are one message,
/// or 40,000 of the smallest frames, or a thousand times as much to decompress.
const READ_BUDGET: Duration = Duration::from_micros(250);
/// The least that is read at once.
const MIN_READ: usize = 2 * 1024;
/// Why the decoding of what came has stopped.
pub(super) enum DecodeEnd {
    End,
    Close(PeerClose),
    Violation(Violation),
}

impl Driver {
    pub(super) fn read_frames(&mut self, io: &mut ThreadContext) -> Disposition {
        let mut turn = None;
        for _ in 0..READS_PER_TURN {
            if self.paused_input.is_some() || !matches!(self.phase, Phase::Open) {
                return Disposition::Keep;
            }
            if self.closing.ignores_input() {
                self.undecoded = None;
                return self.discard_input(io);
            }
            if let Some(mut undecoded) = self.undecoded.take() {
                if self.consume(io, &mut undecoded.0) == Disposition::Remove {
                    return Disposition::Remove;
                }
                if self.undecoded.is_some() {
                    break;
                }
                continue;
            }
            let Some(stream) = &mut self.stream else { return Disposition::Remove };
            let mut asked = self.read_size as usize;
            let room = self.decoder.room().and_then(|(memory, room)| {
                let most = asked.min(room);
                stream.read_into(memory, most).map(|outcome| (most, outcome))
            });
            let in_place = room.is_some();
            let outcome = match room {
                Some((most, outcome)) => {
                    asked = most;
                    outcome
                }
                None => match io.input(asked) {
                    Some(input) => stream.read(input),
                    None => Err(ErrorKind::OutOfMemory.into()),
                },
            };
            let count = match outcome {
                Ok(0) => return self.peer_left(io),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return self.read_all(io),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return self.lost(io, &error),
            };
            let drained = stream.is_drained(count, asked) && !self.half_closed && self.unwritable.is_none();
            self.keepalive.received(io.now);
            // The clock is not read for a peer that has sent little.
            let begun = (!drained).then(CompactInstant::now);
            // Taken out for the step, because the step needs the rest of `io`.
            let disposition = if in_place {
                self.step(io, |driver, io, run| driver.take_appended(io, count, run))
            } else {
                let mut input = std::mem::take(&mut io.input);
                let disposition = self.consume(io, &mut input[..count]);
                io.input = input;
                disposition
            };
            if disposition == Disposition::Remove {
                return Disposition::Remove;
            }
            if let Some(undecoded) = &self.undecoded {
                // What expands so much is read in smaller pieces from now on, so that no rest has to be kept.
                self.read_size = (count - undecoded.0.len()).clamp(MIN_READ, BUFFER) as u32;
                break;
            }
            let Some(begun) = begun else { return Disposition::Keep };
            let now = CompactInstant::now();
            let took = now.saturating_duration_since(begun);
            if took > READ_BUDGET {
                let fit = asked as u128 * READ_BUDGET.as_nanos() / took.as_nanos();
                self.read_size = (fit as usize).clamp(MIN_READ, BUFFER) as u32;
            } else if took < READ_BUDGET / 4 {
                self.read_size = (2 * asked).min(BUFFER) as u32;
            }
            if now.saturating_duration_since(*turn.get_or_insert(begun)) > READ_BUDGET {
                break;
            }
        }
        self.requeue(io);
        Disposition::Keep
    }

    /// Requeues the connection for another turn, after the others have had theirs.
    pub(super) fn requeue(&mut self, io: &mut ThreadContext) {
        if !std::mem::replace(&mut self.is_requeued, true) {
            io.requeued.push_back((self.token / TOKENS) as u32);
        }
    }

    /// A later round, for what the budget of the last one did not allow.
    pub fn resume_turn(&mut self, io: &mut ThreadContext) -> Disposition {
        self.is_requeued = false;
        if self.resume_flush(io) == Disposition::Remove {
            return Disposition::Remove;
        }
        self.readable(io)
    }

    /// Nothing is left to read: the end of a connection that cannot be written to.
    fn read_all(&mut self, io: &mut ThreadContext) -> Disposition {
        match self.unwritable.take() {
            Some(error) => self.break_off(io, error),
            None => Disposition::Keep,
        }
    }

    /// Decodes what came and hands it on.
    pub(super) fn consume(&mut self, io: &mut ThreadContext, bytes: &mut [u8]) -> Disposition {
        if log::is_on(log::Level::Frames) {
            self.decoder.belongs_to(self.subject());
        }
        self.step(io, |driver, io, run| match driver.is_metered() {
            false => driver.decode(io, bytes, run),
            true => driver.decode_metered(io, bytes, run),
        })
    }

    /// What a read has brought, to the handler and back, and what follows from it.
    fn step(
        &mut self,
        io: &mut ThreadContext,
        decode: impl FnOnce(&mut Self, &mut ThreadContext, &mut Option<HandlerGuard>) -> DecodeEnd,
    ) -> Disposition {
        let mut run = self.begin_run(io);
        let end = decode(self, io, &mut run);
        io.keep_run(run);
        if self.uncork(io) == Disposition::Remove {
            return Disposition::Remove;
        }
        match end {
            DecodeEnd::End => {}
            DecodeEnd::Close(close) => return self.peer_closes(io, close),
            DecodeEnd::Violation(violation) => return self.violated(io, violation),
        }
        let assembling = self.decoder.assembling();
        if assembling != self.assembling && !self.charge_assembly(assembling) {
            let error = Error::of(Id::AssemblyFull);
            return self.violated(io, Violation { code: 1013, error });
        }
        if self.staged.is_none() && self.raw.is_none() { Disposition::Keep } else { self.flush(io) }
    }

    /// The bytes went into the memory of their message.
    fn take_appended(&mut self, io: &mut ThreadContext, count: usize, run: &mut Option<HandlerGuard>) -> DecodeEnd {
        match self.decoder.appended(count) {
            Ok(Some(Item::Message(message))) => {
                self.deliver(io, run, message);
                self.spend(io, 1);
            }
            Ok(_) => {}
            Err(violation) => return DecodeEnd::Violation(violation),
        }
        DecodeEnd::End
    }

    pub(super) fn decode(
        &mut self,
        io: &mut ThreadContext,
        bytes: &mut [u8],
        run: &mut Option<HandlerGuard>,
    ) -> DecodeEnd {
        let (mut at, limit) = (0, self.owner.options().size(Opt::MaxMessageSize));
        if run.is_none() {
            // What one read brings goes to one queue.
            io.arena = PayloadArena::about(bytes.len());
        }
        // What is incomplete takes up everything, so that nothing comes of no bytes.
        while at < bytes.len() && self.paused_input.is_none() && !self.closing.ignores_input() {
            let (kind, place) = match self.decoder.next_ordinary(bytes, &mut at, limit) {
                Some(message) => message,
                None => match self.decoder.next_other(bytes, &mut at, limit, &mut io.inflate_pool) {
                    Ok(None) => {
                        if at < bytes.len() {
                            let rest = bytes.get(at..).unwrap_or_default();
                            match memory::collect(rest.len(), rest.iter().copied()) {
                                Ok(rest) => self.undecoded = Some(Box::new(Undecoded(rest))),
                                Err(error) => return DecodeEnd::Violation(Violation { code: 1011, error }),
                            }
                            self.requeue(io);
                        }
                        return DecodeEnd::End;
                    }
                    Ok(Some(Item::InPlace(kind, place))) => (kind, place),
                    Ok(Some(Item::Message(message))) => {
                        self.deliver(io, run, message);
                        if let Err(violation) = self.keep_rest(bytes, at) {
                            return DecodeEnd::Violation(violation);
                        }
                        continue;
                    }
                    Ok(Some(Item::Ping(payload))) => {
                        self.answer_ping(io, payload);
                        continue;
                    }
                    Ok(Some(Item::Pong(payload))) => {
                        self.take_pong(&payload);
                        continue;
                    }
                    Ok(Some(Item::Close(close))) => return DecodeEnd::Close(close),
                    Err(violation) => return DecodeEnd::Violation(violation),
                },
            };
            let delivered = self.deliver_in_place(io, run, kind, bytes.get(place).unwrap_or_default());
            if let Err(violation) = delivered.and_then(|()| self.keep_rest(bytes, at)) {
                return DecodeEnd::Violation(violation);
            }
        }
        DecodeEnd::End
    }

    /// What follows a message that found no room.
    #[inline]
    fn keep_rest(&mut self, bytes: &[u8], at: usize) -> Result<(), Violation> {
        if let Some(paused_input) = &mut self.paused_input {
            let rest = bytes.get(at..).unwrap_or_default();
            // Less than one read. Without memory for it the connection ends; the message itself is still the host's.
            paused_input.rest =
                memory::collect(rest.len(), rest.iter().copied()).map_err(|error| Violation { code: 1011, error })?;
        }
        Ok(())
    }

    /// Gives a message that lies in the thread's buffer to the handler, or a copy to the host's queue.
    #[inline]
    fn deliver_in_place(
        &mut self,
        io: &mut ThreadContext,
        run: &mut Option<HandlerGuard>,
        kind: MessageKind,
        data: &[u8],
    ) -> Result<(), Violation> {
        if !self.count() {
            return Ok(());
        }
        if let Some(running) = run {
            if !running.message(self.connection.id(), kind, data) {
                *run = None;
            }
            return Ok(());
        }
        let message = MessageCow::received(kind, data).and_then(|draft| draft.in_arena(&mut io.arena));
        self.admit(io, message.map_err(|error| Violation { code: 1011, error })?, data.len());
        Ok(())
    }

    /// The same with one that has memory of its own.
    fn deliver(&mut self, io: &mut ThreadContext, run: &mut Option<HandlerGuard>, message: Message) {
        if !self.count() {
            return;
        }
        let Some(running) = run else {
            let size = message.data().len();
            return self.admit(io, message, size);
        };
        if !running.event(Event { connection: self.connection.id(), body: Body::Message(message) }) {
            *run = None;
        }
    }

    /// Counts a message that has come; whether the host wants it.
    fn count(&self) -> bool {
        let counters = &self.connection.counters;
        Counters::add(&counters.messages_in, 1);
        Counters::add(&counters.bytes_in, self.decoder.wire_len());
        !self.discards()
    }

    /// Whether the host does not want what still arrives.
    fn discards(&self) -> bool {
        self.closing.discards() || self.connection.is_over()
    }

    /// Puts a message into the round's batch, or pauses the connection when there is no room.
    fn admit(&mut self, io: &mut ThreadContext, message: Message, size: usize) {
        let inbox = self.owner.inbox();
        while !inbox.admit(&self.connection, size, io.pending(inbox)) {
            // First the host gets all that there is.
            io.hand_over();
            if inbox.pause(&self.connection, size) {
                self.pause(io, |paused| (paused.message, paused.by_queue) = (Some(message), true));
                log::debug!(self.subject(), "the receive queue is full, reading pauses");
                return;
            }
        }
        io.queue(inbox, message, &self.connection);
        self.closing.last_message = Some(io.now);
    }

    /// There is room again: first the paused input, then the socket, whose readiness may have been used up.
    pub fn resume(&mut self, io: &mut ThreadContext) -> Disposition {
        let Some(paused_input) = self.paused_input.take() else { return Disposition::Keep };
        self.keepalive.received(io.now);
        log::debug!(self.subject(), "there is room, reading goes on");
        let PausedInput { message, mut rest, .. } = *paused_input;
        if let Some(message) = message.filter(|_| !self.discards()) {
            let size = message.data().len();
            self.admit(io, message, size);
        }
        if let Some(paused_input) = &mut self.paused_input {
            paused_input.rest = rest;
            return Disposition::Keep;
        }
        if self.consume(io, &mut rest) == Disposition::Remove {
            return Disposition::Remove;
        }
        self.readable(io)
    }

    /// The connection ends while it is paused: what had been read belongs to the host all the same. Less than one
    /// buffer, so the bounds are overrun by no more than that.
    pub(super) fn deliver_paused_input(&mut self, io: &mut ThreadContext) {
        let Some(paused_input) = self.paused_input.take() else { return };
        if self.discards() {
            return;
        }
        let PausedInput { message, mut rest, .. } = *paused_input;
        message.into_iter().for_each(|message| self.hand_on(io, message));
        let (mut at, limit) = (0, self.owner.options().size(Opt::MaxMessageSize));
        while let Ok(Some(item)) = self.decoder.next(&mut rest, &mut at, limit, &mut io.inflate_pool) {
            if let Item::Message(message) = item {
                let counters = &self.connection.counters;
                Counters::add(&counters.messages_in, 1);
                Counters::add(&counters.bytes_in, self.decoder.wire_len());
                self.hand_on(io, message);
            }
        }
    }

    /// Into the batch, whatever the bounds say.
    fn hand_on(&mut self, io: &mut ThreadContext, message: Message) {
        let inbox = self.owner.inbox();
        self.connection.admitted.add(message.data().len());
        io.queue(inbox, message, &self.connection);
    }

    fn take_pong(&mut self, payload: &Bytes) {
        let Ok(id) = <[u8; 8]>::try_from(&payload[..]) else { return };
        log::debug!(self.subject(), "pong");
        for (id, round_trip) in self.keepalive.ponged(u64::from_be_bytes(id)) {
            self.connection.pong(id, i64::try_from(round_trip.as_millis()).unwrap_or(i64::MAX));
        }
    }

    /// Reads and drops input that is no longer wanted, until the peer closes its side.
    pub(super) fn discard_input(&mut self, io: &mut ThreadContext) -> Disposition {
        // Its own small buffer: that of the thread may be taken out by the step that has called this.
        let mut sink = [0; 16 * 1024];
        for _ in 0..READS_PER_TURN {
            let Some(stream) = &mut self.stream else { return Disposition::Remove };
            match stream.read(&mut sink) {
                Ok(0) => return self.peer_left(io),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Disposition::Keep,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return self.lost(io, &error),
            }
        }
        self.requeue(io);
        Disposition::Keep
    }
}
