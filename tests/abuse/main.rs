//! Abuse of a server, each kind beside a good client whose echoes go on as if nothing happened.

#[path = "../common/deflate.rs"]
mod deflate;
#[path = "../common/face.rs"]
mod face;
#[path = "../common/flow/mod.rs"]
mod flow;
#[path = "../common/raw.rs"]
mod raw;

mod bombs;
mod bystander;
mod declared;
mod descriptors;
mod floods;
mod frames;
mod handshakes;
mod plain_http;
mod vanishing;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// These tests measure: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
