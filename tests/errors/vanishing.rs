//! Peers that vanish, and name servers that never answer.

use super::bounds::reasons;
use super::*;

#[test]
fn a_peer_that_vanishes_without_a_fin() {
    // It reads nothing any more and answers nothing; its kernel acknowledges, as that of a stopped program does.
    let peer = Peer::frozen();
    let client = Client::new();
    client.ping_interval(100).pong_timeout(200).connect(&peer.url()).unwrap();
    assert_eq!(client.receive(SOON), Ok(Got::Closed));
    assert_eq!((client.status(), client.ready_state(), client.close_code()), (-1, 3, 1011));
    assert_eq!(reasons(&client), ("no answer to a ping within 200 ms".into(), "нет ответа на пинг за 200 мс".into()));
}

#[test]
fn a_client_that_vanishes_without_a_fin() {
    // The text is made when the end comes.
    let _guard = english();
    let server = Server::running();
    server.ping_interval(100).pong_timeout(200);
    let _peer = raw::client(server.port());
    server.opened();
    assert_eq!(server.event().close(), (1011, "no answer to a ping within 200 ms".into(), false));
}

#[test]
fn a_pong_that_does_not_come() {
    let peer = Peer::frozen();
    let client = Client::new();
    client.close_timeout(0).connect(&peer.url()).unwrap();
    fails(WSADDIN_PING_TIMEOUT, "no pong within 150 ms", "ответ на пинг не получен за 150 мс", || client.ping(150));
    fails(
        WSADDIN_REQUEST_TIMEOUT,
        "no reply within 150 ms",
        "ответ на запрос не получен за 150 мс",
        || client.request("{\"method\":\"none\"}", 150),
    );
    for text in ["[1]", "\"x\""] {
        let (en, ru) = ("the request is not a JSON object", "запрос не является объектом JSON");
        fails(WSADDIN_BAD_ARGUMENT, en, ru, || client.request(text, 150));
    }
    let malformed = [("", "1", "1"), ("{\n\"ж\":01}", "2", "6")];
    for (text, line, column) in malformed {
        let en = format!("the request is not well-formed JSON: line {line}, character {column}");
        let ru = format!("ошибка в JSON запроса: строка {line}, символ {column}");
        fails(WSADDIN_BAD_ARGUMENT, &en, &ru, || client.request(text, 150));
    }
    for text in ["{\"id\":[]}", "{\"id\":{\"a\":1}}"] {
        let en = "the field id of the request has to be a string, a number, true, false or null";
        let ru = "поле id запроса должно быть строкой, числом, true, false или null";
        fails(WSADDIN_BAD_ARGUMENT, en, ru, || client.request(text, 150));
    }
}

#[test]
fn a_connection_that_ends_in_the_middle_of_a_call() {
    let told = Arc::new(AtomicUsize::new(0));
    let count = told.clone();
    let peer = Peer::websocket(move |stream| {
        // The ping, or the request.
        let (first, _) = raw::read_frame(stream).unwrap();
        count.fetch_add(usize::from(first), Ordering::SeqCst);
        Then::Close
    });
    let client = Client::new();
    fails(
        WSADDIN_NOT_CONNECTED,
        "the connection was closed meanwhile",
        "соединение закрыто во время ожидания",
        || {
            client.connect(&peer.url())?;
            client.ping(SOON)
        },
    );
    fails(
        WSADDIN_NOT_CONNECTED,
        "the connection was closed meanwhile",
        "соединение закрыто во время ожидания",
        || {
            // At once: who is told of the end finds the state to match.
            client.connect(&peer.url())?;
            client.request("{\"id\":1}", SOON)
        },
    );
    assert_eq!(told.load(Ordering::SeqCst), 2 * 0x89 + 2 * 0x81);
    for _ in 0..100 {
        client.connect(&peer.url()).unwrap();
        assert_eq!(code(client.ping(SOON)), WSADDIN_NOT_CONNECTED);
    }
}

#[test]
fn connections_that_break() {
    type Script = fn(&mut TcpStream) -> Then;
    let cases: [(Script, &str, &str); 2] = [
        (
            |_| Then::Close,
            "the peer closed the connection without a close handshake",
            "соединение закрыто без закрывающего рукопожатия",
        ),
        (
            |stream| {
                let socket = socket2::SockRef::from(&*stream);
                socket.set_linger(Some(Duration::ZERO)).unwrap();
                Then::Close
            },
            "the connection was lost (*)",
            "соединение потеряно (*)",
        ),
    ];
    for (script, en, ru) in cases {
        let peer = Peer::websocket(move |stream| {
            // Not before the client has seen the connection open.
            raw::read_frame(stream).unwrap();
            script(stream)
        });
        let client = Client::new();
        client.connect(&peer.url()).unwrap();
        client.send("now").unwrap();
        assert_eq!(client.receive(SOON), Ok(Got::Closed));
        assert_eq!((client.status(), client.ready_state(), client.close_code()), (-1, 3, 1006));
        let (got_en, got_ru) = reasons(&client);
        assert!(fits(&got_en, en) && fits(&got_ru, ru), "{got_en} / {got_ru}");
    }
}

/// Not a test of its own: the process inside the namespace, started by the next test.
#[test]
#[ignore = "runs inside the namespace that the test of the silent name server makes"]
fn inside_a_namespace_with_a_silent_name_server() {
    if !namespace::is_inside() {
        return;
    }
    let name_server = std::net::UdpSocket::bind("127.0.0.1:53").unwrap();
    let asked = Arc::new(AtomicBool::new(false));
    let seen = asked.clone();
    std::thread::spawn(move || {
        while name_server.recv(&mut [0; 512]).is_ok() {
            seen.store(true, Ordering::SeqCst);
        }
    });
    let client = Client::new();
    for round in 0..3 {
        asked.store(false, Ordering::SeqCst);
        std::thread::scope(|scope| {
            let blocked = scope.spawn(|| client.connect(&format!("ws://silent{round}.example/")));
            until("the name server was asked", || asked.load(Ordering::SeqCst));
            let start = Instant::now();
            assert_eq!(client.disconnect(1000, ""), Ok(false));
            println!("disconnect: {:?}", start.elapsed());
            let fault = blocked.join().unwrap().unwrap_err();
            println!("connect woken: {:?}", start.elapsed());
            assert!(start.elapsed() < Duration::from_millis(250), "{:?}", start.elapsed());
            assert_eq!((fault.code, fault.text.as_str()), (WSADDIN_CANCELLED, "cancelled"));
            assert_eq!((client.status(), client.ready_state()), (0, 3));
        });
    }
    // The time-out of a lookup.
    client.connect_timeout(300);
    let start = Instant::now();
    let fault = client.connect("ws://silent.example/").unwrap_err();
    assert_eq!(fault.code, WSADDIN_CONNECT_TIMEOUT);
    assert_eq!(fault.text, "connecting to silent.example:80: no connection within 300 ms: looking up the host");
    assert!(start.elapsed() < Duration::from_millis(550), "{:?}", start.elapsed());
    // Another client is not held up by lookups that hang.
    let server = Server::running();
    let other = Client::new();
    other.connect(&server.url()).unwrap();
    other.free().unwrap();
    server.free().unwrap();
    // Freeing the last object while a lookup hangs, from another thread than the one that is blocked.
    asked.store(false, Ordering::SeqCst);
    client.connect_timeout(0);
    std::thread::scope(|scope| {
        let blocked = scope.spawn(|| client.connect("ws://silent-again.example/"));
        until("the name server was asked", || asked.load(Ordering::SeqCst));
        let start = Instant::now();
        client.free().unwrap();
        println!("free: {:?}", start.elapsed());
        assert_eq!(code(blocked.join().unwrap()), WSADDIN_CANCELLED);
        assert!(start.elapsed() < Duration::from_millis(250), "{:?}", start.elapsed());
    });
    println!("the namespace is done");
}

#[test]
fn a_name_server_that_never_answers() {
    if let Some(text) = namespace::run_asking_itself("vanishing::inside_a_namespace_with_a_silent_name_server") {
        assert!(text.contains("free: "), "{text}");
    }
}

/// Not a test of its own, either.
#[test]
#[ignore = "runs inside the namespace that the test of the cut line makes"]
fn inside_a_namespace_whose_line_is_cut() {
    if !namespace::is_inside() {
        return;
    }
    let server = Server::running();
    let client = Client::new();
    server.ping_interval(300).pong_timeout(500);
    client.ping_interval(300).pong_timeout(500).connect(&server.url()).unwrap();
    server.opened();
    assert!(client.ping(SOON).unwrap() >= 0);
    let start = Instant::now();
    // Everything on the way is lost: no FIN, no reset, no acknowledgement.
    assert!(Command::new("ip").args(["link", "set", "lo", "down"]).status().unwrap().success());
    assert_eq!(client.receive(SOON), Ok(Got::Closed));
    println!("the client noticed after {:?}", start.elapsed());
    let close = server.event().close();
    println!("the server noticed after {:?}", start.elapsed());
    // Three times both times together.
    assert!(start.elapsed() < Duration::from_millis(2400 + 250), "{:?}", start.elapsed());
    let text = "no answer to a ping within 500 ms";
    assert_eq!((client.status(), client.close_code(), client.close_reason()), (-1, 1011, text.into()));
    assert_eq!(close, (1011, text.into(), false));
    println!("the namespace is done");
}

#[test]
fn a_line_that_is_cut() {
    if let Some(text) = namespace::run_asking_itself("vanishing::inside_a_namespace_whose_line_is_cut") {
        assert!(text.contains("the server noticed after"), "{text}");
    }
}
