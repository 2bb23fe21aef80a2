//! What the handshake carries.

use super::*;

#[test]
fn headers_are_set_replaced_and_removed() {
    let server = Server::running();
    let client = Client::new();
    client.set_header("X-Token", "one").unwrap();
    client.set_header("X-Gone", "1").unwrap();
    client.set_header("x-token", "два").unwrap();
    client.set_header("X-GONE", "").unwrap();
    client.set_header("X-Never", "").unwrap();
    client.set_header("User-Agent", "test").unwrap();
    let refused = [
        ("Host", "x"),
        ("Upgrade", "x"),
        ("Connection", "x"),
        ("Sec-WebSocket-Key", "x"),
        ("sec-websocket-version", "13"),
        ("Sec-WebSocket-Protocol", "x"),
        ("Sec-WebSocket-Extensions", "x"),
        ("", "x"),
        ("X Y", "x"),
        ("X:Y", "x"),
        ("X\r\nY", "x"),
        ("X", "a\r\nb"),
        ("X", "a\nb"),
        ("X", "a\0b"),
    ];
    for (name, value) in refused {
        assert_eq!(code(client.set_header(name, value)), WSADDIN_BAD_ARGUMENT, "{name:?}: {value:?}");
    }
    client.connect(&server.url()).unwrap();
    let headers = server.event().json()["headers"].clone();
    assert_eq!((&headers["x-token"], &headers["user-agent"]), (&json!("два"), &json!("test")));
    assert!(headers.get("x-gone").is_none() && headers.get("x-never").is_none() && headers.get("x").is_none());
    assert_eq!(headers["host"], format!("127.0.0.1:{}", server.port()));
}

#[test]
fn subprotocols_are_negotiated() {
    let server = Server::running();
    server.set_protocols("a, b").unwrap();
    let client = Client::new();
    for (offered, selected) in [("", ""), ("b", "b"), ("b, a", "a"), ("x,b ,y", "b")] {
        client.set_protocols(offered).unwrap();
        client.connect(&server.url()).unwrap();
        assert_eq!(client.protocol(), selected, "{offered}");
        let event = server.event();
        assert_eq!(event.json()["protocol"], selected, "the server's preference decides");
        assert_eq!(client.disconnect(1000, ""), Ok(true));
        assert_eq!(client.protocol(), "");
        server.event().close();
    }
    for offered in ["x", "A"] {
        client.set_protocols(offered).unwrap();
        assert_eq!(code(client.connect(&server.url())), WSADDIN_HANDSHAKE, "{offered}: names are compared exactly");
    }
    for bad in ["a b", "a, a", "a;b", "я"] {
        assert_eq!(code(client.set_protocols(bad)), WSADDIN_BAD_ARGUMENT, "{bad}");
        assert_eq!(code(server.set_protocols(bad)), WSADDIN_BAD_ARGUMENT, "{bad}");
    }
}

#[test]
fn a_server_that_is_full() {
    let server = Server::running();
    server.max_connections(1);
    let (first, second) = (Client::new(), Client::new());
    first.connect(&server.url()).unwrap();
    let fault = second.connect(&server.url()).unwrap_err();
    assert_eq!(fault.code, WSADDIN_HANDSHAKE);
    assert!(fault.text.contains("HTTP 503"), "{}", fault.text);
    assert_eq!(server.statistics()["rejected"], json!({"503": 1}));
    assert_eq!(first.disconnect(1000, ""), Ok(true));
    until("there is room", || server.connection_count() == 0);
    second.connect(&server.url()).unwrap();
}

#[test]
fn what_is_no_websocket_request_is_told_so() {
    let server = Server::running();
    let port = server.port();
    let good = raw::request(port, "");
    for (request, status) in [
        (good.replace("Upgrade: websocket\r\n", ""), "426"),
        (good.replace("Connection: Upgrade\r\n", ""), "400"),
        (good.replace("Version: 13", "Version: 8"), "426"),
        (good.replace("dGhlIHNhbXBsZSBub25jZQ==", "short"), "400"),
        (good.replace("GET ", "POST "), "405"),
        (good.replace("HTTP/1.1", "HTTP/1.0"), "426"),
        (good.replace("Host", "X-Host"), "400"),
        ("garbage\r\n\r\n".into(), "400"),
        (good.replace("\r\n\r\n", &format!("\r\nX: {}\r\n\r\n", "x".repeat(20_000))), "431"),
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        raw::patient(&stream);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
    }
    assert_eq!(server.statistics()["connects"], 0);
    assert_eq!(server.receive_event(-1), Ok(Got::Timeout), "no event tells of them");
}
