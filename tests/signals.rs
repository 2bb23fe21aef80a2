//! The host's signals (`tests/c/signals.c`): which reach a thread of ours, and that none of them disturbs a call.

mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/tls.rs"]
mod tls;

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(300);

fn passes(part: &str, certificate: &[String]) {
    // They need a processor: one at a time.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let scratch = common::Scratch::new(&format!("signals-{part}-{}", certificate.len()));
    let program: PathBuf = scratch.path().join("signals");
    let link = common::link_options();
    let options: Vec<&str> = ["-std=c11", "-D_GNU_SOURCE"].into_iter().chain(link.iter().map(String::as_str)).collect();
    common::compile("cc", &options, &[&common::root().join("tests/c/signals.c")], Some(&program));
    let mut command = Command::new(&program);
    let said = common::run_well(command.arg(part).args(certificate).current_dir(scratch.path()), LIMIT);
    assert!(said.contains(&format!("signals: {part}: as expected")), "{said}");
}

#[test]
fn our_threads_block_what_is_sent_to_the_process_and_nothing_that_runtimes_use() {
    passes("masks", &[]);
}

#[test]
fn what_is_sent_to_the_process_never_reaches_a_thread_of_ours() {
    passes("directed", &[]);
}

#[test]
fn a_runtime_stops_all_threads_by_signals_while_events_flow() {
    passes("world", &[]);
}

#[test]
fn no_call_is_disturbed_by_a_storm_of_signals() {
    passes("storm", &[]);
}

#[test]
fn nor_is_one_under_tls() {
    let authority = tls::Authority::with_server("signals");
    passes("storm", &["server.pem", "server.key"].map(|name| authority.path(name)));
    passes("world", &["server.pem", "server.key"].map(|name| authority.path(name)));
}
