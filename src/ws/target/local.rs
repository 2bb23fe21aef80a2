//! `ws+unix:///run/app.sock:/path?query`, the form of Node.js' `ws`: a server of this machine behind a Unix socket.

use crate::error::{Error, Id, Result};
use crate::net::UnixPath;
use crate::ws::redact;
use percent_encoding::percent_decode_str;
use url::Url;

/// What such a URL says; the fields are those of a target.
pub struct Local {
    pub socket: UnixPath,
    pub resource: String,
    pub shown: String,
}

/// Reads a trimmed URL that begins with this scheme.
pub fn parse(text: &str) -> Result<Local> {
    let malformed = || Error::new(Id::UrlMalformed, [redact::url(text).into()]);
    if text.contains('#') {
        return Err(Error::new(Id::UrlFragment, [redact::url(text).into()]));
    }
    if text.contains(|c: char| c.is_control()) {
        return Err(malformed());
    }
    let scheme = redact::scheme(text).ok_or_else(malformed)?;
    let rest = &text[scheme.len() + "://".len()..];
    let (whole, query) = rest.split_once('?').map_or((rest, None), |(whole, query)| (whole, Some(query)));
    let (name, path) = whole.split_once(':').unwrap_or((whole, ""));
    // What no path has in it may be written as in any URL.
    let name = percent_decode_str(name).decode_utf8().map_err(|_| malformed())?;
    let socket = UnixPath::parse(&name).map_err(|error| match error.id() {
        // Whatever stands before the path may be a password.
        Id::UnixPathForm => malformed().because(Id::UrlUnix.into()),
        _ => error,
    })?;
    if !(path.is_empty() || path.starts_with('/')) {
        return Err(malformed().because(Id::UrlUnix.into()));
    }
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    // The parser encodes what a request line cannot have.
    let parsed = Url::parse(&format!("ws://localhost{path}{query}")).map_err(|_| malformed())?;
    let resource = match parsed.query() {
        Some(query) => format!("{}?{query}", parsed.path()),
        None => parsed.path().to_owned(),
    };
    Ok(Local { socket, resource, shown: format!("{scheme}://{whole}") })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_socket_ends_at_the_colon() {
        for (url, address, resource, shown) in [
            ("ws+unix:///run/app.sock:/path", "unix:/run/app.sock", "/path", "ws+unix:///run/app.sock:/path"),
            ("WS+UNIX:///a", "unix:/a", "/", "WS+UNIX:///a"),
            ("ws+unix:///a:", "unix:/a", "/", "ws+unix:///a:"),
            ("ws+unix:///a?q=1", "unix:/a", "/?q=1", "ws+unix:///a"),
            ("ws+unix:///a:/b c:d?q=:/", "unix:/a", "/b%20c:d?q=:/", "ws+unix:///a:/b c:d"),
            ("ws+unix:///a%20b%3a%25 c:/x", "unix:/a b:% c", "/x", "ws+unix:///a%20b%3a%25 c:/x"),
            ("ws+unix:///приём:/чат", "unix:/приём", "/%D1%87%D0%B0%D1%82", "ws+unix:///приём:/чат"),
            ("ws+unix://@name:/x", "unix:@name", "/x", "ws+unix://@name:/x"),
        ] {
            let local = parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(
                (&*local.socket.to_string(), &*local.resource, &*local.shown),
                (address, resource, shown),
                "{url}"
            );
        }
    }

    #[test]
    fn what_names_no_socket_is_refused() {
        let long = format!("ws+unix:///{}:/", "x".repeat(107));
        for (url, id) in [
            ("ws+unix://", Id::UrlMalformed),
            ("ws+unix://user:SECRET@/run/app.sock", Id::UrlMalformed),
            ("ws+unix://host/run/app.sock:/", Id::UrlMalformed),
            ("ws+unix:///a:b", Id::UrlMalformed),
            ("ws+unix:///a%ff", Id::UrlMalformed),
            ("ws+unix:///a\nb", Id::UrlMalformed),
            ("ws+unix:///a%00b", Id::UrlMalformed),
            ("ws+unix:///a:/#x", Id::UrlFragment),
            (&long, Id::UnixPathLong),
        ] {
            let Err(error) = parse(url) else { panic!("{url} was taken") };
            assert_eq!(error.id(), id, "{url}");
            assert!(!error.to_string().contains("SECRET"), "{error}");
        }
    }
}
