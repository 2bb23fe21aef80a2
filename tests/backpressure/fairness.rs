//! Who waits is served in turn.

use super::*;
use std::sync::mpsc;

#[test]
fn the_longest_waiting_receiver_is_served_first() {
    let server = Server::running();
    let client = Client::to(server.port());
    server.next(OPEN, LONG);
    let (tell, told) = mpsc::channel();
    std::thread::scope(|scope| {
        for waiter in 0..4 {
            let (ready, id) = mpsc::channel();
            let (tell, server) = (tell.clone(), &server);
            scope.spawn(move || {
                ready.send(thread_id()).unwrap();
                let message = server.receive(LONG).unwrap();
                tell.send((waiter, message.number())).unwrap();
            });
            until_asleep(id.recv().unwrap());
        }
        for number in 0..4 {
            client.send(&numbered(number, 8)).unwrap();
            assert_eq!(told.recv_timeout(SOON).unwrap(), (number, number));
        }
    });
}

#[test]
fn several_receivers_get_each_message_once() {
    const COUNT: u64 = 20_000;
    let server = Server::running();
    let client = Client::to(server.port());
    let taken: Vec<Vec<u64>> = std::thread::scope(|scope| {
        let take = || {
            let mut taken = Vec::new();
            while let Ok(message) = server.receive(0) {
                taken.push(message.number());
                if message.number() >= COUNT {
                    break;
                }
            }
            taken
        };
        let receivers: Vec<_> = (0..8).map(|_| scope.spawn(take)).collect();
        for number in 0..COUNT + 8 {
            client.send(&numbered(number, 8)).unwrap();
        }
        receivers.into_iter().map(|receiver| receiver.join().unwrap()).collect()
    });
    for own in &taken {
        assert!(own.is_sorted(), "each receiver sees the order of the queue");
    }
    let mut all = taken.concat();
    all.sort_unstable();
    assert_eq!(all, (0..COUNT + 8).collect::<Vec<_>>());
}

#[test]
fn wait_any_favours_nobody() {
    let server = Server::running();
    let clients: Vec<_> = (0..3).map(|_| Client::to(server.port())).collect();
    // Never connected: always ready.
    let idle = Client::new();
    let ids: Vec<_> = clients.iter().map(|client| client.0.id).chain([idle.0.id]).collect();
    for client in &clients {
        client.receive_event(LONG).unwrap();
    }
    assert_eq!(wait_any(&ids[..3], NOW), Err(TIMEOUT));
    for id in 1..=3 {
        for number in 0..20 {
            server.send(id, &numbered(number, 8)).unwrap();
        }
    }
    until("all have messages", SOON, || clients.iter().all(|client| client.queued() == 20));
    let found: Vec<_> = (0..40).map(|_| wait_any(&ids, LONG).unwrap()).collect();
    for object in 0..4 {
        assert_eq!(found.iter().filter(|index| **index == object).count(), 10, "{found:?}");
    }
}
