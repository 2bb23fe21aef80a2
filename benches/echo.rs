//! Echo through the C interface beside a plain TCP echo, in one run: messages per second and round trips.
//!
//! `cargo bench --bench echo` (with `-- quick` for a look). Each server is a process of its own, so that client and
//! server do not share an I/O thread. "handler" answers on the I/O thread, "receive" on a thread of the host, which is
//! what a script does. The plain TCP echo sends the same sizes without any framing: its numbers are what this machine
//! gives at best, and the ratio is what can be compared between machines.

use std::ffi::c_void;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::ptr::{null, null_mut};
use std::time::{Duration, Instant};
use websocket_addin::capi::*;

const SERVERS: [&str; 3] = ["tcp", "handler", "receive"];
/// Size, messages in flight while throughput is measured.
const SIZES: [(usize, usize); 2] = [(64, 256), (64 * 1024, 16)];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("serve") => serve(&arguments[1]),
        _ => measure(if arguments.iter().any(|argument| argument == "quick") { 200 } else { 3000 }),
    }
}

fn measure(milliseconds: u64) {
    let time = Duration::from_millis(milliseconds);
    println!(
        "{:>9} {:>8} {:>12} {:>7} {:>9} {:>9} {:>9} {:>7}",
        "bytes", "echo", "messages/s", "of tcp", "p50 µs", "p99 µs", "p99.9 µs", "of tcp"
    );
    for (size, window) in SIZES {
        let mut baseline = None;
        for kind in SERVERS {
            let server = Server::start(kind);
            let mut client = Peer::connect(kind, server.port, size);
            client.throughput(window, time / 10);
            let rate = client.throughput(window, time);
            let trips = client.round_trips(time);
            let at = |share: f64| trips[((trips.len() - 1) as f64 * share) as usize].as_nanos() as f64 / 1000.0;
            let (rate_at_best, trip_at_best) = *baseline.get_or_insert((rate, at(0.5)));
            println!(
                "{size:>9} {kind:>8} {rate:>12.0} {:>7.2} {:>9.1} {:>9.1} {:>9.1} {:>7.2}",
                rate / rate_at_best,
                at(0.5),
                at(0.99),
                at(0.999),
                at(0.5) / trip_at_best
            );
        }
    }
}

/// The client's end of either echo.
enum Peer {
    Tcp { stream: TcpStream, data: Vec<u8>, answer: Vec<u8> },
    WebSocket { client: wsaddin_client, data: Vec<u8> },
}

impl Peer {
    fn connect(kind: &str, port: u16, size: usize) -> Self {
        let data: Vec<u8> = (0..size).map(|at| at as u8).collect();
        if kind == "tcp" {
            let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.set_nodelay(true).unwrap();
            return Peer::Tcp { stream, answer: data.clone(), data };
        }
        let mut client = wsaddin_client { id: 0 };
        let url = format!("ws://127.0.0.1:{port}/");
        // SAFETY: a place for the handle, and a text of the size given.
        unsafe {
            ok(wsaddin_client_new(&mut client));
            ok(wsaddin_client_connect(client, url.as_ptr().cast(), url.len()));
        }
        Peer::WebSocket { client, data }
    }

    fn send(&mut self) {
        match self {
            Peer::Tcp { stream, data, .. } => stream.write_all(data).unwrap(),
            // SAFETY: data of the size given.
            Peer::WebSocket { client, data } => unsafe {
                ok(wsaddin_client_send_binary(*client, data.as_ptr().cast(), data.len()));
            },
        }
    }

    fn receive(&mut self) {
        match self {
            Peer::Tcp { stream, answer, .. } => stream.read_exact(answer).unwrap(),
            Peer::WebSocket { client, data } => {
                let mut message = null_mut();
                // SAFETY: a place for the message, which is freed once.
                unsafe {
                    ok(wsaddin_client_receive(*client, WSADDIN_WAIT_FOREVER, &mut message));
                    assert_eq!(wsaddin_message_size(message), data.len());
                    wsaddin_message_free(message);
                }
            }
        }
    }

    /// Messages per second with `window` of them under way.
    fn throughput(&mut self, window: usize, time: Duration) -> f64 {
        let begin = Instant::now();
        let (mut sent, mut received) = (0, 0);
        while begin.elapsed() < time {
            while sent - received < window {
                self.send();
                sent += 1;
            }
            self.receive();
            received += 1;
        }
        let rate = received as f64 / begin.elapsed().as_secs_f64();
        (received..sent).for_each(|_| self.receive());
        rate
    }

    /// Sorted.
    fn round_trips(&mut self, time: Duration) -> Vec<Duration> {
        let begin = Instant::now();
        let mut trips = Vec::new();
        while begin.elapsed() < time {
            let sent = Instant::now();
            self.send();
            self.receive();
            trips.push(sent.elapsed());
        }
        trips.sort();
        trips
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Peer::WebSocket { client, .. } = self {
            ok(wsaddin_client_free(*client));
        }
    }
}

/// A server in a process of its own.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(kind: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut process = command.args(["serve", kind]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, port: line.trim().parse().unwrap() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of its input is its end.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn serve(kind: &str) {
    if kind == "tcp" {
        serve_tcp()
    } else {
        serve_websocket(kind == "handler")
    }
    // Until the one who started us has enough.
    let _ = std::io::stdin().read(&mut [0]);
}

fn serve_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        let mut buffer = vec![0; 256 * 1024];
        while let Ok(size @ 1..) = stream.read(&mut buffer) {
            stream.write_all(&buffer[..size]).unwrap();
        }
    });
}

fn serve_websocket(handler: bool) {
    let mut server = wsaddin_server { id: 0 };
    let mut port = 0;
    let interface = "127.0.0.1";
    // SAFETY: places for the outputs, a text of the size given; the handler's pointer is the handle itself, a number.
    unsafe {
        ok(wsaddin_server_new(&mut server));
        ok(wsaddin_server_run(server, interface.as_ptr().cast(), interface.len(), 0));
        ok(wsaddin_server_get_port(server, &mut port));
        if handler {
            ok(wsaddin_server_set_handler(server, Some(on_event), server.id as *mut c_void));
        }
    }
    println!("{port}");
    if !handler {
        std::thread::spawn(move || {
            let mut message = null_mut();
            // SAFETY: a place for the message, which is freed once.
            while unsafe { wsaddin_server_receive(server, WSADDIN_WAIT_FOREVER, &mut message) } == WSADDIN_OK {
                // SAFETY: a message that was just received.
                unsafe {
                    answer(server, message);
                    wsaddin_message_free(message);
                }
            }
        });
    }
}

unsafe extern "C" fn on_event(message: *const wsaddin_message, user_data: *mut c_void) {
    // SAFETY: the message is good until we return.
    unsafe {
        if wsaddin_message_event(message) == WSADDIN_EVENT_MESSAGE {
            answer(wsaddin_server { id: user_data as u64 }, message);
        }
    }
}

/// # Safety
/// `message` has not been freed.
unsafe fn answer(server: wsaddin_server, message: *const wsaddin_message) {
    // SAFETY: the same promise.
    let (connection, data, size) =
        unsafe { (wsaddin_message_connection(message), wsaddin_message_data(message), wsaddin_message_size(message)) };
    assert_ne!(data, null());
    // SAFETY: the message's data, of its size.
    ok(unsafe { wsaddin_server_send_binary(server, connection, data.cast(), size) });
}

#[track_caller]
fn ok(result: wsaddin_result) {
    // SAFETY: NUL-terminated, and this thread makes no call meanwhile.
    let text = || unsafe { std::ffi::CStr::from_ptr(wsaddin_error_description()) };
    assert_eq!(result, WSADDIN_OK, "{:?}", text());
}
