//! Builds the library for one platform.

use crate::project::Project;
use crate::sysroot;
use crate::targets::{List, Target};
use crate::tools;
use anyhow::{Context, Result, bail};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the standard library comes from.
pub enum Way {
    /// The rustup target is installed.
    Installed,
    /// Built here from its sources, by the compiler that they belong to.
    FromSource { rustc: PathBuf, sysroot: PathBuf },
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installed => f.write_str("with the installed rustup target"),
            Self::FromSource { rustc, .. } => {
                write!(f, "with the standard library from source, by {}", rustc.display())
            }
        }
    }
}

/// The file `lib/rustlib/src/rust/library/std/Cargo.toml` is there when the sources are.
fn has_sources(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib/src/rust/library/std/Cargo.toml").is_file()
}

fn has_std(rustc: &Path, triple: &str) -> bool {
    let Ok(folder) = tools::output(Command::new(rustc).args(["--print", "target-libdir", "--target", triple])) else {
        return false;
    };
    let Ok(files) = std::fs::read_dir(folder) else { return false };
    files.flatten().any(|file| {
        let name = file.file_name().to_string_lossy().into_owned();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

impl Way {
    pub fn of(target: &Target) -> Result<Self> {
        let default = PathBuf::from(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        if has_std(&default, &target.triple) {
            return Ok(Self::Installed);
        }
        // The distribution's compiler, whose sources are a package.
        for rustc in [default, PathBuf::from("/usr/bin/rustc")] {
            let Ok(sysroot) = tools::output(Command::new(&rustc).args(["--print", "sysroot"])) else { continue };
            if has_sources(Path::new(&sysroot)) {
                return Ok(Self::FromSource { rustc, sysroot: sysroot.into() });
            }
        }
        bail!("no standard library for {0}: run `rustup target add {0}`, or {1}", target.triple, tools::SET_UP)
    }
}

/// What a build left.
pub struct Built<'a> {
    pub target: &'a Target,
    pub library: PathBuf,
}

/// The date that compilers put into what they make: always the same, so that a build of today that finds a part of
/// last month's gives the same bytes as one from scratch.
const EPOCH: &str = "315532800";

/// `cargo rustc`, by zig's linker for Linux, which knows the symbols of every version of the C library.
fn cargo(project: &Project, list: &List, target: &Target, way: &Way, crate_type: &str) -> Result<Command> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut flags = Vec::new();
    let mut command;
    if target.is_windows() {
        tools::need(&format!("{}-w64-mingw32-gcc", target.machine()), &[])?;
        command = Command::new(&cargo);
        command.args(["rustc", "--target", &target.triple]);
        // The linker's own date.
        flags.push("-Clink-arg=-Wl,--no-insert-timestamp".to_owned());
    } else {
        let venv = project.work.join("venv/bin");
        command = Command::new(tools::need("cargo-zigbuild", &[&venv])?);
        command.env("PATH", tools::path_with(&venv)?);
        command.args(["rustc", "--target", &format!("{}.{}", target.triple, list.glibc)]);
    }
    if target.triple == "i686-unknown-linux-gnu" {
        // OpenSSL would call a function of libatomic, which the link does not miss but dlopen does.
        command.env("CFLAGS_i686_unknown_linux_gnu", "-DBROKEN_CLANG_ATOMICS");
    }
    command.args(["--release", "--locked", "--lib", "--package", "websocket_addin"]);
    // One type only: cargo leaves link-time optimisation out where an rlib is among them.
    command.args(["--crate-type", crate_type]);
    command.arg("--target-dir").arg(project.work.join("build")).current_dir(&project.root);
    if let Way::FromSource { rustc, sysroot } = way {
        command.arg("-Zbuild-std=std,panic_unwind").env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1");
        flags.push(remap(&sysroot.join("lib/rustlib/src/rust"), "/rust"));
        if target.triple == "i686-pc-windows-gnu" {
            flags.push(format!("--sysroot={}", sysroot::with_start_files(project, target, rustc, sysroot)?.display()));
        }
    }
    flags.push(remap(&project.root, "/websocket_addin"));
    if let Some(home) = cargo_home() {
        flags.push(remap(&home, "/cargo"));
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f")).env("CARGO", &cargo);
    command.env("CARGO_PROFILE_RELEASE_STRIP", "symbols").env("SOURCE_DATE_EPOCH", EPOCH);
    Ok(command)
}

/// Keeps the folders of this machine out of panic messages.
fn remap(from: &Path, to: &str) -> String {
    format!("--remap-path-prefix={}={to}", from.display())
}

fn cargo_home() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
}

fn folder(project: &Project, target: &Target) -> PathBuf {
    project.work.join("build").join(&target.triple).join("release")
}

pub fn build<'a>(project: &Project, list: &List, target: &'a Target) -> Result<Built<'a>> {
    let way = Way::of(target)?;
    println!("{}: {way}", target.name);
    tools::run(&mut cargo(project, list, target, &way, "cdylib")?)?;
    let name = if target.is_windows() { "websocket_addin.dll" } else { "libwebsocket_addin.so" };
    let library = folder(project, target).join(name);
    library.metadata().with_context(|| library.display().to_string())?;
    Ok(Built { target, library })
}

/// The static library of a platform that [`build`] has built.
pub fn build_static(project: &Project, list: &List, target: &Target) -> Result<PathBuf> {
    tools::run(&mut cargo(project, list, target, &Way::of(target)?, "staticlib")?)?;
    Ok(folder(project, target).join("libwebsocket_addin.a"))
}
