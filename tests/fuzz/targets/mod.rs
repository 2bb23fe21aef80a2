//! What is fuzzed: each target takes any bytes, drives one part of the library with them and panics where a promise is
//! broken. `tests/fuzz/main.rs` replays the corpus in `cargo test`; `tests/fuzz/engine` runs the same under libFuzzer.

pub mod codec;
#[cfg(unix)]
mod faces;
mod handshake;
#[cfg(unix)]
mod host1c;
mod input;
mod json;
mod keys;
mod options;
mod plain_http;
mod proxies;
mod reference;
mod resp;
mod urls;
mod utf16;

/// A target by its name, which its folder in the corpus has, too.
pub type Target = (&'static str, fn(&[u8]));

pub const TARGETS: &[Target] = &[
    ("codec", codec::run),
    #[cfg(unix)]
    ("faces", faces::run),
    ("handshake", handshake::run),
    ("json", json::run),
    ("keys", keys::run),
    ("options", options::run),
    ("plain_http", plain_http::run),
    ("proxies", proxies::run),
    ("resp", resp::run),
    ("urls", urls::run),
    ("utf16", utf16::run),
];
