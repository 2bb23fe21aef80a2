//! Looking for replies among messages, without the queue's lock.

use super::reply::InFlight;
use crate::json::{Scalar, Scan, Step};
use crate::ws::Message;
use std::sync::Arc;

/// Looked at between two questions whether to go on.
const STEP: usize = 256 * 1024;

/// What a look at some messages has come to.
pub(super) enum Finding {
    /// The present message answers that request.
    Reply(Arc<InFlight>),
    /// None of them answers any.
    Nothing,
    /// It was told to stop, and can go on.
    Stopped,
}

/// The first messages that are held for the requests, and how far they have been looked at.
pub(super) struct Examination {
    /// What the queue calls the time in which these messages are its first held ones.
    pub epoch: u64,
    requests: Arc<Vec<Arc<InFlight>>>,
    /// The number of the first message.
    first: u64,
    messages: Vec<Message>,
    /// The present message.
    at: usize,
    /// The request whose field is looked for.
    request: usize,
    scan: Scan,
    /// The first of the requests that the present message answers.
    best: Option<usize>,
}

impl Examination {
    pub fn new(epoch: u64, requests: Arc<Vec<Arc<InFlight>>>, first: u64, messages: Vec<Message>) -> Self {
        Self { epoch, requests, first, messages, at: 0, request: 0, scan: Scan::default(), best: None }
    }

    /// Messages that answer nothing, since it began or since the last such call.
    pub fn take_passed(&mut self) -> usize {
        self.messages.drain(..self.at);
        self.first += self.at as u64;
        std::mem::take(&mut self.at)
    }

    /// The number of the present message.
    pub fn number(&self) -> u64 {
        self.first + self.at as u64
    }

    /// Bytes of the present message.
    pub fn size(&self) -> usize {
        self.messages.get(self.at).map_or(0, |message| message.data().len())
    }

    /// Looks on until something is found, or `stops` says so.
    pub fn go_on(&mut self, stops: impl Fn() -> bool) -> Finding {
        while let Some(message) = self.messages.get(self.at).cloned() {
            while let Some(field) = self.next_field() {
                if stops() {
                    return Finding::Stopped;
                }
                match self.scan.go_on(message.data(), &field.field, STEP) {
                    Step::More => {}
                    Step::Done(place) => {
                        if let Some(value) = place.and_then(|place| Scalar::parse(&message.data()[place])) {
                            self.compare(value);
                        }
                        self.scan = Scan::default();
                        self.request += 1;
                    }
                }
            }
            self.request = 0;
            if let Some(request) = self.best.take().and_then(|at| self.requests.get(at)) {
                return Finding::Reply(request.clone());
            }
            self.at += 1;
        }
        Finding::Nothing
    }

    /// The first request from the present one on whose field has not been looked for.
    fn next_field(&mut self) -> Option<Arc<InFlight>> {
        let is_first = |at: usize, request: &InFlight| self.requests[..at].iter().all(|one| one.field != request.field);
        let rest = self.requests.iter().enumerate().skip(self.request);
        let (at, request) = rest.into_iter().find(|(at, request)| is_first(*at, request))?;
        self.request = at;
        Some(request.clone())
    }

    /// The present field has this value: finds the request that it answers.
    fn compare(&mut self, value: Scalar<'_>) {
        let (number, field) = (self.number(), &self.requests[self.request].field);
        let until = self.best.unwrap_or(self.requests.len());
        let answered = |request: &Arc<InFlight>| {
            request.field == *field
                && request.expects(number)
                && Scalar::parse(request.id.as_bytes()).is_some_and(|id| id == value)
        };
        self.best = self.requests[..until].iter().position(answered).or(self.best);
    }
}
