//! Certificate authorities made with the `openssl` program, and the TLS part of the C interface as safe Rust.
#![allow(dead_code, reason = "each test file uses its part")]

use super::common::{Scratch, run_well};
use super::face::{Client, Outcome, Server, check};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use websocket_addin::capi::*;

/// The language of error texts is that of the process: tests that look at them take turns.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

const LIMIT: Duration = Duration::from_secs(60);

/// Runs `openssl` in a folder and gives what it printed.
pub fn openssl(folder: &Path, arguments: &[&str]) -> String {
    run_well(Command::new("openssl").args(arguments).current_dir(folder), LIMIT)
}

/// A certificate authority, with all that it issues in a folder of its own.
pub struct Authority {
    scratch: Scratch,
}

/// What a certificate is for.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Its name, and that of its files: `NAME.pem`, `NAME.key`.
    pub name: &'a str,
    /// As OpenSSL writes them: `DNS:localhost,IP:127.0.0.1`.
    pub alternatives: &'a str,
    /// What `openssl genpkey` needs to know.
    pub key: &'a [&'a str],
    pub from: &'a str,
    pub until: &'a str,
}

pub const EC: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
pub const RSA: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
pub const ED25519: &[&str] = &["-algorithm", "ED25519"];

pub const LOCAL: Subject<'static> = Subject {
    name: "server",
    alternatives: "DNS:localhost,IP:127.0.0.1,IP:::1",
    key: EC,
    from: "20200101000000Z",
    until: "20900101000000Z",
};

/// A client of OpenSSL's that takes any certificate.
pub fn unchecked() -> openssl::ssl::SslConnector {
    let mut builder = openssl::ssl::SslConnector::builder(openssl::ssl::SslMethod::tls()).unwrap();
    builder.set_verify(openssl::ssl::SslVerifyMode::NONE);
    builder.build()
}

const CONFIG: &str = "[ca]\ndefault_ca = this\n[this]\ndatabase = index.txt\nnew_certs_dir = .\nrand_serial = yes\n\
    default_md = sha256\npolicy = any\nunique_subject = no\nemail_in_dn = no\ndefault_crl_days = 30\n\
    [any]\ncommonName = supplied\n";

impl Authority {
    pub fn new(name: &str) -> Self {
        let authority = Self { scratch: Scratch::new(&format!("ca-{name}")) };
        authority.write("ca.cnf", CONFIG);
        authority.write("index.txt", "");
        authority.key("ca", EC);
        let subject = format!("/CN={name}");
        let make = ["req", "-x509", "-key", "ca.key", "-subj", &subject, "-days", "9000", "-out", "ca.pem"];
        openssl(authority.folder(), &make);
        authority
    }

    /// One with a certificate and key for this machine.
    pub fn with_server(name: &str) -> Self {
        let authority = Self::new(name);
        authority.issue(LOCAL);
        authority
    }

    /// One that another has issued.
    pub fn below(above: &Self, name: &str) -> Self {
        let authority = Self::new(name);
        let subject = format!("/CN={name}");
        openssl(authority.folder(), &["req", "-new", "-key", "ca.key", "-subj", &subject, "-out", "ca.csr"]);
        authority.write("ca.ext", "basicConstraints=critical,CA:TRUE\n");
        let [certificate, key] = ["ca.pem", "ca.key"].map(|file| above.path(file));
        let sign = ["x509", "-req", "-in", "ca.csr", "-CA", &certificate, "-CAkey", &key, "-days", "9000"];
        openssl(authority.folder(), &[&sign[..], &["-extfile", "ca.ext", "-out", "ca.pem"]].concat());
        authority
    }

    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }

    /// A file in its folder.
    pub fn path(&self, name: &str) -> String {
        self.folder().join(name).to_str().unwrap().to_owned()
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder().join(name)).unwrap()
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn key(&self, name: &str, kind: &[&str]) {
        let file = format!("{name}.key");
        openssl(self.folder(), &[&["genpkey"], kind, &["-out", &file]].concat());
    }

    /// Makes `NAME.key` and `NAME.pem`.
    pub fn issue(&self, subject: Subject<'_>) {
        let Subject { name, alternatives, key, from, until } = subject;
        self.key(name, key);
        let [key, request, certificate, extensions] =
            ["key", "csr", "pem", "ext"].map(|ending| format!("{name}.{ending}"));
        let common = format!("/CN={name}");
        openssl(self.folder(), &["req", "-new", "-key", &key, "-subj", &common, "-out", &request]);
        let names = if alternatives.is_empty() { String::new() } else { format!("subjectAltName={alternatives}\n") };
        self.write(&extensions, &format!("basicConstraints=CA:FALSE\n{names}"));
        let sign = ["ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key"];
        let what =
            ["-in", &request, "-out", &certificate, "-extfile", &extensions, "-startdate", from, "-enddate", until];
        openssl(self.folder(), &[&sign[..], &what].concat());
    }

    /// What it has revoked, as PEM, good for that many seconds (negative: until then).
    pub fn revocations(&self, revoked: &[&str], seconds: i64) -> String {
        let config = ["-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key"];
        for name in revoked {
            openssl(self.folder(), &[&["ca", "-revoke", &format!("{name}.pem")][..], &config].concat());
        }
        let until = time::OffsetDateTime::now_utc() + time::Duration::seconds(seconds);
        let (year, month, day) = until.to_calendar_date();
        let (hour, minute, second) = until.to_hms();
        let until = format!("{year:04}{:02}{day:02}{hour:02}{minute:02}{second:02}Z", u8::from(month));
        let lately = ["-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", &until];
        openssl(self.folder(), &[&["ca", "-gencrl"][..], &config, &lately].concat())
    }

    /// A client that trusts it.
    pub fn client(&self) -> Client {
        let client = Client::new();
        client.set_ca_file(&self.path("ca.pem")).unwrap();
        client
    }

    /// A server with the certificate of that name.
    pub fn server(&self, name: &str) -> Server {
        let server = Server::new();
        server.run_tls(&self.path(&format!("{name}.pem")), &self.path(&format!("{name}.key")), "").unwrap();
        server
    }
}

fn done(result: i32) -> Outcome {
    check(result).map(|number| assert_eq!(number, 0, "an outcome where none is known"))
}

fn ptr(text: &str) -> *const std::ffi::c_void {
    text.as_ptr().cast()
}

// SAFETY, of every call below: slices are readable for the call, as the header demands.
impl Client {
    pub fn set_ca_file(&self, value: &str) -> Outcome {
        done(unsafe { wsaddin_client_set_ca_file(self.0, ptr(value), value.len()) })
    }

    pub fn set_pins(&self, value: &str) -> Outcome {
        done(unsafe { wsaddin_client_set_pinned_certificates(self.0, ptr(value), value.len()) })
    }

    pub fn verify(&self, value: bool) -> &Self {
        done(wsaddin_client_set_verify_certificate(self.0, value.into())).unwrap();
        self
    }

    pub fn set_client_certificate(&self, certificate: &str, key: &str, password: &str) -> Outcome {
        done(unsafe {
            wsaddin_client_set_client_certificate(
                self.0,
                ptr(certificate),
                certificate.len(),
                ptr(key),
                key.len(),
                ptr(password),
                password.len(),
            )
        })
    }
}

// SAFETY: as above.
impl Server {
    /// On the loopback address.
    pub fn run_tls(&self, certificate: &str, key: &str, password: &str) -> Outcome {
        self.run_tls_on("127.0.0.1", certificate, key, password)
    }

    pub fn run_tls_on(&self, interface: &str, certificate: &str, key: &str, password: &str) -> Outcome {
        done(unsafe {
            wsaddin_server_run_tls(
                self.0,
                ptr(interface),
                interface.len(),
                0,
                ptr(certificate),
                certificate.len(),
                ptr(key),
                key.len(),
                ptr(password),
                password.len(),
            )
        })
    }

    pub fn set_client_certificates(&self, value: &str) -> Outcome {
        done(unsafe { wsaddin_server_set_client_certificates(self.0, ptr(value), value.len()) })
    }

    pub fn set_client_ca_file(&self, value: &str) -> Outcome {
        done(unsafe { wsaddin_server_set_client_ca_file(self.0, ptr(value), value.len()) })
    }

    pub fn reload_certificate(&self, certificate: &str, key: &str, password: &str) -> Outcome {
        done(unsafe {
            wsaddin_server_reload_certificate(
                self.0,
                ptr(certificate),
                certificate.len(),
                ptr(key),
                key.len(),
                ptr(password),
                password.len(),
            )
        })
    }

    pub fn secure_url(&self, host: &str) -> String {
        format!("wss://{host}:{}/", self.port())
    }
}

/// A message there and back.
pub fn echo(client: &Client, server: &Server) {
    client.send("проверка").unwrap();
    let message = loop {
        let event = server.event();
        if event.event == WSADDIN_EVENT_MESSAGE {
            break event;
        }
    };
    assert_eq!(message.text(), "проверка");
    assert!(server.send(message.connection, message.text()).unwrap());
    assert_eq!(client.event_of(WSADDIN_EVENT_MESSAGE).text(), "проверка");
}

impl Client {
    /// The next event of this kind.
    pub fn event_of(&self, kind: i32) -> super::face::Event {
        loop {
            let event = self.event();
            if event.event == kind {
                return event;
            }
        }
    }
}
