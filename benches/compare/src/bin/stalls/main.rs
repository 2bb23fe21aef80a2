//! Whether anybody waits for somebody else's large message: an echo of 64 bytes on one connection while others on the
//! same I/O thread send or take large ones. `benches/compare/stalls` builds everything and starts this.

mod crowd;
mod peer;

use compare::server::Server;
use crowd::Crowd;
use hdrhistogram::Histogram;
use openssl::ssl::{SslAcceptor, SslConnector, SslFiletype, SslMethod};
use peer::Peer;
use std::error::Error;
use std::io::{self, Read};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

const MIB: usize = 1024 * 1024;
const BROADCAST: usize = 3 * MIB;
/// Between two echoes, so that the load leaves a core to the program.
const PAUSE: Duration = Duration::from_micros(200);

struct Plan {
    /// Names and programs: ours with one library or several.
    programs: Vec<(String, String)>,
    certificate: String,
    sizes: Vec<usize>,
    /// For each case.
    time: Duration,
    members: usize,
    /// Only cases whose names hold this.
    only: String,
}

fn plan() -> Result<Plan, Box<dyn Error>> {
    use lexopt::prelude::*;
    let mut plan = Plan {
        programs: Vec::new(),
        certificate: String::new(),
        sizes: vec![1, 16, 64],
        time: Duration::from_millis(2000),
        members: 1000,
        only: String::new(),
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        let Long(name) = argument else { return Err(argument.unexpected().into()) };
        let name = name.to_owned();
        let value = parser.value()?.string()?;
        match name.as_str() {
            "program" => {
                let (name, program) = value.split_once('=').ok_or("a program is NAME=PATH")?;
                plan.programs.push((name.to_owned(), program.to_owned()));
            }
            "certificate" => plan.certificate = value,
            "sizes" => plan.sizes = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "time" => plan.time = Duration::from_millis(value.parse()?),
            "members" => plan.members = value.parse()?,
            "only" => plan.only = value,
            _ => return Err(format!("unknown option --{name}").into()),
        }
    }
    Ok(plan)
}

/// Echoes on one connection until told to stop.
struct Echo {
    peer: Peer,
    trips: Histogram<u64>,
}

impl Echo {
    fn run(&mut self, until: &dyn Fn() -> bool) -> io::Result<()> {
        let ping = self.peer.frame(0x82, &[b'e'; 64]);
        while !until() {
            let begun = Instant::now();
            self.peer.write(&ping)?;
            self.peer.read()?;
            self.trips.saturating_record(begun.elapsed().as_nanos() as u64);
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// p99.9 and the worst in milliseconds, for the trips since the last time.
    fn tell(&mut self) -> String {
        let ms = |nanos: u64| nanos as f64 / 1e6;
        let text =
            format!("p99.9 {:7.2} ms, worst {:7.2} ms", ms(self.trips.value_at_quantile(0.999)), ms(self.trips.max()));
        self.trips.reset();
        text
    }
}

/// What a peer with large messages does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// Ours receives them.
    In,
    /// Ours sends them.
    Out,
}

/// Bytes of either kind, as the program makes them.
fn payload(kind: char, size: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    if kind == 'n' {
        return std::iter::repeat_with(|| next() as u8).take(size).collect();
    }
    let mut text = String::new();
    while text.len() < size {
        let number = next() as u16;
        text += &format!("{{\"id\":{},\"name\":\"item {number}\",\"price\":{}.50}},", text.len(), number % 997);
    }
    text.truncate(size);
    text.into_bytes()
}

/// The payload of a compressed message (RFC 7692 section 7.2.1).
fn packed(data: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    flate2::bufread::DeflateEncoder::new(data, flate2::Compression::fast()).read_to_end(&mut out)?;
    // A final block serves as well; the byte behind it is the empty one of section 7.2.3.4.
    out.push(0);
    Ok(out)
}

/// Sends or takes messages until `stop`; counts them.
fn burden(mut peer: Peer, way: Way, kind: char, size: usize, stop: &AtomicBool, count: &AtomicU64) -> io::Result<()> {
    let order = match way {
        Way::Out => peer.frame(0x81, format!("g {size} {kind}").as_bytes()),
        Way::In => {
            let data = payload(kind, size);
            match (kind, peer.compressed) {
                ('t', true) => peer.frame(0xc1, &packed(&data)?),
                ('t', false) => peer.frame(0x81, &data),
                _ => peer.frame(0x82, &data),
            }
        }
    };
    while !stop.load(SeqCst) {
        peer.write(&order)?;
        peer.read()?;
        count.fetch_add(1, SeqCst);
    }
    Ok(())
}

/// The program, and the means to connect to it, or to be connected to.
struct Setting<'a> {
    plan: &'a Plan,
    program: &'a str,
    how: &'static str,
    tls: bool,
}

impl Setting<'_> {
    /// The program with as many connections as `offers`, each with compression or without.
    fn start(&self, is_server: bool, count: usize) -> Result<(Server, Vec<Peer>), Box<dyn Error>> {
        let word = |text: &str| text.to_owned();
        let mut command = vec![word(self.program), word(if is_server { "server" } else { "client" }), word(self.how)];
        if is_server {
            command.extend(self.tls.then(|| self.plan.certificate.clone()));
            let server = Server::start(&command)?;
            let connector: Option<SslConnector> = if self.tls { Some(compare::trusting()?) } else { None };
            let peer = |at: usize| Peer::connect(server.address, connector.as_ref(), at > 0);
            let peers = (0..count).map(peer).collect::<io::Result<_>>()?;
            return Ok((server, peers));
        }
        let acceptor = match self.tls {
            true => {
                let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
                acceptor.set_private_key_file(&self.plan.certificate, SslFiletype::PEM)?;
                acceptor.set_certificate_chain_file(&self.plan.certificate)?;
                Some(acceptor.build())
            }
            false => None,
        };
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let scheme = if self.tls { "wss" } else { "ws" };
        command.push(format!("{scheme}://{}/", listener.local_addr()?));
        let client = Server::start_client_with(&command, &[count.to_string()], listener.local_addr()?)?;
        let peers = (0..count).map(|_| Peer::accept(&listener, acceptor.as_ref())).collect::<io::Result<_>>()?;
        Ok((client, peers))
    }

    fn name(&self, is_server: bool) -> String {
        let (tls, side) = (if self.tls { "TLS" } else { "plain" }, if is_server { "server" } else { "client" });
        format!("{side:6} {:7} {tls:5}", self.how)
    }

    fn large(&self, is_server: bool) -> Result<(), Box<dyn Error>> {
        let cases = [(Way::In, 't'), (Way::In, 'n'), (Way::Out, 't'), (Way::Out, 'n')];
        for (way, kind) in cases {
            for size in &self.plan.sizes {
                let direction = if way == Way::In { "takes" } else { "sends" };
                let content = if kind == 't' { "text" } else { "noise" };
                let name = format!("{} {direction} {size:2} MiB of {content:5}", self.name(is_server));
                if !name.contains(&self.plan.only) {
                    continue;
                }
                let (program, mut peers) = self.start(is_server, 2)?;
                let big = peers.pop().ok_or("no peer")?;
                let echo = peers.pop().ok_or("no peer")?;
                let mut echo = Echo { peer: echo, trips: Histogram::new_with_bounds(1, 3_600_000_000_000, 3)? };
                self.case(&name, &mut echo, move |stop, count| burden(big, way, kind, size * MIB, stop, count))?;
                drop(program);
            }
        }
        Ok(())
    }

    fn broadcast(&self, compressed: bool) -> Result<(), Box<dyn Error>> {
        let content = if compressed { "compressed" } else { "as it is" };
        let name = format!("{} broadcast to {} {content}", self.name(true), self.plan.members);
        if !name.contains(&self.plan.only) {
            return Ok(());
        }
        let (program, mut peers) = self.start(true, 2)?;
        let mut host = peers.pop().ok_or("no peer")?;
        let echo = peers.pop().ok_or("no peer")?;
        let mut echo = Echo { peer: echo, trips: Histogram::new_with_bounds(1, 3_600_000_000_000, 3)? };
        let mut crowd = Crowd::connect(program.address, self.plan.members, compressed)?;
        self.case(&name, &mut echo, move |stop, count| {
            let (stop, order) = (stop.clone(), host.frame(0x81, format!("b {BROADCAST} t").as_bytes()));
            while !stop.load(SeqCst) {
                host.write(&order)?;
                count.fetch_add(crowd.take_one(&stop)? as u64, SeqCst);
                host.read()?;
            }
            Ok(())
        })
    }

    /// The echo alone, and beside what `load` does; `load` counts its messages.
    fn case(
        &self,
        name: &str,
        echo: &mut Echo,
        load: impl FnOnce(&Arc<AtomicBool>, &AtomicU64) -> io::Result<()> + Send,
    ) -> Result<(), Box<dyn Error>> {
        let (stop, over, count) = (Arc::new(AtomicBool::new(false)), AtomicBool::new(false), AtomicU64::new(0));
        let begun = Instant::now();
        echo.run(&|| begun.elapsed() >= self.plan.time / 4)?;
        let idle = echo.tell();
        let outcome = std::thread::scope(|scope| {
            let large = scope.spawn(|| {
                let outcome = load(&stop, &count);
                over.store(true, SeqCst);
                outcome
            });
            let begun = Instant::now();
            let until = || {
                if begun.elapsed() >= self.plan.time {
                    stop.store(true, SeqCst);
                }
                over.load(SeqCst)
            };
            let outcome = echo.run(&until);
            let large = large.join().unwrap_or_else(|_| Err(io::Error::other("the load has panicked")));
            outcome.and(large).map(|()| begun.elapsed())
        })?;
        let rate = count.load(SeqCst) as f64 / outcome.as_secs_f64();
        println!("{name}: {} (idle {idle}); {rate:.1} large messages a second", echo.tell());
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let plan = plan()?;
    compare::raise_limit()?;
    for tls in [false, true] {
        for how in ["handler", "receive"] {
            for (name, program) in &plan.programs {
                println!("{name}:");
                let setting = Setting { plan: &plan, program, how, tls };
                setting.large(true)?;
                setting.large(false)?;
                if !tls {
                    setting.broadcast(false)?;
                    setting.broadcast(true)?;
                }
            }
        }
    }
    Ok(())
}
