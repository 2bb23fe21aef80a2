//! The list of platforms.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::path::Path;

/// The platform that the SDK has a static library for.
const STATIC: &str = "x86_64-linux";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The oldest C library that the Linux files may ask for.
    pub glibc: String,
    /// Exported beside the functions of the header.
    pub exports: Vec<String>,
    pub imports: Imports,
    #[serde(rename = "target")]
    pub targets: Vec<Target>,
}

/// Libraries that the files may need; `*` at the end stands for anything.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imports {
    linux: Vec<String>,
    windows: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub name: String,
    pub triple: String,
    file: String,
    pub os: String,
    pub arch: String,
}

impl List {
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        toml::from_str(&text).with_context(|| path.display().to_string())
    }

    /// Those of the given names, in the list's order; all when there is none.
    pub fn select(&self, names: &[String]) -> Result<Vec<&Target>> {
        if let Some(unknown) = names.iter().find(|name| self.targets.iter().all(|target| target.name != **name)) {
            let known: Vec<&str> = self.targets.iter().map(|target| target.name.as_str()).collect();
            bail!("there is no platform {unknown}; there are {}", known.join(", "));
        }
        Ok(self.targets.iter().filter(|target| names.is_empty() || names.contains(&target.name)).collect())
    }

    pub fn may_import(&self, target: &Target, library: &str) -> bool {
        let allowed = if target.is_windows() { &self.imports.windows } else { &self.imports.linux };
        let library = if target.is_windows() { library.to_ascii_lowercase() } else { library.to_owned() };
        allowed.iter().any(|name| match name.strip_suffix('*') {
            Some(start) => library.starts_with(start),
            None => library == *name,
        })
    }
}

impl Target {
    pub fn has_static(&self) -> bool {
        self.name == STATIC
    }

    pub fn is_windows(&self) -> bool {
        self.os == "Windows"
    }

    /// The file's name in the bundle. 1C:Enterprise caches add-ins by it, so it holds the version.
    pub fn file_name(&self, version: &str) -> String {
        format!("websocket_addin_{}_{}", version.replace(['.', '-', '+'], "_"), self.file)
    }

    /// What the linker calls it, and the SDK.
    pub fn library_name(&self) -> &'static str {
        if self.is_windows() { "websocket_addin.dll" } else { "libwebsocket_addin.so" }
    }

    /// The first word of the triple.
    pub fn machine(&self) -> &str {
        self.triple.split('-').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> List {
        List::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("targets.toml")).unwrap()
    }

    #[test]
    fn file_names_carry_version_and_platform() {
        let list = list();
        let names: Vec<String> = list.targets.iter().map(|target| target.file_name("1.2.3")).collect();
        assert_eq!(
            names,
            [
                "websocket_addin_1_2_3_Win_32.dll",
                "websocket_addin_1_2_3_Win_64.dll",
                "websocket_addin_1_2_3_Linux_32.so",
                "websocket_addin_1_2_3_Linux_64.so",
                "websocket_addin_1_2_3_Linux_ARM64.so"
            ]
        );
    }

    #[test]
    fn selects_by_name_in_the_order_of_the_list() {
        let list = list();
        let names = ["x86_64-linux".to_owned(), "x86_64-windows".to_owned()];
        let selected: Vec<&str> = list.select(&names).unwrap().iter().map(|target| target.os.as_str()).collect();
        assert_eq!(selected, ["Windows", "Linux"]);
        assert_eq!(list.select(&[]).unwrap().len(), 5);
        assert!(list.select(&["amiga".to_owned()]).unwrap_err().to_string().contains("no platform amiga"));
    }

    #[test]
    fn imports_are_compared_as_each_system_does() {
        let list = list();
        let [windows, linux] =
            ["x86_64-windows", "x86_64-linux"].map(|name| list.select(&[name.to_owned()]).unwrap()[0]);
        assert!(list.may_import(windows, "KERNEL32.dll") && !list.may_import(windows, "libgcc_s_seh-1.dll"));
        assert!(list.may_import(linux, "ld-linux-x86-64.so.2") && !list.may_import(linux, "libgcc_s.so.1"));
    }
}
