//! Handlers on the I/O thread, and waiting for any of several objects.

use super::args;
use super::guard::{guard, guard_of};
use super::handle::{CLIENTS, SERVERS, wsaddin_client, wsaddin_server};
use super::message::wsaddin_message;
use super::result::{Done, wsaddin_result};
use crate::engine::{Event, Handler, HandlerFunction, Outcome, Wait, wait_any};
use crate::ws::MessageKind;
use std::cell::Cell;
use std::ffi::c_void;

/// Takes an object's events, one after the other, on a thread of the library. The message is borrowed until the
/// function returns; wsaddin_message_keep makes one that stays. Be quick: every connection of that thread waits. No C++
/// exception may leave it. Sending is fine inside and never waits (WSADDIN_QUEUE_FULL instead); disconnect only starts
/// the close, and release ends any object. What would wait for this very thread gives WSADDIN_WOULD_DEADLOCK: new, free,
/// run, run_tls, stop, connect, ping, request, receive, receive_event, their batches, wsaddin_wait_any.
pub type wsaddin_handler = Option<unsafe extern "C" fn(message: *const wsaddin_message, user_data: *mut c_void)>;

/// Ends what a handler's user_data leads to. It may call functions of the library, as a handler may.
pub type wsaddin_destroy = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// The host's function and its pointer, which we only hand back.
struct Function {
    destroy: wsaddin_destroy,
    on_event: unsafe extern "C" fn(message: *const wsaddin_message, user_data: *mut c_void),
    user_data: *mut c_void,
}

// SAFETY: the library never looks behind the pointer; that the host's function may use it on our thread is what the
// host says by giving it to us.
unsafe impl Send for Function {}
// SAFETY: as above, and events of one object never overlap.
unsafe impl Sync for Function {}

impl Drop for Function {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: the host's function for this very pointer, and nobody uses that any more.
            unsafe { destroy(self.user_data) };
        }
    }
}

impl Function {
    fn call(&self, message: &wsaddin_message) {
        // SAFETY: the host's function of this very signature, callable until the handler is taken away.
        unsafe { (self.on_event)(message, self.user_data) };
    }
}

impl HandlerFunction for Function {
    fn event(&self, event: Event) {
        self.call(&wsaddin_message::lent_event(event));
    }

    fn message(&self, connection: u64, kind: MessageKind, data: &[u8]) {
        self.call(&wsaddin_message::lent(connection, kind, data));
    }
}

fn handler(
    object: u64,
    on_event: wsaddin_handler,
    user_data: *mut c_void,
    destroy: wsaddin_destroy,
) -> Option<Handler> {
    let on_event = on_event?;
    Some(Handler { object, function: Box::new(Function { destroy, on_event, user_data }) })
}

/// From now on the client's events go to `on_event` instead of the queue, what is queued already first. While a handler
/// is set, receive and receive_event return WSADDIN_HANDLER_SET. NULL takes the handler away, and when that call has
/// returned it runs no more; taken away from inside itself, that run is its last.
///
/// @param on_event   the function, or NULL
/// @param user_data  handed to it each time; the library does not look at it
/// @retval WSADDIN_WOULD_DEADLOCK  called inside another object's handler while this one runs on another thread
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_set_handler(
    client: wsaddin_client,
    on_event: wsaddin_handler,
    user_data: *mut c_void,
) -> wsaddin_result {
    guard_of(client.id, || CLIENTS.get(client.id)?.set_handler(handler(client.id, on_event, user_data, None)))
}

/// From now on the server's events go to `on_event` instead of the queue, what is queued already first. While a handler
/// is set, receive and receive_event return WSADDIN_HANDLER_SET. NULL takes the handler away, and when that call has
/// returned it runs no more; taken away from inside itself, that run is its last. Events of one server never overlap,
/// those of its connections included.
///
/// @param on_event   the function, or NULL
/// @param user_data  handed to it each time; the library does not look at it
/// @retval WSADDIN_WOULD_DEADLOCK  called inside another object's handler while this one runs on another thread
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_set_handler(
    server: wsaddin_server,
    on_event: wsaddin_handler,
    user_data: *mut c_void,
) -> wsaddin_result {
    guard_of(server.id, || SERVERS.get(server.id)?.set_handler(handler(server.id, on_event, user_data, None)))
}

/// The same, and `user_data` belongs to the library: `destroy` is called with it once, when no run of this handler is
/// under way and none will come, on whichever thread comes to that last. So a handler may release its own client, or be
/// replaced while it runs elsewhere, and what it uses stays until it has ended. `destroy` is called when this fails, too.
///
/// @param on_event   the function; NULL: none, and `user_data` and `destroy` are not looked at
/// @param user_data  handed to both functions
/// @param destroy    NULL: nothing is to be done
/// @retval WSADDIN_WOULD_DEADLOCK  called inside another object's handler while this one runs on another thread
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_client_set_owned_handler(
    client: wsaddin_client,
    on_event: wsaddin_handler,
    user_data: *mut c_void,
    destroy: wsaddin_destroy,
) -> wsaddin_result {
    guard_of(client.id, || {
        let handler = handler(client.id, on_event, user_data, destroy);
        CLIENTS.get(client.id)?.set_handler(handler)
    })
}

/// As wsaddin_client_set_owned_handler, for a server.
///
/// @param on_event   the function; NULL: none, and `user_data` and `destroy` are not looked at
/// @param user_data  handed to both functions
/// @param destroy    NULL: nothing is to be done
/// @retval WSADDIN_WOULD_DEADLOCK  called inside another object's handler while this one runs on another thread
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_server_set_owned_handler(
    server: wsaddin_server,
    on_event: wsaddin_handler,
    user_data: *mut c_void,
    destroy: wsaddin_destroy,
) -> wsaddin_result {
    guard_of(server.id, || {
        let handler = handler(server.id, on_event, user_data, destroy);
        SERVERS.get(server.id)?.set_handler(handler)
    })
}

thread_local! {
    /// Where this thread's next search begins, so that a busy object does not starve those behind it.
    static NEXT: Cell<usize> = const { Cell::new(0) };
}

/// Blocks until receive_event would return at once for one of the objects, clients and servers mixed: something is
/// queued, it has ended (or not begun), it was stopped or freed, or it is no object at all. Level-triggered: it tells
/// the same again until the event has been taken. The search starts after the index that this thread was given last.
///
/// @param ids         the id fields of the handles
/// @param count       how many, at least 1
/// @param timeout_ms  milliseconds; WSADDIN_WAIT_FOREVER, WSADDIN_NO_WAIT
/// @param index       which of them
/// @retval WSADDIN_TIMEOUT  none within that time
/// @retval WSADDIN_WOULD_DEADLOCK  called inside a handler; nothing happened
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn wsaddin_wait_any(
    ids: *const u64,
    count: usize,
    timeout_ms: i64,
    index: *mut usize,
) -> wsaddin_result {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { args::out("index", index, 0) }?;
        // SAFETY: the caller's promise.
        let ids = unsafe { args::array("ids", ids, count) }?;
        let watchable = |id: &u64| {
            let client = CLIENTS.find(*id).map(|client| client.watchable());
            client.or_else(|| SERVERS.find(*id).map(|server| server.watchable()))
        };
        let objects: Vec<_> = ids.iter().map(watchable).collect();
        let start = NEXT.get() % objects.len();
        Ok(match wait_any(&objects, start, Wait::from_ms(timeout_ms))? {
            Outcome::Got(index) => {
                NEXT.set(index + 1);
                out.set(index);
                Done::Ok
            }
            Outcome::Timeout => Done::Timeout,
            Outcome::Closed => Done::Closed,
        })
    })
}
