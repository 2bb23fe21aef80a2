//! As much of Rust's grammar as the rules need: tokens with their lines, modules, and which of it is test code.

/// A word, a literal (with its first quote), or one character of punctuation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    /// Counted from 1.
    pub line: usize,
    /// The inline modules that it is in, below the file's own module.
    pub modules: Vec<String>,
    pub in_test: bool,
}

/// Whether a path is part of a `use`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Import {
    None,
    Own,
    /// `pub use`: for others, who find it here.
    HandedOn,
}

pub struct Reference {
    /// From the root.
    pub path: Vec<String>,
    pub line: usize,
    pub import: Import,
    /// What an import calls it.
    pub name: String,
}

pub struct Source {
    /// Below `src`, such as `net/dial.rs`.
    pub path: String,
    pub lines: Vec<String>,
    pub tokens: Vec<Token>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let mut tokens = tokens(text);
        mark_modules(&mut tokens, path.split('/').any(|part| part == "tests" || part == "tests.rs"));
        Self { path: path.to_owned(), lines: text.lines().map(str::to_owned).collect(), tokens }
    }

    /// The module of the file: `net/dial.rs` is `net`, `dial`.
    pub fn module(&self) -> Vec<String> {
        let path = self.path.trim_end_matches(".rs");
        let parts = path.split('/').filter(|part| !["mod", "lib"].contains(part));
        parts.map(str::to_owned).collect()
    }

    /// The top-level module that it belongs to; `None` for `lib.rs`.
    pub fn layer(&self) -> Option<String> {
        self.module().into_iter().next()
    }

    pub fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &token.text)
    }

    /// Whether the tokens from `at` on are these.
    pub fn has(&self, at: usize, wanted: &[&str]) -> bool {
        wanted.iter().enumerate().all(|(offset, text)| self.text(at + offset) == *text)
    }

    /// The index behind the bracket that closes the one at `open`.
    pub fn behind(&self, open: usize) -> usize {
        let mut depth = 0;
        for (at, token) in self.tokens.iter().enumerate().skip(open) {
            match token.text.as_str() {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return at + 1;
            }
        }
        self.tokens.len()
    }

    /// The name of the function whose arguments open at `open`; `None` for a keyword, a constructor or no call at all.
    pub fn callee(&self, open: usize) -> Option<&str> {
        let mut at = open.checked_sub(1)?;
        if self.text(at) == ">" {
            // f::<A, B<C>>(…)
            let mut depth = 0;
            loop {
                depth += i32::from(self.text(at) == ">") - i32::from(self.text(at) == "<");
                at = at.checked_sub(1)?;
                if depth == 0 {
                    break;
                }
            }
            at = at.checked_sub(2).filter(|at| self.has(at + 1, &[":", ":"]))?;
        }
        let name = self.text(at);
        let keyword =
            ["if", "match", "while", "for", "in", "return", "let", "mut", "move", "else", "as"].contains(&name);
        let function = name.starts_with(|c: char| c.is_lowercase() || c == '_') && !keyword;
        function.then_some(name)
    }

    /// The opening brace of the function whose name is at `name`; `None` if it is only declared.
    pub fn body(&self, name: usize) -> Option<usize> {
        let parameters = (name..self.tokens.len()).find(|at| self.text(*at) == "(")?;
        let body = (self.behind(parameters)..self.tokens.len()).find(|at| ["{", ";"].contains(&self.text(*at)))?;
        (self.text(body) == "{").then_some(body)
    }

    /// The paths of this crate that it names, in any way: `use crate::a::{b, c::D}` gives `a::b` and `a::c::D`. A module
    /// that the file declares is found by its bare name, too.
    pub fn references(&self) -> Vec<Reference> {
        let declared: Vec<&str> = (0..self.tokens.len())
            .filter(|at| self.text(*at) == "mod" && self.text(at + 2) == ";")
            .map(|at| self.text(at + 1))
            .collect();
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let word = self.text(at);
            let begins = self.has(at + 1, &[":", ":"]) && (at == 0 || self.text(at - 1) != ":");
            // Where something is visible is no use of it: pub(in crate::a).
            let visibility = at > 1 && self.text(at - 1) == "in" && self.text(at - 2) == "(";
            let keyword = ["crate", "super", "self"].contains(&word);
            if !begins || visibility || !(keyword || declared.contains(&word)) {
                at += 1;
                continue;
            }
            let import = match at.checked_sub(1).map(|before| self.text(before)) == Some("use") {
                true if at > 1 && ["pub", ")"].contains(&self.text(at - 2)) => Import::HandedOn,
                true => Import::Own,
                false => Import::None,
            };
            let mut path = self.module();
            path.extend(self.tokens[at].modules.iter().cloned());
            if word == "crate" {
                path.clear();
            }
            if ["crate", "self"].contains(&word) {
                at += 3;
            }
            while self.has(at, &["super", ":", ":"]) {
                path.pop();
                at += 3;
            }
            at = self.tree(at, path, import, &mut found);
        }
        found
    }

    /// The paths of the use tree, or the one path, that begins at `at`, below `path`; where it ends.
    fn tree(&self, mut at: usize, mut path: Vec<String>, import: Import, found: &mut Vec<Reference>) -> usize {
        loop {
            match self.text(at) {
                "{" => {
                    let end = self.behind(at);
                    at += 1;
                    while at + 1 < end {
                        at = self.tree(at, path.clone(), import, found);
                        while at + 1 < end && self.text(at) != "," {
                            at += 1;
                        }
                        at += 1;
                    }
                    return end;
                }
                name if name.starts_with(is_word) && name != "self" => path.push(name.to_owned()),
                _ => {}
            }
            if !self.has(at + 1, &[":", ":"]) || self.text(at + 3) == "<" {
                let name =
                    if self.text(at + 1) == "as" { self.text(at + 2) } else { path.last().map_or("", |last| last) };
                let line = self.tokens.get(at).map_or(1, |token| token.line);
                found.push(Reference { name: name.to_owned(), path, line, import });
                return at + 1;
            }
            at += 3;
        }
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let end = token_end(&chars, at);
        let text: String = chars[at..end].iter().collect();
        let comment = text.starts_with("//") || text.starts_with("/*");
        if !comment && !text.trim().is_empty() {
            tokens.push(Token { text: text.clone(), line, modules: Vec::new(), in_test: false });
        }
        line += text.matches('\n').count();
        at = end;
    }
    tokens
}

fn token_end(chars: &[char], at: usize) -> usize {
    let find = |from: usize, end: &dyn Fn(usize) -> bool| (from..chars.len()).find(|i| end(*i)).unwrap_or(chars.len());
    let next = |offset: usize| chars.get(at + offset).copied().unwrap_or('\0');
    match chars[at] {
        '/' if next(1) == '/' => find(at, &|i| chars[i] == '\n'),
        '/' if next(1) == '*' => {
            let (mut i, mut depth) = (at, 0);
            while i < chars.len() {
                match (chars[i], chars.get(i + 1)) {
                    ('/', Some('*')) => (i, depth) = (i + 1, depth + 1),
                    ('*', Some('/')) => (i, depth) = (i + 1, depth - 1),
                    _ => {}
                }
                i += 1;
                if depth == 0 {
                    break;
                }
            }
            i
        }
        '"' => quoted_end(chars, at, '"'),
        // A character, or else a lifetime.
        '\'' if next(1) == '\\' || next(2) == '\'' => quoted_end(chars, at, '\''),
        character if is_word(character) => {
            let end = find(at, &|i| !is_word(chars[i]));
            let prefix: String = chars[at..end].iter().collect();
            let hashes = chars[end..].iter().take_while(|c| **c == '#').count();
            if ["r", "br", "cr"].contains(&prefix.as_str()) && chars.get(end + hashes) == Some(&'"') {
                let closing =
                    |i: usize| chars[i] == '"' && chars[i + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
                return find(end + hashes + 1, &closing) + 1 + hashes;
            }
            end
        }
        character if character.is_whitespace() => find(at, &|i| !chars[i].is_whitespace()),
        _ => at + 1,
    }
}

fn quoted_end(chars: &[char], at: usize, quote: char) -> usize {
    let mut end = at + 1;
    while end < chars.len() && chars[end] != quote {
        end += if chars[end] == '\\' { 2 } else { 1 };
    }
    (end + 1).min(chars.len())
}

fn mark_modules(tokens: &mut [Token], whole_file_is_test: bool) {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    // Depth of brackets inside each module that is open, and what it is.
    let mut open: Vec<(usize, String, bool)> = Vec::new();
    let mut depth = 0;
    let mut marks = Vec::with_capacity(tokens.len());
    let mut test_attribute = false;
    for at in 0..tokens.len() {
        let in_test = whole_file_is_test || open.iter().any(|(.., test)| *test);
        marks.push((open.iter().map(|(_, name, _)| name.clone()).collect(), in_test));
        match text(at) {
            "cfg" if text(at + 1) == "(" && text(at + 2) == "test" => test_attribute = true,
            "{" => {
                depth += 1;
                if at >= 2 && text(at - 2) == "mod" {
                    open.push((depth, text(at - 1).to_owned(), std::mem::take(&mut test_attribute)));
                }
                // A function or block may have the attribute as well; that one is over.
                test_attribute = false;
            }
            "}" => {
                if open.last().is_some_and(|(begun, ..)| *begun == depth) {
                    open.pop();
                }
                depth -= 1;
            }
            ";" => test_attribute = false,
            _ => {}
        }
    }
    for (token, (modules, in_test)) in tokens.iter_mut().zip(marks) {
        (token.modules, token.in_test) = (modules, in_test);
    }
}
