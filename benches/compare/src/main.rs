//! Echo servers side by side in one run; `benches/compare/run` builds everything and starts this.

mod instructions;
mod load;
mod report;
mod stream;

use compare::raise_limit;
use compare::server::Server;
use load::{Case, Load, Speech};
use report::{Results, Sample};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

const CASES: &[Case] = &[
    Case { name: "64 × 1 × 64 B", connections: 64, window: 1, size: 64 },
    Case { name: "8 × 32 × 64 B", connections: 8, window: 32, size: 64 },
    Case { name: "64 × 1 × 1 KiB", connections: 64, window: 1, size: 1024 },
    Case { name: "4 × 4 × 64 KiB", connections: 4, window: 4, size: 64 * 1024 },
    Case { name: "1 × 1 × 64 B", connections: 1, window: 1, size: 64 },
    Case { name: "1 × 4 × 1 MiB", connections: 1, window: 4, size: 1024 * 1024 },
];

struct Program {
    name: String,
    command: Vec<String>,
    speech: Speech,
    /// It connects to us.
    connects: bool,
}

struct Plan {
    programs: Vec<Program>,
    cases: Vec<Case>,
    rounds: usize,
    time: Duration,
    idle: usize,
    output: PathBuf,
    /// Instructions are counted, too.
    instructions: bool,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let plan = plan()?;
    raise_limit()?;
    let names: Vec<String> = plan.programs.iter().map(|program| program.name.clone()).collect();
    let base = |number: usize| {
        let connects = plan.programs[number].connects;
        let plain = |program: &Program| program.speech == Speech::Plain && program.connects == connects;
        plan.programs.iter().position(plain).unwrap_or(number)
    };
    let mut results = Results::default();
    for round in 0..plan.rounds {
        for (at, case) in plan.cases.iter().enumerate() {
            for number in 0..plan.programs.len() {
                // The order turns, so that nobody always comes after the same neighbour.
                let number = (number + round) % plan.programs.len();
                let program = &plan.programs[number];
                let sample = measure(program, *case, plan.time);
                if let Err(error) = &sample {
                    eprintln!("{}, {}: {error}", program.name, case.name);
                }
                results.samples.entry((at, number)).or_default().push(sample.ok());
            }
        }
        eprintln!("round {} of {}", round + 1, plan.rounds);
    }
    if plan.idle > 0 {
        for (number, program) in plan.programs.iter().enumerate().filter(|(_, program)| !program.connects) {
            match idle(program, plan.idle) {
                Ok(bytes) => drop(results.idle.insert(number, bytes)),
                Err(error) => eprintln!("{}, idle: {error}", program.name),
            }
        }
    }
    results.print(&plan.cases, &names, base);
    if plan.instructions {
        println!("\n### Instructions in user space for a message\n\n| case | program | instructions |\n|---|---|---:|");
        for case in plan.cases.iter().take(3) {
            for program in plan.programs.iter().filter(|program| !program.connects) {
                match instructions::per_message(program, *case, &plan.output.join("callgrind.log")) {
                    Ok(count) => println!("| {} | {} | {count:.0} |", case.name, program.name),
                    Err(error) => eprintln!("{}, {}, instructions: {error}", program.name, case.name),
                }
            }
        }
    }
    std::fs::create_dir_all(&plan.output)?;
    let json = serde_json::to_string_pretty(&results.json(&plan.cases, &names, base))?;
    std::fs::write(plan.output.join("compare.json"), json)?;
    results.plot(&plan.output.join("compare.svg"), &plan.cases, &names, base)?;
    println!("\n{0}/compare.json and {0}/compare.svg are written.", plan.output.display());
    Ok(())
}

/// `--rounds N --time MS --idle N --instructions yes --cases A,B --output DIR` and, for each program, `NAME=COMMAND ARGUMENTS…` as one
/// argument after `--plain`, `--server`, `--secure` (a server under TLS), or with `-client` for one that connects to us.
fn plan() -> Result<Plan, Box<dyn std::error::Error>> {
    use lexopt::prelude::*;
    let mut plan = Plan {
        programs: Vec::new(),
        cases: CASES.to_vec(),
        rounds: 5,
        time: Duration::from_millis(1000),
        idle: 0,
        output: PathBuf::from("."),
        instructions: false,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        let Long(name) = argument else { return Err(argument.unexpected().into()) };
        let name = name.to_owned();
        let value = parser.value()?.string()?;
        match name.as_str() {
            "rounds" => plan.rounds = value.parse()?,
            "time" => plan.time = Duration::from_millis(value.parse()?),
            "idle" => plan.idle = value.parse()?,
            "output" => plan.output = value.into(),
            "instructions" => plan.instructions = value == "yes",
            "cases" => {
                let wanted: Vec<&str> = value.split(',').map(str::trim).collect();
                plan.cases.retain(|case| wanted.contains(&case.name));
            }
            "plain" | "server" | "secure" | "plain-client" | "client" => {
                let (program, command) = value.split_once('=').ok_or("a program is NAME=COMMAND")?;
                plan.programs.push(Program {
                    name: program.to_owned(),
                    command: command.split_whitespace().map(str::to_owned).collect(),
                    speech: match name.as_str() {
                        "server" => Speech::Client,
                        "secure" => Speech::SecureClient,
                        "client" => Speech::Server,
                        _ => Speech::Plain,
                    },
                    connects: name.ends_with("client"),
                });
            }
            _ => return Err(format!("unknown option --{name}").into()),
        }
    }
    Ok(plan)
}

fn start(program: &Program, case: Case) -> io::Result<(Server, Load)> {
    if program.connects {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = mio::net::TcpListener::bind(address)?;
        let server = Server::start_client(&program.command, listener.local_addr()?, case.connections)?;
        return Ok((server, Load::accept(listener, case, program.speech)?));
    }
    let server = Server::start(&program.command)?;
    let load = Load::connect(server.address, case, program.speech)?;
    Ok((server, load))
}

fn measure(program: &Program, case: Case, time: Duration) -> io::Result<Sample> {
    let (server, mut load) = start(program, case)?;
    load.check()?;
    load.run(time / 5)?;
    let before = server.cpu();
    let outcome = load.run(time)?;
    let cpu = server.cpu() - before;
    let messages = outcome.messages as f64;
    let at = |share: f64| outcome.trips.value_at_quantile(share) as f64 / 1000.0;
    Ok(Sample {
        rate: messages / outcome.elapsed.as_secs_f64(),
        // What came back after the time was up was paid for as well.
        cpu_us: cpu.as_secs_f64() * 1e6 / (messages + (case.connections * case.window) as f64),
        p50_us: at(0.5),
        p99_us: at(0.99),
        p999_us: at(0.999),
    })
}

/// Bytes of the process per connection that has said something once and is silent since.
fn idle(program: &Program, connections: usize) -> io::Result<f64> {
    let server = Server::start(&program.command)?;
    let one = |connections| Case { name: "idle", connections, window: 1, size: 64 };
    let mut first = Load::connect(server.address, one(10), program.speech)?;
    first.check()?;
    let before = server.memory()?;
    let mut load = Load::connect(server.address, one(connections), program.speech)?;
    load.check()?;
    std::thread::sleep(Duration::from_millis(500));
    Ok((server.memory()?.saturating_sub(before)) as f64 / connections as f64)
}
