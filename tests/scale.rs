//! Many connections and many objects cost neither threads nor descriptors nor memory that stays.

#[path = "common/flow/mod.rs"]
mod flow;

use flow::*;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// These tests look at the whole process: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(our_threads(), 0, "before the first object");
    guard
}

#[test]
fn a_thousand_connections_need_no_more_threads_than_one() {
    let _alone = alone();
    let before = descriptors();
    let server = Server::running();
    let mut clients = vec![Client::to(server.port())];
    until("one connection", SOON, || server.count() == 1);
    let threads = our_threads();
    assert_eq!(threads, 1);
    let (start, memory) = (Instant::now(), status_kib("VmRSS:"));
    clients.extend((1..1000).map(|_| Client::to(server.port())));
    until("1,000 connections", SOON, || server.count() == 1000);
    println!(
        "1,000 clients and 1,000 connections: {:?}, {} KiB for both ends of one",
        start.elapsed(),
        (status_kib("VmRSS:") - memory) / 999
    );
    assert_eq!(our_threads(), threads);
    for (number, client) in clients.iter().enumerate() {
        client.send(&numbered(number as u64, 8)).unwrap();
    }
    let mut numbers: Vec<_> = (0..1000).map(|_| server.receive(LONG).unwrap().number()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
    assert_eq!(our_threads(), threads);
    drop(clients);
    drop(server);
    assert_eq!(our_threads(), 0);
    assert_eq!(descriptors(), before);
}

#[test]
fn connecting_and_disconnecting_from_many_threads_leaves_nothing_behind() {
    let _alone = alone();
    let before = descriptors();
    let server = Server::running();
    let port = server.port();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let client = Client::new();
                for _ in 0..13 {
                    client.connect(port).unwrap();
                    client.send_text("x").unwrap();
                    assert!(client.disconnect());
                    assert_eq!((client.status(), client.close_code()), (0, 1000));
                }
            });
        }
    });
    for _ in 0..16 * 13 {
        assert_eq!(server.receive(LONG).unwrap().text(), "x");
    }
    until("all have gone", SOON, || server.count() == 0);
    assert_eq!(our_threads(), 1);
    drop(server);
    assert_eq!((our_threads(), descriptors()), (0, before));
}

#[test]
fn two_thousand_objects_leave_nothing_behind() {
    let _alone = alone();
    let keeper = Client::new();
    let round = || {
        let (server, client) = (Server::running(), Client::new());
        client.connect(server.port()).unwrap();
        client.send(&[1; 1000]).unwrap();
        server.receive(LONG).unwrap();
    };
    (0..200).for_each(|_| round());
    let (memory, open) = (status_kib("VmRSS:"), descriptors());
    (0..1000).for_each(|_| round());
    let grown = status_kib("VmRSS:").saturating_sub(memory);
    println!("2,000 objects with a connection each: {grown} KiB more");
    assert!(grown < 2048, "{grown} KiB");
    assert_eq!((our_threads(), descriptors()), (1, open));
    drop(keeper);
    assert_eq!(our_threads(), 0);
    // And with the threads starting and ending each time.
    let memory = status_kib("VmRSS:");
    (0..200).for_each(|_| round());
    assert!(status_kib("VmRSS:").saturating_sub(memory) < 2048);
    assert_eq!(our_threads(), 0);
}

#[test]
fn four_io_threads_keep_the_order_of_each_connection() {
    const COUNT: u64 = 2000;
    let _alone = alone();
    let server = Server::new();
    server.set(wsaddin_server_set_io_threads, 4);
    server.run("127.0.0.1").unwrap();
    until("four threads", SOON, || our_threads() == 4);
    let clients: Vec<_> = (0..8).map(|_| Client::to(server.port())).collect();
    std::thread::scope(|scope| {
        for client in &clients {
            scope.spawn(|| (0..COUNT).for_each(|number| client.send(&numbered(number, 100)).unwrap()));
        }
        let mut next = [0; 9];
        for _ in 0..8 * COUNT {
            let message = server.receive(LONG).unwrap();
            let id = message.connection();
            assert_eq!(message.number(), next[usize::try_from(id).unwrap()]);
            next[usize::try_from(id).unwrap()] += 1;
            server.send(id, message.data()).unwrap();
        }
        for client in &clients {
            (0..COUNT).for_each(|number| assert_eq!(client.receive(LONG).unwrap().number(), number));
        }
    });
    server.stop();
    // The threads that nobody asks for any more end with the server's run.
    assert_eq!(our_threads(), 1);
    server.set(wsaddin_server_set_io_threads, 1);
    server.run("127.0.0.1").unwrap();
    drop(Client::to(server.port()));
    assert_eq!(our_threads(), 1);
    drop(clients);
    drop(server);
    assert_eq!(our_threads(), 0);
}

#[test]
fn silent_connections_leave_no_events_while_a_receiver_waits() {
    let _alone = alone();
    let server = Server::running();
    std::thread::scope(|scope| {
        let (ready, id) = std::sync::mpsc::channel();
        let receiver = scope.spawn({
            let server = &server;
            move || {
                ready.send(thread_id()).unwrap();
                server.receive(0).err()
            }
        });
        until_asleep(id.recv().unwrap());
        for _ in 0..100 {
            let mut probe = Raw::client(server.port(), None);
            probe.close(1000);
            assert_eq!(probe.read_close(), 1000);
        }
        until("all have gone", SOON, || server.count() == 0 && server.figure("connects") == 100);
        server.stop();
        assert_eq!(receiver.join().unwrap(), Some(CLOSED));
    });
    assert_eq!(server.receive_event(NOW).err(), Some(CLOSED), "nothing was kept");
}

#[test]
fn run_and_stop_from_two_threads_always_end() {
    let _alone = alone();
    let server = Server::new();
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| (0..20_000).filter(|_| server.run("127.0.0.1").is_ok()).count());
        scope.spawn(|| (0..20_000).for_each(|_| server.stop()));
    });
    server.stop();
    assert!(start.elapsed() < Duration::from_secs(60));
    assert_eq!(server.get(wsaddin_server_get_port), 0);
    server.run("127.0.0.1").unwrap();
    Client::to(server.port());
}
