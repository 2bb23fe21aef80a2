//! Reads the ZIP as the catalogue of add-ins of the Library of Standard Subsystems does: what the add-in is called, its
//! version, the date of the version, and which platforms it runs on.

use crate::archive::MANIFEST;
use crate::info::INFO;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::io::{Cursor, Read, Seek};
use time::PrimitiveDateTime;
use zip::ZipArchive;

/// An element of the catalogue.
#[derive(Debug, PartialEq)]
pub struct Element {
    pub id: String,
    pub name: String,
    /// Four numbers.
    pub version: [u16; 4],
    /// The time of MANIFEST.XML in the ZIP: of two elements with one id, the catalogue takes the newer.
    pub date: PrimitiveDateTime,
    /// `Linux x86_64`: a platform and its architecture, each with a file that the ZIP holds.
    pub platforms: BTreeSet<String>,
}

pub fn read(contents: &[u8]) -> Result<Element> {
    let mut zip = ZipArchive::new(Cursor::new(contents))?;
    let date = date(&mut zip)?;
    let info = text(&mut zip, INFO)?;
    let manifest = text(&mut zip, MANIFEST)?;
    let names = zip.file_names().map(|name| Ok(name?.into_owned())).collect::<Result<BTreeSet<_>>>()?;
    let (id, name, version) = info_of(&info).context(INFO)?;
    Ok(Element { id, name, version, date, platforms: platforms(&manifest, &names).context(MANIFEST)? })
}

/// Every file has the same, so that it does not matter which one a reader looks at.
fn date(zip: &mut ZipArchive<impl Read + Seek>) -> Result<PrimitiveDateTime> {
    let mut dates = BTreeSet::new();
    for index in 0..zip.len() {
        let entry = zip.by_index(index)?;
        let when = entry.last_modified().context("an entry has no time")?;
        dates.insert(PrimitiveDateTime::try_from(when)?);
    }
    ensure!(dates.len() == 1, "the entries have several times: {dates:?}");
    dates.pop_first().context("the ZIP is empty")
}

fn text(zip: &mut ZipArchive<impl Read + Seek>, name: &str) -> Result<String> {
    let mut text = String::new();
    zip.by_name(name).with_context(|| name.to_owned())?.read_to_string(&mut text)?;
    Ok(text)
}

fn info_of(xml: &str) -> Result<(String, String, [u16; 4])> {
    let document = roxmltree::Document::parse(xml)?;
    let root = document.root_element();
    ensure!(root.has_tag_name("info"), "its element is <{}>", root.tag_name().name());
    let value = |name: &str| {
        let element = root.children().find(|child| child.has_tag_name(name));
        let text = element.and_then(|element| element.text()).unwrap_or_default().to_owned();
        ensure!(!text.is_empty() && text.trim() == text, "<{name}> is `{text}`");
        Ok(text)
    };
    let progid = value("progid")?;
    let id = progid.strip_prefix("AddIn.").with_context(|| format!("<progid> {progid} does not begin with AddIn."))?;
    let version = value("version")?;
    let numbers: Vec<u16> = version.split('.').map(str::parse).collect::<Result<_, _>>().context(version.clone())?;
    let version = numbers.try_into().ok().with_context(|| format!("<version> {version} has not four parts"))?;
    Ok((id.to_owned(), value("name")?, version))
}

fn platforms(xml: &str, names: &BTreeSet<String>) -> Result<BTreeSet<String>> {
    let document = roxmltree::Document::parse(xml)?;
    let mut platforms = BTreeSet::new();
    for component in document.descendants().filter(|node| node.tag_name().name() == "component") {
        let value = |name| component.attribute(name).with_context(|| format!("a component without {name}"));
        let (os, arch, path) = (value("os")?, value("arch")?, value("path")?);
        ensure!(value("type")? == "native", "{path} is not of the type native");
        ensure!(names.contains(path), "{path} is not in the ZIP");
        ensure!(platforms.insert(format!("{os} {arch}")), "two files for {os} {arch}");
    }
    Ok(platforms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_read_and_its_faults_are_named() {
        let info = |progid: &str, version: &str| {
            info_of(&format!("<info><progid>{progid}</progid><name>Имя</name>\n<version>{version}</version></info>"))
        };
        let (id, name, version) = info("AddIn.WebSocket", "1.2.3.0").unwrap();
        assert_eq!((id.as_str(), name.as_str(), version), ("WebSocket", "Имя", [1, 2, 3, 0]));
        for (progid, version) in
            [("WebSocket", "1.2.3.0"), ("AddIn.WebSocket", "1.2.3"), ("AddIn.WebSocket", ""), ("", "1.2.3.0")]
        {
            assert!(info(progid, version).is_err(), "{progid} {version}");
        }
        assert!(info_of("<other/>").is_err());
    }

    #[test]
    fn a_platform_needs_its_file_and_comes_once() {
        let one = "<component os=\"Linux\" path=\"a.so\" type=\"native\" arch=\"i386\"/>";
        let names = BTreeSet::from(["a.so".to_owned()]);
        let read = |components: &str| platforms(&format!("<bundle>{components}</bundle>"), &names);
        assert_eq!(read(one).unwrap(), BTreeSet::from(["Linux i386".to_owned()]));
        assert!(read(&one.repeat(2)).is_err());
        assert!(read(&one.replace("a.so", "b.so")).is_err());
        assert!(read(&one.replace("native", "com")).is_err());
    }
}
