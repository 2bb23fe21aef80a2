//! The log file of the process, for whoever has to find out at night why it does not connect.
//!
//! Used as `log::info!(subject, "…")`. Off, a line costs one relaxed load and its arguments are not looked at. A leaf of
//! its own and not the `log` or `tracing` crate: their global state belongs to a program, while this library
//! comes and goes in one, next to others; nothing here needs filters, spans or sinks; and the writer's thread has to end
//! with the last object.

mod entry;
#[cfg(all(test, unix))]
mod hanging_tests;
mod sink;
mod writer;

use self::entry::compose;
pub use self::entry::{Level, Object, Subject, excerpt, iso, printable};
use self::writer::{ON, Writer};
use crate::error::Result;
use crate::library::Stake;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

static WRITER: Writer = Writer::new();

/// Whether lines of this level are written.
#[inline]
pub fn is_on(level: Level) -> bool {
    ON.load(Relaxed) >= level as u8
}

/// One line, when `level` is on; the arguments are not looked at otherwise.
macro_rules! line {
    ($level:ident, $subject:expr, $($text:tt)+) => {
        if $crate::log::is_on($crate::log::Level::$level) {
            $crate::log::write($crate::log::Level::$level, $subject, format_args!($($text)+));
        }
    };
}

/// The same with a level that is known when it runs.
macro_rules! at {
    ($level:expr, $subject:expr, $($text:tt)+) => {
        if $crate::log::is_on($level) {
            $crate::log::write($level, $subject, format_args!($($text)+));
        }
    };
}

macro_rules! error {
    ($subject:expr, $($text:tt)+) => { $crate::log::line!(Error, $subject, $($text)+) };
}

macro_rules! info {
    ($subject:expr, $($text:tt)+) => { $crate::log::line!(Info, $subject, $($text)+) };
}

macro_rules! debug {
    ($subject:expr, $($text:tt)+) => { $crate::log::line!(Debug, $subject, $($text)+) };
}

macro_rules! frames {
    ($subject:expr, $($text:tt)+) => { $crate::log::line!(Frames, $subject, $($text)+) };
}

pub(crate) use {at, debug, error, frames, info, line};

/// Writes a line; use the macros. Never waits for the disk: the line goes to the writer's buffer, and is counted as
/// dropped when that is full.
pub fn write(level: Level, subject: Subject, text: fmt::Arguments<'_>) {
    WRITER.add(&compose(level, subject, text));
}

/// Sets file and level for the whole process, and opens the file anew, also the one that was set; an empty path ends
/// the log. What was written before is in the old file
/// when this returns.
///
/// # Errors
/// `LogFile`: the file cannot be opened for writing; what was set before stays.
pub fn set(path: &str, level: Level) -> Result<()> {
    // Without objects nothing else says that locks may be taken.
    let _stake = Stake::take();
    WRITER.set(path, level)
}

/// The same, leaving the level as it is.
///
/// # Errors
/// As for [`set`].
pub fn set_file(path: &str) -> Result<()> {
    WRITER.set(path, WRITER.level())
}

pub fn set_level(level: Level) {
    WRITER.set_level(level);
}

/// The file set last; empty: none.
pub fn file() -> Arc<str> {
    WRITER.path()
}

/// The level set last, also while there is no file.
pub fn level() -> Level {
    WRITER.level()
}

/// The first object is there: lines go to the disk by a thread of their own from now on.
pub fn begin() {
    WRITER.begin();
}

/// The last object has gone, or the library goes: what is buffered is written and the thread has ended.
pub fn end() {
    WRITER.end();
}

/// As [`end`], when the library is unloaded, or the process ends, with objects alive.
pub fn abandon() {
    WRITER.abandon();
}
