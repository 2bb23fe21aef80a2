//! The variables that programs have agreed upon.

use super::{Bypass, Proxy};
use crate::error::{Error, Id, Result};

/// The proxy that the variables name for this host. The lower-case name of a variable comes first, and an empty one
/// counts as missing.
pub(super) fn choose(
    secure: bool,
    host: &str,
    port: u16,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>> {
    let read = |name: &'static str| {
        // In a CGI program HTTP_PROXY holds the client's header "Proxy" (CVE-2016-5385).
        let forged = name == "HTTP_PROXY" && variable("REQUEST_METHOD").is_some();
        variable(name).filter(|value| !forged && !value.trim().is_empty()).map(|value| (name, value))
    };
    let names = match secure {
        true => ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        false => ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
    };
    let Some((name, value)) = names.into_iter().find_map(read) else { return Ok(None) };
    let direct = read("no_proxy").or_else(|| read("NO_PROXY"));
    if direct.is_some_and(|(_, list)| Bypass::parse(&list).has(host, port)) {
        return Ok(None);
    }
    Proxy::parse(&value)
        .map(Some)
        .map_err(|error| Error::new(Id::ProxyVariable, [name.into()]).because(error).with_own_code())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(secure: bool, host: &str, variables: &[(&str, &str)]) -> String {
        let find = |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        match choose(secure, host, 80, find) {
            Ok(proxy) => proxy.map_or_else(String::new, |proxy| proxy.address()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_variables_are_read_as_other_programs_do() {
        let all = [("HTTPS_PROXY", "http://s:1"), ("http_proxy", "p:2"), ("ALL_PROXY", "socks5://a:3")];
        assert_eq!(chosen(true, "host", &all), "s:1");
        assert_eq!(chosen(false, "host", &all), "p:2");
        assert_eq!(chosen(true, "host", &all[2..]), "a:3");
        assert_eq!(chosen(true, "host", &[("https_proxy", "l:1"), ("HTTPS_PROXY", "u:1")]), "l:1");
        assert_eq!(chosen(true, "host", &[("https_proxy", ""), ("HTTPS_PROXY", "u:1")]), "u:1");
        assert_eq!(chosen(false, "host", &[]), "");
        assert_eq!(chosen(false, "a.example", &[all[1], ("NO_PROXY", "x, example")]), "");
        assert_eq!(chosen(false, "a.example", &[all[1], ("no_proxy", "x"), ("NO_PROXY", "*")]), "p:2");
        assert_eq!(chosen(false, "host", &[("HTTP_PROXY", "evil:1"), ("REQUEST_METHOD", "GET")]), "");
        let bad = chosen(false, "host", &[("HTTP_PROXY", "ftp://user:S3C@x:1")]);
        assert!(bad.contains("HTTP_PROXY") && !bad.contains("S3C"), "{bad}");
    }
}
