//! Verifies what is in `dist/`: every file of the ZIP is inspected, loaded and used.

mod host;
mod inspect;
mod runner;
mod tls;

use crate::archive::{self, Files};
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
    let expected = manifest::write(project, &packed)?;
    ensure!(
        files.remove("MANIFEST.XML").as_deref() == Some(expected.as_bytes()),
        "MANIFEST.XML does not fit the files"
    );
    ensure!(files.len() == packed.len(), "the ZIP holds other files: {:?}", files.keys());

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
    ensure!(count == 2, "SHA256SUMS has {count} lines");
    Ok(())
}
