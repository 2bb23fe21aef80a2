//! A module of the 1C language as words, texts and signs.

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// An identifier or a keyword, in lower case.
    Word(String),
    Text(String),
    Sign(char),
}

pub struct Module {
    pub name: String,
    pub tokens: Vec<(usize, Token)>,
}

impl Module {
    pub fn read(name: &str, source: &str) -> Self {
        Self { name: name.to_owned(), tokens: tokens(name, source) }
    }

    pub fn word(&self, at: usize) -> Option<&str> {
        match self.tokens.get(at) {
            Some((_, Token::Word(word))) => Some(word),
            _ => None,
        }
    }

    pub fn text(&self, at: usize) -> Option<&str> {
        match self.tokens.get(at) {
            Some((_, Token::Text(text))) => Some(text),
            _ => None,
        }
    }

    pub fn is(&self, at: usize, sign: char) -> bool {
        self.tokens.get(at).is_some_and(|(_, token)| *token == Token::Sign(sign))
    }

    pub fn place(&self, at: usize) -> String {
        format!("{}:{}", self.name, self.tokens.get(at).map_or(0, |(line, _)| *line))
    }
}

fn tokens(name: &str, source: &str) -> Vec<(usize, Token)> {
    let mut found = Vec::new();
    let mut open_text: Option<String> = None;
    for (number, line) in source.lines().enumerate() {
        let number = number + 1;
        let mut rest: &str = line;
        if let Some(text) = open_text.take() {
            // A text over several lines goes on behind a bar.
            let after = rest.trim_start().strip_prefix('|');
            rest = after.unwrap_or_else(|| panic!("{name}:{number}: a text that is not closed"));
            rest = read_text(rest, text, number, &mut found, &mut open_text);
        }
        while let Some(first) = rest.trim_start().chars().next() {
            rest = rest.trim_start();
            if rest.starts_with("//") || first == '#' {
                break;
            } else if first == '"' {
                rest = read_text(&rest[1..], String::new(), number, &mut found, &mut open_text);
            } else if first == '\'' {
                let end = rest[1..].find('\'').unwrap_or_else(|| panic!("{name}:{number}: a date that is not closed"));
                rest = &rest[end + 2..];
            } else if first.is_alphanumeric() || first == '_' {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
                found.push((number, Token::Word(rest[..end].to_lowercase())));
                rest = &rest[end..];
            } else {
                assert!("&.,;()[]=<>+-*/%?:|".contains(first), "{name}:{number}: {first:?} is not of the language");
                found.push((number, Token::Sign(first)));
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    assert!(open_text.is_none(), "{name}: a text that is not closed");
    found
}

/// Reads a text to its quotation mark, a doubled one being part of it, or to the line's end.
fn read_text<'a>(
    mut rest: &'a str,
    mut text: String,
    line: usize,
    found: &mut Vec<(usize, Token)>,
    open: &mut Option<String>,
) -> &'a str {
    loop {
        let Some(end) = rest.find('"') else {
            text.push_str(rest);
            *open = Some(text + "\n");
            return "";
        };
        text.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                text.push('"');
                rest = after;
            }
            None => {
                found.push((line, Token::Text(text)));
                return rest;
            }
        }
    }
}
