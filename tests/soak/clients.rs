//! The clients: a thread drives a few of them at random, each against any server.

use crate::accounts::{Book, ECHO, Random, message};
use crate::batches::{self, Came};
use crate::face::{Client, Event, Got, Outcome, check, wait_any};
use crate::servers::{CUT, Echo};
use crate::{PATIENCE, Totals};
use std::ffi::c_void;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// What a client may have under way: less than a send queue holds, so that no server waits for a client of a thread
/// that is busy elsewhere.
const UNDER_WAY: usize = 1 << 20;

static STREAMS: AtomicU64 = AtomicU64::new(1);

/// Where a connection leads.
#[derive(Clone)]
pub enum Target {
    Ours(Arc<Echo>),
    /// An echo server of other people.
    Other(String),
}

impl Target {
    fn url(&self) -> String {
        match self {
            Self::Ours(echo) => echo.url(),
            Self::Other(url) => url.clone(),
        }
    }

    fn cuts(&self) -> u64 {
        match self {
            Self::Ours(echo) => echo.cuts.load(SeqCst),
            Self::Other(_) => 0,
        }
    }
}

/// Shared with the handler, where there is one.
#[derive(Default)]
struct Shared {
    book: Mutex<Book>,
    changed: Condvar,
}

/// A client and its connection.
struct Talk {
    client: Client,
    shared: Arc<Shared>,
    has_handler: bool,
    /// Whether it receives and sends many in one call.
    has_batches: bool,
    target: Option<(Target, u64)>,
    under_way: usize,
    /// What was done last with this connection.
    done: Vec<u64>,
}

unsafe extern "C" fn on_event(message: *const wsaddin_message, shared: *mut c_void) {
    // SAFETY: the handler's own share, not yet given back; a message is good until the return.
    let (shared, event) = unsafe { (&*shared.cast::<Shared>(), crate::copied(message)) };
    crate::in_handler(std::panic::AssertUnwindSafe(|| {
        shared.book.lock().unwrap().take(&event).unwrap_or_else(|error| panic!("{error}"));
    }));
    shared.changed.notify_all();
}

unsafe extern "C" fn let_go(shared: *mut c_void) {
    // SAFETY: the share that `Talk::new` made, called once.
    drop(unsafe { Arc::from_raw(shared.cast::<Shared>()) });
}

impl Talk {
    fn new(has_handler: bool, has_batches: bool) -> Self {
        let client = Client::new();
        client.connect_timeout(PATIENCE).close_timeout(PATIENCE).pong_timeout(PATIENCE).compression(1);
        check(wsaddin_client_set_verify_certificate(client.0, 0)).unwrap();
        let shared = Arc::<Shared>::default();
        if has_handler {
            let user_data = Arc::into_raw(shared.clone()).cast_mut().cast::<c_void>();
            // SAFETY: a share of the value, which `let_go` gives back.
            check(unsafe { wsaddin_client_set_owned_handler(client.0, Some(on_event), user_data, Some(let_go)) })
                .unwrap();
        }
        Self { client, shared, has_handler, has_batches, target: None, under_way: 0, done: Vec::new() }
    }

    /// Another in its place.
    fn anew(&self) -> Self {
        Self::new(self.has_handler, self.has_batches)
    }

    fn receive(&self, timeout_ms: i64) -> Came {
        if self.has_batches {
            batches::of_client(&self.client, timeout_ms).unwrap()
        } else {
            self.client.receive_event(timeout_ms).unwrap().into()
        }
    }

    fn book<T>(&self, look: impl FnOnce(&mut Book) -> T) -> T {
        look(&mut self.shared.book.lock().unwrap())
    }

    fn take(&mut self, events: &[Event]) {
        for event in events {
            self.book(|book| book.take(event)).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    /// Whether the server may have ended it.
    fn is_cut(&self) -> bool {
        let (target, cuts) = self.target.as_ref().unwrap();
        target.cuts() != *cuts
    }

    fn connect(&mut self, target: Target) {
        let since = Instant::now();
        loop {
            let cuts = target.cuts();
            *self.shared.book.lock().unwrap() = Book::of(STREAMS.fetch_add(1, SeqCst));
            match self.client.connect(&target.url()) {
                Ok(()) => {
                    self.target = Some((target, cuts));
                    self.under_way = 0;
                    self.done.clear();
                    return;
                }
                // It is just being restarted.
                Err(fault) => {
                    let in_time = since.elapsed() < Duration::from_millis(PATIENCE as u64);
                    assert!(in_time, "{} {fault:?}", target.url());
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        }
    }

    fn is_open(&self) -> bool {
        self.target.is_some() && self.book(|book| book.closed.is_none())
    }

    fn send(&mut self, random: &mut Random) {
        let (mut messages, mut size) = (Vec::new(), 0);
        let (stream, first) = self.book(|book| (book.stream, book.sent));
        for number in first..=first + random.below(20) {
            let one = random.size();
            if self.under_way + size + one > UNDER_WAY {
                break;
            }
            size += one;
            let kind = if random.below(2) == 0 { WSADDIN_KIND_BINARY } else { WSADDIN_KIND_TEXT };
            messages.push((kind, message(ECHO, stream, number, one)));
        }
        // Counted before: the echo may be quicker.
        let count = messages.len();
        self.book(|book| book.sent += count as u64);
        let (queued, sent) = self.send_all(&messages);
        self.book(|book| book.sent -= (count - queued) as u64);
        if let Err(fault) = sent {
            assert!(self.has_ended() && fault.code == WSADDIN_NOT_CONNECTED, "{fault:?} {:?}", self.shared.book);
        }
        self.under_way += size;
    }

    /// How many were queued, and why not all.
    fn send_all(&self, messages: &[(wsaddin_kind, Vec<u8>)]) -> (usize, Outcome) {
        if self.has_batches {
            let list: Vec<batches::Outgoing> = messages.iter().map(|(kind, data)| (0, *kind, &data[..])).collect();
            let (queued, result) = batches::send_to_server(&self.client, &list);
            assert_eq!(result.is_ok(), queued == messages.len(), "{queued} of {}: {result:?}", messages.len());
            return (queued, result.map(|number| assert_eq!(number, WSADDIN_OK)));
        }
        for (queued, (kind, data)) in messages.iter().enumerate() {
            let sent = match *kind {
                WSADDIN_KIND_BINARY => self.client.send_binary(data),
                _ => self.client.send(std::str::from_utf8(data).unwrap()),
            };
            if sent.is_err() {
                return (queued, sent);
            }
        }
        (messages.len(), Ok(()))
    }

    /// For calls that have failed: only because the server has ended it.
    fn has_ended(&self) -> bool {
        self.is_cut()
    }

    /// The end has an event, and nothing comes after it.
    fn has_close(&self) {
        // One that came and went before anybody looked leaves no events, only its code.
        let code = self.client.close_code();
        if self.is_cut() && [i64::from(CUT), 1001].contains(&code) {
            self.book(|book| book.closed = book.closed.or((!book.opened).then_some((code, false))));
        }
        if self.book(|book| book.closed.is_none()) {
            let code = (self.client.close_code(), self.client.close_reason(), self.client.ready_state());
            let later = self.client.receive_event(1000);
            panic!("an end without a close: {code:?} after {:?}, then {later:?}; {:?}", self.done, self.shared.book);
        }
    }

    /// Takes what is there.
    fn look(&mut self) {
        while !self.has_handler {
            match self.receive(-1) {
                Came::Events(events) => self.take(&events),
                Came::Timeout => break,
                Came::Closed => {
                    self.has_close();
                    break;
                }
            }
        }
        if self.book(|book| book.outstanding() == 0) {
            self.under_way = 0;
        }
    }

    /// Waits until all has come back; false when the connection has ended before.
    fn drain(&mut self, how: u64) -> bool {
        let since = Instant::now();
        while self.book(|book| book.outstanding() > 0 && book.closed.is_none()) {
            assert!(
                since.elapsed() < Duration::from_millis(PATIENCE as u64),
                "nothing more comes: {:?}",
                self.shared.book
            );
            if self.has_handler {
                let book = self.shared.book.lock().unwrap();
                if book.outstanding() > 0 && book.closed.is_none() {
                    drop(self.shared.changed.wait_timeout(book, Duration::from_millis(200)).unwrap());
                }
                continue;
            }
            if how == 0 {
                wait_any(&[self.client.0.id], 200).unwrap();
            }
            match self.receive(200) {
                Came::Events(events) => self.take(&events),
                Came::Timeout => {}
                Came::Closed => self.has_close(),
            }
        }
        let all = self.book(|book| book.outstanding() == 0);
        self.under_way = if all { 0 } else { self.under_way };
        assert!(all || self.is_cut(), "ended by nobody: {:?}", self.shared.book);
        all
    }

    /// Ends it in the proper way, with all accounts settled unless the server was quicker.
    fn close(&mut self, random: &mut Random, totals: &Totals) {
        let all = self.drain(random.below(2));
        let clean = self.client.disconnect(1000, "settled");
        assert!(matches!(clean, Ok(true)) || self.is_cut(), "{clean:?} {:?}", self.shared.book);
        if self.has_handler {
            self.await_close();
        }
        // Who ends it himself receives no close, unless the server was quicker.
        while !self.has_handler
            && let Came::Events(events) = self.receive(-1)
        {
            self.take(&events);
        }
        if let Some((code, _)) = self.book(|book| book.closed) {
            let ours = [i64::from(CUT), 1001].contains(&code) && self.is_cut();
            assert!(code == 1000 || ours, "{code} {:?}", self.shared.book);
        }
        self.settle(totals, all);
    }

    /// A handler is told of every close; it runs after the calls that wait for the same end were woken, so it may still
    /// come when a disconnect has returned, and would go into the next connection's book.
    fn await_close(&self) {
        let book = self.shared.book.lock().unwrap();
        let limit = Duration::from_millis(PATIENCE as u64);
        let (book, timeout) =
            self.shared.changed.wait_timeout_while(book, limit, |book| book.closed.is_none()).unwrap();
        assert!(!timeout.timed_out(), "no close for the handler: {book:?}");
    }

    /// The end, for the sums.
    fn settle(&mut self, totals: &Totals, all: bool) {
        self.book(|book| {
            totals.sent.fetch_add(book.sent, SeqCst);
            totals.echoed.fetch_add(book.echoed, SeqCst);
            totals.received.fetch_add(book.received, SeqCst);
            assert!(book.echoed <= book.sent && (!all || book.echoed == book.sent), "{book:?}");
        });
        totals.connections.fetch_add(1, SeqCst);
        totals.settled.fetch_add(u64::from(all), SeqCst);
        self.target = None;
    }

    fn request(&mut self) {
        // Handlers get answers, too; here only what waits.
        let number = STREAMS.fetch_add(1, SeqCst);
        match self.client.request(&format!("{{\"id\":{number}}}"), PATIENCE) {
            Ok(Got::Event(answer)) => assert_eq!(answer.json()["id"], number),
            other => assert!(self.has_ended(), "{other:?}"),
        }
    }

    fn ping(&mut self) {
        let pinged: Outcome<i64> = self.client.ping(PATIENCE);
        assert!(pinged.is_ok() || self.has_ended(), "{pinged:?}");
    }
}

/// Some clients of one thread.
pub struct Driver {
    random: Random,
    talks: Vec<Talk>,
    targets: Vec<Target>,
    totals: Arc<Totals>,
}

impl Driver {
    pub fn new(seed: u64, clients: usize, targets: Vec<Target>, totals: Arc<Totals>) -> Self {
        let talks = (0..clients).map(|at| Talk::new(at + 1 == clients, at % 2 == 0)).collect();
        Self { random: Random::new(seed), talks, targets, totals }
    }

    pub fn work(&mut self, until: Instant) {
        while Instant::now() < until {
            let at = self.random.below(self.talks.len() as u64) as usize;
            self.act(at);
        }
        self.settle_all();
    }

    fn act(&mut self, at: usize) {
        let Self { random, talks, targets, totals } = self;
        let talk = &mut talks[at];
        totals.operations.fetch_add(1, SeqCst);
        if talk.target.is_none() {
            let target = random.below(targets.len() as u64) as usize;
            talk.connect(targets[target].clone());
            return;
        }
        talk.look();
        if !talk.is_open() {
            talk.close(random, totals);
            return;
        }
        let choice = random.below(100);
        talk.done.push(choice);
        match choice {
            0..60 => talk.send(random),
            60..75 => _ = talk.drain(random.below(2)),
            75..78 => talk.ping(),
            78..82 => talk.request(),
            82..84 => assert!(talk.client.statistics().is_object()),
            84..86 => _ = (talk.client.status(), talk.client.buffered_amount(), talk.client.queued()),
            86..88 => {
                let ids: Vec<u64> =
                    talks.iter().filter(|talk| !talk.has_handler).map(|talk| talk.client.0.id).collect();
                wait_any(&ids, 20).unwrap();
            }
            88..96 => talk.close(random, totals),
            96..98 => {
                // Cut off without a word: what has come is whole and in order, and no more is promised.
                talk.client.close_timeout(0);
                let _ = talk.client.disconnect(1000, "");
                talk.settle(totals, false);
                *talk = talk.anew();
            }
            _ => {
                // In the middle of everything.
                talk.settle(totals, false);
                match random.below(2) {
                    0 => talk.client.free().unwrap(),
                    _ => _ = check(wsaddin_client_release(talk.client.0)).unwrap(),
                }
                *talk = talk.anew();
            }
        }
    }

    /// All connections ended in the proper way, and every other client made anew.
    fn settle_all(&mut self) {
        for at in 0..self.talks.len() {
            let talk = &mut self.talks[at];
            if talk.target.is_some() {
                talk.close(&mut self.random, &self.totals);
            }
            if self.random.below(2) == 0 {
                *talk = talk.anew();
            }
        }
    }
}
