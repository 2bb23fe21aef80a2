//! A good client beside an attack.

use crate::face::{Got, Server};
use crate::raw::{self, BINARY, FIN};
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// What the good client's echoes may take, as the median of all rounds.
const P50: Duration = Duration::from_millis(2);
const P99: Duration = Duration::from_millis(50);
/// On a machine that is twice as slow as most they may take longer: so many times what an echo takes there while nobody
/// attacks.
const SLOWED: [u32; 2] = [10, 250];
/// What a single round may take on a machine that is busy with other things.
const WORST_P50: Duration = Duration::from_millis(500);
const WORST_P99: Duration = Duration::from_secs(3);
/// Echoes of a round, and the pause between two.
const ECHOES: usize = 300;
/// A round ends by then, however few it had.
const ROUND: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_micros(500);
/// Rounds at least, and, where the median is not good enough yet, at most.
const ROUNDS: usize = 5;
const MOST: usize = 15;

/// Tells an attack whether it is to go on.
pub struct Going(AtomicBool);

impl Going {
    pub fn on(&self) -> bool {
        self.0.load(SeqCst)
    }
}

/// Runs `attack` while the host echoes and a good client measures. Gives what the attack gave.
///
/// An attack that goes on until it is told to stop is measured for a number of rounds, one that ends by itself until
/// then. Messages of others than the good client are taken and dropped.
pub fn beside<T: Send>(what: &str, server: &Server, attack: impl FnOnce(&Going) -> T + Send) -> T {
    let going = Going(AtomicBool::new(true));
    let serving = AtomicBool::new(true);
    let (gave, rounds, limits) = std::thread::scope(|scope| {
        scope.spawn(|| echo(server, &serving));
        let mut good = raw::client(server.port());
        // The first ones pay for what is set up once.
        for _ in 0..50 {
            once(&mut good);
        }
        let mut quiet: Vec<Duration> = (0..ECHOES).map(|_| spaced(&mut good)).collect();
        quiet.sort();
        let quiet = quiet[ECHOES / 2];
        let limits = [P50.max(quiet * SLOWED[0]), P99.max(quiet * SLOWED[1])];
        let attacking = scope.spawn(|| {
            // Whatever becomes of it, the measuring ends.
            let _end = Ending(&going);
            attack(&going)
        });
        let mut rounds: Vec<[Duration; 2]> = Vec::new();
        while !attacking.is_finished() {
            let (mut times, begun): (Vec<Duration>, _) = (Vec::new(), Instant::now());
            while times.len() < ECHOES && begun.elapsed() < ROUND && (times.is_empty() || !attacking.is_finished()) {
                times.push(spaced(&mut good));
            }
            // What is left of a round when the attack ends is no round, unless it is the only one.
            if times.len() == ECHOES || rounds.is_empty() || begun.elapsed() >= ROUND {
                times.sort();
                rounds.push([times[times.len() / 2], times[(times.len() * 99 / 100).min(times.len() - 1)]]);
            }
            if rounds.len() >= MOST || rounds.len() >= ROUNDS && is_within(median(&rounds), limits) {
                going.0.store(false, SeqCst);
            }
        }
        serving.store(false, SeqCst);
        // An attack that failed says why, rather than what it did to the echoes.
        (attacking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), rounds, limits)
    });
    let [p50, p99] = median(&rounds);
    let worst = rounds.iter().map(|[_, p99]| *p99).max().unwrap_or_default();
    println!(
        "{what}: an echo beside it takes {p50:?} (p50), {p99:?} (p99; worst round {worst:?}), {} rounds; {limits:?} are allowed",
        rounds.len()
    );
    assert!(is_within([p50, p99], limits), "{what}: more than {limits:?}: {rounds:?}");
    assert!(rounds.iter().all(|[p50, p99]| *p50 < WORST_P50 && *p99 < WORST_P99), "{what}: {rounds:?}");
    gave
}

struct Ending<'a>(&'a Going);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.0.store(false, SeqCst);
    }
}

fn is_within(took: [Duration; 2], limits: [Duration; 2]) -> bool {
    took.iter().zip(limits).all(|(took, limit)| *took <= limit)
}

fn median(rounds: &[[Duration; 2]]) -> [Duration; 2] {
    [0, 1].map(|which| {
        let mut all: Vec<Duration> = rounds.iter().map(|round| round[which]).collect();
        all.sort();
        all[(all.len() - 1) / 2]
    })
}

/// The host: gives back what the good client sends.
fn echo(server: &Server, serving: &AtomicBool) {
    while serving.load(SeqCst) {
        if let Got::Event(message) = server.receive(100).unwrap()
            && message.data.starts_with(b"good")
        {
            server.send_binary(message.connection, &message.data).unwrap();
        }
    }
}

/// There and back, and a pause.
fn spaced(good: &mut TcpStream) -> Duration {
    let took = once(good);
    std::thread::sleep(PAUSE);
    took
}

/// There and back.
pub fn once(good: &mut TcpStream) -> Duration {
    let frame = raw::frame(FIN | BINARY, true, b"good client");
    let begun = Instant::now();
    good.write_all(&frame).unwrap();
    let answer = raw::read_frame(good);
    let took = begun.elapsed();
    assert_eq!(answer, Some((FIN | BINARY, b"good client".to_vec())), "after {took:?}");
    took
}
