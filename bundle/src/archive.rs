//! The files in `dist/`. The same contents give the same bytes: names are sorted, times and owners fixed.

use crate::compile::Built;
use crate::manifest;
use crate::project::Project;
use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Names and contents.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The time that all files bear, in seconds since 1970: SOURCE_DATE_EPOCH, or the first that a ZIP can say.
fn time() -> Result<u64> {
    const FIRST: u64 = 315_532_800;
    let Some(text) = std::env::var_os("SOURCE_DATE_EPOCH") else { return Ok(FIRST) };
    let seconds: u64 = text.to_string_lossy().parse().context("SOURCE_DATE_EPOCH is a number of seconds")?;
    Ok(seconds.max(FIRST))
}

/// A day of the Gregorian calendar from a count of days since 1970: the well-known algorithm of 400-year cycles that
/// begin in March.
fn date(days: u64) -> (u16, u8, u8) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year as u16, month as u8, day as u8)
}

fn zip_time(seconds: u64) -> Result<DateTime> {
    let (year, month, day) = date(seconds / 86_400);
    let second = seconds % 86_400;
    let [hour, minute, second] = [second / 3600, second / 60 % 60, second % 60].map(|part| part as u8);
    DateTime::from_date_and_time(year, month, day, hour, minute, second).context("SOURCE_DATE_EPOCH is before 2108")
}

fn zip(files: &Files, seconds: u64) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(zip_time(seconds)?)
        .unix_permissions(0o644);
    for (name, contents) in files {
        zip.start_file(name, options)?;
        zip.write_all(contents)?;
    }
    Ok(zip.finish()?.into_inner())
}

pub fn tar_gz(files: &Files) -> Result<Vec<u8>> {
    let seconds = time()?;
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

/// The ZIP for 1C:Enterprise: the manifest and one file a platform, no folders.
pub fn bundle(project: &Project, built: &[Built]) -> Result<PathBuf> {
    let targets: Vec<_> = built.iter().map(|built| built.target).collect();
    let mut files = Files::new();
    files.insert("MANIFEST.XML".to_owned(), manifest::write(project, &targets)?.into_bytes());
    for built in built {
        files.insert(built.target.file_name(&project.version), built.contents.clone());
    }
    let path = project.bundle_path();
    save(&path, &zip(&files, time()?)?)?;
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
    fn knows_the_calendar() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(3652), (1980, 1, 1));
        assert_eq!(date(19_782), (2024, 2, 29));
        assert_eq!(date(19_783), (2024, 3, 1));
    }

    #[test]
    fn the_same_contents_give_the_same_bytes() {
        let files = Files::from([("b".to_owned(), vec![1; 1000]), ("a".to_owned(), b"text".to_vec())]);
        assert_eq!(zip(&files, 1_700_000_000).unwrap(), zip(&files, 1_700_000_000).unwrap());
        assert_eq!(tar_gz(&files).unwrap(), tar_gz(&files).unwrap());
    }
}
