//! The requests of one object that have no reply yet.

use super::examine::Examination;
use super::reply::InFlight;
use std::sync::Arc;

/// See the module's page.
#[derive(Default)]
pub struct Requests {
    /// In the order in which they came. Shared with the thread that examines messages.
    pub list: Arc<Vec<Arc<InFlight>>>,
    /// Messages so far.
    pub arrived: u64,
    /// A thread examines the first held messages.
    pub examined: bool,
    /// The unfinished examination of a thread that had to stop.
    pub left: Option<Examination>,
    /// Changes when those are no longer the first held ones, though no thread has examined them.
    pub epoch: u64,
    /// Changes when no reply to an earlier request can come any more.
    pub life: u64,
}

impl Requests {
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}
