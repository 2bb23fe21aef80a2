//! What a Unix socket is called.

use crate::error::{Error, Id, Result};
use std::fmt;
use std::sync::Arc;

/// What an address of the system holds, less the NUL behind a path or before an abstract name.
const MAX: usize = 107;
/// An abstract name begins with it; a path, with `/`.
const ABSTRACT: char = '@';

/// An absolute path, or an abstract name, which is no file. Of a form and a length that the system takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixPath(Arc<str>);

impl UnixPath {
    /// Reads `/run/app.sock` or `@app`.
    ///
    /// # Errors
    /// `UnixPathForm`, `UnixPathLong`; `UnixNone` on a system without them.
    pub fn parse(text: &str) -> Result<Self> {
        let name = text.strip_prefix(['/', ABSTRACT]);
        if name.is_none_or(str::is_empty) || text.ends_with('/') || text.contains('\0') {
            return Err(Error::new(Id::UnixPathForm, [text.into()]));
        }
        if text.len() > MAX {
            return Err(Error::new(Id::UnixPathLong, [text.into(), text.len().into(), MAX.into()]));
        }
        match cfg!(unix) {
            true => Ok(Self(text.into())),
            false => Err(Error::of(Id::UnixNone)),
        }
    }

    /// The file; an abstract name has none.
    #[cfg(unix)]
    pub fn file(&self) -> Option<&std::path::Path> {
        (!self.0.starts_with(ABSTRACT)).then(|| std::path::Path::new(&*self.0))
    }

    #[cfg(unix)]
    pub(super) fn to_address(&self) -> std::io::Result<socket2::SockAddr> {
        match self.0.strip_prefix(ABSTRACT) {
            Some(name) => socket2::SockAddr::unix(format!("\0{name}")),
            None => socket2::SockAddr::unix(&*self.0),
        }
    }
}

/// As an interface is given: `unix:/run/app.sock`.
impl fmt::Display for UnixPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unix:{}", self.0)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn paths_and_abstract_names_are_taken_as_long_as_the_system_takes_them() {
        let longest = format!("/{}", "x".repeat(MAX - 1));
        for good in ["/a", "@a", "/run/ a b.sock", "/привет", &longest, &longest.replace('/', "@")] {
            let path = UnixPath::parse(good).unwrap();
            assert_eq!(path.to_string(), format!("unix:{good}"));
            assert_eq!(path.file().is_some(), good.starts_with('/'));
            assert!(path.to_address().unwrap().is_unix(), "{good}");
        }
        for (bad, id) in [
            ("", Id::UnixPathForm),
            ("/", Id::UnixPathForm),
            ("@", Id::UnixPathForm),
            ("run/a", Id::UnixPathForm),
            ("/run/", Id::UnixPathForm),
            ("/a\0b", Id::UnixPathForm),
            (&format!("{longest}x"), Id::UnixPathLong),
        ] {
            assert_eq!(UnixPath::parse(bad).unwrap_err().id(), id, "{bad}");
        }
    }
}
