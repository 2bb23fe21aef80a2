//! What the READMEs and the pages of `docs/` promise: their samples compile, their names exist, their links lead
//! somewhere, and both languages say the same.

#[path = "../common/addin.rs"]
#[allow(dead_code, reason = "the other tests use more of it")]
mod addin;
mod names;
mod page;
mod samples;
mod structure;

use page::{ENGLISH, LANGUAGES, RUSSIAN};
use std::collections::BTreeSet;

#[test]
fn every_dependency_has_its_reason() {
    let manifest = page::read("Cargo.toml");
    let mut in_dependencies = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = line.ends_with("dependencies]");
        } else if let Some((name, _)) = line.split_once('=').filter(|_| in_dependencies) {
            names.insert(name.trim().to_owned());
        }
    }
    assert!(names.len() > 10, "{names:?}");
    for language in LANGUAGES {
        let page = format!("{}/dependencies.md", language.folder);
        // The table whose first column names a crate.
        let listed: BTreeSet<String> = page::read(&page)
            .lines()
            .filter(|line| line.starts_with("| `"))
            .flat_map(|line| line.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2))
            .map(str::to_owned)
            .collect();
        assert_eq!(listed, names, "{page}");
    }
}

/// The README is for the first five minutes: at 200 words a minute. What does not fit belongs to a page of `docs/`.
#[test]
fn the_readme_is_read_in_five_minutes() {
    for language in [ENGLISH, RUSSIAN] {
        let words = page::read(language.readme).split_whitespace().count();
        assert!(words <= 1000, "{}: {words} words; move some to a page of {}", language.readme, language.folder);
    }
}

/// A longer paragraph, list item or cell of a table is divided, or made a list or table.
#[test]
fn no_page_is_a_wall_of_text() {
    const WORDS: usize = 80;
    for name in page::all() {
        for part in page::parts(&page::read(&name)) {
            for text in part.texts() {
                let words = text.split_whitespace().count();
                assert!(words <= WORDS, "{name}: {words} words in one piece: {text}");
            }
        }
    }
}
