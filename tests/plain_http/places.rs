//! How many there may be.

use crate::face::*;
use crate::raw;
use crate::web::Web;

#[test]
fn connections_of_plain_http_are_counted_beside_those_of_websocket() {
    let server = Server::new();
    server.set_health_path("/health").unwrap();
    server.max_connections(2);
    server.run("127.0.0.1", 0).unwrap();
    let mut kept: Vec<Web> = (0..2).map(|_| Web::new(server.port())).collect();
    for web in &mut kept {
        assert_eq!(web.get("/health").status, 200);
    }
    let refused = Web::new(server.port()).get("/health");
    assert_eq!((refused.status, refused.header("Connection")), (503, Some("close")));
    // They take no places from these.
    let clients: Vec<_> = (0..2).map(|_| raw::client(server.port())).collect();
    assert!(raw::read_head(&mut raw::knock(server.port(), "/", "")).starts_with("HTTP/1.1 503 "));
    for web in &mut kept {
        assert_eq!(web.get("/health").status, 200);
    }
    kept.pop();
    until("a place is free", || Web::new(server.port()).get("/health").status == 200);
    drop(clients);
}

#[test]
fn of_one_address_both_are_counted() {
    let server = Server::new();
    server.set_health_path("/health").unwrap();
    server.max_connections_per_address(2);
    server.run("127.0.0.1", 0).unwrap();
    let client = raw::client(server.port());
    let mut web = Web::new(server.port());
    assert_eq!(web.get("/health").status, 200);
    assert_eq!(Web::new(server.port()).get("/health").status, 503);
    assert!(raw::read_head(&mut raw::knock(server.port(), "/", "")).starts_with("HTTP/1.1 503 "));
    drop(client);
    until("a place is free", || Web::new(server.port()).get("/health").status == 200);
}
