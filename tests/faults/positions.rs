//! Harm at every byte of a conversation: request and answer, TLS's and a proxy's handshake, a message there and back, the
//! close. Client and server are both ours, so both roles are judged: what the calls give, what the events tell, that the
//! client connects again, and that nothing is left.

use crate::face::{Client, Got, SOON, Server, until};
use crate::relay::{Direction, HARMLESS, Harm, Plan, Proxy, Relay};
use crate::{Counted, Random, alone, is_long, seed, tls};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

const TEXT: &str = "there and back";
/// What the positions of one conversation may take in an ordinary run, on a machine as busy as it may be.
const BUDGET: Duration = Duration::from_secs(7);
const POSITIONS: usize = 16;

/// Sends everything back, and sees that each connection that opens closes.
fn serve(server: &Server, over: &AtomicBool) {
    let mut open = BTreeSet::new();
    loop {
        match server.receive_event(50).unwrap() {
            Got::Event(event) => match event.event {
                WSADDIN_EVENT_OPEN => assert!(open.insert(event.connection)),
                WSADDIN_EVENT_CLOSE => {
                    assert!(open.remove(&event.connection));
                    let (code, reason, clean) = event.close();
                    assert!([1000, 1005, 1006, 1001].contains(&code), "{code} {reason}");
                    assert!(!clean || code == 1000, "{code} {reason}");
                }
                WSADDIN_EVENT_MESSAGE => {
                    assert_eq!(event.text(), TEXT);
                    // It may have gone.
                    server.send(event.connection, TEXT).unwrap();
                }
                other => panic!("event {other}"),
            },
            Got::Timeout if over.load(SeqCst) => break,
            Got::Timeout => {}
            Got::Closed => panic!("the server has ended"),
        }
    }
    assert!(open.is_empty(), "{open:?} never closed");
}

/// How far a conversation came, and with what result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Whole,
    /// The connect failed with this code.
    Refused(i32),
    /// It ended with this close code before the answer came.
    Ended(i64),
    /// The answer came, and the close was not confirmed.
    Unconfirmed,
}

fn converse(client: &Client, url: &str) -> Outcome {
    if let Err(fault) = client.connect(url) {
        assert!(!fault.text.is_empty());
        assert_eq!((client.ready_state(), client.status()), (3, -1), "{fault:?}");
        assert_eq!(client.receive(-1), Ok(Got::Closed));
        return Outcome::Refused(fault.code);
    }
    if let Err(fault) = client.send(TEXT) {
        assert_eq!(fault.code, WSADDIN_NOT_CONNECTED, "{fault:?}");
    }
    match client.receive(SOON * 3).unwrap() {
        Got::Event(event) => assert_eq!(event.text(), TEXT),
        Got::Timeout => panic!("it waits for ever"),
        Got::Closed => {
            assert_eq!((client.ready_state(), client.status()), (3, -1));
            return Outcome::Ended(client.close_code());
        }
    }
    let clean = client.disconnect(1000, "").unwrap();
    // It may have broken before it was to be closed, and is not confirmed then.
    let broken = !clean && client.status() == -1;
    assert_eq!((client.ready_state(), client.status()), (3, if broken { -1 } else { 0 }));
    if clean { Outcome::Whole } else { Outcome::Unconfirmed }
}

/// The way to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Direct,
    Http,
    Socks,
}

fn every_position(way: Way, secure: bool) {
    let _alone = alone();
    let authority = tls::Authority::with_server("faults");
    let proxy = match way {
        Way::Direct => None,
        Way::Http => Some(Proxy::new("http")),
        Way::Socks => Some(Proxy::new("socks5")),
    };
    let counted = Counted::now();
    {
        let server = if secure { authority.server("server") } else { Server::running() };
        let target = SocketAddr::from(([127, 0, 0, 1], server.port()));
        let direct = Relay::to(target);
        let relay = proxy.as_ref().map_or(&direct, Proxy::relay);
        let scheme = if secure { "wss" } else { "ws" };
        let straight = format!("{scheme}://{target}/");
        let url = if proxy.is_some() { straight.clone() } else { format!("{scheme}://{}/", direct.address()) };
        let client = authority.client();
        // Nothing here waits for a time-out: whoever does hangs.
        client.connect_timeout(SOON * 6).close_timeout(SOON * 6);
        let set_proxy = |on: bool| {
            let value = proxy.as_ref().filter(|_| on).map_or_else(String::new, Proxy::url);
            client.set_proxy(&value).unwrap();
        };
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| serve(&server, &over));
            let _over = Over(&over);
            set_proxy(true);
            relay.plan(HARMLESS);
            assert_eq!(converse(&client, &url), Outcome::Whole);
            until("the relay is idle", || relay.is_idle());
            let [up, down] = [Direction::ToServer, Direction::ToClient].map(|direction| relay.passed(direction));
            let head = (way == Way::Direct && !secure)
                .then(|| down.windows(4).position(|end| end == b"\r\n\r\n").expect("an answer has a head") + 4);
            let mut outcomes: BTreeMap<(Harm, Outcome), usize> = BTreeMap::new();
            let plans = plans(up.len(), down.len());
            let (begun, number) = (Instant::now(), plans.len());
            let mut done = 0;
            for plan in plans {
                if !is_long() && begun.elapsed() > BUDGET {
                    break;
                }
                done += 1;
                relay.plan(plan);
                let outcome = converse(&client, &url);
                let shown = || format!("{way:?} {scheme} {plan:?}: {outcome:?}");
                let harmless = !relay.is_done() || matches!(plan.harm, Harm::Delay | Harm::Trickle);
                match outcome {
                    Outcome::Whole => {}
                    _ if harmless => panic!("{}", shown()),
                    Outcome::Refused(code) => {
                        let stage = match way {
                            Way::Direct => WSADDIN_HANDSHAKE,
                            _ => WSADDIN_PROXY,
                        };
                        let allowed = [stage, WSADDIN_HANDSHAKE, WSADDIN_IO, if secure { WSADDIN_TLS } else { stage }];
                        // A reset may be quicker than the look at what became of the connect.
                        let at_once = plan.harm == Harm::Reset && plan.at == 0 && code == WSADDIN_REFUSED;
                        assert!(at_once || allowed.contains(&code), "{}", shown());
                    }
                    Outcome::Ended(code) => assert!([1005, 1006, 1000, 1001].contains(&code), "{}", shown()),
                    Outcome::Unconfirmed => {}
                }
                if let Some(head) = head
                    && !harmless
                    && plan.direction == Direction::ToClient
                {
                    let is_refused = matches!(outcome, Outcome::Refused(_));
                    // With the whole head a client may be told of the end in the same breath.
                    assert!(is_refused == (plan.at < head) || plan.at >= head, "{}", shown());
                }
                *outcomes.entry((plan.harm, outcome)).or_default() += 1;
                // And again, as if nothing had been.
                if done % 8 == 0 || is_long() {
                    set_proxy(false);
                    assert_eq!(converse(&client, &straight), Outcome::Whole, "{}", shown());
                    set_proxy(true);
                }
            }
            println!(
                "faults: {way:?} {scheme}: {} + {} bytes, {done} of {number} harms: {outcomes:?}",
                up.len(),
                down.len()
            );
            relay.plan(HARMLESS);
            assert_eq!(converse(&client, &url), Outcome::Whole);
            until("all connections have gone", || server.connection_count() == 0);
            until("the relay is idle", || relay.is_idle());
        });
    }
    counted.is_back(way);
}

/// All in a long run; else a sample, the ends of each direction among it.
fn plans(up: usize, down: usize) -> Vec<Plan> {
    let mut random = Random::new(seed());
    let mut plans = Vec::new();
    for (direction, length) in [(Direction::ToServer, up), (Direction::ToClient, down)] {
        for harm in [Harm::Cut, Harm::HalfClose, Harm::Reset, Harm::Delay, Harm::Trickle] {
            // Waiting says the same at each byte.
            let some = if matches!(harm, Harm::Delay | Harm::Trickle) { 4 } else { POSITIONS };
            let positions: BTreeSet<usize> = match is_long() {
                true if harm == Harm::Delay => (0..some * 8).map(|_| random.below(length)).collect(),
                true => (0..=length).collect(),
                false => (0..some).map(|_| random.below(length)).chain([0, length]).collect(),
            };
            plans.extend(positions.into_iter().map(|at| Plan { direction, at, harm }));
        }
    }
    // Mixed, so that a busy machine that does not do all of them does some of each.
    for at in (1..plans.len()).rev() {
        plans.swap(at, random.below(at + 1));
    }
    plans
}

/// Ends the server's thread, when a check fails, too.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

#[test]
fn at_every_byte() {
    every_position(Way::Direct, false);
}

#[test]
fn at_every_byte_of_tls() {
    every_position(Way::Direct, true);
}

#[test]
fn at_every_byte_through_an_http_proxy() {
    every_position(Way::Http, false);
}

#[test]
fn at_every_byte_through_a_socks_proxy() {
    every_position(Way::Socks, false);
}

#[test]
fn at_every_byte_of_tls_through_a_proxy() {
    every_position(Way::Http, true);
}
