//! Request: the answer is taken out of the stream, everything else stays in it.

#[path = "../common/flow/mod.rs"]
mod flow;

mod beside;
mod paused;
mod values;

use flow::*;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// A server whose test answers by hand, and its one client.
fn pair() -> (Server, Client) {
    let server = Server::running();
    let client = Client::to(server.port());
    server.next(OPEN, LONG);
    (server, client)
}

fn asked(server: &Server) -> Value {
    server.receive(LONG).unwrap().json()
}

#[test]
fn an_id_is_added_and_its_reply_returned() {
    let (server, client) = pair();
    std::thread::scope(|scope| {
        let reply = scope.spawn(|| client.request(r#"{"method":"sum","params":[1,2]}"#, LONG, "id", "").unwrap());
        let question = asked(&server);
        assert_eq!((&question["method"], &question["params"]), (&json!("sum"), &json!([1, 2])));
        let id = &question["id"];
        assert!(!id.is_null());
        // None of these answers it: another id, the id inside, no JSON, no object.
        let others = [
            json!({"id": "another", "result": 1}).to_string(),
            json!({"data": {"id": id}}).to_string(),
            format!("{{\"id\":{id}"),
            json!([id]).to_string(),
        ];
        for other in &others {
            server.send_text(1, other).unwrap();
        }
        // Written differently, the same JSON value.
        server.send_text(1, &format!("{{ \"result\" : 3,\r\n\"id\" : {id} }}")).unwrap();
        server.send_text(1, "after").unwrap();
        let reply = reply.join().unwrap();
        assert_eq!((reply.kind(), &reply.json()["result"]), (MESSAGE, &json!(3)));
        for other in &others {
            assert_eq!(client.receive(LONG).unwrap().text(), other);
        }
        assert_eq!(client.receive(LONG).unwrap().text(), "after");
        assert_eq!(client.queued(), 0);
    });
}

#[test]
fn an_own_id_is_sent_as_written_and_fields_have_their_names() {
    let (server, client) = pair();
    std::thread::scope(|scope| {
        let text = "{\"seq\" :7 , \"q\":\"\\u0041\"}";
        let reply = scope.spawn(|| client.request(text, LONG, "seq", "reply_to").unwrap());
        assert_eq!(server.receive(LONG).unwrap().text(), text);
        // The id field itself is no reply here, and a string is not the number.
        server.send_text(1, r#"{"seq":7}"#).unwrap();
        server.send_text(1, r#"{"reply_to":"7"}"#).unwrap();
        server.send_text(1, r#"{"reply_to":7,"ok":true}"#).unwrap();
        assert_eq!(reply.join().unwrap().text(), r#"{"reply_to":7,"ok":true}"#);
        assert_eq!(client.receive(LONG).unwrap().text(), r#"{"seq":7}"#);
        assert_eq!(client.receive(LONG).unwrap().text(), r#"{"reply_to":"7"}"#);
    });
}

#[test]
fn an_answer_that_comes_too_late_is_an_ordinary_message() {
    let (server, client) = pair();
    let start = Instant::now();
    assert_eq!(client.request("{}", 100, "id", "").err(), Some(REQUEST_TIMEOUT));
    assert!(error_text().contains("100"), "{}", error_text());
    assert!((Duration::from_millis(100)..Duration::from_secs(2)).contains(&start.elapsed()));
    let late = asked(&server).to_string();
    server.send_text(1, &late).unwrap();
    assert_eq!(client.receive(LONG).unwrap().text(), late);
    assert_eq!(client.request("{}", NOW, "id", "").err(), Some(REQUEST_TIMEOUT));
}

#[test]
fn requests_from_many_threads_get_their_own_answers() {
    let (server, client) = pair();
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let client = &client;
            scope.spawn(move || {
                for number in 0..50 {
                    let reply = client.request(&json!({"q": [thread, number]}).to_string(), LONG, "id", "").unwrap();
                    assert_eq!(reply.json()["a"], json!([thread, number]));
                }
            });
        }
        // Answered in another order than asked, with other messages in between.
        let mut waiting = Vec::new();
        let mut answered = 0;
        while answered < 16 * 50 {
            waiting.push(asked(&server));
            while let Ok(message) = server.receive(1) {
                waiting.push(message.json());
            }
            while let Some(question) = waiting.pop() {
                server.send(1, &numbered(answered, 8)).unwrap();
                server.send_text(1, &json!({"a": question["q"], "id": question["id"]}).to_string()).unwrap();
                answered += 1;
            }
        }
    });
    for number in 0..16 * 50 {
        assert_eq!(client.receive(LONG).unwrap().number(), number);
    }
}

#[test]
fn what_cannot_be_answered_fails_at_once() {
    let (server, client) = pair();
    for text in ["", "[1]", "7", "{", "text"] {
        assert_eq!(client.request(text, LONG, "id", "").err(), Some(-2), "{text}");
    }
    // Nobody takes the messages, so no answer could come.
    client.set(wsaddin_client_set_receive_queue_messages, 2);
    (0..5).for_each(|number| server.send(1, &numbered(number, 8)).unwrap());
    until("reading is paused", SOON, || client.ping(2000) == Err(QUEUE_FULL));
    let start = Instant::now();
    assert_eq!(client.request("{}", LONG, "id", "").err(), Some(QUEUE_FULL));
    assert!(start.elapsed() < Duration::from_secs(1));
    (0..5).for_each(|number| assert_eq!(client.receive(LONG).unwrap().number(), number));
    assert_eq!(server.receive(NOW).err(), Some(TIMEOUT), "nothing was sent");
    assert!(client.disconnect());
    assert_eq!(client.request("{}", LONG, "id", "").err(), Some(-4));
}

#[test]
fn an_end_wakes_a_waiting_request() {
    let (server, client) = pair();
    std::thread::scope(|scope| {
        // Without limit: only the end of the connection can end it.
        let waiting = scope.spawn(|| client.request("{}", 0, "id", "").err());
        asked(&server);
        server.stop();
        assert_eq!(waiting.join().unwrap(), Some(-4));
    });
    let server = Server::running();
    client.connect(server.port()).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| client.request("{}", 0, "id", "").err());
        asked(&server);
        let start = Instant::now();
        assert_eq!(wsaddin_client_free(client.0), 0);
        assert_eq!(waiting.join().unwrap(), Some(CANCELLED));
        assert!(start.elapsed() < Duration::from_secs(1));
    });
}
