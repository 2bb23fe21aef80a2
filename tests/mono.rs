//! A host on Mono, whose runtime stops its threads by signals, ours among them (`tests/mono`).

mod common;

use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(180);

#[test]
fn external_events_flow_while_mono_collects() {
    let found = Command::new("mcs").arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        assert!(std::env::var_os("WSADDIN_NO_SKIP").is_none(), "Mono is missing, and nothing may be skipped");
        let _ = writeln!(std::io::stderr(), "SKIPPED: Mono is missing; ./tests/run installs it");
        return;
    }
    let scratch = common::Scratch::new("mono");
    let program = scratch.path().join("host.exe");
    let mut compiler = Command::new("mcs");
    compiler.arg(format!("-out:{}", program.display())).arg(common::root().join("tests/mono/host.cs"));
    common::run_well(&mut compiler, LIMIT);
    // Its ways of stopping a thread: by signals alone, and by signals where a thread is outside managed code.
    for way in ["preemptive", "hybrid"] {
        let mut host = Command::new("mono");
        host.arg(&program).arg(common::library()).arg("3000").env("MONO_THREADS_SUSPEND", way);
        let said = common::run_well(&mut host, LIMIT);
        assert!(said.contains("mono: 3000 events"), "{way}: {said}");
    }
}
