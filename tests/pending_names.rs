//! Newcomers that wait for the host's word and bring a name, or get one from the host.

mod common {
    pub mod face;
    pub mod names;
    pub mod raw;
}

use common::face::*;
use common::names::*;
use websocket_addin::capi::*;

/// A client that asks to be let in under a name, and its number.
fn ask(server: &Server, name: &str) -> (Client, u64) {
    let client = Client::new();
    client.begin_connect(&url(server, name)).unwrap();
    let id = server.expect(WSADDIN_EVENT_PENDING).connection;
    (client, id)
}

#[test]
fn only_who_is_let_in_takes_a_name_over() {
    let server = naming();
    let (first, one) = come(&server, "ann");
    server.manual_accept(1);
    let (refused, two) = ask(&server, "ann");
    // Who waits has no name yet.
    assert!(server.send_to_name("ann", "a").unwrap());
    assert!(server.reject(two, 403, "").unwrap());
    assert!(refused.expect(WSADDIN_EVENT_ERROR).text().contains("403"));
    assert!(server.send_to_name("ann", "b").unwrap());
    assert_eq!(texts(&first, 2), ["a", "b"]);
    assert_eq!(server.connection_list()[0]["id"], one);
    let (second, three) = ask(&server, "ann");
    assert!(server.accept(three).unwrap());
    assert!(server.send(three, "welcome").unwrap());
    let close = server.event();
    assert_eq!((close.connection, close.close().0), (one, 4001));
    let open = server.event();
    assert_eq!((open.event, open.connection), (WSADDIN_EVENT_OPEN, three));
    assert_eq!((&open.json()["name"], &open.json()["state"]), (&"ann".into(), &"open".into()));
    assert!(server.send_to_name("ann", "c").unwrap());
    assert_eq!(texts(&second, 2), ["welcome", "c"]);
    until("the first one is told", || first.close_code() == 4001);
    assert_eq!(server.connection_count(), 1);
}

#[test]
fn of_two_that_wait_the_one_let_in_last_has_the_name() {
    let server = naming();
    server.manual_accept(1);
    let (first, one) = ask(&server, "ann");
    let (second, two) = ask(&server, "ann");
    assert!(server.accept(two).unwrap());
    assert_eq!(server.opened(), two);
    assert!(server.accept(one).unwrap());
    let close = server.event();
    assert_eq!((close.connection, close.close().0), (two, 4001));
    assert_eq!(server.opened(), one);
    assert!(server.send_to_name("ann", "for the first").unwrap());
    assert_eq!(texts(&first, 1), ["for the first"]);
    until("the second one is told", || second.close_code() == 4001);
}

#[test]
fn the_host_names_one_that_it_has_just_let_in() {
    let server = naming();
    server.manual_accept(1);
    for round in 0..30 {
        let (client, id) = ask(&server, "");
        assert!(!server.set_name(id, "early").unwrap(), "it is not let in yet");
        assert!(server.accept(id).unwrap());
        let name = format!("guest {round}");
        assert!(server.set_name(id, &name).unwrap());
        assert!(server.join_group(id, "guests").unwrap());
        assert!(server.send_to_name(&name, "by name").unwrap());
        assert_eq!(server.broadcast_to("guests", "to the group").unwrap(), 1);
        // `open` may have been told before the name was given.
        assert_eq!(server.opened(), id);
        let info = server.connection_info(id).unwrap().unwrap();
        assert_eq!((&info["name"], &info["groups"]), (&name.as_str().into(), &serde_json::json!(["guests"])));
        assert_eq!(texts(&client, 2), ["by name", "to the group"]);
        assert!(client.disconnect(1000, "").unwrap());
        assert_eq!(server.event().close().0, 1000);
        assert!(!server.send_to_name(&name, "gone").unwrap());
    }
}

#[test]
fn one_that_is_let_in_has_its_name_at_once() {
    let server = naming();
    server.manual_accept(1);
    let mut before = None;
    for round in 0..30 {
        let (client, id) = ask(&server, "id:1::group_id:7");
        assert!(server.accept(id).unwrap());
        assert!(server.send_to_name("id:1::group_id:7", "by name").unwrap(), "round {round}");
        assert_eq!(server.broadcast_to("7", "to the group").unwrap(), 1, "round {round}");
        if let Some((_, before)) = before {
            let close = server.event();
            assert_eq!((close.connection, close.close().0), (before, 4001));
        }
        assert_eq!(server.opened(), id);
        assert_eq!(texts(&client, 2), ["by name", "to the group"]);
        before = Some((client, id));
    }
}

#[test]
fn one_that_is_let_in_and_never_opens_leaves_the_session_as_it_was() {
    let server = naming();
    server.manual_accept(1);
    let mut kept = 0;
    for round in 0..50 {
        let name = format!("ann {round}").replace(' ', "%20");
        let (first, id) = ask(&server, &name);
        assert!(server.accept(id).unwrap());
        assert_eq!(server.opened(), id);
        drop(first);
        server.expect(WSADDIN_EVENT_CLOSE);
        let name_itself = format!("ann {round}");
        assert!(server.send_to_name(&name_itself, "kept").unwrap());
        // It goes while it is let in.
        let (second, id) = ask(&server, &name);
        std::thread::scope(|scope| {
            scope.spawn(|| drop(second));
            let _ = server.accept(id).unwrap();
        });
        let event = server.event();
        if event.event == WSADDIN_EVENT_OPEN {
            // It may have got the message.
            server.expect(WSADDIN_EVENT_CLOSE);
            continue;
        }
        assert_eq!((event.connection, event.close().0), (id, 1006));
        kept += 1;
        let (third, id) = ask(&server, &name);
        assert!(server.accept(id).unwrap());
        assert_eq!(server.opened(), id);
        assert_eq!(texts(&third, 1), ["kept"], "round {round}");
        assert!(third.disconnect(1000, "").unwrap());
        server.expect(WSADDIN_EVENT_CLOSE);
    }
    println!("{kept} of 50 never opened");
}

#[test]
fn one_that_leaves_before_it_opens_leaves_no_name_behind() {
    let server = naming();
    // Who has opened and broken off is not waited for.
    server.manual_accept(1).resume_timeout(0);
    for round in 0..50 {
        let (client, id) = ask(&server, "ann");
        std::thread::scope(|scope| {
            scope.spawn(|| drop(client));
            let _ = server.accept(id).unwrap() && server.set_name(id, "bob").unwrap();
        });
        let mut event = server.event();
        if event.event == WSADDIN_EVENT_OPEN {
            event = server.event();
        }
        let (code, ..) = event.close();
        assert!(event.connection == id && matches!(code, 1001 | 1006), "round {round}: {event:?}");
        assert_eq!(server.connection_count(), 0);
        for name in ["ann", "bob"] {
            assert!(!server.send_to_name(name, "x").unwrap(), "round {round}: {name}");
        }
    }
}
