//! The client object.

use crate::engine::{Event, Handler, Outcome, Wait, Watchable};
use crate::error::{Language, Result};
use crate::options::Options;
use crate::ws::Message;
use std::sync::Arc;

/// A client: at most one connection at a time. Every method may be called from any thread at any time.
pub struct Client {}

impl Client {
    /// Makes a client and starts the I/O threads if it is the first object.
    pub fn new() -> Result<Arc<Self>> {
        todo!()
    }

    pub fn options(&self) -> &Options {
        todo!()
    }

    /// Connects and shakes hands; blocks until decided, at most `ConnectTimeout`.
    pub fn connect(&self, _url: &str) -> Result<()> {
        todo!()
    }

    /// The same without waiting.
    pub fn begin_connect(&self, _url: &str) -> Result<()> {
        todo!()
    }

    /// Sends what is queued and closes; true when everything was written and the close was clean.
    pub fn disconnect(&self, _code: u16, _reason: &str) -> Result<bool> {
        todo!()
    }

    pub fn send(&self, _message: Message) -> Result<()> {
        todo!()
    }

    /// The next message, discarding other events before it.
    pub fn receive(&self, _wait: Wait) -> Result<Outcome<Message>> {
        todo!()
    }

    pub fn receive_event(&self, _wait: Wait) -> Result<Outcome<Event>> {
        todo!()
    }

    /// Round trip in milliseconds.
    pub fn ping(&self, _wait: Wait) -> Result<i64> {
        todo!()
    }

    /// Sends a JSON object and returns the message that answers it. An empty `reply_field` is `id_field`.
    pub fn request(&self, _text: &str, _wait: Wait, _id_field: &str, _reply_field: &str) -> Result<Message> {
        todo!()
    }

    pub fn set_header(&self, _name: &str, _value: &str) -> Result<()> {
        todo!()
    }

    pub fn status(&self) -> i32 {
        todo!()
    }

    pub fn ready_state(&self) -> i32 {
        todo!()
    }

    pub fn server(&self) -> String {
        todo!()
    }

    pub fn buffered_amount(&self) -> u64 {
        todo!()
    }

    pub fn queued(&self) -> u64 {
        todo!()
    }

    pub fn protocol(&self) -> String {
        todo!()
    }

    pub fn extensions(&self) -> String {
        todo!()
    }

    pub fn close_code(&self) -> u16 {
        todo!()
    }

    pub fn close_reason(&self, _language: Language) -> String {
        todo!()
    }

    /// JSON.
    pub fn statistics(&self) -> String {
        todo!()
    }

    /// Events go to `handler` on the I/O thread instead of the queue; `None` takes it away and waits until it is over.
    pub fn set_handler(&self, _handler: Option<Handler>) -> Result<()> {
        todo!()
    }

    /// What `wait_any` waits for.
    pub fn watchable(&self) -> Watchable {
        todo!()
    }

    /// Ends the object: wakes every call, waits until all host threads have left, closes with 1001 within
    /// `CloseTimeout`. When it returns nothing of ours works for it. Every later call fails with CANCELLED.
    pub fn shut_down(&self) -> Result<()> {
        todo!()
    }
}
