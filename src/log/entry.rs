//! What stands in a line of the log: when, how much it matters, about whom, and text from outside that looks like no line
//! of ours.

use crate::error::{Arg, Error, Id, OneLine, Result};
use std::fmt::{self, Display, Write};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::SystemTime;
use time::OffsetDateTime;

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// What failed.
    Error = 1,
    /// And the life of each connection in a few lines.
    Info,
    /// And every step, pings, pauses.
    Debug,
    /// And the head of each frame, the beginning of each text, the handshakes less their secrets.
    Frames,
}

impl Level {
    const ALL: [Level; 4] = [Level::Error, Level::Info, Level::Debug, Level::Frames];

    pub fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Frames => "frames",
        }
    }

    /// The level of this name, in any case.
    ///
    /// # Errors
    /// `BadValue`, naming `what` was set.
    pub fn parse(what: Arg, name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|level| level.name().eq_ignore_ascii_case(name.trim()));
        found.ok_or_else(|| {
            Error::new(Id::BadValue, [what, printable(name, 40).into(), "error, info, debug, frames".into()])
        })
    }
}

/// Characters of a payload that are shown.
const EXCERPT: usize = 100;

/// Whose line it is: an object, numbered in the process, and one of its connections.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    pub object: Object,
    /// The number of the connection in the process; 0 is none.
    pub connection: u64,
    /// What the host calls it: a server's ClientID, 0 before it is open.
    pub id: u64,
}

/// An object as the log calls it.
#[derive(Clone, Copy, Debug)]
pub enum Object {
    Client(u64),
    Server(u64),
    /// None in particular.
    Library,
}

impl Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.object {
            Object::Client(number) => write!(f, "client {number}")?,
            Object::Server(number) => write!(f, "server {number}")?,
            Object::Library => f.write_str("library")?,
        }
        if self.connection > 0 {
            write!(f, " #{}", self.connection)?;
        }
        if self.id > 0 {
            write!(f, " id {}", self.id)?;
        }
        Ok(())
    }
}

impl Object {
    /// A new client, numbered from 1.
    pub fn client() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Object::Client(NEXT.fetch_add(1, Relaxed))
    }

    /// A new server, numbered from 1.
    pub fn server() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Object::Server(NEXT.fetch_add(1, Relaxed))
    }

    /// The object itself, not one of its connections.
    pub fn itself(self) -> Subject {
        Subject { object: self, connection: 0, id: 0 }
    }
}

pub(super) fn compose(level: Level, subject: Subject, text: fmt::Arguments<'_>) -> String {
    let mut line = String::with_capacity(128);
    // Writing to a String cannot fail.
    let _ = write!(line, "{} {:<6} {subject} ", iso(SystemTime::now()), level.name());
    let _ = write!(OneLine(&mut line), "{text}");
    line.push('\n');
    line
}

/// A time as ISO 8601 UTC with milliseconds.
pub fn iso(at: SystemTime) -> String {
    let at = OffsetDateTime::from(at);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.millisecond()
    )
}

/// The beginning of a payload that is text, or of one that was cut: ` "…"`, empty for an empty one.
pub fn excerpt(payload: &[u8]) -> String {
    if payload.is_empty() {
        return String::new();
    }
    let beginning = payload.get(..4 * EXCERPT).unwrap_or(payload);
    let text = String::from_utf8_lossy(beginning);
    format!(" \"{}\"", printable(&text, EXCERPT))
}

/// The beginning of a text.
pub fn printable(text: &str, most: usize) -> String {
    let mut out: String = text.chars().take(most).collect();
    if text.chars().nth(most).is_some() {
        out.push('…');
    }
    out
}
