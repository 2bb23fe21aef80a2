//! The way of certificates and keys on Windows, tried where there is no Windows: what goes to SChannel as PKCS#12 goes to
//! OpenSSL here.

use super::identity::by_pkcs12;
use super::key::Key;
use super::{pem, pkcs12};
use crate::error::Id;
use native_tls::{TlsAcceptor, TlsConnector};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;

/// A self-signed certificate and its key, made by OpenSSL.
fn pair(name: &str, kind: &[&str]) -> (Key, Vec<u8>) {
    let folder = std::env::temp_dir().join(format!("wsaddin-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let [key, certificate]: [PathBuf; 2] = ["key.pem", "certificate.pem"].map(|file| folder.join(file));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-nodes", "-days", "9", "-subj", "/CN=localhost", "-newkey"]).args(kind);
    command.args(["-addext", "subjectAltName=DNS:localhost", "-keyout"]).arg(&key).arg("-out").arg(&certificate);
    let output = command.output().expect("openssl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let [key, certificate] = [key, certificate].map(|path| std::fs::read_to_string(path).unwrap());
    std::fs::remove_dir_all(&folder).unwrap();
    let blocks = pem::blocks(&certificate).unwrap();
    (Key::from_block(&pem::blocks(&key).unwrap()[0], "").unwrap(), blocks[0].der.to_vec())
}

const KINDS: [(&str, &[&str]); 3] =
    [("rsa", &["rsa:2048"]), ("ec", &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]), ("ed25519", &["ed25519"])];

#[test]
fn what_is_written_for_windows_works_in_openssl() {
    for (name, kind) in KINDS {
        let (key, certificate) = pair(&format!("writes-{name}"), kind);
        let chain = [certificate.clone(), pair(&format!("ca-{name}"), KINDS[1].1).1];
        let file = pkcs12::write(&key, &chain, "пароль").unwrap();
        let read = pkcs12::read(&file, "пароль").unwrap();
        assert_eq!((read.key.pkcs8(), &read.chain[..]), (key.pkcs8(), &chain[..]), "{name}");
        assert_eq!(pkcs12::read(&file, "другой").err().unwrap().root(), Id::PasswordWrong);

        let acceptor = TlsAcceptor::new(by_pkcs12(&key, &chain).unwrap()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || acceptor.accept(listener.accept().unwrap().0).map(drop));
        let root = native_tls::Certificate::from_der(&certificate).unwrap();
        let connector = TlsConnector::builder().add_root_certificate(root).build().unwrap();
        let stream = connector.connect("localhost", TcpStream::connect(address).unwrap()).unwrap();
        let shown = stream.peer_certificate().unwrap().unwrap().to_der().unwrap();
        assert_eq!(shown, certificate, "{name}");
        server.join().unwrap().unwrap();
    }
}

#[test]
fn a_key_that_does_not_fit_is_noticed_on_this_way_too() {
    for (name, kind) in KINDS {
        let (key, _) = pair(&format!("fits-{name}"), kind);
        let (_, other) = pair(&format!("not-{name}"), kind);
        assert_eq!(by_pkcs12(&key, &[other]).err().unwrap().root(), Id::KeyMismatch, "{name}");
    }
}

#[test]
fn pem_is_read_as_it_was_written() {
    for size in [0, 1, 2, 3, 47, 48, 49, 1000] {
        let der: Vec<u8> = (0..size).map(|at: u32| at.to_le_bytes()[0]).collect();
        let text = pem::encode("PRIVATE KEY", &der);
        let text = std::str::from_utf8(&text).unwrap();
        assert!(text.lines().all(|line| line.len() <= 64), "{text}");
        for text in [text.to_owned(), text.replace('\n', "\r\n"), text.replace("==", "").replace("=\n", "\n")] {
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
