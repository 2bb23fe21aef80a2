//! The files of `PagesFolder`.
//!
//! Which file a path names is decided without the file system, by the strictest of what the platforms know; whether that
//! file lies in the folder, by the file system, links and all. Files are opened and read by workers.

use super::super::Shared;
use crate::engine::{Plain, Reply};
use crate::error::{Result, memory};
use crate::http::{Pieces, Request, Response};
use crate::options::Opt;
use percent_encoding::percent_decode_str;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

/// What a worker reads at once.
const PIECE: usize = 256 * 1024;
/// No system of ours has longer ones below a folder: what such a path names is not looked for.
const LONGEST_PATH: usize = 4096;
/// What a folder shows of itself.
const INDEX: &str = "index.html";
/// The one folder whose name begins with a dot and that is meant for others, RFC 8615.
const WELL_KNOWN: &str = ".well-known";

impl Shared {
    /// A path that nothing else answers, where pages are served.
    pub(super) fn page(&self, request: &Request) -> Plain {
        if !request.is_read() {
            return Plain::Answer(Reply::Now(Response::wrong_method("GET, HEAD")));
        }
        let folder = PathBuf::from(&*self.options.text(Opt::PagesFolder));
        let (Ok(path), Ok(head), Ok(names)) =
            (memory::copy(request.path()), request.copy_head(), names(request.path()))
        else {
            return Plain::Answer(Reply::Now(Response::no_memory()));
        };
        let Some(names) = names else { return Plain::Answer(Reply::Now(not_found())) };
        Plain::Answer(Reply::Later(Box::new(move || match Request::parse(head) {
            Ok(request) => serve(&folder, &names, &path, &request),
            Err(fault) => fault.into(),
        })))
    }
}

fn not_found() -> Response {
    Response::text(404, "Not found")
}

/// The names along a path, which ends with an empty one where it ends with a slash; `None`: no file may have it.
///
/// # Errors
/// `NoMemory`: the list of many short names is much longer than the path.
fn names(path: &str) -> Result<Option<Vec<String>>> {
    let Some(path) = path.strip_prefix('/').filter(|path| path.len() <= LONGEST_PATH) else { return Ok(None) };
    let mut names: Vec<String> = memory::room_for(path.split('/').count())?;
    let mut rest = path.split('/').peekable();
    while let Some(segment) = rest.next() {
        let Ok(name) = percent_decode_str(segment).decode_utf8() else { return Ok(None) };
        let (first, last) = (names.is_empty(), rest.peek().is_none());
        if !(name.is_empty() && last || is_visible(&name, first)) {
            return Ok(None);
        }
        names.push(memory::copy(&name)?);
    }
    Ok(Some(names))
}

/// Whether a name may be shown: nothing that leads elsewhere, is hidden, or means something else on some platform.
fn is_visible(name: &str, first: bool) -> bool {
    let hidden = name.starts_with('.') && !(first && name == WELL_KNOWN);
    // `/` and `\` that were encoded, streams and drives (`:`), wildcards, what Windows refuses.
    let odd = |sign: char| sign.is_control() || "/\\:*?\"<>|".contains(sign);
    // Windows drops what a name ends with: `a.html.` and `a.html ` are `a.html`. `~1` may be the short form of a hidden one.
    let dropped = name.ends_with(['.', ' ']);
    !name.is_empty() && !hidden && !dropped && !name.contains(odd) && !is_short_form(name) && !is_device(name)
}

/// A short name of Windows, like `HTACCE~1`, by which a file can be had whose own name is hidden.
fn is_short_form(name: &str) -> bool {
    name.split('.')
        .next()
        .unwrap_or_default()
        .rsplit_once('~')
        .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
}

/// A device of Windows, which is one with any ending, too: `NUL`, `com1.txt`.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|number| {
            let mut signs = number.chars();
            matches!((signs.next(), signs.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
        })
    };
    matches!(&*stem, "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") || numbered("COM") || numbered("LPT")
}

fn serve(folder: &Path, names: &[String], path: &str, request: &Request) -> Response {
    let Ok(root) = folder.canonicalize() else { return not_found() };
    let mut wanted = root.clone();
    wanted.extend(names.iter().filter(|name| !name.is_empty()));
    let is_folder = names.last().is_some_and(String::is_empty);
    let Some((found, metadata)) = inside(&root, &wanted) else { return not_found() };
    if metadata.is_dir() && !is_folder {
        // So that what the page refers to is looked for in the folder.
        return Response::text(301, "It is a folder").with("Location", format!("{path}/"));
    }
    let file = match (metadata.is_dir(), is_folder) {
        (true, _) => inside(&root, &found.join(INDEX)),
        (false, true) => None,
        (false, false) => Some((found, metadata)),
    };
    match file.and_then(|(path, _)| open(&path).ok()) {
        Some((file, metadata, path)) => answer(file, &metadata, &path, request),
        None => not_found(),
    }
}

/// Where a path really leads, if that is inside the folder and not hidden there.
fn inside(root: &Path, wanted: &Path) -> Option<(PathBuf, Metadata)> {
    let real = wanted.canonicalize().ok()?;
    let below = real.strip_prefix(root).ok()?;
    let mut visible = below.components().enumerate().map(|(at, part)| match part {
        Component::Normal(name) => name.to_str().is_some_and(|name| is_visible(name, at == 0)),
        _ => false,
    });
    let metadata = visible.all(|visible| visible).then(|| real.metadata().ok())??;
    Some((real, metadata))
}

/// Opens an ordinary file, and nothing that it has been replaced by in the meantime.
fn open(path: &Path) -> io::Result<(File, Metadata, PathBuf)> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A pipe would wait for its writer.
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok((file, metadata, path.to_owned()))
}

fn answer(file: File, metadata: &Metadata, path: &Path, request: &Request) -> Response {
    let length = metadata.len();
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let tag = format!("\"{length:x}-{:x}\"", changed.as_nanos());
    let fresh = Response::is_fresh(request, &tag);
    let response = if fresh { Response::bare(304) } else { Response::new(200, &kind(path), Vec::new()) };
    // Asked for each time, and then mostly answered with 304.
    let response = response.with("ETag", tag).with("Cache-Control", "no-cache");
    if fresh {
        return response;
    }
    response.with("X-Content-Type-Options", "nosniff").pieces(Box::new(Reader { file, left: length }), length)
}

fn kind(path: &Path) -> String {
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let text = kind.type_() == "text" || ["javascript", "json", "xml"].iter().any(|name| kind.subtype() == *name);
    if text { format!("{}; charset=utf-8", kind.essence_str()) } else { kind.essence_str().to_owned() }
}

struct Reader {
    file: File,
    left: u64,
}

impl Pieces for Reader {
    fn next(&mut self) -> io::Result<Vec<u8>> {
        let size = usize::try_from(self.left).unwrap_or(PIECE).min(PIECE);
        let mut piece = Vec::new();
        piece.try_reserve_exact(size).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        (&mut self.file).take(size as u64).read_to_end(&mut piece)?;
        self.left -= piece.len() as u64;
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_files_below_the_folder_only() {
        let of = |path: &str| names(path).unwrap().map(|names| names.join("/"));
        for (path, named) in [
            ("/", ""),
            ("/a/b.html", "a/b.html"),
            ("/a/", "a/"),
            ("/%D1%84%20x.txt", "ф x.txt"),
            ("/.well-known/acme-challenge/x", ".well-known/acme-challenge/x"),
            ("/a..b", "a..b"),
            ("/console.html", "console.html"),
            ("/com10", "com10"),
            ("/a~b", "a~b"),
        ] {
            assert_eq!(of(path).as_deref(), Some(named), "{path}");
        }
        for path in [
            "",
            "a",
            "//",
            "//a",
            "/a//b",
            "/.",
            "/..",
            "/../a",
            "/a/../b",
            "/%2e%2e/a",
            "/%2E./a",
            "/a%2fb",
            "/a%2F..%2Fb",
            "/a%5cb",
            "/a\\b",
            "/..%5c",
            "/%00",
            "/a%00.html",
            "/a%0a",
            "/.git/config",
            "/a/.htaccess",
            "/a/.well-known/x",
            "/.well-known%2f",
            "/%ff",
            "/nul",
            "/NUL.txt",
            "/a/con",
            "/Com1",
            "/lpt9.html",
            "/COM%C2%B9",
            "/aux.",
            "/conin$",
            "/a.html.",
            "/a.html%20",
            "/a.html::$DATA",
            "/c:",
            "/a*",
            "/HTACCE~1",
            "/a~2.txt",
            &"/a".repeat(LONGEST_PATH),
        ] {
            assert_eq!(of(path), None, "{path}");
        }
    }

    #[test]
    fn types_are_known() {
        for (name, kind_) in [
            ("a.html", "text/html; charset=utf-8"),
            ("a.js", "text/javascript; charset=utf-8"),
            ("a.css", "text/css; charset=utf-8"),
            ("a.json", "application/json; charset=utf-8"),
            ("a.png", "image/png"),
            ("a.wasm", "application/wasm"),
            ("a.svg", "image/svg+xml"),
            ("a", "application/octet-stream"),
        ] {
            assert_eq!(kind(Path::new(name)), kind_, "{name}");
        }
    }
}
