//! The way of a handshake through redirects: where it may go, and what goes along.

use crate::engine::io::DialPlan;
use crate::error::{Arg, Error, Id, Result};
use crate::ws::{Target, harmless_protocols};

/// Characters of a chain that are shown: more than texts usually quote, because of a loop all is wanted.
const SHOWN: usize = 700;

/// The way of a handshake that may follow redirects.
#[derive(Default)]
pub struct Redirects {
    /// What has been asked for, the first at the front.
    visited: Vec<Target>,
    /// What is being asked for: while the answer is awaited.
    pub plan: Option<Box<DialPlan>>,
}

impl Redirects {
    pub fn ask(&mut self, plan: Box<DialPlan>) {
        self.visited.push(plan.target.clone());
        self.plan = Some(plan);
    }

    /// An error with the redirects before it.
    pub fn told(&self, error: Error) -> Error {
        // The one that is being asked is no redirect.
        match self.visited.len() > usize::from(self.plan.is_some()) {
            true => Error::new(Id::Redirected, [self.chain(None)]).because(error),
            false => error,
        }
    }

    fn chain(&self, next: Option<&Target>) -> Arg {
        let urls: Vec<&str> = self.visited.iter().chain(next).map(|target| target.shown.as_str()).collect();
        let text = urls.join(" → ");
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => Arg::Plain(format!("{}…", &text[..end])),
            None => Arg::Plain(text),
        }
    }

    /// What is asked for next. What the host has confided to one server does not go to another.
    pub fn next(&self, mut plan: Box<DialPlan>, location: &str, most: i64) -> Result<Box<DialPlan>> {
        let target = plan.target.redirected(location)?;
        if self.visited.iter().any(|before| before.is_same(&target)) {
            return Err(Error::new(Id::RedirectLoop, [self.chain(Some(&target))]));
        }
        if i64::try_from(self.visited.len()).unwrap_or(i64::MAX) > most {
            return Err(Error::new(Id::RedirectLimit, [most.into(), self.chain(Some(&target))]));
        }
        if !plan.target.has_place_of(&target) {
            plan.headers.clear();
            plan.tls.identity = None;
            harmless_protocols(&mut plan.protocols);
        }
        plan.target = target;
        Ok(plan)
    }
}
