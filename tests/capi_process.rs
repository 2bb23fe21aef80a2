//! What a C host does with its own process and threads: forking, cancelling, limiting memory.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(240);

fn build(scratch: &common::Scratch, name: &str) -> PathBuf {
    let program = scratch.path().join(name);
    let source = common::root().join("tests/c").join(name).with_extension("c");
    let include = format!("-I{}", scratch.path().display());
    let link = common::link_options();
    let options = ["-std=c11", "-D_GNU_SOURCE", &include].into_iter().chain(link.iter().map(String::as_str));
    common::compile("cc", &options.collect::<Vec<_>>(), &[&source], Some(&program));
    program
}

/// A call of each function of the header that has a result, with an object where it takes one and nothing elsewhere.
fn calls_of_all() -> String {
    let header = std::fs::read_to_string(common::root().join("include/websocket_addin.h")).unwrap();
    let code = common::without_comments(&header);
    let functions = code.split(';').filter_map(|statement| {
        let declaration = statement.trim().strip_prefix("wsaddin_result wsaddin_")?;
        let (name, parameters) = declaration.trim_end_matches(')').split_once('(')?;
        let argument = |parameter: &str| {
            let parameter = parameter.trim();
            ["wsaddin_client client", "wsaddin_server server"]
                .iter()
                .find(|object| parameter == **object)
                .map_or("0", |it| &it[15..])
        };
        let arguments: Vec<&str> = parameters.split(',').map(argument).collect();
        Some(format!("REFUSED(wsaddin_{name}({}));\n", arguments.join(", ")))
    });
    let calls: Vec<String> = functions.collect();
    assert!(calls.len() > 100, "{}", calls.len());
    calls.concat()
}

fn forks(rounds: &str, program: &Path) {
    let said = common::run_well(Command::new(program).arg(rounds).current_dir(program.parent().unwrap()), LIMIT);
    assert!(said.contains("fork: everything as expected"), "{said}");
}

#[test]
fn a_forked_child_is_told_and_the_parent_goes_on() {
    let scratch = common::Scratch::new("fork");
    std::fs::write(scratch.path().join("calls.inc"), calls_of_all()).unwrap();
    forks("100", &build(&scratch, "fork"));
}

#[test]
fn a_cancelled_thread_ends_when_it_leaves_the_call() {
    let scratch = common::Scratch::new("cancel");
    let program = build(&scratch, "cancel");
    let said = common::run_well(Command::new(&program).arg("5").current_dir(scratch.path()), LIMIT);
    assert!(said.contains("cancel: everything as expected"), "{said}");
}

#[test]
fn a_process_without_memory_lives_on() {
    let scratch = common::Scratch::new("scarce");
    let program = build(&scratch, "scarce");
    let said = common::run_well(Command::new(&program).env("RUST_BACKTRACE", "1").current_dir(scratch.path()), LIMIT);
    assert!(said.contains("scarce: everything as expected"), "{said}");
}
