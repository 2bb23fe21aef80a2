//! What is asked of the connections, by the host or in a control request.

use super::Shared;
use crate::engine::{Connection, GateGuard, connection_json, lock};
use crate::error::{Language, Result, memory};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Connections that are looked at under one lock, which every connection needs to come and go.
const SLICE: usize = 256;

impl Shared {
    /// A call is inside the object until this is dropped.
    pub(super) fn enter(&self) -> Result<GateGuard<'_>> {
        self.gate.enter()
    }

    /// JSON; `None` when the connection has ended.
    pub(super) fn connection_info(&self, connection: u64) -> Result<Option<String>> {
        let _inside = self.enter()?;
        let state = lock(&self.state);
        if let Some(pending) = state.registry.pending(connection).cloned() {
            drop(state);
            return Ok(Some(memory::json(&connection_json(&pending, "pending", true))?));
        }
        let Some(open) = state.registry.find(connection)?.cloned() else { return Ok(None) };
        let labels = state.names.labels(open.serial);
        // Described without the lock, which every connection needs to come and go.
        drop(state);
        memory::json(&Self::describe(&open, &labels, true)).map(Some)
    }

    /// JSON array.
    pub(super) fn connection_list(&self) -> Result<String> {
        let _inside = self.enter()?;
        let mut list = memory::Text::default();
        let mut last = 0;
        loop {
            // Those that come meanwhile are behind the last one; who goes meanwhile may be in the list or not.
            let slice: Vec<_> = {
                let state = lock(&self.state);
                let labelled = |one: &Arc<Connection>| (one.clone(), state.names.labels(one.serial));
                memory::collect(SLICE, state.registry.open_after(last).map(labelled))?
            };
            let Some((end, _)) = slice.last() else { break };
            // One at a time: a tree of all of them would be many times the text.
            for (one, labels) in &slice {
                list.push(if last == 0 { "[" } else { "," })?;
                last = one.id();
                list.push(&memory::json(&Self::describe(one, labels, false))?)?;
            }
            last = end.id();
        }
        list.push(if last == 0 { "[]" } else { "]" })?;
        Ok(list.into_string())
    }

    pub(super) fn figures(&self, language: Language) -> Result<Value> {
        let all = {
            let state = lock(&self.state);
            memory::collect(state.registry.live_count(), state.registry.live().cloned())?
        };
        let mut value = self.totals.json(all.iter(), self.inbox.waiting());
        value["connects"] = json!(self.connects.load(Relaxed));
        let (waiting, open) = {
            let state = lock(&self.state);
            (state.names.absent_count(), state.registry.count())
        };
        value["sessions_waiting"] = json!(waiting);
        value["connections"] = json!(open);
        value["warnings"] = json!(self.tls_warning(language).into_iter().collect::<Vec<_>>());
        Ok(value)
    }

    /// JSON.
    pub(super) fn statistics(&self, language: Language) -> Result<String> {
        memory::json(&self.figures(language)?)
    }
}
