//! Checks the checker: each rule is shown small sources that break it and others that only look as if they did.

use crate::circles::circles;
use crate::rules::RULES;
use crate::source::Source;

/// The lines that a rule complains about.
fn lines(rule: &str, path: &str, text: &str) -> Vec<usize> {
    let (_, rule) = RULES.iter().find(|(name, _)| *name == rule).expect("there is such a rule");
    let line = |what: String| what.split(':').nth(1).expect("path:line: what").parse().expect("a number");
    rule(&Source::new(path, text)).into_iter().map(line).collect()
}

const LAYERS: &str = "a layer uses those to its left only";

#[test]
fn a_layer_that_looks_to_its_right_is_found() {
    assert_eq!(lines(LAYERS, "net/dial.rs", "use crate::error::Error;\nuse crate::ws::Message;"), [2]);
    assert_eq!(lines(LAYERS, "net/dial.rs", "fn f() { crate::engine::run() }"), [1]);
    assert_eq!(
        lines(LAYERS, "ws/mod.rs", "use crate::{\n    error::{self, Id},\n    net::A,\n    engine::{B, c},\n};"),
        [4]
    );
    assert_eq!(lines(LAYERS, "net/dial.rs", "use super::super::server::Server;"), [1]);
    assert_eq!(lines(LAYERS, "net/mod.rs", "use super::{error::Id, client::Client};"), [1]);
    assert_eq!(
        lines(LAYERS, "net/mod.rs", "mod inner {\n    use super::super::client;\n}\nuse super::client;"),
        [2, 4]
    );
    assert_eq!(lines(LAYERS, "net/mod.rs", "macro_rules! m { () => { $crate::server::x() } }"), [1]);
    assert_eq!(lines(LAYERS, "client.rs", "use crate::server::Server;"), [1]);
    assert_eq!(lines(LAYERS, "server/mod.rs", "use crate::client::Client;"), [1]);
    assert_eq!(lines(LAYERS, "capi/server.rs", "use crate::native_api::x;"), [1]);
    assert_eq!(lines(LAYERS, "native_api/server.rs", "use crate::capi::x;"), [1]);
    assert_eq!(lines(LAYERS, "error.rs", "use crate::net::x;"), [1]);
    assert_eq!(lines(LAYERS, "other/mod.rs", ""), [1], "a layer that nobody has put into its place");
}

#[test]
fn a_layer_that_looks_to_its_left_is_not() {
    let text = "use crate::{client::Client, engine::Event, error::Id, net, ws::Message};
        // use crate::native_api::x;
        /* crate::native_api /* nested */ crate::native_api */
        use super::args;
        const A: &str = \"crate::native_api::x\";
        const B: &str = r#\"\" crate::native_api::x\"#;
        const C: char = '\"'; use super::{x, y};
        fn f<'a>(x: &'a str) -> pub(crate) u8 { super::super::server::run('\\'', b'\"') }";
    assert_eq!(lines(LAYERS, "capi/server.rs", text), []);
    assert_eq!(
        lines(LAYERS, "net/deep/deeper.rs", "use super::super::client; mod x { use super::super::server; }"),
        []
    );
    assert_eq!(lines(LAYERS, "lib.rs", "pub mod capi; pub use crate::capi::x;"), []);
}

#[test]
fn a_room_that_looks_up_is_found() {
    let rule = "a room of the engine uses those below it only";
    let at = |path: &str, text: &str| lines(rule, path, text);
    assert_eq!(at("engine/outbox/queue.rs", "use crate::engine::shared::lock;\nuse crate::engine::io::Io;"), [2]);
    assert_eq!(at("engine/outbox/queue.rs", "use crate::engine::{\n    shared::lock,\n    inbox::Inbox,\n};"), [3]);
    assert_eq!(at("engine/shared/sync.rs", "fn f() { super::super::driver::run() }"), [1]);
    assert_eq!(at("engine/mailbox/mod.rs", "pub use super::connection::Connection;"), [1]);
    assert_eq!(
        at("engine/inbox/watch.rs", "mod tests {\n    use crate::engine::runtime::RuntimeRef;\n}"),
        [2],
        "a test"
    );
    assert_eq!(
        at("engine/io/context.rs", "use crate::engine::Connection;\nuse super::super::lock;"),
        [1, 2],
        "by the face"
    );
    assert_eq!(at("engine/io/context.rs", "use super::Command;\nuse super::command::Command;"), [1], "by its own page");
    assert_eq!(at("engine/new/mod.rs", ""), [1], "a room that nobody has put into its place");
    assert_eq!(at("engine/new.rs", "use crate::engine::shared::lock;"), [1], "a file in no room");
}

#[test]
fn a_room_that_looks_down_is_not() {
    let text = "use super::state::{Driver, Phase};
        use crate::engine::io::Io; use crate::{engine::shared::{Event, lock}, net, ws::Message};
        // use crate::engine::runtime::RuntimeRef;
        pub(in crate::engine) fn f(x: super::state::Phase) -> pub(in crate::engine::driver) u8 { self::g() }
        mod tests { use super::*; use crate::engine::driver::setup::ClientPart; use crate::engine::connection::Connection; }";
    let rule = "a room of the engine uses those below it only";
    assert_eq!(lines(rule, "engine/driver/closing.rs", text), []);
    assert_eq!(lines(rule, "engine/driver/mod.rs", "mod state;\npub use self::state::Driver;\npub use steps::x;"), []);
    assert_eq!(lines(rule, "engine/mod.rs", "mod runtime; pub use runtime::RuntimeRef; pub use self::io::Owner;"), []);
    assert_eq!(lines(rule, "client/mod.rs", "use crate::engine::Connection;"), []);
}

#[test]
fn a_page_that_says_too_little_or_does_too_much_is_found() {
    let rule = "a room's page says what stands there, and defines nothing";
    let page = "//! A room.\n//! Threads: any.\n//! Owns: nothing.\n//! Locks: none.\nmod a;\npub use self::a::A;\n";
    assert_eq!(lines(rule, "engine/io/mod.rs", page), []);
    assert_eq!(lines(rule, "engine/io/mod.rs", &page.replace("Locks: ", "")), [1]);
    assert_eq!(lines(rule, "engine/io/mod.rs", &format!("{page}struct A;\nfn f() {{}}")), [7, 8]);
    assert_eq!(lines(rule, "engine/mod.rs", ""), []);
    assert_eq!(lines(rule, "engine/io/command.rs", "fn f() {}"), []);
}

#[test]
fn files_that_need_each_other_are_found() {
    let found = |sources: &[(&str, &str)]| {
        let sources: Vec<_> = sources.iter().map(|(path, text)| Source::new(path, text)).collect();
        circles(&sources).iter().map(|circle| circle.lines().count() - 1).collect::<Vec<_>>()
    };
    let (a, b) = ("use crate::b::B;\npub struct A;", "pub struct B;");
    assert_eq!(found(&[("a.rs", a), ("b.rs", b)]), [0; 0]);
    assert_eq!(found(&[("a.rs", a), ("b.rs", "fn f() { crate::a::A }")]), [2]);
    assert_eq!(found(&[("a.rs", a), ("b.rs", "use super::c;"), ("c.rs", "use crate::{d, a::{A, X as Y}};")]), [3]);
    assert_eq!(found(&[("a.rs", a), ("b.rs", "// crate::a::A\npub(in crate::a) struct B;")]), [0; 0]);
    // A page that hands on what its files have is not one of those who use it.
    let (page, file) = ("mod a;\nmod b;\npub use a::A;\npub use self::b::B as C;", "use super::b::B;\npub struct A;");
    assert_eq!(found(&[("x/mod.rs", page), ("x/a.rs", file), ("x/b.rs", "pub struct B;")]), [0; 0]);
    assert_eq!(found(&[("x/mod.rs", page), ("x/a.rs", file), ("x/b.rs", "use super::A;")]), [2]);
    assert_eq!(found(&[("x/mod.rs", page), ("x/a.rs", "use crate::x::C;"), ("x/b.rs", "use crate::x::a::A;")]), [2]);
    assert_eq!(found(&[("x/mod.rs", "mod a;\nstruct X(a::A);"), ("x/a.rs", "use super::X;")]), [2]);
    assert_eq!(
        found(&[("x/mod.rs", "mod a;\nuse a::A;\nstruct X;"), ("x/a.rs", "mod t { use super::super::X; }")]),
        [2]
    );
    assert_eq!(found(&[("x/mod.rs", "mod a;\nuse a::A;"), ("x/a.rs", "mod t { use super::*; }")]), [0; 0]);
}

#[test]
fn other_peoples_types_are_found() {
    let rule = "other people's types stay in their layers";
    assert_eq!(lines(rule, "engine/mod.rs", "use crate::ws;\nfn f(t: mio::Token) {}"), [2]);
    assert_eq!(lines(rule, "client.rs", "use tungstenite::Message;"), [1]);
    assert_eq!(
        lines(rule, "net/mod.rs", "pub use mio::Token;\npub(crate) use socket2::Socket;\nuse mio::Poll;"),
        [1, 2]
    );
    assert_eq!(lines(rule, "engine/mod.rs", "// mio::Token\nconst A: &str = \"tungstenite\"; fn is_mio() {}"), []);
}

#[test]
fn unsafe_in_a_wrong_place_is_found() {
    let rule = "unsafe stays at the faces";
    assert_eq!(lines(rule, "engine/mod.rs", "fn f() {\n    // SAFETY: no.\n    unsafe { g() }\n}"), [3]);
    assert_eq!(lines(rule, "net/library.rs", "unsafe impl Send for X {}"), [1]);
    for place in ["capi/args.rs", "native_api/abi.rs", "library/unix.rs"] {
        assert_eq!(lines(rule, place, "unsafe fn f() {}"), []);
    }
    assert_eq!(lines(rule, "engine/mod.rs", "// unsafe\n#![deny(unsafe_op_in_unsafe_fn)]"), []);
}

#[test]
fn unsafe_without_a_reason_is_found() {
    let rule = "unsafe says why it is sound";
    let text = "fn f() {
    unsafe { g() }
    // SAFETY: this one.
    unsafe { g() };
    let x = unsafe { g() };
    // SAFETY: above the statement, with
    // a second line.
    let y = h(
        1,
        unsafe { g() },
    );
    // Something else.
    let z = unsafe { g() };
}
unsafe fn declared() {}
// SAFETY: this one, too.
unsafe impl Send for X {}

unsafe impl Sync for X {}";
    assert_eq!(lines(rule, "capi/args.rs", text), [2, 5, 13, 19]);
}

#[test]
fn an_unguarded_function_is_found() {
    let rule = "every exported function is guarded";
    let text = r#"
pub extern "C" fn good(x: fn(u8) -> u8) -> wsaddin_result { guard(|| Ok(())) }
pub unsafe extern "C" fn value(x: u8) -> u8 { guard_value(0, || { f(); 1 }) }
pub extern "C" fn nothing() { super::guard::guard_value((), || {}); }
type Handler = Option<unsafe extern "C" fn(*const u8)>;
extern "C" { fn declared(); }
pub extern "C" fn bare(x: u8) -> u8 { x }
pub extern "C" fn before(x: u8) -> u8 { f(x); guard(|| x) }
pub extern "C" fn behind(x: u8) -> u8 { guard(|| x) + f(x) }
pub extern "C" fn empty() {}
fn not_exported() { f() }
fn helper(x: u8) -> u8 { guard(|| x) }
pub extern "C" fn by_helper(x: u8) -> u8 { helper(x) }
pub extern "C" fn by_helper_unsafe(x: u8) -> u8 {
    // SAFETY: none needed.
    unsafe { helper::<Vec<u8>>(x) }
}
pub extern "C" fn by_other(x: u8) -> u8 { not_exported(x) }
pub extern "C" fn recursive(x: u8) -> u8 { recursive(x) }
pub extern "C" fn method(x: u8) -> u8 { helper(x).expect("x") }
pub extern "C" fn harmless(x: *const u8) -> u8 { let empty = c"".as_ptr().cast(); guard_value(empty, || x).into() }
pub extern "C" fn a_macro(x: u8) -> u8 { println!("x"); guard(|| x) }
pub extern "C" fn an_index(x: u8) -> u8 { let y = TABLE[0]; guard(|| y) }
#[cfg(test)]
mod tests { extern "C" fn handler() { f() } }
"#;
    assert_eq!(lines(rule, "capi/x.rs", text), [7, 8, 9, 10, 18, 19, 20, 22, 23]);
    let text = r#"
extern "system" fn good(this: *mut c_void) -> u8 { if this.is_null() { return 0; } shield::<0, u8>(|| f()) }
extern "system" fn trivial() -> c_int { CAPABILITY }
fn delete(this: *mut c_void) { let _ = library::border(|| f(this)); }
extern "thiscall" fn deleting(this: *mut c_void, flags: u32) { if flags & 1 != 0 { unsafe { delete(this) } } }
extern "system" fn bad(this: *mut c_void) { f(this) }
extern "system" fn worse(this: *mut c_void) { guard(|| f(this)) }
macro_rules! table { ($($method:ident)*) => { extern "system" fn $method(this: u8) -> u8 { f(this) } } }
"#;
    assert_eq!(lines(rule, "native_api/x.rs", text), [6, 7, 8]);
}

#[test]
fn what_stays_behind_in_a_host_is_found() {
    let rule = "nothing stays behind in a host's thread";
    assert_eq!(lines(rule, "engine/queue.rs", "use parking_lot::Mutex;"), [1]);
    assert_eq!(lines(rule, "engine/queue.rs", "fn f() { std::thread::spawn(g); }\nthread::Builder::new();"), [1, 2]);
    let local = |what: &str| lines(rule, "engine/queue.rs", &format!("thread_local! {{\n static A: {what}; }}"));
    assert_eq!(local("Cell<bool> = const { Cell::new(false) }"), []);
    assert_eq!(local("RefCell<[u8; SIZE]> = const { RefCell::new([0; SIZE]) }"), []);
    assert_eq!(local("RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) }"), [1]);
    assert_eq!(local("RefCell<ManuallyDrop<Vec<u8>>> = const { RefCell::new(ManuallyDrop::new(Vec::new())) }"), []);
    assert_eq!(local("Cell<usize> = Cell::new(f())"), [1], "it would be made on first use");
    let tests = "#[cfg(test)]\nfn helper() {}\n#[cfg(test)]\nmod tests { fn f() { std::thread::spawn(g); } }\nfn h() { thread::spawn(g) }";
    assert_eq!(lines(rule, "engine/queue.rs", tests), [5]);
    assert_eq!(lines(rule, "ws/tests/mod.rs", "fn f() { thread::spawn(g) }"), []);
}

#[test]
fn a_long_file_is_found() {
    let rule = "a file can be read at one sitting";
    assert_eq!(lines(rule, "ws/mod.rs", &"\n".repeat(400)), []);
    assert_eq!(lines(rule, "ws/mod.rs", &"\n".repeat(401)), [401]);
}
