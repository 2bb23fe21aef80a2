//! Certificates and keys in all their forms, as text and as files: refused or loaded, soon, whatever a file says of how
//! often something is to be computed.

use super::input::{Input, one_line};
use std::time::{Duration, Instant};
use websocket_addin::net::TlsSources;

/// Hanging, not slowness: an optimised build takes at most a second or two for the most that is accepted.
const HANGS: Duration = Duration::from_secs(120);

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.byte();
    let password = if kind & 4 != 0 { "" } else { "pass" };
    let bytes = input.rest();
    let started = Instant::now();
    match kind & 3 {
        0 => load(&TlsSources::new(&String::from_utf8_lossy(bytes), "", password)),
        // A certificate that is good, so that the key is looked at.
        1 => load(&TlsSources::new(CERTIFICATE, &String::from_utf8_lossy(bytes), password)),
        2 => with_file(bytes, |path| load(&TlsSources::new(path, "", password))),
        _ => with_file(bytes, |path| load(&TlsSources::new(CERTIFICATE, path, password))),
    }
    assert!(started.elapsed() < HANGS, "it took {:?}", started.elapsed());
}

fn load(sources: &TlsSources) {
    if let Err(error) = sources.load() {
        one_line(&error.to_string());
    }
}

fn with_file(bytes: &[u8], then: impl FnOnce(&str)) {
    let path =
        std::env::temp_dir().join(format!("wsaddin-fuzz-{}-{:?}", std::process::id(), std::thread::current().id()));
    std::fs::write(&path, bytes).expect("the folder for such files can be written");
    then(&path.to_string_lossy());
    let _ = std::fs::remove_file(&path);
}

const CERTIFICATE: &str = include_str!("../certificate.pem");
