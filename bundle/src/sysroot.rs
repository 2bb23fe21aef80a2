//! A sysroot for i686-pc-windows-gnu: the two start files that a standard library from source leaves out.

use crate::targets::Target;
use crate::tools;
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder that looks like `sysroot` and has `rsbegin.o` and `rsend.o` for the target.
pub fn with_start_files(work: &Path, target: &Target, rustc: &Path, sysroot: &Path) -> Result<PathBuf> {
    let ours = work.join("sysroot").join(&target.triple);
    let libraries = ours.join("lib/rustlib");
    let folder = libraries.join(&target.triple).join("lib");
    std::fs::create_dir_all(&folder)?;
    for name in ["src", host()] {
        let (link, place) = (libraries.join(name), sysroot.join("lib/rustlib").join(name));
        if !link.exists() && place.exists() {
            link_to(&place, &link)?;
        }
    }
    for name in ["rsbegin", "rsend"] {
        let object = folder.join(name).with_extension("o");
        if object.exists() {
            continue;
        }
        let source = sysroot.join("lib/rustlib/src/rust/library/rtstartup").join(name).with_extension("rs");
        let mut command = Command::new(rustc);
        command.args(["--target", &target.triple, "--emit=obj", "-o"]).arg(&object).arg(source);
        tools::run(command.env("RUSTC_BOOTSTRAP", "1"))?;
    }
    Ok(ours)
}

/// Build scripts and procedural macros need the standard library of this machine.
fn host() -> &'static str {
    if cfg!(target_arch = "aarch64") { "aarch64-unknown-linux-gnu" } else { "x86_64-unknown-linux-gnu" }
}

#[cfg(unix)]
fn link_to(place: &Path, link: &Path) -> Result<()> {
    Ok(std::os::unix::fs::symlink(place, link)?)
}

#[cfg(not(unix))]
fn link_to(_: &Path, _: &Path) -> Result<()> {
    anyhow::bail!("only Linux builds the standard library from source: run `rustup target add i686-pc-windows-gnu`")
}
