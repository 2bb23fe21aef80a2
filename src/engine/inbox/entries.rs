//! Events in order, and the connections they come from.

use crate::engine::connection::Connection;
use crate::engine::shared::{Body, Event};
use crate::ws::Message;
use std::collections::{LinkedList, VecDeque};
use std::sync::Arc;

/// See the module's page. Events of one connection that follow each other share one part in owning it: a message costs
/// no atomic count. The last ones may be held: they have their places, but are not to be taken yet.
///
/// What finds no memory for its place is set aside, in small pieces of memory of their own, and gets its place when the
/// ones before it have been taken ([`Entries::take_refilled`]): no event is lost, and none passes another.
#[derive(Default)]
pub struct Entries {
    events: VecDeque<Event>,
    /// Of how many events each; none has 0.
    sources: VecDeque<(Option<Arc<Connection>>, usize)>,
    aside: LinkedList<(Event, Option<Arc<Connection>>)>,
    /// How many have got their places later, and messages among them, since this was last asked for.
    refilled: (usize, usize),
    /// How many are held, and how many messages are among them: the first always is one.
    held: usize,
    held_messages: usize,
}

fn same(left: Option<&Arc<Connection>>, right: Option<&Arc<Connection>>) -> bool {
    left.map(Arc::as_ptr) == right.map(Arc::as_ptr)
}

impl Entries {
    pub fn len(&self) -> usize {
        self.events.len() + self.aside.len()
    }

    pub fn is_empty(&self) -> bool {
        // Nothing is aside while there is a place.
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

    /// Whether one more has a place. The first always has: what it takes is small.
    #[inline]
    fn has_place(&mut self) -> bool {
        let ready = self.events.len() < self.events.capacity() && self.sources.len() < self.sources.capacity();
        ready || self.try_reserve(1) || self.events.is_empty()
    }

    /// Whether it has got its place; what is set aside gets it later.
    pub fn push_back(&mut self, event: Event, source: Option<&Arc<Connection>>) -> bool {
        let placed = self.aside.is_empty() && self.has_place();
        match placed {
            true => self.place(event, source),
            false => self.aside.push_back((event, source.cloned())),
        }
        placed
    }

    fn place(&mut self, event: Event, source: Option<&Arc<Connection>>) {
        self.events.push_back(event);
        match self.sources.back_mut() {
            Some((last, count)) if same(last.as_ref(), source) => *count += 1,
            Some(_) | None => self.sources.push_back((source.cloned(), 1)),
        }
    }

    /// Moves all of `other` behind these; how many have got their places.
    pub fn append(&mut self, other: &mut Self) -> usize {
        if self.is_empty() {
            std::mem::swap(self, other);
            return self.events.len();
        }
        let mut placed = 0;
        if self.aside.is_empty() && self.try_reserve(other.events.len()) {
            if let (Some((last, count)), Some((first, more))) = (self.sources.back_mut(), other.sources.front())
                && same(last.as_ref(), first.as_ref())
            {
                *count += more;
                other.sources.pop_front();
            }
            placed = other.events.len();
            self.events.append(&mut other.events);
            self.sources.append(&mut other.sources);
        }
        let Self { events, sources, aside, .. } = other;
        for (source, count) in sources.drain(..) {
            self.aside.extend(events.drain(..count).map(|event| (event, source.clone())));
        }
        self.aside.append(aside);
        placed
    }

    /// Gives what is aside the places that there are now. Called whenever one has left.
    #[inline]
    fn refill(&mut self) {
        while !self.aside.is_empty() && self.has_place() {
            let Some((event, source)) = self.aside.pop_front() else { break };
            self.refilled.0 += 1;
            self.refilled.1 += usize::from(event.message().is_some());
            self.place(event, source.as_ref());
        }
    }

    /// How many that had been set aside have got their places since the last call, and messages among them.
    #[inline]
    pub fn take_refilled(&mut self) -> (usize, usize) {
        std::mem::take(&mut self.refilled)
    }

    /// Each at least once.
    pub fn sources(&self) -> impl Iterator<Item = &Connection> {
        let aside = self.aside.iter().filter_map(|(_, source)| source.as_deref());
        self.sources.iter().filter_map(|(source, _)| source.as_deref()).chain(aside)
    }

    /// Before all others, for one that was taken from there. Without memory the last one leaves it its place.
    pub fn push_front(&mut self, event: Event, source: Option<&Arc<Connection>>) {
        if !self.has_place()
            && let Some(last) = self.pop_placed()
        {
            self.aside.push_front(last);
        }
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
        self.refill();
        Some(event)
    }

    /// Shows all of them, in order.
    pub fn each(&self, mut look: impl FnMut(&Event, Option<&Arc<Connection>>)) {
        let mut events = self.events.iter();
        for (source, count) in &self.sources {
            events.by_ref().take(*count).for_each(|event| look(event, source.as_ref()));
        }
        self.aside.iter().for_each(|(event, source)| look(event, source.as_ref()));
    }

    /// The last one, and where it came from.
    pub fn pop_back(&mut self) -> Option<(Event, Option<Arc<Connection>>)> {
        self.aside.pop_back().or_else(|| self.pop_placed())
    }

    fn pop_placed(&mut self) -> Option<(Event, Option<Arc<Connection>>)> {
        let event = self.events.pop_back()?;
        if self.held > 0 {
            self.held -= 1;
            self.held_messages -= usize::from(event.message().is_some());
        }
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
        std::mem::take(&mut self.aside).into_iter().for_each(|(event, source)| take(event, source.as_ref()));
    }

    /// Drops the first one of that kind.
    pub fn remove_first(&mut self, is_it: impl Fn(&Body) -> bool) {
        if let Some(at) = self.events.iter().position(|event| is_it(&event.body)) {
            self.remove(at);
        } else if let Some(at) = self.aside.iter().position(|(event, _)| is_it(&event.body)) {
            self.remove_aside(at);
        }
    }

    fn remove_aside(&mut self, at: usize) {
        let mut behind = self.aside.split_off(at);
        behind.pop_front();
        self.aside.append(&mut behind);
    }

    /// Drops the last one of that kind that came from `source`; whether there was one.
    pub fn remove_last_of(&mut self, source: &Arc<Connection>, is_it: impl Fn(&Body) -> bool) -> bool {
        let aside = |(event, other): &(Event, _)| same(Option::as_ref(other), Some(source)) && is_it(&event.body);
        let behind = self.aside.iter().rev().position(aside);
        if let Some(behind) = behind {
            self.remove_aside(self.aside.len() - 1 - behind);
            return true;
        }
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
        self.refill();
        Some((event, source))
    }
}

#[cfg(test)]
#[path = "entries_tests.rs"]
mod tests;
