//! Who runs the loop, and who never may.

use super::host::Task;
use super::*;
use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

const MESSAGES: usize = 500;

/// What the host's thread and the library's have taken of the processors meanwhile.
fn costs(host: Task, talk: impl FnOnce()) -> (Duration, Duration) {
    let io = Task::of_io();
    let before = (host.cpu(), io.cpu());
    talk();
    (host.cpu() - before.0, io.cpu() - before.1)
}

#[test]
fn a_dense_host_runs_the_loop_itself() {
    let mut led = Led::new(|_| {});
    led.lead_in();
    until("the I/O thread has next to nothing to do", || {
        let (host, io) = costs(led.host.task, || led.peer.patter(MESSAGES, Duration::from_micros(50)));
        io * 4 < host
    });
    led.lead_in();
}

#[test]
fn a_host_that_comes_now_and_then_does_not() {
    let mut led = Led::new(|_| {});
    for _ in 0..15 {
        led.peer.talk(1);
        std::thread::sleep(Duration::from_millis(3));
        assert!(!led.host.leads());
    }
}

#[test]
fn a_host_that_shares_the_threads_does_not() {
    let mut led = Led::new(|server| {
        server.io_threads(2);
    });
    for _ in 0..5 {
        led.peer.talk(100);
        assert!(!led.host.leads());
    }
}

#[test]
fn a_second_object_ends_it_and_works() {
    let mut led = Led::new(|_| {});
    led.lead_in();
    let other = Arc::new(Server::running());
    let host = Host::start(&other);
    let mut peer = Peer::new(&other);
    host.expect(WSADDIN_EVENT_OPEN);
    for _ in 0..5 {
        peer.talk(50);
        led.peer.talk(50);
        assert!(!host.leads() && !led.host.leads());
    }
    other.free().unwrap();
    assert_eq!(code(host.end()), WSADDIN_CANCELLED);
    // And it begins again.
    led.lead_in();
}

#[test]
fn a_client_beside_it_works() {
    let mut led = Led::new(|_| {});
    led.lead_in();
    let client = Client::new();
    client.connect(&led.server.url()).unwrap();
    led.host.expect(WSADDIN_EVENT_OPEN);
    client.expect(WSADDIN_EVENT_OPEN);
    for number in 0..200 {
        let text = number.to_string();
        client.send(&text).unwrap();
        assert_eq!(client.expect(WSADDIN_EVENT_MESSAGE).text(), text);
    }
    led.peer.talk(100);
    client.free().unwrap();
    led.host.expect(WSADDIN_EVENT_CLOSE);
    led.lead_in();
}

/// A handler's calls, and how many of them were not on the library's thread.
#[derive(Default)]
pub struct Calls {
    pub all: AtomicUsize,
    pub astray: AtomicUsize,
    pub messages: AtomicUsize,
}

impl Calls {
    pub fn set(&self, server: &Server) {
        let user_data = std::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: the place outlives the handler, which the test takes away, or its server.
        check(unsafe { wsaddin_server_set_handler(server.0, Some(on_event), user_data) }).unwrap();
    }

    pub fn take_away(server: &Server) {
        // SAFETY: no handler.
        check(unsafe { wsaddin_server_set_handler(server.0, None, std::ptr::null_mut()) }).unwrap();
    }
}

extern "C" fn on_event(_message: *const wsaddin_message, user_data: *mut c_void) {
    // SAFETY: what `Calls::set` was given.
    let calls = unsafe { &*user_data.cast::<Calls>() };
    calls.all.fetch_add(1, SeqCst);
    let name = std::fs::read_to_string("/proc/thread-self/comm").unwrap();
    calls.astray.fetch_add(usize::from(name.trim() != "websocket-io0"), SeqCst);
    // SAFETY: the message of this call.
    let is_message = unsafe { wsaddin_message_event(_message) } == WSADDIN_EVENT_MESSAGE;
    calls.messages.fetch_add(usize::from(is_message), SeqCst);
}

#[test]
fn tls_stays_on_the_thread() {
    use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
    use std::io::Read;
    let _alone = alone();
    let folder = std::env::temp_dir().join(format!("leading-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| folder.join(name).to_str().unwrap().to_owned());
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", &key, "-out", &certificate])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let server = Arc::new(Server::new());
    let (here, none) = ("127.0.0.1", std::ptr::null());
    // SAFETY: the slices are readable for the call.
    let result = unsafe {
        let (certificate, key) = (certificate.as_bytes(), key.as_bytes());
        let (chain, secret) = (certificate.as_ptr().cast(), key.as_ptr().cast());
        let (sizes, at) = ((certificate.len(), key.len()), here.as_ptr().cast());
        wsaddin_server_run_tls(server.0, at, here.len(), 0, chain, sizes.0, secret, sizes.1, none, 0)
    };
    check(result).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let host = Host::start(&server);
    let mut connector = SslConnector::builder(SslMethod::tls()).unwrap();
    connector.set_verify(SslVerifyMode::NONE);
    let plain = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    patient(&plain);
    let mut stream = connector.build().configure().unwrap().verify_hostname(false).connect("localhost", plain).unwrap();
    stream.write_all(request(server.port(), "").as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    host.expect(WSADDIN_EVENT_OPEN);
    for _ in 0..5 {
        for _ in 0..100 {
            stream.write_all(&frame(FIN | TEXT, true, b"secret")).unwrap();
            let mut answer = [0; 8];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(answer, *b"\x81\x06secret");
        }
        assert!(!host.leads());
    }
    server.free().unwrap();
    assert_eq!(code(host.end()), WSADDIN_CANCELLED);
}
