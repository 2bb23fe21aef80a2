//! `HealthPath`, and connections that serve more than one request.

use crate::face::*;
use crate::raw;
use crate::web::Web;

fn healthy() -> Server {
    let server = Server::new();
    server.set_health_path("/health").unwrap();
    server.run("127.0.0.1", 0).unwrap();
    server
}

#[test]
fn the_path_is_answered_and_nothing_else_changes() {
    let server = healthy();
    let mut web = Web::new(server.port());
    for _ in 0..3 {
        let answer = web.get("/health");
        assert_eq!((answer.status, answer.text()), (200, r#"{"status":"ok"}"#));
        assert_eq!(answer.header("Content-Type"), Some("application/json"));
        assert_eq!(answer.header("Connection"), None);
    }
    let answer = web.get("/health?from=balancer");
    assert_eq!(answer.status, 200);
    let answer = web.ask("HEAD", "/health", "");
    assert_eq!((answer.status, answer.header("Content-Length")), (200, Some("15")));
    let answer = web.ask("POST", "/health", "Content-Length: 0\r\n");
    assert_eq!((answer.status, answer.header("Allow")), (405, Some("GET, HEAD")));
    // What else is asked for gets what it got without the property, and the connection ends.
    let answer = web.get("/other");
    assert_eq!((answer.status, answer.header("Upgrade")), (426, Some("websocket")));
    assert_eq!(answer.text(), "This is a WebSocket server");
    assert!(web.is_closed());
    let mut web = Web::new(server.port());
    assert_eq!(web.ask("HEAD", "/", "").status, 426);
    assert!(web.is_closed());
    let mut web = Web::new(server.port());
    assert_eq!(web.ask("DELETE", "/", "").status, 405);
    server.set_health_path("").unwrap();
    assert_eq!(Web::new(server.port()).get("/health").status, 426);
    let statistics = server.statistics();
    assert_eq!((&statistics["rejected"]["426"], &statistics["connects"]), (&3.into(), &0.into()));
}

#[test]
fn a_draining_server_says_so() {
    let server = healthy();
    let mut web = Web::new(server.port());
    assert_eq!(web.get("/health").status, 200);
    server.draining(1);
    let answer = web.get("/health");
    assert_eq!((answer.status, answer.text()), (503, r#"{"status":"draining"}"#));
    server.draining(0);
    assert_eq!(web.get("/health").status, 200);
}

#[test]
fn requests_in_a_row_are_answered_in_order_wherever_they_are_cut() {
    let server = healthy();
    let one = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    let head = "\r\nHEAD /health HTTP/1.1\r\nHost: x\r\n\r\n";
    let row =
        format!("{one}{head}{one}{}GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n{one}", one.repeat(500));
    for cut in [0, 1, 37, one.len(), one.len() + 3, row.len() - 5] {
        let mut web = Web::new(server.port());
        web.send(&row[..cut]);
        web.send(&row[cut..]);
        for at in 0..504 {
            let answer = web.answer(at == 1);
            assert_eq!(answer.status, 200, "{at}");
            assert_eq!(answer.header("Connection"), (at == 503).then_some("close"), "{at}");
        }
        // What comes behind the last one is not looked at.
        assert!(web.is_closed());
    }
}

#[test]
fn http_1_0_works() {
    let server = healthy();
    let mut web = Web::new(server.port());
    web.send("GET /health HTTP/1.0\r\n\r\n");
    let answer = web.answer(false);
    assert_eq!((answer.status, answer.header("Connection")), (200, Some("close")));
    assert!(web.is_closed());
    let mut web = Web::new(server.port());
    for _ in 0..2 {
        web.send("GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        let answer = web.answer(false);
        assert_eq!((answer.status, answer.header("Connection")), (200, Some("keep-alive")));
    }
}

#[test]
fn a_connection_goes_over_to_websocket() {
    let server = healthy();
    server.max_connections_per_address(1);
    let mut web = Web::new(server.port());
    assert_eq!(web.get("/health").status, 200);
    // Its place is the same one.
    web.send(raw::request(server.port(), ""));
    assert!(raw::read_head(&mut web.0).starts_with("HTTP/1.1 101 "));
    let connection = server.opened();
    server.send(connection, "hello").unwrap();
    assert_eq!(raw::read_frame(&mut web.0), Some((raw::FIN | raw::TEXT, b"hello".to_vec())));
    assert_eq!(server.connection_count(), 1);
    assert_eq!(Web::new(server.port()).get("/health").status, 503);
    drop(web);
    server.expect(websocket_addin::capi::WSADDIN_EVENT_CLOSE);
    until("the place is free", || Web::new(server.port()).get("/health").status == 200);
}

#[test]
fn bad_requests_get_an_answer_and_the_end() {
    let server = healthy();
    for (request, status) in [
        ("GET /health HTTP/1.1\r\n\r\n", 400),
        ("GET /health HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400),
        ("GET health HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /health HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        ("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("hello\r\n\r\n", 400),
        ("POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
        ("POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        ("GET /health HTTP/1.1\r\nHost: x\r\nExpect: magic\r\n\r\n", 417),
        // A body that nobody reads: where the next request begins is unknown.
        ("GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /", 200),
    ] {
        let mut web = Web::new(server.port());
        let answer = web.send(request).answer(false);
        assert_eq!(answer.status, status, "{request:?}");
        assert_eq!(answer.header("Connection"), Some("close"), "{request:?}");
        assert!(web.is_closed(), "{request:?}");
    }
    let long = format!("GET /health HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    assert_eq!(Web::new(server.port()).send(long).answer(false).status, 431);
    assert_eq!(Web::new(server.port()).get("/health").status, 200);
}

#[test]
fn a_silent_connection_is_closed_and_not_counted_as_a_failed_handshake() {
    let server = healthy();
    server.handshake_timeout(300);
    let mut web = Web::new(server.port());
    assert_eq!(web.get("/health").status, 200);
    assert!(web.is_closed(), "by HandshakeTimeout");
    let mut web = Web::new(server.port());
    assert_eq!(web.get("/health").status, 200);
    drop(web);
    let mut never = Web::new(server.port());
    assert!(never.is_closed());
    assert_eq!(server.statistics()["rejected"], serde_json::json!({ "handshake": 1 }));
}

#[test]
fn a_stop_ends_it_at_once() {
    let server = healthy();
    let mut web = Web::new(server.port());
    assert_eq!(web.get("/health").status, 200);
    let begun = std::time::Instant::now();
    server.stop().unwrap();
    // CloseTimeout is for the close handshakes of WebSocket.
    assert!(begun.elapsed() < std::time::Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(!matches!(std::io::Read::read(&mut web.0, &mut [0; 8]), Ok(1..)));
}
