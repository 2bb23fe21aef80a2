//! A peer that reads late, after the other end has given up waiting for its close frame: what was on its way arrives all
//! the same, and the close frame behind it says why the connection ended.

#[path = "common/mod.rs"]
mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/raw.rs"]
mod raw;
#[path = "common/tls.rs"]
mod tls;

use face::*;
use std::time::{Duration, Instant};
use tls::{Authority, LOCAL, RSA, Subject};
use websocket_addin::capi::*;

const LIMIT: Duration = Duration::from_secs(60);
const REASON: &str = "too slow";

/// Who ends the connection.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// The host closes it.
    Disconnect,
    /// The server cuts it off, and stops while the close is under way.
    QueueFull,
}

fn padded(number: usize) -> String {
    format!("{number:08}{}", "x".repeat(32 * 1024))
}

fn queued_out(server: &Server) -> i64 {
    server.statistics()["queued_out_bytes"].as_i64().unwrap()
}

/// Messages that fill the systems' buffers and wait at the server; how many.
fn fill(server: &Server, id: u64) -> usize {
    let (begin, mut sent, mut steady) = (Instant::now(), 0, 0);
    // Still there after many more calls: the thread has had its turns, and the system takes no more.
    while steady < 100 {
        let before = queued_out(server);
        if before < 512 << 10 {
            server.send(id, &padded(sent)).unwrap();
            sent += 1;
            steady = 0;
        } else {
            std::thread::sleep(Duration::from_millis(1));
            steady = if queued_out(server) == before { steady + 1 } else { 0 };
        }
        assert!(begin.elapsed() < LIMIT, "its queue is never full, after {sent} messages");
    }
    sent
}

fn end_of(server: &Server, id: u64) -> (i64, String) {
    loop {
        let event = server.receive_event(SOON).unwrap().event();
        if event.event == WSADDIN_EVENT_CLOSE && event.connection == id {
            let (code, reason, _) = event.close();
            return (code, reason);
        }
    }
}

fn a_late_reader(server: &Server, client: &Client, url: &str, end: End) {
    server.close_timeout(SOON).send_queue_bytes(1 << 20);
    client.receive_queue_messages(16).compression(0);
    client.connect(url).unwrap();
    let id = server.opened();
    let mut sent = fill(server, id);
    if end == End::QueueFull {
        // The queue has half its room left.
        let begin = Instant::now();
        while server.broadcast(&padded(sent)).unwrap() == 1 {
            sent += 1;
            assert!(begin.elapsed() < LIMIT);
        }
    }
    // It reads until the rest lies with the systems, the close frame behind it, and then no more.
    let (begin, mut read) = (Instant::now(), 0);
    while queued_out(server) > 0 {
        assert_eq!(client.receive(SOON).unwrap().event().text(), padded(read));
        read += 1;
        assert!(begin.elapsed() < LIMIT, "{read} of {sent}");
    }
    server.close_timeout(200);
    match end {
        End::Disconnect => {
            assert!(server.disconnect(id, 1013, REASON).unwrap());
            assert_eq!(end_of(server, id).0, 1006, "nobody has answered");
        }
        End::QueueFull => {
            server.stop().unwrap();
            let (code, reason) = end_of(server, id);
            assert!(code == 1013 && reason.starts_with("the send queue is full: "), "{code} {reason}");
            // What this end would say while it waits for room would be answered by a reset.
            client.receive_queue_messages(1_000_000);
        }
    }
    assert!(read < sent, "all was read before the end: {sent}");
    // It reads on.
    while read < sent {
        let Ok(received) = client.receive(SOON) else { break };
        assert_eq!(received.event().text(), padded(read), "{end:?}");
        read += 1;
    }
    let (code, reason, _) = loop {
        let event = client.event();
        if event.event == WSADDIN_EVENT_CLOSE {
            break event.close();
        }
    };
    assert_eq!(code, 1013, "{end:?}: {reason}");
    match end {
        End::Disconnect => assert_eq!(reason, REASON),
        End::QueueFull => assert!(reason.starts_with("the send queue is full: "), "{reason}"),
    }
    assert_eq!((client.close_code(), client.close_reason()), (1013, reason));
}

#[test]
fn learns_why_it_was_closed() {
    for end in [End::Disconnect, End::QueueFull] {
        let (server, client) = (Server::new(), Client::new());
        server.run("127.0.0.1", 0).unwrap();
        a_late_reader(&server, &client, &server.url(), end);
    }
}

#[test]
fn learns_why_it_was_closed_under_tls() {
    let authority = Authority::new("late");
    authority.issue(Subject { name: "server", key: RSA, ..LOCAL });
    for end in [End::Disconnect, End::QueueFull] {
        let (server, client) = (authority.server("server"), authority.client());
        let url = format!("wss://localhost:{}/", server.port());
        a_late_reader(&server, &client, &url, end);
    }
}

/// What waits in the kernel when the connection is reset, under TLS: it is read all the same, the close frame behind it.
#[test]
#[cfg(target_os = "linux")]
fn learns_why_though_the_connection_is_reset_under_tls() {
    use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod};
    use std::io::Write;
    use std::os::fd::AsRawFd;
    let authority = Authority::with_server("reset");
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
    acceptor.set_private_key_file(authority.path("server.key"), SslFiletype::PEM).unwrap();
    acceptor.set_certificate_chain_file(authority.path("server.pem")).unwrap();
    let acceptor = acceptor.build();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let client = authority.client();
    client.receive_queue_messages(2).compression(0);
    let url = format!("wss://localhost:{}/", listener.local_addr().unwrap().port());
    std::thread::scope(|scope| {
        let peer = scope.spawn(|| {
            let (stream, _) = listener.accept().unwrap();
            let mut stream = acceptor.accept(stream).unwrap();
            let head = raw::read_head(&mut stream);
            stream.write_all(raw::accept(&head, "").as_bytes()).unwrap();
            for number in 0..10 {
                stream.write_all(&raw::frame(0x81, false, &padded(number).as_bytes()[..4000])).unwrap();
            }
            stream.write_all(&raw::frame(0x88, false, &raw::close_body(1013, REASON))).unwrap();
            let begin = Instant::now();
            loop {
                let mut waiting = 0;
                // SAFETY: the descriptor is open, and the place is for one number.
                let asked = unsafe { libc::ioctl(stream.get_ref().as_raw_fd(), libc::TIOCOUTQ, &raw mut waiting) };
                assert_eq!(asked, 0);
                if waiting == 0 {
                    break;
                }
                assert!(begin.elapsed() < LIMIT);
                std::thread::sleep(Duration::from_millis(1));
            }
            socket2::SockRef::from(stream.get_ref()).set_linger(Some(Duration::ZERO)).unwrap();
        });
        client.connect(&url).unwrap();
        peer.join().unwrap();
        // It meets the reset.
        let _ = client.send("x");
        for number in 0..10 {
            assert_eq!(client.receive(SOON).unwrap().event().text(), &padded(number)[..4000]);
        }
        let (code, reason, _) = client.event().close();
        assert_eq!((code, &*reason), (1013, REASON));
    });
}
