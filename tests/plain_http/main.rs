//! Plain HTTP on a server's port, on the wire.

#[path = "../common/face.rs"]
mod face;
#[path = "../common/raw.rs"]
mod raw;

mod control;
mod health;
mod pages;
mod places;
mod web;
