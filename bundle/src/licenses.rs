//! THIRD_PARTY_LICENSES: whose work is in the libraries, and on what terms. It is committed, goes into the ZIP and the SDK,
//! and is written anew by `cargo bundle -- --licenses`.

use crate::parts::Part;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::PathBuf;

pub const FILE: &str = "THIRD_PARTY_LICENSES";

const HEAD: &str = "\
The libraries for 1C:Enterprise and for C and C++ contain the works listed here: crates of Rust, and OpenSSL in those for
Linux. Their terms follow the list. The standard library of Rust, under MIT OR Apache-2.0, is in all of them.

";

/// The beginnings of the names of files that hold terms.
const NAMES: [&str; 6] = ["license", "licence", "copying", "notice", "unlicense", "copyright"];

pub fn write(parts: &[Part]) -> Result<String> {
    let mut out = HEAD.to_owned();
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for part in parts.iter().filter(|part| part.name != "websocket_addin") {
        let name = format!("{} {}", part.name, part.version);
        out.push_str(&format!("{name:34} {}\n", part.license));
        for file in files(part)? {
            let text = std::fs::read(&file).with_context(|| file.display().to_string())?;
            texts.entry(tidy(&String::from_utf8_lossy(&text))).or_default().push(name.clone());
        }
    }
    let mut texts: Vec<_> = texts.into_iter().collect();
    texts.sort_by(|one, other| one.1.cmp(&other.1));
    for (text, names) in texts {
        out.push_str(&format!("\n{}\n{}\n\n{text}\n", "=".repeat(80), names.join(", ")));
    }
    Ok(out)
}

/// The files with a crate's terms; of several that one may choose from, MIT, which is the shortest.
fn files(part: &Part) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&part.folder).with_context(|| part.folder.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if entry.file_type()?.is_file() && NAMES.iter().any(|start| name.starts_with(start)) {
            files.push(entry.path());
        }
    }
    files.sort();
    let is_mit = |file: &PathBuf| file.to_string_lossy().to_lowercase().ends_with("mit");
    Ok(match files.iter().find(|file| is_mit(file)).filter(|_| !part.license.contains(" AND ")) {
        Some(mit) => vec![mit.clone()],
        None => files,
    })
}

/// Without what differs between copies of one text and means nothing.
fn tidy(text: &str) -> String {
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts;
    use crate::project::Project;
    use crate::targets::List;

    #[test]
    fn the_committed_file_is_not_stale() {
        let project = Project::open().unwrap();
        let list = List::read(&project.root.join("bundle/targets.toml")).unwrap();
        let parts = parts::of(&project, &list).unwrap();
        let openssl = parts.iter().find(|part| part.is_openssl()).expect("OpenSSL is among them");
        assert!(openssl.platforms.iter().all(|platform| platform.ends_with("linux")), "{openssl:?}");
        let committed = std::fs::read_to_string(project.root.join(FILE)).unwrap();
        assert!(committed == write(&parts).unwrap(), "{FILE} is stale: run cargo bundle -- --licenses");
        assert!(committed.contains("tungstenite ") && committed.contains("OpenSSL"));
        assert!(committed.contains("WHATWG"), "terms that hold beside others");
        assert!(
            !committed.contains("cbindgen ") && !committed.contains("libloading "),
            "these are not in the libraries"
        );
    }
}
