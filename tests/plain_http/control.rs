//! `ControlPath`: what another program may ask.

use crate::face::*;
use crate::raw::{self, BINARY, FIN, TEXT};
use crate::web::{Answer, Web};
use serde_json::{Value, json};
use std::net::TcpStream;
use websocket_addin::capi::*;

const TOKEN: &str = "s3cret token";

struct Controlled {
    server: Server,
    web: Web,
}

impl Controlled {
    fn new() -> Self {
        let server = Server::new();
        server.set_control_path("/control").unwrap();
        server.set_control_token(TOKEN).unwrap();
        server.set_name_parameter("name").unwrap();
        server.run("127.0.0.1", 0).unwrap();
        let web = Web::new(server.port());
        Self { server, web }
    }

    fn raw(&mut self, method: &str, target: &str, more: &str, body: &[u8]) -> Answer {
        let head = format!(
            "{method} /control{target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n{more}\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        self.web.send([head.as_bytes(), body].concat()).answer(method == "HEAD")
    }

    fn post(&mut self, target: &str, body: &str) -> (u16, Value) {
        told(&self.raw("POST", target, "", body.as_bytes()))
    }

    fn get(&mut self, target: &str) -> (u16, Value) {
        told(&self.raw("GET", target, "", b""))
    }

    /// A client of that name, and its id.
    fn client(&self, name: &str) -> (TcpStream, u64) {
        let mut stream = raw::knock(self.server.port(), &format!("/?name={name}"), "");
        assert!(raw::read_head(&mut stream).starts_with("HTTP/1.1 101 "));
        (stream, self.server.opened())
    }
}

/// Status and JSON.
fn told(answer: &Answer) -> (u16, Value) {
    assert_eq!(answer.header("Content-Type"), Some("application/json"), "{answer:?}");
    assert_eq!(answer.header("Cache-Control"), Some("no-store"), "{answer:?}");
    (answer.status, serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("JSON: {answer:?}")))
}

#[track_caller]
fn fails((status, json): (u16, Value), expected: u16, code: i32, text: &str) {
    assert_eq!((status, &json["error"], json.as_object().unwrap().len()), (expected, &json!(code), 2), "{json}");
    assert!(json["text"].as_str().unwrap().contains(text), "{json}");
}

#[test]
fn messages_reach_one_a_group_and_all() {
    let mut it = Controlled::new();
    let (mut anna, id) = it.client("id:1::group_id:7");
    let (mut boris, _) = it.client("boris");
    let queued = |count: u64| (200, json!({ "queued": count }));
    assert_eq!(it.post(&format!("/send?id={id}"), "привет"), queued(1));
    assert_eq!(raw::read_frame(&mut anna), Some((FIN | TEXT, "привет".into())));
    assert_eq!(it.post("/send?name=boris", "лично"), queued(1));
    assert_eq!(raw::read_frame(&mut boris), Some((FIN | TEXT, "лично".into())));
    assert_eq!(it.post("/send?name=id%3A1::group_id:7", ""), queued(1));
    assert_eq!(raw::read_frame(&mut anna), Some((FIN | TEXT, vec![])));
    assert_eq!(it.post("/broadcast", "всем"), queued(2));
    assert_eq!(it.post("/broadcast?group=7", "группе"), queued(1));
    assert_eq!(it.post(&format!("/broadcast?except={id}&skip_full=1"), "прочим"), queued(1));
    assert_eq!(it.post("/broadcast?group=none", "никому"), queued(0));
    for text in ["всем", "группе"] {
        assert_eq!(raw::read_frame(&mut anna), Some((FIN | TEXT, text.into())));
    }
    for text in ["всем", "прочим"] {
        assert_eq!(raw::read_frame(&mut boris), Some((FIN | TEXT, text.into())));
    }
    for (kind, first) in [
        ("text/plain; charset=UTF-8", TEXT),
        ("Text/Html", TEXT),
        ("application/json", TEXT),
        ("application/octet-stream", BINARY),
        ("application/x-www-form-urlencoded", BINARY),
    ] {
        let answer = it.raw("POST", "/send?name=boris", &format!("Content-Type: {kind}\r\n"), b"{}");
        assert_eq!(told(&answer), queued(1), "{kind}");
        assert_eq!(raw::read_frame(&mut boris), Some((FIN | first, b"{}".to_vec())), "{kind}");
    }
    // In chunks, after a word of the server.
    it.web.send(format!(
        "POST /control/send?name=boris HTTP/1.1\r\nHost: x\r\nAuthorization: bearer {TOKEN}\r\n\
         Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
    ));
    assert_eq!(raw::read_head(&mut it.web.0), "HTTP/1.1 100 Continue\r\n\r\n");
    it.web.send("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n");
    assert_eq!(told(&it.web.answer(false)), queued(1));
    assert_eq!(raw::read_frame(&mut boris), Some((FIN | TEXT, b"abcde".to_vec())));
    // A long one, by way of a worker.
    let long = "x".repeat(3_000_000);
    assert_eq!(it.post("/send?name=boris", &long), queued(1));
    assert_eq!(raw::read_frame(&mut boris), Some((FIN | TEXT, long.into_bytes())));
}

#[test]
fn who_is_there_is_told() {
    let mut it = Controlled::new();
    assert_eq!(it.get("/connections"), (200, json!([])));
    assert_eq!(it.get("/names"), (200, json!([])));
    let (_anna, id) = it.client("anna");
    let (_boris, other) = it.client("boris");
    let (status, list) = it.get("/connections");
    assert_eq!((status, &list[0]["id"], &list[1]["name"]), (200, &json!(id), &json!("boris")));
    assert_eq!(list.as_array().unwrap().len(), 2);
    let (status, one) = it.get(&format!("/connections?id={other}"));
    assert_eq!((status, &one["name"], &one["state"]), (200, &json!("boris"), &json!("open")));
    let (status, names) = it.get("/names?prefix=a");
    assert_eq!((status, names.as_array().unwrap().len(), &names[0]["name"]), (200, 1, &json!("anna")));
    let (status, statistics) = it.get("/statistics");
    assert_eq!((status, &statistics["connections"], &statistics["connects"]), (200, &json!(2), &json!(2)));
    let head = it.raw("HEAD", "/connections", "", b"");
    assert_eq!((head.status, head.header("Content-Length").is_some()), (200, true));
    let metrics = it.raw("GET", "/metrics", "", b"");
    assert_eq!(metrics.header("Content-Type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in ["websocket_connections 2", "websocket_connects_total 2", "# TYPE websocket_connections gauge"] {
        assert!(metrics.text().lines().any(|other| other == line), "{line}: {}", metrics.text());
    }
    assert!(metrics.text().contains("websocket_http_answers_total{status=\"200\"} "));
}

#[test]
fn a_connection_is_closed() {
    let mut it = Controlled::new();
    let (mut anna, id) = it.client("anna");
    let (mut boris, _) = it.client("boris");
    let closed = (200, json!({ "closed": true }));
    assert_eq!(it.post(&format!("/disconnect?id={id}&code=4000&reason=enough+of%20it"), ""), closed);
    assert_eq!(raw::read_close(&mut anna), Some((4000, "enough of it".to_owned())));
    assert_eq!(it.post("/disconnect?name=boris", ""), closed);
    assert_eq!(raw::read_close(&mut boris), Some((1000, String::new())));
    fails(it.post(&format!("/disconnect?id={id}"), ""), 404, 2, "has ended");
    fails(it.post("/disconnect?name=boris", ""), 404, 3, "boris");
    fails(it.post("/disconnect?id=4711", ""), 404, 3, "4711");
    fails(it.post(&format!("/disconnect?id={id}&code=1005"), ""), 400, WSADDIN_BAD_ARGUMENT, "1005");
    fails(it.post(&format!("/disconnect?id={id}&code=99999"), ""), 400, WSADDIN_BAD_ARGUMENT, "99999");
    fails(it.post(&format!("/send?id={id}"), "x"), 409, 2, "has ended");
    fails(it.get(&format!("/connections?id={id}")), 409, 2, "has ended");
}

#[test]
fn what_is_wrong_is_told() {
    let mut it = Controlled::new();
    let (_anna, id) = it.client("anna");
    let bad = WSADDIN_BAD_ARGUMENT;
    fails(it.post("/send?name=nobody", "x"), 404, 3, "nobody");
    fails(it.post("/send?id=4711", "x"), 404, 3, "4711");
    fails(it.post(&format!("/send?id={id}&name=anna"), "x"), 400, bad, "id");
    fails(it.post("/send", "x"), 400, bad, "id");
    fails(it.post("/send?id=one", "x"), 400, bad, "one");
    fails(it.post("/send?id=-1", "x"), 400, bad, "-1");
    fails(it.post("/send?nmae=anna", "x"), 400, bad, "nmae");
    fails(it.post("/broadcast?gruop=7", "x"), 400, bad, "gruop");
    fails(it.post("/broadcast?group=7&group=8", "x"), 400, bad, "group");
    fails(it.post("/broadcast?skip_full=maybe", "x"), 400, bad, "maybe");
    fails(it.post("/broadcast?except=4711", "x"), 400, bad, "4711");
    fails(it.post("/send?name=%ff", "x"), 400, WSADDIN_BAD_UTF8, "UTF-8");
    let answer = it.raw("POST", "/send?name=anna", "", b"\xff");
    fails(told(&answer), 400, WSADDIN_BAD_UTF8, "UTF-8");
    let answer = it.raw("POST", "/send?name=anna", "Content-Type: text/plain; charset=windows-1251\r\n", b"x");
    fails(told(&answer), 400, bad, "windows-1251");
    let answer = it.raw("POST", "/send?name=nobody", "Accept-Language: ru-RU, en\r\n", b"x");
    fails(told(&answer), 404, 3, "нет соединения");
    for (method, target, allow) in [
        ("GET", "/send", "POST"),
        ("PUT", "/broadcast", "POST"),
        ("POST", "/names", "GET, HEAD"),
        ("DELETE", "/connections", "GET, HEAD"),
    ] {
        let answer = it.raw(method, target, "", b"");
        assert_eq!(answer.header("Allow"), Some(allow));
        fails(told(&answer), 405, bad, allow);
    }
    for target in ["", "/", "/sends", "/send/", "/send/x", "/metrics/.."] {
        fails(it.get(target), 404, bad, "");
    }
    it.server.max_message_size(1000);
    let answer = it.raw("POST", "/send?name=anna", "", &[b'x'; 1001]);
    assert_eq!((answer.status, answer.header("Connection")), (413, Some("close")));
}

#[test]
fn a_full_queue_is_told() {
    let mut it = Controlled::new();
    it.server.send_queue_bytes(100_000);
    let (_narrow, id) = it.client("slow");
    let message = "x".repeat(90_000);
    let mut last = (200, Value::Null);
    // Until the kernel takes no more, and then what the queue holds.
    for _ in 0..2_000 {
        last = it.post("/send?name=slow", &message);
        if last.0 != 200 {
            break;
        }
    }
    fails(last, 429, WSADDIN_QUEUE_FULL, "queue");
    assert_eq!(it.post("/broadcast?skip_full=1", &message), (200, json!({ "queued": 0 })));
    assert_eq!(it.get(&format!("/connections?id={id}")).0, 200, "it is still there");
    assert_eq!(it.post("/broadcast", &message), (200, json!({ "queued": 0 })));
    fails(it.get(&format!("/connections?id={id}")), 409, 2, "has ended");
}

#[test]
fn only_the_token_opens() {
    let mut it = Controlled::new();
    let port = it.server.port();
    for authorization in [
        "",
        "Authorization: Bearer\r\n",
        "Authorization: Bearer \r\n",
        "Authorization: Bearer s3cret\r\n",
        "Authorization: Bearer s3cret tokens\r\n",
        "Authorization: Basic s3cret token\r\n",
        "Cookie: s3cret token\r\n",
    ] {
        for target in ["/control/names", "/control/none", "/control", "/control/names?access_token=s3cret%20token"] {
            let answer = Web::new(port).ask("GET", target, authorization);
            assert_eq!(answer.header("WWW-Authenticate"), Some("Bearer"), "{target}");
            fails(told(&answer), 401, WSADDIN_BAD_ARGUMENT, "ControlToken");
        }
        // The body is not waited for.
        let more = format!("{authorization}Content-Length: 1000000\r\n");
        assert_eq!(Web::new(port).ask("POST", "/control/broadcast", &more).status, 401);
    }
    // What only begins alike is none of it.
    assert_eq!(Web::new(port).get("/controls/names").status, 426);
    assert_eq!(it.get("/names").0, 200);
    it.server.set_control_token("other").unwrap();
    assert_eq!(it.raw("GET", "/names", "", b"").status, 401);
    it.server.set_control_token("").unwrap();
    assert_eq!(Web::new(port).ask("GET", "/control/names", "Authorization: Bearer \r\n").status, 401);
}

#[test]
fn it_does_not_run_without_a_token() {
    let server = Server::new();
    server.set_control_path("/control").unwrap();
    let fault = server.run("127.0.0.1", 0).unwrap_err();
    assert_eq!(fault.code, WSADDIN_BAD_ARGUMENT);
    assert!(fault.text.contains("ControlToken"), "{}", fault.text);
    assert_eq!(code(server.set_control_path("control")), WSADDIN_BAD_ARGUMENT);
    assert_eq!(code(server.set_control_path("/control/")), WSADDIN_BAD_ARGUMENT);
    server.set_control_token(TOKEN).unwrap();
    assert_eq!(server.control_token(), "***");
    server.set_control_token("***").unwrap();
    server.run("127.0.0.1", 0).unwrap();
    let authorization = format!("Authorization: Bearer {TOKEN}\r\n");
    assert_eq!(Web::new(server.port()).ask("GET", "/control/names", &authorization).status, 200);
}

#[test]
fn the_metrics_are_those_of_the_host() {
    let it = Controlled::new();
    let (_anna, _) = it.client("anna");
    let metrics = it.server.metrics();
    assert!(metrics.lines().any(|line| line == "websocket_connections 1"), "{metrics}");
    assert!(metrics.lines().all(|line| line.starts_with("# ") || line.starts_with("websocket_")), "{metrics}");
}

/// Requests that stop in the midst of their body: POST is told that it takes too long; HEAD, whose body is of no interest,
/// is answered at once. No answer to HEAD has content, whatever its status.
#[test]
fn half_a_body() {
    let it = Controlled::new();
    it.server.set_health_path("/health").unwrap();
    it.server.handshake_timeout(300);
    let _anna = it.client("anna");
    let authorized = format!("Authorization: Bearer {TOKEN}\r\n");
    for (method, target, more, expected) in [
        ("POST", "/control/broadcast", &*authorized, 408),
        ("POST", "/control/disconnect?name=anna", &authorized, 408),
        ("HEAD", "/control/connections", &authorized, 200),
        ("HEAD", "/control/broadcast", &authorized, 405),
        ("HEAD", "/control/unknown", &authorized, 404),
        ("HEAD", "/control/connections", "", 401),
        ("HEAD", "/health", "", 200),
        ("HEAD", "/elsewhere", "", 426),
    ] {
        for length in ["Content-Length: 10\r\n\r\n{\"a\"", "Transfer-Encoding: chunked\r\n\r\n8\r\n{\"a\""] {
            let mut web = Web::new(it.server.port());
            web.send(format!("{method} {target} HTTP/1.1\r\nHost: x\r\n{more}{length}"));
            let answer = web.answer(method == "HEAD");
            assert_eq!(answer.status, expected, "{method} {target}: {answer:?}");
            assert_eq!(
                answer.header("Connection"),
                Some("close").filter(|_| expected != 426).or(Some("close, Upgrade"))
            );
            assert!(web.is_closed(), "nothing behind it: {method} {target} {answer:?}");
        }
    }
}
