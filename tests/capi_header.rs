//! `include/websocket_addin.h` is what `src/capi` says, and it is all that the library exports.

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

fn committed() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("include/websocket_addin.h")).unwrap_or_default()
}

/// The functions that the header declares.
fn declared() -> BTreeSet<String> {
    common::declared_functions(&committed())
}

/// `WSADDIN_BLESS=1 cargo test --test capi_header` takes over what was generated.
#[test]
fn the_committed_header_is_the_generated_one() {
    let generated = std::fs::read_to_string(concat!(env!("OUT_DIR"), "/websocket_addin.h")).expect("build.rs made it");
    if std::env::var_os("WSADDIN_BLESS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/websocket_addin.h");
        std::fs::write(path, &generated).unwrap();
    }
    assert!(generated == committed(), "the interface has changed; look at the difference, then WSADDIN_BLESS=1");
}

#[test]
fn every_property_has_a_getter_and_a_setter() {
    use websocket_addin::options::{Side, TABLE};
    let declared = declared();
    for row in TABLE {
        for (side, name) in [(Side::Client, "client"), (Side::Server, "server")] {
            for verb in ["get", "set"] {
                let function = format!("wsaddin_{name}_{verb}_{}", snake(row.en));
                assert_eq!(declared.contains(&function), row.default(side).is_some(), "{function}");
            }
        }
    }
}

/// `CAFile` is `ca_file`: capitals in a row are one word, but for the last of them.
fn snake(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (at, character) in characters.iter().enumerate() {
        let follows_small = at > 0 && characters[at - 1].is_lowercase();
        let begins_word = at > 0 && characters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if character.is_uppercase() && (follows_small || begins_word) {
            snake.push('_');
        }
        snake.extend(character.to_lowercase());
    }
    snake
}

#[test]
fn the_library_exports_what_the_header_declares() {
    let output = Command::new("nm").args(["-D", "--defined-only"]).arg(common::library()).output().expect("nm runs");
    let text = String::from_utf8(output.stdout).unwrap();
    let exported = text.lines().filter_map(|line| line.split_whitespace().nth(2));
    let exported: BTreeSet<String> = exported.filter(|name| name.starts_with("wsaddin_")).map(str::to_owned).collect();
    assert_eq!(exported, declared());
    assert!(exported.len() > 80, "nm found only {}", exported.len());
}

/// No panic crosses the border: the body of every exported function is in a guard, its own or that of a helper which
/// has nothing before it.
#[test]
fn every_exported_body_is_guarded() {
    let mut seen = BTreeSet::new();
    for file in std::fs::read_dir(common::root().join("src/capi")).unwrap() {
        let source = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for exported in source.split("#[unsafe(no_mangle)]\n").skip(1) {
            let (signature, rest) = exported.split_once(" {\n").expect("a function has a body");
            // A cancellation unwinds through it.
            assert!(signature.contains("extern \"C-unwind\" fn"), "{signature}");
            let name = signature.split_once("fn ").and_then(|(_, rest)| rest.split_once('(')).expect("a function").0;
            let body = rest.split_once("\n}").expect("a body ends").0;
            let code: Vec<&str> = body.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect();
            let code = code.join(" ").replace("let empty = c\"\".as_ptr().cast(); ", "");
            let helpers =
                ["field", "get", "guard_answer", "number", "set", "text"].map(|helper| format!("unsafe {{ {helper}("));
            let mut guarded = ["guard(", "guard_of(", "guard_read(", "guard_value(", "set("]
                .into_iter()
                .chain(helpers.iter().map(String::as_str));
            assert!(guarded.any(|start| code.starts_with(start)), "{name}: {code}");
            seen.insert(name.to_owned());
        }
    }
    assert_eq!(seen, declared());
}

/// A C compiler and a C++ compiler take the header without a warning.
#[test]
fn the_header_is_strict_c_and_cpp() {
    let directory = common::Scratch::new("header");
    let source = directory.path().join("include.c");
    std::fs::write(&source, "#include \"websocket_addin.h\"\n").unwrap();
    for (compiler, language, standard) in [("cc", "c", "c11"), ("c++", "c++", "c++17")] {
        common::compile(compiler, &["-x", language, &format!("-std={standard}"), "-fsyntax-only"], &[&source], None);
    }
}
