//! What becomes of names, and of what was not sent, when connections come, go and follow each other.
//!
//! A name that goes from one connection to another takes the messages along. The new one sends nothing until the old
//! one has ended, because only then it is known what the kernel has not taken of it. Until then the old one is among
//! the `taken` of [`super::names::Names`]. Everything happens under the server's lock, so that it happens in one order
//! for all I/O threads; the lock of an outbox or of the event queue is taken inside it, never the other way round.

use super::names::{HandedOver, Labels, group_in, requested};
use super::{Phase, Shared, State};
use crate::engine::{
    Body, CloseInfo, Command, Connection, ConnectionEnd, OpenInfo, Owner, Reason, connection_json, lock, opening_json,
};
use crate::error::Error;
use crate::log;
use crate::options::Opt;
use serde_json::{Value, json};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// The close code for a connection whose session was taken over.
const TAKEN_OVER: u16 = 4001;

/// The close code for a connection whose send queue is full at a broadcast.
const TRY_AGAIN_LATER: u16 = 1013;

impl Shared {
    /// ConnectionInfo with name and groups.
    pub(super) fn describe(connection: &Connection, labels: &Labels, with_headers: bool) -> Value {
        Self::with_labels(connection_json(connection, "open", with_headers), labels)
    }

    fn with_labels(mut info: Value, labels: &Labels) -> Value {
        info["name"] = json!(labels.name.as_deref().unwrap_or_default());
        info["groups"] = labels.groups.iter().map(|group| json!(&**group)).collect();
        info
    }

    /// An incoming connection has opened: it gets its id, and the session of its name. The close of the previous
    /// connection comes before its open.
    pub(super) fn on_opened(&self, connection: &Arc<Connection>) {
        let mut state = lock(&self.state);
        let id = state.registry.opened(connection);
        connection.set_id(id);
        // A connection that the host accepted has had its name since, and the host may have changed it, or closed the
        // connection.
        let mut dispatch = !connection.was_pending() && self.claim_asked(&mut state, connection);
        if !connection.is_over() {
            let (labels, waiting) = (state.names.labels(connection.serial), connection.outbox.waiting());
            let open_info = if labels.is_empty() && waiting == (0, 0) {
                OpenInfo::of(connection.clone())
            } else {
                let incoming = connection.clone();
                OpenInfo::new(move || Self::with_labels(opening_json(&incoming, waiting), &labels).to_string())
            };
            dispatch |= self.inbox.add(Some(connection), Body::Open(open_info));
        }
        drop(state);
        if dispatch {
            self.inbox.dispatch();
        }
    }

    /// Gives an incoming connection the name that it asks for; whether a handler is to be run for the events.
    pub(super) fn claim_asked(&self, state: &mut State, connection: &Arc<Connection>) -> bool {
        let parameter = self.options.text(Opt::NameParameter);
        let request = connection.info().and_then(|info| info.request.as_ref());
        let name = request.and_then(|request| requested(request, &parameter).ok()).unwrap_or_default();
        !name.is_empty() && self.claim(state, connection, &name)
    }

    /// Gives a connection a name and the group in it, and takes both from the connection that had the name; whether a
    /// handler is to be run for the events.
    pub(super) fn claim(&self, state: &mut State, connection: &Arc<Connection>, name: &str) -> bool {
        let previous = state.names.claim(connection, name);
        if let Some(group) = group_in(name) {
            state.names.join(connection, group);
        }
        let Some(previous) = previous else { return false };
        let (old, serial) = (&previous.connection, previous.connection.serial);
        state.registry.remove(old.id());
        let mut dispatch = false;
        if !previous.was_away {
            log::info!(self.object.itself(), "connection {} takes over from {}", connection.id(), old.id());
            old.outbox.stop_taking(serial);
            old.cancel_pings();
            old.close(TAKEN_OVER, Reason::none(), true);
            let close_info = CloseInfo { code: TAKEN_OVER, reason: Reason::none(), clean: false };
            dispatch = self.queue_close(old, close_info);
        }
        dispatch | self.finish_handover(state, serial)
    }

    /// The last event of a connection; whether a handler is to be run for it.
    fn queue_close(&self, connection: &Arc<Connection>, close_info: CloseInfo) -> bool {
        connection.set_over();
        self.inbox.add(Some(connection), Body::Close(close_info))
    }

    /// Finishes the takeovers from connections that have ended.
    fn finish_handover(&self, state: &mut State, serial: u64) -> bool {
        let mut dispatch = false;
        for HandedOver { name, taken_over_by, lost } in state.names.finish_handover(serial) {
            if !taken_over_by.is_over() {
                taken_over_by.flush(false);
            }
            dispatch |= self.queue_expired(&name, lost);
        }
        dispatch
    }

    /// Whether the session of a connection that ends so goes on without it.
    pub(super) fn survives(&self, state: &State, connection: &Connection, close_info: &CloseInfo) -> bool {
        // A peer that closes normally has gone for good; a page that is left or loaded again sends 1001.
        let closed_normally = matches!(close_info.code, 1000 | 1005);
        state.phase == Phase::Running
            && !closed_normally
            && self.options.int(Opt::ResumeTimeout) > 0
            && state.registry.get(connection.id()).is_some()
            && state.names.name_of(connection.serial).is_some()
    }

    /// An open connection has ended: what becomes of its name, and of what was not sent.
    pub(super) fn on_ended(&self, connection: &Arc<Connection>, end: &ConnectionEnd) {
        let mut state = lock(&self.state);
        let told = connection.is_over();
        self.totals.add_end(connection, if told { TAKEN_OVER } else { end.close_info.code });
        let stays = self.survives(&state, connection, &end.close_info);
        state.registry.remove(connection.id());
        let dispatch = match stays {
            true => self.leave(&mut state, connection, &end.close_info),
            false => self.forget(&mut state, connection, &end.close_info),
        };
        drop(state);
        if dispatch {
            self.inbox.dispatch();
        }
    }

    /// A connection has ended, and its session goes on without it; whether a handler is to be run for it.
    pub(super) fn leave(&self, state: &mut State, connection: &Arc<Connection>, close_info: &CloseInfo) -> bool {
        connection.release_pings();
        let dispatch = self.queue_close(connection, close_info.clone());
        state.names.detach(connection.serial, self.until());
        let others = self.bound_absent(state);
        self.arm(state);
        dispatch | others
    }

    /// A connection has ended for good, or an incoming one will not open; whether a handler is to be run for it.
    pub(super) fn forget(&self, state: &mut State, connection: &Arc<Connection>, close_info: &CloseInfo) -> bool {
        if state.names.taken_ended(connection.serial) {
            connection.release_pings();
            return self.queue_end(connection, close_info) | self.finish_handover(state, connection.serial);
        }
        let name = state.names.forget(connection.serial);
        let (unsent, _) = connection.outbox.waiting();
        connection.release_waiters();
        self.queue_end(connection, close_info) | name.is_some_and(|name| self.queue_expired(&name, unsent))
    }

    fn queue_end(&self, connection: &Arc<Connection>, close_info: &CloseInfo) -> bool {
        !connection.is_over() && self.queue_close(connection, close_info.clone())
    }

    /// Until when a session that is left now waits.
    fn until(&self) -> Instant {
        Instant::now() + Duration::from_millis(self.options.int(Opt::ResumeTimeout).unsigned_abs())
    }

    /// Sessions cost memory also without a connection, so there are no more of them than there may be connections: the
    /// one that would end first makes room.
    fn bound_absent(&self, state: &mut State) -> bool {
        let most = self.options.size(Opt::MaxConnections);
        let mut dispatch = false;
        while state.names.absent_count() > most
            && let Some(ended) = state.names.end_first()
        {
            dispatch |= self.end_sessions(vec![ended]);
        }
        dispatch
    }

    /// Sets an alarm for the end of the next absent session.
    fn arm(&self, state: &mut State) {
        let (Some(at), Some(io)) = (state.names.next_due(), state.ios.first()) else { return };
        if state.alarm.is_none_or(|alarm| at < alarm) {
            state.alarm = Some(at);
            let owner: Weak<dyn Owner> = self.me.clone();
            io.post(Command::Alarm { at, owner });
        }
    }

    /// Ends the sessions whose time is up.
    pub(super) fn look_at_sessions(&self) {
        let mut state = lock(&self.state);
        state.alarm = None;
        let ended = state.names.expire(Instant::now());
        let dispatch = self.end_sessions(ended);
        self.arm(&mut state);
        drop(state);
        if dispatch {
            self.inbox.dispatch();
        }
    }

    /// Tells of sessions that end; whether a handler is to be run for it.
    pub(super) fn end_sessions(&self, ended: Vec<(Arc<str>, Arc<Connection>)>) -> bool {
        let mut dispatch = false;
        for (name, connection) in ended {
            dispatch |= self.queue_expired(&name, connection.outbox.drain().len());
        }
        dispatch
    }

    fn queue_expired(&self, name: &str, messages: usize) -> bool {
        let json = || json!({ "name": name, "messages": messages }).to_string();
        messages > 0 && self.inbox.add(None, Body::Expired(json()))
    }

    /// The send queue is full at a broadcast. A connection is closed; its session, if it has one, goes on with what was
    /// queued, like that of one that has broken. `error` is what the peer and the host are told.
    pub(super) fn overflown(&self, connection: &Arc<Connection>, error: Error) {
        let mut state = lock(&self.state);
        if state.registry.remove(connection.id()).is_none() {
            return;
        }
        let name = state.names.name_of(connection.serial).cloned();
        if let Some(name) = name
            && self.options.int(Opt::ResumeTimeout) > 0
            && let Some(io) = state.ios.first().cloned()
        {
            // A connection without a peer, for what is sent to the name meanwhile.
            let stand_in = Connection::new(io.clone());
            stand_in.outbox.open();
            stand_in.set_over();
            state.names.claim(&stand_in, &name);
            state.names.detach(stand_in.serial, self.until());
            connection.outbox.stop_taking(connection.serial);
            if self.bound_absent(&mut state) {
                io.post(Command::Dispatch(self.inbox.clone()));
            }
            self.arm(&mut state);
        } else {
            state.names.unlink(connection.serial);
        }
        connection.close(TRY_AGAIN_LATER, Reason::Ours(error), false);
    }
}
