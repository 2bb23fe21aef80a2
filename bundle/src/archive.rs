//! The files in `dist/`. The same commit gives the same bytes: names are sorted, owners fixed, all times the commit's.

use crate::compile::Built;
use crate::info::{self, INFO};
use crate::manifest;
use crate::project::Project;
use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Which file of the ZIP is for which platform; read by 1C:Enterprise.
pub const MANIFEST: &str = "MANIFEST.XML";
/// Files of the project's root that lie in both archives.
pub const LICENCES: &[&str] = &["LICENSE-APACHE", "LICENSE-MIT", crate::licenses::FILE];

/// Names and contents.
pub type Files = BTreeMap<String, Vec<u8>>;

fn zip(files: &Files, when: OffsetDateTime) -> Result<Vec<u8>> {
    let utc = when.to_offset(UtcOffset::UTC);
    let when = DateTime::try_from(PrimitiveDateTime::new(utc.date(), utc.time()))
        .with_context(|| format!("a ZIP cannot say {utc}"))?;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(when)
        .unix_permissions(0o644);
    for (name, contents) in files {
        zip.start_file(name, options)?;
        zip.write_all(contents)?;
    }
    Ok(zip.finish()?.into_inner())
}

pub fn tar_gz(files: &Files, when: OffsetDateTime) -> Result<Vec<u8>> {
    let seconds = u64::try_from(when.unix_timestamp()).context("an archive's time is after 1970")?;
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    let mut tar = tar::Builder::new(gzip);
    for (name, contents) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(seconds);
        header.set_uid(0);
        header.set_gid(0);
        tar.append_data(&mut header, name, contents.as_slice())?;
    }
    Ok(tar.into_inner()?.finish()?)
}

/// The ZIP for 1C:Enterprise: its two descriptions, the licences and one file a platform, no folders.
pub fn bundle(project: &Project, built: &[Built]) -> Result<PathBuf> {
    let targets: Vec<_> = built.iter().map(|built| built.target).collect();
    let mut files = Files::new();
    files.insert(MANIFEST.to_owned(), manifest::write(project, &targets)?.into_bytes());
    files.insert(INFO.to_owned(), info::write(project)?.into_bytes());
    for name in LICENCES {
        files.insert((*name).to_owned(), std::fs::read(project.root.join(name)).context(*name)?);
    }
    for built in built {
        files.insert(built.target.file_name(&project.version), built.contents.clone());
    }
    let path = project.bundle_path();
    save(&path, &zip(&files, project.date()?)?)?;
    Ok(path)
}

pub fn save(path: &Path, contents: &[u8]) -> Result<()> {
    std::fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
    std::fs::write(path, contents).with_context(|| path.display().to_string())
}

pub fn sha256(contents: &[u8]) -> String {
    Sha256::digest(contents).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `SHA256SUMS`, as `sha256sum --check` reads it.
pub fn sums(project: &Project, files: &[&PathBuf]) -> Result<()> {
    let mut lines = String::new();
    for path in files {
        let contents = std::fs::read(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        lines.push_str(&format!("{}  {name}\n", sha256(&contents)));
        println!("{name}: {} bytes", contents.len());
    }
    save(&project.dist.join("SHA256SUMS"), lines.as_bytes())
}

/// What a ZIP holds.
pub fn unzip(path: &Path) -> Result<Files> {
    let file = std::fs::File::open(path).with_context(|| format!("{} (run `cargo bundle` first)", path.display()))?;
    let mut zip = zip::ZipArchive::new(file)?;
    let mut files = Files::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index)?;
        let mut contents = Vec::new();
        std::io::copy(&mut entry, &mut contents)?;
        files.insert(entry.name()?.into_owned(), contents);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zip_says_its_time_in_utc() {
        let files = Files::from([("a".to_owned(), Vec::new())]);
        let when = OffsetDateTime::from_unix_timestamp(1_709_251_198).unwrap();
        let contents = zip(&files, when.to_offset(UtcOffset::from_hms(3, 0, 0).unwrap())).unwrap();
        let mut zip = zip::ZipArchive::new(Cursor::new(contents)).unwrap();
        let written = zip.by_index(0).unwrap().last_modified().unwrap();
        assert_eq!(written.to_string(), "2024-02-29 23:59:58");
    }

    #[test]
    fn what_a_zip_cannot_say_is_an_error() {
        assert!(zip(&Files::new(), OffsetDateTime::UNIX_EPOCH).unwrap_err().to_string().contains("1970-01-01"));
    }

    #[test]
    fn the_same_contents_give_the_same_bytes() {
        let files = Files::from([("b".to_owned(), vec![1; 1000]), ("a".to_owned(), b"text".to_vec())]);
        let when = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
        assert_eq!(zip(&files, when).unwrap(), zip(&files, when).unwrap());
        assert_eq!(tar_gz(&files, when).unwrap(), tar_gz(&files, when).unwrap());
    }
}
