//! Waits that end while the host runs the loop.

use super::dense::Calls;
use super::*;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

#[test]
fn stop_ends_the_wait_of_who_leads() {
    for _ in 0..3 {
        let mut led = Led::new(|server| {
            server.close_timeout(SOON);
        });
        led.lead_in();
        let begun = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| led.server.stop().unwrap());
            assert_eq!(led.peer.frame().0, CLOSE);
            led.peer.send(CLOSE, &close_body(1001, ""));
        });
        // It hands over what is queued, the close among it, and then ends.
        assert_eq!(led.host.end(), Ok(Got::Closed));
        assert!(begun.elapsed() < HARD);
        // It runs again, and a host leads again.
        led.server.run("127.0.0.1", 0).unwrap();
        let host = Host::start(&led.server);
        let mut peer = Peer::new(&led.server);
        host.lead_in(&mut peer);
        led.server.close_timeout(0);
        led.server.free().unwrap();
        assert_eq!(code(host.end()), WSADDIN_CANCELLED);
    }
}

#[test]
fn freeing_ends_the_wait_of_who_leads() {
    for _ in 0..3 {
        let mut led = Led::new(|_| {});
        led.lead_in();
        let begun = Instant::now();
        led.server.free().unwrap();
        assert_eq!(code(led.host.end()), WSADDIN_CANCELLED);
        assert!(begun.elapsed() < HARD);
    }
}

/// Who has run the loop frees the object itself.
#[test]
fn a_host_frees_what_it_has_led() {
    let _alone = alone();
    for _ in 0..3 {
        let server = Server::running();
        server.close_timeout(0);
        let mut peer = Peer::new(&server);
        let talker = std::thread::spawn(move || {
            peer.talk(300);
            peer
        });
        server.opened();
        for _ in 0..300 {
            let event = server.expect(WSADDIN_EVENT_MESSAGE);
            server.reply(&event).unwrap();
        }
        let peer = talker.join().unwrap();
        server.free().unwrap();
        drop(peer);
    }
}

#[test]
fn a_handler_takes_over_from_who_leads() {
    let calls = Calls::default();
    for _ in 0..3 {
        let mut led = Led::new(|_| {});
        led.lead_in();
        let begun = Instant::now();
        let before = calls.messages.load(SeqCst);
        calls.set(&led.server);
        assert_eq!(code(led.host.end()), WSADDIN_HANDLER_SET);
        assert!(begun.elapsed() < HARD);
        (0..10).for_each(|_| led.peer.say("for the handler"));
        until("the handler gets it", || calls.messages.load(SeqCst) == before + 10);
        Calls::take_away(&led.server);
        // The queue is the host's again.
        let host = Host::start(&led.server);
        host.lead_in(&mut led.peer);
        led.server.free().unwrap();
        assert_eq!(code(host.end()), WSADDIN_CANCELLED);
    }
    assert_eq!(calls.astray.load(SeqCst), 0, "of {} calls", calls.all.load(SeqCst));
}

/// However closely it meets the messages that the host just reads from its sockets, the handler runs on the library's
/// thread, and nothing is lost or given twice.
#[test]
fn a_handler_never_runs_on_the_hosts_thread() {
    let (calls, end) = (Calls::default(), Instant::now() + Duration::from_secs(3));
    let mut led = Led::new(|_| {});
    while Instant::now() < end && calls.messages.load(SeqCst) < 100 {
        led.lead_in();
        let before = (led.host.replies(), calls.messages.load(SeqCst));
        std::thread::scope(|scope| {
            let set = scope.spawn(|| calls.set(&led.server));
            (0..20).for_each(|_| led.peer.say("whose?"));
            set.join().unwrap();
        });
        until("the host has left", || led.host.is_over());
        let taken = led.host.replies() - before.0;
        (0..taken).for_each(|_| led.peer.hear("whose?"));
        until("the rest is the handler's", || calls.messages.load(SeqCst) == before.1 + 20 - taken);
        Calls::take_away(&led.server);
        led.host = Host::start(&led.server);
    }
    assert_eq!(calls.astray.load(SeqCst), 0, "of {} calls", calls.all.load(SeqCst));
}

/// A wait that ends without a message, begun by a host that leads.
#[test]
fn a_limit_is_kept() {
    const LIMIT: Duration = Duration::from_millis(500);
    let _alone = alone();
    let server = Arc::new(Server::running());
    server.close_timeout(0);
    let mut peer = Peer::new(&server);
    server.opened();
    let times = (0..3).map(|_| {
        let host = Host::patient(&server, 500);
        host.lead_in(&mut peer);
        let (outcome, took) = host.last_wait();
        assert_eq!(outcome, Ok(Got::Timeout));
        assert!(took >= LIMIT, "{took:?}");
        took - LIMIT
    });
    judge("what a wait takes more than its limit", times.collect());
    server.free().unwrap();
}

/// A host that never waits, whoever runs the loop, gets what comes, and is never kept.
#[test]
fn who_does_not_wait_is_not_kept() {
    let mut led = Led::new(|_| {});
    led.lead_in();
    let (over, mut longest) = (AtomicBool::new(false), Duration::ZERO);
    std::thread::scope(|scope| {
        // This one takes what the host, which waits without limit, does not.
        let (server, over) = (&led.server, &over);
        let polls = scope.spawn(move || {
            let mut longest = Duration::ZERO;
            while !over.load(SeqCst) {
                let begun = Instant::now();
                let got = server.receive_event(-1).unwrap();
                longest = longest.max(begun.elapsed());
                if let Got::Event(event) = got {
                    server.reply(&event).unwrap();
                }
                std::thread::sleep(Duration::from_micros(200));
            }
            longest
        });
        led.peer.talk(300);
        over.store(true, SeqCst);
        longest = polls.join().unwrap();
    });
    assert!(longest < HARD, "{longest:?}");
}
