//! What reconnecting guarantees, while a server process dies and is started again.
//!
//! Each message is written to the kernel on exactly one connection, in the order of sending. What was written on a
//! connection that broke may have been lost with it: always its last messages. What was not written goes out on the
//! next connection, before anything newer.

#[path = "common/flow/mod.rs"]
mod flow;

use flow::*;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::JoinHandle;
use websocket_addin::capi::*;

const RESTARTS: usize = 20;

/// The server in its process: says what it receives, sends numbers to whom it meets, takes its time.
#[test]
#[ignore = "a role of the tests below"]
fn plays_the_server() {
    let Some(port) = role() else { return };
    let server = Server::new();
    server.set(wsaddin_server_set_receive_queue_messages, 8).set(wsaddin_server_set_send_timeout, 200);
    let interface = "127.0.0.1";
    // SAFETY: a live text.
    let run =
        unsafe { wsaddin_server_run(server.0, interface.as_ptr().cast(), interface.len(), port.parse().unwrap()) };
    assert_eq!(run, 0, "{}", error_text());
    say("port", server.port());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Until it is told to stop.
            listen();
            server.stop();
        });
        loop {
            match server.receive_event(0) {
                Ok(event) if event.kind() == OPEN => {
                    let (id, server) = (event.connection(), &server);
                    scope.spawn(move || {
                        for number in 0_u64.. {
                            if server.send(id, &numbered(number, 100)).is_err() {
                                break;
                            }
                            std::thread::yield_now();
                        }
                    });
                }
                Ok(event) if event.kind() == MESSAGE => match event.text() {
                    hello if hello.starts_with("hello") => say("got", hello),
                    text => say("got", text.split(' ').next().unwrap()),
                },
                Ok(_) => {}
                Err(_) => break,
            }
        }
    });
    say("done", 0);
}

/// One life of the server.
struct Life {
    child: Child,
    got: JoinHandle<Vec<String>>,
}

impl Life {
    fn begin(port: u16) -> (Self, u16) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "plays_the_server", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env("WSADDIN_ROLE", port.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.find_map(|line| line.strip_prefix("port=").map(|port| port.parse().unwrap())).unwrap();
        // A line that was cut by the end of the process has no number; the next would be behind it.
        let got = move || lines.filter_map(|line| line.strip_prefix("got=").map(str::to_owned)).collect();
        (Self { child, got: std::thread::spawn(got) }, port)
    }

    /// All that it got.
    fn end(mut self, gently: bool) -> Vec<String> {
        if gently {
            drop(self.child.stdin.take());
        } else {
            self.child.kill().unwrap();
        }
        self.child.wait().unwrap();
        self.got.join().unwrap()
    }
}

#[derive(Default)]
struct Seen {
    opens: u64,
    /// For each connection that ended: the close code, and how many messages had been written until then.
    ends: Vec<(i64, u64)>,
    /// The numbers that came on the present connection, in order.
    next: u64,
    received: u64,
    attempts: BTreeMap<i64, u64>,
    errors: u64,
    wrong: Vec<String>,
}

static SEEN: Mutex<Option<Seen>> = Mutex::new(None);
static OPENS: AtomicU64 = AtomicU64::new(0);
static CLIENT: AtomicU64 = AtomicU64::new(0);

fn figure(name: &str) -> u64 {
    let mut buffer = vec![0_u8; 65_536];
    let mut needed = 0;
    let client = wsaddin_client { id: CLIENT.load(SeqCst) };
    // SAFETY: a live buffer of that size.
    let result =
        unsafe { wsaddin_client_statistics(client, buffer.as_mut_ptr().cast(), buffer.len(), &raw mut needed) };
    assert_eq!(result, 0);
    serde_json::from_slice::<serde_json::Value>(&buffer[..needed]).unwrap()[name].as_u64().unwrap()
}

/// Runs on the I/O thread, so that nothing is written between an end and what it reads.
unsafe extern "C" fn on_event(message: *const wsaddin_message, _: *mut c_void) {
    // SAFETY: lent for this call.
    let (kind, data) = unsafe {
        let data = std::slice::from_raw_parts(wsaddin_message_data(message), wsaddin_message_size(message));
        (wsaddin_message_event(message), data)
    };
    let mut guard = SEEN.lock().unwrap();
    let seen = guard.as_mut().unwrap();
    // std knows no name of a thread that it has not started.
    let thread = std::fs::read_to_string("/proc/thread-self/comm").unwrap();
    if !thread.starts_with("websocket-io") {
        seen.wrong.push(format!("an event on {thread}"));
    }
    match kind {
        WSADDIN_EVENT_OPEN => {
            let json: serde_json::Value = serde_json::from_slice(data).unwrap();
            *seen.attempts.entry(json["attempt"].as_i64().unwrap()).or_default() += 1;
            seen.next = 0;
            seen.opens += 1;
            OPENS.store(seen.opens, SeqCst);
        }
        WSADDIN_EVENT_MESSAGE => {
            let number = u64::from_le_bytes(data[..8].try_into().unwrap());
            if number != seen.next {
                seen.wrong.push(format!("{number} came where {} was due", seen.next));
            }
            seen.next = number + 1;
            seen.received += 1;
        }
        WSADDIN_EVENT_CLOSE => {
            let json: serde_json::Value = serde_json::from_slice(data).unwrap();
            seen.ends.push((json["code"].as_i64().unwrap(), figure("messages_out")));
        }
        _ => seen.errors += 1,
    }
}

#[test]
fn nothing_is_lost_that_was_not_written_and_nothing_comes_twice_or_early() {
    *SEEN.lock().unwrap() = Some(Seen::default());
    let client = Client::new();
    CLIENT.store(client.0.id, SeqCst);
    client.set(wsaddin_client_set_reconnect_interval, 10).set(wsaddin_client_set_send_timeout, 0);
    client.set(wsaddin_client_set_send_queue_bytes, 400_000).set(wsaddin_client_set_close_timeout, 20_000);
    // SAFETY: live texts; the handler needs no data.
    unsafe {
        assert_eq!(wsaddin_client_set_hello_message(client.0, c"hello".as_ptr().cast(), 5), 0);
        assert_eq!(wsaddin_client_set_handler(client.0, Some(on_event), std::ptr::null_mut()), 0);
    }
    let (life, port) = Life::begin(0);
    let mut life = Some(life);
    client.connect(port).unwrap();
    let over = AtomicBool::new(false);
    let mut lives = Vec::new();
    let sent = std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let mut number = 0_u64;
            while !over.load(SeqCst) {
                // Small ones and some that no kernel takes at once.
                let size = if number.is_multiple_of(17) { 150_000 } else { 50 };
                let text = format!("{number} {}", "x".repeat(size));
                // SAFETY: a live text.
                let result = unsafe { wsaddin_client_send_text(client.0, text.as_ptr().cast(), text.len()) };
                assert_eq!(result, 0, "{}", error_text());
                number += 1;
            }
            number
        });
        for round in 0..RESTARTS {
            until("it is connected", SOON, || OPENS.load(SeqCst) == round as u64 + 1);
            let before = figure("messages_out");
            until("it sends", SOON, || figure("messages_out") > before + 20);
            lives.extend(life.take().map(|life| life.end(round % 2 == 1)));
            until("it notices", SOON, || SEEN.lock().unwrap().as_ref().unwrap().ends.len() == round + 1);
            life = Some(Life::begin(port).0);
        }
        until("it is connected", SOON, || OPENS.load(SeqCst) == RESTARTS as u64 + 1);
        over.store(true, SeqCst);
        sender.join().unwrap()
    });
    until("everything is written", SOON, || client.get(wsaddin_client_get_buffered_amount) == 0);
    assert!(client.disconnect());
    lives.extend(life.take().map(|life| life.end(true)));

    let seen = SEEN.lock().unwrap().take().unwrap();
    assert_eq!(seen.wrong.first(), None);
    assert_eq!((seen.opens, lives.len()), (21, 21));
    assert_eq!(seen.ends.len(), 21);
    let (mut first, mut written_before, mut lost) = (0, 0, 0);
    for (round, (life, (close, written))) in lives.iter().zip(&seen.ends).enumerate() {
        match (round, close) {
            (20, code) => assert_eq!(*code, 1000),
            (round, 1001) => assert_eq!(round % 2, 1),
            // One that has stopped may be gone before its close frame got through our unread messages.
            (_, code) => assert_eq!(*code, 1006, "round {round}"),
        }
        // Without the hello.
        let own = (written - written_before).saturating_sub(1);
        written_before = *written;
        if let Some(hello) = life.first() {
            assert_eq!(hello, "hello", "round {round}");
        }
        let numbers: Vec<u64> = life.iter().skip(1).map(|number| number.parse().unwrap()).collect();
        let expected: Vec<u64> = (first..first + numbers.len() as u64).collect();
        assert_eq!(
            numbers, expected,
            "round {round}: in order, without a gap, from the first that was not written before"
        );
        assert!(numbers.len() as u64 <= own, "round {round}: more than was written");
        lost += own - numbers.len() as u64;
        first += own;
    }
    assert_eq!(first, sent, "each was written once");
    let last: Vec<_> = lives[20].iter().skip(1).collect();
    assert_eq!(last.last().map(|number| number.parse::<u64>().unwrap()), Some(sent - 1), "a clean end loses nothing");
    assert!(seen.errors > 0, "attempts failed while there was no server");
    eprintln!(
        "{sent} sent, {lost} written and lost with {RESTARTS} servers; {} received; attempts {:?}, {} failed",
        seen.received, seen.attempts, seen.errors
    );
}
