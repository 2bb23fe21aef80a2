//! A handler is told of every end, however soon the host goes on.

use super::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

#[derive(Default)]
struct Counts {
    opened: AtomicUsize,
    closed: AtomicUsize,
}

impl Counts {
    fn take(&self, event: &Event) {
        match event.event {
            WSADDIN_EVENT_OPEN => self.opened.fetch_add(1, SeqCst),
            WSADDIN_EVENT_CLOSE => self.closed.fetch_add(1, SeqCst),
            _ => 0,
        };
    }

    fn both(&self) -> (usize, usize) {
        (self.opened.load(SeqCst), self.closed.load(SeqCst))
    }
}

/// `disconnect` returns as soon as the end is known, which may be before the handler has been given it.
#[test]
fn connecting_again_at_once_drops_no_close() {
    const TIMES: usize = 300;
    let server = Server::running();
    let counts = Arc::new(Counts::default());
    let client = Client::new();
    let taken = counts.clone();
    let body: Box<Box<Body>> = Box::new(Box::new(move |_, event| taken.take(&event)));
    let user_data = (&raw const *body).cast_mut().cast();
    // SAFETY: the box outlives the handler, which is taken away below.
    check(unsafe { wsaddin_client_set_handler(client.0, Some(on_event), user_data) }).unwrap();
    for _ in 0..TIMES {
        client.connect(&server.url()).unwrap();
        client.disconnect(1000, "").unwrap();
    }
    until("every end has been told", || counts.both() == (TIMES, TIMES));
    // SAFETY: takes it away.
    check(unsafe { wsaddin_client_set_handler(client.0, None, std::ptr::null_mut()) }).unwrap();
    assert_eq!(counts.both(), (TIMES, TIMES));
}

/// The same for a server that runs again.
#[test]
fn running_again_at_once_drops_no_close() {
    const TIMES: usize = 30;
    let counts = Arc::new(Counts::default());
    let taken = counts.clone();
    let handled = Handled::new(|_| {}, move |_, _, event| taken.take(&event));
    for time in 1..=TIMES {
        let client = Client::new();
        client.connect(&handled.server.url()).unwrap();
        until("the server has it", || counts.opened.load(SeqCst) == time);
        handled.server.stop().unwrap();
        handled.server.run("127.0.0.1", 0).unwrap();
    }
    until("every end has been told", || counts.both() == (TIMES, TIMES));
}
