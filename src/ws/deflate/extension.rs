//! The grammar of `Sec-WebSocket-Extensions`, RFC 6455 section 9.1.

use crate::options::is_token;

/// One extension of a list, with its parameters in their order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Extension {
    pub name: String,
    pub parameters: Vec<(String, Option<String>)>,
}

/// Whether a header's value (its repeats joined by commas) is what the grammar allows. Anything else fails the
/// handshake, RFC 6455 section 9.1.
pub fn is_well_formed(value: &str) -> bool {
    parse(value).is_some()
}

/// The extensions of a list; `None` for what the grammar does not allow. Empty entries are allowed everywhere
/// (RFC 9110 section 5.6.1).
pub(super) fn parse(value: &str) -> Option<Vec<Extension>> {
    let mut rest = Rest(value);
    let mut found = Vec::new();
    loop {
        rest.blanks();
        if rest.take(',') {
            continue;
        }
        if rest.0.is_empty() {
            return Some(found);
        }
        found.push(extension(&mut rest)?);
        if !rest.0.is_empty() && !rest.take(',') {
            return None;
        }
    }
}

fn extension(rest: &mut Rest<'_>) -> Option<Extension> {
    let name = rest.token()?.to_owned();
    let mut parameters = Vec::new();
    rest.blanks();
    while rest.take(';') {
        rest.blanks();
        let key = rest.token()?.to_owned();
        rest.blanks();
        let mut value = None;
        if rest.take('=') {
            rest.blanks();
            value = Some(rest.value()?);
            rest.blanks();
        }
        parameters.push((key, value));
    }
    Some(Extension { name, parameters })
}

struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn blanks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn take(&mut self, mark: char) -> bool {
        match self.0.strip_prefix(mark) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn token(&mut self) -> Option<&'a str> {
        let end = self.0.find([' ', '\t', ',', ';', '=', '"']).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        is_token(token).then_some(token)
    }

    /// A token, or one in quotation marks: what is between them must be a token once unescaped.
    fn value(&mut self) -> Option<String> {
        if !self.take('"') {
            return self.token().map(str::to_owned);
        }
        let mut value = String::new();
        let mut chars = self.0.chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => value.push(chars.next()?),
                other => value.push(other),
            }
        }
        self.0 = chars.as_str();
        is_token(&value).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> Option<String> {
        let found = parse(value)?;
        let parameter = |(key, value): &(String, Option<String>)| match value {
            Some(value) => format!(";{key}={value}"),
            None => format!(";{key}"),
        };
        let one = |it: &Extension| it.name.clone() + &it.parameters.iter().map(parameter).collect::<String>();
        Some(found.iter().map(one).collect::<Vec<_>>().join(","))
    }

    #[test]
    fn what_the_grammar_allows() {
        for (value, expected) in [
            ("", ""),
            (" , ,", ""),
            ("a", "a"),
            ("a , b;c;d=1, ,e", "a,b;c;d=1,e"),
            ("a\t;\tb = \"10\" ; c", "a;b=10;c"),
            ("a;b=\"1\\0\"", "a;b=10"),
        ] {
            assert_eq!(shown(value).as_deref(), Some(expected), "{value:?}");
        }
    }

    #[test]
    fn what_it_does_not() {
        for value in [
            ";",
            "a;",
            "a;;b",
            "a;b=",
            "a;b=\"\"",
            "a;b=\"1",
            "a;b=\"1 0\"",
            "a;b=\"1,0\"",
            "a b",
            "a=1",
            "a;b=1 2",
            "a;b=1=2",
            "a;б",
            "имя",
            "a;b=\"1\"2",
            "a;b=\"1\\",
            "a/b",
        ] {
            assert!(!is_well_formed(value), "{value:?}");
        }
    }
}
