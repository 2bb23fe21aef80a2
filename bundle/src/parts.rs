//! What the handed-out libraries are made of: the crates that are linked in on any platform, by what cargo says, and
//! OpenSSL inside one of them. Crates that only build or test something, and macros, leave nothing in a library.

use crate::project::Project;
use crate::targets::{List, Target};
use crate::tools;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The crate that brings OpenSSL's sources; its version is `300.6.1+3.6.3`, OpenSSL's own behind the sign.
const OPENSSL: &str = "openssl-src";

/// One crate, or OpenSSL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    pub name: String,
    pub version: String,
    /// An SPDX expression.
    pub license: String,
    /// The SHA-256 of its package.
    pub checksum: Option<String>,
    pub folder: PathBuf,
    /// What it is made of in turn, by the names.
    pub needs: BTreeSet<String>,
    pub platforms: BTreeSet<String>,
}

impl Part {
    /// Where others find it: a package URL.
    pub fn purl(&self) -> String {
        let kind = if self.is_openssl() { "generic" } else { "cargo" };
        format!("pkg:{kind}/{}@{}", self.name, self.version)
    }

    pub fn is_openssl(&self) -> bool {
        self.name == "openssl" && self.license == "Apache-2.0" && self.folder.ends_with("openssl")
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: PathBuf,
    targets: Vec<Kinds>,
}

#[derive(Deserialize)]
struct Kinds {
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Deserialize)]
struct EdgeKind {
    kind: Option<String>,
}

impl Package {
    fn is_macro(&self) -> bool {
        self.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "proc-macro"))
    }

    fn folder(&self) -> Result<&Path> {
        self.manifest_path.parent().context("a manifest lies in a folder")
    }
}

/// All parts, sorted by name and version, the library itself among them.
pub fn of(project: &Project, list: &List) -> Result<Vec<Part>> {
    let checksums = checksums(project)?;
    let mut parts: BTreeMap<(String, String), Part> = BTreeMap::new();
    for target in &list.targets {
        for mut part in on(project, target)? {
            let key = (part.name.clone(), part.version.clone());
            part.checksum = checksums.get(&key).cloned();
            let known = parts.entry(key).or_insert_with(|| part.clone());
            known.needs.extend(part.needs);
            known.platforms.insert(target.name.clone());
        }
    }
    Ok(parts.into_values().collect())
}

fn on(project: &Project, target: &Target) -> Result<Vec<Part>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", &target.triple]);
    let metadata: Metadata = serde_json::from_str(&tools::output(command.current_dir(&project.root))?)?;
    let packages: BTreeMap<_, _> = metadata.packages.iter().map(|package| (package.id.as_str(), package)).collect();
    let nodes: BTreeMap<_, _> = metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let own =
        metadata.packages.iter().find(|package| package.name == "websocket_addin").context("no package of ours")?;

    let (mut waiting, mut seen, mut parts) = (vec![own.id.as_str()], BTreeSet::new(), Vec::new());
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            continue;
        }
        let (package, node) = (packages.get(id).context("no such package")?, nodes.get(id).context("no such node")?);
        let mut part = Part {
            name: package.name.clone(),
            version: package.version.clone(),
            license: package.license.clone().with_context(|| format!("{} names no licence", package.name))?,
            checksum: None,
            folder: package.folder()?.to_owned(),
            needs: BTreeSet::new(),
            platforms: BTreeSet::new(),
        };
        for edge in &node.deps {
            let other = packages.get(edge.pkg.as_str()).context("no such package")?;
            if other.name == OPENSSL {
                let openssl = openssl(other)?;
                part.needs.insert(openssl.purl());
                parts.push(openssl);
            } else if !other.is_macro() && edge.dep_kinds.iter().any(|kind| kind.kind.is_none()) {
                part.needs.insert(format!("pkg:cargo/{}@{}", other.name, other.version));
                waiting.push(&edge.pkg);
            }
        }
        parts.push(part);
    }
    Ok(parts)
}

fn openssl(package: &Package) -> Result<Part> {
    let (_, version) = package.version.split_once('+').context("openssl-src tells the version of OpenSSL")?;
    Ok(Part {
        name: "openssl".to_owned(),
        version: version.to_owned(),
        license: "Apache-2.0".to_owned(),
        checksum: None,
        folder: package.folder()?.join("openssl"),
        needs: BTreeSet::new(),
        platforms: BTreeSet::new(),
    })
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

fn checksums(project: &Project) -> Result<BTreeMap<(String, String), String>> {
    let lock: Lock = toml::from_str(&std::fs::read_to_string(project.root.join("Cargo.lock"))?)?;
    ensure!(!lock.package.is_empty(), "Cargo.lock is empty");
    let sums = lock.package.into_iter().filter_map(|locked| Some(((locked.name, locked.version), locked.checksum?)));
    Ok(sums.collect())
}
