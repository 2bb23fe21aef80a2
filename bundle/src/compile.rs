//! Builds the library for one platform.

use crate::place::Place;
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

/// Looks for every program that a build will need, since it takes minutes until some of them are called.
pub fn prepare(place: &Place, target: &Target) -> Result<()> {
    Way::of(target)?;
    // The linker of build scripts.
    tools::need("cc", &[])?;
    if target.is_windows() {
        for tool in ["gcc", "windres", "dlltool"] {
            tools::need(&format!("{}-w64-mingw32-{tool}", target.machine()), &[])?;
        }
    } else {
        tools::need("cargo-zigbuild", &[&place.venv()])?;
        // OpenSSL's.
        for tool in ["make", "perl"] {
            tools::need(tool, &[])?;
        }
    }
    if target.has_static() {
        for tool in ["ld", "objcopy", "ar"] {
            tools::need(tool, &[])?;
        }
    }
    Ok(())
}

/// What a build left.
pub struct Built<'a> {
    pub target: &'a Target,
    pub contents: Vec<u8>,
}

/// The date that compilers put into what they make: always the same, so that a build of today that finds a part of
/// last month's gives the same bytes as one from scratch.
const EPOCH: &str = "315532800";

/// `cargo rustc`, by zig's linker for Linux, which knows the symbols of every version of the C library.
fn cargo(project: &Project, place: &Place, list: &List, target: &Target, crate_type: &str) -> Result<Command> {
    let way = Way::of(target)?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut flags = Vec::new();
    let mut command;
    if target.is_windows() {
        command = Command::new(&cargo);
        command.args(["rustc", "--target", &target.triple]);
        // The linker's own date.
        flags.push("-Clink-arg=-Wl,--no-insert-timestamp".to_owned());
    } else {
        let venv = place.venv();
        command = Command::new(tools::need("cargo-zigbuild", &[&venv])?);
        command.env("PATH", tools::path_with(&venv)?);
        command.env("CARGO_ZIGBUILD_CACHE_DIR", place.path.join("zigbuild"));
        command.args(["rustc", "--target", &format!("{}.{}", target.triple, list.glibc)]);
    }
    if target.triple == "i686-unknown-linux-gnu" {
        // OpenSSL would call a function of libatomic, which the link does not miss but dlopen does.
        command.env("CFLAGS_i686_unknown_linux_gnu", "-DBROKEN_CLANG_ATOMICS");
    }
    command.args(["--release", "--locked", "--lib", "--package", "websocket_addin"]);
    // One type only: cargo leaves link-time optimisation out where an rlib is among them.
    command.args(["--crate-type", crate_type]);
    command.arg("--target-dir").arg(place.path.join("build")).current_dir(&project.root);
    if let Way::FromSource { rustc, sysroot } = &way {
        command.arg("-Zbuild-std=std,panic_unwind").env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1");
        flags.push(remap(&sysroot.join("lib/rustlib/src/rust"), "/rust"));
        if target.triple == "i686-pc-windows-gnu" {
            flags.push(format!(
                "--sysroot={}",
                sysroot::with_start_files(&place.path, target, rustc, sysroot)?.display()
            ));
        }
    }
    if let Some(home) = place.cargo_home() {
        flags.push(remap(&home, "/cargo"));
        command.env("CARGO_HOME", home);
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f")).env("CARGO", &cargo);
    command.env("CARGO_PROFILE_RELEASE_STRIP", "symbols").env("SOURCE_DATE_EPOCH", EPOCH);
    Ok(command)
}

/// Keeps the folders of this machine out of panic messages.
fn remap(from: &Path, to: &str) -> String {
    format!("--remap-path-prefix={}={to}", from.display())
}

fn scrubbed(place: &Place, path: &Path) -> Result<Vec<u8>> {
    let mut contents = std::fs::read(path).with_context(|| path.display().to_string())?;
    place.scrub(&mut contents);
    Ok(contents)
}

fn folder(place: &Place, target: &Target) -> PathBuf {
    place.path.join("build").join(&target.triple).join("release")
}

pub fn build<'a>(project: &Project, place: &Place, list: &List, target: &'a Target) -> Result<Built<'a>> {
    println!("{}: {}", target.name, Way::of(target)?);
    tools::run(&mut cargo(project, place, list, target, "cdylib")?)?;
    let contents = scrubbed(place, &folder(place, target).join(target.library_name()))?;
    Ok(Built { target, contents })
}

/// The static library of a platform that [`build`] has built: one object, in which only what is exported can be seen, so
/// that a program may have an OpenSSL of its own.
pub fn build_static(project: &Project, place: &Place, list: &List, target: &Target) -> Result<Vec<u8>> {
    println!("{}: the static library", target.name);
    tools::run(&mut cargo(project, place, list, target, "staticlib")?)?;
    let [object, names, library] = ["static.o", "static.names", "static.a"].map(|name| place.path.join(name));
    let tool = |name| -> Result<Command> { Ok(Command::new(tools::need(name, &[])?)) };
    let parts = folder(place, target).join("libwebsocket_addin.a");
    tools::output(tool("ld")?.args(["-r", "-d", "--whole-archive"]).arg(parts).arg("-o").arg(&object))?;
    let exports: Vec<String> = project.header_functions()?.into_iter().chain(list.exports.clone()).collect();
    std::fs::write(&names, exports.join("\n"))?;
    // The compiler's own intermediate code is of use only to a compiler of the same version.
    let mut objcopy = tool("objcopy")?;
    objcopy.args(["--strip-debug", "--strip-unneeded", "--remove-section=.llvm*", "--keep-global-symbols"]);
    tools::output(objcopy.arg(&names).arg(&object))?;
    if library.exists() {
        std::fs::remove_file(&library)?;
    }
    tools::output(tool("ar")?.arg("rcD").arg(&library).arg(&object))?;
    scrubbed(place, &library)
}
