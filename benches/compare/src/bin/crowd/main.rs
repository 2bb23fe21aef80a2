//! Ten thousand connections: what they cost while they are silent, how long a broadcast takes to reach all of them, and
//! what a second I/O thread brings. `benches/compare/crowd` builds everything and starts this.

mod members;
mod wire;

use compare::raise_limit;
use compare::server::Server;
use members::{Members, Speech, frame, request};
use std::io;
use std::time::{Duration, Instant};

struct Plan {
    /// The program with our library, the one with plain sockets, and the certificate for TLS.
    ours: String,
    bytes: String,
    certificate: String,
    connections: usize,
    /// Seconds.
    idle: u64,
    rounds: usize,
    cases: Vec<String>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let plan = plan()?;
    raise_limit()?;
    for case in &plan.cases {
        match case.as_str() {
            "plain" => idle(&plan, "plain", Speech::Plain)?,
            "tls" => idle(&plan, "TLS", Speech::Tls)?,
            "compressed" => idle(&plan, "compressed", Speech::Compressed)?,
            "broadcast" => broadcast(&plan)?,
            "threads" => threads(&plan)?,
            other => return Err(format!("unknown case {other}").into()),
        }
    }
    Ok(())
}

fn plan() -> Result<Plan, Box<dyn std::error::Error>> {
    use lexopt::prelude::*;
    let mut plan = Plan {
        ours: String::new(),
        bytes: String::new(),
        certificate: String::new(),
        connections: 10_000,
        idle: 300,
        rounds: 5,
        cases: Vec::new(),
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        let Long(name) = argument else { return Err(argument.unexpected().into()) };
        let name = name.to_owned();
        let value = parser.value()?.string()?;
        match name.as_str() {
            "ours" => plan.ours = value,
            "bytes" => plan.bytes = value,
            "certificate" => plan.certificate = value,
            "connections" => plan.connections = value.parse()?,
            "idle" => plan.idle = value.parse()?,
            "rounds" => plan.rounds = value.parse()?,
            "cases" => plan.cases = value.split(',').map(|case| case.trim().to_owned()).collect(),
            _ => return Err(format!("unknown option --{name}").into()),
        }
    }
    Ok(plan)
}

fn start(program: &str, arguments: &[&str]) -> io::Result<Server> {
    let command: Vec<String> = [program].iter().chain(arguments).map(|&word| word.to_owned()).collect();
    Server::start(&command)
}

/// Connect time, memory of an idle connection, CPU in silence and while a hundredth of them talks, and how fast those are
/// answered.
fn idle(plan: &Plan, name: &str, speech: Speech) -> io::Result<()> {
    let tls = ["handler", &plan.certificate];
    let server = start(&plan.ours, if speech == Speech::Tls { &tls } else { &tls[..1] })?;
    // What is set up once is not counted.
    let mut first = Members::connect(server.address, 10, speech)?;
    let message = frame(0x82, &[b'x'; 64]);
    first.live(Duration::from_millis(200), 10, &message)?;
    let before = server.memory()?;
    let begun = Instant::now();
    let mut members = Members::connect(server.address, plan.connections, speech)?;
    let connected = begun.elapsed();
    members.live(Duration::from_secs(2), 0, &[])?;
    let bytes = (server.memory()? - before) as f64 / plan.connections as f64;
    let size = request(speech).len();
    println!(
        "{name}: {} connections in {:.2} s; {bytes:.0} bytes each, {:.0} of them without its request of {size} bytes",
        plan.connections,
        connected.as_secs_f64(),
        bytes - size as f64
    );
    let time = Duration::from_secs(plan.idle);
    // Silence first: the pings that keep it alive and nothing else.
    let spent = server.cpu();
    members.live(time, 0, &[])?;
    let (quiet, pings) = (server.cpu() - spent, members.pings);
    let spent = server.cpu();
    members.live(time, plan.connections / 100, &message)?;
    let busy = server.cpu() - spent;
    let trips = &members.trips;
    let at = |share: f64| trips.value_at_quantile(share) as f64 / 1000.0;
    println!(
        "{name}: {} s of silence take {:.2} % of a core ({pings} pings); {} that talk once a second {:.2} %, an echo {:.0} µs \
         (p50), {:.0} µs (p99), {:.0} µs (p99.9), {} of them; {:.0} bytes each afterwards",
        plan.idle,
        quiet.as_secs_f64() / time.as_secs_f64() * 100.0,
        plan.connections / 100,
        busy.as_secs_f64() / time.as_secs_f64() * 100.0,
        at(0.5),
        at(0.99),
        at(0.999),
        trips.len(),
        (server.memory()?.saturating_sub(before)) as f64 / plan.connections as f64,
    );
    Ok(())
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}

/// 1 KiB to everybody, until the last has it, beside a loop over plain sockets that sends as many bytes.
fn broadcast(plan: &Plan) -> io::Result<()> {
    let payload = [&b"!"[..], &[b'x'; 1023]].concat();
    let trigger = frame(0x82, &payload);
    // Our server's frames have no mask, so four bytes less.
    let wire = trigger.len() - 4;
    let programs = [(start(&plan.ours, &["broadcast"])?, Speech::Plain), (start(&plan.bytes, &[])?, Speech::Bytes)];
    let mut times = [Vec::new(), Vec::new()];
    let mut cpu = [Duration::ZERO; 2];
    for _ in 0..plan.rounds {
        for (at, (server, speech)) in programs.iter().enumerate() {
            // One crowd at a time: both together would take more descriptors than many machines give.
            let mut members = Members::connect(server.address, plan.connections, *speech)?;
            let bytes = if *speech == Speech::Plain { &trigger } else { &trigger[..wire] };
            let each = if *speech == Speech::Plain { 1 } else { wire };
            // The first one pays for what is set up once.
            members.broadcast(bytes, each)?;
            let spent = server.cpu();
            times[at].push(members.broadcast(bytes, each)?);
            cpu[at] += server.cpu() - spent;
        }
    }
    let best = times.each_ref().map(|times| times.iter().min().copied().unwrap_or_default());
    let [mine, plain] = times.map(median);
    println!(
        "broadcast of 1 KiB to {}: the last has it after {:.1} ms (best {:.1}), plain sockets {:.1} ms (best {:.1}), {:.2} times \
         as long; CPU {:.1} and {:.1} ms each; {} rounds",
        plan.connections,
        mine.as_secs_f64() * 1e3,
        best[0].as_secs_f64() * 1e3,
        plain.as_secs_f64() * 1e3,
        best[1].as_secs_f64() * 1e3,
        mine.as_secs_f64() / plain.as_secs_f64(),
        cpu[0].as_secs_f64() * 1e3 / plan.rounds as f64,
        cpu[1].as_secs_f64() * 1e3 / plan.rounds as f64,
        plan.rounds,
    );
    Ok(())
}

/// The echo rate of 1,000 connections with one and with two I/O threads. The work has to be the server's: it unpacks and
/// packs 16 KiB a message, while the load sends bytes that were prepared and only counts what comes back.
fn threads(plan: &Plan) -> io::Result<()> {
    let text: String = (0..3000).map(|number: u32| format!("{:x} ", number.wrapping_mul(2_654_435_761))).collect();
    let mut rates = [0.0_f64; 2];
    for _ in 0..plan.rounds {
        for (at, count) in ["1", "2"].iter().enumerate() {
            let server = start(&plan.ours, &["handler", "threads", count])?;
            let mut members = Members::connect(server.address, 1000, Speech::Compressed)?;
            members.live(Duration::from_millis(500), 1, &frame(0x81, &text.as_bytes()[..16 * 1024]))?;
            // What it was answered, as a frame of ours: packed, and no work for us.
            let packed = members.latest.clone();
            if packed.first() != Some(&0xc1) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is not compressed"));
            }
            let head = if packed[1] < 126 { 2 } else { 4 };
            let rate = members.exchange(Duration::from_secs(2), &frame(0xc1, &packed[head..]))?;
            rates[at] = rates[at].max(rate);
        }
    }
    println!(
        "1,000 connections, 16 KiB compressed, best of {} rounds: IoThreads=1 {:.0} messages a second, IoThreads=2 {:.0} ({:.2} \
         times as many; the load generator needs a part of a core, too)",
        plan.rounds,
        rates[0],
        rates[1],
        rates[1] / rates[0]
    );
    Ok(())
}
