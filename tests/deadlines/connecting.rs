//! Connecting to what does not answer.

use super::*;

#[test]
fn a_connect_into_a_black_hole() {
    let _alone = alone();
    let hole = BlackHole::new();
    for timeout in [10_000, 0] {
        let client = Client::new();
        client.connect_timeout(timeout);
        let (blocked, ended) = interrupted(
            "disconnect while dialling",
            AT_ONCE,
            || client.connect(&hole.url()),
            || client.disconnect(1000, ""),
        );
        assert_eq!((code(blocked), ended), (WSADDIN_CANCELLED, Ok(false)));
        assert_eq!((client.status(), client.ready_state(), client.close_code()), (0, 3, 0));
        assert_eq!(client.receive(0), Ok(Got::Closed));
        let (blocked, ended) =
            interrupted("free while dialling", AT_ONCE, || client.connect(&hole.url()), || client.free());
        assert_eq!((code(blocked), ended), (WSADDIN_CANCELLED, Ok(())));
        assert_eq!(code(client.free()), WSADDIN_BAD_HANDLE);
    }
    let client = Client::new();
    client.connect_timeout(300);
    let fault = within(Duration::from_millis(300), "connect", || client.connect(&hole.url())).unwrap_err();
    assert_eq!(fault.code, WSADDIN_CONNECT_TIMEOUT);
}

#[test]
fn a_connect_begun_into_a_black_hole() {
    let _alone = alone();
    let hole = BlackHole::new();
    let client = Client::new();
    client.begin_connect(&hole.url()).unwrap();
    let (blocked, ended) = interrupted(
        "disconnect while Receive waits for a connect",
        AT_ONCE,
        || client.receive(0),
        || client.disconnect(1000, ""),
    );
    assert_eq!((blocked, ended), (Ok(Got::Closed), Ok(false)));
    client.begin_connect(&hole.url()).unwrap();
    within(AT_ONCE, "free while dialling", || client.free()).unwrap();
}

#[test]
fn a_connect_whose_handshake_hangs() {
    let _alone = alone();
    let peer = Peer::new(|_| Then::Keep);
    for url in [peer.url(), peer.url().replace("ws:", "wss:")] {
        let client = Client::new();
        let (blocked, ended) =
            interrupted("disconnect", AT_ONCE, || client.connect(&url), || client.disconnect(1000, ""));
        assert_eq!((code(blocked), ended), (WSADDIN_CANCELLED, Ok(false)));
        let (blocked, ended) = interrupted("free", AT_ONCE, || client.connect(&url), || client.free());
        assert_eq!((code(blocked), ended), (WSADDIN_CANCELLED, Ok(())));
    }
}
