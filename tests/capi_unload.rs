//! The library leaves a process as it found it: unloaded 50 times (a thousand in the long form), with and without TLS.

mod common;

use std::io::{BufRead, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(600);
const ROUNDS: usize = 50;
const LONG_ROUNDS: usize = 1000;
/// Tells the program that it gets too little of a processor for what needs quick succession.
const STARVED: &str = "UNLOAD_STARVED";
/// On a busy machine, where each takes seconds and everything else waits meanwhile.
const BUSY_ROUNDS: usize = 6;

fn is_long() -> bool {
    std::env::var_os("WSADDIN_LONG").is_some()
}

/// Those of the long form may take as long as they like.
fn limit() -> Duration {
    if is_long() { 10 * LIMIT } else { LIMIT }
}

fn build(scratch: &common::Scratch) -> PathBuf {
    let program = scratch.path().join("unload");
    let source = common::root().join("tests/c/unload.c");
    // Nothing of the library is linked: the program loads it.
    let options = ["-std=c11", "-D_GNU_SOURCE", "-Wl,--as-needed"];
    let link = common::link_options();
    let options: Vec<&str> = options.into_iter().chain(link.iter().map(String::as_str)).collect();
    common::compile("cc", &options, &[&source], Some(&program));
    program
}

fn unload(program: &Path, wss: Option<(&str, i32)>, certificate: Option<&Path>) {
    unload_by(Command::new(program), if is_long() { LONG_ROUNDS } else { ROUNDS }, program, wss, certificate);
}

/// `command` runs the program.
fn unload_by(
    mut command: Command,
    rounds: usize,
    program: &Path,
    wss: Option<(&str, i32)>,
    certificate: Option<&Path>,
) {
    command.arg(common::library()).arg(rounds.to_string());
    // One arena of glibc's: several, which short-lived threads take turns in, grow by fragmentation, and would hide a
    // leak as well as look like one.
    command.env("MALLOC_ARENA_MAX", "1");
    if let Some((url, result)) = wss {
        command.arg(url).arg(result.to_string());
    }
    if let Some(certificate) = certificate {
        command.env("SSL_CERT_FILE", certificate);
        // It is, with its key beside it, also what the library's own server shows.
        command.arg(certificate).arg(certificate.with_file_name("key.pem"));
    }
    let folder = program.parent().unwrap();
    let is_starved = command.get_envs().any(|(name, _)| name == STARVED);
    let said = common::run_well(command.current_dir(folder), limit());
    // Everything that the rounds told is there.
    let log = std::fs::read_to_string(folder.join("unload.log")).unwrap();
    assert_eq!(log.matches(" log level frames\n").count(), rounds);
    assert_eq!(log.matches(" server 1 stopped\n").count(), rounds);
    assert!(
        (is_starved || said.contains("unload: led\n"))
            && said.contains(&format!("round {rounds}:"))
            && said.contains("unload: everything as before"),
        "{said}"
    );
}

/// An HTTPS server of OpenSSL, with a certificate of its own; it answers every request with HTTP 200.
struct TlsServer {
    process: Child,
    certificate: PathBuf,
    port: u16,
}

impl TlsServer {
    fn start(scratch: &common::Scratch) -> Self {
        let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| scratch.path().join(name));
        let mut request = Command::new("openssl");
        request.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]);
        request.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
        common::run_well(request.arg("-keyout").arg(&key).arg("-out").arg(&certificate), LIMIT);
        let mut server = Command::new("openssl");
        server.args(["s_server", "-4", "-accept", "127.0.0.1:0", "-www"]).arg("-cert").arg(&certificate);
        server.arg("-key").arg(&key).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = server.spawn().expect("openssl s_server starts");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let accept = lines.by_ref().map_while(Result::ok).find(|line| line.starts_with("ACCEPT"));
        let port = accept.and_then(|line| line.rsplit(':').next()?.trim().parse().ok()).expect("ACCEPT address:port");
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { process, certificate, port }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_library_goes_without_a_trace() {
    let scratch = common::Scratch::new("unload");
    unload(&build(&scratch), None, None);
}

/// WSADDIN_HANDSHAKE: TLS and the certificate were fine, HTTP 200 is not 101.
#[test]
fn the_library_goes_without_a_trace_after_tls() {
    let scratch = common::Scratch::new("unload-tls");
    let server = TlsServer::start(&scratch);
    let url = format!("wss://localhost:{}/", server.port);
    unload(&build(&scratch), Some((&url, -16)), Some(&server.certificate));
}

/// WSADDIN_CERTIFICATE: nobody vouches for it.
#[test]
fn the_library_goes_without_a_trace_after_a_certificate_was_refused() {
    let scratch = common::Scratch::new("unload-refused");
    let server = TlsServer::start(&scratch);
    let url = format!("wss://localhost:{}/", server.port);
    unload(&build(&scratch), Some((&url, -14)), None);
}

/// A worker that has no job, but is not let run for a while, is no reason to stay.
#[test]
fn the_library_goes_when_the_machine_is_busy() {
    let scratch = common::Scratch::new("unload-busy");
    let server = TlsServer::start(&scratch);
    let url = format!("wss://localhost:{}/", server.port);
    let program = build(&scratch);
    let over = Arc::new(AtomicBool::new(false));
    let hog = |_| {
        let over = over.clone();
        std::thread::spawn(move || while !over.load(Relaxed) {})
    };
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let hogs: Vec<_> = (0..cores).map(hog).collect();
    let mut command = Command::new("nice");
    command.args(["-n", "10"]).arg(&program).env(STARVED, "1");
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let rounds = if is_long() { 20 } else { BUSY_ROUNDS };
        unload_by(command, rounds, &program, Some((&url, -16)), Some(&server.certificate));
    }));
    over.store(true, Relaxed);
    hogs.into_iter().for_each(|hog| hog.join().unwrap());
    outcome.unwrap_or_else(|panic| resume_unwind(panic));
}
