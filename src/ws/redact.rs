//! What may be shown of texts that hold secrets or come from the peer.

use std::borrow::Cow;

/// A URL, malformed as it may be, without what could be a password or a token: everything up to the last `@` becomes
/// `***`, query and fragment are cut. Where a stray `@` makes it doubtful which is which, nothing is shown.
pub(super) fn url(text: &str) -> String {
    let (scheme, rest) = match scheme(text) {
        Some(scheme) => text.split_at(scheme.len() + "://".len()),
        None => ("", text),
    };
    let (front, tail) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    let shown = match front.rfind('@') {
        // An unescaped `?` or `#` in a password, or an `@` in a query.
        _ if tail.contains('@') => "***".into(),
        Some(at) => Cow::from(format!("***{}", &front[at..])),
        None => front.into(),
    };
    printable(&format!("{scheme}{shown}"), 300)
}

/// The scheme of a text that begins with `scheme://`, RFC 3986 section 3.1.
pub(super) fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    let letters = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    (letters && scheme.starts_with(|first: char| first.is_ascii_alphabetic())).then_some(scheme)
}

/// A text that came from outside, on one line: control characters become blanks, what is over `most` characters `…`.
pub(super) fn printable(text: &str, most: usize) -> String {
    let mut out: String = text.trim().chars().take(most).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().chars().nth(most).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_shown() {
        for (text, shown) in [
            ("ws://host:99999/path", "ws://host:99999/path"),
            ("ws://user:SECRET@host:99999/path?token=SECRET#x", "ws://***@host:99999/path"),
            ("ws://user:SEC@RET@host", "ws://***@host"),
            ("ws://user:SEC/RET@host/x", "ws://***@host/x"),
            ("ws://user:SEC?RET@host/x", "ws://***"),
            ("ws://user:SEC#RET@host/x", "ws://***"),
            ("ws://host?mail=x@SECRET", "ws://***"),
            ("user:SECRET@host:80/x", "***@host:80/x"),
            ("user:SECRET://@host", "***@host"),
            ("127.0.0.1:9098/x", "127.0.0.1:9098/x"),
            ("a\r\nb", "a  b"),
        ] {
            assert_eq!(url(text), shown, "{text}");
        }
        assert_eq!(url(&"я".repeat(1000)).chars().count(), 301);
    }
}
