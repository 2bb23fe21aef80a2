//! Unix sockets, by which programs of one machine talk to each other.

#[cfg(unix)]
mod listening;
mod path;

#[cfg(unix)]
pub(super) use listening::{UnixSocket, connect};
pub use path::UnixPath;
