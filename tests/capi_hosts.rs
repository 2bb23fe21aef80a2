//! Hosts that load and unload the library in their own ways, that end in the midst of everything, and whose threads have
//! little stack.

mod common;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(600);

/// How often the library comes and goes, and how long that may take.
fn rounds() -> (&'static str, Duration) {
    if std::env::var_os("WSADDIN_LONG").is_some() { ("1000", 10 * LIMIT) } else { ("20", LIMIT) }
}

fn c(scratch: &common::Scratch, name: &str, more: &[&str]) -> PathBuf {
    let program = scratch.path().join(name);
    let source = common::root().join("tests/c").join(name).with_extension("c");
    let link = common::link_options();
    let mut options = vec!["-std=c11", "-D_GNU_SOURCE", "-Wl,--as-needed"];
    options.extend(more.iter().copied().chain(link.iter().map(String::as_str)));
    common::compile("cc", &options, &[&source], Some(&program));
    program
}

/// A certificate that vouches for itself, and its key.
fn certificate(scratch: &common::Scratch) -> [PathBuf; 2] {
    let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| scratch.path().join(name));
    let mut request = Command::new("openssl");
    request.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]);
    request.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
    common::run_well(request.arg("-keyout").arg(&key).arg("-out").arg(&certificate), LIMIT);
    [certificate, key]
}

/// Runs a program that loads and unloads; it compares what is left with what was there before.
fn comes_and_goes(program: &Path, arguments: &[&OsStr], scratch: &common::Scratch, words: &str) {
    let (rounds, limit) = rounds();
    let mut command = Command::new(program);
    command.args(arguments).arg(rounds).args(certificate(scratch)).current_dir(scratch.path());
    // One arena of glibc's: several grow by fragmentation, and would hide a leak as well as look like one.
    command.env("MALLOC_ARENA_MAX", "1");
    let said = common::run_well(&mut command, limit);
    assert!(said.contains(&format!("round {rounds}:")) && said.contains(words), "{said}");
}

/// The library goes with the plug-in that brought it, whose objects end while the system unloads it.
#[test]
fn a_plugin_in_cpp_goes_with_its_objects() {
    let scratch = common::Scratch::new("plugin");
    let plugin = scratch.path().join("plugin.so");
    let link = common::link_options();
    // Without the last option GCC marks what inline functions share as one for the whole process, and the plug-in stays.
    let mut options = vec!["-std=c++17", "-shared", "-fPIC", "-fno-gnu-unique"];
    options.extend(link.iter().map(String::as_str));
    common::compile("c++", &options, &[&common::root().join("tests/c/plugin.cpp")], Some(&plugin));
    // Its host has the C++ library, as any that takes such plug-ins.
    let host = c(&scratch, "plugins", &["-Wl,--no-as-needed", "-lstdc++", "-Wl,--as-needed"]);
    comes_and_goes(&host, &[plugin.as_os_str()], &scratch, "plugins: everything as before");
}

#[test]
fn two_copies_live_side_by_side() {
    let scratch = common::Scratch::new("copies");
    let other = scratch.path().join("libwebsocket_addin_2.so");
    std::fs::copy(common::library(), &other).unwrap();
    let arguments = [common::library(), other];
    let arguments: Vec<&OsStr> = arguments.iter().map(|path| path.as_os_str()).collect();
    comes_and_goes(&c(&scratch, "copies", &[]), &arguments, &scratch, "copies: everything as before");
}

/// Python has loaded its own OpenSSL, and uses it beside the library's.
#[test]
fn python_with_its_own_openssl_unloads_it() {
    let scratch = common::Scratch::new("python-unload");
    let script = common::root().join("tests/c/unload.py");
    let arguments = [script, common::library()];
    let arguments: Vec<&OsStr> = arguments.iter().map(|path| path.as_os_str()).collect();
    let python = std::env::var_os("WSADDIN_PYTHON").unwrap_or_else(|| "python3".into());
    comes_and_goes(Path::new(&python), &arguments, &scratch, "unload.py: everything as before");
}

/// No end of a process hangs, crashes or says anything: not from a handler, nor with handlers and threads inside the library.
#[test]
fn a_process_ends_in_the_midst_of_everything() {
    use std::os::unix::process::ExitStatusExt;
    let scratch = common::Scratch::new("exits");
    let program = c(&scratch, "exits", &[]);
    let [certificate, key] = certificate(&scratch);
    for way in ["exit", "_exit", "quick_exit", "abort", "return"] {
        for place in ["main", "thread", "handler"] {
            if way == "return" && place != "main" {
                continue;
            }
            let mut command = Command::new(&program);
            command.args([way, place]).args([&certificate, &key]).current_dir(scratch.path());
            let output = common::run(&mut command, LIMIT);
            let expected = if way == "abort" { (None, Some(6)) } else { (Some(7), None) };
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!((output.status.code(), output.status.signal()), expected, "{way} in {place}: {said}");
            assert_eq!(said, "", "{way} in {place}");
        }
    }
}
