//! Running other programs.

use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What brings everything that a fallback needs.
pub const SET_UP: &str = "on Debian and Ubuntu run bundle/setup-debian.sh";

/// Debian's packages of single programs, by how the programs' names begin; all others come with [`SET_UP`].
const PACKAGES: &[(&str, &str)] = &[
    ("x86_64-w64-mingw32-", "gcc-mingw-w64-x86-64"),
    ("i686-w64-mingw32-", "gcc-mingw-w64-i686"),
    ("ar", "binutils"),
    ("cc", "gcc"),
    ("ld", "binutils"),
    ("make", "make"),
    ("objcopy", "binutils"),
    ("openssl", "openssl"),
    ("perl", "perl"),
    ("qemu-aarch64", "qemu-user"),
];

/// What to do about a program that is not there, in one line.
fn missing(name: &str) -> String {
    let is_meant = |start: &str| if start.ends_with('-') { name.starts_with(start) } else { name == start };
    match PACKAGES.iter().find(|(start, _)| is_meant(start)) {
        Some((_, package)) => format!("{name} is missing: install the package {package}, or {SET_UP}"),
        None => format!("{name} is missing: {SET_UP}"),
    }
}

/// A program by its name, in one of `folders`.
pub fn find_in(name: &str, folders: &[&Path]) -> Option<PathBuf> {
    folders.iter().map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// The same, or else on the PATH.
pub fn find(name: &str, folders: &[&Path]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = || std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file());
    find_in(name, folders).or_else(on_path)
}

pub fn need(name: &str, folders: &[&Path]) -> Result<PathBuf> {
    find(name, folders).with_context(|| missing(name))
}

/// The PATH with a folder before it.
pub fn path_with(folder: &Path) -> Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    Ok(std::env::join_paths(std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path)))?)
}

/// Runs to a good end; its output goes where ours goes.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| did_not_start(command, &error))?;
    if !status.success() {
        bail!("{} failed: {status}", shown(command.get_program()));
    }
    Ok(())
}

/// Runs to a good end and gives what it said; its errors are in ours when it fails.
pub fn output(command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } = command.output().map_err(|error| did_not_start(command, &error))?;
    if !status.success() {
        let said = [stdout, stderr].concat();
        bail!("{} failed: {status}\n{}", shown(command.get_program()), String::from_utf8_lossy(&said).trim_end());
    }
    Ok(String::from_utf8_lossy(&stdout).trim_end().to_owned())
}

/// The same, with what it said on both ways out, and killed when it takes longer than `limit`. The output goes through a
/// file: a process that it leaves behind would keep a pipe open.
pub fn output_within(command: &mut Command, limit: Duration, file: &Path) -> Result<String> {
    let output = std::fs::File::create(file)?;
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let mut child = command.spawn().map_err(|error| did_not_start(command, &error))?;
    let deadline = Instant::now() + limit;
    let status = loop {
        match child.try_wait()? {
            Some(status) => break Some(status),
            None if Instant::now() > deadline => {
                child.kill()?;
                child.wait()?;
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let said = String::from_utf8_lossy(&std::fs::read(file)?).into_owned();
    match status {
        Some(status) if status.success() => Ok(said),
        Some(status) => bail!("{} failed: {status}\n{said}", shown(command.get_program())),
        None => bail!("{} took longer than {limit:?}\n{said}", shown(command.get_program())),
    }
}

fn did_not_start(command: &Command, error: &std::io::Error) -> anyhow::Error {
    let program = shown(command.get_program());
    match error.kind() {
        ErrorKind::NotFound => anyhow::anyhow!("{}", missing(&program)),
        _ => anyhow::anyhow!("{program} does not start: {error}"),
    }
}

fn shown(program: &OsStr) -> String {
    Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_package_of_a_missing_program() {
        let said = need("i686-w64-mingw32-no-such", &[]).unwrap_err().to_string();
        assert_eq!(
            said,
            "i686-w64-mingw32-no-such is missing: install the package gcc-mingw-w64-i686, or on Debian and Ubuntu run \
             bundle/setup-debian.sh"
        );
        let said = run(&mut Command::new("no-such-program")).unwrap_err().to_string();
        assert_eq!(said, "no-such-program is missing: on Debian and Ubuntu run bundle/setup-debian.sh");
    }
}
