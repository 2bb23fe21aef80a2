//! No descriptors left: the connections that are there go on, the others wait, and the CPU rests meanwhile.

use crate::bystander::once;
use crate::face::*;
use crate::flow::{Role, listen, role, say};
use crate::{alone, raw};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// What the server's process may still open when the limit is set; each connection is one.
const LEFT: usize = 40;
const CROWD: usize = 200;
/// How long the CPU is watched.
const WATCH: Duration = Duration::from_secs(2);

/// CPU time of a whole process, user and system.
fn cpu(process: i32) -> Duration {
    let mut clock = 0;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a child of ours that lives, and places for the clock and the time.
    unsafe {
        assert_eq!(libc::clock_getcpuclockid(process, &raw mut clock), 0);
        assert_eq!(libc::clock_gettime(clock, &raw mut time), 0);
    }
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

/// Lets this process open about `more` descriptors beside those it has; how many really, because numbers count, which
/// have holes.
fn limit_descriptors(more: usize) -> usize {
    let open = || std::fs::File::open("/dev/null");
    let next = open().unwrap().as_raw_fd();
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a place for the limit, then a limit that was read.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit), 0);
        limit.rlim_cur = libc::rlim_t::try_from(next).unwrap() + more as libc::rlim_t;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
    }
    let all: Vec<_> = std::iter::from_fn(|| open().ok()).collect();
    all.len()
}

#[test]
#[ignore = "the server's process of the test below"]
fn server_with_few_descriptors() {
    if role().is_none() {
        return;
    }
    let server = Server::running();
    say("port", server.port());
    let serving = AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while serving.load(SeqCst) {
                if let Got::Event(message) = server.receive(100).unwrap() {
                    server.send_binary(message.connection, &message.data).unwrap();
                }
            }
        });
        // The good client is there by now.
        assert!(listen());
        say("limited", limit_descriptors(LEFT));
        while listen() {
            say("count", server.connection_count());
        }
        serving.store(false, SeqCst);
    });
}

fn count(server: &mut Role) -> usize {
    server.tell("count");
    server.hear("count").parse().unwrap()
}

/// Whether the server has accepted it and shaken hands by now.
fn is_in(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let there = matches!(stream.peek(&mut [0]), Ok(1));
    stream.set_nonblocking(false).unwrap();
    there
}

#[test]
fn the_accept_queue_with_no_descriptors_left() {
    let _alone = alone();
    let mut server = Role::start("descriptors::server_with_few_descriptors", "server");
    let port: u16 = server.hear("port").parse().unwrap();
    let mut good = raw::client(port);
    once(&mut good);
    server.tell("limit");
    let left: usize = server.hear("limited").parse().unwrap();
    assert!((1..CROWD / 2).contains(&left), "{left}");
    let mut crowd: Vec<TcpStream> = (0..CROWD)
        .map(|_| {
            // The kernel takes them all, up to the backlog; the server only some.
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            raw::patient(&stream);
            std::io::Write::write_all(&mut stream, raw::request(port, "").as_bytes()).unwrap();
            stream
        })
        .collect();
    until("the descriptors are used up", || count(&mut server) == left + 1);
    // It does not spin: the accept queue is not empty all the time.
    let (begun, before) = (Instant::now(), cpu(server.id()));
    let mut slowest = Duration::ZERO;
    while begun.elapsed() < WATCH {
        slowest = slowest.max(once(&mut good));
        std::thread::sleep(Duration::from_millis(50));
    }
    let share = (cpu(server.id()) - before).as_secs_f64() / begun.elapsed().as_secs_f64();
    println!("without descriptors: {:.1} % of a CPU, an echo takes {slowest:?} at most", share * 100.0);
    assert!(share < 0.1, "{share}");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    assert_eq!(count(&mut server), left + 1);
    // As some go, as many come in, without another newcomer that would ring.
    let mut served = 0;
    while !crowd.is_empty() {
        let (inside, waiting): (Vec<_>, Vec<_>) = crowd.into_iter().partition(is_in);
        served += inside.len();
        drop(inside);
        crowd = waiting;
        let begun = Instant::now();
        while !crowd.is_empty() && !crowd.iter().any(is_in) {
            assert!(begun.elapsed() < Duration::from_secs(20), "{} are not let in", crowd.len());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    assert_eq!(served, CROWD);
    until("all have gone", || count(&mut server) == 1);
    once(&mut good);
    // And newcomers find it as before.
    once(&mut raw::client(port));
}
