//! Where things are, and the version.

use crate::tools;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;
use time::OffsetDateTime;

pub struct Project {
    pub root: PathBuf,
    /// What is built and installed on the way.
    pub work: PathBuf,
    /// What is handed out.
    pub dist: PathBuf,
    pub version: String,
}

#[derive(Deserialize)]
struct Manifest {
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    version: String,
}

impl Project {
    pub fn open() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the packager lies in the project")?;
        let manifest: Manifest = toml::from_str(&std::fs::read_to_string(root.join("Cargo.toml"))?)?;
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |path| root.join(path));
        Ok(Self {
            work: target.join("bundle"),
            dist: root.join("dist"),
            root: root.to_owned(),
            version: manifest.package.version,
        })
    }

    /// The time that everything handed out bears: SOURCE_DATE_EPOCH, or else the time of the commit that is checked out.
    pub fn date(&self) -> Result<OffsetDateTime> {
        let seconds = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(seconds) => seconds,
            Err(_) => self.commit_time()?,
        };
        let seconds: i64 = seconds.trim().parse().context("SOURCE_DATE_EPOCH is a number of seconds since 1970")?;
        Ok(OffsetDateTime::from_unix_timestamp(seconds)?)
    }

    fn commit_time(&self) -> Result<String> {
        let mut git = Command::new("git");
        git.arg("-C").arg(&self.root).args(["log", "-1", "--format=%ct"]);
        tools::output(&mut git).context(
            "no commit tells the archives' time: set SOURCE_DATE_EPOCH to the seconds since 1970 of this version",
        )
    }

    pub fn bundle_path(&self) -> PathBuf {
        self.dist.join(format!("websocket_addin-{}.zip", self.version))
    }

    pub fn sbom_path(&self) -> PathBuf {
        self.dist.join(format!("websocket_addin-{}.cdx.json", self.version))
    }

    pub fn sdk_name(&self) -> String {
        format!("websocket_addin-{}-sdk", self.version)
    }

    pub fn sdk_path(&self) -> PathBuf {
        self.dist.join(format!("{}.tar.gz", self.sdk_name()))
    }

    /// The functions that the C header declares.
    pub fn header_functions(&self) -> Result<Vec<String>> {
        let header = std::fs::read_to_string(self.root.join("include/websocket_addin.h"))?;
        Ok(declared_functions(&header))
    }
}

/// `wsaddin_x(` outside comments.
fn declared_functions(header: &str) -> Vec<String> {
    let mut code = String::new();
    for (number, part) in header.split("/*").enumerate() {
        code.push_str(if number == 0 { part } else { part.split_once("*/").map_or("", |(_, rest)| rest) });
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut names: Vec<String> = code
        .split_inclusive('(')
        .filter_map(|part| part.strip_suffix('('))
        .map(|part| part.rsplit(|c| !is_word(c)).next().unwrap_or_default().to_owned())
        .filter(|name| name.starts_with("wsaddin_"))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_a_header_declares() {
        let header = "/* wsaddin_no(x) */\nint wsaddin_b(void);\n#define M(x) (x)\n\
                      typedef void (*wsaddin_handler)(int);\nconst char *wsaddin_a(wsaddin_client c, int (*f)(void));";
        assert_eq!(declared_functions(header), ["wsaddin_a", "wsaddin_b"]);
    }
}
