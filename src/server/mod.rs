//! The server object.

use crate::engine::{Event, Handler, Outcome, Wait, Watchable};
use crate::error::Result;
use crate::options::Options;
use crate::ws::Message;
use std::sync::Arc;

/// A server: one listener and its connections. Every method may be called from any thread at any time.
pub struct Server {}

impl Server {
    /// Makes a server and starts the I/O threads if it is the first object.
    pub fn new() -> Result<Arc<Self>> {
        todo!()
    }

    pub fn options(&self) -> &Options {
        todo!()
    }

    /// Listens and accepts in the background; port 0 picks a free one.
    pub fn run(&self, _interface: &str, _port: i64) -> Result<()> {
        todo!()
    }

    /// Closes every connection with 1001 within `CloseTimeout` and frees the port.
    pub fn stop(&self) -> Result<()> {
        todo!()
    }

    /// True: queued; false: that connection has ended. An id never issued is an error.
    pub fn send(&self, _connection: u64, _message: Message) -> Result<bool> {
        todo!()
    }

    /// To all connections; how many it was queued for.
    pub fn broadcast(&self, _message: Message) -> Result<u64> {
        todo!()
    }

    pub fn receive(&self, _wait: Wait) -> Result<Outcome<(u64, Message)>> {
        todo!()
    }

    pub fn receive_event(&self, _wait: Wait) -> Result<Outcome<Event>> {
        todo!()
    }

    /// Starts the close and returns at once; false: no such connection.
    pub fn disconnect(&self, _connection: u64, _code: u16, _reason: &str) -> Result<bool> {
        todo!()
    }

    /// JSON; `None` when the connection has ended.
    pub fn connection_info(&self, _connection: u64) -> Result<Option<String>> {
        todo!()
    }

    /// JSON array.
    pub fn connection_list(&self) -> Result<String> {
        todo!()
    }

    /// Round trip in milliseconds.
    pub fn ping(&self, _connection: u64, _wait: Wait) -> Result<i64> {
        todo!()
    }

    pub fn server(&self) -> String {
        todo!()
    }

    pub fn port(&self) -> u16 {
        todo!()
    }

    /// `1: 127.0.0.1:50412 | 2: 127.0.0.1:50413`
    pub fn connections(&self) -> String {
        todo!()
    }

    pub fn connection_count(&self) -> u64 {
        todo!()
    }

    pub fn queued(&self) -> u64 {
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

    /// Ends the object: wakes every call, waits until all host threads have left, stops. When it returns nothing of
    /// ours works for it. Every later call fails with CANCELLED.
    pub fn shut_down(&self) -> Result<()> {
        todo!()
    }
}
