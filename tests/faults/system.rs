//! System functions that fail at the k-th call (`tests/c/failing.c`).

use crate::{alone, common, is_long, tls};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(900);

#[test]
fn a_system_function_that_fails_costs_what_it_was_for_and_nothing_else() {
    let _alone = alone();
    let scratch = common::Scratch::new("failing");
    let authority = tls::Authority::with_server("failing");
    let program = scratch.path().join("failing");
    let link = common::link_options();
    // Not _GNU_SOURCE, with which socket functions take unions; and what the program defines is found by the library.
    let options = ["-std=c11", "-D_DEFAULT_SOURCE", "-D_POSIX_C_SOURCE=200809L", "-rdynamic"];
    let options: Vec<&str> = options.into_iter().chain(link.iter().map(String::as_str)).collect();
    common::compile("cc", &options, &[&common::root().join("tests/c/failing.c")], Some(&program));
    let mut command = Command::new(&program);
    command.args(["server.pem", "server.key"].map(|name| authority.path(name)));
    let said = common::run_well(command.arg(if is_long() { "3" } else { "1" }), LIMIT);
    println!("{said}");
    assert!(said.contains("failing: everything as expected"), "{said}");
}
