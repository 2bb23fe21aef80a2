//! The strictest public conformance suite, Autobahn|Testsuite, against both roles, compression at every
//! combination of parameters included, and nothing that is not "OK".
//!
//! It runs on Python 2.7, which no system of today brings, so these tests are not among those that always run:
//! `./tests/run` runs them where it finds that Python, and `./tests/run --test autobahn -- --ignored` runs only them.

mod common {
    pub mod face;
}
#[path = "common/peer.rs"]
#[allow(dead_code, reason = "each test file uses its part")]
mod peer;

use common::face::{Client, Event, Got, Server};
use peer::Peer;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use websocket_addin::capi::*;

/// As the suite calls us.
const AGENT: &str = "websocket-addin";
/// The longest cases take half a minute, on a busy machine a dozen times that.
const ONE_CASE: Duration = Duration::from_secs(900);
/// How many cases there are, and without the larger part of those about compression.
const ALL: usize = 517;
const USUAL: usize = 301 + 36;

/// What is run: all about the protocol, and of its compression every combination of parameters with the first messages
/// of the many sizes. `WSADDIN_AUTOBAHN_CASES=*` is everything, which takes a quarter of an hour for each role.
fn cases() -> Vec<String> {
    let Ok(cases) = std::env::var("WSADDIN_AUTOBAHN_CASES") else {
        let mut cases: Vec<String> = [1, 2, 3, 4, 5, 6, 7, 9, 10].map(|class| format!("{class}.*")).into();
        for (class, groups) in [(12, 5), (13, 7)] {
            cases.extend((1..=groups).flat_map(|group| [1, 3, 5].map(|size| format!("{class}.{group}.{size}"))));
        }
        return cases;
    };
    cases.split(',').map(str::to_owned).collect()
}

/// An empty folder for the suite's settings and reports.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("autobahn").join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// The suite's program with these settings.
fn suite(mode: &str, folder: &Path, settings: &Value) -> Peer {
    let base = std::env::var_os("WSADDIN_AUTOBAHN").expect("WSADDIN_AUTOBAHN is the folder of Autobahn|Testsuite");
    let file = folder.join("settings.json");
    std::fs::write(&file, settings.to_string()).unwrap();
    let mut command = Command::new(Path::new(&base).join("bin/wstest"));
    command.env("PYTHONUSERBASE", &base).env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUNBUFFERED", "1");
    command.args(["--mode", mode, "--spec"]).arg(file).current_dir(folder);
    Peer::start("wstest", &mut command)
}

/// Every case in its report: it behaved, and closed, as it has to. Informational ones say which of several right ways.
fn judge(folder: &Path) {
    let text = std::fs::read_to_string(folder.join("reports/index.json")).unwrap();
    let reports: Value = serde_json::from_str(&text).unwrap();
    let (agent, cases) = reports.as_object().unwrap().iter().next().expect("one agent");
    let cases = cases.as_object().unwrap();
    let good = |outcome: &Value| outcome == "OK" || outcome == "INFORMATIONAL";
    let bad: Vec<String> = cases
        .iter()
        .filter(|(_, case)| !good(&case["behavior"]) || !good(&case["behaviorClose"]))
        .map(|(name, case)| format!("{name}: {}, close {}", case["behavior"], case["behaviorClose"]))
        .collect();
    assert!(bad.is_empty(), "{agent}: {bad:#?}; see {}", folder.join("reports/index.html").display());
    let expected = match std::env::var("WSADDIN_AUTOBAHN_CASES").as_deref() {
        Err(_) => USUAL,
        Ok("*") => ALL,
        Ok(_) => cases.len(),
    };
    assert_eq!(cases.len(), expected, "{agent}");
    let informational = cases.values().filter(|case| case["behavior"] == "INFORMATIONAL").count();
    println!("{agent}: {} cases are OK, {informational} informational", cases.len() - informational);
}

fn echo(event: &Event, text: impl Fn(&str) -> bool, binary: impl Fn(&[u8]) -> bool) -> bool {
    if event.kind == WSADDIN_KIND_TEXT { text(event.text()) } else { binary(&event.data) }
}

#[test]
#[ignore = "needs Autobahn|Testsuite: ./tests/run --test autobahn -- --ignored"]
fn our_server_passes() {
    let folder = folder("server");
    let server = Server::new();
    server.compression_context(1);
    server.run("127.0.0.1", 0).unwrap();
    let settings = json!({
        "outdir": folder.join("reports"),
        "servers": [{"agent": AGENT, "url": server.url()}],
        "cases": cases(), "exclude-cases": [], "exclude-agent-cases": {},
    });
    let peer = suite("fuzzingclient", &folder, &settings);
    std::thread::scope(|scope| {
        let echoing = scope.spawn(|| {
            while let Ok(Got::Event(event)) = server.receive(0) {
                let id = event.connection;
                let passed =
                    echo(&event, |text| server.send(id, text).is_ok(), |data| server.send_binary(id, data).is_ok());
                assert!(passed, "an echo cannot be sent");
            }
        });
        let ended = std::panic::catch_unwind(AssertUnwindSafe(|| peer.end_within(ONE_CASE)));
        server.stop().unwrap();
        echoing.join().unwrap();
        let (success, output) = ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        assert!(success, "{output:#?}");
    });
    judge(&folder);
}

#[test]
#[ignore = "needs Autobahn|Testsuite: ./tests/run --test autobahn -- --ignored"]
fn our_client_passes() {
    let folder = folder("client");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("ws://127.0.0.1:{port}");
    let settings = json!({
        "url": url, "outdir": folder.join("reports"), "webport": 0,
        "cases": cases(), "exclude-cases": [], "exclude-agent-cases": {},
    });
    let _peer = suite("fuzzingserver", &folder, &settings);
    let client = Client::new();
    client.compression_context(1);
    common::face::until("the suite listens", || client.connect(&format!("{url}/getCaseCount")).is_ok());
    let count: usize = client.receive(0).unwrap().event().text().parse().unwrap();
    assert_eq!(client.receive(0), Ok(Got::Closed));
    for case in 1..=count {
        client.connect(&format!("{url}/runCase?case={case}&agent={AGENT}")).unwrap();
        while let Ok(Got::Event(event)) = client.receive(0) {
            // The suite may have begun to close.
            echo(&event, |text| client.send(text).is_ok(), |data| client.send_binary(data).is_ok());
        }
    }
    client.connect(&format!("{url}/updateReports?agent={AGENT}")).unwrap();
    assert_eq!(client.receive(0), Ok(Got::Closed));
    judge(&folder);
}
