//! Names with several addresses (RFC 8305), IPv6, internationalised names.

mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/namespace.rs"]
mod namespace;
#[path = "common/raw.rs"]
mod raw;
#[path = "common/tls.rs"]
mod tls;

use face::{Client, Server};
use namespace::{HOLE_V6, OWN_V4, OWN_V6};
use raw::{Peer, Then};
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use tls::{Authority, LOCAL, Subject, echo};
use websocket_addin::capi::*;

const ROUNDS: usize = 7;

/// A name of the hosts file, as the resolver orders its addresses.
fn resolved(name: &str) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = (name, 80).to_socket_addrs().unwrap().map(|address| address.ip()).collect();
    found.dedup();
    found
}

/// The median of some rounds of connecting to this name.
fn connects(name: &str, port: u16, proxy: &str) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let client = Client::new();
            client.close_timeout(100).set_proxy(proxy).unwrap();
            let start = Instant::now();
            client.connect(&format!("ws://{name}:{port}/")).unwrap_or_else(|fault| panic!("{name}: {}", fault.text));
            start.elapsed()
        })
        .collect();
    times.sort();
    println!("{name}: {times:?}");
    assert!(times[ROUNDS - 1] < Duration::from_secs(10), "{name}: {times:?}");
    times[ROUNDS / 2]
}

const HOSTS: &str = "2001:db8:99::2 hole-v6-first\n10.99.0.1 hole-v6-first\n\
    2001:db8:99::2 two-holes-first\n2001:db8:99::3 two-holes-first\n10.99.0.1 two-holes-first\n\
    2001:db8:99::2 all-holes\n10.99.0.2 all-holes\n\
    2001:db8:99::1 refuses-first\n10.99.0.1 refuses-first\n\
    127.0.0.1 xn--e1afmkfd.xn--p1ai\n";

#[test]
fn a_port_that_the_system_picks_is_free_in_both_families() {
    namespace::run_with_few_ports("inside_of_the_namespace_with_few_ports");
}

#[test]
#[ignore = "runs inside the namespace that its test makes"]
fn inside_of_the_namespace_with_few_ports() {
    if !namespace::is_inside() {
        return;
    }
    // Of eight ports all but one are somebody's, in IPv6 only.
    let taken: Vec<socket2::Socket> = (40000..40007)
        .map(|port| {
            let socket = socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::STREAM, None).unwrap();
            socket.set_only_v6(true).unwrap();
            socket.bind(&std::net::SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, port)).into()).unwrap();
            socket.listen(1).unwrap();
            socket
        })
        .collect();
    let server = Server::new();
    for interface in ["*", "localhost"] {
        server.run(interface, 0).unwrap();
        assert_eq!(server.port(), 40007);
        server.stop().unwrap();
    }
    // One that is asked for is not replaced.
    assert_eq!(face::code(server.run("*", 40000)), WSADDIN_ADDRESS);
    server.run("127.0.0.1", 0).unwrap();
    drop(taken);
    println!("the namespace is done");
}

#[test]
fn the_next_address_is_tried_after_a_quarter_of_a_second() {
    namespace::run("inside_of_the_namespace_with_holes", HOSTS);
}

#[test]
#[ignore = "runs inside the namespace that its test makes"]
fn inside_of_the_namespace_with_holes() {
    if !namespace::is_inside() {
        return;
    }
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let v4 = Server::new();
    v4.run(OWN_V4, 0).unwrap();
    let port = v4.port();
    let head_start = Duration::from_millis(250);
    let enough = Duration::from_millis(600);

    // The first of two is a black hole.
    assert_eq!(resolved("hole-v6-first"), [address(HOLE_V6), address(OWN_V4)]);
    let time = connects("hole-v6-first", port, "");
    assert!((head_start..enough).contains(&time), "{time:?}");

    // The first refuses: the next is tried at once.
    assert_eq!(resolved("refuses-first"), [address(OWN_V6), address(OWN_V4)]);
    let time = connects("refuses-first", port, "");
    assert!(time < Duration::from_millis(200), "{time:?}");

    // Families alternate: the third of the resolver's order is the second tried.
    let order = resolved("two-holes-first");
    assert!(order.len() == 3 && order[2] == address(OWN_V4), "{order:?}");
    let time = connects("two-holes-first", port, "");
    assert!(time < Duration::from_millis(480), "{time:?}");

    // A proxy's name is no worse.
    let proxy = Peer::new(|stream| {
        raw::read_head(stream);
        let _ = std::io::Write::write_all(stream, b"HTTP/1.1 200 OK\r\n\r\n");
        let head = raw::read_head(stream);
        let _ = std::io::Write::write_all(stream, raw::accept(&head, "").as_bytes());
        Then::Keep
    });
    // Reached over the machine's own address as well.
    let relay = std::net::TcpListener::bind((OWN_V4, 0)).unwrap();
    let relay_port = relay.local_addr().unwrap().port();
    let behind = proxy.address();
    std::thread::spawn(move || {
        for stream in relay.incoming() {
            let near = stream.unwrap();
            let far = std::net::TcpStream::connect(behind).unwrap();
            let (mut from, mut to) = (near.try_clone().unwrap(), far.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            let (mut from, mut to) = (far, near);
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
        }
    });
    let time = connects("somewhere.invalid", 80, &format!("http://hole-v6-first:{relay_port}"));
    assert!((head_start..enough).contains(&time), "{time:?}");

    // Nothing but holes: one deadline for all of them.
    let client = Client::new();
    client.connect_timeout(400);
    let mut times = Vec::new();
    for _ in 0..3 {
        let start = Instant::now();
        let fault = client.connect(&format!("ws://all-holes:{port}/")).unwrap_err();
        times.push(start.elapsed());
        assert_eq!(fault.code, WSADDIN_CONNECT_TIMEOUT);
        let why = "no connection within 400 ms: no answer from the address";
        assert_eq!(fault.text, format!("connecting to all-holes:{port}: {why}"));
    }
    times.sort();
    println!("all-holes: {times:?}");
    assert!(times[0] < Duration::from_millis(650) && times[2] < Duration::from_secs(10), "{times:?}");
    // `Disconnect` does not wait for them.
    client.connect_timeout(0);
    client.begin_connect(&format!("ws://all-holes:{port}/")).unwrap();
    let start = Instant::now();
    assert_eq!(client.disconnect(1000, ""), Ok(false));
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());

    // The port of the scheme, the name in Cyrillic, in the certificate as DNS has it.
    let authority = Authority::new("idn");
    authority.issue(Subject { name: "idn", alternatives: "DNS:xn--e1afmkfd.xn--p1ai", ..LOCAL });
    let server = Server::new();
    let [chain, key] = ["idn.pem", "idn.key"].map(|name| authority.path(name));
    let (home, none) = ("127.0.0.1", std::ptr::null());
    // SAFETY: texts that are readable for the call.
    let result = unsafe {
        let [home, chain, key] = [home, &chain, &key].map(|text| (text.as_ptr().cast(), text.len()));
        wsaddin_server_run_tls(server.0, home.0, home.1, 443, chain.0, chain.1, key.0, key.1, none, 0)
    };
    face::check(result).unwrap();
    let client = authority.client();
    client.connect("wss://пример.рф/чат?имя=Ёж и 'уж'").unwrap();
    let id = server.opened();
    let info = server.connection_info(id).unwrap().unwrap();
    assert_eq!(info["path"], "/%D1%87%D0%B0%D1%82");
    assert_eq!(info["query"], "%D0%B8%D0%BC%D1%8F=%D0%81%D0%B6%20%D0%B8%20%27%D1%83%D0%B6%27");
    assert_eq!(info["headers"]["host"], "xn--e1afmkfd.xn--p1ai");
    echo(&client, &server);
    println!("the namespace is done");
}

#[test]
fn ipv6_literals() {
    let server = Server::new();
    if server.run("::1", 0).is_err() {
        // A machine, or a container, without IPv6.
        let must = std::env::var_os("WSADDIN_NO_SKIP").is_some_and(|value| value == "1");
        assert!(!must, "no IPv6 here");
        return;
    }
    for host in ["[::1]", "[0:0:0:0:0:0:0:1]", "[::]"] {
        let client = Client::new();
        client.connect(&format!("ws://{host}:{}/x", server.port())).unwrap();
        let id = server.opened();
        let info = server.connection_info(id).unwrap().unwrap();
        assert_eq!(info["headers"]["host"], format!("[::1]:{}", server.port()));
        assert!(info["address"].as_str().unwrap().starts_with("[::1]:"), "{info}");
        client.send("шесть").unwrap();
        assert_eq!(server.event().text(), "шесть");
        assert!(client.disconnect(1000, "").unwrap());
        while server.event().event != WSADDIN_EVENT_CLOSE {}
    }
}

/// As browsers encode them: UTF-8, percent signs as they are, `'` in a query only.
#[test]
fn paths_and_queries_are_encoded_as_browsers_do() {
    let (tell, heard) = channel();
    let peer = Peer::new(move |stream| {
        let _ = tell.send(raw::read_head(stream));
        Then::Close
    });
    let client = Client::new();
    for (given, asked) in [
        ("", "/"),
        ("/чат/комната 1", "/%D1%87%D0%B0%D1%82/%D0%BA%D0%BE%D0%BC%D0%BD%D0%B0%D1%82%D0%B0%201"),
        ("/a%20b%zz?c=%D0%B0&д=é", "/a%20b%zz?c=%D0%B0&%D0%B4=%C3%A9"),
        ("/it's?it's", "/it's?it%27s"),
        ("/\u{1f600}?\u{1f600}", "/%F0%9F%98%80?%F0%9F%98%80"),
        ("/a/../b/./c?a/../b", "/b/c?a/../b"),
        ("?\"<>`{}", "/?%22%3C%3E`{}"),
        ("/\"<>`{}|", "/%22%3C%3E%60%7B%7D|"),
    ] {
        assert!(client.connect(&format!("ws://{}{given}", peer.address())).is_err());
        let head = heard.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(head.lines().next().unwrap(), format!("GET {asked} HTTP/1.1"), "{given}");
    }
}
