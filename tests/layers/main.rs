//! Reads the sources and holds the rules of the design: who may use whom, where `unsafe` may be, and what keeps the
//! library out of its host's way.

mod circles;
mod made_up;
mod picture;
mod rules;
mod source;

use source::Source;
use std::path::Path;

/// All `*.rs` below a folder, with paths relative to it.
fn sources(folder: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten() {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("it is UTF-8");
                let relative = path.strip_prefix(folder).expect("it is in the folder");
                found.push(Source::new(&relative.to_string_lossy().replace('\\', "/"), &text));
            }
        }
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_library_keeps_the_rules() {
    let sources = sources(&root().join("src"));
    assert!(sources.len() > 20, "the sources were found");
    let mut broken = String::new();
    for (name, rule) in rules::RULES {
        for what in sources.iter().flat_map(rule) {
            broken += &format!("{name}: {what}\n");
        }
    }
    assert!(broken.is_empty(), "\n{broken}");
}

#[test]
fn no_file_needs_one_that_needs_it() {
    for folder in ["src", "bundle/src", "benches/compare/src"] {
        let sources = sources(&root().join(folder));
        assert!(sources.len() > 5, "the sources were found");
        let circles = circles::circles(&sources);
        assert!(circles.is_empty(), "\n{folder}: {}", circles.join("\n"));
    }
}
