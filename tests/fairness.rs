//! One client floods, 99 others send now and then, and the host takes its time for each message: how long the others wait.

mod common {
    pub mod face;
    pub mod raw;
}

use common::face::*;
use common::raw;
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

const OTHERS: usize = 99;

/// A server whose connections may have so many messages waiting, one that floods it, and 99 others.
struct Scene {
    server: Server,
    flood: TcpStream,
    flooder: u64,
    others: Vec<Client>,
}

impl Scene {
    fn new(part: i64) -> Self {
        let server = Server::running();
        server.connection_queue_messages(part);
        let flood = raw::client(server.port());
        let flooder = server.opened();
        let others = (0..OTHERS).map(|_| {
            let client = Client::new();
            client.connect(&server.url()).unwrap();
            client.expect(WSADDIN_EVENT_OPEN);
            server.opened();
            client
        });
        let others = others.collect();
        Self { server, flood, flooder, others }
    }

    /// Floods for as long as `work` takes.
    fn during(&self, work: impl FnOnce()) {
        std::thread::scope(|scope| {
            let mut writing = self.flood.try_clone().unwrap();
            scope.spawn(move || {
                let wire: Vec<u8> = (0..1000).flat_map(|_| raw::frame(0x82, true, b"flood")).collect();
                while writing.write_all(&wire).is_ok() {}
            });
            work();
            self.flood.shutdown(Shutdown::Both).unwrap();
        });
    }
}

/// In front of another's message lie no more of the flooder's than its part of the queue, and the others' that came before.
#[test]
fn a_message_waits_behind_no_more_than_the_flooders_part() {
    for part in [1, 16, 1024] {
        let scene = Scene::new(part);
        let server = &scene.server;
        scene.during(|| {
            until("its part is full", || server.queued() == part);
            for round in 0..3 {
                for client in &scene.others {
                    client.send(&round.to_string()).unwrap();
                }
                // The host takes nothing meanwhile: what comes now lies behind what is there.
                until("all have sent", || server.queued() == part + OTHERS as i64);
                let mut before = [0, 0];
                while before[1] < OTHERS {
                    let event = server.receive(SOON).unwrap().event();
                    if event.connection == scene.flooder {
                        before[0] += 1;
                        continue;
                    }
                    assert_eq!(event.text(), round.to_string());
                    before[1] += 1;
                    // What the flooder sends meanwhile lies behind them.
                    assert!(before[0] <= part as usize, "{before:?} of {part}");
                }
                until("its part is full again", || server.queued() == part);
            }
        });
    }
}

/// Takes messages, each for so long, and answers the others until it is told to end.
fn host(scene: &Scene, work: Duration, over: &AtomicBool) {
    while !over.load(SeqCst) {
        let Ok(Got::Event(event)) = scene.server.receive(100) else { continue };
        std::thread::sleep(work);
        if event.connection != scene.flooder {
            scene.server.send(event.connection, event.text()).unwrap();
        }
    }
}

/// Median, 99th percentile and longest of the others' waits in so many seconds, when each sends once in `every`.
fn waits(scene: &Scene, work: Duration, every: Duration, seconds: u64) -> [Duration; 3] {
    let over = AtomicBool::new(false);
    let mut times = Vec::new();
    scene.during(|| {
        std::thread::scope(|scope| {
            scope.spawn(|| host(scene, work, &over));
            let begun = Instant::now();
            let mut due: Vec<Duration> = (0..OTHERS as u32).map(|at| every * at / OTHERS as u32).collect();
            let mut sent: Vec<Option<Instant>> = vec![None; OTHERS];
            while begun.elapsed() < Duration::from_secs(seconds) || sent.iter().any(Option::is_some) {
                let sending = begun.elapsed() < Duration::from_secs(seconds);
                for (at, client) in scene.others.iter().enumerate() {
                    if sending && sent[at].is_none() && begun.elapsed() >= due[at] {
                        client.send("a question").unwrap();
                        (sent[at], due[at]) = (Some(Instant::now()), due[at] + every);
                    }
                    if sent[at].is_some() && matches!(client.receive(-1), Ok(Got::Event(_))) {
                        times.push(sent[at].take().unwrap().elapsed());
                    }
                }
                std::thread::sleep(Duration::from_micros(200));
            }
            over.store(true, SeqCst);
        });
    });
    times.sort();
    [times[times.len() / 2], times[times.len() * 99 / 100], times[times.len() - 1]]
}

/// A table of waits, beside what the part explains: `part` messages of the flooder and what the others send meanwhile.
#[test]
#[ignore = "a measurement: cargo test --release --test fairness -- --ignored --nocapture"]
fn the_waits_of_others() {
    println!(
        "| work a message | others send | part | median | p99 | longest | explained |\n|---|---|---|---|---|---|---|"
    );
    for (work, every) in [(1, 1), (20, 10)] {
        for part in [1, 16, 1024] {
            // Of 20 ms each the default takes longer than anybody watches.
            if work == 20 && part == 1024 {
                continue;
            }
            let scene = Scene::new(part);
            let (work, every) = (Duration::from_millis(work), Duration::from_secs(every));
            let [median, late, longest] = waits(&scene, work, every, if every.as_secs() == 1 { 10 } else { 30 });
            let load = OTHERS as f64 * work.as_secs_f64() / every.as_secs_f64();
            let explained = work.mul_f64((part + 1) as f64 / (1.0 - load));
            println!(
                "| {work:?} | once in {every:?} | {part} | {median:.1?} | {late:.1?} | {longest:.1?} | {explained:.1?} |"
            );
        }
    }
}
