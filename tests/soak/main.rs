//! Soak: fifty clients, five servers, peers in Python and a host of 1C do random things for a while; every message is
//! accounted for, once and in order, and afterwards the process is as it was after the first minute.
//!
//! `WSADDIN_SOAK_MINUTES` says how long (three, an hour with `tests/run --long`), `WSADDIN_SOAK_SEED` repeats a run.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/face.rs"]
mod face;
#[expect(dead_code, reason = "the peers of this test are its own programs")]
#[path = "../common/peer.rs"]
mod peer;
#[path = "../common/tls.rs"]
mod tls;

mod accounts;
mod batches;
mod clients;
mod servers;

use clients::{Driver, Target};
use peer::Peer;
use servers::Echo;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// No call and no wait takes longer, on a busy machine either, in milliseconds: only hanging is judged.
pub const PATIENCE: i64 = 180_000;
const DRIVERS: usize = 10;
const CLIENTS_EACH: usize = 5;
const SERVERS: usize = 5;

#[derive(Default)]
pub struct Totals {
    pub operations: AtomicU64,
    pub connections: AtomicU64,
    pub settled: AtomicU64,
    pub sent: AtomicU64,
    pub echoed: AtomicU64,
    pub received: AtomicU64,
}

/// An event that a handler is given.
///
/// # Safety
/// The message is good for the call.
pub unsafe fn copied(message: *const wsaddin_message) -> face::Event {
    // SAFETY: the caller's promise; the data is as long as it says.
    unsafe {
        let data = std::slice::from_raw_parts(wsaddin_message_data(message), wsaddin_message_size(message));
        face::Event {
            event: wsaddin_message_event(message),
            kind: wsaddin_message_kind(message),
            connection: wsaddin_message_connection(message),
            data: data.to_vec(),
        }
    }
}

/// Ends the process with the reason of a panic in a handler: the library keeps what its threads say to itself.
pub fn in_handler(run: impl FnOnce() + std::panic::UnwindSafe) {
    if let Err(panic) = std::panic::catch_unwind(run) {
        let text = panic.downcast_ref::<String>().cloned().or(panic.downcast_ref::<&str>().map(|it| (*it).to_owned()));
        eprintln!("soak: in a handler: {}", text.unwrap_or_default());
        std::process::abort();
    }
}

/// What a process has, while nothing goes on in it.
#[derive(Clone, Copy, Debug)]
struct State {
    threads: usize,
    descriptors: usize,
    used_kib: usize,
    /// To be read: pages that the allocator keeps are its own affair.
    #[expect(dead_code, reason = "printed")]
    resident_kib: usize,
}

impl State {
    fn now() -> Self {
        let count = |folder: &str| std::fs::read_dir(folder).unwrap().count();
        // SAFETY: asks for numbers, and gives free memory back.
        let used = unsafe {
            libc::malloc_trim(0);
            libc::mallinfo2()
        };
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: usize = pages.split(' ').nth(1).unwrap().parse().unwrap();
        Self {
            threads: count("/proc/self/task"),
            descriptors: count("/proc/self/fd"),
            used_kib: (used.uordblks + used.hblkhd) / 1024,
            resident_kib: pages * 4,
        }
    }
}

impl State {
    /// The system counts a thread that was joined a moment longer, and workers that have nothing to do go.
    fn at_rest() -> Self {
        let (since, mut state, mut same) = (Instant::now(), Self::now(), 0);
        while same < 10 && since.elapsed().as_secs() < 60 {
            std::thread::sleep(Duration::from_millis(100));
            let next = Self::now();
            same = if (next.threads, next.descriptors) == (state.threads, state.descriptors) { same + 1 } else { 0 };
            state = next;
        }
        state
    }
}

fn number(name: &str) -> Option<f64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

fn python(arguments: &[&str]) -> Option<Peer> {
    let python = std::env::var_os("WSADDIN_PYTHON").filter(|value| !value.is_empty());
    let python = python.map_or_else(|| common::root().join("target/venv/bin/python"), PathBuf::from);
    if !python.exists() {
        assert!(std::env::var_os("WSADDIN_NO_SKIP").is_none(), "Python with websockets is missing");
        return None;
    }
    let mut command = Command::new(python);
    command.env("PYTHONDONTWRITEBYTECODE", "1").arg(common::root().join("tests/soak/peers.py")).args(arguments);
    Some(Peer::start("peers.py", &mut command))
}

/// The host of 1C with its scenario `soak`.
fn host1c(scratch: &Path) -> Peer {
    let program = scratch.join("host1c");
    let names = ["main", "soak", "object", "value", "process", "interfaces"];
    let sources = names.map(|name| common::root().join("tests/host1c").join(name).with_extension("cpp"));
    let mut compiler = Command::new("g++");
    compiler.args(["-std=c++17", "-g"]).args(sources).arg("-o").arg(&program).args(["-pthread", "-ldl"]);
    common::run_well(&mut compiler, Duration::from_secs(300));
    let mut command = Command::new(program);
    Peer::start("host1c", command.arg(common::library()).arg("soak").env_remove("LD_LIBRARY_PATH"))
}

#[test]
fn nothing_is_lost_twice_or_left() {
    let minutes = number("WSADDIN_SOAK_MINUTES").unwrap_or(3.0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = number("WSADDIN_SOAK_SEED").map_or(u64::from(now.subsec_nanos()), |seed| seed as u64);
    println!("soak: {minutes} minutes, WSADDIN_SOAK_SEED={seed}");
    let whole = Duration::from_secs_f64(minutes * 60.0);
    let warm = Duration::from_secs(60).min(whole / 3);
    // A rest after each.
    let stretch = Duration::from_secs(30).min(whole / 6);

    let scratch = common::Scratch::new("soak");
    let authority = tls::Authority::with_server("soak");
    let other = python(&["echo"]);
    let mut visitors: Vec<Peer> = python(&[]).into_iter().chain([host1c(scratch.path())]).collect();
    let before = State::now();
    let servers: Vec<Arc<Echo>> = (0..SERVERS).map(|at| Echo::start(at, &authority)).collect();
    let mut targets: Vec<Target> = servers.iter().cloned().map(Target::Ours).collect();
    targets.extend(other.as_ref().map(|peer| Target::Other(format!("ws://127.0.0.1:{}/", peer.line_after("port ")))));
    let totals = Arc::<Totals>::default();
    let (over, visits) = (AtomicBool::new(false), AtomicU64::new(0));
    let rest = Barrier::new(DRIVERS + 1);
    let begun = Instant::now();
    let mut states: Vec<State> = Vec::new();
    std::thread::scope(|scope| {
        for (at, server) in servers.iter().enumerate() {
            let (over, authority) = (&over, &authority);
            scope.spawn(move || server.serve(seed + 1000 + at as u64, over, authority));
        }
        for at in 0..DRIVERS {
            let (targets, totals, over, rest) = (targets.clone(), totals.clone(), &over, &rest);
            scope.spawn(move || {
                // A thread that fails would leave the others waiting.
                let failing = Failing;
                let mut driver = Driver::new(seed + at as u64, CLIENTS_EACH, targets, totals);
                while !over.load(SeqCst) {
                    driver.work(Instant::now() + stretch);
                    rest.wait();
                    rest.wait();
                }
                std::mem::forget(failing);
            });
        }
        loop {
            servers.iter().for_each(|server| server.rest(false));
            for visitor in &mut visitors {
                visitor.type_line(&format!("work {} {}", servers[0].url(), stretch.as_secs_f64()));
            }
            rest.wait();
            for visitor in &visitors {
                visits.fetch_add(visitor.line_after("rested ").parse().unwrap(), SeqCst);
            }
            servers.iter().for_each(|server| server.rest(true));
            for server in &servers {
                face::until("all have gone", || server.server.connection_count() == 0 && server.accounts_open() == 0);
            }
            let state = State::at_rest();
            println!("soak: after {:4} s: {state:?}, {totals:?}, visitors {visits:?}", begun.elapsed().as_secs());
            if begun.elapsed() >= warm {
                states.push(state);
            }
            let ends = begun.elapsed() >= whole;
            over.store(ends, SeqCst);
            rest.wait();
            if ends {
                break;
            }
        }
    });
    let (first, last) = (states[0], *states.last().unwrap());
    println!("soak: the first {first:?}, the last {last:?}");
    assert!(last.threads <= first.threads && last.descriptors <= first.descriptors, "{states:?}");
    assert!(last.used_kib < first.used_kib + 1024, "memory in use grows: {states:?}");
    drop((targets, servers));
    for visitor in visitors {
        let (well, said) = visitor.end();
        assert!(well, "{said:?}");
    }
    face::until("the library's threads have ended", || State::now().threads <= before.threads);
    let [operations, connections, settled, sent, echoed] =
        [&totals.operations, &totals.connections, &totals.settled, &totals.sent, &totals.echoed]
            .map(|sum| sum.load(SeqCst));
    println!(
        "soak: {operations} operations, {connections} connections, {settled} of them settled; \
        {sent} messages sent, {echoed} came back; the visitors had {visits:?} more"
    );
    assert!(settled > 0 && echoed > 0 && visits.load(SeqCst) > 0);
}

impl std::fmt::Debug for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [operations, connections, sent] =
            [&self.operations, &self.connections, &self.sent].map(|it| it.load(SeqCst));
        write!(f, "{operations} operations, {connections} connections, {sent} sent")
    }
}

/// Dropped by a panic: the process ends at once, since the other threads would wait for ever.
struct Failing;

impl Drop for Failing {
    fn drop(&mut self) {
        std::process::abort();
    }
}
