//! Plain HTTP on a server's port, on the wire.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/daemon.rs"]
mod daemon;
#[path = "../common/face.rs"]
mod face;
#[path = "../common/raw.rs"]
mod raw;

mod clients;
mod control;
mod health;
mod pages;
mod places;
mod rates;
mod web;
