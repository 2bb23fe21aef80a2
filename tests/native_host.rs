//! The library in a host as 1C:Enterprise is one: `tests/host1c`, natively and under valgrind.

mod common;
#[path = "common/deflate.rs"]
mod deflate;
#[path = "common/face.rs"]
mod face;
#[path = "common/peer.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod peer;
#[path = "common/raw.rs"]
mod raw;
#[path = "common/tls.rs"]
mod tls;
#[path = "common/webtutor.rs"]
mod webtutor;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// For one scenario; natively the longest takes less than half a minute.
const LIMIT: Duration = Duration::from_secs(180);
const LIMIT_UNDER_VALGRIND: Duration = Duration::from_secs(900);

/// Those that need nobody else.
const ALONE: &[&str] = &[
    "classes",
    "comings_and_goings",
    "crowd",
    "defaults",
    "destroyed_inside",
    "ended_by_each_other",
    "ended_inside",
    "ended_while_switched_off",
    "endings",
    "endurance",
    "errors",
    "errors_inside",
    "events_doorbell",
    "events_doorbell_rings",
    "events_end",
    "events_forms",
    "events_hosts",
    "events_in_order",
    "events_inside",
    "events_on_and_off",
    "given_up",
    "languages",
    "large",
    "log",
    "manners",
    "misused",
    "names",
    "newcomers",
    "policy",
    "refusals",
    "proxy",
    "no_memory",
    "numbers",
    "reconnecting",
    "sessions",
    "sessions_events",
    "strings",
    "suspended",
    "switched_by_many",
    "unload",
    "webtutor",
];

/// Those that only a host on Unix can play. An errand into a child or out of a cancelled thread leaves memory behind on
/// purpose, so valgrind does not see them.
const ON_UNIX: &[&str] = &["cancelled", "forked"];

/// Those that talk to an echo server made by others; its URL is their argument.
const WITH_PEER: &[&str] = &["full_test", "bot"];

/// Those that need certificates, in a folder that is their argument.
const WITH_CERTIFICATES: &[&str] = &["tls"];

/// Those that need servers whose answers are odd, with their URLs as arguments.
const WITH_ODD_SERVERS: &[&str] = &["answers"];

/// Those that another test runs: they are told when to work and when to rest.
const TOLD: &[&str] = &["soak"];

/// Said in figures, not in passed and failed.
const MEASURING: &[&str] = &["bench"];

/// Some look at the time that a call takes, so only one runs at a time.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Compiles strictly. A host is not linked to the library: it loads it.
fn compile(options: &[&str], sources: &[&Path], program: &Path) {
    let mut command = Command::new("g++");
    command.args(["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"]).args(options).args(sources);
    common::run_well(command.arg("-o").arg(program).args(["-pthread", "-ldl"]), LIMIT);
}

/// The host, compiled once for all tests of this run.
fn host() -> &'static Path {
    static HOST: OnceLock<PathBuf> = OnceLock::new();
    HOST.get_or_init(|| {
        let folder = common::root().join("tests/host1c");
        let mut sources: Vec<PathBuf> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "cpp"))
            .collect();
        sources.sort();
        let sources: Vec<&Path> = sources.iter().map(PathBuf::as_path).collect();
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("host1c");
        compile(&[], &sources, &program);
        program
    })
}

fn passes(scenario: &str, arguments: &[&str]) -> String {
    let said = common::run_well(Command::new(host()).arg(common::library()).arg(scenario).args(arguments), LIMIT);
    assert!(said.contains(&format!("{scenario}: passed")), "{said}");
    said
}

fn passes_under_valgrind(scenario: &str, arguments: &[&str]) {
    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("valgrind-{scenario}.log"));
    let mut command = Command::new("valgrind");
    command.args(["--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite,possible"]);
    command.args([
        "--show-leak-kinds=definite,possible",
        "--num-callers=40",
        "--fair-sched=yes",
        "--keep-debuginfo=yes",
    ]);
    command.arg(format!("--log-file={}", log.display()));
    command.arg(format!("--suppressions={}", common::root().join("tests/host1c/valgrind.supp").display()));
    command.arg(host()).arg(common::library()).arg(scenario).args(arguments).env("HOST1C_SLOW", "1");
    let output = common::run(&mut command, LIMIT_UNDER_VALGRIND);
    let log = std::fs::read_to_string(&log).unwrap_or_default();
    let said = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "{scenario}: {}\n{said}\n{log}", output.status);
    assert!(said.contains(&format!("{scenario}: passed")), "{said}");
    assert!(log.contains("Memcheck") && log.contains("ERROR SUMMARY: 0 errors"), "valgrind did not run:\n{log}");
    assert!(log.contains("All heap blocks were freed") || log.contains("LEAK SUMMARY"), "no leak check:\n{log}");
}

/// Python websockets, sending back what it gets.
struct Echo {
    process: Child,
    url: String,
}

impl Echo {
    /// `None`: Python or the package is not installed.
    fn start() -> Option<Self> {
        let python = std::env::var_os("WSADDIN_PYTHON").filter(|value| !value.is_empty());
        let python = python.map_or_else(|| common::root().join("target/venv/bin/python"), PathBuf::from);
        if !python.exists() {
            assert!(std::env::var_os("WSADDIN_NO_SKIP").is_none(), "Python with websockets is missing");
            // Straight to the stream: what a passing test prints with eprintln! is not shown.
            let _ = writeln!(std::io::stderr(), "SKIPPED: Python with websockets is missing; ./tests/run installs it");
            return None;
        }
        let mut command = Command::new(python);
        command.arg(common::root().join("tests/host1c/echo_server.py")).env("PYTHONDONTWRITEBYTECODE", "1");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("it is piped")).read_line(&mut line).expect("it says its port");
        let port = line.trim().strip_prefix("port ").expect("it says its port");
        let url = format!("ws://127.0.0.1:{port}/");
        Some(Self { process, url })
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn every_scenario_is_run() {
    let _turn = turn();
    let listed = common::run_well(Command::new(host()).arg("--list"), LIMIT);
    let listed: BTreeSet<&str> = listed.split_whitespace().collect();
    let kinds = [ALONE, ON_UNIX, WITH_PEER, WITH_CERTIFICATES, WITH_ODD_SERVERS, TOLD, MEASURING];
    let run: BTreeSet<&str> = kinds.concat().into_iter().collect();
    assert_eq!(listed, run);
}

#[test]
fn every_scenario_passes() {
    let _turn = turn();
    for scenario in ALONE {
        passes(scenario, &[]);
    }
}

#[test]
fn forking_and_cancelling_hosts_pass() {
    let _turn = turn();
    for scenario in ON_UNIX {
        passes(scenario, &[]);
    }
}

#[test]
fn every_scenario_passes_under_valgrind() {
    let _turn = turn();
    host();
    // Times are not looked at here, and each waits more than it works: so two at a time.
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let work = || {
            while let Some(scenario) = ALONE.get(next.fetch_add(1, Ordering::Relaxed)) {
                passes_under_valgrind(scenario, &[]);
            }
        };
        scope.spawn(work);
        work();
    });
}

#[test]
fn the_original_full_test_and_the_bot_pass() {
    let _turn = turn();
    let Some(echo) = Echo::start() else { return };
    for scenario in WITH_PEER {
        passes(scenario, &[&echo.url]);
        passes_under_valgrind(scenario, &[&echo.url]);
    }
}

#[test]
fn a_script_uses_tls() {
    let _turn = turn();
    let authority = tls::Authority::with_server("host1c");
    let lock = ["pkcs8", "-topk8", "-in", "server.key", "-out", "locked.key", "-passout", "pass:пароль"];
    tls::openssl(authority.folder(), &lock);
    for scenario in WITH_CERTIFICATES {
        let folder = authority.path("");
        passes(scenario, &[&folder]);
        passes_under_valgrind(scenario, &[&folder]);
    }
}

/// A server with these answers before its own, which it gives with more header lines; with `deflate` it compresses and
/// keeps its context.
fn odd_server(before: &'static str, more: &'static str, deflate: bool) -> raw::Peer {
    raw::Peer::new(move |stream| {
        let mut head = raw::read_head(stream);
        if head.starts_with("CONNECT ") {
            let _ = stream.write_all((before.to_owned() + "HTTP/1.1 200 OK\r\nVia : a,\r\n b\r\n\r\n").as_bytes());
            head = raw::read_head(stream);
        }
        let _ = stream.write_all((before.to_owned() + &raw::accept(&head, more)).as_bytes());
        let mut context = deflate.then(|| deflate::Squeeze::new(6, 15));
        let mut say = |stream: &mut std::net::TcpStream, text: &[u8]| {
            let frame = match &mut context {
                Some(context) => raw::frame(raw::FIN | deflate::RSV1 | raw::TEXT, false, &context.message(text)),
                None => raw::frame(raw::FIN | raw::TEXT, false, text),
            };
            let _ = stream.write_all(&frame);
        };
        let text: String = (0..1000).map(|number| format!("{}-й ", number * number)).collect();
        say(stream, text.as_bytes());
        say(stream, text.as_bytes());
        if let Some((first, payload)) = raw::read_frame(stream) {
            let inflated = first & deflate::RSV1 != 0;
            say(stream, &if inflated { deflate::Expand::new(15).message(&payload) } else { payload });
        }
        if raw::read_close(stream).is_some() {
            let _ = stream.write_all(&raw::frame(raw::FIN | raw::CLOSE, false, &raw::close_body(1000, "")));
        }
        raw::Then::Close
    })
}

#[test]
fn a_script_meets_odd_answers() {
    let _turn = turn();
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let odd = "no colon\r\nServer : a\r\n b\r\nX-Control: \u{1}\r\n";
    let refusing = raw::Peer::answering(format!("{interim}HTTP/1.1 403 Нет\r\nno colon\r\nX: a\0b\r\n"));
    let servers = [
        odd_server(interim, "", false),
        odd_server("", odd, false),
        odd_server("", "Sec-WebSocket-Extensions: permessage-deflate\r\n", true),
    ];
    let behind = format!("ws://somewhere.example/|http://{}", servers[0].address());
    let place = servers[1].address();
    let sending = raw::Peer::answering(format!("HTTP/1.1 307 Moved\r\nLocation: http://{place}/там\r\n\r\n"));
    let urls: Vec<String> =
        [&refusing, &sending].into_iter().chain(&servers).map(raw::Peer::url).chain([behind]).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    for scenario in WITH_ODD_SERVERS {
        passes(scenario, &urls);
        passes_under_valgrind(scenario, &urls);
    }
}

/// The script of `examples/webtutor`, with pages in Python.
#[test]
fn a_script_serves_the_pages_of_webtutor() {
    let _turn = turn();
    let mut command = Command::new(host());
    let script = peer::Peer::start("host1c", command.arg(common::library()).args(["webtutor", "pages"]));
    let Some(pages) = webtutor::pages(&script.line_after("port ")) else { return };
    webtutor::check(&pages);
    let (well, said) = script.end();
    assert!(well && said == ["webtutor: passed"], "{said:?}");
}

/// The same for pages that came by https.
#[test]
fn a_script_serves_the_pages_of_webtutor_through_tls() {
    let _turn = turn();
    let authority = tls::Authority::with_server("host1c-webtutor");
    let (certificate, key) = (authority.path("server.pem"), authority.path("server.key"));
    let mut command = Command::new(host());
    command.arg(common::library()).args(["webtutor", "pages", &certificate, &key]);
    let script = peer::Peer::start("host1c", &mut command);
    let Some(pages) = webtutor::secure_pages(&script.line_after("port "), &authority.path("ca.pem")) else { return };
    webtutor::check(&pages);
    let (well, said) = script.end();
    assert!(well && said == ["webtutor: passed"], "{said:?}");
}

/// What a call and a large string cost. A debug build says nothing about speed, so there the figures are only printed;
/// FindMethod must not allocate in any build.
#[test]
fn the_measurement_runs() {
    let _turn = turn();
    let counting = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libcounting.so");
    let source = common::root().join("tests/host1c/counting/counting.cpp");
    compile(&["-shared", "-fPIC"], &[&source], &counting);
    let optimised = !cfg!(debug_assertions);
    let mut command = Command::new(host());
    command.arg(common::library()).args(["bench", if optimised { "21" } else { "1" }]).env("LD_PRELOAD", &counting);
    let said = common::run_well(&mut command, LIMIT);
    println!("{said}");
    assert!(said.contains("no allocation") && said.contains("bench: passed"), "{said}");
    // The numbers of each line that begins so.
    let figures = |start: &str| -> Vec<Vec<f64>> {
        let lines = said.lines().filter_map(|line| line.strip_prefix(start));
        let numbers = |line: &str| line.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
        lines.map(numbers).collect()
    };
    let (calls, texts) = (figures("property:"), figures("16 MiB:"));
    assert_eq!((calls.len(), texts.len()), (3, 3), "{said}");
    for (call, text) in calls.iter().zip(&texts).filter(|_| optimised) {
        let [read, empty] = call[..] else { panic!("{said}") };
        assert!(read - empty <= 100.0, "{read} ns for a property, {empty} ns for an empty call");
        let Some(median) = text.last() else { panic!("{said}") };
        assert!(*median >= 0.4, "{median} of what the C interface reaches");
    }
}

/// A checker that finds nothing must be one that would have found something: an object that is never destroyed.
#[test]
fn valgrind_sees_what_a_host_forgets() {
    let _turn = turn();
    let scratch = common::Scratch::new("host1c-leak");
    let [source, program] = ["leak.cpp", "leak"].map(|name| scratch.path().join(name));
    std::fs::write(
        &source,
        "#include <dlfcn.h>\n\
         int main(int, char **arguments) {\n    void *library = dlopen(arguments[1], RTLD_NOW);\n\
         auto make = library ? (long (*)(const char16_t *, void **))dlsym(library, \"GetClassObject\") : nullptr;\n\
         static char hidden[sizeof(void *)];\n    void *object = nullptr;\n    if (!make || !make(u\"Client\", &object))\n\
         return 1;\n    object = nullptr;\n    return hidden[0];\n}\n",
    )
    .unwrap();
    compile(&[], &[&source], &program);
    common::run_well(Command::new(&program).arg(common::library()), LIMIT);
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite,possible"]);
    assert_eq!(common::run(valgrind.arg(&program).arg(common::library()), LIMIT).status.code(), Some(99));
}
