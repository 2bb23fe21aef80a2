//! What a handler is given and what it sends back, on the I/O thread: the straight way past the queues and its bends.

#[path = "../common/face.rs"]
mod face;
#[path = "../common/raw.rs"]
mod raw;

mod bounds;
mod ends;
mod order;

use face::*;
use std::ffi::c_void;
use websocket_addin::capi::*;

type Body = dyn Fn(*const wsaddin_message, Event) + Send + Sync;

extern "C" fn on_event(message: *const wsaddin_message, user_data: *mut c_void) {
    // SAFETY: the box that `Handled` keeps until the handler is taken away, and the message of this call.
    let (body, event) = unsafe {
        let data = std::slice::from_raw_parts(wsaddin_message_data(message), wsaddin_message_size(message));
        let event = Event {
            event: wsaddin_message_event(message),
            kind: wsaddin_message_kind(message),
            connection: wsaddin_message_connection(message),
            data: data.to_vec(),
        };
        (&*user_data.cast::<Box<Body>>(), event)
    };
    body(message, event);
}

/// A server with a closure as its handler.
struct Handled {
    server: Server,
    body: Box<Box<Body>>,
}

impl Handled {
    fn new(
        prepare: impl Fn(&Server),
        body: impl Fn(wsaddin_server, *const wsaddin_message, Event) + Send + Sync + 'static,
    ) -> Self {
        let server = Server::new();
        prepare(&server);
        let handle = wsaddin_server { id: server.0.id };
        let body: Box<Box<Body>> = Box::new(Box::new(move |message, event| body(handle, message, event)));
        let handled = Self { server, body };
        handled.set(Some(on_event));
        handled.server.run("127.0.0.1", 0).unwrap();
        handled
    }

    /// Sends every message back.
    fn echo(prepare: impl Fn(&Server)) -> Self {
        Self::new(prepare, |server, _, event| {
            if event.event == WSADDIN_EVENT_MESSAGE {
                assert_eq!(reply(server, &event), WSADDIN_OK);
            }
        })
    }

    fn set(&self, handler: wsaddin_handler) {
        let user_data = (&raw const *self.body).cast_mut().cast();
        // SAFETY: the box outlives the handler, which `drop` takes away.
        check(unsafe { wsaddin_server_set_handler(self.server.0, handler, user_data) }).unwrap();
    }
}

impl Drop for Handled {
    fn drop(&mut self) {
        self.set(None);
    }
}

fn reply(server: wsaddin_server, event: &Event) -> i32 {
    let (data, size) = (event.data.as_ptr().cast(), event.data.len());
    // SAFETY: a live slice.
    unsafe {
        match event.kind {
            WSADDIN_KIND_TEXT => wsaddin_server_send_text(server, event.connection, data, size),
            _ => wsaddin_server_send_binary(server, event.connection, data, size),
        }
    }
}

fn payload(number: usize, size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 7 + number * 31) as u8).collect()
}

/// Sizes around every form of the length, and some that no kernel takes at once.
const SIZES: [usize; 9] = [0, 1, 125, 126, 65_535, 65_536, 300_000, 1_048_576, 17];
