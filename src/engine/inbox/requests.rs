//! The requests of one object that have no reply yet.

use super::examine::Examination;
use super::reply::InFlight;
use std::sync::Arc;

/// See the module's page.
#[derive(Default)]
pub struct Requests {
    /// In the order in which they came. Shared with who looks at messages.
    pub list: Arc<Vec<Arc<InFlight>>>,
    /// Messages so far.
    pub arrived: u64,
    /// Somebody looks at the first that are held.
    pub examined: bool,
    /// What somebody has left who looked at them.
    pub left: Option<Examination>,
    /// Changes when those are no longer the first held ones, though nobody has looked at them.
    pub epoch: u64,
    /// Changes when no reply to an earlier request can come any more.
    pub life: u64,
}

impl Requests {
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}
