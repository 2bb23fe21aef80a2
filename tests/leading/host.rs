//! A thread of the host that takes one event after the other and sends messages back.

use super::{HARD, Object, Peer};
use crate::face::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// The system calls that the library polls and waits on locks with.
#[cfg(target_arch = "x86_64")]
const POLLS: [&str; 2] = ["232", "281"];
#[cfg(target_arch = "x86_64")]
const LOCKS: &str = "202";
#[cfg(target_arch = "aarch64")]
const POLLS: [&str; 2] = ["22", "441"];
#[cfg(target_arch = "aarch64")]
const LOCKS: &str = "98";

/// What a thread sleeps in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sleep {
    Poll,
    Lock,
    /// It runs, or sleeps elsewhere.
    Else,
}

/// A thread of this process, as the system sees it.
#[derive(Clone, Copy)]
pub struct Task(u64);

impl Task {
    pub fn own() -> Self {
        let link = std::fs::read_link("/proc/thread-self").unwrap();
        Self(link.file_name().unwrap().to_str().unwrap().parse().unwrap())
    }

    /// The library's only I/O thread.
    pub fn of_io() -> Self {
        let is_it = |task: &Self| task.read("comm").is_ok_and(|name| name.trim() == "websocket-io0");
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let numbers = tasks.map(|entry| Self(entry.unwrap().file_name().to_str().unwrap().parse().unwrap()));
        let found: Vec<_> = numbers.filter(is_it).collect();
        assert_eq!(found.len(), 1);
        found[0]
    }

    fn read(self, file: &str) -> std::io::Result<String> {
        std::fs::read_to_string(format!("/proc/self/task/{}/{file}", self.0))
    }

    /// How long it has run on a processor.
    pub fn cpu(self) -> Duration {
        let line = self.read("schedstat").unwrap();
        Duration::from_nanos(line.split(' ').next().unwrap().parse().unwrap())
    }

    pub fn sleep(self) -> Sleep {
        let line = self.read("syscall").unwrap_or_default();
        match line.split_whitespace().next() {
            Some(call) if POLLS.contains(&call) => Sleep::Poll,
            Some(LOCKS) => Sleep::Lock,
            _ => Sleep::Else,
        }
    }
}

/// See the module's page. A message `nap N` is answered, and then the host stays away for `N` milliseconds.
pub struct Host {
    thread: JoinHandle<(Outcome<Got>, Duration)>,
    pub task: Task,
    /// All but messages.
    events: Receiver<Event>,
    replies: Arc<AtomicUsize>,
}

impl Host {
    pub fn start<O: Object>(object: &Arc<O>) -> Self {
        Self::patient(object, 0)
    }

    /// One whose waits have this limit, and which ends when one runs out.
    pub fn patient<O: Object>(object: &Arc<O>, timeout_ms: i64) -> Self {
        let (object, (events, seen), (own, task)) = (object.clone(), channel(), channel());
        let replies = Arc::new(AtomicUsize::new(0));
        let count = replies.clone();
        let thread = std::thread::spawn(move || {
            own.send(Task::own()).unwrap();
            let mut begun = Instant::now();
            let outcome = serve(&*object, timeout_ms, &events, &count, &mut begun);
            (outcome, begun.elapsed())
        });
        Self { thread, task: task.recv().unwrap(), events: seen, replies }
    }

    /// Messages that it has sent back.
    pub fn replies(&self) -> usize {
        self.replies.load(SeqCst)
    }

    pub fn event(&self) -> Event {
        self.events.recv_timeout(Duration::from_millis(SOON as u64)).expect("an event comes")
    }

    #[track_caller]
    pub fn expect(&self, kind: wsaddin_event) -> Event {
        self.event().of(kind)
    }

    /// What its last wait came back with.
    pub fn end(self) -> Outcome<Got> {
        self.last_wait().0
    }

    /// The same, and how long it took.
    pub fn last_wait(self) -> (Outcome<Got>, Duration) {
        until("the host's wait is over", || self.thread.is_finished());
        self.thread.join().expect("the host's thread is well")
    }

    pub fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// Whether it runs the loop while it waits; waits itself until the host does.
    pub fn leads(&self) -> bool {
        let begun = Instant::now();
        loop {
            match self.task.sleep() {
                Sleep::Poll => return true,
                Sleep::Lock if self.task.sleep() == Sleep::Lock => {
                    // Not for a moment only, in which another thread had the lock.
                    std::thread::sleep(Duration::from_millis(1));
                    if self.task.sleep() == Sleep::Lock {
                        return false;
                    }
                }
                Sleep::Lock | Sleep::Else => std::thread::yield_now(),
            }
            assert!(begun.elapsed() < HARD, "the host does not wait");
        }
    }

    /// Makes it wait often, until it runs the loop.
    pub fn lead_in(&self, peer: &mut Peer) {
        // Which way makes it wait often enough depends on what else the machine does just now.
        let mut ways = (0..).map(|round| [None, Some(0), Some(100)][round % 3]);
        until("the host runs the loop", || {
            match ways.next().flatten() {
                None => peer.talk(30),
                Some(gap) => peer.patter(60, Duration::from_micros(gap)),
            }
            self.leads()
        });
    }
}

/// Takes events until the wait ends otherwise, the last one of those begun then.
pub fn serve<O: Object>(
    object: &O,
    timeout_ms: i64,
    events: &Sender<Event>,
    replies: &AtomicUsize,
    begun: &mut Instant,
) -> Outcome<Got> {
    loop {
        *begun = Instant::now();
        let event = match object.next(timeout_ms)? {
            Got::Event(event) => event,
            other => return Ok(other),
        };
        if event.event != WSADDIN_EVENT_MESSAGE {
            // The test may have seen enough.
            let _ = events.send(event);
            continue;
        }
        object.reply(&event)?;
        replies.fetch_add(1, SeqCst);
        let nap = event.text_if_any().and_then(|text| text.strip_prefix("nap ")?.parse().ok());
        if let Some(nap) = nap {
            std::thread::sleep(Duration::from_millis(nap));
        }
    }
}

impl Event {
    fn text_if_any(&self) -> Option<&str> {
        (self.kind == WSADDIN_KIND_TEXT).then(|| self.text())
    }
}
