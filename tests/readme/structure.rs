//! Both languages have the same pages, in the same form, and each page is found.

use crate::page::{self, GUIDE, LANGUAGES, Part, RUSSIAN};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Headings, tables, lists and code, without their words.
fn outline(name: &str) -> Vec<String> {
    let part = |part: Part| match part {
        Part::Heading(level, _) => format!("heading {level}"),
        Part::Code(language, _) => format!("code {language}"),
        Part::Table(rows) => format!("table of {} rows", rows.len()),
        Part::List(items) => format!("list of {}", items.len()),
        Part::Paragraph(_) => "paragraph".to_owned(),
    };
    page::parts(&page::read(name)).into_iter().map(part).collect()
}

#[test]
fn both_languages_have_the_same_pages() {
    let [english, russian] = LANGUAGES;
    let names = page::of_folder(english.folder);
    assert_eq!(names, page::of_folder(russian.folder));
    let pairs = names.iter().map(|name| (format!("{}/{name}", english.folder), format!("{}/{name}", russian.folder)));
    let readmes = (english.readme.to_owned(), russian.readme.to_owned());
    for (first, second) in pairs.chain([readmes]) {
        let (one, other) = (outline(&first), outline(&second));
        let differs =
            one.iter().zip(&other).position(|(one, other)| one != other).unwrap_or(one.len().min(other.len()));
        assert_eq!(one.get(differs), other.get(differs), "part {differs} of {first} and {second}");
        assert_eq!(one[0], "heading 1", "{first}");
    }
}

/// Targets of the links of a page, without those to other sites.
fn links(name: &str) -> Vec<String> {
    let mut links = Vec::new();
    for part in page::parts(&page::read(name)) {
        for text in part.texts() {
            links.extend(text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).map(str::to_owned));
        }
    }
    links.retain(|link| !link.starts_with("https://"));
    links
}

/// The path within the repository that a link of that page leads to, and the heading there.
fn resolve(name: &str, link: &str) -> (PathBuf, Option<String>) {
    let (path, fragment) =
        link.split_once('#').map_or((link, None), |(path, fragment)| (path, Some(fragment.to_owned())));
    let mut target = PathBuf::from(if path.is_empty() { name } else { "" });
    if !path.is_empty() {
        target.extend(Path::new(name).parent().expect("a file"));
        for step in Path::new(path).iter() {
            if step != ".." {
                target.push(step);
            } else {
                assert!(target.pop(), "{name}: {link} leads out of the repository");
            }
        }
    }
    (target, fragment)
}

/// As GitHub and mdBook make it of a heading.
fn anchor(title: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    title.chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect::<String>().to_lowercase()
}

fn markdown_under(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(page::root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            markdown_under(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path.to_str().unwrap().to_owned());
        }
    }
}

#[test]
fn links_lead_somewhere() {
    let mut names = vec!["README.md".to_owned(), "README.ru.md".to_owned(), "CHANGELOG.md".to_owned()];
    markdown_under(Path::new("docs"), &mut names);
    let mut seen = 0;
    for name in &names {
        for link in links(name) {
            let (target, fragment) = resolve(name, &link);
            assert!(page::root().join(&target).exists(), "{name}: {link}");
            if let Some(fragment) = fragment {
                let parts = page::parts(&page::read(target.to_str().unwrap()));
                let found =
                    parts.iter().any(|part| matches!(part, Part::Heading(_, title) if anchor(title) == fragment));
                assert!(found, "{name}: {link}: no such heading");
            }
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn every_page_is_found_from_the_readme_the_index_and_its_twin() {
    let [english, russian] = LANGUAGES;
    for (language, other) in [(&english, &russian), (&russian, &english)] {
        let index = format!("{}/index.md", language.folder);
        let targets =
            |name: &str| -> BTreeSet<PathBuf> { links(name).iter().map(|link| resolve(name, link).0).collect() };
        let (from_readme, from_index) = (targets(language.readme), targets(&index));
        assert!(from_index.contains(Path::new(language.readme)), "{index}");
        for file in page::of_folder(language.folder) {
            let name = format!("{}/{file}", language.folder);
            assert!(from_readme.contains(Path::new(&name)), "{} does not link {name}", language.readme);
            assert!(file == "index.md" || from_index.contains(Path::new(&name)), "{index} does not link {name}");
            let twin = format!("{}/{file}", other.folder);
            assert!(targets(&name).contains(Path::new(&twin)), "{name} does not link {twin}");
        }
    }
}

/// The guide has an index of its own, which the Russian README and the Russian index name.
#[test]
fn every_page_of_the_guide_is_found() {
    let index = format!("{GUIDE}/index.md");
    let targets = |name: &str| -> BTreeSet<PathBuf> { links(name).iter().map(|link| resolve(name, link).0).collect() };
    for name in [RUSSIAN.readme.to_owned(), format!("{}/index.md", RUSSIAN.folder)] {
        assert!(targets(&name).contains(Path::new(&index)), "{name} does not link {index}");
    }
    for file in page::of_folder(GUIDE).into_iter().filter(|file| file != "index.md") {
        let name = format!("{GUIDE}/{file}");
        assert!(targets(&index).contains(Path::new(&name)), "{index} does not link {name}");
        assert!(targets(&name).contains(Path::new(&index)), "{name} does not link its index");
    }
}
