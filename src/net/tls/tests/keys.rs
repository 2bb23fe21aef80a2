//! The way of certificates and keys on Windows, tried where there is no Windows: what goes to SChannel as PKCS#12 goes to
//! OpenSSL here.

use super::super::for_windows::Pkcs12;
use super::super::key::Key;
use super::super::{pem, pkcs12, platform};
use crate::error::Id;
use base64::Engine;
use std::path::PathBuf;
use std::process::Command;

/// A self-signed certificate and its key, made by OpenSSL.
fn pair(name: &str, kind: &[&str]) -> (Key, Vec<u8>) {
    named_pair(name, kind, &["-addext", "subjectAltName=DNS:localhost"])
}

/// The same with these options instead of a subjectAltName.
pub fn named_pair(name: &str, kind: &[&str], options: &[&str]) -> (Key, Vec<u8>) {
    let folder = std::env::temp_dir().join(format!("wsaddin-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let [key, certificate]: [PathBuf; 2] = ["key.pem", "certificate.pem"].map(|file| folder.join(file));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-nodes", "-days", "9", "-subj", "/CN=localhost", "-newkey"]).args(kind);
    command.args(options).arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    let output = command.output().expect("openssl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let [key, certificate] = [key, certificate].map(|path| std::fs::read_to_string(path).unwrap());
    std::fs::remove_dir_all(&folder).unwrap();
    let blocks = pem::blocks(&certificate).unwrap();
    (super::super::key_block::read(&pem::blocks(&key).unwrap()[0], "").unwrap(), blocks[0].der.to_vec())
}

pub const KINDS: [(&str, &[&str]); 3] =
    [("rsa", &["rsa:2048"]), ("ec", &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]), ("ed25519", &["ed25519"])];

#[test]
fn what_is_written_for_windows_works_in_openssl() {
    for (name, kind) in KINDS {
        let (key, certificate) = pair(&format!("writes-{name}"), kind);
        let chain = [certificate.clone(), pair(&format!("ca-{name}"), KINDS[1].1).1];
        let Pkcs12 { file, password } = Pkcs12::new(&key, &chain).unwrap();
        let read = pkcs12::read(&file, &password).unwrap();
        assert_eq!((read.key.pkcs8(), &read.chain[..]), (key.pkcs8(), &chain[..]), "{name}");
        assert_eq!(pkcs12::read(&file, "другой").err().unwrap().root(), Id::PasswordWrong);

        let opened = openssl::pkcs12::Pkcs12::from_der(&file).unwrap().parse2(&password).unwrap();
        let shown = opened.cert.unwrap();
        assert_eq!(shown.to_der().unwrap(), certificate, "{name}");
        assert!(shown.public_key().unwrap().public_eq(&opened.pkey.unwrap()), "{name}");
        assert_eq!(opened.ca.unwrap()[0].to_der().unwrap(), chain[1], "{name}");
    }
}

#[test]
fn no_two_files_for_windows_have_a_name_in_common() {
    let (key, certificate) = pair("named", KINDS[1].1);
    let name = || {
        let Pkcs12 { file, password } = Pkcs12::new(&key, std::slice::from_ref(&certificate)).unwrap();
        let archive = p12_keystore::Pkcs12Archive::from_pkcs12(&file, &password).unwrap();
        archive.keys[0].friendly_name.clone().unwrap()
    };
    let (first, second) = (name(), name());
    assert!(first.starts_with("websocket_addin-") && first != second, "{first} {second}");
}

#[test]
fn a_key_that_does_not_fit_is_noticed() {
    for (name, kind) in KINDS {
        let (key, _) = pair(&format!("fits-{name}"), kind);
        let (_, other) = pair(&format!("not-{name}"), kind);
        assert_eq!(platform::Identity::new(&key, &[other]).err().unwrap().root(), Id::KeyMismatch, "{name}");
    }
}

#[test]
fn pem_is_read_as_it_was_written() {
    for size in [0, 1, 2, 3, 47, 48, 49, 1000] {
        let der: Vec<u8> = (0..size).map(|at: u32| at.to_le_bytes()[0]).collect();
        let base64 = base64::prelude::BASE64_STANDARD.encode(&der);
        let lines: Vec<_> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let text = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
        for text in [text.clone(), text.replace('\n', "\r\n"), text.replace("==", "").replace("=\n", "\n")] {
            let blocks = pem::blocks(&text).unwrap();
            assert_eq!((blocks.len(), blocks[0].label), (1, "PRIVATE KEY"));
            assert_eq!(*blocks[0].der, der);
        }
    }
    for damaged in ["-----BEGIN X", "-----BEGIN X-----\nAAAA", "-----BEGIN X-----\n§\n-----END X-----"] {
        assert_eq!(pem::blocks(damaged).err().unwrap().root(), Id::PemDamaged, "{damaged}");
    }
    assert!(pem::blocks("no PEM at all").unwrap().is_empty());
}
