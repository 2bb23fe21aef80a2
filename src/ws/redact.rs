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

/// Parts of names whose values are secret.
const SECRETS: [&str; 8] = ["auth", "token", "cookie", "secret", "passw", "key", "session", "sign"];

pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // The handshake's own: a nonce, and what is made of it.
    !name.starts_with("sec-websocket-") && SECRETS.iter().any(|part| name.contains(part))
}

/// The lines of an HTTP head, or of several one behind the other, fit for a log: the values of headers and of
/// parameters that may be secrets are `***`.
pub fn head(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut first = true;
    let shown =
        text.lines().filter_map(|line| match (line.is_empty(), std::mem::replace(&mut first, line.is_empty())) {
            (true, _) => None,
            (false, true) => Some(query(line)),
            (false, false) => Some(header(line)),
        });
    shown.take(200).map(|line| printable(&line, 500)).collect()
}

fn header(line: &str) -> String {
    match line.split_once(':') {
        // The rest of a header that was folded, perhaps of a secret one.
        _ if line.starts_with([' ', '\t']) => "***".to_owned(),
        Some((name, _)) if is_secret(name) => format!("{name}: ***"),
        // A browser's way to bring a token: it can set no header.
        Some((name, value)) if name.eq_ignore_ascii_case("Sec-WebSocket-Protocol") => {
            let entries = value.split(',').map(str::trim).map(|entry| match entry.split_once('.') {
                Some((front, _)) if is_secret(front) => format!("{front}.***"),
                _ => entry.to_owned(),
            });
            format!("{name}: {}", entries.collect::<Vec<_>>().join(", "))
        }
        Some((name, value)) => format!("{name}:{}", query(value)),
        None => "***".to_owned(),
    }
}

/// A line with a URL: the values of parameters that may be secrets are `***`.
fn query(line: &str) -> String {
    let Some((front, query)) = line.split_once('?') else { return line.to_owned() };
    let (query, rest) =
        query.split_once(' ').map_or((query, String::new()), |(query, rest)| (query, format!(" {rest}")));
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}=***"),
        _ => pair.to_owned(),
    });
    format!("{front}?{}{rest}", pairs.collect::<Vec<_>>().join("&"))
}

/// A text that came from outside, on one line: control characters become blanks, what is over `most` characters `…`.
pub(super) fn printable(text: &str, most: usize) -> String {
    let mut out: String = text.trim().chars().take(most).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().chars().nth(most).is_some() {
        out.push('…');
    }
    out
}

/// The same without line ends and runs of blanks, and without the characters that change how a terminal, or a reader,
/// orders what is shown.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let marks = ['\u{200b}'..='\u{200f}', '\u{2028}'..='\u{202e}', '\u{2066}'..='\u{2069}', '\u{feff}'..='\u{feff}'];
    let clean = |c: char| if c.is_control() || marks.iter().any(|range| range.contains(&c)) { ' ' } else { c };
    let text: String = text.chars().map(clean).collect();
    printable(&text.split_whitespace().collect::<Vec<_>>().join(" "), most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_a_head_is_shown() {
        let text = "GET /x?access_token=S3C&a=1&api_key=S3C HTTP/1.1\r\nHost: h\r\naUTHORIZATION: Bearer S3C\r\n\
            Cookie: a=S3C\r\nX-Auth-Token:S3C\r\n S:3C\r\nLocation: http://h/?token=S3C\r\nSec-WebSocket-Key: n\r\n\
            Sec-WebSocket-Protocol: chat, access_token.S3C\r\nProxy-Authorization: S3C\r\nSet-Cookie: S3C\r\nCut";
        let lines = head(text.as_bytes()).join("|");
        assert_eq!(
            lines,
            "GET /x?access_token=***&a=1&api_key=*** HTTP/1.1|Host: h|aUTHORIZATION: ***|Cookie: ***|X-Auth-Token: ***|\
             ***|Location: http://h/?token=***|Sec-WebSocket-Key: n|Sec-WebSocket-Protocol: chat, access_token.***|\
             Proxy-Authorization: ***|Set-Cookie: ***|***"
        );
    }

    #[test]
    fn every_head_is_shown() {
        let text = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nSet-Cookie: S3C\r\n\r\nHTTP/1.1 101 OK\r\nA: b\r\n\r\n";
        let lines = head(text.as_bytes()).join("|");
        assert_eq!(lines, "HTTP/1.1 103 Early Hints|Link: </a>|Set-Cookie: ***|HTTP/1.1 101 OK|A: b");
    }

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
