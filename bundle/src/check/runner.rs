//! How a program of another platform is run here.

use crate::project::Project;
use crate::targets::Target;
use crate::tools;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Runner {
    /// For the table.
    pub name: &'static str,
    command: Vec<String>,
    environment: Vec<(&'static str, String)>,
    /// The folder that is `/` for the program, where there is one of its own.
    pub root: Option<PathBuf>,
    /// Whether it is a Wine in which a server with TLS is possible, which is newer than 8.
    pub is_newer_wine: bool,
}

impl Runner {
    /// Every way of running programs of the platform that this machine has; at least one.
    pub fn all(project: &Project, target: &Target) -> Result<Vec<Self>> {
        let mut runners = Vec::new();
        if target.is_windows() {
            runners.extend(wine(project, target));
        } else if target.machine() == "aarch64" && !cfg!(target_arch = "aarch64") {
            runners.extend(qemu());
        } else {
            let loader = if target.machine() == "i686" { "/lib/ld-linux.so.2" } else { "/" };
            if Path::new(loader).exists() {
                runners.push(Self {
                    name: "native",
                    command: Vec::new(),
                    environment: Vec::new(),
                    root: None,
                    is_newer_wine: false,
                });
            }
            let folder = if target.machine() == "i686" { "bullseye-i386" } else { "bullseye" };
            runners.extend(chroot(project, target, folder, "Debian 11", &[]));
        }
        if runners.is_empty() {
            let what = match (target.is_windows(), target.machine()) {
                (true, _) => "Wine is",
                (false, "aarch64") => "qemu-aarch64 or its C library (libc6-arm64-cross) is",
                (false, _) => "a 32-bit C library and a system with one are",
            };
            anyhow::bail!("{what} missing, so nothing here runs it: {} {}", tools::SET_UP, target.name);
        }
        Ok(runners)
    }

    /// What a path is called by the programs.
    pub fn inside(&self, path: &Path) -> PathBuf {
        match self.root.as_ref().and_then(|root| path.strip_prefix(root).ok()) {
            Some(rest) => Path::new("/").join(rest),
            None => path.to_owned(),
        }
    }

    /// What its commands have set.
    pub fn environment(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.environment.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// A command for a program in `folder`, which the program can read.
    pub fn command(&self, folder: &Path, program: &str) -> Command {
        let mut words = self.command.clone();
        words.push(self.inside(&folder.join(program)).display().to_string());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).envs(self.environment.clone());
        command
    }
}

/// Wine's own folder is kept, since making it takes longer than the tests. It says nothing and asks nothing.
fn wine_environment(prefix: &Path) -> Vec<(&'static str, String)> {
    vec![
        ("WINEPREFIX", prefix.display().to_string()),
        ("WINEDEBUG", "-all".to_owned()),
        ("WINEDLLOVERRIDES", "mscoree,mshtml,winemenubuilder.exe=".to_owned()),
        ("DISPLAY", String::new()),
    ]
}

fn wine(project: &Project, target: &Target) -> Option<Runner> {
    if target.machine() == "x86_64"
        && let Some(runner) = chroot(project, target, "wine-trixie", "Wine 10", &["/usr/lib/wine/wine64"])
    {
        let mut environment = wine_environment(Path::new("/tmp/wine"));
        // The encoding of files' names.
        environment.push(("LC_ALL", "C.UTF-8".to_owned()));
        return Some(Runner { environment, is_newer_wine: true, ..runner });
    }
    let name = if target.machine() == "x86_64" { "wine64" } else { "wine" };
    // Debian keeps the loaders here; `wine` is there only where the 32-bit one is installed.
    if let Some(program) = tools::find_in(name, &[Path::new("/usr/lib/wine")]) {
        let prefix = project.work.join(name);
        std::fs::create_dir_all(&prefix).ok()?;
        let environment = wine_environment(&prefix);
        let command = vec![program.display().to_string()];
        return Some(Runner { name: "Wine", command, environment, root: None, is_newer_wine: false });
    }
    if name == "wine64" {
        return None;
    }
    let runner = chroot(project, target, "wine-i386", "Wine", &["/usr/lib/wine/wine"])?;
    Some(Runner { environment: wine_environment(Path::new("/tmp/wine")), ..runner })
}

fn qemu() -> Option<Runner> {
    let qemu = tools::find("qemu-aarch64", &[]).or_else(|| tools::find("qemu-aarch64-static", &[]))?;
    let library = Path::new("/usr/aarch64-linux-gnu");
    let command = vec![qemu.display().to_string(), "-L".to_owned(), library.display().to_string()];
    let runner = Runner { name: "qemu-user", command, environment: Vec::new(), root: None, is_newer_wine: false };
    library.exists().then_some(runner)
}

/// A Debian in `target/bundle/<folder>`; only root may enter it. It gets a `/proc`, which is gone with the program.
fn chroot(project: &Project, target: &Target, folder: &str, name: &'static str, before: &[&str]) -> Option<Runner> {
    let root = project.work.join(folder);
    let chroot = tools::find("chroot", &[Path::new("/usr/sbin")])?;
    // The last thing that bundle/setup-debian.sh puts there.
    if !root.join("installed").exists() {
        return None;
    }
    let enter = "mount -t proc proc \"$1/proc\" && exec \"$0\" \"$@\"";
    let mut command = ["unshare", "--mount", "sh", "-c", enter].map(str::to_owned).to_vec();
    command.extend([chroot.display().to_string(), root.display().to_string()]);
    // It would begin in the root; programs find the certificate in their own folder.
    command.extend(["env".to_owned(), format!("--chdir=/tmp/check/{}", target.name)]);
    command.extend(before.iter().map(|&word| word.to_owned()));
    Some(Runner { name, command, environment: Vec::new(), root: Some(root), is_newer_wine: false })
}

/// An empty folder that the runner's programs can read.
pub fn scratch(project: &Project, runner: &Runner, target: &Target) -> Result<PathBuf> {
    let base = runner.root.as_ref().map_or_else(|| project.work.join("check"), |root| root.join("tmp/check"));
    empty(base.join(&target.name))
}

pub fn empty(folder: PathBuf) -> Result<PathBuf> {
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder)
}
