//! Where Linux distributions keep the roots that the system trusts. The process's environment is read, never changed.

use super::pem;
use super::platform::Certificate;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Bundles; the first that holds certificates is taken.
const FILES: &[&str] = &[
    // Debian, Ubuntu, Astra, Arch, Gentoo.
    "/etc/ssl/certs/ca-certificates.crt",
    // RED OS, CentOS and RHEL from 7 on, Fedora, newer ALT.
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    // CentOS and RHEL 6, and for compatibility many others.
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/tls/cert.pem",
    // ALT.
    "/usr/share/ca-certificates/ca-bundle.crt",
    "/var/lib/ssl/cert.pem",
    // SUSE.
    "/var/lib/ca-certificates/ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    // Alpine.
    "/etc/ssl/cert.pem",
];

/// Folders with a file for each certificate, for systems without a bundle.
const FOLDERS: &[&str] =
    &["/etc/ssl/certs", "/var/lib/ca-certificates/pem", "/etc/pki/tls/certs", "/var/lib/ssl/certs"];

/// No bundle has this many bytes.
const MAX_FILE: u64 = 32 << 20;

/// The system's roots, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR` where one of them is set, as OpenSSL has it.
pub(super) fn system() -> Vec<Certificate> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let (file, folders) = (set("SSL_CERT_FILE"), set("SSL_CERT_DIR"));
    if file.is_some() || folders.is_some() {
        return chosen(file, folders);
    }
    let bundle = FILES.iter().map(|path| read_file(Path::new(path))).find(|found| !found.is_empty());
    bundle
        .or_else(|| FOLDERS.iter().map(|path| read_folder(Path::new(path))).find(|found| !found.is_empty()))
        .unwrap_or_default()
}

fn chosen(file: Option<OsString>, folders: Option<OsString>) -> Vec<Certificate> {
    let mut found = file.map(|file| read_file(&PathBuf::from(file))).unwrap_or_default();
    for folder in folders.iter().flat_map(|folders| std::env::split_paths(folders)) {
        found.extend(read_folder(&folder));
    }
    found
}

/// A certificate that OpenSSL cannot read is left out, as every client does: one odd root must not cost the others.
fn read_file(path: &Path) -> Vec<Certificate> {
    let small = path.metadata().is_ok_and(|about| about.is_file() && about.len() <= MAX_FILE);
    let Some(bytes) = small.then(|| std::fs::read(path).ok()).flatten() else { return Vec::new() };
    let text = String::from_utf8_lossy(&bytes);
    let Ok(blocks) = pem::blocks(&text) else { return Vec::new() };
    let certificates = blocks.iter().filter(|block| block.is_certificate());
    certificates.filter_map(|block| Certificate::from_der(&block.der).ok()).collect()
}

fn read_folder(path: &Path) -> Vec<Certificate> {
    let Ok(entries) = std::fs::read_dir(path) else { return Vec::new() };
    // The links by hash and those by name lead to the same files.
    let files: BTreeSet<PathBuf> = entries.flatten().filter_map(|entry| entry.path().canonicalize().ok()).collect();
    files.iter().flat_map(|path| read_file(path)).collect()
}
