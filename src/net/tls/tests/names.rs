//! Which names of a certificate count, by our own check and in a handshake with OpenSSL.

use super::super::names::check;
use super::super::platform::{Certificate, Client, Identity, Server};
use super::super::refusal::handshake_error;
use super::super::trial;
use super::keys::{KINDS, named_pair};
use crate::error::{Id, Language};

const GOOD: Option<Id> = None;
const OTHER: Option<Id> = Some(Id::CertificateWrongHost);
const UNNAMED: Option<Id> = Some(Id::CertificateWithoutNames);

/// A subjectAltName (none, where it is empty) beside a common name of localhost; hosts, and what they get.
type Case<'a> = (&'a str, &'a [(&'a str, Option<Id>)]);

/// A dNSName with a NUL in it, in DER.
fn with_nul(name: &str) -> String {
    let mut bytes = vec![0x30, u8::try_from(name.len()).unwrap() + 2, 0x82, u8::try_from(name.len()).unwrap()];
    bytes.extend(name.bytes());
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("DER:{}", bytes.join(":"))
}

#[test]
fn only_alternative_names_count() {
    let cut = with_nul("localhost\0.attacker.example");
    let long = with_nul("attacker.example\0.localhost");
    let cases: &[Case<'_>] = &[
        ("", &[("localhost", UNNAMED), ("127.0.0.1", UNNAMED), ("other.example", UNNAMED)]),
        ("email:localhost@localhost", &[("localhost", UNNAMED)]),
        ("URI:https://localhost/", &[("localhost", UNNAMED)]),
        ("DNS:localhost", &[("localhost", GOOD), ("LocalHost", GOOD), ("127.0.0.1", OTHER), ("localhost.x", OTHER)]),
        ("DNS:db.example", &[("localhost", OTHER), ("db.example", GOOD), ("x.db.example", OTHER), ("example", OTHER)]),
        ("IP:127.0.0.1,IP:::1", &[("127.0.0.1", GOOD), ("::1", GOOD), ("127.0.0.2", OTHER), ("localhost", OTHER)]),
        // An address as a name, or a name that looks like one, is none.
        ("DNS:127.0.0.1", &[("127.0.0.1", OTHER)]),
        (
            "DNS:*.svc.example",
            &[
                ("a.svc.example", GOOD),
                ("A.SVC.EXAMPLE", GOOD),
                ("xn--e1afmkfd.svc.example", GOOD),
                ("svc.example", OTHER),
                ("a.b.svc.example", OTHER),
                ("asvc.example", OTHER),
            ],
        ),
        ("DNS:a*.svc.example", &[("ab.svc.example", OTHER), ("a.svc.example", OTHER)]),
        ("DNS:*a.svc.example", &[("ba.svc.example", OTHER)]),
        ("DNS:a.*.example", &[("a.svc.example", OTHER)]),
        ("DNS:*.*.example", &[("a.b.example", OTHER)]),
        ("DNS:*.example", &[("a.example", OTHER)]),
        ("DNS:*", &[("localhost", OTHER)]),
        (&cut, &[("localhost", OTHER), ("attacker.example", OTHER)]),
        (&long, &[("attacker.example", OTHER), ("localhost", OTHER)]),
    ];
    for (at, (alternatives, hosts)) in cases.iter().enumerate() {
        let extension = format!("subjectAltName={alternatives}");
        let options: &[&str] = if alternatives.is_empty() { &[] } else { &["-addext", &extension] };
        let (key, certificate) = named_pair(&format!("names-{at}"), KINDS[1].1, options);
        let server = Server::new(&Identity::new(&key, std::slice::from_ref(&certificate)).unwrap(), None).unwrap();
        let root = Certificate::from_der(&certificate).unwrap();
        let client = Client::new(true, vec![root.clone()], None, [].into()).unwrap();
        let careless = Client::new(false, vec![root], None, [].into()).unwrap();
        for (host, expected) in *hosts {
            assert_eq!(check(&certificate, host).err(), *expected, "{alternatives}, {host}");
            let failure = trial::handshake(&client, host, &server).err();
            let found = failure.map(|failure| handshake_error(failure, Some(host)));
            // Where the common name differs, too, OpenSSL has refused it before we look.
            let expected = if *expected == UNNAMED && *host != "localhost" { OTHER } else { *expected };
            assert_eq!(found.as_ref().map(|error| error.root()), expected, "{alternatives}, {host}: {found:?}");
            if let Some(error) = found {
                assert!(error.text(Language::Russian).contains(host), "{error:?}");
            }
            trial::handshake(&careless, host, &server).unwrap();
        }
    }
    assert_eq!(check(b"no certificate", "localhost"), Err(Id::CertificateRefused));
}
