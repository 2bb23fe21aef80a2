//! Echo servers side by side in one run; `benches/compare/run` builds everything and starts this.

mod instructions;
mod load;
mod plan;
mod plot;
mod report;
mod results;
mod stream;

use compare::raise_limit;
use compare::server::{self, Server};
use load::{Case, Load};
use plan::{Plan, Program};
use results::{Idle, Results, Sample};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What a program may take beyond the time of the measurement: to start, to connect, to end.
const GRACE: Duration = Duration::from_secs(30);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let begin = Instant::now();
    let plan = Plan::read()?;
    raise_limit()?;
    std::fs::create_dir_all(&plan.output)?;
    let mut results = Results::default();
    let most = plan.cases.iter().map(|case| plan.rounds_of(case)).max().unwrap_or(0);
    for round in 0..most {
        for (at, case) in plan.cases.iter().enumerate().filter(|(_, case)| round < plan.rounds_of(case)) {
            for number in 0..plan.programs.len() {
                // The order turns, so that nobody always comes after the same neighbour.
                let number = (number + round) % plan.programs.len();
                if results.is_hopeless(at, number) {
                    results.add(at, number, Err("failed twice, not tried again".to_owned()));
                    continue;
                }
                let program = &plan.programs[number];
                let sample = measure(program, *case, plan.time).map_err(|error| error.to_string());
                if let Err(reason) = &sample {
                    eprintln!("{}, {}: {reason}", program.name, case.name);
                }
                results.add(at, number, sample);
            }
        }
        eprintln!("round {} of {most}, {} s", round + 1, begin.elapsed().as_secs());
        results.write(&plan)?;
    }
    if plan.instructions {
        for (at, case) in plan.cases.iter().enumerate().filter(|(_, case)| plan::close_run(case)) {
            let counted = |program: &Program| !program.connects && !program.is_script();
            for (number, program) in plan.programs.iter().enumerate().filter(|(_, program)| counted(program)) {
                match instructions::per_message(program, *case, &plan.output.join("callgrind.log")) {
                    Ok(count) => drop(results.instructions.insert((at, number), count)),
                    Err(error) => eprintln!("{}, {}, instructions: {error}", program.name, case.name),
                }
            }
        }
    }
    results.print(&plan);
    results.write(&plan)?;
    if plan.idle > 0 {
        results.print_idle_head(plan.idle);
        for (number, program) in plan.programs.iter().enumerate().filter(|(_, program)| !program.connects) {
            let outcome = idle(program, plan.idle, plan.idle_limit).map_err(|error| error.to_string());
            results.print_idle(&program.name, &outcome);
            results.idle.insert(number, outcome);
            results.write(&plan)?;
        }
    }
    println!(
        "\n{0}/compare.json and {0}/compare.svg are written; it took {1} s.",
        plan.output.display(),
        begin.elapsed().as_secs()
    );
    Ok(())
}

fn start(program: &Program, case: Case, limit: Duration) -> io::Result<(Server, Load)> {
    if program.connects {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = std::net::TcpListener::bind(address)?;
        let server = Server::start_client(&program.command, listener.local_addr()?, case.connections, limit)?;
        let load = Load::accept(&listener, case, program.speech).map_err(|error| server.reason(error))?;
        return Ok((server, load));
    }
    let server = Server::start_within(&program.command, limit)?;
    let load = Load::connect(server.address, case, program.speech).map_err(|error| server.reason(error))?;
    Ok((server, load))
}

fn measure(program: &Program, case: Case, time: Duration) -> io::Result<Sample> {
    let (server, mut load) = start(program, case, time * 2 + GRACE)?;
    let mut run = || {
        load.check()?;
        load.run(time / 5)?;
        let (before, own_before) = (server.cpu(), server::own_cpu());
        let outcome = load.run(time)?;
        let (cpu, own) = (server.cpu() - before, server::own_cpu() - own_before);
        let messages = outcome.messages as f64;
        let at = |share: f64| outcome.trips.value_at_quantile(share) as f64 / 1000.0;
        Ok(Sample {
            rate: messages / outcome.elapsed.as_secs_f64(),
            // What came back after the time was up was paid for as well.
            cpu_us: cpu.as_secs_f64() * 1e6 / (messages + (case.connections * case.window) as f64),
            p50_us: at(0.5),
            p99_us: at(0.99),
            p999_us: at(0.999),
            busy: cpu.as_secs_f64() / outcome.wall.as_secs_f64(),
            generator_busy: own.as_secs_f64() / outcome.wall.as_secs_f64(),
        })
    };
    run().map_err(|error| server.reason(error))
}

/// Bytes of the process per connection that has said something once and is silent since.
fn idle(program: &Program, connections: usize, limit: Duration) -> io::Result<Idle> {
    let begin = Instant::now();
    let server = Server::start_within(&program.command, limit)?;
    let one = |connections| Case { name: "idle", connections, window: 1, size: 64 };
    let run = || {
        let mut first = Load::connect(server.address, one(10), program.speech)?;
        first.check()?;
        let before = server.memory()?;
        let mut load = Load::connect(server.address, one(connections), program.speech)?;
        load.check()?;
        let connected = begin.elapsed();
        std::thread::sleep(Duration::from_millis(500));
        let bytes = server.memory()?.saturating_sub(before) as f64 / connections as f64;
        // Those that were let go early would count for nothing.
        load.check()?;
        Ok(Idle { bytes, seconds: connected.as_secs_f64() })
    };
    run().map_err(|error| server.reason(error))
}
