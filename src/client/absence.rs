//! Why there is no connection, and since when: what a call says that needs one.

use super::{Phase, State};
use crate::engine::Reason;
use crate::error::{Error, Id};

impl State {
    /// The error of a call that needs a connection.
    pub(super) fn not_connected(&self) -> Error {
        Error::of(Id::NotConnected).because(self.absence()).with_own_code()
    }

    /// The URL that is connected to, without secrets.
    pub(super) fn url(&self) -> &str {
        let target = self.target.as_ref().map_or("", |target| target.shown.as_str());
        self.redirected_to.as_deref().unwrap_or(target)
    }

    fn absence(&self) -> Error {
        match self.phase {
            // It has closed since the caller looked.
            Phase::Open | Phase::Closing => Id::BeingClosed.into(),
            Phase::Connecting => Id::BeingMade.into(),
            Phase::Reconnecting => {
                // While it waits, the attempt that comes.
                let attempt = self.retry.count.saturating_add(u32::from(self.retry.due.is_some()));
                Error::new(Id::Reconnecting, [attempt.into()]).because(self.end())
            }
            Phase::Closed => self.end(),
        }
    }

    fn end(&self) -> Error {
        let (ago, last) = (self.last_end.ago(), &self.last);
        if let Some(failure) = &self.failure {
            return Error::new(Id::AttemptFailed, [ago]).because(failure.clone());
        }
        match &last.reason {
            _ if last.code == 0 => Id::NeverMade.into(),
            _ if self.last_end.by_host => Error::new(Id::ClosedByHost, [ago]),
            Reason::Text(reason) if reason.is_empty() => Error::new(Id::ClosedByServer, [ago, last.code.into()]),
            Reason::Text(reason) => Error::new(Id::ClosedByServerWith, [ago, last.code.into(), reason.as_str().into()]),
            Reason::Ours(error) => Error::new(Id::Broken, [ago, last.code.into()]).because(error.clone()),
        }
    }
}
