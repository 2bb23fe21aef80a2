//! Events in order, and the connections they come from.

use crate::engine::connection::Connection;
use crate::engine::shared::{Body, Event};
use crate::ws::Message;
use std::collections::VecDeque;
use std::sync::Arc;

/// See the module's page. Events of one connection that follow each other share one part in owning it: a message costs
/// no atomic count. The last ones may be held: they have their places, but are not to be taken yet.
#[derive(Default)]
pub struct Entries {
    events: VecDeque<Event>,
    /// Of how many events each; none has 0.
    sources: VecDeque<(Option<Arc<Connection>>, usize)>,
    /// How many are held, and how many messages are among them: the first always is one.
    held: usize,
    held_messages: usize,
}

fn same(left: Option<&Arc<Connection>>, right: Option<&Arc<Connection>>) -> bool {
    left.map(Arc::as_ptr) == right.map(Arc::as_ptr)
}

impl Entries {
    pub fn len(&self) -> usize {
        self.events.len()
    }

    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Gives memory back after many events at a time. The queue must be empty.
    pub fn shrink(&mut self) {
        if self.events.capacity() > 4096 {
            *self = Self::default();
        }
    }

    /// Looks for memory for so many more; false: there is none.
    pub fn try_reserve(&mut self, more: usize) -> bool {
        self.events.try_reserve(more).is_ok() && self.sources.try_reserve(more).is_ok()
    }

    pub fn push_back(&mut self, event: Event, source: Option<&Arc<Connection>>) {
        self.events.push_back(event);
        match self.sources.back_mut() {
            Some((last, count)) if same(last.as_ref(), source) => *count += 1,
            Some(_) | None => self.sources.push_back((source.cloned(), 1)),
        }
    }

    /// Moves all of `other` behind these.
    pub fn append(&mut self, other: &mut Self) {
        if self.is_empty() {
            std::mem::swap(self, other);
            return;
        }
        if let (Some((last, count)), Some((first, more))) = (self.sources.back_mut(), other.sources.front())
            && same(last.as_ref(), first.as_ref())
        {
            *count += more;
            other.sources.pop_front();
        }
        self.events.append(&mut other.events);
        self.sources.append(&mut other.sources);
    }

    /// Each at least once.
    pub fn sources(&self) -> impl Iterator<Item = &Connection> {
        self.sources.iter().filter_map(|(source, _)| source.as_deref())
    }

    pub fn push_front(&mut self, event: Event, source: Option<&Arc<Connection>>) {
        self.events.push_front(event);
        match self.sources.front_mut() {
            Some((first, count)) if same(first.as_ref(), source) => *count += 1,
            Some(_) | None => self.sources.push_front((source.cloned(), 1)),
        }
    }

    /// The first one, after `leave` has seen it go; `None` also when all are held.
    pub fn pop_front(&mut self, leave: impl FnOnce(&Event, Option<&Arc<Connection>>)) -> Option<Event> {
        if !self.has_free() {
            return None;
        }
        let event = self.events.pop_front()?;
        if let Some((source, count)) = self.sources.front_mut() {
            *count -= 1;
            leave(&event, source.as_ref());
            if *count == 0 {
                self.sources.pop_front();
            }
        }
        Some(event)
    }

    /// Shows all of them, in order.
    pub fn each(&self, mut look: impl FnMut(&Event, Option<&Arc<Connection>>)) {
        let mut events = self.events.iter();
        for (source, count) in &self.sources {
            events.by_ref().take(*count).for_each(|event| look(event, source.as_ref()));
        }
    }

    /// The last one, and where it came from.
    pub fn pop_back(&mut self) -> Option<(Event, Option<Arc<Connection>>)> {
        let event = self.events.pop_back()?;
        let (source, count) = self.sources.back_mut()?;
        let source = source.clone();
        *count -= 1;
        if *count == 0 {
            self.sources.pop_back();
        }
        Some((event, source))
    }

    /// Gives all of them away, in order.
    pub fn drain(&mut self, mut take: impl FnMut(Event, Option<&Arc<Connection>>)) {
        for (source, count) in self.sources.drain(..) {
            self.events.drain(..count).for_each(|event| take(event, source.as_ref()));
        }
    }

    /// Drops the first one of that kind.
    pub fn remove_first(&mut self, is_it: impl Fn(&Body) -> bool) {
        if let Some(at) = self.events.iter().position(|event| is_it(&event.body)) {
            self.remove(at);
        }
    }

    /// Drops the last one of that kind that came from `source`; whether there was one.
    pub fn remove_last_of(&mut self, source: &Arc<Connection>, is_it: impl Fn(&Body) -> bool) -> bool {
        let mut end = self.events.len();
        for (other, count) in self.sources.iter().rev() {
            let begin = end - count;
            if same(other.as_ref(), Some(source))
                && let Some(at) = (begin..end).rev().find(|at| is_it(&self.events[*at].body))
            {
                self.remove(at);
                return true;
            }
            end = begin;
        }
        false
    }

    /// Whether there are any that are not held.
    pub fn has_free(&self) -> bool {
        self.events.len() > self.held
    }

    pub fn held_messages(&self) -> usize {
        self.held_messages
    }

    /// The messages that are held.
    pub fn held(&self) -> impl Iterator<Item = &Message> {
        self.events.range(self.events.len() - self.held..).filter_map(Event::message)
    }

    /// The last ones are held from now on, so many messages among them; others only behind a message that is held.
    pub fn hold_last(&mut self, events: usize, messages: usize) {
        if self.held > 0 || messages > 0 {
            self.held += events;
            self.held_messages += messages;
        }
    }

    /// The first message that is held is not held any more, and what is between it and the next.
    pub fn free_message(&mut self) {
        self.held_messages = self.held_messages.saturating_sub(1);
        self.held = self.held.saturating_sub(1);
        self.free_others();
    }

    fn free_others(&mut self) {
        let between = self.events.range(self.events.len() - self.held..);
        self.held -= between.take_while(|event| event.message().is_none()).count();
    }

    /// None is held any more.
    pub fn free_all(&mut self) {
        (self.held, self.held_messages) = (0, 0);
    }

    /// Takes the first message that is held out of its place.
    pub fn take_held(&mut self) -> Option<(Event, Option<Arc<Connection>>)> {
        if self.held == 0 {
            return None;
        }
        let taken = self.remove(self.events.len() - self.held);
        self.free_others();
        taken
    }

    fn remove(&mut self, at: usize) -> Option<(Event, Option<Arc<Connection>>)> {
        let is_held = at >= self.events.len() - self.held;
        let event = self.events.remove(at)?;
        if is_held {
            self.held -= 1;
            self.held_messages -= usize::from(event.message().is_some());
        }
        let mut source = None;
        let mut end = 0;
        let holds = |(_, count): &(_, usize)| {
            end += count;
            at < end
        };
        if let Some(group) = self.sources.iter().position(holds)
            && let Some((of, count)) = self.sources.get_mut(group)
        {
            source.clone_from(of);
            *count -= 1;
            if *count == 0 {
                self.sources.remove(group);
            }
        }
        Some((event, source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::connection::IoHandle;
    use crate::engine::shared::OpenInfo;

    type Plain = (u64, bool, Option<u64>);

    fn open() -> Body {
        Body::Open(OpenInfo::new(String::new))
    }

    fn plain(event: &Event, source: Option<&Arc<Connection>>) -> Plain {
        (event.connection, matches!(event.body, Body::Open(_)), source.map(|connection| connection.serial))
    }

    /// Whatever comes and goes at both ends and in the middle: each keeps its place and its source, and a source that
    /// has nothing left is let go.
    #[test]
    fn each_keeps_its_place_and_its_source() {
        let io = IoHandle::without_thread();
        let connections: Vec<_> = (0..3).map(|_| Connection::new(io.clone())).collect();
        let (mut entries, mut model) = (Entries::default(), VecDeque::<Plain>::new());
        let mut seed = 1_u32;
        let mut below = |bound: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) % bound
        };
        for number in 0..50_000 {
            let source = connections.get(below(4) as usize);
            match below(20) {
                0..5 => {
                    let mut seen = None;
                    let event = entries.pop_front(|event, source| seen = Some(plain(event, source)));
                    assert_eq!(seen, model.pop_front());
                    assert_eq!(event.map(|event| event.connection), seen.map(|seen| seen.0));
                }
                5 | 6 => {
                    let last = entries.pop_back();
                    assert_eq!(last.map(|(event, source)| plain(&event, source.as_ref())), model.pop_back());
                }
                7 => {
                    entries.remove_first(|body| matches!(body, Body::Open(_)));
                    if let Some(at) = model.iter().position(|(_, open, _)| *open) {
                        model.remove(at);
                    }
                }
                8 | 9 => {
                    let of = &connections[below(3) as usize];
                    let found = entries.remove_last_of(of, |body| matches!(body, Body::Open(_)));
                    let at = model.iter().rposition(|(_, open, source)| *open && *source == Some(of.serial));
                    assert_eq!(found, at.is_some());
                    at.map(|at| model.remove(at));
                }
                11 if below(5) == 0 => {
                    let mut more = Entries::default();
                    for number in 0..below(5).into() {
                        let event = Event { connection: number, body: open() };
                        let source = connections.get(below(4) as usize);
                        model.push_back(plain(&event, source));
                        more.push_back(event, source);
                    }
                    entries.append(&mut more);
                    assert!(more.is_empty());
                }
                10 if below(50) == 0 => {
                    entries.drain(|event, source| assert_eq!(Some(plain(&event, source)), model.pop_front()));
                    assert!(entries.is_empty() && model.is_empty());
                    let owners = connections.iter().map(Arc::strong_count);
                    assert_eq!(owners.collect::<Vec<_>>(), [1; 3]);
                }
                kind => {
                    let body = if below(2) == 0 { open() } else { Body::Expired(String::new()) };
                    let event = Event { connection: number, body };
                    if kind < 12 {
                        model.push_front(plain(&event, source));
                        entries.push_front(event, source);
                    } else {
                        model.push_back(plain(&event, source));
                        entries.push_back(event, source);
                    }
                }
            }
            assert_eq!(entries.len(), model.len());
        }
    }
}
