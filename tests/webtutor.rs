//! `examples/webtutor/notices.c` and pages in Python that connect as WebTutor's do. The 1C module has its scenario in
//! `tests/host1c`.

mod common;
#[path = "common/peer.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod peer;
#[path = "common/webtutor.rs"]
mod webtutor;

use peer::Peer;
use std::process::Command;
use webtutor::{PAGES, check, pages};

/// Gives it a line and takes its answer.
fn ask(program: &mut Peer, line: &str) -> String {
    program.type_line(line);
    program.line()
}

#[test]
fn the_c_program_reaches_one_a_group_and_all() {
    let scratch = common::Scratch::new("webtutor");
    let program = scratch.path().join("notices");
    let source = common::root().join("examples/webtutor/notices.c");
    let link = common::link_options();
    let options: Vec<&str> = ["-std=c11"].into_iter().chain(link.iter().map(String::as_str)).collect();
    common::compile("cc", &options, &[&source], Some(&program));
    let mut server = Peer::start("notices", Command::new(&program).env_remove("LD_LIBRARY_PATH"));
    let port = server.line_after("port ");
    let Some(pages) = pages(&port) else { return };

    let list: serde_json::Value = serde_json::from_str(&ask(&mut server, "list")).unwrap();
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 5);
    for (number, name) in PAGES.iter().enumerate() {
        let found = list.iter().find(|info| info["name"] == *name).unwrap_or_else(|| panic!("{name}: {list:?}"));
        assert_eq!(found["groups"], serde_json::json!([if number < 2 { "10001" } else { "10002" }]));
        assert_eq!(found["path"], "/services/main_ws_service");
        assert_eq!(found["query"], format!("X-StatefulSocketId={name}"));
    }
    for (command, count) in [
        (format!("name {} лично", PAGES[0]), "1"),
        (format!("json name {} лично \"вам\"", PAGES[1]), "1"),
        ("name id:10009 никому".to_owned(), "0"),
        ("group 10002 группе".to_owned(), "2"),
        ("json group 10001 группе".to_owned(), "2"),
        ("group 10009 никому".to_owned(), "0"),
        ("all всем".to_owned(), "5"),
        ("json all всем".to_owned(), "5"),
        ("all end".to_owned(), "5"),
    ] {
        assert_eq!(ask(&mut server, &command), count, "{command}");
    }
    check(&pages);
}
