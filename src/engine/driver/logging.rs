//! The lines of the log on a connection's life.

use super::state::{Driver, Phase};
use crate::engine::shared::CloseInfo;
use crate::error::{Error, Id, Language};
use crate::log::{self, Level, Subject};
use crate::net::{CompactInstant, Stream};
use crate::ws::{FrameKind, OutFrame, Refusal, show_head};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The head of a request or an answer, a line for each of its own, without secrets.
pub(super) fn log_head(subject: Subject, way: &str, head: &[u8]) {
    if log::is_on(log::Level::Frames) {
        show_head(head).iter().for_each(|line| log::frames!(subject, "{way} | {line}"));
    }
}

impl Driver {
    /// TLS is established, or not used. Returns the phase of before.
    pub(super) fn tls_done(&mut self) -> Phase {
        if self.stream.as_ref().is_some_and(Stream::is_tls) {
            log::debug!(self.subject(), "TLS handshake done");
        }
        std::mem::replace(&mut self.phase, Phase::AwaitingRequest(Box::default()))
    }

    /// The other end: the address of the peer, or what a client dials.
    fn peer_name(&self) -> String {
        let known = self.connection.info().and_then(|info| info.address);
        match known.or_else(|| self.stream.as_ref().and_then(Stream::peer_addr)) {
            Some(address) if !self.is_client() => address.to_string(),
            Some(_) | None => self.authority().to_owned(),
        }
    }

    pub(super) fn subject(&self) -> Subject {
        Subject { object: self.owner.object(), connection: self.connection.serial, id: self.connection.id() }
    }

    pub(super) fn log_start(&self) {
        if let Phase::Resolving(plan) = &self.phase {
            log::info!(self.subject(), "connecting to {}", plan.target.shown);
        }
    }

    pub(super) fn log_wait(&self, now: CompactInstant) {
        let left = self.deadline.map_or(Duration::ZERO, |deadline| deadline.saturating_duration_since(now));
        log::info!(self.subject(), "{} is tried again in {} ms", self.authority(), left.as_millis());
    }

    pub(super) fn log_open(&mut self) {
        if !log::is_on(log::Level::Info) {
            return;
        }
        let Some(info) = self.connection.info() else { return };
        let secure = if info.secure() { ", TLS" } else { "" };
        let agreed = |what: &str, value: &str| match value {
            "" => String::new(),
            value => format!(", {what} {value}"),
        };
        let protocol = agreed("subprotocol", info.protocol());
        let extensions = agreed("extensions", info.extensions());
        let path = info.request.as_ref().map(|request| format!(", path {}", request.path())).unwrap_or_default();
        let address = info.address.map(|address| address.to_string()).unwrap_or_default();
        log::info!(self.subject(), "open: {address}{secure}{path}{protocol}{extensions}");
    }

    pub(super) fn log_failure(&self, error: &Error) {
        match error.root() {
            Id::Cancelled => log::info!(self.subject(), "given up"),
            _ => log::error!(self.subject(), "not connected: {error}"),
        }
    }

    /// What load balancers and monitors ask for every second is logged at `debug` only.
    pub(super) fn log_refusal(&self, refusal: &Refusal) {
        let level = if refusal.plain { Level::Debug } else { Level::Info };
        let peer_name = self.peer_name();
        log::at!(level, self.subject(), "refused {peer_name}: HTTP {} {}", refusal.status, refusal.text);
    }

    /// An answer to a request of plain HTTP begins.
    pub(super) fn log_answer(&self, subject: &str, status: u16) {
        log::debug!(self.subject(), "{} from {}: HTTP {status}", subject, self.peer_name());
    }

    pub(super) fn log_broken_exchange(&self, subject: &str, why: &Error) {
        log::debug!(self.subject(), "{subject} from {} not finished: {why}", self.peer_name());
    }

    pub(super) fn log_idle_end(&self) {
        log::debug!(self.subject(), "{} asks for nothing more", self.peer_name());
    }

    pub(super) fn log_accepted(&self) {
        log::debug!(self.subject(), "accepted {}", self.peer_name());
    }

    /// An incoming connection whose handshake failed. If it has sent nothing at all, or has reset the connection in the
    /// midst of TLS, as checks of a port do, the line is at `debug`.
    pub(super) fn log_failed_handshake(&self, why: &Error) {
        let silent = match (why.root(), &self.phase) {
            (Id::TlsUnused | Id::TlsReset, _) => true,
            (Id::ClosedEarly | Id::ConnectionLost, Phase::AwaitingRequest(handshake)) => handshake.is_untouched(),
            _ => false,
        };
        let level = if silent { Level::Debug } else { Level::Info };
        log::at!(level, self.subject(), "handshake with {} not finished: {why}", self.peer_name());
    }

    /// A frame that is about to leave.
    pub(super) fn log_frame(&self, frame: &OutFrame) {
        if !log::is_on(log::Level::Frames) {
            return;
        }
        let payload = frame.payload();
        let beginning = match frame.kind() {
            FrameKind::Text => log::excerpt(frame.message()),
            FrameKind::Close => log::excerpt(payload.get(2..).unwrap_or_default()),
            FrameKind::Binary | FrameKind::Ping | FrameKind::Pong => String::new(),
        };
        let mask = if self.is_client() { " masked" } else { "" };
        let packed = if frame.is_compressed() { " compressed" } else { "" };
        log::frames!(self.subject(), "out {:?} final{mask}{packed} {} bytes{beginning}", frame.kind(), payload.len());
    }

    pub(super) fn log_end(&self, close_info: &CloseInfo, unwritten: usize) {
        if !log::is_on(log::Level::Info) {
            return;
        }
        let counters = &self.connection.counters;
        let by = self.closing.ended_by();
        let clean = if close_info.clean { "clean" } else { "not clean" };
        let reason = close_info.reason.text(Language::English);
        let reason = if reason.is_empty() { String::new() } else { format!(" \"{}\"", log::printable(&reason, 130)) };
        let left = if unwritten > 0 { format!(", {unwritten} messages unsent") } else { String::new() };
        log::info!(
            self.subject(),
            "{by}: {}{reason}, {clean}; in {} messages {} bytes, out {} messages {} bytes{left}",
            close_info.code,
            counters.messages_in.load(Relaxed),
            counters.bytes_in.load(Relaxed),
            counters.messages_out.load(Relaxed),
            counters.bytes_out.load(Relaxed),
        );
    }
}
