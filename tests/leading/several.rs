//! Several threads of the host wait, and one of them runs the loop.

use super::host::Sleep;
use super::*;
use std::collections::HashSet;

#[test]
fn others_join_who_leads() {
    const MESSAGES: usize = 300;
    let mut led = Led::new(|server| {
        server.close_timeout(SOON);
    });
    for others in [1, 2] {
        led.lead_in();
        let hosts: Vec<_> = (0..others).map(|_| Host::start(&led.server)).collect();
        until("the others wait, too", || hosts.iter().all(|host| host.task.sleep() == Sleep::Lock));
        let before = led.host.replies();
        // One at a time, and in bursts.
        led.peer.talk(100);
        let mut expected = HashSet::new();
        for burst in 0..MESSAGES / 10 {
            for number in 0..10 {
                let text = format!("{burst}: {number}");
                led.peer.say(&text);
                assert!(expected.insert(text));
            }
            for _ in 0..10 {
                let (first, payload) = led.peer.frame();
                let text = String::from_utf8(payload).unwrap();
                assert!(first == TEXT && expected.remove(&text), "{text}, once more or never sent");
            }
        }
        // The last echo is here before its host has counted it.
        let own = &led.host;
        let counts = || hosts.iter().map(Host::replies).chain([own.replies() - before]).collect::<Vec<_>>();
        until("all are counted", || counts().iter().sum::<usize>() == 100 + MESSAGES);
        let counts = counts();
        assert!(counts.iter().all(|count| *count > 0), "somebody starves: {counts:?}");
        // All of them leave, and one host begins again.
        led.server.stop_and_run(&mut led.peer);
        hosts.into_iter().for_each(|host| assert_eq!(host.end(), Ok(Got::Closed)));
        let host = std::mem::replace(&mut led.host, Host::start(&led.server));
        assert_eq!(host.end(), Ok(Got::Closed));
        led.peer = Peer::new(&led.server);
        led.host.expect(WSADDIN_EVENT_OPEN);
    }
}

impl Server {
    /// Again on another port, with that peer gone.
    fn stop_and_run(&self, peer: &mut Peer) {
        std::thread::scope(|scope| {
            scope.spawn(|| self.stop().unwrap());
            assert_eq!(peer.frame().0, CLOSE);
            peer.send(CLOSE, &close_body(1001, ""));
        });
        // The hosts' waits end with the close that they take.
        until("the queue is empty", || self.queued() == 0);
        std::thread::sleep(Duration::from_millis(50));
        self.run("127.0.0.1", 0).unwrap();
    }
}

/// Two messages of one read for two who wait, of whom neither asks again before both have come: the one who leads must
/// not sleep with the second in the queue.
#[test]
fn what_another_leaves_is_for_who_leads() {
    let mut led = Led::new(|_| {});
    let mut longest = Duration::ZERO;
    for _ in 0..3 {
        led.lead_in();
        std::thread::scope(|scope| {
            let server = led.server.clone();
            let other = beside(scope, move || server.receive_event(SOON).unwrap().event());
            let both = [frame(FIN | TEXT, true, b"one of two"), frame(FIN | TEXT, true, b"one of two")].concat();
            let begun = Instant::now();
            led.peer.stream.write_all(&both).unwrap();
            // The host's thread echoes the one that it gets.
            led.peer.hear("one of two");
            longest = longest.max(begun.elapsed());
            assert_eq!(other.join().unwrap().text(), "one of two");
        });
        assert!(longest < HARD);
    }
}

/// The contract: the longest waiting first. That is the one who leads; the other has come later.
#[test]
fn who_leads_has_waited_longest() {
    let mut led = Led::new(|_| {});
    for _ in 0..3 {
        led.lead_in();
        std::thread::scope(|scope| {
            let server = led.server.clone();
            let other = beside(scope, move || server.receive_event(SOON).unwrap().event());
            led.peer.say("nap 50");
            led.peer.hear("nap 50");
            led.peer.say("for the other");
            assert_eq!(other.join().unwrap().text(), "for the other");
        });
    }
}

/// A wait for messages alone leads, and another one takes all events.
#[test]
fn each_gets_what_it_wants() {
    let _alone = alone();
    let server = Arc::new(Server::running());
    let mut peer = Peer::new(&server);
    let (own, task) = std::sync::mpsc::channel();
    let messages = std::thread::spawn({
        let server = server.clone();
        move || {
            own.send(host::Task::own()).unwrap();
            loop {
                match server.receive(0) {
                    Ok(Got::Event(event)) => assert!(server.reply(&event).unwrap()),
                    other => return other,
                }
            }
        }
    });
    let task = task.recv().unwrap();
    for _ in 0..5 {
        until("it leads", || {
            peer.patter(60, Duration::ZERO);
            std::thread::sleep(Duration::from_millis(1));
            task.sleep() == Sleep::Poll
        });
        std::thread::scope(|scope| {
            let all = beside(scope, || server.event());
            let newcomer = Peer::new(&server);
            assert_eq!(all.join().unwrap().event, WSADDIN_EVENT_OPEN);
            drop(newcomer);
            peer.talk(5);
        });
    }
    server.free().unwrap();
    assert_eq!(code(messages.join().unwrap()), WSADDIN_CANCELLED);
}
