//! What a large JSON message costs everybody while a request waits: a look at its bytes on the request's own thread, and
//! no memory but its own. Alone in its process, because it looks at that.
#![cfg(target_os = "linux")]

#[path = "common/flow/mod.rs"]
mod flow;

use flow::*;
use std::io::Write;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Streams an object of about so many bytes, which has no field `id` at its top level.
fn stream_json(peer: &mut Raw, size: usize) {
    const CHUNK: usize = 64 * 1024;
    let (head, tail) = (br#"{"ids":[{"id":1},"#, br"0]}");
    let body = size / CHUNK * CHUNK;
    let mut frame = vec![0x81, 127];
    frame.extend(((head.len() + body + tail.len()) as u64).to_be_bytes());
    frame.extend(head);
    peer.socket.write_all(&frame).unwrap();
    let chunk = b"0,".repeat(CHUNK / 2);
    (0..body / CHUNK).for_each(|_| peer.socket.write_all(&chunk).unwrap());
    peer.socket.write_all(tail).unwrap();
}

fn connected() -> (Client, Raw) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client::new();
    let port = listener.local_addr().unwrap().port();
    let peer = std::thread::scope(|scope| {
        let peer = scope.spawn(|| Raw::accept(&listener));
        client.connect(port).unwrap();
        peer.join().unwrap()
    });
    (client, peer)
}

/// The longest of many such steps, until `ends`.
fn longest(ends: &AtomicBool, mut step: impl FnMut()) -> Duration {
    let mut longest = Duration::ZERO;
    while !ends.load(SeqCst) {
        let begun = Instant::now();
        step();
        longest = longest.max(begun.elapsed());
    }
    longest
}

#[test]
fn it_holds_up_nobody_and_takes_no_memory() {
    let _alone = alone();
    let server = Server::running();
    let other = Client::to(server.port());
    let server = &server;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while let Ok(message) = server.receive(0) {
                server.send(message.connection(), message.data()).unwrap();
            }
        });
        for mib in [1_usize, 16, 60] {
            let (client, mut peer) = connected();
            let client = &client;
            let ends = AtomicBool::new(false);
            std::thread::scope(|scope| {
                let asks = scope.spawn(|| client.request("{\"id\":1}", 0, "id", "").unwrap().text().to_owned());
                peer.read();
                let echoes = scope.spawn(|| {
                    longest(&ends, || {
                        other.send(b"echo").unwrap();
                        other.receive(LONG).unwrap();
                    })
                });
                let figures = scope.spawn(|| longest(&ends, || assert!(client.queued() <= 1)));
                std::fs::write("/proc/self/clear_refs", "5").unwrap();
                let before = status_kib("VmRSS:");
                stream_json(&mut peer, mib << 20);
                let begun = Instant::now();
                peer.write(0x81, b"{\"id\":1.0}");
                assert_eq!(asks.join().unwrap(), "{\"id\":1.0}");
                let took = begun.elapsed();
                ends.store(true, SeqCst);
                let more = usize::try_from(status_kib("VmHWM:").saturating_sub(before) / 1024).unwrap();
                let (echo, figure) = (echoes.join().unwrap(), figures.join().unwrap());
                println!("{mib} MiB: {more} MiB more, looked at in {took:?}; echo {echo:?}, figure {figure:?}");
                assert!(more <= mib * 5 / 4 + 16, "{more} MiB");
                assert!(echo < Duration::from_secs(1) && figure < Duration::from_secs(1));
            });
            let message = client.receive(LONG).unwrap();
            assert!(message.data().len() >= mib << 20, "it is an ordinary message");
        }
        server.stop();
    });
}

#[test]
fn an_end_does_not_wait_for_it() {
    let _alone = alone();
    for _ in 0..3 {
        let (client, mut peer) = connected();
        std::thread::scope(|scope| {
            let asks = scope.spawn(|| (client.request("{\"id\":1}", 0, "id", "").err(), Instant::now()));
            peer.read();
            let answers = scope.spawn(|| {
                stream_json(&mut peer, 60 << 20);
                // The whole message has been read when this is answered.
                peer.write(0x89, b"?");
                while peer.read().0 != 0x8a {}
                let begun = Instant::now();
                let closes = scope.spawn(|| {
                    client.disconnect();
                });
                assert_eq!(peer.read_close(), 1000);
                peer.close(1000);
                closes.join().unwrap();
                (begun, begun.elapsed())
            });
            let (begun, closed) = answers.join().unwrap();
            let (code, ended) = asks.join().unwrap();
            assert_eq!(code, Some(CANCELLED));
            let ended = ended.saturating_duration_since(begun);
            println!("the request ended after {ended:?}, the connection after {closed:?}");
            assert!(ended < Duration::from_secs(1) && closed < Duration::from_secs(1));
        });
    }
}
