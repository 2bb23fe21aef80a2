//! What the host asks of names: who has one, and the end of a session.

use super::names::{Entry, check_name};
use super::{Server, Shared};
use crate::engine::{Command, Reason, lock};
use crate::error::{Result, memory};
use crate::log::iso;
use crate::net::Place;
use crate::ws::check_close;
use serde_json::{Value, json};
use std::time::{Instant, SystemTime};

impl Server {
    /// JSON; `None`: nobody has that name.
    pub fn name_info(&self, name: &str) -> Result<Option<String>> {
        self.shared.name_info(name)
    }

    /// JSON array, by name, of all names that begin so, without their groups.
    pub fn name_list(&self, prefix: &str) -> Result<String> {
        self.shared.name_list(prefix)
    }

    /// Starts the close of the connection of that name and ends its session, also an absent one; false: nobody has it.
    pub fn disconnect_name(&self, name: &str, code: u16, reason: &str) -> Result<bool> {
        self.shared.disconnect_name(name, code, reason)
    }
}

impl Shared {
    /// JSON; `None`: nobody has that name.
    pub(super) fn name_info(&self, name: &str) -> Result<Option<String>> {
        let _inside = self.enter()?;
        let state = lock(&self.state);
        let Some(entry) = state.names.entry(name) else { return Ok(None) };
        let labels = state.names.labels(entry.connection.serial);
        let server = state.place.as_ref().map(Place::to_string).unwrap_or_default();
        drop(state);
        let mut value = describe(&entry, &server);
        value["groups"] = labels.groups.iter().map(|group| json!(&**group)).collect();
        Ok(Some(value.to_string()))
    }

    /// JSON array, by name, of all names that begin so, without their groups.
    pub(super) fn name_list(&self, prefix: &str) -> Result<String> {
        let _inside = self.enter()?;
        // Sorted and described without the lock: of ten thousand that takes its time.
        let (mut all, server) = {
            let state = lock(&self.state);
            let (most, entries) = state.names.entries(prefix);
            (memory::collect(most, entries)?, state.place.as_ref().map(Place::to_string).unwrap_or_default())
        };
        all.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        let mut list = memory::Text::default();
        for (at, entry) in all.iter().enumerate() {
            list.push(if at == 0 { "[" } else { "," })?;
            list.push(&describe(entry, &server).to_string())?;
        }
        list.push(if all.is_empty() { "[]" } else { "]" })?;
        Ok(list.into_string())
    }

    /// Starts the close of the connection of that name and ends its session, also an absent one; false: nobody has it.
    pub(super) fn disconnect_name(&self, name: &str, code: u16, reason: &str) -> Result<bool> {
        let _inside = self.enter()?;
        check_name(name)?;
        check_close(code, reason)?;
        let shared = self;
        let mut state = lock(&shared.state);
        let Some(Entry { name, connection, until, .. }) = state.names.entry(name) else { return Ok(false) };
        if until.is_none() {
            state.registry.remove(connection.id());
            state.names.unlink(connection.serial);
            drop(state);
            connection.cancel_pings();
            connection.close(code, Reason::Text(reason.to_owned()), false);
            return Ok(true);
        }
        let ended: Vec<_> = state.names.end(name).into_iter().collect();
        if shared.end_sessions(ended)
            && let Some(io) = state.ios.first()
        {
            // Where a handler takes the events, it runs on the I/O thread only.
            io.post(Command::Dispatch(shared.inbox.clone()));
        }
        Ok(true)
    }
}

fn describe(entry: &Entry, server: &str) -> Value {
    let Entry { name, connection, since, until } = entry;
    let state = match until {
        Some(_) => "waiting",
        // The unsent messages of the connection before it are on their way to it.
        None if connection.outbox.is_blocked() => "moving",
        None => "open",
    };
    let until = until.map(|until| SystemTime::now() + until.saturating_duration_since(Instant::now()));
    let (queued, queued_bytes) = connection.outbox.waiting();
    json!({
        "name": &**name,
        "state": state,
        "server": server,
        "id": (state != "waiting").then(|| connection.id()),
        "since": iso(*since),
        "until": until.map(iso),
        "queued": queued,
        "queued_bytes": queued_bytes,
    })
}
