//! Names: take-over, sessions that wait for their connection, and what they are told of.

mod common {
    pub mod face;
    pub mod names;
    pub mod raw;
}

use common::face::*;
use common::names::*;
use std::time::Duration;
use websocket_addin::capi::*;

#[test]
fn a_second_one_takes_the_session_over() {
    let server = naming();
    let (first, old) = come(&server, "a");
    assert_eq!(server.connection_info(old).unwrap().unwrap()["name"], "a");
    // Of a connection that has come and gone unseen there would be nothing to tell.
    assert_eq!(first.event().event, WSADDIN_EVENT_OPEN);
    server.join_group(old, "team").unwrap();
    let second = Client::new();
    second.connect(&url(&server, "a")).unwrap();
    let close = server.event();
    assert_eq!((close.connection, close.close().0), (old, 4001));
    let open = server.event();
    assert_eq!((open.event, open.connection), (WSADDIN_EVENT_OPEN, old + 1));
    assert_eq!((&open.json()["name"], &open.json()["groups"]), (&"a".into(), &serde_json::json!(["team"])));
    assert_eq!(first.event().close(), (4001, String::new(), true));
    assert_eq!(server.connection_count(), 1);
    assert!(!server.send(old, "x").unwrap(), "it has gone");
    assert!(server.send_to_name("a", "for a").unwrap());
    assert_eq!(server.broadcast_to("team", "for all").unwrap(), 1);
    assert_eq!(texts(&second, 2), ["for a", "for all"]);
    until("the end of the first is booked", || server.statistics()["closes"]["4001"] == 1);
}

#[test]
fn take_over_loses_nothing_that_was_queued() {
    let server = naming();
    server.close_timeout(300).send_queue_bytes(64 << 20);
    let stalled = Stalled::come(&server, "a");
    let id = server.opened();
    // More than any socket holds.
    let count = 400;
    for number in 0..count {
        assert!(server.send(id, &padded(number)).unwrap());
    }
    let second = Client::new();
    second.connect(&url(&server, "a")).unwrap();
    assert_eq!(server.event().close().0, 4001);
    assert_eq!(server.opened(), id + 1);
    for number in count..count + 5 {
        assert!(server.send_to_name("a", &padded(number)).unwrap());
    }
    // The kernel had taken the first ones; from then on there is no gap and nothing twice, and the order holds.
    let got = numbers(&second, count + 4);
    let expected: Vec<usize> = (got[0]..count + 5).collect();
    assert_eq!(got, expected);
    assert!(got[0] < count, "nothing was left to the second one");
    let read = stalled.read_all();
    assert!(read.len() <= got[0], "what went to the first one is not sent again");
    assert!(read.iter().copied().eq(0..read.len()));
}

#[test]
fn what_is_sent_while_away_comes_first_and_in_order() {
    let server = naming();
    let (client, id) = come(&server, "a");
    server.join_group(id, "team").unwrap();
    client.disconnect(1001, "").unwrap();
    assert_eq!(server.event().close().0, 1001);
    assert_eq!((server.connection_count(), server.statistics()["sessions_waiting"].clone()), (0, 1.into()));
    assert!(!server.send(id, "too late").unwrap(), "an id never comes back");
    for number in 0..100 {
        assert!(server.send_to_name("a", &number.to_string()).unwrap());
    }
    assert_eq!(server.broadcast("all").unwrap(), 1, "absent sessions are counted");
    assert_eq!(server.broadcast_to("team", "team").unwrap(), 1);
    let again = Client::new();
    again.connect(&url(&server, "a")).unwrap();
    let open = server.event();
    assert_eq!((open.event, &open.json()["groups"]), (WSADDIN_EVENT_OPEN, &serde_json::json!(["team"])));
    server.send(open.connection, "new").unwrap();
    let expected: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    assert_eq!(texts(&again, 100), expected);
    assert_eq!(texts(&again, 3), ["all", "team", "new"]);
    assert_eq!(server.statistics()["sessions_waiting"], 0);
}

#[test]
fn who_stays_away_too_long_has_expired() {
    let server = naming();
    server.resume_timeout(1000);
    let (client, id) = come(&server, "a");
    server.join_group(id, "team").unwrap();
    client.disconnect(1001, "").unwrap();
    // All in one call after the close, or the session might be over on a busy machine.
    server.event().close();
    let mut sent = 0;
    while server.send_to_name("a", "x").unwrap() {
        sent += 1;
        std::thread::sleep(Duration::from_millis(1));
    }
    let expired = server.event();
    assert_eq!((expired.event, expired.connection), (WSADDIN_EVENT_EXPIRED, 0));
    assert_eq!(expired.text(), format!(r#"{{"name":"a","messages":{sent}}}"#));
    assert_eq!((server.broadcast_to("team", "x").unwrap(), server.broadcast("x").unwrap()), (0, 0));
    assert_eq!(server.statistics()["sessions_waiting"], 0);
    // A new one begins anew, and a session without messages ends without a word.
    let (again, next) = come(&server, "a");
    assert_eq!(server.connection_info(next).unwrap().unwrap()["groups"], serde_json::json!([]));
    again.disconnect(1001, "").unwrap();
    server.event().close();
    until("the session has ended", || server.statistics()["sessions_waiting"] == 0);
    assert!(!server.send_to_name("a", "x").unwrap());
    assert_eq!(server.receive_event(WSADDIN_NO_WAIT).unwrap(), Got::Timeout);
}

#[test]
fn who_says_goodbye_does_not_come_back() {
    let server = naming();
    let (client, _) = come(&server, "a");
    client.disconnect(1000, "").unwrap();
    assert_eq!(server.event().close().0, 1000);
    assert!(!server.send_to_name("a", "x").unwrap());
    // Nor does who was sent away, or who has no time to.
    let (_second, id) = come(&server, "a");
    assert!(server.disconnect(id, 1000, "").unwrap());
    assert!(!server.send_to_name("a", "x").unwrap());
    server.event().close();
    server.resume_timeout(0);
    let (third, _) = come(&server, "a");
    third.disconnect(1001, "").unwrap();
    assert_eq!(server.event().close().0, 1001);
    assert!(!server.send_to_name("a", "x").unwrap());
    assert_eq!(server.statistics()["sessions_waiting"], 0);
}

#[test]
fn case_makes_two_names() {
    let server = naming();
    let (lower, _) = come(&server, "anna");
    let (upper, _) = come(&server, "Anna");
    let (russian, _) = come(&server, "%D0%90%D0%BD%D0%BD%D0%B0");
    for (name, text) in [("anna", "1"), ("Anna", "2"), ("Анна", "3")] {
        assert!(server.send_to_name(name, text).unwrap());
    }
    assert!(!server.send_to_name("ANNA", "4").unwrap());
    assert_eq!(
        (texts(&lower, 1), texts(&upper, 1), texts(&russian, 1)),
        (vec!["1".into()], vec!["2".into()], vec!["3".into()])
    );
}

#[test]
fn what_is_no_name_is_refused() {
    let server = naming();
    let (_client, id) = come(&server, "good");
    let longest = "n".repeat(1024);
    for (query, expected) in [
        (format!("/?id={longest}"), 101),
        (format!("/?id={longest}n"), 400),
        ("/?id=a%0Ab".to_owned(), 400),
        ("/?id=a%C2%85".to_owned(), 400),
        ("/?id=%FF".to_owned(), 400),
        ("/?id=a%7F".to_owned(), 400),
        ("/?id=".to_owned(), 101),
        ("/?ID=a%0Ab".to_owned(), 101),
    ] {
        assert_eq!(status(&server, &query, ""), expected, "{query}");
    }
    assert_eq!(status(&server, "/?x=1&id=two+words%2B", ""), 101);
    until("it is named", || server.send_to_name("two words+", "x").unwrap());
    assert_eq!(status(&server, "/", "id: \u{1}\r\n"), 400);
    assert_eq!(status(&server, "/", "Id: by header\r\n"), 101, "a header's name has no case");
    until("it is named", || server.send_to_name("by header", "x").unwrap());
    assert!(server.send_to_name(&longest, "x").unwrap());
    assert_eq!(server.statistics()["rejected"]["400"], 6, "each was counted");
    // The token comes first: who is not let in learns nothing about names.
    server.set_access_token("secret").unwrap();
    assert_eq!(status(&server, "/?id=%FF", ""), 401);
    for name in [format!("{longest}n"), "\u{7f}".to_owned(), "a\0".to_owned()] {
        assert_eq!(code(server.set_name(id, &name)), WSADDIN_BAD_ARGUMENT, "{name:?}");
    }
    assert_eq!(code(server.join_group(id, "")), WSADDIN_BAD_ARGUMENT);
}

#[test]
fn the_host_names_a_connection_afterwards() {
    let server = Server::running();
    let (first, one) = come(&server, "");
    let (second, two) = come(&server, "");
    assert!(server.set_name(one, "a").unwrap() && server.set_name(one, "a").unwrap());
    assert!(server.send_to_name("a", "1").unwrap());
    assert_eq!(texts(&first, 1), ["1"]);
    assert!(server.set_name(two, "a").unwrap());
    let close = server.event();
    assert_eq!((close.connection, close.close().0), (one, 4001));
    assert!(!server.set_name(one, "b").unwrap(), "it has gone");
    assert!(server.send_to_name("a", "2").unwrap());
    assert_eq!(texts(&second, 1), ["2"]);
    assert!(server.set_name(two, "b").unwrap());
    assert!(!server.send_to_name("a", "3").unwrap() && server.send_to_name("b", "4").unwrap());
    assert!(server.set_name(two, "").unwrap());
    assert!(!server.send_to_name("b", "5").unwrap());
    assert!(server.set_name(99, "c").is_err(), "never issued");
    assert_eq!(texts(&second, 1), ["4"]);
}

#[test]
fn groups_come_with_the_name_and_by_the_host() {
    let server = Server::running();
    server.set_name_parameter("X-StatefulSocketId").unwrap();
    let mut clients = Vec::new();
    for (name, group) in [(1, 10), (2, 10), (3, 20), (4, 20)] {
        let client = Client::new();
        let query = format!("?X-StatefulSocketId=id:1000{name}::group_id:100{group}");
        client.connect(&format!("{}{query}", server.url())).unwrap();
        clients.push((server.opened(), client));
    }
    assert_eq!(server.connection_list()[1]["name"], "id:10002::group_id:10010");
    assert_eq!(server.connection_list()[1]["groups"], serde_json::json!(["10010"]));
    assert_eq!(server.broadcast_to("10010", "ten").unwrap(), 2);
    assert_eq!(server.broadcast_to("10020", "twenty").unwrap(), 2);
    assert_eq!(server.broadcast_to("10030", "nobody").unwrap(), 0);
    assert!(server.send_to_name("id:10004::group_id:10020", "you").unwrap());
    assert!(server.join_group(clients[0].0, "10020").unwrap() && server.leave_group(clients[0].0, "10010").unwrap());
    assert!(server.leave_group(clients[0].0, "never in it").unwrap());
    assert_eq!((server.broadcast_to("10010", "a").unwrap(), server.broadcast_to("10020", "b").unwrap()), (1, 3));
    let expected = [vec!["ten", "b"], vec!["ten", "a"], vec!["twenty", "b"], vec!["twenty", "you", "b"]];
    for ((_, client), expected) in clients.iter().zip(expected) {
        assert_eq!(texts(client, expected.len()), expected);
    }
    // Who goes leaves its groups.
    assert!(server.disconnect(clients[0].0, 1000, "").unwrap());
    assert!(!server.join_group(clients[0].0, "10010").unwrap());
    assert_eq!(server.broadcast_to("10020", "c").unwrap(), 2);
}
