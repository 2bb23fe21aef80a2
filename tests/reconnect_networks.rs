//! Coming back over networks that fail in other ways than by a reset: a link that goes silent, names that are not
//! found for a while, a certificate that is not valid for a while.

#[path = "common/mod.rs"]
mod common;
#[path = "common/face.rs"]
mod face;
#[expect(dead_code, reason = "only the roles are used here")]
#[path = "common/flow/process.rs"]
mod process;
#[path = "common/raw.rs"]
mod raw;
#[path = "common/tls.rs"]
mod tls;

use common::Scratch;
use face::{Client, SOON as LONG, Server};
use process::{Role, listen, role, say};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};
use tls::Authority;
use websocket_addin::capi::*;

const SOON: Duration = Duration::from_secs(20);

fn until(what: &str, limit: Duration, mut met: impl FnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !met() {
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Carries bytes between its own port and another, until it is stopped or killed.
#[test]
#[ignore = "a role of the tests below"]
fn plays_the_relay() {
    let Some(to) = role() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    say("port", listener.local_addr().unwrap().port());
    for from in listener.incoming() {
        let (from, to) = (from.unwrap(), TcpStream::connect(("127.0.0.1", to.parse().unwrap())).unwrap());
        for (mut from, mut to) in [(from.try_clone().unwrap(), to.try_clone().unwrap()), (to, from)] {
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(count @ 1..) = from.read(&mut bytes) {
                    if to.write_all(&bytes[..count]).is_err() {
                        break;
                    }
                }
                let _ = to.shutdown(std::net::Shutdown::Both);
            });
        }
    }
}

#[test]
fn a_link_that_goes_silent_is_noticed_and_used_again() {
    const PING: u64 = 300;
    const PONG: u64 = 300;
    let server = Server::running();
    let mut relay = Role::start("plays_the_relay", &server.port().to_string());
    let url = format!("ws://127.0.0.1:{}/", relay.hear("port"));
    let client = Client::new();
    client.ping_interval(PING as i64).pong_timeout(PONG as i64);
    client.reconnect_interval(20).connect_timeout(100);
    client.connect(&url).unwrap();
    client.expect(WSADDIN_EVENT_OPEN);
    let mut times = Vec::new();
    for round in 0..5 {
        client.ping(LONG).unwrap();
        let start = Instant::now();
        // No FIN, no reset: the kernel of the relay goes on acknowledging.
        relay.signal(libc::SIGSTOP);
        let close = client.expect(WSADDIN_EVENT_CLOSE).close();
        times.push(start.elapsed());
        assert_eq!((close.0, close.1.as_str(), close.2), (1011, "no answer to a ping within 300 ms", false));
        assert_eq!((client.status(), client.ready_state()), (-1, 0));
        let text = format!("written after the silence {round}");
        client.send(&text).unwrap();
        // Its kernel takes the connect, and nobody answers the handshake.
        let failed = client.expect(WSADDIN_EVENT_ERROR);
        assert!(failed.text().contains("no connection within 100 ms: no answer to the handshake"), "{}", failed.text());
        relay.signal(libc::SIGCONT);
        let open = client.event_of(WSADDIN_EVENT_OPEN);
        assert!(open.json()["attempt"].as_i64().unwrap() >= 2);
        until("it arrives", SOON, || server.receive(LONG).unwrap().event().text() == text);
    }
    times.sort();
    eprintln!("noticed after {times:?}; PingInterval and PongTimeout are {PING} and {PONG} ms");
    let both = Duration::from_millis(PING + PONG);
    assert!(times[0] >= both - Duration::from_millis(50), "{times:?}");
    assert!(times[2] <= both + Duration::from_millis(200), "{times:?}");
    assert!(times[4] <= 10 * both, "{times:?}");
}

/// A client in a place where its test decides which names there are.
#[test]
#[ignore = "a role of the tests below"]
fn plays_the_client() {
    let Some(url) = role() else { return };
    let client = Client::new();
    client.reconnect_interval(30).reconnect_max_interval(100);
    client.begin_connect(&url).unwrap();
    loop {
        let event = client.event();
        match event.event {
            WSADDIN_EVENT_OPEN => say("open", event.text()),
            WSADDIN_EVENT_ERROR => say("error", event.text()),
            WSADDIN_EVENT_CLOSE => say("close", event.text()),
            _ => break,
        }
    }
    say("end", 0);
    while listen() {}
}

#[test]
fn names_that_are_not_found_for_a_while() {
    let folder = Scratch::new("names");
    let (hosts, resolver) = (folder.path().join("hosts"), folder.path().join("resolv.conf"));
    // A name server that does not answer at all; rewritten in place, because a mount keeps the file.
    std::fs::write(&hosts, "127.0.0.1 localhost\n").unwrap();
    std::fs::write(&resolver, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n").unwrap();
    let mounts = format!(
        "mount --bind {} /etc/hosts && mount --bind {} /etc/resolv.conf && exec \"$0\" \"$@\"",
        hosts.display(),
        resolver.display()
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", &mounts]).arg(std::env::current_exe().unwrap());
    if command.get_program() == "unshare" && !may_mount() {
        assert!(std::env::var_os("WSADDIN_NO_SKIP").is_none(), "no mount namespaces");
        eprintln!("SKIPPED, because mount namespaces need root");
        return;
    }
    let server = Server::running();
    let url = format!("ws://chat.example.test:{}/", server.port());
    let mut client = Role::start_with(command, "plays_the_client", &url);
    for _ in 0..3 {
        let error = client.hear("error");
        assert!(error.contains("host chat.example.test not found"), "{error}");
    }
    std::fs::write(&hosts, "127.0.0.1 localhost chat.example.test\n").unwrap();
    let open: serde_json::Value = serde_json::from_str(&client.hear("open")).unwrap();
    assert!(open["attempt"].as_i64().unwrap() >= 4, "{open}");
    // And again, with a connection before.
    let connection = server.opened();
    std::fs::write(&hosts, "127.0.0.1 localhost\n").unwrap();
    assert!(server.disconnect(connection, 1001, "").unwrap());
    assert!(client.hear("close").contains("1001"));
    assert!(client.hear("error").contains("host chat.example.test not found"));
    std::fs::write(&hosts, "127.0.0.1 localhost chat.example.test\n").unwrap();
    client.hear("open");
}

fn may_mount() -> bool {
    Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success())
}

#[test]
fn a_certificate_that_is_not_valid_for_a_while() {
    let authority = Authority::with_server("reconnect");
    authority.issue(tls::Subject { name: "expired", until: "20210101000000Z", ..tls::LOCAL });
    authority.issue(tls::Subject { name: "other", alternatives: "DNS:other.example", ..tls::LOCAL });
    let server = Server::new();
    // SAFETY: live texts.
    let run = |name: &str, port: i64| unsafe {
        let (interface, certificate) = ("127.0.0.1", authority.path(&format!("{name}.pem")));
        let key = authority.path(&format!("{name}.key"));
        let [interface, certificate, key] =
            [interface, &certificate, &key].map(|text| (text.as_ptr().cast(), text.len()));
        let result = wsaddin_server_run_tls(
            server.0,
            interface.0,
            interface.1,
            port,
            certificate.0,
            certificate.1,
            key.0,
            key.1,
            std::ptr::null(),
            0,
        );
        assert_eq!(result, 0, "{}", face::error_description());
    };
    run("server", 0);
    let port = server.port();
    let client = authority.client();
    client.reconnect_interval(20);
    client.connect(&server.secure_url("localhost")).unwrap();
    client.expect(WSADDIN_EVENT_OPEN);
    for (name, reason) in [("expired", "has expired"), ("other", "is not for localhost")] {
        server.stop().unwrap();
        assert_eq!(client.expect(WSADDIN_EVENT_CLOSE).close().0, 1001);
        client.send("for the good one only").unwrap();
        run(name, port.into());
        until("the bad certificate is refused", SOON, || {
            client.event_of(WSADDIN_EVENT_ERROR).text().contains(&format!("the server's certificate {reason}"))
        });
        assert_eq!((client.status(), client.ready_state()), (-1, 0));
        server.stop().unwrap();
        run("server", port.into());
        client.event_of(WSADDIN_EVENT_OPEN);
        assert_eq!(server.receive(LONG).unwrap().event().text(), "for the good one only");
    }
}
