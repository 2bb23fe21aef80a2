//! Five hundred clients of one process that lose their server at the same moment.

#[path = "common/face.rs"]
mod face;
#[path = "common/raw.rs"]
mod raw;

use face::Client;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const CLIENTS: usize = 500;
/// How many may dial one address at the same time.
const AT_A_TIME: usize = 32;

#[derive(Default)]
struct Seen {
    /// Accepted and not yet answered, now and at most.
    shaking_hands: usize,
    most: usize,
    arrivals: Vec<Instant>,
    open: Vec<TcpStream>,
}

/// Answers each handshake after a while, and keeps the connection.
fn serve(hold: Duration) -> (String, Arc<Mutex<Seen>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // All at once is what must not come, but must not be hidden by the backlog if it does.
    socket2::SockRef::from(&listener).listen(4096).unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Seen::default()));
    let place = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut now = place.lock().unwrap();
            now.arrivals.push(Instant::now());
            now.shaking_hands += 1;
            now.most = now.most.max(now.shaking_hands);
            drop(now);
            let place = place.clone();
            std::thread::spawn(move || {
                raw::patient(&stream);
                let head = raw::read_head(&mut stream);
                std::thread::sleep(hold);
                let mut now = place.lock().unwrap();
                // Before the client can know, so that no later dial is counted with this one.
                now.shaking_hands -= 1;
                stream.write_all(raw::accept(&head, "").as_bytes()).unwrap();
                now.open.push(stream);
            });
        }
    });
    (url, seen)
}

fn until(what: &str, mut met: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !met() {
        assert!(Instant::now() < deadline, "it did not come: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Connects all, lets the server drop them, and waits until all are back; what was seen then, and since when.
fn lose_all(hold: Duration, set: impl Fn(&Client)) -> (Arc<Mutex<Seen>>, Instant) {
    let (url, seen) = serve(hold);
    let clients: Vec<Client> = (0..CLIENTS).map(|_| Client::new()).collect();
    for client in &clients {
        set(client);
        // The deadline of a dial must not run while it waits for its turn.
        client.connect_timeout(60_000).close_timeout(0).begin_connect(&url).unwrap();
    }
    until("all are connected", || clients.iter().all(|client| client.status() == 1));
    let all = {
        let mut now = seen.lock().unwrap();
        (now.most, now.arrivals) = (0, Vec::new());
        std::mem::take(&mut now.open)
    };
    assert_eq!(all.len(), CLIENTS);
    clients.iter().for_each(|client| {
        client.connect_timeout(5_000);
    });
    let start = Instant::now();
    drop(all);
    until("all are back", || clients.iter().all(|client| client.statistics()["reconnects"] == 1));
    (seen, start)
}

/// Both ends of all connections, in one process: one test at a time, and more descriptors than usual.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a live place for the limits.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit), 0);
        limit.rlim_cur = limit.rlim_max.min(16_384);
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
    }
    guard
}

#[test]
fn come_back_spread_over_the_jitter() {
    let _alone = alone();
    const SPREAD: Duration = Duration::from_secs(2);
    let mut tries = 0;
    loop {
        let (seen, start) = lose_all(Duration::from_millis(5), |client| {
            client.reconnect_interval(SPREAD.as_millis() as i64).reconnect_max_interval(60_000);
        });
        let seen = seen.lock().unwrap();
        assert!(seen.most <= AT_A_TIME, "{} at a time", seen.most);
        let mut eighths = [0; 8];
        for arrival in &seen.arrivals {
            let at = arrival.duration_since(start).as_millis() * 8 / SPREAD.as_millis();
            eighths[(at as usize).min(7)] += 1;
        }
        eprintln!("{CLIENTS} back, by eighths of {SPREAD:?}: {eighths:?}; at most {} dials at a time", seen.most);
        // 62 are expected in each, give or take 8. A stall of the machine moves some into the next.
        if eighths.iter().all(|count| (20..=120).contains(count)) {
            break;
        }
        tries += 1;
        assert!(tries < 3, "{eighths:?}");
    }
}

#[test]
fn dial_a_bounded_number_at_a_time_even_without_jitter() {
    let _alone = alone();
    let hold = Duration::from_millis(100);
    let (seen, start) = lose_all(hold, |client| {
        client.reconnect_interval(1);
    });
    let seen = seen.lock().unwrap();
    eprintln!("{CLIENTS} back after {:?}, {} dials at a time", start.elapsed(), seen.most);
    assert_eq!(seen.most, AT_A_TIME);
    assert_eq!(seen.arrivals.len(), CLIENTS, "one dial each: waiting for a turn is no failure");
    let least = hold * u32::try_from(CLIENTS / AT_A_TIME).unwrap();
    assert!(start.elapsed() >= least);
}
