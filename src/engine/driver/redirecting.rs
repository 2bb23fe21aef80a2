//! A server that sends its clients elsewhere: they are followed on the same connection object, within its time.

use super::redirects::Redirects;
use super::state::{Disposition, Driver, Phase};
use crate::engine::io::{DialPlan, ThreadContext};
use crate::error::Error;
use crate::log;
use crate::options::Opt;

impl Driver {
    /// The request is made of this plan, which is kept where its answer may send elsewhere.
    pub(super) fn keep_plan(&mut self, plan: Box<DialPlan>) {
        let follows = self.owner.options().int(Opt::MaxRedirects) > 0;
        let Some(client_part) = self.client_part.as_mut().filter(|_| follows) else { return };
        client_part.redirects.get_or_insert_default().ask(plan);
    }

    /// It is open: how it came there is of no more use.
    pub(super) fn forget_redirects(&mut self) {
        if let Some(client_part) = &mut self.client_part {
            client_part.redirects = None;
        }
    }

    /// An error with the redirects before it.
    pub(super) fn after_redirects(&self, error: Error) -> Error {
        let redirects = self.client_part.as_ref().and_then(|client_part| client_part.redirects.as_ref());
        match redirects {
            Some(redirects) => redirects.told(error),
            None => error,
        }
    }

    /// Follows a redirect; `None`: the answer is none, or none are followed.
    pub(super) fn follow(&mut self, io: &mut ThreadContext) -> Option<Disposition> {
        let Phase::AwaitingResponse(handshake) = &self.phase else { return None };
        let location = handshake.redirect()?.to_owned();
        let mut redirects = self.client_part.as_mut()?.redirects.take()?;
        let plan = redirects.plan.take()?;
        let most = self.owner.options().int(Opt::MaxRedirects);
        Some(match redirects.next(plan, &location, most) {
            Ok(plan) => self.go_there(io, redirects, plan),
            Err(error) => self.refuse_to_open(io, error),
        })
    }

    /// Dials anew; the proxy, too, is chosen anew. The time of the whole connect goes on.
    fn go_there(&mut self, io: &mut ThreadContext, redirects: Box<Redirects>, plan: Box<DialPlan>) -> Disposition {
        log::info!(self.subject(), "redirected to {}", plan.target.shown);
        if let Some(mut stream) = self.stream.take() {
            stream.deregister(&io.reactor);
        }
        (self.raw, self.blocked_since, self.half_closed) = (None, None, false);
        self.owner.redirected(&self.connection, &plan.target.shown);
        if let Some(client_part) = &mut self.client_part {
            client_part.authority = plan.target.address().into();
            client_part.redirects = Some(redirects);
        }
        self.phase = Phase::Resolving(plan);
        self.prepare(io)
    }
}
