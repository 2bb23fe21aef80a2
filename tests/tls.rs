//! TLS between our server and our client: what is trusted, what is refused and why, renewal.

#[path = "common/mod.rs"]
mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/tls.rs"]
mod tls;

use face::{Client, Server, set_language, until};
use tls::{Authority, LOCAL, Subject, echo, openssl, turn};
use websocket_addin::capi::*;

#[test]
fn a_message_there_and_back() {
    let _turn = turn();
    let authority = Authority::with_server("plain");
    let server = authority.server("server");
    let client = authority.client();
    client.connect(&server.secure_url("localhost")).unwrap();
    echo(&client, &server);
    let info = server.connection_info(1).unwrap().unwrap();
    assert_eq!(info["secure"], true);
    assert_eq!(server.statistics()["warnings"], serde_json::json!([]));
    let big = vec![7; 3 << 20];
    client.send_binary(&big).unwrap();
    assert_eq!(server.receive(face::SOON).unwrap().event().data, big);
    assert!(client.disconnect(1000, "").unwrap());
}

/// Both texts of the error that the connect must end with.
fn refusals(client: &Client, url: &str) -> [String; 2] {
    [WSADDIN_LANGUAGE_ENGLISH, WSADDIN_LANGUAGE_RUSSIAN].map(|language| {
        set_language(language);
        let fault = client.connect(url).unwrap_err();
        set_language(WSADDIN_LANGUAGE_ENGLISH);
        assert_eq!(fault.code, WSADDIN_CERTIFICATE, "{fault:?}");
        assert_eq!(client.status(), -1);
        fault.text
    })
}

#[test]
fn refusals_say_what_is_wrong() {
    let _turn = turn();
    let authority = Authority::with_server("refusing");
    let stranger = Authority::with_server("stranger");
    authority.issue(Subject { name: "expired", until: "20210101000000Z", ..LOCAL });
    authority.issue(Subject { name: "early", from: "20800101000000Z", ..LOCAL });
    authority.issue(Subject { name: "elsewhere", alternatives: "DNS:example.com,IP:192.0.2.1", ..LOCAL });
    authority.issue(Subject { name: "localhost", alternatives: "", ..LOCAL });
    let alone = ["req", "-x509", "-key", "server.key", "-subj", "/CN=localhost", "-days", "9000", "-out", "alone.pem"];
    openssl(authority.folder(), &[&alone[..], &["-addext", "subjectAltName=DNS:localhost"]].concat());
    authority.write("alone.key", &authority.read("server.key"));
    for (who, name, host, en, ru) in [
        (&authority, "expired", "localhost", "has expired", "срок действия сертификата сервера истёк"),
        (&authority, "early", "localhost", "not yet valid", "срок действия сертификата сервера ещё не наступил"),
        (&authority, "elsewhere", "localhost", "is not for localhost", "выдан не для localhost"),
        (&authority, "elsewhere", "127.0.0.1", "is not for 127.0.0.1", "выдан не для 127.0.0.1"),
        // A common name alone does not count (RFC 9525).
        (&authority, "localhost", "localhost", "with localhost in subjectAltName", "указав localhost в subjectAltName"),
        (&authority, "alone", "localhost", "is self-signed", "сертификат сервера самоподписанный"),
        (&stranger, "server", "localhost", "from an unknown authority", "выдан неизвестным удостоверяющим центром"),
    ] {
        let server = who.server(name);
        let client = authority.client();
        let url = server.secure_url(host);
        let [english, russian] = refusals(&client, &url);
        assert!(english.contains(en) && english.contains(&format!("connecting to {host}:")), "{name}: {english}");
        assert!(russian.contains(ru) && russian.contains(&format!("подключение к {host}:")), "{name}: {russian}");
        // The same object without verification, and with it again.
        client.verify(false).connect(&url).unwrap();
        client.disconnect(1000, "").unwrap();
        client.verify(true).connect(&url).unwrap_err();
        // The switch is that object's alone.
        let other = authority.client();
        assert_eq!(other.connect(&url).unwrap_err().code, WSADDIN_CERTIFICATE);
    }
}

#[test]
fn addresses_and_names_are_checked() {
    let _turn = turn();
    let authority = Authority::with_server("names");
    let server = Server::new();
    server.run_tls_on("*", &authority.path("server.pem"), &authority.path("server.key"), "").unwrap();
    let client = authority.client();
    for host in ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"] {
        client.connect(&server.secure_url(host)).unwrap_or_else(|fault| panic!("{host}: {fault:?}"));
        client.disconnect(1000, "").unwrap();
    }
    // On the same machine, but not in the certificate.
    assert_eq!(client.connect(&server.secure_url("127.0.0.2")).unwrap_err().code, WSADDIN_CERTIFICATE);
}

#[test]
fn the_ca_file_is_read_at_the_next_connect() {
    let _turn = turn();
    let authority = Authority::with_server("ca-file");
    let stranger = Authority::new("no-matter");
    let server = authority.server("server");
    let url = server.secure_url("localhost");
    let client = Client::new();
    client.set_ca_file("/nowhere/ca.pem").unwrap();
    let fault = client.connect(&url).unwrap_err();
    assert_eq!(fault.code, WSADDIN_FILE, "{fault:?}");
    assert!(fault.text.contains("/nowhere/ca.pem"), "{fault:?}");
    client.set_ca_file(&authority.path("server.key")).unwrap();
    let fault = client.connect(&url).unwrap_err();
    assert!(fault.text.contains("server.key") && fault.text.contains("no certificate"), "{fault:?}");
    client.set_ca_file(&stranger.path("ca.pem")).unwrap();
    assert_eq!(client.connect(&url).unwrap_err().code, WSADDIN_CERTIFICATE);
    // The same file, renewed; several in one; as text; in DER.
    stranger.write("ca.pem", &format!("{}{}", stranger.read("ca.pem"), authority.read("ca.pem")));
    client.connect(&url).unwrap();
    client.disconnect(1000, "").unwrap();
    client.set_ca_file(&authority.read("ca.pem")).unwrap();
    client.connect(&url).unwrap();
    client.disconnect(1000, "").unwrap();
    openssl(authority.folder(), &["x509", "-in", "ca.pem", "-outform", "DER", "-out", "ca.der"]);
    client.set_ca_file(&authority.path("ca.der")).unwrap();
    client.connect(&url).unwrap();
}

#[test]
fn a_renewed_certificate_is_for_newcomers() {
    let _turn = turn();
    let (old, new) = (Authority::with_server("old"), Authority::with_server("new"));
    let folder = Authority::with_server("folder");
    let put = |from: &Authority| {
        folder.write("live.pem", &from.read("server.pem"));
        folder.write("live.key", &from.read("server.key"));
    };
    put(&old);
    let server = folder.server("live");
    let url = server.secure_url("localhost");
    let first = old.client();
    first.connect(&url).unwrap();
    // The files have changed; the server shows what it has until it is told.
    put(&new);
    let second = old.client();
    second.connect(&url).unwrap();
    server.reload_certificate("", "", "").unwrap();
    assert_eq!(old.client().connect(&url).unwrap_err().code, WSADDIN_CERTIFICATE);
    let third = new.client();
    third.connect(&url).unwrap();
    // A bad one changes nothing, whatever is wrong with it.
    folder.write("live.key", &old.read("server.key"));
    for (certificate, key) in
        [("", ""), ("/nowhere", ""), (old.read("server.pem").as_str(), new.read("server.key").as_str())]
    {
        assert_eq!(server.reload_certificate(certificate, key, "").unwrap_err().code, WSADDIN_FILE);
    }
    new.client().connect(&url).unwrap();
    // Those that were there stay, and are still served.
    for client in [&first, &second, &third] {
        assert_eq!(client.status(), 1);
        echo(client, &server);
    }
    // Other sources, which are then those of the next reload.
    server.reload_certificate(&old.path("server.pem"), &old.path("server.key"), "").unwrap();
    server.reload_certificate("", "", "").unwrap();
    old.client().connect(&url).unwrap();
}

#[test]
fn an_expired_certificate_runs_with_a_warning() {
    let _turn = turn();
    let authority = Authority::with_server("warned");
    authority.issue(Subject { name: "expired", until: "20210102000000Z", ..LOCAL });
    authority.issue(Subject { name: "early", from: "20800101000000Z", ..LOCAL });
    for (name, en, ru) in
        [("expired", "expired on 2021-01-02", "истёк 2021-01-02"), ("early", "before 2080-01-01", "с 2080-01-01")]
    {
        let log = authority.path(&format!("{name}.log"));
        let set_log = |path: &str| {
            // SAFETY: readable for the call.
            let result = unsafe { wsaddin_set_log(path.as_ptr().cast(), path.len(), WSADDIN_LOG_ERROR) };
            assert_eq!(result, WSADDIN_OK);
        };
        set_log(&log);
        let server = authority.server(name);
        until("the log has the warning", || authority.read(&format!("{name}.log")).contains(en));
        set_log("");
        for (language, part) in [(WSADDIN_LANGUAGE_RUSSIAN, ru), (WSADDIN_LANGUAGE_ENGLISH, en)] {
            set_language(language);
            let statistics = server.statistics();
            let warnings = statistics["warnings"].as_array().unwrap();
            assert!(warnings.len() == 1 && warnings[0].as_str().unwrap().contains(part), "{warnings:?}");
        }
        let client = authority.client();
        client.verify(false).connect(&server.secure_url("localhost")).unwrap();
        echo(&client, &server);
        server.reload_certificate(&authority.path("server.pem"), &authority.path("server.key"), "").unwrap();
        assert_eq!(server.statistics()["warnings"], serde_json::json!([]));
        server.stop().unwrap();
        assert_eq!(server.statistics()["warnings"], serde_json::json!([]));
    }
}

/// A pipe that nobody writes to would never come to an end, nor would a device: they are refused at once, whatever they
/// are for, and nothing is held up.
#[test]
fn what_is_no_file_is_refused_at_once() {
    let _turn = turn();
    let authority = Authority::with_server("irregular");
    let pipe = authority.path("pipe");
    common::run_well(std::process::Command::new("mkfifo").arg(&pipe), std::time::Duration::from_secs(10));
    let (certificate, key) = (authority.path("server.pem"), authority.path("server.key"));
    let (server, listening) = (Server::new(), authority.server("server"));
    let refused = |what: &str, outcome: face::Outcome| {
        let failed = outcome.expect_err(what);
        assert!(failed.code == WSADDIN_FILE && failed.text.contains(what), "{what}: {failed:?}");
        assert!(failed.text.contains("not a file") || failed.text.contains("а не файл"), "{failed:?}");
    };
    for odd in [pipe.as_str(), "/dev/zero", "/tmp"] {
        refused(odd, server.run_tls(odd, "", ""));
        refused(odd, server.run_tls(&certificate, odd, ""));
        let client = authority.client();
        refused(odd, client.set_client_certificate(odd, &key, ""));
        client.set_ca_file(odd).unwrap();
        refused(odd, client.connect(&listening.secure_url("localhost")));
    }
    server.run_tls(&certificate, &key, "").unwrap();
}
