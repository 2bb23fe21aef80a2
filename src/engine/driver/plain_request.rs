//! A request of plain HTTP comes in.

use super::exchange::{Exchange, Progress};
use super::logging::log_head;
use super::setup::Raw;
use super::state::{Disposition, Driver, FIRST_READ, Phase};
use crate::engine::io::{Plain, ThreadContext};
use crate::error::{Error, Id, memory};
use crate::http::{Body, Fault, Request};
use crate::log;
use crate::options::Opt;

/// Reads of a body in one turn.
const READS_PER_TURN: usize = 16;
/// Characters of a path in the log.
const SHOWN: usize = 200;

impl Driver {
    /// A head has come, with `rest` behind it; `unread`: so may have more, of which no event will tell.
    pub(super) fn begin_exchange(
        &mut self,
        io: &mut ThreadContext,
        head: Vec<u8>,
        rest: Vec<u8>,
        unread: bool,
    ) -> Disposition {
        log_head(self.subject(), "in", &head);
        let bodiless = head.starts_with(b"HEAD ");
        let mut exchange = Exchange {
            progress: Progress::Working,
            rest,
            keep: false,
            old: false,
            bodiless,
            subject: String::new(),
            unread,
            gone: 0,
        };
        self.deadline = self.time(Opt::HandshakeTimeout).map(|time| io.now + time);
        let parsed = Request::parse(head).and_then(|request| {
            let (framing, waits) = (request.framing()?, request.expects_continue()?);
            Ok((request, framing, waits))
        });
        let (request, framing, waits) = match parsed {
            Ok(parsed) => parsed,
            Err(fault) => {
                exchange.subject = "a bad request".to_owned();
                self.phase = Phase::Exchange(Box::new(exchange));
                return self.answer(io, fault.into());
            }
        };
        if log::is_on(log::Level::Debug) {
            exchange.subject = format!("{} {}", request.method(), log::printable(request.path(), SHOWN));
        }
        (exchange.keep, exchange.old) = (request.keeps_alive(), request.is_old());
        match self.owner.plain_request(&self.connection, self.peer(), &request) {
            Plain::Refuse(refusal) => self.refuse(io, &refusal.to(bodiless)),
            Plain::Answer(reply) => {
                // Where the next request begins is behind a body that nobody reads.
                exchange.keep &= framing.is_empty();
                self.phase = Phase::Exchange(Box::new(exchange));
                self.reply(io, reply)
            }
            Plain::Body(limit) => {
                let body = match Body::new(framing, limit) {
                    Ok(body) => body,
                    Err(fault) => return self.fail_exchange(io, exchange, fault),
                };
                // A client that has begun to send does not wait.
                let waits = waits && !body.is_done() && exchange.rest.is_empty();
                let rest = std::mem::take(&mut exchange.rest);
                exchange.progress = Progress::Receiving(Box::new((request, body)));
                self.phase = Phase::Exchange(Box::new(exchange));
                if waits {
                    self.raw = Raw::new(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec());
                    if self.flush(io) == Disposition::Remove {
                        return Disposition::Remove;
                    }
                }
                match self.take_body(io, &rest) {
                    Some(disposition) => disposition,
                    None => self.read_body(io),
                }
            }
        }
    }

    fn fail_exchange(&mut self, io: &mut ThreadContext, mut exchange: Exchange, fault: Fault) -> Disposition {
        exchange.keep = false;
        self.phase = Phase::Exchange(Box::new(exchange));
        self.answer(io, fault.into())
    }

    /// The socket is ready, or its turn has come, while a request is taken or answered.
    pub(super) fn go_on_with_exchange(&mut self, io: &mut ThreadContext) -> Disposition {
        let Phase::Exchange(exchange) = &mut self.phase else { return Disposition::Keep };
        match exchange.progress {
            Progress::Receiving(_) => self.read_body(io),
            _ => {
                exchange.unread = true;
                self.flush(io)
            }
        }
    }

    fn read_body(&mut self, io: &mut ThreadContext) -> Disposition {
        for _ in 0..READS_PER_TURN {
            let count = match self.read_some(io) {
                Ok(None) => return Disposition::Keep,
                Ok(Some(0)) => return self.break_off(io, Error::of(Id::ClosedEarly)),
                Ok(Some(count)) => count,
                Err(error) => return self.lost(io, &error),
            };
            let input = std::mem::take(&mut io.input);
            let done = self.take_body(io, &input[..count]);
            io.input = input;
            if let Some(disposition) = done {
                return disposition;
            }
        }
        self.requeue(io);
        Disposition::Keep
    }

    /// More of the body; `None`: it is not whole yet.
    fn take_body(&mut self, io: &mut ThreadContext, bytes: &[u8]) -> Option<Disposition> {
        let unread = self.half_closed
            || bytes.len() == FIRST_READ
            || !self.stream.as_ref().is_some_and(|stream| stream.is_drained(bytes.len(), FIRST_READ));
        let Phase::Exchange(exchange) = &mut self.phase else { return Some(Disposition::Keep) };
        let Progress::Receiving(incoming) = &mut exchange.progress else { return Some(Disposition::Keep) };
        let fed = incoming.1.feed(bytes);
        let (done, held) = (incoming.1.is_done(), incoming.1.held());
        match fed {
            Ok(taken) => {
                let behind = &bytes[taken..];
                if let Err(error) = memory::reserve(&mut exchange.rest, behind.len()) {
                    return Some(self.break_off(io, error));
                }
                exchange.rest.extend_from_slice(behind);
            }
            Err(fault) => {
                exchange.keep = false;
                return Some(self.answer(io, fault.into()));
            }
        }
        exchange.unread |= unread;
        if !self.charge_assembly(held) {
            if let Phase::Exchange(exchange) = &mut self.phase {
                exchange.keep = false;
            }
            return Some(self.answer(io, crate::http::Response::text(503, "Too many unfinished messages")));
        }
        if !done {
            return None;
        }
        let Phase::Exchange(exchange) = &mut self.phase else { return Some(Disposition::Keep) };
        match std::mem::replace(&mut exchange.progress, Progress::Working) {
            Progress::Receiving(incoming) => {
                let (request, body) = *incoming;
                let reply = self.owner.plain_body(request, body.into_bytes());
                Some(self.reply(io, reply))
            }
            _ => Some(Disposition::Keep),
        }
    }
}
