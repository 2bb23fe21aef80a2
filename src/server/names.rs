//! Names, their sessions and groups.
//!
//! A session is a name and the connection that has, or last had, it; while that one is away, what is sent to the name
//! waits in its outbox. Everything is found in trees, which grow by small pieces; nothing here makes a system call.

use crate::engine::Connection;
use crate::error::{Arg, Error, Id, Result};
use crate::ws::{Refusal, Request};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// Bytes of a name or a group at most.
const MAX_NAME: usize = 1024;

struct Session {
    connection: Arc<Connection>,
    /// When it became present, or absent.
    since: SystemTime,
    /// Absent, and until when it may come back.
    until: Option<Instant>,
}

/// A name, and the session behind it as it was then.
pub(super) struct Entry {
    pub name: Arc<str>,
    pub connection: Arc<Connection>,
    pub since: SystemTime,
    /// Absent, and until when it may come back.
    pub until: Option<Instant>,
}

impl Entry {
    fn of(name: &Arc<str>, session: &Session) -> Self {
        let Session { connection, since, until } = session;
        Self { name: name.clone(), connection: connection.clone(), since: *since, until: *until }
    }
}

/// The name and groups of a connection.
#[derive(Clone, Default)]
pub(super) struct Labels {
    pub name: Option<Arc<str>>,
    pub groups: BTreeSet<Arc<str>>,
}

impl Labels {
    pub fn is_empty(&self) -> bool {
        self.name.is_none() && self.groups.is_empty()
    }
}

/// The connection that had the name before.
pub(super) struct Previous {
    pub connection: Arc<Connection>,
    pub was_away: bool,
}

/// A takeover that is not finished.
struct Handover {
    connection: Arc<Connection>,
    name: Arc<str>,
    taken_over_by: Arc<Connection>,
    /// It has ended: what it has left is known.
    ended: bool,
}

/// A finished takeover: the unsent messages have gone to `taken_over_by`, but for `lost` ones, because that connection
/// has ended for good.
pub(super) struct HandedOver {
    pub name: Arc<str>,
    pub taken_over_by: Arc<Connection>,
    pub lost: usize,
}

#[derive(Default)]
pub(super) struct Names {
    sessions: BTreeMap<Arc<str>, Session>,
    /// By the serial.
    labels: BTreeMap<u64, Labels>,
    groups: BTreeMap<Arc<str>, BTreeMap<u64, Arc<Connection>>>,
    /// Absent sessions in the order of their ends.
    due: BTreeMap<(Instant, u64), Arc<str>>,
    /// Takeovers whose unsent messages have not been handed on yet, by the serial of the previous connection.
    taken: BTreeMap<u64, Handover>,
}

impl Names {
    /// The connection, present or absent, of a name.
    pub fn find(&self, name: &str) -> Option<&Arc<Connection>> {
        self.sessions.get(name).map(|session| &session.connection)
    }

    /// What is known of a name.
    pub fn entry(&self, name: &str) -> Option<Entry> {
        self.sessions.get_key_value(name).map(|(name, session)| Entry::of(name, session))
    }

    /// All names that begin so, in no order, and how many they are at most.
    pub fn entries<'a>(&'a self, prefix: &'a str) -> (usize, impl Iterator<Item = Entry> + 'a) {
        let of = move |(name, session): (&'a Arc<str>, &'a Session)| {
            name.starts_with(prefix).then(|| Entry::of(name, session))
        };
        (self.sessions.len(), self.sessions.iter().filter_map(of))
    }

    pub fn name_of(&self, serial: u64) -> Option<&Arc<str>> {
        self.labels.get(&serial).and_then(|labels| labels.name.as_ref())
    }

    /// Name and groups of a connection.
    pub fn labels(&self, serial: u64) -> Labels {
        self.labels.get(&serial).cloned().unwrap_or_default()
    }

    /// Members of a group, absent ones included.
    pub fn members(&self, group: &str) -> impl Iterator<Item = &Arc<Connection>> {
        self.groups.get(group).into_iter().flat_map(BTreeMap::values)
    }

    pub fn member_count(&self, group: &str) -> usize {
        self.groups.get(group).map_or(0, BTreeMap::len)
    }

    pub fn absent(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.due.values().filter_map(|name| self.find(name))
    }

    /// The absent one behind `last`, for callers that must not hold the lock meanwhile.
    pub fn next_absent(&self, last: &mut Option<(Instant, u64)>) -> Option<Arc<Connection>> {
        let from = last.map_or(Bound::Unbounded, Bound::Excluded);
        let (due, name) = self.due.range((from, Bound::Unbounded)).next()?;
        *last = Some(*due);
        self.find(name).cloned()
    }

    pub fn absent_count(&self) -> usize {
        self.due.len()
    }

    pub fn was_taken(&self, serial: u64) -> bool {
        self.taken.contains_key(&serial)
    }

    /// One has ended; false: it was not taken over.
    pub fn taken_ended(&mut self, serial: u64) -> bool {
        self.taken.get_mut(&serial).map(|taken| taken.ended = true).is_some()
    }

    /// Hands the unsent messages of a connection on that was taken over, has ended and is not blocked itself; then the
    /// same for the connection that took it over.
    pub fn finish_handover(&mut self, serial: u64) -> Vec<HandedOver> {
        let mut handed_over = Vec::new();
        let mut next = serial;
        while let Some(Handover { connection, ended: true, .. }) = self.taken.get(&next)
            && !connection.outbox.is_blocked()
            && let Some(Handover { connection, name, taken_over_by, .. }) = self.taken.remove(&next)
        {
            let lost = taken_over_by.outbox.prepend(connection.outbox.drain());
            next = taken_over_by.serial;
            handed_over.push(HandedOver { name, taken_over_by, lost });
        }
        handed_over
    }

    pub fn join(&mut self, connection: &Arc<Connection>, group: &str) {
        let group: Arc<str> = Arc::from(group);
        self.labels.entry(connection.serial).or_default().groups.insert(group.clone());
        self.groups.entry(group).or_default().insert(connection.serial, connection.clone());
    }

    pub fn leave_group(&mut self, serial: u64, group: &str) {
        if let Some(labels) = self.labels.get_mut(&serial) {
            labels.groups.remove(group);
            if labels.groups.is_empty() && labels.name.is_none() {
                self.labels.remove(&serial);
            }
        }
        self.quit(serial, group);
    }

    fn quit(&mut self, serial: u64, group: &str) {
        if let Some(members) = self.groups.get_mut(group) {
            members.remove(&serial);
            if members.is_empty() {
                self.groups.remove(group);
            }
        }
    }

    /// Names a connection. The connection that had the name before loses name and groups to it; its unsent messages
    /// come with [`Names::finish_handover`], and until then the new one is blocked.
    pub fn claim(&mut self, connection: &Arc<Connection>, name: &str) -> Option<Previous> {
        if self.name_of(connection.serial).is_some_and(|own| &**own == name) {
            return None;
        }
        self.unname(connection.serial);
        if name.is_empty() {
            return None;
        }
        let name: Arc<str> = Arc::from(name);
        let session = Session { connection: connection.clone(), since: SystemTime::now(), until: None };
        let before = self.sessions.insert(name.clone(), session).map(|before| {
            let serial = before.connection.serial;
            let groups = self.labels.remove(&serial).map(|labels| labels.groups).unwrap_or_default();
            for group in groups {
                self.quit(serial, &group);
                self.join(connection, &group);
            }
            if let Some(until) = before.until {
                self.due.remove(&(until, serial));
            }
            let ended = before.until.is_some();
            before.connection.set_taken_over_by(connection);
            connection.outbox.block_for_takeover();
            if ended {
                // No message is queued there any more; calls that wait for room there try the new one.
                before.connection.outbox.finish();
            }
            let (old, taken_over_by) = (before.connection.clone(), connection.clone());
            self.taken.insert(serial, Handover { connection: old, name: name.clone(), taken_over_by, ended });
            Previous { connection: before.connection, was_away: ended }
        });
        self.labels.entry(connection.serial).or_default().name = Some(name);
        before
    }

    fn unname(&mut self, serial: u64) {
        let Some(labels) = self.labels.get_mut(&serial) else { return };
        if let Some(name) = labels.name.take() {
            self.release(serial, &name);
        }
    }

    /// Frees a name, if it is this connection's.
    fn release(&mut self, serial: u64, name: &str) {
        if self.sessions.get(name).is_some_and(|session| session.connection.serial == serial)
            && let Some(Session { until: Some(until), .. }) = self.sessions.remove(name)
        {
            self.due.remove(&(until, serial));
        }
    }

    /// The connection is closing: name and groups are free at once; its labels stay until it has ended.
    pub fn unlink(&mut self, serial: u64) {
        let Some(labels) = self.labels.get_mut(&serial) else { return };
        let (name, groups) = (labels.name.clone(), std::mem::take(&mut labels.groups));
        if let Some(name) = name {
            self.release(serial, &name);
        }
        groups.iter().for_each(|group| self.quit(serial, group));
    }

    /// It has ended for good: its name.
    pub fn forget(&mut self, serial: u64) -> Option<Arc<str>> {
        self.unlink(serial);
        self.labels.remove(&serial).and_then(|labels| labels.name)
    }

    /// A named connection has broken and may come back until then.
    pub fn detach(&mut self, serial: u64, until: Instant) {
        let Some(name) = self.name_of(serial).cloned() else { return };
        if let Some(session) = self.sessions.get_mut(&name) {
            (session.since, session.until) = (SystemTime::now(), Some(until));
            self.due.insert((until, serial), name);
        }
    }

    /// When the next absent session ends.
    pub fn next_due(&self) -> Option<Instant> {
        self.due.keys().next().map(|(until, _)| *until)
    }

    /// Takes out the absent sessions whose time is up.
    pub fn expire(&mut self, now: Instant) -> Vec<(Arc<str>, Arc<Connection>)> {
        let due: Vec<_> = self.due.range(..=(now, u64::MAX)).map(|(_, name)| name.clone()).collect();
        due.into_iter().filter_map(|name| self.end(name)).collect()
    }

    /// Ends the absent session that would end first.
    pub fn end_first(&mut self) -> Option<(Arc<str>, Arc<Connection>)> {
        let name = self.due.values().next()?.clone();
        self.end(name)
    }

    /// Ends the session of a name.
    pub fn end(&mut self, name: Arc<str>) -> Option<(Arc<str>, Arc<Connection>)> {
        let connection = self.find(&name)?.clone();
        self.forget(connection.serial);
        Some((name, connection))
    }

    /// Ends all sessions and groups; the absent ones there were. What the others have not sent when they end is still
    /// told under their names.
    pub fn clear(&mut self) -> Vec<(Arc<str>, Arc<Connection>)> {
        let absent: Vec<_> = self.due.values().cloned().collect();
        let ended = absent.into_iter().filter_map(|name| self.end(name)).collect();
        self.sessions.clear();
        self.groups.clear();
        self.labels.retain(|_, labels| {
            labels.groups.clear();
            labels.name.is_some()
        });
        ended
    }
}

/// Whether a text may be a name: at most 1 KiB, no control characters.
fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME && !text.chars().any(char::is_control)
}

/// A name that the host gives; empty takes the name away.
pub(super) fn check_name(text: &str) -> Result<()> {
    if is_name(text) { Ok(()) } else { Err(refused(Arg::Both { en: "Name", ru: "Имя" })) }
}

fn refused(label: Arg) -> Error {
    Error::new(Id::NameRefused, [label])
}

/// A group that the host gives.
pub(super) fn check_group(text: &str) -> Result<()> {
    let good = !text.is_empty() && is_name(text);
    if good { Ok(()) } else { Err(refused(Arg::Both { en: "Group", ru: "Группа" })) }
}

/// The name in a request: in the query, percent-decoded, or else in a header. Empty: none.
pub(super) fn requested(request: &Request, parameter: &str) -> Result<String, Refusal> {
    if parameter.is_empty() {
        return Ok(String::new());
    }
    let refusal = || Refusal::new(400, "the name is longer than 1024 bytes or not printable UTF-8");
    // As a form, and so every library for queries, writes it: a blank may be a plus.
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text).decode_utf8().map(|text| text.into_owned())
    };
    for pair in request.query().split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        // What is too long to be it is not even decoded, three characters being one byte.
        if key.len() <= 3 * parameter.len() && decode(key).is_ok_and(|key| key == parameter) {
            if value.len() > 3 * MAX_NAME {
                return Err(refusal());
            }
            let name = decode(value).map_err(|_| refusal())?;
            return if is_name(&name) { Ok(name) } else { Err(refusal()) };
        }
    }
    let name = request.header(parameter).unwrap_or_default();
    if is_name(&name) && !name.contains('\u{fffd}') { Ok(name) } else { Err(refusal()) }
}

/// The group in a name like `id:10001::group_id:10002`.
pub(super) fn group_in(name: &str) -> Option<&str> {
    name.split("::").find_map(|part| part.strip_prefix("group_id:")).filter(|group| !group.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_is_a_part_of_the_name() {
        assert_eq!(group_in("id:10001::group_id:10002"), Some("10002"));
        assert_eq!(group_in("group_id:7::id:1"), Some("7"));
        for none in ["", "id:1", "id:1::group_id:", "id:1::my_group_id:2", "id:1:group_id:2"] {
            assert_eq!(group_in(none), None, "{none}");
        }
    }

    #[test]
    fn names_have_a_length_and_no_control_characters() {
        assert!(is_name(&"a".repeat(1024)) && is_name("Ж €") && is_name(""));
        assert!(!is_name(&"a".repeat(1025)) && !is_name("a\nb") && !is_name("\u{7f}") && !is_name("\u{85}"));
    }
}
