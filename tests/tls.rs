//! TLS between our server and our client: what is trusted, what is refused and why, renewal.

#[path = "common/mod.rs"]
mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/tls.rs"]
mod tls;

use tls::{Authority, echo};

#[test]
fn a_message_there_and_back() {
    let authority = Authority::with_server("plain");
    let server = authority.server("server");
    let client = authority.client();
    client.connect(&server.secure_url("localhost")).unwrap();
    echo(&client, &server);
    let info = server.connection_info(1).unwrap().unwrap();
    assert_eq!(info["secure"], true);
    assert_eq!(server.statistics()["warnings"], serde_json::json!([]));
    let big = vec![7; 3 << 20];
    client.send_binary(&big).unwrap();
    assert_eq!(server.receive(face::SOON).unwrap().event().data, big);
    assert!(client.disconnect(1000, "").unwrap());
}
