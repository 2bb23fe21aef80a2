//! Certificates of clients at a server: who is let in, what is told of them, and what the others are told.

#![allow(dead_code, reason = "a part of the common modules is used")]
#![cfg(unix)]

#[path = "common/mod.rs"]
mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/tls.rs"]
mod tls;

use common::Scratch;
use face::*;
use openssl::asn1::{Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::x509::{X509, X509Extension, X509Name};
use serde_json::json;
use std::process::{Command, Stdio};
use std::time::Duration;
use tls::{Authority, LOCAL, Subject, echo, turn};
use websocket_addin::capi::*;

const LIMIT: Duration = Duration::from_secs(60);
const NAMES: &str = "DNS:till.example,email:till@example.org,IP:10.0.0.7,URI:urn:till:7";
const TILL: Subject<'static> = Subject { name: "till", alternatives: NAMES, ..LOCAL };
const OLD: Subject<'static> = Subject { name: "old", until: "20210101000000Z", ..TILL };
const EARLY: Subject<'static> = Subject { name: "early", from: "20890101000000Z", ..TILL };
const LOST: Subject<'static> = Subject { name: "lost", ..TILL };

/// One for the server and its clients, with certificates of every kind.
fn authority(name: &str) -> Authority {
    let authority = Authority::with_server(name);
    [TILL, OLD, EARLY, LOST].iter().for_each(|subject| authority.issue(*subject));
    authority
}

/// Asks for certificates of this authority.
fn server(authority: &Authority, mode: &str, ca: &str) -> Server {
    let server = Server::new();
    server.set_client_certificates(mode).unwrap();
    server.set_client_ca_file(ca).unwrap();
    server.run_tls(&authority.path("server.pem"), &authority.path("server.key"), "").unwrap();
    server
}

/// A client of ours that trusts `authority` and shows that certificate of `owner`.
fn client(authority: &Authority, owner: &Authority, name: &str) -> Client {
    let client = authority.client();
    client
        .set_client_certificate(&owner.path(&format!("{name}.pem")), &owner.path(&format!("{name}.key")), "")
        .unwrap();
    client
}

/// What `openssl x509` says of a certificate.
fn said(authority: &Authority, name: &str, what: &[&str]) -> String {
    let file = format!("{name}.pem");
    let said = tls::openssl(authority.folder(), &[&["x509", "-noout", "-in", &file][..], what].concat());
    said.trim().split_once('=').expect("NAME=VALUE").1.to_owned()
}

#[test]
fn the_host_is_told_of_a_good_one() {
    let authority = authority("told");
    for mode in ["request", "require"] {
        let server = server(&authority, mode, &authority.path("ca.pem"));
        let client = client(&authority, &authority, "till");
        client.connect(&server.secure_url("localhost")).unwrap();
        let opened = server.expect(WSADDIN_EVENT_OPEN);
        let info = server.connection_info(opened.connection).unwrap().unwrap();
        let certificate = &info["certificate"];
        let sha256 = said(&authority, "till", &["-fingerprint", "-sha256"]).replace(':', "").to_lowercase();
        assert_eq!(certificate["sha256"], sha256);
        assert_eq!(certificate["serial"], said(&authority, "till", &["-serial"]));
        assert_eq!((&certificate["subject"], &certificate["issuer"]), (&json!("CN=till"), &json!("CN=told")));
        assert_eq!(certificate["not_after"], "2090-01-01T00:00:00.000Z");
        let names = ["till.example", "till@example.org", "10.0.0.7", "urn:till:7"];
        assert_eq!(certificate["names"], json!(names));
        assert_eq!(opened.json()["certificate"], *certificate);
        echo(&client, &server);
    }
}

#[test]
fn pending_tells_of_it() {
    let authority = authority("pending");
    let server = server(&authority, "require", &authority.path("ca.pem"));
    server.manual_accept(true.into());
    let client = client(&authority, &authority, "till");
    client.begin_connect(&server.secure_url("localhost")).unwrap();
    let pending = server.expect(WSADDIN_EVENT_PENDING);
    assert_eq!(pending.json()["certificate"]["subject"], "CN=till");
    assert!(server.accept(pending.connection).unwrap());
    client.expect(WSADDIN_EVENT_OPEN);
}

#[test]
fn none_is_enough_where_one_is_only_requested() {
    let authority = authority("none");
    let server = server(&authority, "request", &authority.path("ca.pem"));
    let client = authority.client();
    client.connect(&server.secure_url("localhost")).unwrap();
    let info = server.connection_info(server.opened()).unwrap().unwrap();
    assert_eq!(info.get("certificate"), None);
    echo(&client, &server);
}

/// In both modes, with TLS 1.2 and 1.3, by a client of ours and by OpenSSL's; the log says why.
#[test]
fn a_bad_one_is_refused() {
    let _turn = turn();
    set_language(WSADDIN_LANGUAGE_ENGLISH);
    let (authority, stranger) = (authority("bad"), authority("stranger"));
    let list = authority.revocations(&["lost"], 3600);
    let scratch = Scratch::new("client-certificates");
    let log = scratch.path().join("log");
    set_log(log.to_str().unwrap(), WSADDIN_LOG_INFO).unwrap();
    let cases = [
        (&authority, "old", "the client's certificate has expired"),
        (&authority, "early", "the client's certificate is not valid yet"),
        (&stranger, "till", "the client's certificate was issued by none of the authorities of ClientCAFile"),
        (&authority, "lost", "the client's certificate has been revoked"),
        (&authority, "", "the client has shown no certificate"),
    ];
    for mode in ["request", "require"] {
        let server = server(&authority, mode, &(authority.read("ca.pem") + &list));
        for (owner, name, why) in cases {
            if name.is_empty() && mode == "request" {
                continue;
            }
            let ours = match name {
                "" => authority.client(),
                name => client(&authority, owner, name),
            };
            let before = std::fs::read_to_string(&log).unwrap().matches(why).count();
            let fault = ours.connect(&server.secure_url("localhost")).unwrap_err();
            assert_eq!(fault.code, WSADDIN_CERTIFICATE, "{mode} {name}: {fault:?}");
            for version in ["-tls1_2", "-tls1_3"] {
                let connect = format!("127.0.0.1:{}", server.port());
                let mut command = Command::new("openssl");
                command.args(["s_client", "-connect", &connect, version, "-quiet", "-no_ign_eof"]);
                if !name.is_empty() {
                    let [certificate, key] = ["pem", "key"].map(|ending| owner.path(&format!("{name}.{ending}")));
                    command.args(["-cert", &certificate, "-key", &key]);
                }
                let output = common::run(command.stdin(Stdio::null()), LIMIT);
                let text = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(version == "-tls1_3" || text.contains("alert"), "{version} {name}: {text}");
            }
            // One line for each of the three.
            until("the log says why", || std::fs::read_to_string(&log).unwrap().matches(why).count() >= before + 3);
        }
        let good = client(&authority, &authority, "till");
        good.connect(&server.secure_url("localhost")).unwrap();
        server.opened();
        echo(&good, &server);
    }
    set_log("", WSADDIN_LOG_INFO).unwrap();
}

/// Who was let in once is judged again: a session that is resumed would get past the authorities.
#[test]
fn no_session_is_resumed() {
    let authority = authority("resumed");
    let server = server(&authority, "require", &authority.path("ca.pem"));
    let (certificate, key) = (authority.path("till.pem"), authority.path("till.key"));
    let connect = format!("127.0.0.1:{}", server.port());
    for version in ["-tls1_2", "-tls1_3"] {
        let session = authority.path(&format!("session{version}"));
        let request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let talk = |more: &[&str]| {
            let mut command = Command::new("openssl");
            command.args(["s_client", "-connect", &connect, version, "-ign_eof"]).args(more);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            std::io::Write::write_all(&mut child.stdin.take().unwrap(), request.as_bytes()).unwrap();
            let output = child.wait_with_output().unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let first = talk(&["-cert", &certificate, "-key", &key, "-sess_out", &session]);
        assert!(first.contains("HTTP/1.1 426"), "{first}");
        if std::path::Path::new(&session).exists() {
            let second = talk(&["-sess_in", &session]);
            assert!(!second.contains("HTTP/1.1 426") && !second.contains("Reused"), "{second}");
        }
    }
}

#[test]
fn reloading_takes_other_authorities() {
    let (authority, other) = (authority("before"), authority("after"));
    let ca = authority.path("clients.pem");
    authority.write("clients.pem", &authority.read("ca.pem"));
    let server = server(&authority, "require", &ca);
    let (one, two) = (client(&authority, &authority, "till"), client(&authority, &other, "till"));
    let url = server.secure_url("localhost");
    one.connect(&url).unwrap();
    server.opened();
    assert_eq!(code(two.connect(&url)), WSADDIN_CERTIFICATE);
    authority.write("clients.pem", &other.read("ca.pem"));
    server.reload_certificate("", "", "").unwrap();
    two.connect(&url).unwrap();
    server.opened();
    // Who is there stays.
    echo(&one, &server);
    one.disconnect(1000, "").unwrap();
    assert_eq!(code(one.connect(&url)), WSADDIN_CERTIFICATE);
    // What cannot be read changes nothing.
    authority.write("clients.pem", "-----BEGIN CERTIFICATE-----");
    assert_eq!(code(server.reload_certificate("", "", "")), WSADDIN_FILE);
    two.disconnect(1000, "").unwrap();
    two.connect(&url).unwrap();
}

#[test]
fn reloading_takes_what_was_revoked_since() {
    let authority = authority("since");
    let trust = authority.path("clients.pem");
    authority.write("clients.pem", &authority.read("ca.pem"));
    let server = server(&authority, "require", &trust);
    let lost = client(&authority, &authority, "lost");
    let url = server.secure_url("localhost");
    lost.connect(&url).unwrap();
    server.opened();
    lost.disconnect(1000, "").unwrap();
    authority.write("clients.pem", &(authority.read("ca.pem") + &authority.revocations(&["lost"], 3600)));
    server.reload_certificate("", "", "").unwrap();
    assert_eq!(code(lost.connect(&url)), WSADDIN_CERTIFICATE);
}

/// Whoever the file names is trusted: an authority below another one that it does not name, or a client by itself.
#[test]
fn an_authority_needs_none_above_it() {
    let (root, stranger) = (authority("above"), authority("beside"));
    let below = Authority::below(&root, "below");
    below.issue(TILL);
    for (trust, owner, good) in [
        (below.path("ca.pem"), &below, true),
        (root.path("till.pem"), &root, true),
        (below.path("ca.pem"), &root, false),
        (stranger.path("ca.pem"), &below, false),
    ] {
        let server = server(&root, "require", &trust);
        let outcome = client(&root, owner, "till").connect(&server.secure_url("localhost"));
        assert_eq!(outcome.is_ok(), good, "{trust}: {outcome:?}");
    }
    // The root alone takes its clients' chain, if they send it.
    let server = server(&root, "require", &root.path("ca.pem"));
    assert!(client(&root, &below, "till").connect(&server.secure_url("localhost")).is_err());
    below.write("till.pem", &(below.read("till.pem") + &below.read("ca.pem")));
    client(&root, &below, "till").connect(&server.secure_url("localhost")).unwrap();
    // It can be revoked by the root, with all that it has issued.
    root.write("below.pem", &below.read("ca.pem"));
    let revoked = root.read("ca.pem") + &root.revocations(&["below"], 3600);
    let server = self::server(&root, "require", &revoked);
    assert!(client(&root, &below, "till").connect(&server.secure_url("localhost")).is_err());
    client(&root, &root, "till").connect(&server.secure_url("localhost")).unwrap();
}

#[test]
fn a_server_s_certificate_is_no_client_s() {
    let authority = authority("usage");
    authority.issue(Subject { name: "shop", alternatives: "DNS:shop.example\nextendedKeyUsage=serverAuth", ..TILL });
    let server = server(&authority, "require", &authority.path("ca.pem"));
    let fault = client(&authority, &authority, "shop").connect(&server.secure_url("localhost")).unwrap_err();
    assert_eq!(fault.code, WSADDIN_CERTIFICATE, "{fault:?}");
}

/// Makes `odd.pem` of that name, with a host that has NUL in it beside one that is in order.
fn issue_odd(authority: &Authority, name: &str) {
    const HOSTS: [&[u8]; 2] = [b"good.example", b"bank.example\0.evil.example"];
    let key = PKey::private_key_from_pem(authority.read("till.key").as_bytes()).unwrap();
    let issuer = X509::from_pem(authority.read("ca.pem").as_bytes()).unwrap();
    let issuer_key = PKey::private_key_from_pem(authority.read("ca.key").as_bytes()).unwrap();
    let mut subject = X509Name::builder().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let hosts = HOSTS.map(|host| [&[0x82, u8::try_from(host.len()).unwrap()], host].concat()).concat();
    let der = [&[0x30, u8::try_from(hosts.len()).unwrap()], &hosts[..]].concat();
    let oid = Asn1Object::from_str("subjectAltName").unwrap();
    let extension = X509Extension::new_from_der(&oid, false, &Asn1OctetString::new_from_bytes(&der).unwrap()).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&subject.build()).unwrap();
    builder.set_issuer_name(issuer.subject_name()).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(9).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.append_extension(extension).unwrap();
    builder.sign(&issuer_key, MessageDigest::sha256()).unwrap();
    authority.write("odd.pem", std::str::from_utf8(&builder.build().to_pem().unwrap()).unwrap());
    authority.write("odd.key", &authority.read("till.key"));
}

/// What a client has written into its certificate stays within its field, whoever shows it.
#[test]
fn names_begin_no_line_of_their_own() {
    let authority = authority("lines");
    let name = "a\", \"id\": 1\nCN=admin, O=x";
    issue_odd(&authority, name);
    let server = server(&authority, "require", &authority.path("ca.pem"));
    let client = client(&authority, &authority, "odd");
    client.connect(&server.secure_url("localhost")).unwrap();
    let info = server.connection_info(server.opened()).unwrap().unwrap();
    assert_eq!(info["id"], 1);
    let subject = r#"CN=a\"\, \"id\": 1\0ACN\=admin\, O\=x"#;
    assert_eq!(info["certificate"]["subject"], subject);
    assert_eq!(info["certificate"]["names"], json!(["good.example"]));
}

#[test]
fn an_old_revocation_list_lets_nobody_in() {
    let authority = authority("list");
    let server = server(&authority, "require", &(authority.read("ca.pem") + &authority.revocations(&[], -60)));
    assert_eq!(
        code(client(&authority, &authority, "till").connect(&server.secure_url("localhost"))),
        WSADDIN_CERTIFICATE
    );
}

#[test]
fn what_cannot_work_is_said_when_the_server_starts() {
    let _turn = turn();
    set_language(WSADDIN_LANGUAGE_ENGLISH);
    let (authority, stranger) = (authority("wrong"), authority("foreign"));
    let run = |ca: &str| {
        let server = Server::new();
        server.set_client_certificates("require").unwrap();
        server.set_client_ca_file(ca).unwrap();
        server.run_tls(&authority.path("server.pem"), &authority.path("server.key"), "").unwrap_err()
    };
    let list = stranger.revocations(&["lost"], 3600);
    let ca = authority.read("ca.pem");
    for (given, result, text) in [
        ("", WSADDIN_BAD_ARGUMENT, "ClientCertificates needs ClientCAFile"),
        ("/nowhere/ca.pem", WSADDIN_FILE, "CA certificates of clients /nowhere/ca.pem"),
        (&*authority.path("till.key"), WSADDIN_FILE, "there is no certificate in it"),
        (&*(ca.clone() + &list), WSADDIN_FILE, "is signed by none of the authorities in it"),
        (
            &*(ca.clone() + "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n"),
            WSADDIN_FILE,
            "a revocation list",
        ),
    ] {
        let fault = run(given);
        assert_eq!(fault.code, result, "{fault:?}");
        assert!(fault.text.contains(text), "{fault:?}");
        assert!(!fault.text.contains("MAA="), "{fault:?}");
    }
    let server = Server::new();
    server.set_client_certificates("require").unwrap();
    server.set_client_ca_file(&authority.path("ca.pem")).unwrap();
    let fault = server.run("127.0.0.1", 0).unwrap_err();
    assert_eq!((fault.code, fault.text.contains("needs TLS")), (WSADDIN_BAD_ARGUMENT, true), "{fault:?}");
    server.set_client_certificates("").unwrap();
    server.run("127.0.0.1", 0).unwrap();
    assert_eq!(code(server.set_client_certificates("Require")), WSADDIN_BAD_ARGUMENT);
}
