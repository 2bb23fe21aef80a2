//! An incoming connection that waits for the host to accept it.

use super::setup::AwaitingAccept;
use super::state::{Disposition, Driver, Phase};
use crate::engine::io::ThreadContext;
use crate::error::{Error, Id};
use crate::options::Opt;
use crate::ws::Refusal;

/// What a peer may send before the answer: it must not (RFC 6455 section 4.1), but a little is tolerated.
const MAX_EARLY_DATA: usize = 4096;

impl Driver {
    /// The answer that accepts it is ready; it is sent when the host says so, within `AcceptTimeout`.
    pub(super) fn await_host(&mut self, io: &mut ThreadContext, rest: Vec<u8>) -> Disposition {
        self.phase = Phase::AwaitingAccept(Box::new(AwaitingAccept { answer: std::mem::take(&mut self.raw), rest }));
        self.deadline = self.time(Opt::AcceptTimeout).map(|time| io.now + time);
        self.read_early(io)
    }

    /// The host has decided; `None` accepts it.
    pub fn decide(&mut self, io: &mut ThreadContext, refusal: Option<&Refusal>) -> Disposition {
        let Phase::AwaitingAccept(incoming) = &mut self.phase else { return Disposition::Keep };
        match refusal {
            Some(refusal) => self.refuse(io, refusal),
            None => {
                self.raw = std::mem::take(&mut incoming.answer);
                let rest = std::mem::take(&mut incoming.rest);
                self.begin(io, rest)
            }
        }
    }

    /// Rejects a connection that the host will not decide on any more.
    pub(super) fn reject_undecided(&mut self, io: &mut ThreadContext, why: &'static str) -> Disposition {
        self.owner.withdrawn(&self.connection);
        self.refuse(io, &Refusal::new(503, why))
    }

    /// Checks whether the peer is still there. What it sends too early is kept.
    pub(super) fn read_early(&mut self, io: &mut ThreadContext) -> Disposition {
        loop {
            // Some may have come along with the request.
            if matches!(&self.phase, Phase::AwaitingAccept(incoming) if incoming.rest.len() > MAX_EARLY_DATA) {
                self.owner.withdrawn(&self.connection);
                return self.refuse(io, &Refusal::new(400, "Data before the answer"));
            }
            let count = match self.read_some(io) {
                Ok(None) => return Disposition::Keep,
                Ok(Some(0)) | Err(_) => return self.break_off(io, Error::of(Id::ClosedEarly)),
                Ok(Some(count)) => count,
            };
            let Phase::AwaitingAccept(incoming) = &mut self.phase else { return Disposition::Keep };
            if incoming.rest.try_reserve(count).is_err() {
                return self.break_off(io, Error::of(Id::NoMemory));
            }
            incoming.rest.extend_from_slice(&io.input[..count]);
        }
    }
}
