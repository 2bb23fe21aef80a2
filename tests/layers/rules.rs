//! The rules about the sources. Each takes one source and says what breaks it, as `path:line: what`.

use crate::source::{Reference, Source};

pub type Rule = fn(&Source) -> Vec<String>;

pub const RULES: &[(&str, Rule)] = &[
    ("a layer uses those to its left only", layers),
    ("a room of the engine uses those below it only", rooms),
    ("a room's page says what stands there, and defines nothing", pages),
    ("other people's types stay in their layers", foreign_types),
    ("unsafe stays at the faces", unsafe_places),
    ("unsafe says why it is sound", safety_comments),
    ("every exported function is guarded", guards),
    ("nothing stays behind in a host's thread", host_threads),
    ("a file can be read at one sitting", length),
];

/// Each layer with those to its left. `client` knows neither `server` nor `cluster`, and the two faces do
/// not know each other.
pub const LAYERS: &[(&str, &[&str])] = &[
    ("net", &[]),
    ("http", &[]),
    ("ws", &["net", "http"]),
    ("engine", &["net", "http", "ws"]),
    ("client", &["net", "http", "ws", "engine"]),
    ("cluster", &["net", "http", "ws", "engine"]),
    ("server", &["net", "http", "ws", "engine", "cluster"]),
    ("capi", &["net", "http", "ws", "engine", "cluster", "client", "server"]),
    ("native_api", &["net", "http", "ws", "engine", "cluster", "client", "server"]),
];

/// Used by all, using only each other.
const LEAVES: &[&str] = &["error", "host", "json", "options", "library", "log", "proxy", "sync"];

/// The rooms of `engine`, each with those that it stands on.
pub const ROOMS: &[(&str, &[&str])] = &[
    ("shared", &[]),
    ("outbox", &["shared"]),
    ("mailbox", &["shared"]),
    ("connection", &["shared", "outbox", "mailbox"]),
    ("inbox", &["shared", "mailbox", "connection"]),
    ("io", &["shared", "outbox", "mailbox", "connection", "inbox"]),
    ("driver", &["shared", "outbox", "mailbox", "connection", "inbox", "io"]),
    ("runtime", &["shared", "outbox", "mailbox", "connection", "inbox", "io", "driver"]),
];

/// What each room's page says, in a line or more that begin so.
const SAID: &[&str] = &["//! Threads: ", "//! Owns: ", "//! Locks: "];

/// Crates that must not show through, with where they may be named. `library` makes the system calls on sockets that
/// nothing wraps, and ends OpenSSL with the library.
const FOREIGN: &[(&str, &[&str])] = &[
    ("tungstenite", &["ws", "net"]),
    ("mio", &["net", "ws", "library"]),
    ("socket2", &["net", "ws", "library"]),
    ("native_tls", &["net"]),
    ("schannel", &["net", "library"]),
    ("openssl", &["net", "library"]),
    ("openssl_sys", &["net", "library"]),
];

/// Where parking_lot is allowed: it leaves a thread-local destructor in each thread that has waited, which keeps the
/// library mapped until that thread ends. This is locked by threads of ours only.
const PARKING_LOT: &[&str] = &["net/tls/connector.rs"];

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
    let mut wrong = Vec::new();
    for Reference { path, line, .. } in source.references() {
        if let Some(name) = path.first().filter(|name| !allowed(name)) {
            wrong.push(said(source, line, &format!("{own} uses {name}")));
        }
    }
    wrong.dedup();
    wrong
}

/// The engine's own page hands its names on to other layers. A room's files name each other by file; what another room
/// has is found on that room's page.
fn rooms(source: &Source) -> Vec<String> {
    let module = source.module();
    let ["engine", own, ..] = module.iter().map(String::as_str).collect::<Vec<_>>()[..] else { return Vec::new() };
    let Some((_, below)) = ROOMS.iter().find(|(name, _)| *name == own) else {
        return vec![said(source, 1, &format!("{own} is not one of the engine's rooms"))];
    };
    let mut wrong = Vec::new();
    for Reference { path, line, .. } in source.references() {
        let what = match &path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["engine", room, ..] if below.contains(room) => continue,
            ["engine", room, ..] if *room == own => match path.len() > 3 || module.starts_with(&path) {
                true => continue,
                false => format!("{own} is used by its page: {} stands in a file", path.join("::")),
            },
            ["engine", room, ..] if ROOMS.iter().any(|(name, _)| name == room) => format!("{own} uses {room}"),
            ["engine", ..] => format!("{own} uses the engine's page: {}", path.join("::")),
            _ => continue,
        };
        wrong.push(said(source, line, &what));
    }
    wrong
}

fn pages(source: &Source) -> Vec<String> {
    let module = source.module();
    if module.len() != 2 || module[0] != "engine" || !source.path.ends_with("/mod.rs") {
        return Vec::new();
    }
    let missing = SAID.iter().filter(|begin| !source.lines.iter().any(|line| line.starts_with(**begin)));
    let mut wrong: Vec<_> =
        missing.map(|begin| said(source, 1, &format!("no line begins with {}", begin.trim_end()))).collect();
    let defines = ["fn", "struct", "enum", "trait", "impl", "const", "static", "type", "macro_rules"];
    wrong.extend(accuse(source, |at| {
        defines.contains(&source.text(at)).then(|| format!("{} on a page", source.text(at)))
    }));
    wrong
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
    if place || source.path.starts_with("library/") {
        return Vec::new();
    }
    accuse(source, |at| (source.text(at) == "unsafe").then(|| "unsafe outside capi, native_api and library".into()))
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

/// No panic crosses a face: whatever an `extern "…" fn` calls it calls inside of a barrier.
fn guards(source: &Source) -> Vec<String> {
    let barriers: &[&str] = match source.layer().as_deref() {
        Some("capi") => &["guard", "guard_answer", "guard_of", "guard_read", "guard_value"],
        Some("native_api") => &["shield", "border"],
        _ => return Vec::new(),
    };
    accuse(source, |at| {
        let is_function = source.text(at) == "extern" && source.text(at + 2) == "fn" && source.text(at + 3) != "(";
        if !is_function || source.tokens[at].in_test {
            return None;
        }
        // A macro's function has a name such as $method.
        let name = source.text(at + 3 + usize::from(source.text(at + 3) == "$"));
        match source.body(at + 3).map(|body| outside(source, body, barriers)) {
            Some(Err(what)) => Some(format!("{name} has {what} outside of {}", barriers[0])),
            // In the C interface even what cannot fail has its guard.
            Some(Ok(false)) if barriers[0] == "guard" => Some(format!("{name} has no guard")),
            Some(Ok(_)) | None => None,
        }
    })
}

/// Calls that cannot panic.
const HARMLESS: &[&str] = &["as_ptr", "cast", "sub", "is_null", "null", "null_mut", "into", "store", "unwrap_or"];

/// Whether the block at `body` has a barrier, or what there is beside it that could panic. A function of the same file
/// that stands before its users and keeps the rule is as good as a barrier.
fn outside(source: &Source, body: usize, barriers: &[&str]) -> Result<bool, String> {
    let helper = |name: &str| {
        let place = (0..body).find(|at| source.has(*at, &["fn", name])).and_then(|at| source.body(at + 1));
        place.is_some_and(|place| place < body && outside(source, place, barriers) == Ok(true))
    };
    let mut met = false;
    let mut at = body + 1;
    while at < source.behind(body) {
        match (source.text(at), source.callee(at)) {
            ("(", Some(name)) if barriers.contains(&name) || helper(name) => {
                met = true;
                at = source.behind(at);
            }
            ("(", Some(name)) if !HARMLESS.contains(&name) => return Err(format!("a call of {name}")),
            ("[", _) if source.text(at - 1) != "#" => return Err("brackets".to_owned()),
            ("!", _) if ["(", "[", "{"].contains(&source.text(at + 1)) => return Err("a macro".to_owned()),
            _ => at += 1,
        }
    }
    Ok(met)
}

fn host_threads(source: &Source) -> Vec<String> {
    accuse(source, |at| {
        if source.tokens[at].in_test {
            return None;
        }
        match source.text(at) {
            "parking_lot" if !PARKING_LOT.contains(&source.path.as_str()) => {
                Some("parking_lot where a host's thread may come".into())
            }
            "thread_local" if !is_plain_thread_local(source, at) => Some("a thread-local with a destructor".into()),
            "thread" if source.has(at + 1, &[":", ":", "spawn"]) || source.has(at + 1, &[":", ":", "Builder"]) => {
                (!source.path.starts_with("library/")).then(|| "threads are started by library::spawn".into())
            }
            _ => None,
        }
    })
}

/// `thread_local! { static NAME: Cell<u8> = const { … }; }`, any number of them, or with `ManuallyDrop`.
fn is_plain_thread_local(source: &Source, at: usize) -> bool {
    let statics = (at..source.behind(at + 2)).filter(|at| source.text(*at) == "static");
    let plain = |at: usize| {
        let kind = source.tokens[at + 3..].iter().take_while(|token| token.text != "=");
        let words = kind.clone().filter(|token| token.text.starts_with(|c: char| c.is_alphabetic()));
        let is_plain = |word: &str| PLAIN.contains(&word) || !word.contains(|c: char| c.is_lowercase());
        // What is never dropped has no destructor.
        let words = words.map(|token| token.text.as_str()).take_while(|word| *word != "ManuallyDrop");
        words.into_iter().all(is_plain) && source.text(at + 4 + kind.count()) == "const"
    };
    source.has(at, &["thread_local", "!", "{"]) && statics.into_iter().all(plain)
}

fn length(source: &Source) -> Vec<String> {
    let count = source.lines.len();
    if count > LINES { vec![said(source, count, &format!("{count} lines, at most {LINES}"))] } else { Vec::new() }
}
