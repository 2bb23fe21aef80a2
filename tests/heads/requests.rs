//! What is tolerated in answers is not in requests: somebody between the client and us may read them differently
//! (RFC 9112 sections 2.2, 3, 5.1 and 5.2).

use super::*;

/// The status of the answer to a request that is right but for what replaces a part of it.
fn status(server: &Server, from: &str, to: &[u8]) -> String {
    let request = raw::request(server.port(), "");
    let (start, end) = request.split_once(from).expect(from);
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    raw::patient(&stream);
    stream.write_all(&[start.as_bytes(), to, end.as_bytes()].concat()).unwrap();
    let head = raw::read_head(&mut stream);
    head.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn our_server_is_strict() {
    let server = Server::running();
    for (from, to) in [
        ("Upgrade: websocket\r\n", "Upgrade: websocket\r\nX: a\r\n b\r\n"),
        ("Upgrade: websocket\r\n", "Upgrade: websocket\r\nX: a\r\n\tb\r\n"),
        ("Upgrade: websocket\r\n", "Upgrade:\r\n websocket\r\n"),
        ("Upgrade: websocket\r\n", "Upgrade: websocket\r\n \r\n"),
        ("\r\nHost", "\r\n X: y\r\nHost"),
        ("Host: ", "Host : "),
        ("Host: ", "Host\t: "),
        ("Upgrade: websocket\r\n", "Upgrade: websocket\r\nX : y\r\n"),
        ("Upgrade: websocket\r\n", "Upgrade: websocket\r\nno colon\r\n"),
        ("Upgrade: websocket\r\n", "Upgrade: websocket\r\n: no name\r\n"),
        ("Upgrade: websocket\r\n", "Upgrade: websocket\r\nBad Name: x\r\n"),
        ("Upgrade: websocket\r\n", "Upgrade: websocket\r\nX: a\0b\r\n"),
        ("Upgrade: websocket\r\n", "Upgrade: websocket\r\nX: a\u{1}b\r\n"),
        ("Upgrade: websocket\r\n", "Upgrade: websocket\r\nX: a\u{7f}b\r\n"),
        ("Upgrade: websocket\r\n", "Upgrade: websocket\r\nX: a\rY: b\r\n"),
        ("Upgrade: websocket\r\n", "Upgrade: websocket\r\r\n"),
        ("GET / ", "GET  / "),
        ("GET / ", "GET /  "),
        ("HTTP/1.1", "http/1.1"),
    ] {
        assert_eq!(status(&server, from, to.as_bytes()), "400", "{to:?} for {from:?}");
    }
    assert_eq!(status(&server, "Host", b"X: \xff\r\nHost"), "101", "a value may be any text");
}
