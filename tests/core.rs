//! The cores against each other, without a face: what both faces build on.

use std::time::{Duration, Instant};
use websocket_addin::client::Client;
use websocket_addin::engine::{Body, Outcome, Wait};
use websocket_addin::error::{Id, Language};
use websocket_addin::options::Opt;
use websocket_addin::server::Server;
use websocket_addin::ws::Message;

const SOON: Wait = Wait::For(Duration::from_secs(10));

fn got<T>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Got(value) => value,
        Outcome::Timeout => panic!("timeout"),
        Outcome::Closed => panic!("closed"),
    }
}

#[test]
fn messages_cross_both_ways_and_the_close_is_clean() {
    let server = Server::new().unwrap();
    server.run("127.0.0.1", 0).unwrap();
    let client = Client::new().unwrap();
    let url = format!("ws://127.0.0.1:{}/chat?x=1", server.port());
    client.connect(&url).unwrap();
    assert_eq!((client.status(), client.ready_state()), (1, 1));
    assert_eq!(client.connect(&url).unwrap_err().text(Language::Russian), "Подключение уже выполнено");
    client.send(Message::text("ase1ЙЦУ")).unwrap();
    client.send(Message::binary(vec![0, 1, 2])).unwrap();
    let (id, message) = got(server.receive(SOON).unwrap());
    assert_eq!((id, message.as_str()), (1, Some("ase1ЙЦУ")));
    let (_, message) = got(server.receive(SOON).unwrap());
    assert_eq!(&message.data()[..], [0, 1, 2]);
    assert!(server.send(id, Message::text("да")).unwrap());
    assert_eq!(got(client.receive(SOON).unwrap()).as_str(), Some("да"));
    assert!(client.ping(SOON).unwrap() < 1000);
    assert!(server.ping(id, SOON).unwrap() < 1000);
    assert!(client.disconnect(4001, "хватит").unwrap());
    assert_eq!((client.status(), client.ready_state(), client.close_code()), (0, 3, 4001));
    loop {
        let event = got(server.receive_event(SOON).unwrap());
        if let Body::Close(ending) = event.body {
            assert_eq!((ending.code, ending.clean), (4001, true));
            assert_eq!(ending.reason.text(Language::English), "хватит");
            break;
        }
    }
    assert!(!client.disconnect(1000, "").unwrap());
    client.shut_down().unwrap();
    server.shut_down().unwrap();
    assert_eq!(client.send(Message::text("x")).unwrap_err().root(), Id::Cancelled);
}

#[test]
fn large_messages_arrive_whole() {
    let server = Server::new().unwrap();
    server.run("", 0).unwrap();
    let client = Client::new().unwrap();
    client.connect(&format!("ws://localhost:{}", server.port())).unwrap();
    let data: Vec<u8> = (0..16 << 20).map(|at: u32| u8::try_from(at % 251).unwrap()).collect();
    client.send(Message::binary(data.clone())).unwrap();
    let (id, message) = got(server.receive(SOON).unwrap());
    assert!(message.data()[..] == data[..]);
    server.options().set_int(Opt::SendQueueBytes, 1 << 30).unwrap();
    server.send(id, message).unwrap();
    assert!(got(client.receive(SOON).unwrap()).data()[..] == data[..]);
    server.stop().unwrap();
    assert!(matches!(client.receive(SOON).unwrap(), Outcome::Closed));
    assert_eq!(client.close_code(), 1001);
}

#[test]
fn a_slow_consumer_holds_the_sender_back_and_loses_nothing() {
    let server = Server::new().unwrap();
    server.options().set_int(Opt::ReceiveQueueMessages, 100).unwrap();
    server.run("127.0.0.1", 0).unwrap();
    let client = Client::new().unwrap();
    client.options().set_int(Opt::SendTimeout, 0).unwrap();
    client.options().set_int(Opt::SendQueueBytes, 1 << 20).unwrap();
    client.connect(&format!("ws://127.0.0.1:{}", server.port())).unwrap();
    let sender = {
        let client = client.clone();
        std::thread::spawn(move || {
            for number in 0..5_000_u32 {
                let mut data = vec![0; 10_000];
                data[..4].copy_from_slice(&number.to_be_bytes());
                client.send(Message::binary(data)).unwrap();
            }
        })
    };
    let start = Instant::now();
    while server.queued() < 25 {
        assert!(start.elapsed() < Duration::from_secs(10));
        std::thread::yield_now();
    }
    for number in 0..5_000_u32 {
        let (_, message) = got(server.receive(SOON).unwrap());
        assert_eq!(message.data()[..4], number.to_be_bytes());
        assert!(server.queued() <= 100);
    }
    sender.join().unwrap();
}
