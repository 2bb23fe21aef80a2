//! TLS with other people's software: OpenSSL's `s_server` and `s_client`, Python's `ssl` and `websockets`.

#![allow(dead_code, reason = "a part of the common modules is used")]

#[path = "common/mod.rs"]
mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/peer.rs"]
mod peer;
#[path = "common/tls.rs"]
mod tls;

use face::{Client, until};
use peer::Peer;
use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;
use tls::{Authority, EC, LOCAL, RSA, Subject, openssl, turn};
use websocket_addin::capi::*;

/// A WebSocket server in Python; what it prints first is its port.
fn python(authority: &Authority, arguments: &[&str]) -> Option<(Peer, String)> {
    let [chain, key, ca] = ["server.pem", "server.key", "ca.pem"].map(|name| authority.path(name));
    let peer = Peer::python("tls_server.py", &[&[chain.as_str(), &key, &ca], arguments].concat())?;
    let url = format!("wss://localhost:{}/", peer.line_after("port "));
    Some((peer, url))
}

fn says(client: &Client, text: &str, answer: &str) {
    client.send(text).unwrap();
    assert_eq!(client.event_of(WSADDIN_EVENT_MESSAGE).text(), answer);
}

#[test]
fn mutual_tls_with_python() {
    let _turn = turn();
    let authority = Authority::with_server("mutual");
    let stranger = Authority::new("stranger");
    authority.issue(Subject { name: "me", alternatives: "", key: RSA, ..LOCAL });
    authority.issue(Subject { name: "late", alternatives: "", until: "20210101000000Z", ..LOCAL });
    stranger.issue(Subject { name: "me", alternatives: "", ..LOCAL });
    for version in ["1.2", "1.3"] {
        let Some((_peer, url)) = python(&authority, &[version]) else { return };
        let client = authority.client();
        // It tells who it saw, and which name was asked for.
        client.set_client_certificate(&authority.path("me.pem"), &authority.path("me.key"), "").unwrap();
        client.connect(&url).unwrap();
        says(&client, "who", "me");
        says(&client, "name", "localhost");
        says(&client, "version", &format!("TLSv{version}"));
        client.disconnect(1000, "").unwrap();
        // PKCS#12 with a password.
        let file = authority.path("me.p12");
        let make =
            ["pkcs12", "-export", "-in", "me.pem", "-inkey", "me.key", "-out", "me.p12", "-passout", "pass:тайна"];
        openssl(authority.folder(), &make);
        client.set_client_certificate(&file, "", "тайна").unwrap();
        client.connect(&url).unwrap();
        says(&client, "who", "me");
        client.disconnect(1000, "").unwrap();
        // A bad one is refused when it is set, and changes nothing.
        assert_eq!(client.set_client_certificate(&file, "", "другая").unwrap_err().code, WSADDIN_FILE);
        client.connect(&url).unwrap();
        client.disconnect(1000, "").unwrap();
        // None, one of a stranger, one that has expired.
        let [pem, key] = ["me.pem", "me.key"].map(|name| stranger.path(name));
        let [late, late_key] = ["late.pem", "late.key"].map(|name| authority.path(name));
        for (certificate, key) in [("", ""), (pem.as_str(), key.as_str()), (&late, &late_key)] {
            client.set_client_certificate(certificate, key, "").unwrap();
            // The server's reset may overtake its reason: then the reason is lost, and the next try tells it.
            until("the server's reason came through", || {
                let fault = client.connect(&url).unwrap_err();
                let told = match (version, certificate) {
                    // Before TLS 1.3 the alert does not say what is missing.
                    ("1.2", "") => fault.code == WSADDIN_TLS && fault.text.contains("may demand a client certificate"),
                    _ => fault.code == WSADDIN_CERTIFICATE && fault.text.contains("client certificate"),
                };
                assert!(told || matches!(fault.code, WSADDIN_IO | WSADDIN_TLS | WSADDIN_HANDSHAKE), "{fault:?}");
                told
            });
        }
    }
}

/// `openssl s_server` on a free port, with what it prints first read.
fn s_server(authority: &Authority, arguments: &[&str]) -> (Peer, String) {
    let port = free_port();
    let mut command = Command::new("openssl");
    command.current_dir(authority.folder()).args(["s_server", "-accept", &format!("127.0.0.1:{port}")]);
    command.args(["-cert", "server.pem", "-key", "server.key"]).args(arguments).stderr(std::process::Stdio::null());
    let peer = Peer::start("openssl s_server", &mut command);
    peer.line_after("ACCEPT");
    (peer, format!("wss://localhost:{port}/"))
}

#[test]
fn a_server_of_old_is_refused() {
    let _turn = turn();
    let authority = Authority::with_server("old-tls");
    for version in ["-tls1", "-tls1_1"] {
        let (_peer, url) = s_server(&authority, &[version, "-cipher", "ALL:@SECLEVEL=0"]);
        let fault = authority.client().connect(&url).unwrap_err();
        assert_eq!(fault.code, WSADDIN_TLS, "{version}: {fault:?}");
        assert!(fault.text.contains("before 1.2"), "{version}: {fault:?}");
    }
}

#[test]
fn what_is_not_tls_is_called_so() {
    let _turn = turn();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let plain = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut socket, _) = listener.accept().unwrap();
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").unwrap();
        let _ = socket.read(&mut [0; 1024]);
    });
    let fault = Client::new().connect(&format!("wss://127.0.0.1:{port}/")).unwrap_err();
    plain.join().unwrap();
    assert_eq!(fault.code, WSADDIN_TLS, "{fault:?}");
    assert!(fault.text.contains("does not speak TLS"), "{fault:?}");
}

/// A free port, for a program that cannot pick one.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn openssl_s_server_demands_and_checks_a_certificate() {
    let _turn = turn();
    let authority = Authority::with_server("s-server");
    authority.issue(Subject { name: "me", alternatives: "", ..LOCAL });
    // -www answers every request with a page about the session, so the handshake of WebSocket fails, but not that of TLS.
    let (_peer, url) = s_server(&authority, &["-www", "-CAfile", "ca.pem", "-Verify", "1", "-verify_return_error"]);
    let client = authority.client();
    let fault = client.connect(&url).unwrap_err();
    assert!(matches!(fault.code, WSADDIN_CERTIFICATE | WSADDIN_TLS | WSADDIN_IO), "{fault:?}");
    client.set_client_certificate(&authority.path("me.pem"), &authority.path("me.key"), "").unwrap();
    let fault = client.connect(&url).unwrap_err();
    assert_eq!(fault.code, WSADDIN_HANDSHAKE, "through TLS, and then no WebSocket: {fault:?}");
}

/// What `openssl s_client` says of our server.
fn s_client(authority: &Authority, port: u16, arguments: &[&str]) -> String {
    let address = format!("127.0.0.1:{port}");
    let mut command = Command::new("openssl");
    command
        .current_dir(authority.folder())
        .args(["s_client", "-connect", &address, "-CAfile", "ca.pem"])
        .args(arguments);
    let output = common::run(&mut command, Duration::from_secs(60));
    [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat()
}

#[test]
fn openssl_s_client_sees_a_whole_chain_and_no_old_protocol() {
    let _turn = turn();
    let authority = Authority::with_server("s-client");
    // A chain with an intermediate, as public authorities have it.
    openssl(authority.folder(), &[&["genpkey"], EC, &["-out", "sub.key"]].concat());
    openssl(authority.folder(), &["req", "-new", "-key", "sub.key", "-subj", "/CN=sub", "-out", "sub.csr"]);
    authority.write("sub.ext", "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n");
    let sign = |request: &str, extensions: &str, ca: &str, out: &str| {
        let ca = [format!("{ca}.pem"), format!("{ca}.key")];
        let what = ["x509", "-req", "-in", request, "-extfile", extensions, "-CA", &ca[0], "-CAkey", &ca[1]];
        openssl(authority.folder(), &[&what[..], &["-CAcreateserial", "-days", "3000", "-out", out]].concat());
    };
    sign("sub.csr", "sub.ext", "ca", "sub.pem");
    sign("server.csr", "server.ext", "sub", "leaf.pem");
    // In the wrong order, and with the root that nobody needs.
    let chain = ["ca.pem", "sub.pem", "leaf.pem"].map(|name| authority.read(name)).concat();
    let server = face::Server::new();
    server.run_tls(&chain, &authority.path("server.key"), "").unwrap();
    let port = server.port();
    for (option, version) in [("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")] {
        let said = s_client(&authority, port, &[option, "-verify_hostname", "localhost", "-verify_return_error"]);
        assert!(said.contains("Verify return code: 0 (ok)") && said.contains(&format!("New, {version}")), "{said}");
    }
    // The intermediate came along, the leaf first.
    let said = s_client(&authority, port, &["-showcerts"]);
    let places =
        ["CN = server", "CN = sub"].map(|name| said.find(&format!("s:{name}")).unwrap_or_else(|| panic!("{said}")));
    assert!(places[0] < places[1], "{said}");
    for option in ["-tls1", "-tls1_1"] {
        let said = s_client(&authority, port, &[option, "-cipher", "ALL:@SECLEVEL=0"]);
        assert!(said.contains("alert protocol version") || said.contains("no peer certificate"), "{said}");
    }
    // Nothing that encrypts badly or not at all, however little security the peer asks for.
    let weak = ["eNULL", "aNULL", "EXPORT", "RC4", "3DES", "DES", "MD5", "SEED", "IDEA"];
    for (cipher, good) in weak.map(|cipher| (cipher, false)).into_iter().chain([("ECDHE", true)]) {
        let list = format!("{cipher}:@SECLEVEL=0");
        let said = s_client(&authority, port, &["-tls1_2", "-cipher", &list]);
        // The server refuses it, or the peer's OpenSSL does not have it either.
        let refused = said.contains("alert handshake failure") || said.contains("no cipher match");
        assert_eq!(refused, !good, "{cipher}: {said}");
    }
    let client = authority.client();
    client.connect(&server.secure_url("localhost")).unwrap();
}

/// A renegotiation costs a server far more than its peer: it is refused, and the connection goes on or ends.
#[test]
fn renegotiation_is_refused() {
    let _turn = turn();
    let authority = Authority::with_server("renegotiation");
    let server = face::Server::new();
    server.run_tls(&authority.path("server.pem"), &authority.path("server.key"), "").unwrap();
    let address = format!("127.0.0.1:{}", server.port());
    let mut command = Command::new("timeout");
    let arguments = ["60", "openssl", "s_client", "-connect", &address, "-CAfile", "ca.pem", "-tls1_2"];
    command.current_dir(authority.folder()).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut peer = command.spawn().unwrap();
    // A line that is only an R asks for one; the end of the input would end the conversation.
    let mut input = peer.stdin.take().unwrap();
    input.write_all(b"R\n").unwrap();
    let output = peer.wait_with_output().unwrap();
    let said = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
    assert!(said.contains("New, TLSv1.2") && said.contains("RENEGOTIATING"), "{said}");
    assert!(said.contains("no renegotiation") || said.contains("alert"), "{said}");
    let client = authority.client();
    client.connect(&server.secure_url("localhost")).unwrap();
}

#[test]
fn pythons_client_talks_to_our_server() {
    let _turn = turn();
    let authority = Authority::with_server("python-client");
    let server = authority.server("server");
    let url = server.secure_url("localhost");
    let Some(peer) = Peer::python("tls_client.py", &[&url, &authority.path("ca.pem")]) else { return };
    let connection = server.opened();
    let message = server.event();
    assert!(server.send(connection, message.text()).unwrap());
    assert_eq!(peer.line_after("got "), message.text());
    let (well, rest) = peer.end();
    assert!(well, "{rest:?}");
}
