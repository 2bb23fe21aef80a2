//! The archive for C and C++ programmers.

use crate::archive::{self, Files};
use crate::compile::{self, Built};
use crate::place::Place;
use crate::project::Project;
use crate::targets::{List, Target};
use crate::tools;
use anyhow::{Context, Result};
use ar_archive_writer::{COFFShortExport, MachineTypes, write_import_library};
use std::io::Cursor;
use std::path::PathBuf;
use std::process::Command;

const DEFINITIONS: &str = "websocket_addin.def";
const GNU: &str = "libwebsocket_addin.dll.a";

pub fn make(project: &Project, place: &Place, list: &List, built: &[Built]) -> Result<PathBuf> {
    let mut files = Files::new();
    for (name, path) in [
        ("include/websocket_addin.h", "include/websocket_addin.h"),
        ("include/websocket_addin.hpp", "include/websocket_addin.hpp"),
        ("README.md", "bundle/sdk/README.md"),
    ] {
        files.insert(name.to_owned(), std::fs::read(project.root.join(path)).context(path)?);
    }
    for name in archive::LICENCES {
        files.insert((*name).to_owned(), std::fs::read(project.root.join(name)).context(*name)?);
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
        if built.target.has_static() {
            let contents = compile::build_static(project, place, list, built.target)?;
            files.insert(format!("{folder}/libwebsocket_addin.a"), contents);
        }
    }
    let files =
        files.into_iter().map(|(name, contents)| (format!("{}/{name}", project.sdk_name()), contents)).collect();
    let path = project.sdk_path();
    archive::save(&path, &archive::tar_gz(&files, project.date()?)?)?;
    Ok(path)
}

/// The SDK's own, and those of `examples/` that are in C.
fn examples(project: &Project, files: &mut Files) -> Result<()> {
    for folder in ["bundle/sdk/examples", "examples/c", "examples/webtutor"] {
        for entry in std::fs::read_dir(project.root.join(folder)).context(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "c" || extension == "cpp") {
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
    let names: Vec<String> = project.header_functions()?.into_iter().chain(list.exports.clone()).collect();
    let mut definitions = "LIBRARY websocket_addin.dll\nEXPORTS\n".to_owned();
    for name in &names {
        definitions.push_str(&format!("    {name}\n"));
    }
    std::fs::write(folder.join(DEFINITIONS), definitions)?;
    let machine = if target.machine() == "i686" { "i386" } else { "i386:x86-64" };
    let mut dlltool = Command::new(tools::need(&format!("{}-w64-mingw32-dlltool", target.machine()), &[])?);
    // Its objects are named after a temporary file otherwise, and the archive would bear today's date.
    dlltool.args(["--deterministic-libraries", "--temp-prefix", "websocket_addin", "-m", machine]);
    // Names without their folder, which would get into the symbols.
    dlltool.args(["-d", DEFINITIONS, "-l", GNU]).current_dir(&folder);
    tools::output(&mut dlltool)?;
    let gnu = std::fs::read(folder.join(GNU)).context(GNU)?;
    Ok(vec![(GNU, gnu), ("websocket_addin.lib", microsoft(&names, target)?)])
}

/// The short form that Microsoft's linker writes itself. On x86 the symbol of a C function begins with an underscore,
/// which the export does not have.
fn microsoft(names: &[String], target: &Target) -> Result<Vec<u8>> {
    let (machine, prefix) =
        if target.machine() == "i686" { (MachineTypes::I386, "_") } else { (MachineTypes::AMD64, "") };
    let export = |name: &String| COFFShortExport {
        name: format!("{prefix}{name}"),
        ext_name: None,
        symbol_name: None,
        import_name: None,
        export_as: None,
        ordinal: 0,
        noname: false,
        data: false,
        private: false,
        constant: false,
    };
    let exports: Vec<_> = names.iter().map(export).collect();
    let mut library = Cursor::new(Vec::new());
    write_import_library(&mut library, target.library_name(), &exports, machine, false, false, &[])?;
    Ok(library.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::read::archive::ArchiveFile;
    use std::path::Path;

    #[test]
    fn an_import_library_has_the_symbols_that_compilers_ask_for() {
        let list = List::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("targets.toml")).unwrap();
        for (platform, symbol) in [("x86_64-windows", "wsaddin_version"), ("i386-windows", "_wsaddin_version")] {
            let target = list.select(&[platform.to_owned()]).unwrap()[0];
            let made = microsoft(&["wsaddin_version".to_owned()], target).unwrap();
            assert_eq!(made, microsoft(&["wsaddin_version".to_owned()], target).unwrap());
            let archive = ArchiveFile::parse(&*made).unwrap();
            let names: Vec<String> = archive
                .symbols()
                .unwrap()
                .unwrap()
                .map(|found| String::from_utf8_lossy(found.unwrap().name()).into_owned())
                .collect();
            assert!(names.iter().any(|name| name == symbol), "{names:?}");
            assert!(names.contains(&format!("__imp_{symbol}")), "{names:?}");
        }
    }
}
