//! How much plain HTTP costs, and whom. Figures are meant for a quiet machine and an optimised build:
//! `cargo test --release --test plain_http -- --ignored --nocapture --test-threads 1`

use crate::common::{self, Scratch};
use crate::face::*;
use crate::raw::{self, BINARY, FIN};
use crate::web::Web;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

const REQUEST: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\nUser-Agent: balancer\r\nAccept: */*\r\n\r\n";

/// Answers a second on 64 connections that ask again and again, from one thread.
fn rate(port: u16) -> f64 {
    let mut all: Vec<TcpStream> = (0..64).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    all.iter().for_each(raw::patient);
    let mut buffer = [0; 4096];
    let (mut count, begun) = (0_u64, Instant::now());
    while begun.elapsed() < Duration::from_secs(1) {
        for stream in &mut all {
            stream.write_all(REQUEST).unwrap();
        }
        for stream in &mut all {
            let mut got = 0;
            while !buffer[..got].ends_with(b"\"ok\"}") {
                let size = stream.read(&mut buffer[got..]).unwrap();
                assert!(size > 0);
                got += size;
            }
            count += 1;
        }
    }
    count as f64 / begun.elapsed().as_secs_f64()
}

/// Beside the least that a server on epoll can do, in turns.
#[test]
#[ignore = "measures"]
fn health_beside_a_plain_epoll_server() {
    let scratch = Scratch::new("plain-http-rates");
    let program = scratch.path().join("epoll");
    common::compile(
        "cc",
        &["-O2", "-D_GNU_SOURCE"],
        &[&common::root().join("tests/plain_http/epoll.c")],
        Some(&program),
    );
    let mut other = Command::new(&program).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(other.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port = line.trim().strip_prefix("port ").unwrap().parse().unwrap();
    let server = Server::new();
    server.set_health_path("/health").unwrap();
    server.run("127.0.0.1", 0).unwrap();
    let mut ratios: Vec<f64> = (0..9)
        .map(|_| {
            let (theirs, ours) = (rate(port), rate(server.port()));
            println!("epoll {theirs:.0}/s, ours {ours:.0}/s: {:.2}", ours / theirs);
            ours / theirs
        })
        .collect();
    other.kill().unwrap();
    other.wait().unwrap();
    ratios.sort_by(f64::total_cmp);
    println!("median {:.2}", ratios[4]);
    assert!(ratios[4] >= 0.5);
}

/// Echoes what comes, until told to stop.
fn serve(server: &Server, stop: &AtomicBool) {
    while !stop.load(Relaxed) {
        if let Got::Event(message) = server.receive(100).unwrap() {
            let _ = server.send_binary(message.connection, &message.data);
        }
    }
}

/// There and back on one connection after the other, a pause in between: the sorted times.
fn echo(all: &mut [TcpStream], time: Duration) -> Vec<Duration> {
    let frame = raw::frame(FIN | BINARY, true, b"echo");
    let (mut times, begun) = (Vec::new(), Instant::now());
    while begun.elapsed() < time {
        for stream in &mut *all {
            let sent = Instant::now();
            stream.write_all(&frame).unwrap();
            assert!(raw::read_frame(stream).is_some());
            times.push(sent.elapsed());
            std::thread::sleep(Duration::from_micros(200));
        }
    }
    times.sort();
    times
}

fn controlled() -> Server {
    let server = Server::new();
    server.set_control_path("/control").unwrap();
    server.set_control_token("t").unwrap();
    server.set_name_parameter("name").unwrap();
    server.max_connections(20_000).ping_interval(0);
    server.run("127.0.0.1", 0).unwrap();
    server
}

fn clients(server: &Server, count: usize) -> Vec<TcpStream> {
    let one = |number| {
        let mut stream = raw::knock(server.port(), &format!("/?name=id:{number}"), "");
        assert!(raw::read_head(&mut stream).starts_with("HTTP/1.1 101 "));
        stream
    };
    (0..count).map(one).collect()
}

/// What echoes take, without and with a thousand control requests a second, in turns.
#[test]
#[ignore = "measures"]
fn echoes_beside_control() {
    let server = controlled();
    let mut all = clients(&server, 1000);
    let mut target = raw::knock(server.port(), "/?name=target", "");
    raw::read_head(&mut target);
    let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| serve(&server, &stop));
        scope.spawn(|| while raw::read_frame(&mut target).is_some() {});
        let mut p99 = [Vec::new(), Vec::new()];
        for _ in 0..5 {
            for (at, busy) in [false, true].into_iter().enumerate() {
                let going = AtomicBool::new(busy);
                let times = std::thread::scope(|scope| {
                    scope.spawn(|| {
                        let mut web = Web::new(server.port());
                        let begun = Instant::now();
                        for number in 0.. {
                            if !going.load(Relaxed) {
                                return;
                            }
                            let head = "Authorization: Bearer t\r\nContent-Length: 2\r\n";
                            web.send(format!("POST /control/send?name=target HTTP/1.1\r\nHost: x\r\n{head}\r\nhi"));
                            assert_eq!(web.answer(false).status, 200);
                            sent.fetch_add(1, Relaxed);
                            std::thread::sleep(Duration::from_millis(number).saturating_sub(begun.elapsed()));
                        }
                    });
                    let times = echo(&mut all, Duration::from_secs(2));
                    going.store(false, Relaxed);
                    times
                });
                let at_99 = times[times.len() * 99 / 100];
                println!("control {busy}: p50 {:?}, p99 {at_99:?} of {}", times[times.len() / 2], times.len());
                p99[at].push(at_99);
            }
        }
        stop.store(true, Relaxed);
        println!("{} control requests", sent.load(Relaxed));
        let [quiet, busy] = p99.map(|mut all| {
            all.sort();
            all[2]
        });
        println!("median p99 without {quiet:?}, with {busy:?}");
        server.stop().unwrap();
        assert!(busy < quiet * 3 + Duration::from_millis(1));
    });
}

/// Ten thousand named connections are listed without holding an echo up for long.
#[test]
#[ignore = "measures; needs 20,100 descriptors"]
fn a_long_list_holds_nobody_up() {
    let server = controlled();
    let mut all = clients(&server, 10_000);
    let (stop, listing) = (AtomicBool::new(false), AtomicBool::new(true));
    std::thread::scope(|scope| {
        scope.spawn(|| serve(&server, &stop));
        let quiet = echo(&mut all[..1], Duration::from_secs(2));
        let asked = scope.spawn(|| {
            let mut web = Web::new(server.port());
            let mut lists = 0;
            while listing.load(Relaxed) {
                for what in ["connections", "names", "metrics"] {
                    let answer = web.ask("GET", &format!("/control/{what}"), "Authorization: Bearer t\r\n");
                    assert_eq!(answer.status, 200);
                    assert!(what == "metrics" || answer.body.len() > 1_000_000);
                }
                lists += 1;
            }
            lists
        });
        let times = echo(&mut all[..1], Duration::from_secs(5));
        listing.store(false, Relaxed);
        let lists = asked.join().unwrap();
        stop.store(true, Relaxed);
        let last = |times: &[Duration]| (times[times.len() / 2], times[times.len() * 99 / 100], times[times.len() - 1]);
        println!("{lists} lists; echo p50, p99, worst: without {:?}, beside {:?}", last(&quiet), last(&times));
        server.stop().unwrap();
        assert!(lists > 0 && times[times.len() * 99 / 100] < Duration::from_millis(5));
    });
}
