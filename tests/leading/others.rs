//! What else happens while the host runs the loop, or has just left it.

use super::*;

#[test]
fn what_another_thread_sends_leaves_while_the_host_leads() {
    let mut led = Led::new(|_| {});
    led.judge("sent by another thread", |led| {
        let begun = Instant::now();
        assert!(led.server.send(led.connection, "from another").unwrap());
        led.peer.hear_since(begun, "from another")
    });
}

#[test]
fn what_another_thread_sends_leaves_while_the_host_is_away() {
    let mut led = Led::new(|_| {});
    led.judge("sent by another thread, with the host away", |led| {
        led.peer.talk_past_a_nap(300, 0);
        let begun = Instant::now();
        assert!(led.server.send(led.connection, "from another").unwrap());
        led.peer.hear_since(begun, "from another")
    });
}

#[test]
fn the_last_answer_leaves_although_the_host_does_not_come_back() {
    let mut led = Led::new(|_| {});
    led.judge("the last answer", |led| {
        let begun = Instant::now();
        led.peer.say("nap 500");
        led.peer.hear_since(begun, "nap 500")
    });
}

#[test]
fn what_comes_while_the_host_is_away_is_answered_when_it_is_back() {
    let mut led = Led::new(|_| {});
    led.lead_in();
    led.peer.talk_past_a_nap(100, 50);
}

#[test]
fn pings_are_answered_with_the_host_inside_and_away() {
    let mut led = Led::new(|_| {});
    let mut times = Vec::new();
    for away in [false, true] {
        for _ in 0..ROUNDS {
            led.lead_in();
            if away {
                led.peer.say("nap 100");
                led.peer.hear("nap 100");
            }
            let begun = Instant::now();
            led.peer.send(PING, b"there?");
            assert_eq!(led.peer.frame(), (PONG, b"there?".to_vec()));
            times.push(begun.elapsed());
        }
        judge("a ping of the peer", std::mem::take(&mut times));
    }
}

#[test]
fn a_ping_of_ours_comes_back() {
    let mut led = Led::new(|_| {});
    led.judge("a ping of ours", |led| {
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let ping = scope.spawn(|| led.server.ping(led.connection, SOON));
            let (first, payload) = led.peer.frame();
            assert_eq!(first, PING);
            led.peer.send(PONG, &payload);
            ping.join().unwrap().unwrap();
        });
        begun.elapsed()
    });
}

#[test]
fn the_keepalive_pings_while_the_host_leads() {
    let mut led = Led::new(|server| {
        server.ping_interval(50);
    });
    for _ in 0..3 {
        led.lead_in();
        for _ in 0..3 {
            let (first, payload) = led.peer.frame();
            assert_eq!(first, PING);
            led.peer.send(PONG, &payload);
        }
    }
}

/// A peer that answers no ping is given up, and who leads is told.
#[test]
fn the_keepalive_gives_up_while_the_host_leads() {
    let mut led = Led::new(|server| {
        server.ping_interval(100).pong_timeout(200);
    });
    led.lead_in();
    let begun = Instant::now();
    assert_eq!(led.host.expect(WSADDIN_EVENT_CLOSE).close().0, 1011);
    assert!(begun.elapsed() < HARD);
}

/// A thread that waits for the object, and takes nothing, hears of what the leader brings.
#[test]
fn a_wait_for_any_is_told_while_another_leads() {
    let mut led = Led::new(|_| {});
    let ids = [led.server.0.id];
    for _ in 0..ROUNDS {
        led.lead_in();
        std::thread::scope(|scope| {
            let waiting = beside(scope, move || wait_any(&ids, SOON));
            // The leader takes it first, perhaps; what is then left in the queue is the other's to see.
            until("it is told", || {
                led.peer.say("nap 20");
                led.peer.say("more");
                led.peer.hear("nap 20");
                led.peer.hear("more");
                waiting.is_finished()
            });
            assert_eq!(waiting.join().unwrap(), Ok(Some(0)));
        });
    }
}
