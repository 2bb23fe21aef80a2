//! `examples/webtutor/notices.c` and pages in Python that connect as WebTutor's do. The 1C module has its scenario in
//! `tests/host1c`.

mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/nginx.rs"]
mod nginx;
#[path = "common/peer.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod peer;
#[path = "common/tls.rs"]
mod tls;
#[path = "common/webtutor.rs"]
mod webtutor;

use nginx::Nginx;
use peer::Peer;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use tls::Authority;
use webtutor::{PAGES, check, pages, secure_pages};

/// `notices.c`, compiled into this folder.
fn compiled(scratch: &common::Scratch) -> PathBuf {
    let program = scratch.path().join("notices");
    let source = common::root().join("examples/webtutor/notices.c");
    let link = common::link_options();
    let options: Vec<&str> = ["-std=c11"].into_iter().chain(link.iter().map(String::as_str)).collect();
    common::compile("cc", &options, &[&source], Some(&program));
    program
}

fn started(program: &PathBuf, arguments: &[&str]) -> Peer {
    Peer::start("notices", Command::new(program).args(arguments).env_remove("LD_LIBRARY_PATH"))
}

/// Gives it a line and takes its answer.
fn ask(program: &mut Peer, line: &str) -> String {
    program.type_line(line);
    program.line()
}

#[test]
fn the_c_program_reaches_one_a_group_and_all() {
    let scratch = common::Scratch::new("webtutor");
    let mut server = started(&compiled(&scratch), &[]);
    let port = server.line_after("port ");
    let Some(pages) = pages(&port) else { return };
    reach(&mut server, &pages);
}

/// A page that came by https can open nothing but wss.
#[test]
fn the_c_program_speaks_tls() {
    let scratch = common::Scratch::new("webtutor-tls");
    let authority = Authority::with_server("webtutor-tls");
    let (certificate, key) = (authority.path("server.pem"), authority.path("server.key"));
    let mut server = started(&compiled(&scratch), &["0", &certificate, &key]);
    let port = server.line_after("port ");
    let Some(pages) = secure_pages(&port, &authority.path("ca.pem")) else { return };
    reach(&mut server, &pages);
}

/// `examples/webtutor/nginx.conf`, with its places and ports replaced.
#[test]
fn nginx_ends_tls_in_front_of_the_c_program() {
    let scratch = common::Scratch::new("webtutor-nginx");
    let authority = Authority::with_server("webtutor-nginx");
    let mut server = started(&compiled(&scratch), &[]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut part = std::fs::read_to_string(common::root().join("examples/webtutor/nginx.conf")).unwrap();
    // In this order: the server's own port may have a 443 in it.
    for (from, to) in [
        (" 443 ", format!(" {port} ")),
        ("127.0.0.1:9099", format!("127.0.0.1:{}", server.line_after("port "))),
        ("/etc/ssl/portal.pem", authority.path("server.pem")),
        ("/etc/ssl/portal.key", authority.path("server.key")),
    ] {
        assert!(part.contains(from), "{from} in {part}");
        part = part.replace(from, &to);
    }
    let Some(_nginx) = Nginx::start(port, &part) else { return };
    let Some(pages) = secure_pages(&port.to_string(), &authority.path("ca.pem")) else { return };
    reach(&mut server, &pages);
}

/// Each of the pages, each group and all get what is theirs.
fn reach(server: &mut Peer, pages: &Peer) {
    let list: serde_json::Value = serde_json::from_str(&ask(server, "list")).unwrap();
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
        assert_eq!(ask(server, &command), count, "{command}");
    }
    check(pages);
}

/// `examples/control`: another program, in Python and in C, sends through the server that the first one owns.
#[test]
fn other_programs_send_through_it() {
    let scratch = common::Scratch::new("webtutor-control");
    let (program, control) = (compiled(&scratch), scratch.path().join("control"));
    let source = common::root().join("examples/control/control.c");
    let mut alone = Command::new("cc");
    alone.args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]).arg(source).arg("-o").arg(&control);
    common::run_well(&mut alone, Duration::from_secs(180));
    let token = "a token";
    let mut command = Command::new(&program);
    let server = Peer::start("notices", command.env_remove("LD_LIBRARY_PATH").env("CONTROL_TOKEN", token));
    let port = server.line_after("port ");
    let Some(pages) = pages(&port) else { return };
    let said = |mut command: Command| {
        let output = command.env("CONTROL_TOKEN", token).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        (output.status.success(), text, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let in_python = |args: &[&str]| {
        let mut command = Command::new("python3");
        command.arg(common::root().join("examples/control/control.py")).arg(&port).args(args);
        let (success, text, errors) = said(command);
        assert!(success, "{args:?}: {errors}");
        text
    };
    let in_c = |args: [&str; 3]| {
        let mut command = Command::new(&control);
        command.arg(&port).args(args);
        said(command)
    };
    let listed = in_python(&["list"]);
    assert!(PAGES.iter().all(|page| listed.split(' ').any(|name| name == *page)), "{listed}");
    assert_eq!(in_python(&["name", PAGES[0], "лично"]), "1");
    assert_eq!(
        in_c(["send", &format!("name={}", PAGES[1]), "[{\"text\":\"лично \\\"вам\\\"\"}]"]).1,
        r#"{"queued":1}"#
    );
    assert_eq!(in_python(&["name", "id:10009", "никому"]), "0");
    let (success, text, _) = in_c(["send", "name=id:10009", "никому"]);
    assert!(!success && text.contains("\"error\":3"), "{text}");
    assert_eq!(in_python(&["group", "10002", "группе"]), "2");
    assert_eq!(in_c(["broadcast", "group=10001", "[{\"text\":\"группе\"}]"]).1, r#"{"queued":2}"#);
    assert_eq!(in_python(&["group", "10009", "никому"]), "0");
    assert_eq!(in_python(&["all", "всем"]), "5");
    assert_eq!(in_c(["broadcast", "", "[{\"text\":\"всем\"}]"]).1, r#"{"queued":5}"#);
    assert_eq!(in_python(&["all", "end"]), "5");
    check(&pages);
}
