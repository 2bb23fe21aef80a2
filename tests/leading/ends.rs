//! Waits that end while the host runs the loop.

use super::dense::Calls;
use super::host::serve;
use super::*;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

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
    while Instant::now() < end && calls.messages.load(SeqCst) < 200 {
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

/// A wait with a limit that the host begins while it leads.
#[test]
fn a_limit_is_kept() {
    let _alone = alone();
    let server = Server::running();
    let mut peer = Peer::new(&server);
    server.opened();
    let mut times = Vec::new();
    for limit in [300, -1] {
        for _ in 0..ROUNDS {
            let done = AtomicBool::new(false);
            std::thread::scope(|scope| {
                let (events, _seen) = std::sync::mpsc::channel();
                let talker = scope.spawn(|| {
                    peer.talk(100);
                    done.store(true, SeqCst);
                });
                // Such waits follow each other closely, whether or not they find something.
                while !done.load(SeqCst) {
                    let begun = Instant::now();
                    let got = serve(&server, limit, &events, &AtomicUsize::new(0)).unwrap();
                    assert_eq!(got, Got::Timeout);
                    if done.load(SeqCst) || limit < 0 {
                        times.push(begun.elapsed());
                    }
                    if limit < 0 {
                        std::thread::sleep(Duration::from_micros(100));
                    }
                }
                talker.join().unwrap();
            });
        }
        let mut times = std::mem::take(&mut times);
        times.sort();
        let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
        assert!(longest < HARD, "{times:?}");
        match limit {
            // What comes first is counted, too: the talk.
            300 => assert!(times[0] >= Duration::from_millis(300) && median < Duration::from_millis(600), "{times:?}"),
            _ => assert!(median < PROMPT, "{times:?}"),
        }
    }
}

/// The same for one wait, by the clock: the loop is known to be the host's.
#[test]
fn a_limit_is_kept_by_who_leads() {
    let _alone = alone();
    let server = Arc::new(Server::running());
    let mut peer = Peer::new(&server);
    server.opened();
    let mut times = Vec::new();
    until("enough waits of a host that leads", || {
        let (own, task) = std::sync::mpsc::channel();
        let other = server.clone();
        let host = std::thread::spawn(move || {
            own.send(host::Task::own()).unwrap();
            for _ in 0..60 {
                let event = other.expect(WSADDIN_EVENT_MESSAGE);
                other.reply(&event).unwrap();
            }
            let begun = Instant::now();
            assert_eq!(other.receive_event(300), Ok(Got::Timeout));
            begun.elapsed()
        });
        peer.patter(60, Duration::ZERO);
        let (task, begun) = (task.recv().unwrap(), Instant::now());
        let mut led = false;
        while begun.elapsed() < Duration::from_millis(150) && !led {
            led = task.sleep() == host::Sleep::Poll;
        }
        let took = host.join().unwrap();
        assert!(took >= Duration::from_millis(300) && took < HARD, "{took:?}");
        if led {
            times.push(took);
        }
        times.len() == ROUNDS
    });
    times.sort();
    assert!(times[ROUNDS / 2] < Duration::from_millis(450), "{times:?}");
}
