//! The rules about the sources. Each takes one source and says what breaks it, as `path:line: what`.

use crate::source::{Source, Token};

pub type Rule = fn(&Source) -> Vec<String>;

pub const RULES: &[(&str, Rule)] = &[
    ("a layer uses those to its left only", layers),
    ("other people's types stay in their layers", foreign_types),
    ("unsafe stays at the faces", unsafe_places),
    ("unsafe says why it is sound", safety_comments),
    ("every exported function is guarded", guards),
    ("nothing stays behind in a host's thread", host_threads),
    ("a file can be read at one sitting", length),
];

/// Each layer with those to its left. `client` and `server` do not know each other, and neither do the two faces.
const LAYERS: &[(&str, &[&str])] = &[
    ("net", &[]),
    ("ws", &["net"]),
    ("engine", &["net", "ws"]),
    ("client", &["net", "ws", "engine"]),
    ("server", &["net", "ws", "engine"]),
    ("capi", &["net", "ws", "engine", "client", "server"]),
    ("native_api", &["net", "ws", "engine", "client", "server"]),
];

/// Used by all, using only each other.
const LEAVES: &[&str] = &["error", "options", "library"];

/// Crates that must not show through, with where they may be named. `library` makes the system calls on sockets that
/// nothing wraps, and ends OpenSSL with the library.
const FOREIGN: &[(&str, &[&str])] = &[
    ("tungstenite", &["ws", "net"]),
    ("mio", &["net", "ws", "library"]),
    ("socket2", &["net", "ws", "library"]),
    ("native_tls", &["net", "ws"]),
    ("openssl", &["net", "library"]),
    ("openssl_sys", &["net", "library"]),
];

/// Where parking_lot is allowed: it leaves a thread-local destructor in each thread that has waited, which keeps the
/// library mapped until that thread ends. These are locked by threads of ours only.
const PARKING_LOT: &[&str] = &["net/workers.rs", "engine/runtime.rs"];

/// What a thread-local may be made of: nothing that has a destructor.
const PLAIN: &[&str] =
    &["Cell", "RefCell", "bool", "u8", "u16", "u32", "u64", "usize", "i32", "i64", "isize", "const", "mut"];

const LINES: usize = 400;

fn said(source: &Source, line: usize, what: &str) -> String {
    format!("src/{}:{line}: {what}", source.path)
}

/// What the tokens that pass are accused of.
fn accuse(source: &Source, passes: impl Fn(usize) -> Option<String>) -> Vec<String> {
    let tokens = source.tokens.iter().enumerate();
    tokens.filter_map(|(at, token)| passes(at).map(|what| said(source, token.line, &what))).collect()
}

fn layers(source: &Source) -> Vec<String> {
    // The crate's page only lists the modules.
    let Some(own) = source.layer() else { return Vec::new() };
    let left = LAYERS.iter().find(|(name, _)| *name == own).map(|(_, left)| *left);
    if left.is_none() && !LEAVES.contains(&own.as_str()) {
        return vec![said(source, 1, &format!("{own} is not one of the layers"))];
    }
    let allowed = |name: &str| name == own || LEAVES.contains(&name) || left.is_some_and(|left| left.contains(&name));
    let wrong = source.references().into_iter().filter(|(name, _)| !allowed(name));
    wrong.map(|(name, line)| said(source, line, &format!("{own} uses {name}"))).collect()
}

fn foreign_types(source: &Source) -> Vec<String> {
    let own = source.layer().unwrap_or_default();
    let reexports = |at: usize| at >= 2 && source.text(at - 1) == "use" && ["pub", ")"].contains(&source.text(at - 2));
    accuse(source, |at| {
        let (name, layers) = FOREIGN.iter().find(|(name, _)| *name == source.text(at))?;
        if !layers.contains(&own.as_str()) {
            return Some(format!("{name} is named outside {}", layers.join(", ")));
        }
        reexports(at).then(|| format!("{name} is handed on"))
    })
}

fn unsafe_places(source: &Source) -> Vec<String> {
    let place = ["capi", "native_api"].contains(&source.layer().unwrap_or_default().as_str());
    if place || source.path == "library.rs" {
        return Vec::new();
    }
    accuse(source, |at| (source.text(at) == "unsafe").then(|| "unsafe outside capi, native_api and library.rs".into()))
}

fn safety_comments(source: &Source) -> Vec<String> {
    accuse(source, |at| {
        let needs = source.text(at) == "unsafe" && ["{", "impl"].contains(&source.text(at + 1));
        (needs && !is_explained(source, source.tokens[at].line)).then(|| "unsafe without // SAFETY:".into())
    })
}

/// A comment above the line, or above the statement that the line goes on.
fn is_explained(source: &Source, line: usize) -> bool {
    for above in source.lines[..line - 1].iter().rev().map(|above| above.trim()) {
        if above.starts_with("//") {
            if above.contains("SAFETY:") {
                return true;
            }
        } else if above.is_empty() || above.ends_with([';', '{', '}']) {
            return false;
        }
    }
    false
}

/// `extern "C" fn name(…) -> … { guard(…) }`, and `shield` at the other face; function types and declarations are free.
fn guards(source: &Source) -> Vec<String> {
    let wanted: &[&str] = match source.layer().as_deref() {
        Some("capi") => &["guard", "guard_value"],
        Some("native_api") => &["shield"],
        _ => return Vec::new(),
    };
    accuse(source, |at| {
        let is_function = source.text(at) == "extern" && source.text(at + 2) == "fn" && source.text(at + 3) != "(";
        if !is_function || source.tokens[at].in_test {
            return None;
        }
        let guarded = source.body(at + 3).is_none_or(|body| is_guarded(source, body, wanted));
        (!guarded).then(|| format!("{} is not one call of {}", source.text(at + 3), wanted[0]))
    })
}

/// Whether the block at `body` is one call, of a guard or of a function of this file of which the same is true.
fn is_guarded(source: &Source, body: usize, guards: &[&str]) -> bool {
    if source.has(body + 1, &["unsafe", "{"]) && source.behind(body + 2) + 1 == source.behind(body) {
        return is_guarded(source, body + 2, guards);
    }
    let path = source.tokens[body + 1..].iter().take_while(|token| token.text != "(").count();
    let call = body + 1 + path;
    let end = source.behind(call) + usize::from(source.text(source.behind(call)) == ";");
    // Only names and colons lead to the bracket, and nothing comes after it.
    let is_call = path > 0 && end + 1 == source.behind(body) && source.tokens[body + 1..call].iter().all(is_path);
    let name = source.text(call - 1);
    // A helper stands before its users, so that this comes to an end.
    let helper = || (0..body).find(|at| source.has(*at, &["fn", name])).and_then(|at| source.body(at + 1));
    let helper = || helper().filter(|helper| *helper < body);
    is_call && (guards.contains(&name) || helper().is_some_and(|helper| is_guarded(source, helper, guards)))
}

fn is_path(token: &Token) -> bool {
    token.text == ":" || token.text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn host_threads(source: &Source) -> Vec<String> {
    let is = |places: &[&str]| places.contains(&source.path.as_str());
    accuse(source, |at| {
        if source.tokens[at].in_test {
            return None;
        }
        match source.text(at) {
            "parking_lot" if !is(PARKING_LOT) => Some("parking_lot where a host's thread may come".into()),
            "thread_local" if !is_plain_thread_local(source, at) => Some("a thread-local with a destructor".into()),
            "thread" if source.has(at + 1, &[":", ":", "spawn"]) || source.has(at + 1, &[":", ":", "Builder"]) => {
                (source.path != "library.rs").then(|| "threads are started by library::spawn".into())
            }
            _ => None,
        }
    })
}

/// `thread_local! { static NAME: Cell<u8> = const { … }; }`, any number of them.
fn is_plain_thread_local(source: &Source, at: usize) -> bool {
    let statics = (at..source.behind(at + 2)).filter(|at| source.text(*at) == "static");
    let plain = |at: usize| {
        let kind = source.tokens[at + 3..].iter().take_while(|token| token.text != "=");
        let words = kind.clone().filter(|token| token.text.starts_with(|c: char| c.is_alphabetic()));
        let is_plain = |word: &str| PLAIN.contains(&word) || !word.contains(|c: char| c.is_lowercase());
        words.map(|token| token.text.as_str()).all(is_plain) && source.text(at + 4 + kind.count()) == "const"
    };
    source.has(at, &["thread_local", "!", "{"]) && statics.into_iter().all(plain)
}

pub fn length(source: &Source) -> Vec<String> {
    let count = source.lines.len();
    if count <= LINES { Vec::new() } else { vec![said(source, count, &format!("{count} lines, at most {LINES}"))] }
}
