//! The examples of the systems that people come from, as programs: each against a stand-in for the other side. Their 1C
//! modules are read in `tests/native_examples`.

#![allow(dead_code, reason = "a part of the common modules is used here")]

#[path = "../common/addin.rs"]
mod addin;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/devtools.rs"]
mod devtools;
#[path = "../common/face.rs"]
mod face;
#[path = "../common/peer.rs"]
mod peer;

mod html5;
mod simpleui;
mod slack_bot;

use common::Scratch;
use face::{Server, until};
use peer::Peer;
use std::process::Command;
use websocket_addin::capi::*;

/// Builds `examples/NAME.c` from the header alone and starts it; it is gone before the folder.
fn program(name: &str, arguments: &[&str]) -> (Peer, Scratch) {
    let short = name.rsplit('/').next().unwrap_or(name);
    let scratch = Scratch::new(short);
    let (path, source) = (scratch.path().join(short), common::root().join("examples").join(name).with_extension("c"));
    let link = common::link_options();
    let options: Vec<&str> =
        ["-std=c11", "-Wall", "-Wextra", "-Werror"].into_iter().chain(link.iter().map(String::as_str)).collect();
    common::compile("cc", &options, &[&source], Some(&path));
    (Peer::start(short, Command::new(&path).args(arguments).env_remove("LD_LIBRARY_PATH")), scratch)
}

/// The next message that the server gets, and from whom.
fn message(server: &Server) -> (u64, String) {
    loop {
        let event = server.event();
        if event.event == WSADDIN_EVENT_MESSAGE {
            return (event.connection, event.text().to_owned());
        }
    }
}
