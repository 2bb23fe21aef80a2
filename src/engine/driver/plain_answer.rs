//! A request of plain HTTP is answered: at once, or by a worker; a large content piece by piece, each when the one before
//! has gone.

use super::exchange::{Exchange, Next, Progress};
use super::logging::log_head;
use super::opening::REJECTION_TIMEOUT;
use super::setup::Raw;
use super::state::{Disposition, Driver, Phase};
use crate::engine::connection::{Ask, Worked};
use crate::engine::io::{Reply, ThreadContext};
use crate::error::{Error, Id, memory};
use crate::http::Response;
use crate::options::Opt;
use crate::ws::ServerHandshake;
use std::panic::{AssertUnwindSafe, catch_unwind};

impl Driver {
    fn exchange(&mut self) -> Option<&mut Exchange> {
        match &mut self.phase {
            Phase::Exchange(exchange) => Some(exchange),
            _ => None,
        }
    }

    pub(super) fn reply(&mut self, io: &mut ThreadContext, reply: Reply) -> Disposition {
        match reply {
            Reply::Now(response) => self.answer(io, response),
            Reply::Later(job) => {
                let failed = || Response::text(500, "Internal error");
                self.work(io, move || Worked::Answer(catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|_| failed())))
            }
        }
    }

    /// Has something done on a thread that may block. No deadline runs meanwhile: the peer is not to blame.
    fn work(&mut self, io: &mut ThreadContext, job: impl FnOnce() -> Worked + Send + 'static) -> Disposition {
        self.deadline = None;
        let (handle, connection) = (io.handle.clone(), self.connection.clone());
        let started = io.workers.run(move |_| {
            let worked = job();
            // The connection is dropped on its I/O thread, if this was its last owner: it goes along.
            handle.ask(&connection, Ask::Worked(Box::new(worked)));
        });
        match started {
            Ok(()) => Disposition::Keep,
            Err(error) => self.break_off(io, error),
        }
    }

    /// A worker is done.
    pub fn worked(&mut self, io: &mut ThreadContext, worked: Worked) -> Disposition {
        match worked {
            Worked::Answer(response) => self.answer(io, response),
            Worked::Piece(pieces, Ok(piece)) => match self.exchange().map(|exchange| exchange.has_read(pieces, &piece))
            {
                Some(true) => self.send_piece(io, piece),
                Some(false) => self.break_off(io, Error::of(Id::Io)),
                None => Disposition::Keep,
            },
            Worked::Piece(_, Err(error)) => self.break_off(io, Error::of(Id::FileUnreadable).detail(error)),
        }
    }

    pub(super) fn answer(&mut self, io: &mut ThreadContext, response: Response) -> Disposition {
        self.charge_assembly(0);
        let status = response.status;
        let Some(exchange) = self.exchange() else { return Disposition::Keep };
        let first = exchange.begin(response);
        let subject = std::mem::take(&mut exchange.subject);
        self.log_answer(&subject, status);
        let head = first.windows(4).position(|end| end == b"\r\n\r\n").unwrap_or(first.len());
        log_head(self.subject(), "out", &first[..head]);
        self.owner.plain_answered(status);
        self.send_piece(io, first)
    }

    fn send_piece(&mut self, io: &mut ThreadContext, piece: Vec<u8>) -> Disposition {
        self.deadline = self.time(Opt::HandshakeTimeout).map(|time| io.now + time);
        // An interim answer that has not gone yet goes first.
        match self.raw.take() {
            Some(mut raw) => {
                if let Err(error) = memory::reserve(&mut raw.bytes, piece.len()) {
                    return self.break_off(io, error);
                }
                raw.bytes.extend_from_slice(&piece);
                self.raw = Some(raw);
            }
            None => self.raw = Raw::new(piece),
        }
        self.flush(io)
    }

    /// The kernel has taken what there was to write.
    pub(super) fn answer_written(&mut self, io: &mut ThreadContext) -> Disposition {
        let Some(exchange) = self.exchange() else { return Disposition::Keep };
        let next = match exchange.next() {
            Ok(next) => next,
            Err(error) => return self.break_off(io, error),
        };
        match next {
            Next::Wait => Disposition::Keep,
            Next::Write(piece) => {
                self.deadline = self.time(Opt::HandshakeTimeout).map(|time| io.now + time);
                self.raw = Raw::new(piece);
                // After the others have had their turn.
                self.requeue(io);
                Disposition::Keep
            }
            Next::Read(mut pieces) => self.work(io, move || {
                let piece = pieces.next();
                Worked::Piece(pieces, piece)
            }),
            Next::Done => self.end_exchange(io),
        }
    }

    /// The connection waits for the next request, or ends.
    fn end_exchange(&mut self, io: &mut ThreadContext) -> Disposition {
        let Some(exchange) = self.exchange() else { return Disposition::Keep };
        if !exchange.keep {
            self.deadline = Some(io.now + REJECTION_TIMEOUT);
            return self.linger(io);
        }
        let rest = std::mem::take(&mut exchange.rest);
        let more = exchange.unread || !rest.is_empty();
        self.phase = Phase::AwaitingRequest(Box::new(ServerHandshake::after_plain(rest)));
        self.deadline = self.time(Opt::HandshakeTimeout).map(|time| io.now + time);
        if more {
            // Not at once: one that sends request after request has one answered in a turn.
            self.requeue(io);
        }
        Disposition::Keep
    }

    /// The peer was too slow with its request, or to read the answer: as long as it takes some of it, it may go on.
    pub(super) fn exchange_overdue(&mut self, io: &mut ThreadContext) -> Disposition {
        let gone = self.raw.as_ref().map_or(0, |raw| raw.sent);
        let time = self.time(Opt::HandshakeTimeout);
        let Some(exchange) = self.exchange() else { return Disposition::Keep };
        match exchange.progress {
            Progress::Receiving(_) => {
                exchange.keep = false;
                self.answer(io, Response::text(408, "The request takes too long"))
            }
            _ if gone > exchange.gone => {
                exchange.gone = gone;
                self.deadline = time.map(|time| io.now + time);
                Disposition::Keep
            }
            _ => self.break_off(io, Error::of(Id::ClosedEarly)),
        }
    }
}
