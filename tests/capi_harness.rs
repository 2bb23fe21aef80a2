//! The C harness in `tests/c`: strict C against the built library, then the same under valgrind.

mod common;
#[path = "common/peer.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod peer;
#[path = "common/raw.rs"]
mod raw;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const C11: &[&str] = &["-std=c11", "-D_POSIX_C_SOURCE=200809L"];
const HARNESS: &[&str] = &[
    "harness.c",
    "properties.c",
    "conversation.c",
    "batches.c",
    "tls.c",
    "policy.c",
    "misuse.c",
    "numbers.c",
    "events.c",
    "races.c",
];
const LIMIT: Duration = Duration::from_secs(120);

fn sources(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(|name| common::root().join("tests/c").join(name)).collect()
}

/// Builds a program of `tests/c` that is linked to the library.
fn build(scratch: &common::Scratch, compiler: &str, standard: &[&str], names: &[&str]) -> PathBuf {
    let program = scratch.path().join("program");
    let sources = sources(names);
    let sources: Vec<&Path> = sources.iter().map(PathBuf::as_path).collect();
    let link = common::link_options();
    let options: Vec<&str> = standard.iter().copied().chain(link.iter().map(String::as_str)).collect();
    common::compile(compiler, &options, &sources, Some(&program));
    program
}

/// Valgrind, with a status of its own for what it finds; its log proves that it ran.
fn run_under_valgrind(scratch: &common::Scratch, program: &Path, arguments: &[&str]) -> String {
    let log = scratch.path().join("valgrind.log");
    let mut command = Command::new("valgrind");
    command.args(["--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite,possible"]);
    command.args(["--show-leak-kinds=definite,possible", "--num-callers=30", "--fair-sched=yes"]);
    command.arg(format!("--log-file={}", log.display())).arg(program).args(arguments).env("HARNESS_SLOW", "1");
    let output = common::run(&mut command, 4 * LIMIT);
    let log = std::fs::read_to_string(&log).unwrap_or_default();
    let said = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "{}\n{said}\n{log}", output.status);
    assert!(log.contains("Memcheck") && log.contains("ERROR SUMMARY: 0 errors"), "valgrind did not run:\n{log}");
    assert!(log.contains("All heap blocks were freed") || log.contains("LEAK SUMMARY"), "no leak check:\n{log}");
    said
}

#[test]
fn the_harness_passes() {
    let scratch = common::Scratch::new("harness");
    let program = build(&scratch, "cc", C11, HARNESS);
    let said = common::run_well(&mut Command::new(program), LIMIT);
    assert!(said.contains("harness: everything as expected"), "{said}");
}

#[test]
fn the_harness_passes_under_valgrind() {
    let scratch = common::Scratch::new("harness-valgrind");
    let program = build(&scratch, "cc", C11, HARNESS);
    let said = run_under_valgrind(&scratch, &program, &["3"]);
    assert!(said.contains("harness: everything as expected"), "{said}");
}

/// A checker that finds nothing must be one that would have found something.
#[test]
fn valgrind_sees_a_leaked_message() {
    let scratch = common::Scratch::new("leak");
    let source = scratch.path().join("leak.c");
    let program = scratch.path().join("leak");
    std::fs::write(
        &source,
        "#include <stddef.h>\n#include \"websocket_addin.h\"\n\
         int main(void) {\n    wsaddin_client client;\n    wsaddin_message *message = NULL;\n\
         if (wsaddin_client_new(&client) || wsaddin_client_begin_connect(client, WSADDIN_TEXT(\"ws://127.0.0.1:1/\")))\n\
         return 1;\n    wsaddin_client_receive_event(client, 5000, &message);\n    int got = message != NULL;\n\
         message = NULL;\n    return wsaddin_client_free(client) || !got;\n}\n",
    )
    .unwrap();
    let link = common::link_options();
    let options: Vec<&str> = C11.iter().copied().chain(link.iter().map(String::as_str)).collect();
    common::compile("cc", &options, &[&source], Some(&program));
    common::run_well(&mut Command::new(&program), LIMIT);
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite,possible"]);
    assert_eq!(common::run(valgrind.arg(&program), LIMIT).status.code(), Some(99));
}

#[test]
fn the_cpp_wrapper_works() {
    let scratch = common::Scratch::new("wrapper");
    let program = build(&scratch, "c++", &["-std=c++17"], &["wrapper.cpp"]);
    let said = common::run_well(&mut Command::new(&program), LIMIT);
    assert!(said.contains("wrapper: everything as expected"), "{said}");
    run_under_valgrind(&scratch, &program, &[]);
}

/// What the library does with the host's memory is seen by the host's own checker.
#[test]
fn objects_are_destroyed_in_any_handler() {
    let scratch = common::Scratch::new("release");
    let program = build(&scratch, "c++", &["-std=c++17", "-fsanitize=address,undefined"], &["release.cpp"]);
    let said = common::run_well(&mut Command::new(&program), LIMIT);
    assert!(said.contains("release: everything as expected"), "{said}");
    let program = build(&scratch, "c++", &["-std=c++17"], &["release.cpp"]);
    let said = run_under_valgrind(&scratch, &program, &["1"]);
    assert!(said.contains("release: everything as expected"), "{said}");
}

/// The sanitizer would have told.
#[test]
fn the_sanitizer_sees_what_a_handler_used_too_late() {
    let scratch = common::Scratch::new("too-late");
    let source = scratch.path().join("late.cpp");
    let text = "#include <cstdlib>\n#include <unistd.h>\n#include \"websocket_addin.h\"\n\
        static void look(const wsaddin_message *, void *number) { volatile int seen = *static_cast<int *>(number); (void)seen; }\n\
        int main() {\n    wsaddin_client client;\n    int *number = new int(1);\n    wsaddin_client_new(&client);\n\
        wsaddin_client_set_handler(client, look, number);\n    delete number;\n\
        wsaddin_client_begin_connect(client, WSADDIN_TEXT(\"ws://127.0.0.1:1/\"));\n    sleep(10);\n}\n";
    std::fs::write(&source, text).unwrap();
    let program = scratch.path().join("late");
    let link = common::link_options();
    let options: Vec<&str> =
        ["-std=c++17", "-fsanitize=address"].into_iter().chain(link.iter().map(String::as_str)).collect();
    common::compile("c++", &options, &[&source], Some(&program));
    let output = common::run(&mut Command::new(&program), LIMIT);
    assert!(String::from_utf8_lossy(&output.stderr).contains("heap-use-after-free"), "{output:?}");
}

#[test]
fn a_thousand_clients_need_no_more_threads_than_one() {
    let scratch = common::Scratch::new("many");
    let program = build(&scratch, "cc", C11, &["many.c"]);
    let said = common::run_well(&mut Command::new(program), LIMIT);
    assert!(said.contains("as many threads as with one"), "{said}");
}

/// The 20 lines on the header's first page are a program that works.
#[test]
fn the_example_of_the_header_works() {
    let header = std::fs::read_to_string(common::root().join("include/websocket_addin.h")).unwrap();
    let start = header.find(" *   #include <stdio.h>").expect("the example is on the first page");
    let example = header[start..].lines().take_while(|line| *line != " */");
    let example: String = example.map(|line| line.trim_start_matches(" *").to_owned() + "\n").collect();
    let scratch = common::Scratch::new("example");
    // A port that is free.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let source = scratch.path().join("example.c");
    std::fs::write(&source, example.replace("9098", &port.to_string())).unwrap();
    let program = scratch.path().join("example");
    let link = common::link_options();
    let options: Vec<&str> = C11.iter().copied().chain(link.iter().map(String::as_str)).collect();
    common::compile("cc", &options, &[&source], Some(&program));
    assert_eq!(common::run_well(&mut Command::new(program), LIMIT).trim(), "hello");
}

/// The header's functions and macros, and those that the given files use.
fn unused(files: &[PathBuf], with_macros: bool) -> BTreeSet<String> {
    let header = std::fs::read_to_string(common::root().join("include/websocket_addin.h")).unwrap();
    let mut declared = common::declared_functions(&header);
    assert!(declared.len() > 80);
    if with_macros {
        declared.extend(common::defined_macros(&header));
    }
    let code: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let used = common::names(&common::without_comments(&code), |_| true);
    declared.difference(&used).cloned().collect()
}

#[test]
fn the_harness_uses_every_function_and_macro() {
    assert_eq!(unused(&sources(HARNESS), true), BTreeSet::new());
}

/// What of a made-up number is tried with one function is tried with all.
#[test]
fn every_function_that_takes_a_number_is_tried_with_wrong_ones() {
    let header = std::fs::read_to_string(common::root().join("include/websocket_addin.h")).unwrap();
    let plain = common::without_comments(&header);
    let taking =
        plain.split(';').filter(|one| one.contains("uint64_t connection,") || one.contains("uint64_t connection)"));
    let taking: BTreeSet<String> = taking.flat_map(common::declared_functions).collect();
    assert!(taking.len() >= 10, "{taking:?}");
    let code = std::fs::read_to_string(&sources(&["numbers.c"])[0]).unwrap();
    let tried = common::names(&common::without_comments(&code), |_| true);
    assert_eq!(taking.difference(&tried).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn the_cpp_wrapper_wraps_every_function() {
    assert_eq!(unused(&[common::root().join("include/websocket_addin.hpp")], false), BTreeSet::new());
}

/// Two connections are answered, each in its order, though one ends in between.
#[test]
fn the_example_of_batches_echoes() {
    let scratch = common::Scratch::new("batch");
    let program = scratch.path().join("batch");
    let link = common::link_options();
    let options: Vec<&str> = C11.iter().copied().chain(link.iter().map(String::as_str)).collect();
    common::compile("cc", &options, &[&common::root().join("examples/c/batch.c")], Some(&program));
    let mut command = Command::new(&program);
    let server = peer::Peer::start("batch", command.arg("0").env_remove("LD_LIBRARY_PATH"));
    let port = server.line_after("ws://127.0.0.1:").trim_end_matches('/').parse().unwrap();
    let (mut one, mut other, gone) = (raw::client(port), raw::client(port), raw::client(port));
    let text = |number: usize| number.to_string().into_bytes();
    let many =
        |from: usize| (from..from + 500).flat_map(|number| raw::frame(0x81, true, &text(number))).collect::<Vec<_>>();
    one.write_all(&many(0)).unwrap();
    other.write_all(&many(1000)).unwrap();
    (&gone).write_all(&many(2000)).unwrap();
    drop(gone);
    for (stream, from) in [(&mut other, 1000), (&mut one, 0)] {
        for number in from..from + 500 {
            assert_eq!(raw::read_frame(stream), Some((0x81, text(number))));
        }
    }
    one.write_all(&raw::frame(0x82, true, b"quit")).unwrap();
    assert_eq!(raw::read_frame(&mut one), Some((0x82, b"quit".to_vec())));
    assert_eq!(raw::read_close(&mut other).map(|(code, _)| code), Some(1001));
}
