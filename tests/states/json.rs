//! What the JSON holds.

use super::*;
use crate::table;

/// What is there behind a trusted proxy only, and what where the client has shown a certificate.
const SOMETIMES: [&str; 2] = ["proxy", "certificate"];

/// ISO 8601, UTC, with milliseconds.
fn is_time(value: &serde_json::Value) -> bool {
    let shape: String = value.as_str().unwrap().chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00.000Z"
}

#[test]
fn statistics_and_connection_info() {
    let server = Server::running();
    let client = Client::new();
    let idle = client.statistics();
    assert_eq!(keys(&idle), table::STATISTICS.names(&[]));
    assert_eq!(keys(&server.statistics()), table::STATISTICS.names(&[]));
    assert!(is_time(&idle["started_at"]) && is_time(&server.statistics()["started_at"]));
    assert!(idle["round_trip_ms"].is_null());
    client.set_header("X-Twice", "a, b").unwrap();
    client.connect(&format!("ws://127.0.0.1:{}/a%20path?q=1&q=2", server.port())).unwrap();
    let event = server.event();
    assert_eq!(keys(&event.json()), table::CONNECTION.names(&SOMETIMES));
    client.send("жук").unwrap();
    client.send_binary(&[0; 10]).unwrap();
    assert_eq!(server.send(1, "answer"), Ok(true));
    assert_eq!(client.receive(SOON).unwrap().event().text(), "answer");
    until("both are there", || server.queued() == 2);
    assert!(client.ping(SOON).unwrap() >= 0 && server.ping(1, SOON).unwrap() >= 0);
    let info = server.connection_info(1).unwrap().unwrap();
    assert_eq!(keys(&info), table::CONNECTION.names(&SOMETIMES));
    let address = info["address"].as_str().unwrap();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    assert_eq!(server.connections(), format!("1: {address}"));
    assert!(is_time(&info["connected_at"]) && info["round_trip_ms"].is_u64());
    assert_eq!(info["headers"]["x-twice"], "a, b");
    let expected = json!({
        "id": 1, "name": "", "groups": [], "path": "/a%20path", "query": "q=1&q=2", "protocol": "",
        "extensions": DEFLATE,
        "secure": false, "state": "open", "messages_in": 2, "messages_out": 1, "bytes_in": 16, "bytes_out": 6,
        "queued_in": 2, "queued_out": 0, "queued_out_bytes": 0,
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&info[key], value, "{key}");
    }
    let list = server.connection_list();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(keys(&list[0]), table::CONNECTION.names(&["headers", SOMETIMES[0], SOMETIMES[1]]));
    for (statistics, expected) in [
        (
            server.statistics(),
            json!({"messages_in": 2, "messages_out": 1, "bytes_in": 16, "bytes_out": 6, "queued_in": 2,
                "queued_in_bytes": 16, "queued_out_bytes": 0, "pings": 1, "connects": 1, "reconnects": 0, "rejected": {},
                "closes": {}, "connections": 1, "sessions_waiting": 0, "warnings": []}),
        ),
        (
            client.statistics(),
            json!({"messages_in": 1, "messages_out": 2, "bytes_in": 6, "bytes_out": 16, "queued_in": 0,
                "queued_in_bytes": 0, "queued_out_bytes": 0, "pings": 1, "connects": 1, "reconnects": 0, "rejected": {},
                "closes": {}, "connections": 1, "sessions_waiting": 0, "warnings": []}),
        ),
    ] {
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&statistics[key], value, "{key}");
        }
        assert!(statistics["round_trip_ms"].is_u64());
    }
    // What an ended connection has counted stays counted.
    assert_eq!(client.disconnect(4001, ""), Ok(true));
    until("it has gone", || server.connection_count() == 0);
    until("both have booked it", || server.statistics()["closes"] == json!({"4001": 1}));
    let (ours, theirs) = (client.statistics(), server.statistics());
    assert_eq!(ours["closes"], json!({"4001": 1}));
    assert_eq!((&ours["messages_out"], &theirs["messages_in"]), (&json!(2), &json!(2)));
    assert_eq!((&ours["connections"], &theirs["connections"]), (&json!(0), &json!(0)));
    assert_eq!((server.connection_info(1), server.connection_list()), (Ok(None), json!([])));
    assert_eq!(code(server.connection_info(2)), WSADDIN_BAD_ARGUMENT, "it was never issued");
}

#[test]
fn a_connection_that_lingers_after_its_end_is_counted_once() {
    let server = Server::running();
    let mut peer = raw::client(server.port());
    peer.write_all(&raw::frame(FIN | raw::TEXT, true, b"once")).unwrap();
    peer.write_all(&raw::frame(FIN | raw::CLOSE, true, &raw::close_body(1000, ""))).unwrap();
    // Its end is booked, and the socket is still there because the peer keeps it.
    until("the end is booked", || server.statistics()["closes"] == json!({"1000": 1}));
    let statistics = server.statistics();
    assert_eq!((&statistics["messages_in"], &statistics["bytes_in"]), (&json!(1), &json!(4)));
    drop(peer);
}
