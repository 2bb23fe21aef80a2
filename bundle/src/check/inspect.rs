//! What a shared library says of itself.

use anyhow::{Result, bail};
use object::read::elf::{Dyn, ElfFile, FileHeader};
use object::{Architecture, BinaryFormat, File, Object, elf};
use std::collections::BTreeSet;

pub struct Facts<'a> {
    /// As in the first word of a target triple.
    pub machine: &'static str,
    pub is_windows: bool,
    pub exports: BTreeSet<String>,
    /// The libraries that it needs.
    pub imports: BTreeSet<String>,
    /// The newest version of the C library that a symbol asks for.
    pub glibc: Option<(u32, u32)>,
    pub has_run_path: bool,
    /// What programs that are linked with it look for on Linux.
    pub soname: Option<String>,
    contents: &'a [u8],
}

/// What only ELF files tell.
#[derive(Default)]
struct Elf {
    glibc: Option<(u32, u32)>,
    has_run_path: bool,
    soname: Option<String>,
}

impl<'a> Facts<'a> {
    pub fn of(contents: &'a [u8]) -> Result<Self> {
        let file = File::parse(contents)?;
        let machine = match file.architecture() {
            Architecture::X86_64 => "x86_64",
            Architecture::I386 => "i686",
            Architecture::Aarch64 => "aarch64",
            other => bail!("it is for {other:?}"),
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut exports = BTreeSet::new();
        for export in file.exports()? {
            exports.insert(export?.name().name().map_or("(by number)".to_owned(), text));
        }
        let mut imports = BTreeSet::new();
        for library in file.import_libraries()? {
            let name = text(library?.name());
            // Windows does not tell KERNEL32.dll from kernel32.dll.
            imports.insert(if file.format() == BinaryFormat::Pe { name.to_ascii_lowercase() } else { name });
        }
        let elf = match &file {
            File::Elf32(elf) => elf_facts(elf)?,
            File::Elf64(elf) => elf_facts(elf)?,
            _ => Elf::default(),
        };
        let is_windows = file.format() == BinaryFormat::Pe;
        let Elf { glibc, has_run_path, soname } = elf;
        Ok(Self { machine, is_windows, exports, imports, glibc, has_run_path, soname, contents })
    }

    /// What Windows shows as the file's version.
    pub fn shown_version(&self) -> Option<String> {
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let key = wide("FileVersion\0");
        let found = self.contents.windows(key.len()).position(|window| window == key)?;
        let units =
            self.contents[found + key.len()..].chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        // The value begins where the next four bytes do.
        let value: Vec<u16> = units.skip_while(|&unit| unit == 0).take_while(|&unit| unit != 0).collect();
        String::from_utf16(&value).ok()
    }

    /// Whether a text stands anywhere in it.
    pub fn mentions(&self, text: &str) -> bool {
        self.contents.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

fn elf_facts<H: FileHeader<Endian = object::Endianness>>(file: &ElfFile<'_, H>) -> Result<Elf> {
    let (endian, data, sections) = (file.endian(), file.data(), file.elf_section_table());
    let mut facts = Elf::default();
    if let Some((entries, link)) = sections.dynamic(endian, data)? {
        let strings = sections.strings(endian, data, link)?;
        if let Some(entry) = entries.iter().find(|entry| entry.tag(endian) == elf::DT_SONAME) {
            facts.soname = Some(String::from_utf8_lossy(entry.string(endian, strings)?).into_owned());
        }
        facts.has_run_path = entries.iter().any(|entry| matches!(entry.tag(endian), elf::DT_RPATH | elf::DT_RUNPATH));
    }
    if let Some((mut libraries, link)) = sections.gnu_verneed(endian, data)? {
        let strings = sections.strings(endian, data, link)?;
        while let Some((_, mut versions)) = libraries.next()? {
            while let Some(version) = versions.next()? {
                let name = version.name(endian, strings)?;
                facts.glibc = facts.glibc.max(glibc_version(&String::from_utf8_lossy(name)));
            }
        }
    }
    Ok(facts)
}

/// `GLIBC_2.3.4` counts as 2.3.
fn glibc_version(name: &str) -> Option<(u32, u32)> {
    let mut parts = name.strip_prefix("GLIBC_")?.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_versions_as_numbers() {
        assert_eq!(glibc_version("GLIBC_2.3.4"), Some((2, 3)));
        assert!(glibc_version("GLIBC_2.17") > glibc_version("GLIBC_2.4"));
        assert_eq!(glibc_version("GCC_3.0"), None);
    }
}
