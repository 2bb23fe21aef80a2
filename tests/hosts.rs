//! A host and its forms: what is looked up, what the Host header and the server name of TLS hold, whom the certificate must
//! name. Absolute names (RFC 6066 section 3) and addresses with a zone (RFC 6874).

mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/namespace.rs"]
mod namespace;
#[path = "common/raw.rs"]
mod raw;
#[path = "common/tls.rs"]
mod tls;

use face::{Client, Server, set_language};
use namespace::{LINK, LINK_V6};
use raw::{Peer, Then};
use std::io::{Read, Write};
use std::net::{SocketAddrV6, TcpListener};
use std::sync::mpsc::channel;
use tls::{Authority, LOCAL, Subject, echo, turn};
use websocket_addin::capi::*;

/// Connects, talks, and says what Host header the server has got.
fn talks(client: &Client, server: &Server, url: &str) -> String {
    client.connect(url).unwrap_or_else(|fault| panic!("{url}: {}", fault.text));
    assert_eq!(client.server(), url, "as it was given");
    let id = server.opened();
    let info = server.connection_info(id).unwrap().unwrap();
    client.send("проверка").unwrap();
    assert_eq!(server.event().text(), "проверка");
    assert!(client.disconnect(1000, "").unwrap());
    while server.event().event != WSADDIN_EVENT_CLOSE {}
    info["headers"]["host"].as_str().unwrap().to_owned()
}

#[test]
fn localhost_with_a_dot() {
    let _turn = turn();
    let authority = Authority::with_server("absolute");
    let plain = Server::new();
    plain.run("LocalHost.", 0).unwrap();
    let (plain_port, secure) = (plain.port(), authority.server("server"));
    let port = secure.port();
    let client = authority.client();
    for host in ["localhost", "localhost.", "LOCALHOST."] {
        let typed = host.to_lowercase();
        assert_eq!(talks(&client, &plain, &format!("ws://{host}:{plain_port}/")), format!("{typed}:{plain_port}"));
        assert_eq!(talks(&client, &secure, &format!("wss://{host}:{port}/")), format!("{typed}:{port}"));
    }
    // NO_PROXY and the system's settings are rules of their own; what is set goes through the proxy.
    client.set_proxy("http://127.0.0.1:1").unwrap();
    let fault = client.connect(&format!("ws://localhost.:{plain_port}/")).unwrap_err();
    assert!(
        fault.text.starts_with(&format!("connecting to localhost.:{plain_port} through the proxy")),
        "{}",
        fault.text
    );
}

/// The server name in the ClientHello, byte by byte: type 0, its length, the name.
#[test]
fn the_server_name_has_no_dot_and_no_zone() {
    for (url, expected) in
        [("wss://localhost.", Some("localhost")), ("wss://localhost", Some("localhost")), ("wss://127.0.0.1.", None)]
    {
        let (tell, heard) = channel();
        let peer = Peer::new(move |stream| {
            let mut hello = vec![0; 4096];
            let count = stream.read(&mut hello).unwrap();
            hello.truncate(count);
            let _ = tell.send(hello);
            Then::Close
        });
        let client = Client::new();
        client.verify(false);
        client.connect(&format!("{url}:{}/", peer.address().port())).unwrap_err();
        let hello = heard.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
        let has = |what: &[u8]| hello.windows(what.len()).any(|window| window == what);
        match expected {
            Some(name) => {
                let entry = [&[0, 0, name.len() as u8][..], name.as_bytes()].concat();
                assert!(has(&entry) && !has(b"localhost."), "{url}");
            }
            None => assert!(!has(b"127.0.0.1"), "{url}: addresses are no server names"),
        }
    }
}

#[test]
fn in_a_network_of_its_own() {
    namespace::run("absolute_names_and_zones", "127.0.0.1 db.svc.test\n127.0.0.1 listed.test.\n");
}

#[test]
#[ignore = "the test before runs it in a namespace"]
fn absolute_names_and_zones() {
    if !namespace::is_inside() {
        return;
    }
    absolute_names();
    zones();
    zones_and_tls();
    zones_and_proxies();
    println!("the namespace is done");
}

/// Those of the hosts file, with a dot there and without.
fn absolute_names() {
    let authority = Authority::new("names");
    authority.issue(Subject { name: "db", alternatives: "DNS:db.svc.test,DNS:listed.test", ..LOCAL });
    authority.issue(Subject { name: "other", alternatives: "DNS:other.test", ..LOCAL });
    let (server, other) = (authority.server("db"), authority.server("other"));
    let client = authority.client();
    for host in ["db.svc.test", "db.svc.test.", "listed.test."] {
        let url = format!("wss://{host}:{}/", server.port());
        assert_eq!(talks(&client, &server, &url), format!("{host}:{}", server.port()));
    }
    let fault = client.connect(&format!("wss://db.svc.test.:{}/", other.port())).unwrap_err();
    assert_eq!(fault.code, WSADDIN_CERTIFICATE);
    let text = format!("connecting to db.svc.test.:{}: the server's certificate is not for db.svc.test", other.port());
    assert_eq!(fault.text, text);
    // An absolute name is nothing else than that.
    let fault = client.connect("ws://svc.test.:9/").unwrap_err();
    assert!(fault.code == WSADDIN_RESOLVE && fault.text.contains("host svc.test. not found"), "{}", fault.text);
}

fn index() -> u32 {
    let output = std::process::Command::new("ip").args(["-o", "link", "show", LINK]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(':').next().unwrap().parse().unwrap()
}

fn zones() {
    let index = index();
    for interface in [
        format!("{LINK_V6}%{LINK}"),
        format!("[{LINK_V6}%{LINK}]"),
        format!("[{LINK_V6}%25{LINK}]"),
        format!("{LINK_V6}%{index}"),
    ] {
        let server = Server::new();
        server.run(&interface, 0).unwrap_or_else(|fault| panic!("{interface}: {}", fault.text));
        assert_eq!(server.server(), format!("{LINK_V6}%{index}"));
        let port = server.port();
        let client = Client::new();
        for zone in [format!("%25{LINK}"), format!("%{LINK}"), format!("%25{index}"), format!("%{index}")] {
            let url = format!("ws://[{LINK_V6}{zone}]:{port}/");
            // The zone is this machine's own affair.
            assert_eq!(talks(&client, &server, &url), format!("[{LINK_V6}]:{port}"), "{url}");
        }
        // A second one is refused, an address without its interface is explained, in both roles.
        let fault = Server::new().run(&interface, i64::from(port)).unwrap_err();
        assert!(fault.code == WSADDIN_ADDRESS && fault.text.contains(&format!("%{index}]:{port}")), "{}", fault.text);
        let fault = client.connect(&format!("ws://[{LINK_V6}]:{port}/")).unwrap_err();
        assert!(fault.text.contains("a link-local address takes its interface: fe80::…%interface"), "{}", fault.text);
    }
    let fault = Server::new().run(LINK_V6, 0).unwrap_err();
    assert!(fault.code == WSADDIN_ADDRESS && fault.text.contains("takes its interface"), "{}", fault.text);
    for interface in [format!("{LINK_V6}%nowhere"), "2001:db8::1%lo".into(), format!("{LINK_V6}%")] {
        let fault = Server::new().run(&interface, 0).unwrap_err();
        assert!(fault.text.contains(&interface.replace("%nowhere", "%nowhere]")), "{}", fault.text);
    }
    let client = Client::new();
    for (language, text) in [
        (WSADDIN_LANGUAGE_ENGLISH, "connecting to [fe80::1%nowhere]:80: there is no network interface nowhere"),
        (WSADDIN_LANGUAGE_RUSSIAN, "подключение к [fe80::1%nowhere]:80: нет сетевого интерфейса nowhere"),
    ] {
        set_language(language);
        let fault = client.connect("ws://[fe80::1%25nowhere]/").unwrap_err();
        assert_eq!((fault.code, &*fault.text), (WSADDIN_RESOLVE, text));
    }
    set_language(WSADDIN_LANGUAGE_ENGLISH);
    let closed =
        TcpListener::bind(SocketAddrV6::new(LINK_V6.parse().unwrap(), 0, 0, index)).unwrap().local_addr().unwrap();
    let fault = client.connect(&format!("ws://[{LINK_V6}%25{LINK}]:{}/", closed.port())).unwrap_err();
    assert_eq!(fault.code, WSADDIN_REFUSED);
    assert!(fault.text.starts_with(&format!("connecting to [{LINK_V6}%{index}]:{}", closed.port())), "{}", fault.text);
    // Reconnection takes the same way.
    let server = Server::new();
    server.run(&format!("{LINK_V6}%{LINK}"), 0).unwrap();
    client.reconnect_interval(10);
    client.connect(&format!("ws://[{LINK_V6}%25{LINK}]:{}/", server.port())).unwrap();
    let (port, id) = (server.port(), server.opened());
    assert!(server.disconnect(id, 1012, "").unwrap());
    server.event().close();
    assert_ne!(server.opened(), id);
    client.disconnect(1000, "").unwrap();
    assert_eq!(port, server.port());
}

fn zones_and_tls() {
    let authority = Authority::new("zones");
    authority.issue(Subject { name: "link", alternatives: &format!("IP:{LINK_V6}"), ..LOCAL });
    authority.issue(Subject { name: "other", alternatives: "DNS:other.test", ..LOCAL });
    for (name, fits) in [("link", true), ("other", false)] {
        let server = Server::new();
        let [chain, key] = ["pem", "key"].map(|ending| authority.path(&format!("{name}.{ending}")));
        server.run_tls_on(&format!("{LINK_V6}%{LINK}"), &chain, &key, "").unwrap();
        let client = authority.client();
        let outcome = client.connect(&format!("wss://[{LINK_V6}%25{LINK}]:{}/", server.port()));
        match outcome {
            Ok(()) if fits => echo(&client, &server),
            Err(fault) if !fits => {
                assert!(
                    fault.text.ends_with(&format!("the server's certificate is not for {LINK_V6}")),
                    "{}",
                    fault.text
                );
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// A proxy at such an address is reached; one is not asked to connect to such an address, which means something else to it.
fn zones_and_proxies() {
    let listener = TcpListener::bind(SocketAddrV6::new(LINK_V6.parse().unwrap(), 0, 0, index())).unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let head = raw::read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").unwrap();
        head
    });
    let client = Client::new();
    client.set_proxy(&format!("http://[{LINK_V6}%25{LINK}]:{port}")).unwrap();
    assert_eq!(client.proxy(), format!("http://[{LINK_V6}%{LINK}]:{port}"));
    // Writing back what was read changes nothing.
    client.set_proxy(&client.proxy()).unwrap();
    let fault = client.connect("ws://db.svc.test.:9/").unwrap_err();
    let through = format!("through the proxy [{LINK_V6}%{LINK}]:{port}: the proxy answered HTTP 502 Bad Gateway");
    assert!(fault.code == WSADDIN_PROXY && fault.text.contains(&through), "{}", fault.text);
    let head = asked.join().unwrap();
    assert!(head.starts_with("CONNECT db.svc.test.:9 HTTP/1.1\r\nHost: db.svc.test.:9\r\n"), "{head}");
    for scheme in ["http", "socks5"] {
        let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
        client.set_proxy(&format!("{scheme}://{}", proxy.local_addr().unwrap())).unwrap();
        let fault = client.connect(&format!("ws://[{LINK_V6}%25{LINK}]:9/")).unwrap_err();
        let text = format!("[{LINK_V6}%{LINK}] is known on this computer only, a proxy cannot connect to it");
        assert!(fault.code == WSADDIN_PROXY && fault.text.ends_with(&text), "{}", fault.text);
    }
}
