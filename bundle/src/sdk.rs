//! The archive for C and C++ programmers.

use crate::archive::{self, Files};
use crate::compile::{self, Built};
use crate::place::Place;
use crate::project::Project;
use crate::targets::{List, Target};
use crate::tools;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The platform that the SDK has a static library for.
const STATIC: &str = "x86_64-linux";

pub fn make(project: &Project, place: &Place, list: &List, built: &[Built]) -> Result<PathBuf> {
    let mut files = Files::new();
    for (name, path) in [
        ("include/websocket_addin.h", "include/websocket_addin.h"),
        ("include/websocket_addin.hpp", "include/websocket_addin.hpp"),
        ("LICENSE-MIT", "LICENSE-MIT"),
        ("LICENSE-APACHE", "LICENSE-APACHE"),
        ("README.md", "bundle/sdk/README.md"),
    ] {
        files.insert(name.to_owned(), std::fs::read(project.root.join(path)).context(path)?);
    }
    for (name, path) in [
        ("lib/cmake/websocket_addin/websocket_addin-config.cmake", "websocket_addin-config.cmake"),
        ("lib/cmake/websocket_addin/websocket_addin-config-version.cmake", "websocket_addin-config-version.cmake"),
        ("lib/pkgconfig/websocket_addin.pc", "websocket_addin.pc"),
    ] {
        let text = std::fs::read_to_string(project.root.join("bundle/sdk").join(path)).context(path)?;
        files.insert(name.to_owned(), text.replace("@VERSION@", &project.version).into_bytes());
    }
    examples(project, &mut files)?;
    for built in built {
        let folder = format!("lib/{}", built.target.name);
        files.insert(format!("{folder}/{}", built.target.library_name()), built.contents.clone());
        if built.target.is_windows() {
            for (name, contents) in import_libraries(project, list, built.target)? {
                files.insert(format!("{folder}/{name}"), contents);
            }
        }
        if built.target.name == STATIC {
            let contents = compile::build_static(project, place, list, built.target)?;
            files.insert(format!("{folder}/libwebsocket_addin.a"), contents);
        }
    }
    let files =
        files.into_iter().map(|(name, contents)| (format!("{}/{name}", project.sdk_name()), contents)).collect();
    let path = project.sdk_path();
    archive::save(&path, &archive::tar_gz(&files)?)?;
    Ok(path)
}

/// Every C and C++ file of `examples/c`, and of the SDK's own.
fn examples(project: &Project, files: &mut Files) -> Result<()> {
    for folder in ["bundle/sdk/examples", "examples/c"] {
        let Ok(entries) = std::fs::read_dir(project.root.join(folder)) else { continue };
        for entry in entries {
            let path = entry?.path();
            if path.is_file() {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                files.insert(format!("examples/{name}"), std::fs::read(&path)?);
            }
        }
    }
    Ok(())
}

/// For MinGW and for Microsoft's linker, from the header's list.
fn import_libraries(project: &Project, list: &List, target: &Target) -> Result<Vec<(&'static str, Vec<u8>)>> {
    let folder = project.work.join("import").join(&target.name);
    std::fs::create_dir_all(&folder)?;
    let mut definitions = "LIBRARY websocket_addin.dll\nEXPORTS\n".to_owned();
    for name in project.header_functions()?.iter().chain(&list.exports) {
        definitions.push_str(&format!("    {name}\n"));
    }
    let file = folder.join("websocket_addin.def");
    std::fs::write(&file, definitions)?;
    let machine = if target.machine() == "i686" { "i386" } else { "i386:x86-64" };
    let gnu = folder.join("libwebsocket_addin.dll.a");
    let mut dlltool = Command::new(tools::need(&format!("{}-w64-mingw32-dlltool", target.machine()), &[])?);
    // Its objects are named after a temporary file otherwise, and the archive would bear today's date.
    dlltool.args(["--deterministic-libraries", "--temp-prefix", "websocket_addin", "-m", machine]);
    tools::output(dlltool.arg("-d").arg(&file).arg("-l").arg(&gnu).current_dir(&folder))?;
    let msvc = folder.join("websocket_addin.lib");
    let mut dlltool = Command::new(tools::need("python-zig", &[&project.work.join("venv/bin")])?);
    dlltool.args(["dlltool", "-m", machine]).arg("-d").arg(&file).arg("-l").arg(&msvc);
    tools::output(&mut dlltool)?;
    let read = |path: &Path| std::fs::read(path).with_context(|| path.display().to_string());
    Ok(vec![("libwebsocket_addin.dll.a", read(&gnu)?), ("websocket_addin.lib", read(&msvc)?)])
}
