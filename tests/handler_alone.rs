//! The handler of a process's only object, which keeps it from one read to the next: what others want of the object
//! meanwhile must not wait for long, nor go to it.

#[path = "common/flow/mod.rs"]
mod flow;

use flow::*;
use std::ffi::c_void;
use std::io::Write;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use websocket_addin::capi::*;

/// Numbers of a flood that are written at once.
const LOT: u64 = 1000;

const QUESTIONS: usize = 300;

/// One test at a time: a second object in the process would change what they are about.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a handler has seen of a flood of numbers.
#[derive(Default)]
struct Seen {
    next: AtomicU64,
    calls: AtomicU64,
    /// Messages that are not the number that was due.
    wrong: Mutex<Vec<Vec<u8>>>,
}

impl Seen {
    fn look(&self, data: &[u8]) {
        match self.next.load(SeqCst) {
            next if data == next.to_le_bytes() => self.next.store(next + 1, SeqCst),
            _ => self.wrong.lock().unwrap().push(data.to_vec()),
        }
    }

    /// Whether it was all of them, or went wrong.
    fn is_done(&self, count: u64) -> bool {
        self.next.load(SeqCst) == count || !self.wrong.lock().unwrap().is_empty()
    }

    fn check(&self) {
        assert_eq!(*self.wrong.lock().unwrap(), Vec::<Vec<u8>>::new(), "behind {}", self.next.load(SeqCst));
    }
}

extern "C" fn look(message: *const wsaddin_message, user_data: *mut c_void) {
    // SAFETY: the message of this call, and what the test keeps until the handler is gone.
    let (seen, data) = unsafe {
        if wsaddin_message_event(message) != WSADDIN_EVENT_MESSAGE {
            return;
        }
        let data = std::slice::from_raw_parts(wsaddin_message_data(message), wsaddin_message_size(message));
        (&*user_data.cast::<Seen>(), data)
    };
    seen.calls.fetch_add(1, SeqCst);
    seen.look(data);
}

fn set(client: &Client, handler: wsaddin_handler, seen: &Seen) {
    let user_data = std::ptr::from_ref(seen).cast_mut().cast();
    // SAFETY: the tests take the handler away before `seen` goes.
    assert_eq!(unsafe { wsaddin_client_set_handler(client.0, handler, user_data) }, WSADDIN_OK, "{}", error_text());
}

/// A client, and a server's end that the test writes itself.
fn pair() -> (Client, Raw) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::scope(|scope| {
        let peer = scope.spawn(|| Raw::accept(&listener));
        let client = Client::to(port);
        let peer = peer.join().unwrap();
        peer.socket.set_nodelay(true).unwrap();
        (client, peer)
    })
}

/// Ends a flood, also when the test fails.
struct Going(AtomicBool);

impl Going {
    fn end(&self) {
        self.0.store(false, SeqCst);
    }
}

struct End<'a>(&'a Going);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Writes numbers until it is told to stop, and pings between them; gives how many numbers. Who holds `turn` writes
/// something else.
fn flood(peer: &mut Raw, going: &Going, seen: &Seen, turn: &Mutex<()>) -> u64 {
    let mut number = 0_u64;
    while going.0.load(SeqCst) {
        // More than one read takes, and no more than that at a time: a reply comes behind it.
        if seen.next.load(SeqCst) + LOT < number {
            std::thread::yield_now();
            continue;
        }
        // What waits to be sent leaves with the pong, so that a reply may come before the client has read everything.
        let numbers: Vec<u8> = (number..number + LOT)
            .flat_map(|number| [peer.frame(0x82, &number.to_le_bytes()), peer.frame(0x89, b"")].concat())
            .collect();
        let _turn = turn.lock().unwrap();
        peer.socket.write_all(&numbers).unwrap();
        number += LOT;
    }
    number
}

#[test]
fn a_reply_beside_a_flood_goes_to_who_has_asked() {
    let _alone = alone();
    let (client, mut peer) = pair();
    let (seen, going, turn) = (Seen::default(), Going(AtomicBool::new(true)), Mutex::new(()));
    let mut hearing = peer.again();
    set(&client, Some(look), &seen);
    std::thread::scope(|scope| {
        let _end = End(&going);
        let (peer, going, seen, turn) = (&mut peer, &going, &seen, &turn);
        let flooding = scope.spawn(move || flood(peer, going, seen, turn));
        // Says back each question; the other frames are pongs.
        scope.spawn(move || {
            for _ in 0..QUESTIONS {
                let question = std::iter::repeat_with(|| hearing.read()).find(|(first, _)| *first == 0x81).unwrap().1;
                let _turn = turn.lock().unwrap();
                hearing.write(0x81, &question);
            }
        });
        for number in 0..QUESTIONS {
            let question = format!(r#"{{"id":"{number}"}}"#);
            let answer = client.request(&question, LONG, "id", "").unwrap_or_else(|code| panic!("{number}: {code}"));
            assert_eq!(answer.text(), question);
        }
        going.end();
        let sent = flooding.join().unwrap();
        until("the handler has had the flood", SOON, || seen.is_done(sent));
    });
    set(&client, None, &seen);
    seen.check();
}

#[test]
fn a_handler_goes_and_comes_beside_a_flood() {
    let _alone = alone();
    let (client, mut peer) = pair();
    let (seen, going, turn) = (Seen::default(), Going(AtomicBool::new(true)), Mutex::new(()));
    std::thread::scope(|scope| {
        let _end = End(&going);
        let (peer, going, seen, turn) = (&mut peer, &going, &seen, &turn);
        let flooding = scope.spawn(move || flood(peer, going, seen, turn));
        for _ in 0..50 {
            let before = seen.calls.load(SeqCst);
            set(&client, Some(look), seen);
            until("it is called", SOON, || seen.calls.load(SeqCst) > before);
            set(&client, None, seen);
            let after = seen.calls.load(SeqCst);
            // What the queue gets instead is there for the host, in its place.
            for _ in 0..10 {
                seen.look(client.receive(LONG).unwrap().data());
            }
            assert_eq!(seen.calls.load(SeqCst), after, "it is called when it has been taken away");
        }
        going.end();
        set(&client, Some(look), seen);
        let sent = flooding.join().unwrap();
        until("all has come", SOON, || seen.is_done(sent));
        set(&client, None, seen);
    });
    seen.check();
}
