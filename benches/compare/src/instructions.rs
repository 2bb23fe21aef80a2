//! Instructions in user space for a message, counted by callgrind: the same on a busy machine as on an idle one.

use crate::load::{Case, Load};
use crate::plan::Program;
use compare::server::Server;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

const FEW: u64 = 2_000;
const MANY: u64 = 12_000;
/// For one run; what is interpreted or compiled while it runs may take longer, and is left out.
const LIMIT: Duration = Duration::from_secs(60);

/// What each message costs beyond the start of the program and of the connections.
pub fn per_message(program: &Program, case: Case, log: &Path) -> io::Result<f64> {
    let (few, base) = count(program, case, FEW, log)?;
    let (many, more) = count(program, case, MANY, log)?;
    Ok((more as f64 - base as f64) / (many as f64 - few as f64))
}

/// Messages, and instructions of the whole process.
fn count(program: &Program, case: Case, messages: u64, log: &Path) -> io::Result<(u64, u64)> {
    let valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--fair-sched=yes"];
    let mut command: Vec<String> = valgrind.map(str::to_owned).into();
    command.push(format!("--log-file={}", log.display()));
    command.extend_from_slice(&program.command);
    let server = Server::start_within(&command, LIMIT)?;
    let run = || {
        let mut load = Load::connect(server.address, case, program.speech)?;
        load.check()?;
        load.run_until(LIMIT, messages)
    };
    let outcome = run().map_err(|error| server.reason(error))?;
    server.end()?;
    let text = std::fs::read_to_string(log)?;
    let collected = text.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    let collected = collected.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, text))?;
    // Those under way when the last was counted were answered as well.
    Ok((outcome.messages + (case.connections * case.window) as u64, collected))
}
