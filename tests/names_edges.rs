//! Names where something else happens, too: several take-overs at once, other ends, handlers, TLS, stops.

mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/names.rs"]
mod names;
#[path = "common/raw.rs"]
mod raw;
#[path = "common/tls.rs"]
mod tls;

use face::*;
use names::*;
use std::io::Write;
use std::time::Instant;
use tls::Authority;
use websocket_addin::capi::*;

#[test]
fn a_row_of_take_overs_hands_everything_on_in_order() {
    let server = naming();
    // The first one is still being closed when the others come, however slow the machine is.
    server.close_timeout(SOON).send_queue_bytes(64 << 20);
    let mut stalled = Vec::new();
    let mut count = 0;
    let mut send = |server: &Server, more: usize| {
        for _ in 0..more {
            assert!(server.send_to_name("a", &padded(count)).unwrap());
            count += 1;
        }
        count
    };
    for _ in 0..3 {
        stalled.push(Stalled::come(&server, "a"));
        until("it has the name", || server.connection_list()[0]["id"] == stalled.len());
        send(&server, 300);
    }
    let last = Client::new();
    last.connect(&url(&server, "a")).unwrap();
    let count = send(&server, 3);
    // One after the other reads what it was sent, sees the close and goes.
    let read: Vec<Vec<usize>> = stalled.into_iter().map(Stalled::read_all).collect();
    let got = numbers(&last, count - 1);
    assert!(got.iter().copied().eq(got[0]..count), "{:?} {count}", got.first());
    assert!(read[0].len() <= got[0] && read[1].is_empty() && read[2].is_empty(), "who waits sends nothing of its own");
}

#[test]
fn a_message_before_the_take_over_comes_before_its_close() {
    let server = naming();
    for _ in 0..20 {
        let (first, old) = come(&server, "a");
        first.send("last words").unwrap();
        // Said and received before the second one was there, though the host takes it later.
        until("it has been received", || server.queued() == 1);
        let (second, _) = {
            let client = Client::new();
            client.connect(&url(&server, "a")).unwrap();
            (client, 0)
        };
        let event = server.expect(WSADDIN_EVENT_MESSAGE);
        assert_eq!((event.connection, event.text()), (old, "last words"));
        assert_eq!(server.expect(WSADDIN_EVENT_CLOSE).connection, old);
        let new = server.expect(WSADDIN_EVENT_OPEN).connection;
        assert!(server.disconnect(new, 1000, "").unwrap());
        server.expect(WSADDIN_EVENT_CLOSE);
        drop(second);
    }
}

#[test]
fn a_session_outlives_a_break_and_a_violation() {
    let server = naming();
    for bytes in
        [Vec::new(), raw::frame(raw::FIN | 3, true, b"reserved"), raw::frame(raw::FIN | raw::TEXT, true, b"\xff")]
    {
        let mut peer = Stalled::come(&server, "a");
        let id = server.expect(WSADDIN_EVENT_OPEN).connection;
        server.join_group(id, "team").unwrap();
        peer.0.write_all(&bytes).unwrap();
        let code = match bytes.len() {
            0 => {
                peer.vanish();
                1006
            }
            _ => raw::read_close(&mut peer.0).unwrap().0.into(),
        };
        assert_eq!(server.expect(WSADDIN_EVENT_CLOSE).close().0, code);
        assert!(server.send_to_name("a", "while away").unwrap());
        let again = Client::new();
        again.connect(&url(&server, "a")).unwrap();
        let open = server.expect(WSADDIN_EVENT_OPEN);
        assert_eq!(open.json()["groups"], serde_json::json!(["team"]));
        assert_eq!(texts(&again, 1), ["while away"]);
        assert!(server.disconnect(open.connection, 1000, "").unwrap());
        server.expect(WSADDIN_EVENT_CLOSE);
    }
}

#[test]
fn an_absent_session_keeps_to_the_bound() {
    let server = naming();
    server.send_queue_bytes(10_000);
    let (client, _) = come(&server, "a");
    let (other, _) = come(&server, "b");
    client.disconnect(1001, "").unwrap();
    server.expect(WSADDIN_EVENT_CLOSE);
    let text = "x".repeat(1000);
    let mut queued = 0;
    let full = loop {
        match server.send_to_name("a", &text) {
            Ok(true) => queued += 1,
            other => break other,
        }
    };
    assert_eq!((code(full), queued), (WSADDIN_QUEUE_FULL, 9));
    // Who is there gets it; the absent one goes without, and keeps what it has.
    assert_eq!(server.broadcast(&text).unwrap(), 1);
    assert_eq!(texts(&other, 1)[0], text);
    let (again, _) = come(&server, "a");
    assert_eq!(texts(&again, 9), vec![text.clone(); 9]);
    assert_eq!(server.broadcast("and on").unwrap(), 2);
    assert_eq!(texts(&again, 1), ["and on"]);
}

#[test]
fn who_waits_for_room_follows_the_name() {
    let server = naming();
    server.send_queue_bytes(100_000).close_timeout(200);
    let _stalled = Stalled::come(&server, "a");
    let id = server.expect(WSADDIN_EVENT_OPEN).connection;
    // Full for a while: the network, not only the queue of a thread that has not had its turn.
    server.send_timeout(300);
    let queued = fill(|text| server.send(id, text).is_ok());
    server.send_timeout(SOON);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| server.send_to_name("a", &padded(queued)));
        let second = Client::new();
        second.connect(&url(&server, "a")).unwrap();
        let got = numbers(&second, queued);
        assert!(got.iter().copied().eq(got[0]..=queued));
        assert_eq!(waiting.join().unwrap(), Ok(true));
    });
}

#[test]
fn a_stop_ends_sessions_and_tells_of_what_waited() {
    let server = naming();
    let port = server.port();
    for name in ["a", "b", "c"] {
        let (client, _) = come(&server, name);
        client.disconnect(1001, "").unwrap();
        server.expect(WSADDIN_EVENT_CLOSE);
    }
    assert!(server.send_to_name("a", "1").unwrap() && server.send_to_name("a", "2").unwrap());
    assert!(server.send_to_name("b", "3").unwrap());
    let begin = Instant::now();
    server.stop().unwrap();
    assert!(begin.elapsed().as_millis() < 5000, "nobody is waited for");
    assert_eq!(server.expect(WSADDIN_EVENT_EXPIRED).text(), r#"{"name":"a","messages":2}"#);
    assert_eq!(server.expect(WSADDIN_EVENT_EXPIRED).text(), r#"{"name":"b","messages":1}"#);
    assert_eq!(server.receive_event(0).unwrap(), Got::Closed);
    assert!(!server.send_to_name("a", "4").unwrap());
    // The next run knows nobody of them.
    server.run("127.0.0.1", i64::from(port)).unwrap();
    assert_eq!(server.statistics()["sessions_waiting"], 0);
    let (client, _) = come(&server, "a");
    server.send_to_name("a", "5").unwrap();
    assert_eq!(texts(&client, 1), ["5"]);
    // And an object may be freed while sessions wait.
    client.disconnect(1001, "").unwrap();
    server.expect(WSADDIN_EVENT_CLOSE);
    assert!(server.send_to_name("a", "6").unwrap());
    server.free().unwrap();
}

#[test]
fn names_hold_on_two_threads_and_with_tls() {
    let server = Server::new();
    server.set_name_parameter("id").unwrap();
    server.io_threads(2);
    let authority = Authority::with_server("names");
    server.run_tls(&authority.path("server.pem"), &authority.path("server.key"), "").unwrap();
    let url = |name: &str| format!("{}?id={name}", server.secure_url("localhost"));
    let mut clients = Vec::new();
    for round in 0..3 {
        for name in ["a", "b", "c"] {
            let client = authority.client();
            client.connect(&url(name)).unwrap();
            if round > 0 {
                assert_eq!(server.expect(WSADDIN_EVENT_CLOSE).close().0, 4001);
            }
            assert_eq!(server.expect(WSADDIN_EVENT_OPEN).json()["name"], name);
            assert!(server.send_to_name(name, &format!("{name}{round}")).unwrap());
            assert_eq!(texts(&client, 1), [format!("{name}{round}")]);
            clients.push(client);
        }
    }
    for client in &clients[6..] {
        client.disconnect(1001, "").unwrap();
        server.expect(WSADDIN_EVENT_CLOSE);
    }
    assert_eq!(server.broadcast("away").unwrap(), 3);
    for name in ["a", "b", "c"] {
        let client = authority.client();
        client.connect(&url(name)).unwrap();
        assert_eq!(texts(&client, 1), ["away"]);
    }
}

#[test]
fn a_pending_one_takes_over_when_it_is_let_in() {
    let server = naming();
    let (first, old) = come(&server, "a");
    server.manual_accept(1);
    let second = Client::new();
    second.begin_connect(&url(&server, "a")).unwrap();
    let id = server.expect(WSADDIN_EVENT_PENDING).connection;
    assert!(server.send_to_name("a", "for the first").unwrap());
    assert_eq!(texts(&first, 1), ["for the first"]);
    assert!(server.accept(id).unwrap());
    assert_eq!(server.expect(WSADDIN_EVENT_CLOSE).connection, old);
    assert_eq!(server.expect(WSADDIN_EVENT_OPEN).connection, id);
    assert!(server.send_to_name("a", "for the second").unwrap());
    assert_eq!(texts(&second, 1), ["for the second"]);
}

#[test]
fn a_stop_tells_of_what_a_stalled_one_has_not_got() {
    let server = naming();
    server.close_timeout(200).send_queue_bytes(64 << 20);
    let stalled = Stalled::come(&server, "a");
    let id = server.expect(WSADDIN_EVENT_OPEN).connection;
    for number in 0..400 {
        assert!(server.send_to_name("a", &padded(number)).unwrap());
    }
    server.stop().unwrap();
    assert_eq!(server.expect(WSADDIN_EVENT_CLOSE).connection, id);
    let expired = server.expect(WSADDIN_EVENT_EXPIRED).json();
    let unsent = expired["messages"].as_u64().unwrap() as usize;
    assert_eq!(expired["name"], "a");
    let read = stalled.read_all();
    assert!(read.iter().copied().eq(0..read.len()) && read.len() + unsent <= 400, "{} {unsent}", read.len());
}

#[test]
fn sessions_that_wait_are_no_more_than_connections_may_be() {
    let server = naming();
    server.max_connections(3);
    for name in ["a", "b", "c", "d", "e"] {
        let (client, _) = come(&server, name);
        assert!(client.disconnect(1001, "").unwrap());
        server.expect(WSADDIN_EVENT_CLOSE);
        if name == "e" {
            break;
        }
        // The first ones make room when the fourth and the fifth have gone.
        assert!(server.send_to_name(name, "x").unwrap());
        if name == "d" {
            assert_eq!(server.expect(WSADDIN_EVENT_EXPIRED).text(), r#"{"name":"a","messages":1}"#);
        }
    }
    assert_eq!(server.expect(WSADDIN_EVENT_EXPIRED).text(), r#"{"name":"b","messages":1}"#);
    assert_eq!(server.statistics()["sessions_waiting"], 3);
    assert_eq!(server.broadcast("y").unwrap(), 3);
    assert!(!server.send_to_name("b", "x").unwrap() && server.send_to_name("c", "x").unwrap());
}
