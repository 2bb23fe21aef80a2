use super::*;

fn push(outbox: &Outbox, text: &str) -> Option<u64> {
    outbox.push(Message::text(text).into(), || 1000, Wait::No).unwrap().holder
}

impl Sink for Vec<Message> {
    fn make_room(&mut self, messages: usize) -> usize {
        messages
    }

    fn put(&mut self, message: Message) {
        self.push(message);
    }
}

fn take(outbox: &Outbox, serial: u64, count: usize) -> Vec<Message> {
    let mut taken = Vec::new();
    for _ in 0..count {
        outbox.take(serial, 1, &mut taken);
    }
    taken
}

fn texts(messages: &[Message]) -> Vec<&str> {
    messages.iter().filter_map(Message::as_str).collect()
}

#[test]
fn what_was_not_written_is_sent_by_the_next_connection_in_order() {
    let outbox = Outbox::default();
    outbox.open();
    outbox.attach(1, Some(Message::text("hello")));
    for text in ["a", "b", "c", "d"] {
        assert_eq!(push(&outbox, text), Some(1));
    }
    let staged = take(&outbox, 1, 4);
    assert_eq!(texts(&staged), ["hello", "a", "b", "c"]);
    assert!(!outbox.written(2, 6));
    assert_eq!(outbox.detach(1, staged[2..].iter().cloned()), 0);
    assert_eq!(push(&outbox, "e"), None, "nobody is there to be flushed");
    assert_eq!(outbox.waiting(), (4, 4));
    assert!(take(&outbox, 1, 1).is_empty(), "the old one gets nothing more");
    outbox.attach(2, Some(Message::text("again")));
    assert_eq!(texts(&take(&outbox, 2, 9)), ["again", "b", "c", "d", "e"]);
    assert!(!outbox.written(5, 9));
    assert_eq!(outbox.waiting(), (0, 0));
}

#[test]
fn a_greeting_that_was_not_written_is_not_sent_by_another() {
    for taken in [0, 1, 2] {
        let outbox = Outbox::default();
        outbox.open();
        outbox.attach(1, Some(Message::text("hello")));
        push(&outbox, "a");
        let staged = take(&outbox, 1, taken);
        assert_eq!(staged.len(), taken);
        assert_eq!(outbox.detach(1, staged.into_iter()), 0);
        assert_eq!(outbox.waiting(), (1, 1));
        outbox.attach(2, None);
        assert_eq!(texts(&take(&outbox, 2, 9)), ["a"]);
    }
}

#[test]
fn who_takes_over_waits_until_the_other_has_detached() {
    let outbox = Outbox::default();
    outbox.open();
    outbox.attach(1, None);
    push(&outbox, "a");
    push(&outbox, "b");
    let staged = take(&outbox, 1, 1);
    outbox.attach(2, Some(Message::text("hello")));
    assert!(outbox.is_empty(1) && outbox.is_empty(2));
    assert!(take(&outbox, 1, 1).is_empty() && take(&outbox, 2, 1).is_empty());
    assert_eq!(outbox.detach(1, staged.into_iter()), 0);
    assert_eq!(texts(&take(&outbox, 2, 9)), ["hello", "a", "b"]);
}

#[test]
fn a_sealed_one_keeps_what_waits() {
    let outbox = Outbox::default();
    outbox.open();
    outbox.attach(1, None);
    push(&outbox, "a");
    outbox.stop_taking(1);
    assert!(outbox.is_empty(1) && take(&outbox, 1, 1).is_empty());
    push(&outbox, "b");
    assert_eq!(outbox.detach(1, std::iter::empty()), 0);
    outbox.attach(2, None);
    assert_eq!(texts(&take(&outbox, 2, 9)), ["a", "b"]);
}

#[test]
fn who_is_held_sends_what_the_others_left_first() {
    let (first, second, third) = (Outbox::default(), Outbox::default(), Outbox::default());
    for (serial, outbox) in [(1, &first), (2, &second), (3, &third)] {
        outbox.open();
        outbox.attach(serial, None);
    }
    push(&first, "a");
    push(&first, "b");
    let staged = take(&first, 1, 1);
    first.stop_taking(1);
    second.block_for_takeover();
    push(&second, "c");
    third.block_for_takeover();
    push(&third, "d");
    assert!(take(&second, 2, 9).is_empty() && take(&third, 3, 9).is_empty());
    assert!(!second.is_empty(2), "its close frame comes behind what it is to inherit");
    assert_eq!(first.detach(1, staged.into_iter()), 0);
    assert_eq!(second.prepend(first.drain()), 0);
    assert_eq!(second.waiting(), (3, 3));
    assert_eq!(third.prepend(second.drain()), 0);
    assert_eq!(texts(&take(&third, 3, 9)), ["a", "b", "c", "d"]);
    assert_eq!(third.waiting(), (4, 4), "taken, not written");
    assert!(second.push(Message::text("late").into(), || 1000, Wait::No).is_err());
}

#[test]
fn a_closed_one_inherits_nothing_and_says_so() {
    let outbox = Outbox::default();
    outbox.open();
    outbox.attach(1, None);
    outbox.block_for_takeover();
    outbox.close();
    assert!(outbox.is_empty(1), "nothing keeps its close frame back");
    let mut messages = Waiting::default();
    for text in ["a", "b"] {
        messages.push_back(Message::text(text).into()).unwrap();
    }
    assert_eq!(outbox.prepend(messages), 2);
}

/// A call that waits for room queues its message after the bypass has been opened again.
#[test]
fn what_is_queued_after_waiting_for_room_closes_the_way_past_the_queue() {
    for _ in 0..200 {
        let outbox = Outbox::default();
        outbox.open();
        outbox.attach(1, None);
        push(&outbox, "first");
        assert_eq!(take(&outbox, 1, 1).len(), 1);
        let long = "x".repeat(2000);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| outbox.push(Message::text(&long).into(), || 1000, Wait::Forever).map(drop));
            while outbox.state.lock().unwrap().waiting == 0 {
                std::thread::yield_now();
            }
            let _ = outbox.written(1, 5);
            // Before or after the other.
            let free = outbox.open_bypass(1);
            waiting.join().unwrap().unwrap();
            assert!(!outbox.is_bypass_open(), "it was free before: {free}");
            assert!(!outbox.open_bypass(1));
        });
    }
}
