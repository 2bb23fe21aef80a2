//! Verifies what is in `dist/`: every file of the ZIP is inspected, loaded and used.

mod catalogue;
mod host;
mod inspect;
mod runner;
mod tls;

use crate::archive::{self, Files, LICENCES, MANIFEST};
use crate::info::{self, INFO};
use crate::manifest;
use crate::project::Project;
use crate::targets::{List, Target};
use anyhow::{Context, Result, bail, ensure};
use inspect::Facts;
use std::collections::BTreeSet;

pub fn check(project: &Project, list: &List, targets: &[&Target], run: bool) -> Result<()> {
    sums(project)?;
    let mut files = archive::unzip(&project.bundle_path())?;
    let packed: Vec<&Target> =
        list.targets.iter().filter(|target| files.contains_key(&target.file_name(&project.version))).collect();
    let texts = [(MANIFEST, manifest::write(project, &packed)?), (INFO, info::write(project)?)];
    for (name, expected) in texts {
        ensure!(files.remove(name).as_deref() == Some(expected.as_bytes()), "{name} does not fit the files");
    }
    for name in LICENCES {
        let expected = std::fs::read(project.root.join(name))?;
        ensure!(files.remove(*name).as_ref() == Some(&expected), "{name} is another one");
    }
    ensure!(files.len() == packed.len(), "the ZIP holds other files: {:?}", files.keys());
    in_catalogue(project, &packed)?;

    println!("{:38} {:>9} {:>7} {:>7} {:>6}  ran", "file", "bytes", "exports", "imports", "glibc");
    let mut faults = Vec::new();
    for target in targets {
        let name = target.file_name(&project.version);
        if let Err(error) = check_one(project, list, target, &name, &files, run) {
            println!("{name:38} FAILED");
            faults.push(format!("{name}: {error:#}"));
        }
    }
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    Ok(())
}

/// The element that the Library of Standard Subsystems makes of the ZIP.
fn in_catalogue(project: &Project, packed: &[&Target]) -> Result<()> {
    let element = catalogue::read(&std::fs::read(project.bundle_path())?)?;
    println!("{element:?}");
    ensure!(element.id == "WebSocket", "the scripts say AddIn.WebSocket, the catalogue {}", element.id);
    let version = element.version.map(|part| part.to_string()).join(".");
    ensure!(version == info::four_parts(&project.version)?, "the catalogue's version is {version}");
    let platforms = packed.iter().map(|target| format!("{} {}", target.os, target.arch)).collect();
    ensure!(element.platforms == platforms, "the catalogue's platforms are {:?}", element.platforms);
    // A ZIP counts in steps of two seconds.
    let behind = project.date()?.unix_timestamp() - element.date.assume_utc().unix_timestamp();
    ensure!((0..2).contains(&behind), "the catalogue's date is {}, {behind} s before the commit's", element.date);
    Ok(())
}

fn check_one(project: &Project, list: &List, target: &Target, name: &str, files: &Files, run: bool) -> Result<()> {
    let contents = files.get(name).context("not in the ZIP")?;
    let facts = Facts::of(contents)?;
    judge(project, list, target, &facts)?;
    let ran = if run { host::run_all(project, list, target, name, contents)?.join(", ") } else { "nothing".to_owned() };
    println!(
        "{name:38} {:>9} {:>7} {:>7} {:>6}  {ran}",
        contents.len(),
        facts.exports.len(),
        facts.imports.len(),
        facts.glibc.map_or("-".to_owned(), |(major, minor)| format!("{major}.{minor}")),
    );
    Ok(())
}

fn judge(project: &Project, list: &List, target: &Target, facts: &Facts) -> Result<()> {
    ensure!(facts.machine == target.machine(), "it is for {}", facts.machine);
    ensure!(facts.is_windows == target.is_windows(), "it is of the wrong system");
    let expected: BTreeSet<String> = project.header_functions()?.into_iter().chain(list.exports.clone()).collect();
    let missing: Vec<_> = expected.difference(&facts.exports).collect();
    let other: Vec<_> = facts.exports.difference(&expected).collect();
    ensure!(missing.is_empty() && other.is_empty(), "exports: missing {missing:?}, beside the list {other:?}");
    let foreign: Vec<_> = facts.imports.iter().filter(|library| !list.may_import(target, library)).collect();
    ensure!(foreign.is_empty(), "it needs {foreign:?}");
    if !target.is_windows() {
        let floor =
            list.glibc.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        ensure!(facts.glibc.is_some() && facts.glibc <= floor, "it needs glibc {:?}", facts.glibc);
        ensure!(!facts.has_run_path, "it has a RUNPATH");
        ensure!(facts.soname.as_deref() == Some(target.library_name()), "its SONAME is {:?}", facts.soname);
    }
    if target.is_windows() {
        let shown = facts.shown_version();
        ensure!(shown.as_deref() == Some(&project.version), "Windows would show the version {shown:?}");
    }
    for path in [Some(project.root.clone()), std::env::home_dir()].into_iter().flatten() {
        ensure!(!facts.mentions(&path.to_string_lossy()), "it mentions {}", path.display());
    }
    Ok(())
}

fn sums(project: &Project) -> Result<()> {
    let sums = std::fs::read_to_string(project.dist.join("SHA256SUMS")).context("dist/SHA256SUMS")?;
    let mut count = 0;
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").context("SHA256SUMS holds sums and names")?;
        ensure!(archive::sha256(&std::fs::read(project.dist.join(name))?) == sum, "{name} is not what SHA256SUMS says");
        count += 1;
    }
    ensure!(count == 3, "SHA256SUMS has {count} lines");
    Ok(())
}
