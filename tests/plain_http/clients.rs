//! Other people's clients: curl, load balancers, Prometheus' own check.

use crate::common::Scratch;
use crate::daemon::Daemon;
use crate::face::*;
use crate::web::Web;
use std::io::Write;
use std::process::{Command, Stdio};
use websocket_addin::capi::*;

/// The program, if it is there; where nothing may be skipped, it has to be.
fn program(name: &str) -> Option<Command> {
    let found = Command::new("sh").args(["-c", &format!("command -v {name}")]).output().unwrap().status.success();
    assert!(found || std::env::var_os("WSADDIN_NO_SKIP").is_none(), "{name} is missing, and nothing may be skipped");
    found.then(|| Command::new(name))
}

fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {text} {}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn curl_asks_and_sends() {
    let scratch = Scratch::new("plain-http-curl");
    std::fs::write(scratch.path().join("index.html"), "<h1>page</h1>").unwrap();
    let long = scratch.path().join("long");
    std::fs::write(&long, "x".repeat(3_000_000)).unwrap();
    let server = Server::new();
    server.set_health_path("/health").unwrap();
    server.set_pages_folder(scratch.path().to_str().unwrap()).unwrap();
    server.set_control_path("/control").unwrap();
    server.set_control_token("s3cret").unwrap();
    server.run("127.0.0.1", 0).unwrap();
    let root = format!("http://127.0.0.1:{}", server.port());
    if program("curl").is_none() {
        return;
    }
    let curl = |args: &[&str]| {
        let mut command = Command::new("curl");
        output(command.args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "60"]).args(args))
    };
    assert_eq!(curl(&[&format!("{root}/health")]), r#"{"status":"ok"}"#);
    assert!(curl(&["--head", &format!("{root}/health")]).starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(curl(&["--http1.0", &format!("{root}/health")]), r#"{"status":"ok"}"#);
    // Two requests on one connection.
    let twice = curl(&["--write-out", " %{num_connects} ", &format!("{root}/"), &format!("{root}/")]);
    assert_eq!(twice, "<h1>page</h1> 1 <h1>page</h1> 0 ");
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    server.opened();
    client.expect(WSADDIN_EVENT_OPEN);
    let (token, kind) = ("Authorization: Bearer s3cret", "Content-Type: text/plain");
    let all = format!("{root}/control/broadcast");
    assert_eq!(curl(&["-H", token, "-H", kind, "-d", "привет", &all]), r#"{"queued":1}"#);
    assert_eq!(client.expect(WSADDIN_EVENT_MESSAGE).text(), "привет");
    // It waits for the server's word before it sends so much.
    let file = format!("@{}", long.display());
    let expect = ["-H", token, "-H", kind, "-H", "Expect: 100-continue", "--data-binary", &file, &all];
    assert_eq!(curl(&expect), r#"{"queued":1}"#);
    assert_eq!(client.expect(WSADDIN_EVENT_MESSAGE).data.len(), 3_000_000);
    let chunked = ["-H", token, "-H", kind, "-H", "Transfer-Encoding: chunked", "--data-binary", &file, &all];
    assert_eq!(curl(&chunked), r#"{"queued":1}"#);
    assert_eq!(client.expect(WSADDIN_EVENT_MESSAGE).data.len(), 3_000_000);
    assert_eq!(
        curl(&["--path-as-is", "-o", "/dev/null", "-w", "%{http_code}", &format!("{root}/../etc/passwd")]),
        "404"
    );
}

/// The server is up by its answer, and down while it drains.
#[test]
fn haproxy_asks_for_the_health() {
    let server = Server::new();
    server.set_health_path("/health").unwrap();
    server.run("127.0.0.1", 0).unwrap();
    let check = "option httpchk GET /health\n    http-check expect status 200";
    let port = server.port();
    let section = format!("backend it\n    {check}\n    server one 127.0.0.1:{port} check inter 100ms rise 2 fall 1\n");
    let Some(proxy) = Daemon::haproxy(&section) else { return };
    let is = |state: &str| {
        let address: std::net::SocketAddr = proxy.address().parse().unwrap();
        let mut web = Web::new(address.port());
        let mut answer = String::new();
        web.send("GET /;csv HTTP/1.0\r\n\r\n");
        std::io::Read::read_to_string(&mut web.0, &mut answer).unwrap();
        let line = answer.lines().find(|line| line.contains(",one,")).unwrap_or_default();
        let fields: Vec<&str> = line.split(',').collect();
        fields.get(17) == Some(&state) && fields.get(37) == Some(&if state == "UP" { "200" } else { "503" })
    };
    until("it is up", || is("UP"));
    server.draining(1);
    until("it is down", || is("DOWN"));
    server.draining(0);
    until("it is up again", || is("UP"));
}

#[test]
fn nginx_keeps_its_connections_for_pages_and_health() {
    let scratch = Scratch::new("plain-http-nginx");
    std::fs::write(scratch.path().join("index.html"), "<h1>page</h1>").unwrap();
    let server = Server::new();
    server.set_health_path("/health").unwrap();
    server.set_pages_folder(scratch.path().to_str().unwrap()).unwrap();
    server.run("127.0.0.1", 0).unwrap();
    let location = format!(
        "proxy_pass http://127.0.0.1:{}; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; \
         proxy_set_header Connection $http_connection;",
        server.port()
    );
    let Some(proxy) = Daemon::nginx(&location) else { return };
    let address: std::net::SocketAddr = proxy.address().parse().unwrap();
    let mut web = Web::new(address.port());
    for _ in 0..3 {
        assert_eq!(web.get("/").text(), "<h1>page</h1>");
        assert_eq!(web.get("/health").text(), r#"{"status":"ok"}"#);
    }
    let client = Client::new();
    client.connect(&format!("ws://{}/", proxy.address())).unwrap();
    server.opened();
}

#[test]
fn prometheus_finds_the_metrics_in_order() {
    let server = Server::running();
    let client = Client::new();
    client.connect(&server.url()).unwrap();
    server.opened();
    client.disconnect(1000, "").unwrap();
    server.expect(WSADDIN_EVENT_CLOSE);
    assert_eq!(Web::new(server.port()).get("/").status, 426);
    let metrics = server.metrics();
    let Some(mut promtool) = program("promtool") else { return };
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = promtool.spawn().unwrap();
    running.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = running.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}\n{metrics}", String::from_utf8_lossy(&said));
    for line in ["websocket_closes_total{code=\"1000\"} 1", "websocket_rejected_total{reason=\"426\"} 1"] {
        assert!(metrics.lines().any(|other| other == line), "{line}: {metrics}");
    }
}
