//! No two files need each other: imports, resolved to the files that they name, have no circle.

use crate::source::{Import, Source};
use std::collections::{BTreeMap, BTreeSet};

/// The circles, each with the references that close it, as `from:line → to`.
pub fn circles(sources: &[Source]) -> Vec<String> {
    let files: BTreeMap<Vec<String>, &str> =
        sources.iter().map(|source| (source.module(), source.path.as_str())).collect();
    let mut names: BTreeMap<(&str, String), Vec<String>> = BTreeMap::new();
    for source in sources {
        for reference in source.references().into_iter().filter(|reference| reference.import != Import::None) {
            names.insert((&source.path, reference.name), reference.path);
        }
    }
    let mut uses: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for source in sources {
        let entry = uses.entry(&source.path).or_default();
        // What a page hands on it does not use.
        for reference in source.references().into_iter().filter(|reference| reference.import != Import::HandedOn) {
            if let Some(file) = defined_in(&files, &names, reference.path).filter(|file| *file != source.path) {
                entry.entry(file).or_insert(reference.line);
            }
        }
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> = uses.keys().map(|file| (*file, reach(&uses, file))).collect();
    let together = |one: &str, other: &str| reached[one].contains(other) && reached[other].contains(one);
    let mut told = BTreeSet::new();
    let mut found = Vec::new();
    for file in uses.keys() {
        if told.contains(file) || !reached[file].contains(file) {
            continue;
        }
        let circle: Vec<&str> = uses.keys().copied().filter(|other| together(file, other)).collect();
        let mut text = format!("{} files need each other:", circle.len());
        for (from, to, line) in circle.iter().flat_map(|from| uses[from].iter().map(move |(to, line)| (from, to, line)))
        {
            if circle.contains(to) {
                text += &format!("\n  {from}:{line} → {to}");
            }
        }
        told.extend(circle);
        found.push(text);
    }
    found
}

/// The file where a path ends: that of the longest part of it that is a module, or where that one has the name from.
fn defined_in<'a>(
    files: &BTreeMap<Vec<String>, &'a str>,
    names: &BTreeMap<(&'a str, String), Vec<String>>,
    mut path: Vec<String>,
) -> Option<&'a str> {
    for _ in 0..10 {
        let (length, file) = (0..=path.len()).rev().find_map(|length| Some((length, *files.get(&path[..length])?)))?;
        let Some(from) = path.get(length).and_then(|name| names.get(&(file, name.clone()))) else { return Some(file) };
        path = from.iter().chain(&path[length + 1..]).cloned().collect();
    }
    None
}

/// All files that `file` uses, directly or not.
fn reach<'a>(uses: &BTreeMap<&'a str, BTreeMap<&'a str, usize>>, file: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = vec![file];
    while let Some(file) = next.pop() {
        for used in uses.get(file).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(*used) {
                next.push(used);
            }
        }
    }
    reached
}
