//! A server behind reverse proxies that other people wrote, with the configurations of the documents as they stand there,
//! and what it makes of heads and headers that anybody can write.

mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/raw.rs"]
mod raw;
#[path = "common/tls.rs"]
mod tls;

use common::Scratch;
use face::{Client, Got, SOON, Server, set_log, until};
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tls::Authority;
use websocket_addin::capi::*;

/// A proxy of the documents that can be started again on its port.
struct Front {
    kind: &'static str,
    port: u16,
    scratch: Scratch,
    child: Option<Child>,
}

impl Front {
    /// The part of the page for this proxy, in front of `server`, which may listen on a Unix socket, with these changes.
    fn new(kind: &'static str, server: &Server, authority: &Authority, changes: &[(&str, &str)]) -> Option<Self> {
        let program = Self::program(kind);
        if !Path::new(program).exists() {
            let must = std::env::var_os("WSADDIN_NO_SKIP").is_some_and(|value| value == "1");
            assert!(!must, "{program} is missing");
            eprintln!("SKIPPED: {program} is missing");
            return None;
        }
        let pages = ["docs/en/reverse-proxies.md", "docs/ru/reverse-proxies.md"].map(|name| {
            let page = std::fs::read_to_string(common::root().join(name)).unwrap();
            let (_, rest) = page.split_once(&format!("```{kind}\n")).expect("the page has a configuration");
            rest.split_once("```").unwrap().0.to_owned()
        });
        assert_eq!(pages[0], pages[1]);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // In this order: the server's own port may have a 443 in it.
        let mut part = pages[0].replace("443", &port.to_string());
        let place = server.server();
        if let Some(socket) = place.strip_prefix("unix:") {
            part = Self::over_socket(kind, &part).replace("/run/app.sock", socket);
        }
        part = part.replace("127.0.0.1:9000", &format!("127.0.0.1:{}", server.port()));
        part = part.replace("/etc/ssl/site.pem", &authority.path("server.pem"));
        part = part.replace("/etc/ssl/site.key", &authority.path("server.key"));
        for (from, to) in changes {
            assert!(part.contains(from), "{from} in {part}");
            part = part.replace(from, to);
        }
        let scratch = Scratch::new(&format!("{kind}-{port}"));
        let folder = scratch.path().display().to_string();
        let whole = match kind {
            "nginx" => format!(
                "events {{}}\nhttp {{\naccess_log off;\nclient_body_temp_path body;\nproxy_temp_path proxy;\n\
                 fastcgi_temp_path fastcgi;\nuwsgi_temp_path uwsgi;\nscgi_temp_path scgi;\n{part}}}\n"
            ),
            "haproxy" => format!(
                "defaults\n    mode http\n    timeout connect 20s\n    timeout client 20s\n    timeout server 20s\n{part}"
            ),
            "apache" => {
                let modules = ["mpm_event", "authz_core", "proxy", "proxy_http", "proxy_wstunnel"];
                let load = |name: &str| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n");
                format!(
                    "{}ServerName localhost\nListen 127.0.0.1:{port}\nPidFile {folder}/pid\nDefaultRuntimeDir {folder}\n\
                     ErrorLog {folder}/errors\n{part}",
                    modules.map(load).concat()
                )
            }
            _ => format!("{{\nadmin off\nauto_https off\n}}\n{part}"),
        };
        std::fs::write(scratch.path().join("config"), whole).unwrap();
        let mut front = Self { kind, port, scratch, child: None };
        front.start();
        Some(front)
    }

    /// With the line that the page gives for a Unix socket in the place of the one for a port.
    fn over_socket(kind: &str, part: &str) -> String {
        let lines = ["docs/en/reverse-proxies.md", "docs/ru/reverse-proxies.md"].map(|name| {
            let page = std::fs::read_to_string(common::root().join(name)).unwrap();
            let (_, rest) = page.split_once(&format!("```{kind}\n")).unwrap();
            let (_, rest) = rest.split_once("](unix-sockets.md): `").expect("a line for a Unix socket");
            rest.split_once('`').unwrap().0.to_owned()
        });
        assert_eq!(lines[0], lines[1]);
        let before = part.lines().find(|line| line.contains("127.0.0.1:9000")).unwrap().trim();
        // It is the line of the same directive.
        assert_eq!(before.split(' ').next(), lines[0].split(' ').next());
        part.replace(before, &lines[0])
    }

    fn program(kind: &str) -> &'static str {
        match kind {
            "nginx" => "/usr/sbin/nginx",
            "haproxy" => "/usr/sbin/haproxy",
            "apache" => "/usr/sbin/apache2",
            _ => "/usr/bin/caddy",
        }
    }

    fn start(&mut self) {
        let folder = self.scratch.path();
        let file = folder.join("config").display().to_string();
        let mut command = Command::new(Self::program(self.kind));
        match self.kind {
            "nginx" => {
                let main = format!("daemon off; master_process off; pid {}/pid; error_log stderr;", folder.display());
                command.arg("-p").arg(folder).args(["-c", &file, "-e", "stderr", "-g", &main])
            }
            "haproxy" => command.args(["-db", "-f", &file]),
            "apache" => command.args(["-d", &folder.display().to_string(), "-f", &file, "-DFOREGROUND"]),
            _ => command.args(["run", "--adapter", "caddyfile", "--config", &file]).env("HOME", folder),
        };
        let log = File::create(folder.join("log")).unwrap();
        command.process_group(0).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut child = command.spawn().unwrap();
        until("the proxy listens", || {
            assert!(child.try_wait().unwrap().is_none(), "{}", std::fs::read_to_string(folder.join("log")).unwrap());
            TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        });
        self.child = Some(child);
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).status();
            let _ = child.wait();
        }
    }

    fn is_secure(&self) -> bool {
        self.kind == "nginx"
    }

    fn url(&self) -> String {
        format!("{}://localhost:{}/path", if self.is_secure() { "wss" } else { "ws" }, self.port)
    }

    fn client(&self, authority: &Authority) -> Client {
        let client = authority.client();
        client.connect(&self.url()).unwrap();
        client
    }

    /// The status of a handshake from that address of this machine, and the connection.
    fn ask(&self, from: &str, more: &str) -> (u16, Box<dyn Read>) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&format!("{from}:0").parse::<SocketAddr>().unwrap().into()).unwrap();
        socket.connect(&SocketAddr::from(([127, 0, 0, 1], self.port)).into()).unwrap();
        let stream = TcpStream::from(socket);
        raw::patient(&stream);
        let request = raw::request(self.port, more);
        if !self.is_secure() {
            return Self::talk(stream, &request);
        }
        Self::talk(tls::unchecked().configure().unwrap().connect("localhost", stream).unwrap(), &request)
    }

    fn talk(mut stream: impl Read + Write + 'static, request: &str) -> (u16, Box<dyn Read>) {
        stream.write_all(request.as_bytes()).unwrap();
        let head = raw::read_head(&mut stream);
        (head.split(' ').nth(1).unwrap_or_else(|| panic!("{head:?}")).parse().unwrap(), Box::new(stream))
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What is known of the next connection that opens.
fn newcomer(server: &Server) -> (u64, Value) {
    loop {
        let event = server.event();
        if event.event == WSADDIN_EVENT_OPEN {
            return (event.connection, event.json());
        }
    }
}

fn ip(info: &Value) -> &str {
    let address = info["address"].as_str().unwrap();
    address.split_once(':').map_or(address, |(ip, _)| ip)
}

fn believing() -> Server {
    let server = Server::running();
    server.set_trusted_proxies("127.0.0.1").unwrap();
    server
}

fn passes(kind: &'static str, changes: &[(&str, &str)]) {
    passes_to(&believing(), "127.0.0.1:", kind, changes);
}

/// The same over a Unix socket.
fn passes_over_socket(kind: &'static str, changes: &[(&str, &str)]) {
    let scratch = Scratch::new(&format!("socket-{kind}-{}", changes.len()));
    let server = Server::new();
    server.set_trusted_proxies("unix").unwrap();
    server.run(&format!("unix:{}", scratch.path().join("app.sock").display()), 0).unwrap();
    passes_to(&server, "unix", kind, changes);
}

/// Who comes, which rules hold for whom, and how it ends: the same whichever proxy is in front, which the server knows by
/// this address.
fn passes_to(server: &Server, proxy: &str, kind: &'static str, changes: &[(&str, &str)]) {
    let authority = Authority::with_server(&format!("behind-{kind}-{proxy}"));
    let Some(front) = Front::new(kind, server, &authority, changes) else { return };
    // Whatever the client itself says does not count.
    let (status, kept) = front.ask("127.0.0.2", "X-Forwarded-For: 6.6.6.6\r\n");
    assert_eq!(status, 101);
    let (_, info) = newcomer(server);
    assert_eq!((ip(&info), &info["secure"]), ("127.0.0.2", &front.is_secure().into()), "{info}");
    assert!(info["proxy"].as_str().unwrap().starts_with(proxy), "{info}");
    assert!(server.connections().contains(": 127.0.0.2"), "{}", server.connections());
    // Per address, and not per proxy.
    server.max_connections_per_address(1);
    assert_eq!(front.ask("127.0.0.2", "").0, 503);
    let (status, other) = front.ask("127.0.0.3", "");
    assert_eq!((status, ip(&newcomer(server).1)), (101, "127.0.0.3"));
    server.max_connections_per_address(0);
    drop((kept, other));
    server.set_allowed_origins("https://good.example").unwrap();
    assert_eq!(front.ask("127.0.0.2", "Origin: https://bad.example\r\n").0, 403);
    let (status, kept) = front.ask("127.0.0.2", "Origin: https://good.example\r\n");
    assert_eq!(status, 101);
    server.set_allowed_origins("").unwrap();
    newcomer(server);
    drop(kept);

    // Messages and close codes, both ways.
    let client = front.client(&authority);
    let (id, info) = newcomer(server);
    assert_eq!(info["path"], "/path");
    client.send("there").unwrap();
    while !matches!(server.receive(SOON).unwrap(), Got::Event(event) if event.text() == "there") {}
    assert!(server.send(id, &"back".repeat(50_000)).unwrap());
    assert_eq!(client.receive(SOON).unwrap().event().data.len(), 200_000);
    assert!(server.disconnect(id, 4000, "enough").unwrap());
    until("the code comes through", || (client.close_code(), client.close_reason().as_str()) == (4000, "enough"));
    client.connect(&front.url()).unwrap();
    let (id, _) = newcomer(server);
    client.disconnect(4001, "done").unwrap();
    loop {
        let event = server.event();
        if event.connection == id {
            break assert_eq!((event.close().0, event.close().1.as_str()), (4001, "done"));
        }
    }
}

/// A silent connection lives because of the server's pings, and would end without them; a proxy that is started again is
/// found again.
fn lives(kind: &'static str, limit: (&str, &str), ends: bool) {
    let authority = Authority::with_server(&format!("lives-{kind}"));
    let server = believing();
    server.ping_interval(200);
    let Some(mut front) = Front::new(kind, &server, &authority, &[limit]) else { return };
    let client = authority.client();
    client.ping_interval(0).reconnect_interval(100);
    client.connect(&front.url()).unwrap();
    let (id, _) = newcomer(&server);
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(6) {
        assert_eq!(server.receive_event(100).unwrap(), Got::Timeout, "it ended after {:?}", since.elapsed());
    }
    front.stop();
    assert_eq!(server.event().connection, id);
    front.start();
    newcomer(&server);
    if !ends {
        return;
    }
    // Without pings the proxy ends it.
    server.ping_interval(0);
    let since = Instant::now();
    while server.event().event != WSADDIN_EVENT_CLOSE {}
    assert!(since.elapsed() > Duration::from_secs(3), "{:?}", since.elapsed());
}

#[test]
fn nginx_ends_tls() {
    let scratch = Scratch::new("behind-log");
    let log = scratch.path().join("log").display().to_string();
    set_log(&log, WSADDIN_LOG_INFO).unwrap();
    passes("nginx", &[]);
    set_log("", WSADDIN_LOG_INFO).unwrap();
    let lines = std::fs::read_to_string(log).unwrap();
    assert!(lines.contains(" open: 127.0.0.2, TLS"), "{lines}");
}

#[test]
fn nginx_and_keepalive() {
    lives("nginx", ("60s", "5s"), true);
}

#[test]
fn haproxy_speaks_version_2() {
    passes("haproxy", &[]);
}

#[test]
fn haproxy_speaks_version_1() {
    passes("haproxy", &[("send-proxy-v2", "send-proxy")]);
}

#[test]
fn haproxy_and_keepalive() {
    lives("haproxy", ("tunnel 60s", "tunnel 5s"), true);
}

#[test]
fn apache_passes_it_on() {
    passes("apache", &[]);
}

#[test]
fn apache_and_keepalive() {
    lives("apache", ("ProxyTimeout 60", "ProxyTimeout 5"), false);
}

#[test]
fn caddy_passes_it_on() {
    passes("caddy", &[]);
}

/// Caddy has no time limit for a silent connection.
#[test]
fn caddy_is_started_again() {
    lives("caddy", ("reverse_proxy", "reverse_proxy"), false);
}

#[test]
fn nginx_over_a_unix_socket() {
    passes_over_socket("nginx", &[]);
}

#[test]
fn haproxy_over_a_unix_socket() {
    passes_over_socket("haproxy", &[]);
    passes_over_socket("haproxy", &[("send-proxy-v2", "send-proxy")]);
}

#[test]
fn apache_over_a_unix_socket() {
    passes_over_socket("apache", &[]);
}

#[test]
fn caddy_over_a_unix_socket() {
    passes_over_socket("caddy", &[]);
}

/// The answer to these bytes.
fn answer(server: &Server, bytes: &[u8]) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    raw::patient(&stream);
    // The head comes alone at first, as from a slow proxy.
    let (first, second) = bytes.split_at(bytes.len().min(7));
    stream.write_all(first).unwrap();
    std::thread::yield_now();
    stream.write_all(second).unwrap();
    (raw::read_head(&mut stream), stream)
}

/// The address of a connection that begins with these bytes and asks with these headers.
fn address(server: &Server, head: &[u8], more: &str) -> String {
    let request = raw::request(server.port(), more);
    let (answer, _stream) = answer(server, &[head, request.as_bytes()].concat());
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    newcomer(server).1["address"].as_str().unwrap().to_owned()
}

const LINE: &[u8] = b"PROXY TCP4 192.0.2.7 192.0.2.8 1234 443\r\n";

#[test]
fn only_who_is_trusted_is_believed() {
    let server = Server::running();
    // Nobody is: a head is no HTTP, and headers do not count.
    assert!(answer(&server, &[LINE, b"\r\n"].concat()).0.starts_with("HTTP/1.1 400 "));
    assert!(address(&server, b"", "X-Forwarded-For: 192.0.2.7\r\n").starts_with("127.0.0.1:"));
    server.set_trusted_proxies("10.0.0.0/8").unwrap();
    assert!(answer(&server, &[LINE, b"\r\n"].concat()).0.starts_with("HTTP/1.1 400 "));
    assert!(address(&server, b"", "Forwarded: for=192.0.2.7\r\n").starts_with("127.0.0.1:"));
    server.set_trusted_proxies("127.0.0.0/8, 10.0.0.0/8").unwrap();
    assert_eq!(address(&server, LINE, ""), "192.0.2.7:1234");
    assert!(address(&server, b"PROXY UNKNOWN\r\n", "").starts_with("127.0.0.1:"));
    assert!(address(&server, b"", "").starts_with("127.0.0.1:"), "a head is not needed");
    assert_eq!(address(&server, b"", "X-Forwarded-For: 6.6.6.6, 192.0.2.7, 10.1.2.3\r\n"), "192.0.2.7");
    assert_eq!(
        address(&server, b"", "Forwarded: for=6.6.6.6\r\nForwarded: for=\"[2001:db8::7]:80\"\r\n"),
        "[2001:db8::7]:80"
    );
    // Behind a head only if its address is trusted, too.
    assert_eq!(address(&server, LINE, "X-Forwarded-For: 192.0.2.9\r\n"), "192.0.2.7:1234");
    let inner = b"PROXY TCP4 10.0.0.1 192.0.2.8 1234 443\r\n";
    assert_eq!(address(&server, inner, "X-Forwarded-For: 192.0.2.9\r\n"), "192.0.2.9");
    // Two that contradict each other.
    let both = "Forwarded: for=192.0.2.7\r\nX-Forwarded-For: 192.0.2.9\r\n";
    assert!(answer(&server, raw::request(server.port(), both).as_bytes()).0.starts_with("HTTP/1.1 400 "));
    assert_eq!(address(&server, b"", &both.replace(".9", ".7")), "192.0.2.7");
}

#[test]
fn a_damaged_head_ends_the_connection_alone() {
    let server = believing();
    server.handshake_timeout(300);
    for bad in [&b"PROXY TCP4 nonsense\r\n"[..], b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c", b"PROXY TCP4 192.0.2.7"] {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        raw::patient(&stream);
        stream.write_all(bad).unwrap();
        // It is closed, the last one when its time is up.
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert_eq!(rest, b"");
    }
    until("all are counted", || server.statistics()["rejected"]["handshake"] == 3);
    assert_eq!(address(&server, LINE, ""), "192.0.2.7:1234");
}
