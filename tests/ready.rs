//! "Something is there" and "take it" agree: who is told of something finds it, and who takes messages alone is not told
//! again of what it does not take.

#[path = "common/flow/mod.rs"]
mod flow;

use flow::*;
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// How long the loops below run.
const WHILE: Duration = Duration::from_millis(400);

/// A host's loop over several objects: how often it turns, and how often it is told of something.
fn turns(ids: &[u64], mut take: impl FnMut(usize) -> Result<Event, i32>) -> (u32, Vec<Event>) {
    let (mut told, mut got) = (0, Vec::new());
    let end = Instant::now() + WHILE;
    while Instant::now() < end {
        match wait_any(ids, 50) {
            Ok(index) => {
                told += 1;
                match take(index) {
                    Ok(event) => got.push(event),
                    Err(code) => assert_eq!(code, TIMEOUT),
                }
            }
            Err(code) => assert_eq!(code, TIMEOUT),
        }
    }
    (told, got)
}

#[test]
fn silent_connections_turn_no_loop() {
    for patience in [NOW, 1] {
        let server = Server::running();
        let clients: Vec<_> = (0..5).map(|_| Client::to(server.port())).collect();
        until("all are there", SOON, || server.count() == 5);
        let ids: Vec<u64> = [server.0.id].into_iter().chain(clients.iter().map(|client| client.0.id)).collect();
        let take = |index: usize| match index {
            0 => server.receive(patience),
            _ => clients[index - 1].receive(patience),
        };
        let (told, got) = turns(&ids, take);
        assert!(got.is_empty());
        // Each has an `open` to tell, and the server may be asked between them.
        assert!(told <= 10, "{told} turns");
        // Some come and go while nobody says anything: an `open` and a `close` for each.
        drop((0..5).map(|_| Client::to(server.port())).collect::<Vec<_>>());
        until("they have gone", SOON, || server.count() == 5);
        let (told, _) = turns(&ids, take);
        assert!(told <= 10, "{told} turns");
        // A message still comes through, alone and once.
        clients[2].send(&numbered(7, 8)).unwrap();
        server.send(3, &numbered(8, 8)).unwrap();
        let (told, got) = turns(&ids, take);
        assert_eq!((told, got.len()), (2, 2));
    }
}

#[test]
fn failures_turn_a_loop_once_each() {
    let client = Client::new();
    client.set(wsaddin_client_set_reconnect_interval, 100);
    let url = "ws://127.0.0.1:1/";
    // SAFETY: a live slice.
    assert_eq!(unsafe { wsaddin_client_begin_connect(client.0, url.as_ptr().cast(), url.len()) }, 0);
    let (told, got) = turns(&[client.0.id], |_| client.receive(NOW));
    assert!(got.is_empty() && (1..=5).contains(&told), "{told} turns");
    client.disconnect();
}

/// What `wait_any` tells of is there for who takes anything, and `Queued` counts what can be received.
#[test]
fn all_that_is_told_of_can_be_taken() {
    let server = Server::running();
    let mut expected = 0;
    for _ in 0..10 {
        let client = Client::to(server.port());
        client.send(&numbered(1, 8)).unwrap();
        assert!(client.disconnect());
        expected += 3;
    }
    let (told, got) = turns(&[server.0.id], |_| server.receive_event(NOW));
    assert_eq!((told, got.len()), (expected, expected as usize));
    let client = Client::to(server.port());
    (0..10).for_each(|number| client.send(&numbered(number, 8)).unwrap());
    until("they are queued", SOON, || server.queued() == 10);
    for left in (0..10).rev() {
        assert_eq!(wait_any(&[server.0.id], NOW), Ok(0));
        server.receive(NOW).unwrap();
        assert_eq!(server.queued(), left);
    }
    assert_eq!(wait_any(&[server.0.id], NOW), Err(TIMEOUT));
    assert_eq!(server.receive(NOW).err(), Some(TIMEOUT));
}
