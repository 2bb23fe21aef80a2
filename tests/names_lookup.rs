//! Names as the host asks for them, broadcasts with a choice, and a server that takes nobody more.

mod common {
    pub mod face;
    pub mod names;
    pub mod raw;
}

#[path = "reference/keys.rs"]
mod table;

use common::face::*;
use common::names::*;
use common::raw;
use std::io::{Read, Write};
use std::net::TcpStream;
use websocket_addin::capi::*;

#[test]
fn what_is_known_of_a_name_follows_its_connection() {
    let server = naming();
    assert_eq!((server.name_info("a"), server.name_list("").as_array().map(Vec::len)), (None, Some(0)));
    let (first, id) = come(&server, "a");
    let (_second, _) = come(&server, "ab");
    let (_third, _) = come(&server, "b");
    server.join_group(id, "team").unwrap();
    let info = server.name_info("a").unwrap();
    assert_eq!(keys(&info), table::NAME.names(&[]));
    assert_eq!((&info["state"], &info["id"], &info["until"]), (&"open".into(), &id.into(), &serde_json::Value::Null));
    assert_eq!(info["server"], format!("127.0.0.1:{}", server.port()));
    assert_eq!(info["groups"], serde_json::json!(["team"]));
    let names = |prefix: &str| -> Vec<String> {
        let list = server.name_list(prefix);
        let names = list.as_array().unwrap().iter();
        names.map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(""), ["a", "ab", "b"]);
    assert_eq!((names("a"), names("A")), (vec!["a".to_owned(), "ab".to_owned()], vec![]));
    assert_eq!(keys(&server.name_list("b")[0]), table::NAME.names(&["groups"]));

    first.disconnect(1001, "").unwrap();
    server.event().close();
    assert!(server.send_to_name("a", "later").unwrap());
    let away = server.name_info("a").unwrap();
    assert_eq!((&away["state"], &away["id"]), (&"waiting".into(), &serde_json::Value::Null));
    assert_eq!((&away["queued"], &away["queued_bytes"]), (&1.into(), &5.into()));
    assert!(away["until"].as_str().unwrap() > away["since"].as_str().unwrap(), "{away}");
    assert!(away["since"].as_str().unwrap() >= info["since"].as_str().unwrap(), "{away}");
}

#[test]
fn a_name_is_disconnected_wherever_it_is() {
    let server = naming();
    let (client, id) = come(&server, "a");
    assert_eq!(client.expect(WSADDIN_EVENT_OPEN).connection, 0);
    assert_eq!(code(server.disconnect_name("a", 1005, "")), WSADDIN_BAD_ARGUMENT);
    assert_eq!(code(server.disconnect_name("a\n", 1000, "")), WSADDIN_BAD_ARGUMENT);
    assert!(!server.disconnect_name("A", 1000, "").unwrap());
    assert!(server.disconnect_name("a", 4000, "enough").unwrap());
    assert!(!server.disconnect_name("a", 4000, "enough").unwrap(), "the name is free at once");
    assert_eq!(client.event().close(), (4000, "enough".to_owned(), true));
    assert_eq!(server.event().connection, id);
    assert_eq!(server.statistics()["sessions_waiting"], 0, "its session does not wait");

    let (client, _) = come(&server, "b");
    client.disconnect(1001, "").unwrap();
    server.event().close();
    assert!(server.send_to_name("b", "never").unwrap());
    assert!(server.disconnect_name("b", 1000, "").unwrap());
    assert_eq!(server.expect(WSADDIN_EVENT_EXPIRED).json(), serde_json::json!({"name": "b", "messages": 1}));
    assert_eq!((server.name_info("b"), server.send_to_name("b", "x").unwrap()), (None, false));
}

#[test]
fn a_broadcast_leaves_out_whom_it_is_told_to() {
    let server = naming();
    let (first, one) = come(&server, "a");
    let (second, two) = come(&server, "b");
    server.join_group(one, "team").unwrap();
    server.join_group(two, "team").unwrap();
    assert_eq!(server.broadcast_with("to b", "", one, 0).unwrap(), 1);
    assert_eq!(server.broadcast_with("to a", "team", two, 0).unwrap(), 1);
    assert_eq!(server.broadcast_with("to both", "", 0, WSADDIN_SKIP_FULL).unwrap(), 2);
    assert_eq!(code(server.broadcast_with("x", "", 3, 0)), WSADDIN_BAD_ARGUMENT, "never issued");
    assert_eq!(code(server.broadcast_with("x", "", 0, 1 << 31)), WSADDIN_BAD_ARGUMENT);
    assert_eq!(
        (texts(&first, 2), texts(&second, 2)),
        (vec!["to a".to_owned(), "to both".to_owned()], vec!["to b".to_owned(), "to both".to_owned()])
    );
}

/// Who does not read goes without, is not counted and stays; without the flag it is closed.
#[test]
fn who_has_no_room_is_skipped_where_that_is_asked_for() {
    let server = Server::running();
    server.send_queue_bytes(1 << 20);
    let reader = Client::new();
    reader.connect(&server.url()).unwrap();
    server.opened();
    let stalled = raw::client(server.port());
    let slow = server.opened();
    let mut numbers = 0..;
    until("the queue of who does not read is full", || {
        let text = padded(numbers.next().unwrap());
        let count = server.broadcast_with(&text, "", 0, WSADDIN_SKIP_FULL).unwrap();
        assert!(matches!(reader.receive(SOON).unwrap(), Got::Event(event) if event.text() == text));
        count == 1
    });
    assert_eq!(server.connection_count(), 2);
    assert_eq!(server.broadcast_with(&padded(1), "", 0, 0).unwrap(), 1);
    assert_eq!(server.connection_info(slow).unwrap(), None, "closed with 1013");
    assert_eq!(server.connection_count(), 1);
    drop(stalled);
}

#[test]
fn a_draining_server_takes_nobody_more() {
    let server = Server::running();
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    let id = server.opened();
    server.draining(1);
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    raw::patient(&stream);
    stream.write_all(raw::request(server.port(), "").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && raw::header(&answer, "Retry-After") == Some("10"), "{answer}");
    assert_eq!(server.statistics()["rejected"]["503"], 1);
    // Who is there stays.
    assert!(server.send(id, "still here").unwrap());
    assert_eq!(client.receive(SOON).unwrap().event().text(), "still here");
    server.draining(0);
    let newcomer = Client::new();
    newcomer.connect(&server.url()).unwrap();
    server.opened();
}
