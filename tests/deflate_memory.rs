//! What a connection keeps in memory when compression is agreed on and it has nothing to say.
//!
//! The figures of the documents: `WSADDIN_CONNECTIONS=10000 cargo test --release --test deflate_memory -- --nocapture`.

mod common {
    pub mod deflate;
    pub mod raw;
}
#[path = "common/flow/mod.rs"]
mod flow;

use common::deflate::{RSV1, Squeeze};
use common::raw::{self, FIN, Peer, TEXT, Then};
use flow::{Client, LONG, Role, SOON, Server, listen, role, say, status_kib, until};
use std::io::Write;
use std::net::TcpStream;
use websocket_addin::capi::*;

/// Windows that are looked at with context takeover.
const BITS: [i64; 3] = [15, 12, 9];

fn text() -> String {
    (0..40).map(|number| format!("{{\"number\": {number}}}, ")).collect()
}

/// Echoes what comes, with the settings that it is told: Compression, CompressionContext, CompressionWindowBits.
#[test]
#[ignore = "a role that other tests start"]
fn echo() {
    let Some(settings) = role() else { return };
    let settings: Vec<i64> = settings.split(' ').map(|number| number.parse().unwrap()).collect();
    let server = Server::new();
    server.set(wsaddin_server_set_max_connections, 20_000);
    server.set(wsaddin_server_set_compression, settings[0]);
    server.set(wsaddin_server_set_compression_context, settings[1]);
    server.set(wsaddin_server_set_compression_window_bits, settings[2]);
    server.run("127.0.0.1").unwrap();
    say("port", server.port());
    let server = &server;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while let Ok(message) = server.receive(0) {
                server.send_text(message.connection(), message.text()).unwrap();
            }
        });
        while listen() {
            until("nothing waits", SOON, || server.figure("queued_out_bytes") == 0);
            say("memory", status_kib("VmRSS:"));
        }
        server.stop();
    });
}

/// A connection that has agreed on compression, if the server wants it, and has heard its own words.
fn connect(port: u16, deflate: bool, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    raw::patient(&stream);
    let header = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    stream.write_all(raw::request(port, header).as_bytes()).unwrap();
    let head = raw::read_head(&mut stream);
    let agreed = raw::header(&head, "Sec-WebSocket-Extensions");
    assert_eq!(agreed.is_some(), deflate, "{head}");
    let bits =
        agreed.and_then(|text| text.split("client_max_window_bits=").nth(1)).map_or(15, |bits| bits.parse().unwrap());
    let frame = match deflate {
        true => raw::frame(FIN | RSV1 | TEXT, true, &Squeeze::new(6, bits).message(text.as_bytes())),
        false => raw::frame(FIN | TEXT, true, text.as_bytes()),
    };
    stream.write_all(&frame).unwrap();
    let (first, payload) = raw::read_frame(&mut stream).unwrap();
    assert_eq!(first, if deflate { FIN | RSV1 | TEXT } else { FIN | TEXT });
    assert_eq!(payload.len() < text.len(), deflate);
    stream
}

/// Bytes of the server's process for each of so many connections.
fn memory(compression: bool, takeover: bool, bits: i64, connections: u64) -> u64 {
    let settings = format!("{} {} {bits}", u8::from(compression), u8::from(takeover));
    let mut server = Role::start("echo", &settings);
    let port = server.hear("port").parse().unwrap();
    let text = text();
    let ask = |server: &mut Role| {
        server.tell("?");
        server.hear("memory").parse::<u64>().unwrap() * 1024
    };
    // What belongs to the process and its threads is there after the first ones.
    let mut streams: Vec<_> = (0..20).map(|_| connect(port, compression, &text)).collect();
    let before = ask(&mut server);
    streams.extend((0..connections).map(|_| connect(port, compression, &text)));
    ask(&mut server).saturating_sub(before) / connections
}

/// So many clients of one server, each of which has heard a message: what they take together.
#[test]
#[ignore = "a role that other tests start"]
fn clients() {
    let Some(settings) = role() else { return };
    let numbers: Vec<usize> = settings.split(' ').map(|number| number.parse().unwrap()).collect();
    let [port, bits, count] = numbers[..] else { panic!("{settings}") };
    let connect = || {
        let client = Client::new();
        client.set(wsaddin_client_set_compression_window_bits, bits as i64);
        client.connect(port as u16).unwrap();
        assert_eq!(client.receive(LONG).unwrap().data().len(), HEARD);
        client
    };
    // What belongs to the process and its threads is there after the first ones.
    let mut clients: Vec<Client> = std::iter::repeat_with(connect).take(10).collect();
    let before = status_kib("VmRSS:");
    clients.extend(std::iter::repeat_with(connect).take(count));
    say("grown", status_kib("VmRSS:") - before);
}

/// More than a window holds.
const HEARD: usize = 40_000;

/// Bytes of each client whose server answers so.
fn clients_of(answer: &'static str, bits: u8) -> u64 {
    const COUNT: u64 = 200;
    let peer = Peer::new(move |stream| {
        let head = raw::read_head(stream);
        let header = format!("Sec-WebSocket-Extensions: {answer}\r\n");
        let data: Vec<u8> = (0..HEARD as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let packed = Squeeze::new(6, 15).message(&data);
        let frame = raw::frame(FIN | RSV1 | raw::BINARY, false, &packed);
        let _ = stream.write_all(&[raw::accept(&head, &header).as_bytes(), &frame].concat());
        Then::Keep
    });
    let mut clients = Role::start("clients", &format!("{} {bits} {COUNT}", peer.address().port()));
    clients.hear("grown").parse::<u64>().unwrap() * 1024 / COUNT
}

#[test]
fn a_client_owns_an_inflater_only_where_its_server_keeps_its_context() {
    let without = clients_of("permessage-deflate; server_no_context_takeover", 15);
    let kept: Vec<u64> = [15, 9].iter().map(|bits| clients_of("permessage-deflate", *bits)).collect();
    println!("clients of a server without context: {without} bytes each, of one that keeps its own: {kept:?}");
    assert!(without < 40 << 10, "{without}");
    for kept in kept {
        assert!((without + (32 << 10)..without + (64 << 10)).contains(&kept), "{without} and {kept}");
    }
}

#[test]
fn an_idle_connection_owns_no_compressor() {
    let count = std::env::var("WSADDIN_CONNECTIONS").map_or(1000, |count| count.parse().unwrap());
    let plain = memory(false, false, 15, count);
    let agreed = memory(true, false, 15, count);
    println!("{count} idle connections: {plain} bytes each without compression, {agreed} bytes with it agreed on");
    // The least that inflates takes 40 KiB; what the process has beside, as tables that double, is a KiB for each of a
    // thousand.
    assert!(agreed < plain + 8192, "{plain} and {agreed}");
}

#[test]
fn with_context_takeover_it_owns_what_the_documents_say() {
    let cost: Vec<u64> = BITS.iter().map(|bits| memory(true, true, *bits, 100)).collect();
    println!("with context takeover, {BITS:?} bits: {cost:?} bytes each");
    assert!((100 << 10..400 << 10).contains(&cost[0]), "{cost:?}");
    assert!(cost[2] < cost[1] && cost[1] < cost[0], "{cost:?}");
}
