//! The ends of calls that wait.

use super::*;
use crate::engine::connection::IoHandle;
use crate::options::{Options, Side};
use crate::ws::Message;
use std::sync::mpsc::channel;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

/// Calls wait without limit for a message that a request holds, the last one after the end of its connection: how many
/// of them get it, and how many learn that none comes, once the request has looked at it.
fn outcomes(text: &str, count: usize) -> (usize, usize) {
    let inbox = Inbox::new(Arc::new(Options::new(Side::Client)), 1);
    let connection = Connection::new(IoHandle::without_thread());
    inbox.set_live(true);
    let asked = inbox.expect(&connection, inbox.life(), ("id", "1"), Box::new(|| {})).unwrap();
    let mut entries = Entries::default();
    entries.push_back(Event { connection: 1, body: Body::Message(Message::text(text)) }, Some(&connection));
    connection.admitted.add(text.len());
    inbox.push(&mut entries, text.len());
    inbox.set_live(false);
    let (tell, told) = channel();
    std::thread::scope(|scope| {
        for _ in 0..count {
            let (inbox, tell) = (&inbox, tell.clone());
            scope.spawn(move || tell.send(inbox.receive(Want::Message, Wait::Forever)));
        }
        while inbox.lock().waiters.len() < count {
            std::thread::yield_now();
        }
        let _ = asked.wait(Wait::Forever, Deadline::Never);
        drop(asked);
        let ends: Vec<_> = (0..count).map_while(|_| told.recv_timeout(SOON).ok()).collect();
        // Those that still wait.
        inbox.cancel();
        let got = ends.iter().filter(|end| matches!(end, Ok(Outcome::Got(_)))).count();
        let closed = ends.iter().filter(|end| matches!(end, Ok(Outcome::Closed))).count();
        (got, closed)
    })
}

#[test]
fn a_call_ends_when_the_last_message_was_a_reply() {
    assert_eq!(outcomes("{\"id\":1}", 2), (0, 2));
}

#[test]
fn a_call_ends_when_another_took_the_last_message() {
    assert_eq!(outcomes("{\"id\":2}", 3), (1, 2));
}

/// An event that was taken before all was dropped does not come before what a new connection says.
#[test]
fn what_is_put_back_too_late_is_dropped() {
    let inbox = Inbox::new(Arc::new(Options::new(Side::Client)), 1);
    let expired = |name: &str| Body::Expired(name.to_owned());
    let next = || match inbox.take_now() {
        Some((Event { body: Body::Expired(name), .. }, _)) => name,
        other => format!("{other:?}"),
    };
    assert!(!inbox.add(None, expired("old")));
    let (event, clears) = inbox.take_now().unwrap();
    inbox.put_back(event, clears);
    let (event, clears) = inbox.take_now().unwrap();
    inbox.clear();
    assert!(!inbox.add(None, expired("new")));
    inbox.put_back(event, clears);
    assert_eq!((next(), next()), ("new".into(), "None".into()));
    // The same of a batch that a handler did not get.
    let (mut state, mut batch) = (inbox.lock(), Entries::default());
    let clears = state.clears;
    batch.push_back(Event { connection: 0, body: expired("old") }, None);
    state.clears += 1;
    inbox.return_batch(&mut state, &mut batch, clears);
    assert!(state.queue.is_empty() && batch.is_empty());
}
