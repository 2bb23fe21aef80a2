//! Much at once: nothing is lost, nothing changes its place, and nobody sleeps on a message.

use super::*;

/// Runs peers with so many messages in flight each; every one gets its own back, in order.
fn flood(prepare: impl Fn(&Server), peers: usize, in_flight: usize, size: usize, messages: usize) {
    let alone = alone();
    let server = Server::new();
    prepare(&server);
    server.run("127.0.0.1", 0).unwrap();
    let server = Arc::new(server);
    let host = Host::start(&server);
    let port = server.port();
    let peers: Vec<_> = (0..peers)
        .map(|peer| std::thread::spawn(move || ask_and_count(raw::client(port), peer, in_flight, size, messages)))
        .collect();
    peers.into_iter().for_each(|peer| peer.join().expect("everything has come back"));
    server.free().unwrap();
    assert_eq!(code(host.end()), WSADDIN_CANCELLED);
    drop(alone);
}

fn content(peer: usize, number: usize, size: usize) -> Vec<u8> {
    let mut data = vec![b'.'; size.max(16)];
    data[..8].copy_from_slice(&(peer as u64).to_le_bytes());
    data[8..16].copy_from_slice(&(number as u64).to_le_bytes());
    data
}

/// Writes on a thread of its own: with both directions full neither must wait for the other.
fn ask_and_count(mut stream: TcpStream, peer: usize, in_flight: usize, size: usize, messages: usize) {
    let (answered, allowed) = std::sync::mpsc::channel();
    let mut writer = stream.try_clone().unwrap();
    let asking = std::thread::spawn(move || {
        for number in 0..messages {
            if number >= in_flight {
                allowed.recv().expect("the last answers have come");
            }
            // A mask of zeros is one, too: the bytes stay as they are.
            let mut wire = vec![FIN | BINARY, 0x80 | 127];
            let data = content(peer, number, size);
            wire.extend_from_slice(&(data.len() as u64).to_be_bytes());
            if data.len() <= 125 {
                wire = vec![FIN | BINARY, 0x80 | data.len() as u8];
            } else if data.len() <= 65_535 {
                wire = [&[FIN | BINARY, 0x80 | 126], &(data.len() as u16).to_be_bytes()[..]].concat();
            }
            wire.extend_from_slice(&[0; 4]);
            wire.extend_from_slice(&data);
            writer.write_all(&wire).expect("the connection is there");
        }
    });
    for number in 0..messages {
        let (first, payload) = loop {
            match read_frame(&mut stream).unwrap_or_else(|| panic!("message {number} of peer {peer} is not answered")) {
                // A sign of life of one who does not read.
                (first, _) if first == FIN | PONG => {}
                other => break other,
            }
        };
        let head: Vec<_> = payload.iter().take(40).collect();
        let whole = first == FIN | BINARY && payload == content(peer, number, size);
        assert!(whole, "message {number} of peer {peer}: {first:x}, {} bytes: {head:?}", payload.len());
        // The writer ends before the last answers.
        let _ = answered.send(());
    }
    asking.join().unwrap();
}

#[test]
fn a_tiny_queue_loses_nothing() {
    flood(
        |server| {
            server.receive_queue_messages(4).send_queue_bytes(64 << 20);
        },
        8,
        32,
        16,
        400,
    );
}

#[test]
fn much_in_flight_comes_back_in_order() {
    flood(
        |server| {
            server.receive_queue_messages(64);
        },
        8,
        32,
        300,
        400,
    );
}

#[test]
fn big_messages_do_not_stall() {
    let wide = |server: &Server| {
        server.send_queue_bytes(64 << 20).compression(0);
    };
    flood(wide, 1, 4, 1 << 20, 300);
}

#[test]
fn big_messages_of_several_do_not_stall() {
    let wide = |server: &Server| {
        server.send_queue_bytes(64 << 20).compression(0);
    };
    flood(wide, 4, 4, 64 << 10, 150);
}

/// A host that leads takes nothing for a while: reading stops, and goes on.
#[test]
fn a_full_queue_goes_on_when_the_host_is_back() {
    let mut led = Led::new(|server| {
        server.receive_queue_messages(4);
    });
    for _ in 0..5 {
        led.lead_in();
        led.peer.talk_past_a_nap(60, 40);
    }
}
