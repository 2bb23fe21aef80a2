//! Answers of a host thread that works off its queue: none waits for what the host does next.

mod common {
    pub mod face;
}

use common::face::*;
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// Far more than an answer needs, far less than the hosts here wait.
const PROMPT: Duration = Duration::from_millis(100);
const ROUNDS: usize = 21;

/// A server with `count` messages waiting from a client that has just sent them, round after round; `host` answers one
/// of them. How long that answer took, as a rule.
fn median(count: usize, host: impl Fn(&Server, u64)) -> Duration {
    let server = Server::running();
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    let mut times: Vec<_> = (0..ROUNDS)
        .map(|round| {
            for number in 0..count {
                client.send(&format!("{round}:{number}")).unwrap();
            }
            until("all have come", || server.queued() == count as i64);
            let first = server.receive(SOON).unwrap().event();
            assert_eq!(first.text(), format!("{round}:0"));
            let begun = Instant::now();
            host(&server, first.connection);
            assert_eq!(client.receive(SOON).unwrap().event().text(), "answer");
            let time = begun.elapsed();
            for number in 1..count {
                assert_eq!(server.receive(SOON).unwrap().event().text(), format!("{round}:{number}"));
            }
            time
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}

#[test]
fn an_answer_leaves_though_the_host_takes_its_time_for_the_rest() {
    let answer = |server: &Server, connection| assert!(server.send(connection, "answer").unwrap());
    for count in [1, 2, 50] {
        let time = median(count, answer);
        assert!(time < PROMPT, "{count} messages: {time:?}");
    }
}

#[test]
fn what_another_thread_sends_does_not_wait_either() {
    let answer = |server: &Server, connection| {
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(server.send(connection, "answer").unwrap()));
        });
    };
    let time = median(10, answer);
    assert!(time < PROMPT, "{time:?}");
}

#[test]
fn answers_leave_before_the_host_waits() {
    let server = Server::running();
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    let waits: [fn(&Server); 3] = [
        |server| assert!(matches!(server.receive(WSADDIN_NO_WAIT).unwrap(), Got::Timeout)),
        |server| assert!(matches!(server.receive(300).unwrap(), Got::Timeout)),
        |server| assert_eq!(wait_any(&[server.0.id], 300).unwrap(), None),
    ];
    for wait in waits {
        let mut times = Vec::new();
        for _ in 0..5 {
            for number in 0..20 {
                client.send(&number.to_string()).unwrap();
            }
            until("all have come", || server.queued() == 20);
            for _ in 0..20 {
                let message = server.receive(SOON).unwrap().event();
                // The last one is answered by the wait that follows, or not at all.
                if message.text() != "19" {
                    assert!(server.send(message.connection, message.text()).unwrap());
                }
            }
            std::thread::scope(|scope| {
                let begun = Instant::now();
                scope.spawn(|| wait(&server));
                for number in 0..19 {
                    assert_eq!(client.receive(SOON).unwrap().event().text(), number.to_string());
                }
                times.push(begun.elapsed());
            });
        }
        times.sort();
        assert!(times[2] < PROMPT, "{times:?}");
    }
}

#[test]
fn several_hosts_answer_everything_once() {
    const EACH: usize = 500;
    let server = Server::running();
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let client = Client::new();
            client.connect(&server.url()).unwrap();
            client
        })
        .collect();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Got::Event(message) = server.receive(SOON).unwrap() {
                    assert!(server.send(message.connection, message.text()).unwrap());
                }
            });
        }
        std::thread::scope(|scope| {
            for client in &clients {
                scope.spawn(|| {
                    let mut seen = [false; EACH];
                    for number in 0..EACH {
                        client.send(&number.to_string()).unwrap();
                    }
                    for _ in 0..EACH {
                        let number: usize = client.receive(SOON).unwrap().event().text().parse().unwrap();
                        assert!(!std::mem::replace(&mut seen[number], true), "{number} came twice");
                    }
                });
            }
        });
        // Ends the hosts.
        server.stop().unwrap();
    });
}
