//! Pinned keys: which key of which chain counts, against servers of ours, of Python's and of OpenSSL's.

#![allow(dead_code, reason = "a part of the common modules is used")]

#[path = "common/mod.rs"]
mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/peer.rs"]
mod peer;
#[path = "common/raw.rs"]
mod raw;
#[path = "common/tls.rs"]
mod tls;

use face::*;
use std::path::Path;
use std::process::Command;
use tls::{Authority, LOCAL, RSA, Subject, openssl, turn};
use websocket_addin::capi::*;

/// The pin of a certificate as the documents tell to make it.
fn pin(authority: &Authority, name: &str) -> String {
    let command = "openssl x509 -in NAME -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64";
    for page in ["docs/en/tls.md", "docs/ru/tls.md"] {
        let text = std::fs::read_to_string(common::root().join(page)).unwrap();
        assert!(text.contains(&command.replace("NAME", "server.pem")), "{page}");
    }
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command.replace("NAME", &authority.path(name)));
    format!("sha256/{}", common::run_well(&mut shell, std::time::Duration::from_secs(60)).trim())
}

const OTHER: &str = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

#[test]
fn one_key_of_the_verified_chain_must_match() {
    let _turn = turn();
    let authority = Authority::with_server("pins");
    let server = authority.server("server");
    let url = server.secure_url("localhost");
    let (own, root) = (pin(&authority, "server.pem"), pin(&authority, "ca.pem"));
    let client = authority.client();
    let connects = |pins: &str| {
        client.set_pins(pins).unwrap();
        client.connect(&url).unwrap_or_else(|fault| panic!("{pins}: {}", fault.text));
        tls::echo(&client, &server);
        client.disconnect(1000, "").unwrap();
    };
    connects("");
    connects(&own);
    connects(&root);
    connects(&format!("{OTHER}, {own}"));
    connects(&own.replace("sha256/", "sha256//"));
    client.set_pins(OTHER).unwrap();
    for _ in 0..3 {
        // The same each time: nothing is resumed that would not be looked at.
        let fault = client.connect(&url).unwrap_err();
        assert_eq!(fault.code, WSADDIN_CERTIFICATE);
        let place = format!("localhost:{}", server.port());
        let said = format!("no key of localhost is among PinnedCertificates, its own is {own}");
        assert_eq!(fault.text, format!("connecting to {place}: {said}"));
    }
    set_language(WSADDIN_LANGUAGE_RUSSIAN);
    let fault = client.connect(&url).unwrap_err();
    set_language(WSADDIN_LANGUAGE_ENGLISH);
    let said =
        format!("ключей сервера localhost нет в свойстве ОтпечаткиСертификатов, отпечаток его собственного: {own}");
    assert!(fault.text.ends_with(&said), "{}", fault.text);
    // What the error shows is what to pin.
    connects(fault.text.rsplit(' ').next().unwrap());
    assert_eq!(code(client.set_pins("sha256/short")), WSADDIN_BAD_ARGUMENT);
    connects(&own);
    // By address, too.
    client.connect(&server.secure_url("127.0.0.1")).unwrap();
}

#[test]
fn all_other_checks_stay() {
    let _turn = turn();
    let authority = Authority::with_server("pins-checks");
    authority.issue(Subject { name: "old", until: "20210101000000Z", ..LOCAL });
    authority.issue(Subject { name: "elsewhere", alternatives: "DNS:elsewhere", ..LOCAL });
    authority.issue(Subject { name: "localhost", alternatives: "", ..LOCAL });
    for (name, text) in [
        ("old", "the server's certificate has expired"),
        ("elsewhere", "the server's certificate is not for localhost"),
        ("localhost", "the server's certificate names no host in subjectAltName"),
    ] {
        let server = authority.server(name);
        let client = authority.client();
        client.set_pins(&pin(&authority, &format!("{name}.pem"))).unwrap();
        let fault = client.connect(&server.secure_url("localhost")).unwrap_err();
        assert!(fault.code == WSADDIN_CERTIFICATE && fault.text.contains(text), "{}", fault.text);
        // Not verified, the key alone counts.
        client.verify(false);
        client.connect(&server.secure_url("localhost")).unwrap();
        client.disconnect(1000, "").unwrap();
    }
    let server = authority.server("server");
    let stranger = Client::new();
    stranger.set_pins(&pin(&authority, "server.pem")).unwrap();
    let fault = stranger.connect(&server.secure_url("localhost")).unwrap_err();
    assert!(fault.text.contains("comes from an unknown authority"), "{}", fault.text);
}

/// A certificate with the pinned key that the server only sends along proves nothing: it does not have that key.
#[test]
fn what_is_only_sent_along_does_not_count() {
    let _turn = turn();
    let (authority, good) = (Authority::with_server("pins-liar"), Authority::with_server("pins-good"));
    let wanted = pin(&good, "server.pem");
    authority.write("chain.pem", &(authority.read("server.pem") + &good.read("server.pem") + &good.read("ca.pem")));
    let server = Server::new();
    server.run_tls(&authority.path("chain.pem"), &authority.path("server.key"), "").unwrap();
    let client = authority.client();
    client.set_pins(&format!("{wanted}, {}", pin(&good, "ca.pem"))).unwrap();
    for verify in [true, false] {
        client.verify(verify);
        let fault = client.connect(&server.secure_url("localhost")).unwrap_err();
        assert_eq!(fault.code, WSADDIN_CERTIFICATE, "{}", fault.text);
        assert!(fault.text.ends_with(&format!("its own is {}", pin(&authority, "server.pem"))), "{}", fault.text);
    }
    // Not verified, the root's key is none of the server's.
    client.set_pins(&pin(&authority, "ca.pem")).unwrap();
    assert_eq!(code(client.connect(&server.secure_url("localhost"))), WSADDIN_CERTIFICATE);
    client.verify(true);
    client.connect(&server.secure_url("localhost")).unwrap();
}

/// An intermediate certificate between root and server, and a self-signed one that nobody vouches for.
#[test]
fn chains_of_three_and_of_one() {
    let _turn = turn();
    let authority = Authority::with_server("pins-chains");
    let folder: &Path = authority.folder();
    authority.write("middle.ext", "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n");
    authority.write("leaf.ext", "basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost\n");
    let key = |name: &str| openssl(folder, &[&["genpkey"], RSA, &["-out", name]].concat());
    let issue = |name: &str, by: [&str; 2]| {
        let [k, csr, crt, ext] = ["key", "csr", "pem", "ext"].map(|ending| format!("{name}.{ending}"));
        key(&k);
        openssl(folder, &["req", "-new", "-key", &k, "-subj", &format!("/CN={name}"), "-out", &csr]);
        let sign = ["x509", "-req", "-in", &csr, "-CA", by[0], "-CAkey", by[1], "-CAcreateserial", "-days", "9000"];
        openssl(folder, &[&sign[..], &["-extfile", &ext, "-out", &crt]].concat());
    };
    issue("middle", ["ca.pem", "ca.key"]);
    issue("leaf", ["middle.pem", "middle.key"]);
    authority.write("chain.pem", &(authority.read("leaf.pem") + &authority.read("middle.pem")));
    let server = Server::new();
    server.run_tls(&authority.path("chain.pem"), &authority.path("leaf.key"), "").unwrap();
    let client = authority.client();
    for name in ["leaf.pem", "middle.pem", "ca.pem"] {
        client.set_pins(&pin(&authority, name)).unwrap();
        client.connect(&server.secure_url("localhost")).unwrap_or_else(|fault| panic!("{name}: {}", fault.text));
        client.disconnect(1000, "").unwrap();
    }
    key("self.key");
    let make = ["req", "-x509", "-key", "self.key", "-subj", "/CN=self", "-days", "9000", "-out", "self.pem"];
    openssl(folder, &make);
    let server = Server::new();
    server.run_tls(&authority.path("self.pem"), &authority.path("self.key"), "").unwrap();
    let client = Client::new();
    client.set_pins(&pin(&authority, "self.pem")).unwrap();
    assert_eq!(code(client.connect(&server.secure_url("localhost"))), WSADDIN_CERTIFICATE);
    client.verify(false);
    client.connect(&server.secure_url("localhost")).unwrap();
    client.disconnect(1000, "").unwrap();
    client.set_pins(OTHER).unwrap();
    assert_eq!(code(client.connect(&server.secure_url("localhost"))), WSADDIN_CERTIFICATE);
}

/// Python's server, with TLS 1.2 and 1.3, and with a certificate of the client.
#[test]
fn python_shows_its_key() {
    let _turn = turn();
    let authority = Authority::with_server("pins-python");
    authority.issue(Subject { name: "me", alternatives: "", ..LOCAL });
    let [chain, key, ca] = ["server.pem", "server.key", "ca.pem"].map(|name| authority.path(name));
    for version in ["1.2", "1.3"] {
        let Some(peer) = peer::Peer::python("tls_server.py", &[&chain, &key, &ca, version]) else { return };
        let url = format!("wss://localhost:{}/", peer.line_after("port "));
        let client = authority.client();
        client.set_client_certificate(&authority.path("me.pem"), &authority.path("me.key"), "").unwrap();
        client.set_pins(&pin(&authority, "server.pem")).unwrap();
        client.connect(&url).unwrap();
        for (question, answer) in [("who", "me"), ("name", "localhost"), ("version", &format!("TLSv{version}"))] {
            client.send(question).unwrap();
            assert_eq!(client.event_of(WSADDIN_EVENT_MESSAGE).text(), answer);
        }
        client.disconnect(1000, "").unwrap();
        client.set_pins(OTHER).unwrap();
        let fault = client.connect(&url).unwrap_err();
        assert!(fault.text.contains("no key of localhost is among PinnedCertificates"), "{}", fault.text);
    }
}

/// A client that reconnects looks each time, and a redirect leads to no server with another key.
#[test]
fn every_handshake_is_checked() {
    let _turn = turn();
    let authority = Authority::with_server("pins-again");
    authority.issue(Subject { name: "second", ..LOCAL });
    let server = authority.server("server");
    let client = authority.client();
    client.set_pins(&pin(&authority, "server.pem")).unwrap();
    client.reconnect_interval(1).max_reconnect_attempts(1);
    client.connect(&server.secure_url("localhost")).unwrap();
    client.expect(WSADDIN_EVENT_OPEN);
    let connection = server.opened();
    server.reload_certificate(&authority.path("second.pem"), &authority.path("second.key"), "").unwrap();
    server.disconnect(connection, 1012, "").unwrap();
    client.expect(WSADDIN_EVENT_CLOSE);
    let text = client.expect(WSADDIN_EVENT_ERROR).text().to_owned();
    assert!(text.ends_with(&format!("its own is {}", pin(&authority, "second.pem"))), "{text}");
    assert_eq!(client.error_code(), WSADDIN_CERTIFICATE);
    let port = server.port();
    let answer = format!("HTTP/1.1 302 Moved\r\nLocation: wss://localhost:{port}/\r\n\r\n");
    let plain = raw::Peer::answering(answer);
    client.max_redirects(1);
    assert_eq!(code(client.connect(&plain.url())), WSADDIN_CERTIFICATE);
    client.set_pins(&pin(&authority, "second.pem")).unwrap();
    client.connect(&plain.url()).unwrap();
}
