//! One place for all builds, whatever folder the project lies in. Compilers and OpenSSL's build put the names of folders
//! into what they make, and a linker arranges strings by their contents: only builds at the same place give the same
//! bytes. So the place is a link, and one build at a time has it.

use crate::project::Project;
use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::path::{Path, PathBuf};

/// What stands in a finished file instead of the place: nothing is there, and nobody but root can put something there.
const NOWHERE: &[u8] = b"/nowhere";

pub struct Place {
    pub path: PathBuf,
    /// Held until the build ends.
    _lock: Option<File>,
}

impl Place {
    #[cfg(unix)]
    pub fn take(project: &Project) -> Result<Self> {
        let path = PathBuf::from("/tmp/websocket_addin-bundle");
        let lock = lock(&path.with_extension("lock"))?;
        link(&project.work, &path)?;
        // Names of the crates' sources get into panic messages, and their folder into the names of what is built.
        link(&cargo_home().context("cargo has a home")?, &project.work.join("cargo"))?;
        Ok(Self { path, _lock: Some(lock) })
    }

    /// Linked libraries are the same only if the folder is.
    #[cfg(not(unix))]
    pub fn take(project: &Project) -> Result<Self> {
        Ok(Self { path: project.work.clone(), _lock: None })
    }

    /// The programs that bundle/requirements.txt brings.
    pub fn venv(&self) -> PathBuf {
        self.path.join("venv/bin")
    }

    pub fn cargo_home(&self) -> Option<PathBuf> {
        if cfg!(unix) { Some(self.path.join("cargo")) } else { cargo_home() }
    }

    /// Overwrites every name of a file or folder in this place.
    pub fn scrub(&self, contents: &mut [u8]) {
        scrub(contents, self.path.to_string_lossy().as_bytes());
    }
}

fn cargo_home() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
}

/// Waits for the build that has it.
#[cfg(unix)]
fn lock(path: &Path) -> Result<File> {
    let file = File::open(path).or_else(|_| File::create_new(path)).or_else(|_| File::open(path));
    let file = file.with_context(|| path.display().to_string())?;
    if file.try_lock().is_err() {
        println!("waiting for another build, which holds {}", path.display());
        file.lock()?;
    }
    Ok(file)
}

#[cfg(unix)]
fn link(to: &Path, path: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    let to = to.canonicalize()?;
    if std::fs::read_link(path).is_ok_and(|found| found == to) {
        return Ok(());
    }
    if let Ok(found) = path.symlink_metadata() {
        ensure!(found.is_symlink(), "{} is in the way: remove it", path.display());
        std::fs::remove_file(path).with_context(|| format!("{} is somebody else's", path.display()))?;
    }
    std::os::unix::fs::symlink(to, path).with_context(|| path.display().to_string())
}

/// A name keeps its length, which its neighbours depend on; slashes at the end of a name mean nothing.
fn scrub(contents: &mut [u8], place: &[u8]) {
    let mut from = 0;
    while let Some(found) = contents[from..].windows(place.len()).position(|window| window == place) {
        let start = from + found;
        let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(byte);
        let end = start + contents[start..].iter().take_while(is_name).count();
        contents[start..start + NOWHERE.len()].copy_from_slice(NOWHERE);
        contents[start + NOWHERE.len()..end].fill(b'/');
        from = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrubs_names_and_nothing_else() {
        let mut contents = *b"\0MODULESDIR: \"/tmp/place-xyz/lib/m-3\"\0/tmp/place\0/tmp/plac\0";
        scrub(&mut contents, b"/tmp/place");
        assert_eq!(contents, *b"\0MODULESDIR: \"/nowhere//////////////\"\0/nowhere//\0/tmp/plac\0");
    }
}
