//! A relay between a client and a server that does harm at a chosen byte of a conversation, and small proxies.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    ToServer,
    ToClient,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// Everything passes.
    None,
    /// Both sides are closed.
    Cut,
    /// The receiver's side is closed for writing; the other direction goes on.
    HalfClose,
    /// Both sides are reset.
    Reset,
    /// Nothing passes for a moment.
    Delay,
    /// From there on each byte is a packet of its own.
    Trickle,
}

/// The harm is done once `at` bytes have passed in a direction.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub direction: Direction,
    pub at: usize,
    pub harm: Harm,
}

pub const HARMLESS: Plan = Plan { direction: Direction::ToServer, at: usize::MAX, harm: Harm::None };

#[derive(Default)]
struct State {
    plan: Option<Plan>,
    is_done: bool,
    /// What has passed, by direction.
    passed: [Vec<u8>; 2],
    /// Pumps that run.
    running: usize,
}

pub struct Relay {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    over: Arc<std::sync::atomic::AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Relay {
    pub fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (state, over) = (Arc::<Mutex<State>>::default(), Arc::<std::sync::atomic::AtomicBool>::default());
        let (shared, ends) = (state.clone(), over.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(client) = stream else { return };
                if ends.load(std::sync::atomic::Ordering::SeqCst) {
                    return;
                }
                let Ok(server) = TcpStream::connect(target) else { continue };
                let plan = shared.lock().unwrap().plan.unwrap_or(HARMLESS);
                for direction in [Direction::ToServer, Direction::ToClient] {
                    let [from, to] = match direction {
                        Direction::ToServer => [&client, &server],
                        Direction::ToClient => [&server, &client],
                    };
                    let _ = to.set_nodelay(true);
                    let (from, to, shared) = (from.try_clone().unwrap(), to.try_clone().unwrap(), shared.clone());
                    shared.lock().unwrap().running += 1;
                    std::thread::spawn(move || {
                        pump(from, to, direction, plan, &shared);
                        shared.lock().unwrap().running -= 1;
                    });
                }
            }
        });
        Self { address, state, over, thread: Some(thread) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// For the connections that come from now on.
    pub fn plan(&self, plan: Plan) {
        let mut state = self.state.lock().unwrap();
        (state.plan, state.is_done, state.passed) = (Some(plan), false, Default::default());
    }

    pub fn is_done(&self) -> bool {
        self.state.lock().unwrap().is_done
    }

    pub fn passed(&self, direction: Direction) -> Vec<u8> {
        self.state.lock().unwrap().passed[direction as usize].clone()
    }

    pub fn is_idle(&self) -> bool {
        self.state.lock().unwrap().running == 0
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, std::sync::atomic::Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        self.thread.take().map(std::thread::JoinHandle::join);
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, direction: Direction, plan: Plan, state: &Mutex<State>) {
    let mut buffer = [0; 16 * 1024];
    let (mut passed, mut is_done) = (0, plan.direction != direction || plan.harm == Harm::None);
    let mut trickles = false;
    loop {
        // Not one byte more than passes.
        if !is_done && passed == plan.at {
            is_done = true;
            state.lock().unwrap().is_done = true;
            match plan.harm {
                Harm::None => {}
                Harm::Delay => std::thread::sleep(Duration::from_millis(20)),
                Harm::Trickle => trickles = true,
                Harm::Cut => {
                    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
                    return;
                }
                Harm::Reset => return [&from, &to].into_iter().for_each(reset),
                Harm::HalfClose => {
                    let _ = to.shutdown(Shutdown::Write);
                    // What comes is swallowed until the sender has had enough.
                    while matches!(from.read(&mut buffer), Ok(1..)) {}
                    return;
                }
            }
        }
        let most = if is_done { buffer.len() } else { (plan.at - passed).min(buffer.len()) };
        let Ok(count @ 1..) = from.read(&mut buffer[..most]) else { break };
        passed += count;
        state.lock().unwrap().passed[direction as usize].extend_from_slice(&buffer[..count]);
        let size = if trickles { 1 } else { count };
        for piece in buffer[..count].chunks(size) {
            if to.write_all(piece).is_err() {
                // The sender is told, as a router without a receiver tells it.
                let _ = from.shutdown(Shutdown::Both);
                return;
            }
            if trickles {
                std::thread::yield_now();
            }
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Resets a connection whatever descriptors it has.
fn reset(stream: &TcpStream) {
    let nobody = libc::sockaddr { sa_family: libc::AF_UNSPEC as libc::sa_family_t, sa_data: [0; 14] };
    let size = size_of_val(&nobody) as libc::socklen_t;
    // SAFETY: an open socket, and an address of that size.
    unsafe { libc::connect(stream.as_raw_fd(), &raw const nobody, size) };
}

/// A proxy that speaks one of two languages and leads to wherever it is told.
pub struct Proxy {
    relay: Relay,
    scheme: &'static str,
}

impl Proxy {
    pub fn new(scheme: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Relay::to(listener.local_addr().unwrap());
        // It goes with the process: its only guest is the relay.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                std::thread::spawn(move || guide(stream, scheme));
            }
        });
        Self { relay, scheme }
    }

    /// What harms the client's connection to it.
    pub fn relay(&self) -> &Relay {
        &self.relay
    }

    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.relay.address())
    }
}

/// The rest of a thread that guides one connection.
fn guide(mut client: TcpStream, scheme: &str) -> Option<()> {
    let server = if scheme == "http" {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            client.read_exact(&mut byte).ok()?;
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).ok()?;
        let target: SocketAddr = head.strip_prefix("CONNECT ")?.split(' ').next()?.parse().ok()?;
        let server = TcpStream::connect(target).ok()?;
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").ok()?;
        server
    } else {
        let mut hello = [0; 2];
        client.read_exact(&mut hello).ok()?;
        client.read_exact(&mut vec![0; usize::from(hello[1])]).ok()?;
        client.write_all(&[5, 0]).ok()?;
        // CONNECT to an IPv4 address.
        let mut request = [0; 10];
        client.read_exact(&mut request).ok()?;
        let [5, 1, 0, 1, a, b, c, d, high, low] = request else { return None };
        let server = TcpStream::connect(SocketAddr::from(([a, b, c, d], u16::from_be_bytes([high, low])))).ok()?;
        client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).ok()?;
        server
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let state = Mutex::default();
    std::thread::scope(|scope| {
        let [from, to] = [server.try_clone().ok()?, client.try_clone().ok()?];
        scope.spawn(|| pump(from, to, Direction::ToClient, HARMLESS, &state));
        pump(client, server, Direction::ToServer, HARMLESS, &state);
        Some(())
    })
}
