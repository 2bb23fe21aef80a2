//! A conversation in which one allocation finds no memory, or all from one on, for each of them: it ends in errors or in
//! success, but never in the end of the process; and when there is memory again a new one works.
//!
//! Small pieces are always to be had: what the library takes in pieces of a bounded size, below [`SMALL`], it takes as
//! any program does.

#[path = "common/plain_talk.rs"]
mod plain_talk;
#[cfg(target_os = "linux")]
#[path = "common/starved.rs"]
mod starved;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::c_void;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// What is smaller is never refused.
const SMALL: usize = 16 * 1024;
/// How long a call waits for what may never come, because the memory for it was refused.
const PATIENCE: i64 = 300;
/// How long a peer waits for an answer or the end; whether there is one does not depend on memory.
const DATA_PATIENCE: Duration = Duration::from_secs(60);
/// Among the contexts: plain HTTP.
const PLAIN: u8 = 2;
/// How long where all memory is to be had.
const LONG: i64 = 20_000;

static ARMED: AtomicBool = AtomicBool::new(false);
static SEEN: AtomicUsize = AtomicUsize::new(0);
/// The first that is refused, and whether all that follow are, too.
static FIRST: AtomicUsize = AtomicUsize::new(usize::MAX);
static ALL: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The test's own needs are always met.
    static OWN: Cell<bool> = const { Cell::new(false) };
}

struct Scarce;

fn is_refused(size: usize) -> bool {
    if size < SMALL || !ARMED.load(SeqCst) || OWN.get() {
        return false;
    }
    let number = SEEN.fetch_add(1, SeqCst);
    let first = FIRST.load(SeqCst);
    let refused = number == first || number > first && ALL.load(SeqCst);
    if refused && std::env::var_os("WSADDIN_SHOW").is_some() {
        OWN.set(true);
        eprintln!("refused {number}: {size} bytes\n{}", std::backtrace::Backtrace::force_capture());
        OWN.set(false);
    }
    refused
}

// SAFETY: the system's allocator, or NULL, which says that there is no memory.
unsafe impl GlobalAlloc for Scarce {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_refused(layout.size()) {
            return null_mut();
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_refused(layout.size()) {
            return null_mut();
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Less is always to be had.
        if size > layout.size() && is_refused(size) {
            return null_mut();
        }
        // SAFETY: the caller's promise.
        unsafe { System.realloc(piece, layout, size) }
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(piece, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Scarce = Scarce;

/// A call of the library's: its needs may be refused.
fn lib<T>(call: impl FnOnce() -> T) -> T {
    OWN.set(false);
    let outcome = call();
    OWN.set(true);
    outcome
}

/// The answers of a handler: what came, and a large one.
unsafe extern "C" fn answer(message: *const wsaddin_message, server: *mut c_void) {
    // SAFETY: a message for the time of the call, and the server that `talk` keeps for longer.
    unsafe {
        let server = *server.cast::<wsaddin_server>();
        if wsaddin_message_event(message) == WSADDIN_EVENT_MESSAGE {
            let (data, size) = (wsaddin_message_data(message), wsaddin_message_size(message));
            wsaddin_server_send_binary(server, wsaddin_message_connection(message), data.cast(), size);
        }
    }
}

struct Data {
    text: String,
    large: Vec<u8>,
    request: String,
}

impl Data {
    fn new() -> Self {
        let large = (0..100_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        Self { text: "the same words again, ".repeat(60), large, request: "{\"id\":1}".to_owned() }
    }
}

/// Takes so many messages, or fewer where no more come; how many.
fn take(expected: usize, receive: impl Fn(i64, *mut *mut wsaddin_message) -> i32) -> usize {
    let mut count = 0;
    while count < expected {
        let mut message = null_mut();
        let patience = match (ARMED.load(SeqCst), count) {
            // All of them come, however busy the machine is.
            (false, _) => LONG,
            (true, 0) => PATIENCE,
            (true, _) => 20,
        };
        let outcome = lib(|| receive(patience, &raw mut message));
        if outcome != WSADDIN_OK {
            break;
        }
        count += 1;
        // SAFETY: a message that is ours, once.
        lib(|| unsafe { wsaddin_message_free(message) });
    }
    count
}

/// How long a call waits for its answer.
fn patience() -> i64 {
    if ARMED.load(SeqCst) { 2 * PATIENCE } else { LONG }
}

/// The whole conversation; whether all of it has come about.
fn talk(data: &Data, context: i64, buffer: &mut [u8]) -> bool {
    let mut good = true;
    let mut check = |result: i32| good &= result == WSADDIN_OK;
    // Without memory nobody may be there to close with.
    let close_timeout = if ARMED.load(SeqCst) { 200 } else { LONG };
    let (mut server, mut one, mut two) = (wsaddin_server { id: 0 }, wsaddin_client { id: 0 }, wsaddin_client { id: 0 });
    // SAFETY: live memory for the time of each call; handles may be bad.
    unsafe {
        check(lib(|| wsaddin_server_new(&raw mut server)));
        check(lib(|| wsaddin_server_set_name_parameter(server, c"id".as_ptr().cast(), 2)));
        check(lib(|| wsaddin_server_set_compression_context(server, context)));
        check(lib(|| wsaddin_server_set_receive_queue_messages(server, 5000)));
        check(lib(|| wsaddin_server_set_close_timeout(server, close_timeout)));
        check(lib(|| wsaddin_server_run(server, c"127.0.0.1".as_ptr().cast(), 9, 0)));
        let mut port = 0;
        check(lib(|| wsaddin_server_get_port(server, &raw mut port)));
        let url = format!("ws://127.0.0.1:{port}/?id=a");
        for client in [&raw mut one, &raw mut two] {
            check(lib(|| wsaddin_client_new(client)));
            check(lib(|| wsaddin_client_set_compression_context(*client, context)));
            check(lib(|| wsaddin_client_set_close_timeout(*client, close_timeout)));
            check(lib(|| wsaddin_client_set_connect_timeout(*client, patience().max(2000))));
        }
        check(lib(|| wsaddin_client_connect(one, url.as_ptr().cast(), url.len())));
        // What comes in pieces, in numbers, and in one.
        let small = || (0..2500).map(|_| lib(|| wsaddin_client_send_text(one, data.text.as_ptr().cast(), 10)));
        check(small().min().unwrap_or_default());
        check(lib(|| wsaddin_client_send_text(one, data.text.as_ptr().cast(), data.text.len())));
        check(lib(|| wsaddin_client_send_binary(one, data.large.as_ptr().cast(), data.large.len())));
        let received = take(2502, |wait, message| wsaddin_server_receive(server, wait, message));
        check(i32::from(received != 2502));
        let back = || {
            (0..300).map(|at| {
                let size = if at % 100 == 0 { data.large.len() } else { 600 };
                lib(|| wsaddin_server_send_binary(server, 1, data.large.as_ptr().cast(), size))
            })
        };
        check(back().min().unwrap_or_default());
        let mut count = 0;
        check(lib(|| {
            wsaddin_server_broadcast_text(server, data.text.as_ptr().cast(), data.text.len(), &raw mut count)
        }));
        let received = take(301, |wait, message| wsaddin_client_receive(one, wait, message));
        check(i32::from(received != 301));
        // What they tell of themselves.
        let (place, size) = (buffer.as_mut_ptr().cast::<std::ffi::c_char>(), buffer.len());
        let mut needed = 0;
        check(lib(|| wsaddin_server_statistics(server, place, size, &raw mut needed)));
        check(lib(|| wsaddin_client_statistics(one, place, size, &raw mut needed)));
        check(lib(|| wsaddin_server_connection_list(server, place, size, &raw mut needed)));
        check(lib(|| wsaddin_server_connection_info(server, 1, place, size, &raw mut needed)));
        check(lib(|| wsaddin_server_get_connections(server, place, size, &raw mut needed)));
        // A session that goes on on another connection, with what waits for it.
        // Some find the queue full.
        let send = || lib(|| wsaddin_server_send_binary(server, 1, data.large.as_ptr().cast(), data.large.len()));
        let queued = (0..100).filter(|_| send() == WSADDIN_OK).count();
        check(lib(|| wsaddin_client_connect(two, url.as_ptr().cast(), url.len())));
        // The first connection is closed behind what it still got.
        let before = take(usize::MAX, |wait, message| wsaddin_client_receive(one, wait, message));
        let after = take(queued.saturating_sub(before), |wait, message| wsaddin_client_receive(two, wait, message));
        check(i32::from(before + after != queued));
        // A handler's answers.
        let user_data = (&raw mut server).cast::<c_void>();
        check(lib(|| wsaddin_server_set_handler(server, Some(answer), user_data)));
        let many = || (0..1500).map(|_| lib(|| wsaddin_client_send_binary(two, data.large.as_ptr().cast(), 200)));
        check(many().min().unwrap_or_default());
        check(lib(|| wsaddin_client_send_binary(two, data.large.as_ptr().cast(), data.large.len())));
        let received = take(1501, |wait, message| wsaddin_client_receive(two, wait, message));
        check(i32::from(received != 1501));
        // A reply.
        let mut reply = null_mut();
        let (text, length) = (data.request.as_ptr().cast::<c_void>(), data.request.len());
        let id = c"id".as_ptr().cast::<c_void>();
        let asked = lib(|| wsaddin_client_request(two, text, length, patience(), id, 2, id, 2, &raw mut reply));
        check(asked);
        if asked == WSADDIN_OK {
            lib(|| wsaddin_message_free(reply));
        }
        lib(|| wsaddin_server_set_handler(server, None, null_mut()));
        let mut clean = 0;
        lib(|| wsaddin_client_disconnect(two, 1000, c"".as_ptr().cast(), 0, &raw mut clean));
        lib(|| wsaddin_client_free(one));
        lib(|| wsaddin_client_free(two));
        lib(|| wsaddin_server_free(server));
    }
    good
}

/// The conversations, in a process of their own: from that number on, with one refusal or with all that follow, and every
/// so manieth of them.
#[test]
#[ignore = "a role that another test starts"]
fn conversations() {
    let Ok(settings) = std::env::var("WSADDIN_SWEEP") else { return };
    let numbers: Vec<usize> = settings.split(' ').map(|number| number.parse().unwrap()).collect();
    let [from, step, all, context, seconds] = numbers[..] else { panic!("{settings}") };
    OWN.set(true);
    let data = Data::new();
    let mut buffer = vec![0; 64 * 1024];
    let folder = plain_talk::folder();
    let mut talk = || match context as u8 {
        PLAIN => plain_talk::talk(&folder),
        _ => talk(&data, context as i64, &mut buffer),
    };
    let mut told = std::io::stdout();
    ALL.store(all == 1, SeqCst);
    let mut tell = |line: String| {
        told.write_all(line.as_bytes()).unwrap();
        told.flush().unwrap();
    };
    let until = Instant::now() + Duration::from_secs(seconds as u64);
    for number in (from..).step_by(step) {
        tell(format!("\nat {number}\n"));
        FIRST.store(number, SeqCst);
        SEEN.store(0, SeqCst);
        ARMED.store(true, SeqCst);
        let good = talk();
        ARMED.store(false, SeqCst);
        if SEEN.load(SeqCst) <= number {
            // Nothing was refused.
            tell(format!("\nwhole {number} {good}\n"));
            return;
        }
        if number.is_multiple_of(8) {
            assert!(talk(), "with memory everything works again");
        }
        if Instant::now() > until {
            tell(format!("\nenough {number}\n"));
            return;
        }
    }
}

/// `seconds` bound the whole, on a slow machine.
fn sweep(step: usize, all: bool, context: u8, seconds: u64) {
    let begin = Instant::now();
    let (mut from, mut deaths) = (0, Vec::new());
    loop {
        let left = seconds.saturating_sub(begin.elapsed().as_secs());
        let settings = format!("{from} {step} {} {context} {left}", u8::from(all));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "conversations", "--ignored", "--nocapture"])
            .env("WSADDIN_SWEEP", settings)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = child.stderr.take().unwrap();
        let heard = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = errors.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        let mut at = from;
        let mut end = None;
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            let mut words = line.split(' ');
            match words.next() {
                Some("at") => at = words.next().unwrap().parse().unwrap(),
                Some("whole" | "enough") => end = Some(line),
                _ => {}
            }
        }
        let status = child.wait().unwrap();
        let text = heard.join().unwrap();
        if let Some(end) = end.filter(|_| status.success()) {
            println!("context {context}, all that follow {all}: {end}");
            break;
        }
        deaths.push(format!("at {at}, all that follow {all}, context {context}: {status}\n{text}"));
        if deaths.len() > 30 {
            break;
        }
        from = at + step;
    }
    assert!(deaths.is_empty(), "{} processes have ended:\n{}", deaths.len(), deaths.join("\n"));
}

#[test]
fn without_memory_at_any_moment_the_process_lives_on() {
    for context in [0, 1] {
        // Those that follow each other belong to the same work.
        sweep(7, true, context, 15);
        sweep(7, false, context, 15);
    }
}

/// The same with each in turn: there are not so many.
#[test]
fn without_memory_plain_http_is_answered_or_ended() {
    sweep(3, true, PLAIN, 20);
    sweep(1, false, PLAIN, 20);
}

#[test]
#[ignore = "a role that another test starts"]
#[cfg(target_os = "linux")]
fn a_starved_server() {
    OWN.set(true);
    ALL.store(true, SeqCst);
    FIRST.store(0, SeqCst);
    let (share, queued) = starved::share_of_processor(|| ARMED.store(true, SeqCst));
    println!("{queued} messages, {share:.2} of a processor");
    assert!(SEEN.load(SeqCst) > 0 && share < 0.5, "{share:.2} of a processor, {queued} messages");
}

/// Without memory for the places of what is to be sent, a thread waits for its peer as with memory, and not in turns
/// without end.
#[test]
#[cfg(target_os = "linux")]
fn without_memory_no_turn_is_busy() {
    let role = ["--exact", "a_starved_server", "--ignored", "--nocapture"];
    let output = Command::new(std::env::current_exe().unwrap()).args(role).output().unwrap();
    let said = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "long"]
fn each_allocation_in_turn() {
    for context in [0, 1] {
        sweep(1, true, context, 3600);
        sweep(1, false, context, 3600);
    }
}
