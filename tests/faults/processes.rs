//! Processes that are stopped, go on or are killed, ours among them, and a clock on the wall that jumps.

use crate::face::{Client, Got, SOON, Server, check, until};
use crate::flow::{Role, listen, role, say};
use crate::{alone, common};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};
use websocket_addin::capi::*;

const ROLE: &str = "processes::another_process";

/// What another process is told, a line each, until its input ends: `server`, an echo server that prints its port and
/// counts what it got; or the URL that a client talks to.
#[test]
#[ignore = "the other process of the tests below"]
fn another_process() {
    match role() {
        None => {}
        Some(server) if server == "server" => {
            let server = Server::running();
            server.ping_interval(0);
            say("port", server.port());
            while let Ok(Got::Event(event)) = server.receive_event(SOON * 6) {
                match event.event {
                    WSADDIN_EVENT_MESSAGE => assert!(server.send(event.connection, event.text()).is_ok()),
                    WSADDIN_EVENT_CLOSE => say("closed", event.close().0),
                    _ => say("open", event.connection),
                }
            }
        }
        Some(keepalive) if keepalive.starts_with("ws") => {
            let client = Client::new();
            client.ping_interval(100).pong_timeout(1000).connect(&keepalive).unwrap();
            say("connected", 1);
            while listen() {
                let sent = client.send("still there?");
                let got = client.receive(SOON);
                say("talked", sent.is_ok() && matches!(got, Ok(Got::Event(_))));
            }
        }
        Some(_) => clocked(),
    }
}

fn server() -> (Role, String) {
    let mut role = Role::start(ROLE, "server");
    let url = format!("ws://127.0.0.1:{}/", role.hear("port"));
    (role, url)
}

fn talk(client: &Client, text: &str) {
    client.send(text).unwrap();
    assert_eq!(client.receive(SOON * 3).unwrap().event().text(), text);
}

#[test]
fn a_stopped_peer_gets_everything_when_it_goes_on() {
    let _alone = alone();
    let (mut peer, url) = server();
    let client = Client::new();
    client.ping_interval(0).connect(&url).unwrap();
    peer.hear("open");
    talk(&client, "before");
    peer.signal(libc::SIGSTOP);
    // Calls of this side neither hang nor fail.
    for number in 0..500 {
        client.send(&format!("{number}")).unwrap();
    }
    assert_eq!(client.receive(50), Ok(Got::Timeout));
    assert_eq!(check(client.ping(50).map_or_else(|fault| fault.code, |_| 0)).map_err(|fault| fault.code), Err(-19));
    peer.signal(libc::SIGCONT);
    for number in 0..500 {
        assert_eq!(client.receive(SOON * 3).unwrap().event().text(), format!("{number}"));
    }
    assert!(client.disconnect(1000, "").unwrap());
    assert_eq!(peer.hear("closed"), "1000");
}

#[test]
fn a_stopped_peer_is_given_up_by_keepalive_and_is_there_again_later() {
    let _alone = alone();
    let (peer, url) = server();
    let client = Client::new();
    client.ping_interval(50).pong_timeout(300).connect(&url).unwrap();
    peer.signal(libc::SIGSTOP);
    assert_eq!(client.receive(SOON * 3), Ok(Got::Closed));
    assert_eq!((client.close_code(), client.status(), client.ready_state()), (1011, -1, 3));
    peer.signal(libc::SIGCONT);
    client.connect(&url).unwrap();
    talk(&client, "again");
}

#[test]
fn a_killed_peer_is_an_end_on_either_side() {
    let _alone = alone();
    let (peer, url) = server();
    let client = Client::new();
    client.connect(&url).unwrap();
    talk(&client, "before");
    peer.signal(libc::SIGKILL);
    assert_eq!(client.receive(SOON * 3), Ok(Got::Closed));
    assert_eq!((client.close_code(), client.status(), client.ready_state()), (1006, -1, 3));
    client.connect(&url).unwrap_err();
    let server = Server::running();
    let mut peer = Role::start(ROLE, &server.url());
    peer.hear("connected");
    let id = server.opened();
    peer.signal(libc::SIGKILL);
    let event = server.expect(WSADDIN_EVENT_CLOSE);
    assert_eq!((event.connection, event.close().0, event.close().2), (id, 1006, false));
    until("it has gone", || server.connection_count() == 0);
    client.connect(&server.url()).unwrap();
}

/// Stopped for longer than a pong may take: the pong lies in its socket when it goes on, and is looked at first.
#[test]
fn a_process_that_was_stopped_itself_keeps_its_connections() {
    let _alone = alone();
    let server = Server::running();
    let mut process = Role::start(ROLE, &server.url());
    process.hear("connected");
    server.opened();
    for _ in 0..5 {
        process.tell("talk");
        let message = server.event();
        assert!(server.send(message.connection, message.text()).unwrap());
        assert_eq!(process.hear("talked"), "true");
        process.signal(libc::SIGSTOP);
        // Its keepalive is overdue by any measure; the kernel answers nothing for it.
        std::thread::sleep(Duration::from_millis(1500));
        process.signal(libc::SIGCONT);
        std::thread::sleep(Duration::from_millis(100));
    }
    process.tell("talk");
    let message = server.event();
    assert_eq!(message.event, WSADDIN_EVENT_MESSAGE, "{message:?}");
    assert!(server.send(message.connection, message.text()).unwrap());
    assert_eq!(process.hear("talked"), "true");
}

/// Waits, time-outs, keepalive and reconnection while the date of this process is another with each line.
fn clocked() {
    let server = Server::running();
    server.ping_interval(100).pong_timeout(60_000);
    let client = Client::new();
    client.ping_interval(100).pong_timeout(60_000).connect(&server.url()).unwrap();
    let id = server.opened();
    say("ready", 1);
    while listen() {
        let begun = Instant::now();
        assert_eq!(client.receive(200), Ok(Got::Timeout));
        assert!(begun.elapsed() >= Duration::from_millis(200));
        talk_within(&client, &server, id);
        assert!(client.ping(SOON).unwrap() < SOON);
        let second = Client::new();
        second.connect(&server.url()).unwrap();
        server.opened();
        assert!(second.disconnect(1000, "").unwrap());
        server.expect(WSADDIN_EVENT_CLOSE);
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        say("date", since.as_secs());
    }
}

fn talk_within(client: &Client, server: &Server, id: u64) {
    client.send("what time is it?").unwrap();
    assert_eq!(server.event().text(), "what time is it?");
    assert!(server.send(id, "late").unwrap());
    assert_eq!(client.receive(SOON).unwrap().event().text(), "late");
}

#[test]
fn jumps_of_the_date_change_nothing() {
    let _alone = alone();
    let library = [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
        "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    ];
    let Some(library) = library.iter().find(|path| std::path::Path::new(path).exists()) else {
        let must = std::env::var_os("WSADDIN_NO_SKIP").is_some_and(|value| value == "1");
        assert!(!must, "libfaketime is missing: ./tests/run installs it");
        eprintln!("SKIPPED: libfaketime is missing; ./tests/run installs it");
        return;
    };
    let scratch = common::Scratch::new("dates");
    let file = scratch.path().join("date");
    let set = |offset: &str| {
        let next = scratch.path().join("next");
        std::fs::write(&next, format!("{offset}\n")).unwrap();
        std::fs::rename(&next, &file).unwrap();
    };
    set("+0");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", &file).env("FAKETIME_NO_CACHE", "1");
    // As the kernel has it: the clock that measures does not jump.
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
    let mut process = Role::start_with(command, ROLE, "clocked");
    process.hear("ready");
    let mut seen = Vec::new();
    for offset in ["+0", "+2d", "-3650d", "+3650d", "-1d", "+0"] {
        set(offset);
        process.tell("look");
        seen.push(process.hear("date").parse::<i64>().unwrap());
    }
    // It did see them.
    assert!(
        seen[1] - seen[0] > 86_400 && seen[2] < seen[0] - 86_400 * 3000 && seen[3] > seen[0] + 86_400 * 3000,
        "{seen:?}"
    );
}
