//! libFuzzer over the target that `WSADDIN_FUZZ` names.
#![no_main]

#[path = "../targets/mod.rs"]
mod targets;

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use targets::{TARGETS, Target};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("WSADDIN_FUZZ").unwrap_or_default();
    TARGETS.iter().find(|(other, _)| *other == name).unwrap_or_else(|| panic!("WSADDIN_FUZZ={name} is no target"))
});

fuzz_target!(|data: &[u8]| TARGET.1(data));
