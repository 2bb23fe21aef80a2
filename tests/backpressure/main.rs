//! A full queue holds the sender back, drops nothing and is nobody else's trouble.

mod bounds;
mod fairness;
#[path = "../common/flow/mod.rs"]
mod flow;

use flow::*;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The size of message `number`, in the run of equal and in that of mixed sizes.
fn size_of(mixed: bool, number: u64) -> usize {
    const SIZES: [usize; 8] = [16, 300_000, 700, 65_536, 1_048_576, 4_096, 125, 100_000];
    if mixed { SIZES[usize::try_from(number % 8).unwrap()] } else { 65_536 }
}

fn count_of(mixed: bool) -> u64 {
    let mut sent = 0;
    (0..)
        .find(|number| {
            let enough = sent >= GIB;
            sent += size_of(mixed, *number) as u64;
            enough
        })
        .unwrap()
}

#[test]
#[ignore = "a role that other tests start"]
fn taker() {
    let Some(sizes) = role() else { return };
    let mixed = sizes == "mixed";
    let server = Server::running();
    say("before", status_kib("VmRSS:"));
    say("port", server.port());
    assert!(listen());
    say("queued", server.figure("queued_in_bytes"));
    say("full", status_kib("VmHWM:"));
    for number in 0..count_of(mixed) {
        let message = server.receive(LONG).unwrap();
        assert_eq!((message.number(), message.data().len()), (number, size_of(mixed, number)));
    }
    say("after", status_kib("VmHWM:"));
}

fn gibibyte(mixed: bool) {
    let mut taker = Role::start("taker", if mixed { "mixed" } else { "equal" });
    let before: u64 = taker.hear("before").parse().unwrap();
    let client = Client::new();
    // Zeros, which are all that these messages hold, would fit into the sockets' buffers.
    client.set(wsaddin_client_set_compression, 0);
    assert_eq!(client.connect(taker.hear("port").parse().unwrap()), Ok(()));
    client.set(wsaddin_client_set_send_timeout, -1);
    let start = Instant::now();
    let mut told = false;
    let mut full = 0;
    for number in 0..count_of(mixed) {
        let data = numbered(number, size_of(mixed, number));
        loop {
            match client.send(&data) {
                Ok(()) => break,
                Err(code) => assert_eq!(code, QUEUE_FULL),
            }
            // Our queue is full. When nothing moves any more, the other side's are full, too, and it may begin to take.
            let waiting = client.get(wsaddin_client_get_buffered_amount);
            std::thread::sleep(Duration::from_millis(20));
            full = if waiting == client.get(wsaddin_client_get_buffered_amount) { full + 1 } else { 0 };
            if full > 25 && !told {
                told = true;
                taker.tell("take");
            }
        }
    }
    assert!(told, "1 GiB fits into no queue");
    let [queued, full, after] = ["queued", "full", "after"].map(|name| taker.hear(name).parse::<u64>().unwrap());
    println!(
        "1 GiB {}: {:.1} s; server {} MiB, with {} MiB queued at most {} MiB, at the end {} MiB",
        if mixed { "mixed" } else { "64 KiB" },
        start.elapsed().as_secs_f64(),
        before / 1024,
        queued / MIB,
        full / 1024,
        after / 1024
    );
    // One connection holds at most a quarter of the server's bound.
    assert!(queued > 14 * MIB && queued <= 17 * MIB, "{queued}");
    assert!(after.max(full) < before + (64 + 32) * 1024, "{before} {full} {after}");
}

#[test]
fn a_gibibyte_that_nobody_takes_stays_with_its_sender() {
    gibibyte(false);
}

#[test]
fn a_gibibyte_of_mixed_sizes_does_so_too() {
    gibibyte(true);
}

/// Round trips of one reader, sorted.
fn round_trips(server: &Server, peer: &mut Raw, id: u64, mut between: impl FnMut()) -> Vec<Duration> {
    let mut times: Vec<_> = (0..1000)
        .map(|number| {
            between();
            let start = Instant::now();
            server.send(id, &numbered(number, 1024)).unwrap();
            let (_, payload) = peer.read();
            peer.binary(&payload);
            assert_eq!(server.receive(LONG).unwrap().number(), number);
            start.elapsed()
        })
        .collect();
    times.sort();
    times
}

#[test]
fn a_stalled_reader_does_not_delay_the_others() {
    let server = Server::running();
    let mut fast = Raw::client(server.port(), None);
    let fast_id = server.next(OPEN, LONG).connection();
    let alone = round_trips(&server, &mut fast, fast_id, || {});
    let _slow = Raw::client(server.port(), Some(4096));
    let slow_id = server.next(OPEN, LONG).connection();
    let block = vec![0; 65_536];
    let mut refused = 0;
    // Until its queue is full; what the kernel still takes of it leaves room for some more below.
    until("its queue is full", SOON, || server.send(slow_id, &block).is_err());
    let beside =
        round_trips(&server, &mut fast, fast_id, || refused += usize::from(server.send(slow_id, &block).is_err()));
    println!(
        "p50/p99 alone {:?}/{:?}, beside a stalled reader {:?}/{:?}",
        alone[500], alone[990], beside[500], beside[990]
    );
    assert!(refused > 700, "{refused}");
    assert!(beside[990] < alone[990] * 5 + Duration::from_millis(50), "{:?} {:?}", alone[990], beside[990]);
    assert_eq!(server.count(), 2);
}

#[test]
fn a_flood_of_sends_leaves_the_thread_to_the_others() {
    let server = Server::running();
    let mut sink = Raw::client(server.port(), None);
    let sink_id = server.next(OPEN, LONG).connection();
    let other = Client::to(server.port());
    let other_id = server.next(OPEN, LONG).connection();
    let (done, ready) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut buffer = vec![0; 1 << 20];
            while !done.load(SeqCst) {
                assert!(std::io::Read::read(&mut sink.socket, &mut buffer).unwrap() > 0);
            }
        });
        scope.spawn(|| {
            while !done.load(SeqCst) {
                let _ = server.send(sink_id, b"12345678");
                ready.store(true, SeqCst);
            }
            // Something for the reader that looks at `done` once more.
            let _ = server.send(sink_id, b"12345678");
        });
        until("the flood has begun", SOON, || ready.load(SeqCst));
        let times: Vec<_> = (0..50).map(|_| server.ping(other_id, 2000)).collect();
        done.store(true, SeqCst);
        println!("slowest of 50 pings during a flood of sends: {:?} ms", times.iter().max());
        assert!(times.iter().all(Result::is_ok), "{times:?}");
    });
    assert_eq!(other.status(), 1);
}

/// Writes messages until the socket takes no more for good; how many whole ones it took before.
fn flood(mut peer: Raw, size: usize) -> (Raw, u64) {
    peer.socket.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut number = 0;
    loop {
        let frame = peer.frame(0x82, &numbered(number, size));
        if std::io::Write::write_all(&mut peer.socket, &frame).is_err() {
            return (peer, number);
        }
        number += 1;
    }
}

#[test]
fn one_flood_holds_a_quarter_and_the_others_get_through() {
    let server = Server::new();
    server.set(wsaddin_server_set_receive_queue_bytes, 4 << 20);
    server.run("127.0.0.1").unwrap();
    let flooder = Raw::client(server.port(), None);
    let flood_id = server.next(OPEN, LONG).connection();
    let (_flooder, took) = flood(flooder, 10_000);
    let held = server.figure("queued_in_bytes");
    assert!((1 << 20) - 20_000 < held && held <= 1 << 20, "{held}");
    let other = Client::to(server.port());
    for number in 0..100 {
        other.send(&numbered(number, 1000)).unwrap();
    }
    until("the other's messages are queued", SOON, || server.figure("queued_in_bytes") == held + 100_000);
    let (mut flood_next, mut other_next) = (0, 0);
    while other_next < 100 || flood_next < took {
        let message = server.receive(LONG).unwrap();
        let next = if message.connection() == flood_id { &mut flood_next } else { &mut other_next };
        assert_eq!(message.number(), *next);
        *next += 1;
    }
}
