//! Everything at once, by chance.

use super::*;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

const TIME: Duration = Duration::from_secs(5);

/// Chance that is the same in each run.
struct Prng(u64);

impl Prng {
    fn below(&mut self, limit: u64) -> u64 {
        // A linear congruence (Knuth's constants), whose upper bits are good enough.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Talks in phases, goes, comes again. A message that does not come back within the peer's patience, 20 s, fails.
fn visitor(port: u16, seed: u64, end: Instant, talks: &AtomicUsize) {
    let mut prng = Prng(seed);
    while Instant::now() < end {
        let mut peer = Peer { stream: raw::client(port), masked: true, said: 0 };
        for _ in 0..prng.below(6) + 1 {
            match prng.below(3) {
                0 => peer.talk(prng.below(80) as usize + 20),
                1 => (0..prng.below(10)).for_each(|_| {
                    peer.talk(1);
                    std::thread::sleep(Duration::from_micros(prng.below(5000)));
                }),
                _ => {
                    let burst = prng.below(20) as usize;
                    (0..burst).for_each(|number| peer.say(&number.to_string()));
                    (0..burst).for_each(|number| peer.hear(&number.to_string()));
                }
            }
            talks.fetch_add(1, SeqCst);
            std::thread::sleep(Duration::from_micros(prng.below(5000)));
        }
        match prng.below(3) {
            0 => {
                peer.send(CLOSE, &close_body(1000, ""));
                while peer.frame().0 != CLOSE {}
            }
            1 => socket2::SockRef::from(&peer.stream).set_linger(Some(Duration::ZERO)).unwrap(),
            _ => {}
        }
    }
}

#[test]
fn whatever_happens_every_echo_comes() {
    let mut led = Led::new(|server| {
        server.ping_interval(40).receive_queue_messages(50);
    });
    led.lead_in();
    let (end, over, talks) = (Instant::now() + TIME, AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let Led { server, peer, connection, .. } = &mut led;
        let (server, talks, over) = (&*server, &talks, &over);
        let (port, connection) = (server.port(), *connection);
        let visitors: Vec<_> = (1..4).map(|seed| scope.spawn(move || visitor(port, seed, end, talks))).collect();
        // Another thread sends to one that never goes, now and then.
        let sent = scope.spawn(move || {
            let mut prng = Prng(99);
            let mut count = 0_usize;
            while !over.load(SeqCst) {
                assert!(server.send(connection, &format!("sent {count}")).unwrap());
                count += 1;
                std::thread::sleep(Duration::from_micros(prng.below(5000)));
            }
            count
        });
        let ends: Vec<_> = visitors.into_iter().map(|visitor| visitor.join()).collect();
        over.store(true, SeqCst);
        let sent = sent.join().unwrap();
        (0..sent).for_each(|number| peer.hear(&format!("sent {number}")));
        assert!(ends.iter().all(Result::is_ok), "an echo does not come");
    });
    until("all have gone", || led.server.connection_count() == 1);
    led.lead_in();
    let (mut opened, mut closed) = (0, 0);
    while opened == 0 || opened != closed {
        match led.host.event().event {
            WSADDIN_EVENT_OPEN => opened += 1,
            WSADDIN_EVENT_CLOSE => closed += 1,
            other => panic!("event {other}"),
        }
    }
    assert!(talks.load(SeqCst) > 50, "{talks:?}");
}
