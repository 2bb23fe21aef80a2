//! Both faces with arbitrary arguments, from two threads at once, over a client and a server that are really connected:
//! nothing crashes, nothing hangs, and a call that fails leaves its outputs empty.

use super::host1c::Object;
use super::input::Input;
use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;
use websocket_addin::capi::*;

/// How often somebody looks after calls that wait.
const RESCUE: Duration = Duration::from_millis(40);

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let face = input.byte();
    let rest = input.rest();
    let (first, second) = rest.split_at(rest.len() / 2);
    match face % 2 {
        0 => c(first, second),
        _ => one_c(first, second),
    }
}

/// Runs both halves at once, and `rescue` as long as they have not ended: what waits without limit is woken by the end of
/// what it waits for, over and over.
fn together(halves: [&[u8]; 2], call: impl Fn(&mut Input<'_>) + Sync, rescue: impl Fn() + Sync) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let calls = halves.map(|half| {
            let call = &call;
            scope.spawn(move || {
                let mut input = Input::new(half);
                while !input.is_empty() {
                    call(&mut input);
                }
            })
        });
        let rescuer = scope.spawn(|| {
            while !done.load(SeqCst) {
                std::thread::park_timeout(RESCUE);
                rescue();
            }
        });
        let outcomes = calls.map(|call| call.join());
        done.store(true, SeqCst);
        rescuer.thread().unpark();
        for outcome in outcomes {
            outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}

fn c(first: &[u8], second: &[u8]) {
    let (mut client, mut server) = (wsaddin_client { id: 0 }, wsaddin_server { id: 0 });
    // SAFETY: live places for the handles.
    unsafe {
        assert_eq!((wsaddin_client_new(&raw mut client), wsaddin_server_new(&raw mut server)), (0, 0));
    }
    let place = "127.0.0.1";
    let mut port = 0;
    // SAFETY: the text is as long as it says, the place is live.
    unsafe {
        assert_eq!(wsaddin_server_run(server, place.as_ptr().cast(), place.len(), 0), 0);
        wsaddin_server_get_port(server, &raw mut port);
    }
    let url = format!("ws://127.0.0.1:{port}/");
    together(
        [first, second],
        |input| call(input, client, server, &url),
        || {
            // SAFETY: no pointer is given.
            unsafe { wsaddin_client_disconnect(client, 1000, null(), 0, null_mut()) };
            wsaddin_server_stop(server);
        },
    );
    wsaddin_client_free(client);
    wsaddin_server_free(server);
}

/// One call of the C interface.
fn call(input: &mut Input<'_>, client: wsaddin_client, server: wsaddin_server, url: &str) {
    let (function, which, number) = (input.byte(), input.byte(), i64::from(input.word() as i16));
    let size = usize::from(input.byte());
    let bytes = input.bytes(size);
    // Handles that were never given out, or are of the other kind.
    let client = wsaddin_client {
        id: match which {
            0 => 0,
            1 => server.id,
            2 => u64::MAX,
            _ => client.id,
        },
    };
    let server = wsaddin_server {
        id: match which {
            0 => 0,
            3 => client.id,
            2 => 1 << 32,
            _ => server.id,
        },
    };
    let (data, size) = match which {
        // NULL with a length, and the other way round.
        4 => (null(), 17),
        5 => (null(), 0),
        _ => (bytes.as_ptr().cast::<c_void>(), bytes.len()),
    };
    let connection = u64::from(which) & 3;
    let (mut message, mut value, mut needed) = (null_mut(), 77_i64, 77_usize);
    let mut buffer = [0_u8; 16];
    let (text, room) = (buffer.as_mut_ptr().cast(), usize::from(which) % 17);
    // SAFETY: every pointer is NULL, or a live place of the size that is said.
    let result = unsafe {
        match function % 24 {
            0 => wsaddin_client_connect(client, url.as_ptr().cast(), url.len()),
            1 => wsaddin_client_begin_connect(client, url.as_ptr().cast(), url.len() - usize::from(which == 6)),
            2 => wsaddin_client_send_text(client, data, size),
            3 => wsaddin_client_send_binary(client, data, size),
            4 => wsaddin_client_receive(client, number, &raw mut message),
            5 => wsaddin_client_receive_event(client, number % 8, &raw mut message),
            6 => wsaddin_client_ping(client, number % 8, &raw mut value),
            7 => wsaddin_client_request(client, data, size, number % 8, data, size, null(), 0, &raw mut message),
            8 => wsaddin_client_set_header(client, data, size, data, size),
            9 => wsaddin_client_set_protocols(client, data, size),
            10 => wsaddin_client_get_close_reason(client, text, room, &raw mut needed),
            11 => wsaddin_client_statistics(client, text, room, &raw mut needed),
            12 => wsaddin_server_send_text(server, connection, data, size),
            13 => wsaddin_server_broadcast_text(server, data, size, &raw mut value),
            14 => wsaddin_server_receive(server, number % 8, &raw mut message),
            15 => wsaddin_server_receive_event(server, number % 8, &raw mut message),
            16 => wsaddin_server_set_name(server, connection, data, size),
            17 => wsaddin_server_join_group(server, connection, data, size),
            18 => wsaddin_server_broadcast_group_text(server, data, size, data, size, &raw mut value),
            19 => wsaddin_server_disconnect(server, connection, number as u16, data, size),
            20 => wsaddin_server_connection_info(server, connection, text, room, &raw mut needed),
            21 => wsaddin_server_reject(server, connection, number, data, size),
            22 => wsaddin_server_set_max_message_size(server, number),
            _ => wsaddin_server_run(server, c"127.0.0.1".as_ptr().cast(), 9, 0),
        }
    };
    if result != 0 {
        assert!(message.is_null(), "an output after {result}");
    }
    if !message.is_null() {
        // SAFETY: it was received, and is freed once.
        unsafe {
            assert!(!wsaddin_message_data(message).is_null());
            wsaddin_message_free(message);
        }
    }
}

fn one_c(first: &[u8], second: &[u8]) {
    let (client, server) = (Object::new("Client"), Object::new("Server"));
    server.call_by_name("Run", &["127.0.0.1", "0"]);
    let url = format!("ws://127.0.0.1:{}/", server.number("Port"));
    client.call_by_name("Connect", &[&url]);
    together(
        [first, second],
        |input| {
            let object = if input.byte().is_multiple_of(2) { &client } else { &server };
            object.anything(input);
        },
        || {
            client.call_by_name("Disconnect", &[]);
            server.call_by_name("Stop", &[]);
        },
    );
}
