//! The paths that a server lets clients ask for.

use super::list;
use crate::error::{Error, Id, Result};
use percent_encoding::percent_decode_str;

/// Whether the list, if it names any, has this path, percent-encoded as it came.
pub fn is_served(paths: &str, path: &str) -> bool {
    // Compared as they are decoded: a path may be as long as a request's head.
    let mut entries = list(paths).peekable();
    entries.peek().is_none()
        || entries.any(|entry| match entry.strip_suffix('*') {
            Some(folder) => {
                let mut asked = percent_decode_str(path);
                percent_decode_str(folder).all(|byte| asked.next() == Some(byte)) && asked.next().is_some()
            }
            None => percent_decode_str(path).eq(percent_decode_str(entry)),
        })
}

/// Each entry is a path from the root; an asterisk may only stand for all below a folder.
pub(super) fn check_paths(value: &str) -> Result<()> {
    for entry in list(value) {
        let path = entry.strip_suffix("/*").map_or(entry, |folder| if folder.is_empty() { "/" } else { folder });
        let bad = |c: char| matches!(c, '?' | '#' | '*' | '\\') || c.is_whitespace() || c.is_control();
        if !path.starts_with('/') || path.contains(bad) {
            return Err(Error::new(Id::Path, [entry.into()]));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asterisk_stands_for_all_below_a_folder() {
        let list = " /chat, /api/*, /чат ,";
        for path in ["/chat", "/ch%61t", "/api/v1", "/api/v1/x", "/%D1%87%D0%B0%D1%82"] {
            assert!(is_served(list, path), "{path}");
        }
        for path in ["/", "/chat/", "/Chat", "/api", "/api/", "/apis", "/chat?x", ""] {
            assert!(!is_served(list, path), "{path}");
        }
        assert!(is_served("", "/anything") && is_served(" , ", "/") && is_served("/*", "/a") && is_served("/", "/"));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for good in ["", "/", "/*", "/a/b", "/a/*, /b", "/%D1"] {
            check_paths(good).unwrap();
        }
        for bad in ["a", "*", "/a*", "/*/a", "/a?b", "/a#b", "/a b", "/a, b", "/a\\b"] {
            assert_eq!(check_paths(bad).unwrap_err().id(), Id::Path, "{bad}");
        }
    }
}
