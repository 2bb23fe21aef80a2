//! Python websockets as server and as client.

#![allow(dead_code, reason = "each interoperability test uses a part of the common modules")]

#[path = "common/addin.rs"]
mod addin;
#[path = "common/conversation.rs"]
mod conversation;
#[path = "common/peer.rs"]
mod peer;

use peer::Peer;

const ECHOES_CODE: bool = true;

#[test]
fn our_client_talks_to_its_server() {
    let Some(peer) = Peer::python("websockets_server.py", &[]) else { return };
    conversation::client_talks_to(&peer, ECHOES_CODE);
    assert!(peer.end().0);
}

#[test]
fn its_client_talks_to_our_server() {
    conversation::server_talks_to(|url| Peer::python("websockets_client.py", &[url]), ECHOES_CODE);
}
