//! Bounds that are reached.

use super::*;

const LIMIT_EN: &str = "a message of 1001 bytes exceeds the limit of 1000";
const LIMIT_RU: &str = "сообщение в 1001 байт превышает предел 1000";

/// The reason of the last end, in both languages.
pub fn reasons(client: &Client) -> (String, String) {
    let _guard = english();
    let en = client.close_reason();
    set_language(WSADDIN_LANGUAGE_RUSSIAN);
    let ru = client.close_reason();
    set_language(WSADDIN_LANGUAGE_ENGLISH);
    (en, ru)
}

#[test]
fn a_message_over_the_clients_limit() {
    let server = Server::running();
    let client = Client::new();
    client.compression(0).max_message_size(1000).connect(&server.url()).unwrap();
    let connection = server.opened();
    assert!(server.send_binary(connection, &[1; 1000]).unwrap());
    assert!(server.send_binary(connection, &[2; 1001]).unwrap());
    assert_eq!(client.receive(SOON).unwrap().event().data, [1; 1000], "the limit itself is allowed");
    assert_eq!(client.receive(SOON), Ok(Got::Closed));
    assert_eq!((client.status(), client.ready_state(), client.close_code()), (-1, 3, 1009));
    assert_eq!(reasons(&client), (LIMIT_EN.into(), LIMIT_RU.into()));
    let (code, reason, clean) = server.event().close();
    assert_eq!((code, reason.as_str(), clean), (1009, LIMIT_EN, true), "the server is told why");
}

#[test]
fn a_message_over_the_servers_limit() {
    let server = Server::running();
    server.compression(0).max_message_size(1000);
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    server.opened();
    client.send_binary(&[1; 1000]).unwrap();
    client.send_binary(&[2; 1001]).unwrap();
    assert_eq!(server.event().data, [1; 1000]);
    let (code, reason, clean) = server.event().close();
    assert_eq!((code, reason.as_str(), clean), (1009, LIMIT_EN, false));
    assert_eq!(client.receive(SOON), Ok(Got::Closed));
    // The peer closed, so it is no failure of ours; the words on the wire are English.
    assert_eq!((client.status(), client.close_code(), client.close_reason()), (0, 1009, LIMIT_EN.into()));
}

#[test]
fn a_message_over_the_limit_in_many_frames() {
    // The text is made when the end comes.
    let _guard = english();
    let server = Server::running();
    server.compression(0).max_message_size(1000);
    let mut peer = raw::client(server.port());
    server.opened();
    peer.write_all(&raw::frame(raw::BINARY, true, &[0; 600])).unwrap();
    peer.write_all(&raw::frame(raw::CONTINUE, true, &[0; 401])).unwrap();
    assert_eq!(raw::read_close(&mut peer), Some((1009, LIMIT_EN.into())));
    assert_eq!(server.event().close(), (1009, LIMIT_EN.into(), false));
}

#[test]
fn a_full_receive_queue() {
    let peer = Peer::websocket(|stream| {
        for _ in 0..10 {
            stream.write_all(&raw::frame(FIN | raw::TEXT, false, b"x")).unwrap();
        }
        Then::Keep
    });
    let client = Client::new();
    client.receive_queue_messages(4).connect(&peer.url()).unwrap();
    let (en, ru) =
        ("reading is paused because the receive queue is full", "приём приостановлен: очередь приёма заполнена");
    until("reading is paused", || client.ping(-1).is_err_and(|fault| fault.code == WSADDIN_QUEUE_FULL));
    until("what came before is handed over", || client.queued() == 4);
    fails(WSADDIN_QUEUE_FULL, en, ru, || client.ping(5000));
    fails(WSADDIN_QUEUE_FULL, en, ru, || client.request("{}", 5000));
    for _ in 0..10 {
        assert_eq!(client.receive(SOON).unwrap().event().text(), "x", "nothing was lost");
    }
}

#[test]
fn a_full_receive_queue_of_a_server() {
    let server = Server::running();
    server.receive_queue_messages(4);
    let mut peer = raw::client(server.port());
    let connection = server.opened();
    for _ in 0..10 {
        peer.write_all(&raw::frame(FIN | raw::TEXT, true, b"x")).unwrap();
    }
    until("reading is paused", || server.ping(connection, -1).is_err_and(|fault| fault.code == WSADDIN_QUEUE_FULL));
    fails(
        WSADDIN_QUEUE_FULL,
        "reading is paused because the receive queue is full",
        "приём приостановлен: очередь приёма заполнена",
        || server.ping(connection, 5000),
    );
    for _ in 0..10 {
        assert_eq!(server.receive(SOON).unwrap().event().text(), "x", "nothing was lost");
    }
}

/// Sends to a peer that does not read until the kernel's buffers and the queue are full.
fn fill(client: &Client) {
    client.send_queue_bytes(100_000).send_timeout(-1);
    let data = vec![0; 50_000];
    let start = Instant::now();
    let mut full = 0;
    // Full for some time: the kernel takes what it can.
    while full < 20 {
        assert!(start.elapsed() < Duration::from_secs(20));
        match client.send_binary(&data) {
            Ok(()) => full = 0,
            Err(fault) => {
                assert_eq!(fault.code, WSADDIN_QUEUE_FULL, "{}", fault.text);
                full += 1;
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

#[test]
fn a_full_send_queue() {
    let peer = Peer::frozen();
    let client = Client::new();
    client.close_timeout(0).connect(&peer.url()).unwrap();
    fill(&client);
    let before = client.buffered_amount();
    assert!((50_000..=100_000).contains(&before), "{before}");
    let (en, ru) = (
        format!("the send queue is full: {before} of 100000 bytes wait"),
        format!("очередь отправки заполнена: ожидает {before} из 100000 байт"),
    );
    let data = vec![0; 60_000];
    let start = Instant::now();
    fails(WSADDIN_QUEUE_FULL, &en, &ru, || client.send_binary(&data));
    assert!(start.elapsed() < Duration::from_millis(500), "SendTimeout −1 does not wait: {:?}", start.elapsed());
    client.send_timeout(300);
    let start = Instant::now();
    fails(WSADDIN_QUEUE_FULL, &en, &ru, || client.send_binary(&data));
    assert!(start.elapsed() >= Duration::from_millis(600), "twice SendTimeout: {:?}", start.elapsed());
    assert_eq!(client.buffered_amount(), before, "nothing was queued");
}

#[test]
fn a_server_whose_send_queue_is_full() {
    let server = Server::running();
    server.send_queue_bytes(100_000).close_timeout(0);
    let peer = raw::client(server.port());
    let connection = server.opened();
    let data = vec![0; 50_000];
    let mut full = 0;
    while full < 20 {
        match server.send_binary(connection, &data) {
            Ok(sent) => {
                assert!(sent);
                full = 0;
            }
            Err(_) => {
                full += 1;
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
    fails(
        WSADDIN_QUEUE_FULL,
        "the send queue is full: * of 100000 bytes wait",
        "очередь отправки заполнена: ожидает * из 100000 байт",
        || server.send_binary(connection, &[0; 60_000]),
    );
    drop(peer);
}
