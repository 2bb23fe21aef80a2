//! The pages, and what a Markdown page consists of.

use std::path::Path;

pub struct Language {
    pub readme: &'static str,
    pub folder: &'static str,
}

pub const ENGLISH: Language = Language { readme: "README.md", folder: "docs/en" };
pub const RUSSIAN: Language = Language { readme: "README.ru.md", folder: "docs/ru" };
pub const LANGUAGES: [Language; 2] = [ENGLISH, RUSSIAN];
/// The guide for 1C developers, in Russian only.
pub const GUIDE: &str = "docs/1c";

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The file names of a language's pages, sorted.
pub fn of_folder(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(".md"));
    names.sort();
    assert!(names.len() > 5, "{folder}: {names:?}");
    names
}

/// What is written by hand: the READMEs and the pages by topic in both languages, the guide for 1C.
pub fn all() -> Vec<String> {
    let mut names: Vec<String> = of_folder(GUIDE).iter().map(|name| format!("{GUIDE}/{name}")).collect();
    for language in LANGUAGES {
        names.push(language.readme.to_owned());
        names.extend(of_folder(language.folder).iter().map(|name| format!("{}/{name}", language.folder)));
    }
    names
}

#[derive(Debug)]
pub enum Part {
    Heading(usize, String),
    /// Language and contents.
    Code(String, String),
    /// The cells of each row, the head among them.
    Table(Vec<Vec<String>>),
    /// Its items, those of inner lists among them.
    List(Vec<String>),
    Paragraph(String),
}

impl Part {
    /// Each piece of prose that is read in one go.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Part::Code(..) => Vec::new(),
            Part::Heading(_, text) | Part::Paragraph(text) => vec![text],
            Part::Table(rows) => rows.iter().flatten().map(String::as_str).collect(),
            Part::List(items) => items.iter().map(String::as_str).collect(),
        }
    }
}

/// As much of Markdown as the pages use.
pub fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let code: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            parts.push(Part::Code(language.to_owned(), code.join("\n") + "\n"));
        } else if line.starts_with('#') {
            let title = line.trim_start_matches('#');
            parts.push(Part::Heading(line.len() - title.len(), title.trim().to_owned()));
        } else if line.starts_with('|') {
            let mut rows = vec![cells(line)];
            while let Some(row) = lines.next_if(|line| line.starts_with('|')) {
                rows.push(cells(row));
            }
            rows.remove(1); // the line under the head
            parts.push(Part::Table(rows));
        } else if let Some(item) = item(line) {
            let mut items = vec![item.to_owned()];
            while let Some(next) = lines.next_if(|line| self::item(line).is_some() || line.starts_with("  ")) {
                match self::item(next) {
                    Some(item) => items.push(item.to_owned()),
                    None => *items.last_mut().expect("one at least") += &format!(" {}", next.trim()),
                }
            }
            parts.push(Part::List(items));
        } else if !line.trim().is_empty() {
            let mut paragraph = line.to_owned();
            while let Some(next) = lines.next_if(|line| !line.trim().is_empty() && !begins_something(line)) {
                paragraph += &format!(" {next}");
            }
            parts.push(Part::Paragraph(paragraph));
        }
    }
    parts
}

fn begins_something(line: &str) -> bool {
    line.starts_with("```") || line.starts_with('#') || line.starts_with('|') || item(line).is_some()
}

fn item(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    if number.len() < line.len() { number.strip_prefix(". ") } else { line.strip_prefix("- ") }
}

/// A `|` within a cell is written `\|`.
fn cells(row: &str) -> Vec<String> {
    let row = row.trim().trim_start_matches('|').replace("\\|", "\u{1}");
    let row = row.strip_suffix('|').unwrap_or(&row).to_owned();
    row.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect()
}

/// What stands between backticks in a piece of prose.
pub fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}
