//! Where a log may go, and where not: files, devices, pipes, and what becomes of them meanwhile.

mod common;
#[path = "common/face.rs"]
mod face;

use common::Scratch;
use face::{Client, SOON, Server, set_log};
use std::io::{BufRead, BufReader};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

/// The log belongs to the process; and so does SIGPIPE, which ends most hosts.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    // SAFETY: the default action of a signal that no test of this file relies on.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Some lines: who connects to whom.
fn conversation() {
    let server = Server::running();
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    let connection = server.opened();
    server.send(connection, "hello").unwrap();
    assert_eq!(client.receive(SOON).unwrap().event().text(), "hello");
    client.free().unwrap();
    server.free().unwrap();
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn what_is_no_place_for_a_log_is_an_error_at_once() {
    let _alone = alone();
    let scratch = Scratch::new("log-places");
    let at = |name: &str| scratch.path().join(name);
    assert!(Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
    let _listener = UnixListener::bind(at("socket")).unwrap();
    let good = at("good.log");
    for with_objects in [false, true] {
        set_log(good.to_str().unwrap(), WSADDIN_LOG_INFO).unwrap();
        let server = with_objects.then(Server::running);
        for (bad, reason) in [
            (at("fifo"), "nobody reads"),
            (at("socket"), "nobody reads"),
            (scratch.path().to_owned(), "opened for writing"),
            (at("no\0name"), "no\\u{0}name"),
            ("/dev/full".into(), "opened for writing"),
        ] {
            let since = Instant::now();
            let fault = set_log(bad.to_str().unwrap(), WSADDIN_LOG_INFO).unwrap_err();
            assert_eq!(fault.code, WSADDIN_FILE, "{bad:?}");
            assert!(fault.text.contains(reason), "{bad:?}: {}", fault.text);
            assert!(since.elapsed() < Duration::from_secs(20), "{bad:?}: {:?}", since.elapsed());
        }
        // The error that is a C string holds all of it.
        let fault = set_log("/none/a\0b/c.log", WSADDIN_LOG_INFO).unwrap_err();
        assert!(fault.text.contains("b/c.log"), "{}", fault.text);
        // What was set before stays.
        let before = read(&good).len();
        conversation();
        if let Some(server) = server {
            server.free().unwrap();
        }
        assert!(read(&good).len() > before);
    }
    set_log("", WSADDIN_LOG_INFO).unwrap();
}

#[test]
fn devices_and_pipes_with_a_reader_take_a_log() {
    let _alone = alone();
    set_log("/dev/null", WSADDIN_LOG_FRAMES).unwrap();
    conversation();
    // As /dev/stderr is one in a container.
    let (reader, pipe) = std::io::pipe().unwrap();
    set_log(&format!("/proc/self/fd/{}", pipe.as_raw_fd()), WSADDIN_LOG_INFO).unwrap();
    let server = Server::running();
    let mut lines = BufReader::new(reader).lines();
    assert!(lines.by_ref().map(Result::unwrap).any(|line| line.contains("listening") || line.contains("running")));
    // Its reader goes: no signal ends the process, and everything else goes on.
    drop((lines, pipe));
    conversation();
    conversation();
    let scratch = Scratch::new("log-after-pipe");
    let good = scratch.path().join("good.log");
    set_log(good.to_str().unwrap(), WSADDIN_LOG_INFO).unwrap();
    conversation();
    server.free().unwrap();
    assert!(read(&good).contains("client "), "{}", read(&good));
    set_log("", WSADDIN_LOG_INFO).unwrap();
}

/// A full disk: nothing else suffers, and the lines lost are told where the log goes next.
#[test]
fn a_full_disk_costs_lines_and_nothing_else() {
    let _alone = alone();
    let scratch = Scratch::new("log-full");
    // At this level no first line shows that it is full.
    set_log("/dev/full", WSADDIN_LOG_ERROR).unwrap();
    let server = Server::running();
    let client = Client::new();
    assert!(client.connect("ws://127.0.0.1:1/").is_err());
    client.free().unwrap();
    conversation();
    let good = scratch.path().join("good.log");
    set_log(good.to_str().unwrap(), WSADDIN_LOG_INFO).unwrap();
    conversation();
    server.free().unwrap();
    let text = read(&good);
    assert!(text.contains("client ") && text.contains("lines dropped"), "{text}");
    set_log("", WSADDIN_LOG_INFO).unwrap();
}

#[test]
fn a_file_that_is_moved_away_is_written_on_until_the_path_is_set_again() {
    let _alone = alone();
    let scratch = Scratch::new("log-rotated");
    let [path, moved] = ["current.log", "yesterday.log"].map(|name| scratch.path().join(name));
    set_log(path.to_str().unwrap(), WSADDIN_LOG_INFO).unwrap();
    let server = Server::running();
    conversation();
    std::fs::rename(&path, &moved).unwrap();
    conversation();
    assert!(!path.exists());
    set_log(path.to_str().unwrap(), WSADDIN_LOG_INFO).unwrap();
    let old = read(&moved);
    conversation();
    std::fs::remove_file(&path).unwrap();
    conversation();
    set_log(path.to_str().unwrap(), WSADDIN_LOG_INFO).unwrap();
    conversation();
    server.free().unwrap();
    assert_eq!(read(&moved), old, "what was written before is in the old file");
    assert!(read(&path).contains("client "));
    set_log("", WSADDIN_LOG_INFO).unwrap();
}
