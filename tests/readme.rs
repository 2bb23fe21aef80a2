//! What the READMEs promise: their C program runs, their 1C names exist, their lists are complete, their links lead
//! somewhere.

#[path = "common/addin.rs"]
#[allow(dead_code, reason = "the other tests use more of it")]
mod addin;

use addin::{EVENT_CLOSE, EVENT_MESSAGE, Received, Server};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Milliseconds; everything is on this machine.
const DEADLINE: i64 = 120_000;
const READMES: &[&str] = &["README.md", "README.ru.md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The first block of that language.
fn block(readme: &str, language: &str) -> String {
    let text = read(readme);
    let start = format!("```{language}\n");
    let (_, rest) = text.split_once(&start).unwrap_or_else(|| panic!("{readme} has no {language}"));
    rest.split_once("```").expect("the block ends").0.to_owned()
}

#[test]
fn the_c_program_runs() {
    let server = Server::new().unwrap();
    server.run("127.0.0.1", 0).unwrap();
    let url = format!("ws://127.0.0.1:{}/?name=C", server.port().unwrap());
    let library = std::env::current_exe().unwrap().parent().unwrap().display().to_string();
    for readme in READMES {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{readme}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("chat.c"), block(readme, "c")).unwrap();
        let mut compile = Command::new("cc");
        compile.current_dir(&folder).args([
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "chat.c",
            "-o",
            "chat",
        ]);
        compile.arg("-I").arg(root().join("include"));
        compile.args([format!("-L{library}"), format!("-Wl,-rpath,{library}"), "-lwebsocket_addin".to_owned()]);
        let output = compile.output().unwrap();
        assert!(output.status.success(), "{readme}: {}", String::from_utf8_lossy(&output.stderr));

        let output = std::thread::scope(|scope| {
            let program = scope.spawn(|| Command::new(folder.join("chat")).args(["привет", &url]).output().unwrap());
            // What it says comes back to it; the loop ends with the program's connection.
            loop {
                let Ok(Received::Message(event)) = server.receive_event(DEADLINE) else { panic!("nothing more came") };
                match event.event() {
                    EVENT_MESSAGE => assert!(server.send_text(event.connection(), event.text()).unwrap()),
                    EVENT_CLOSE => break,
                    _ => {}
                }
            }
            program.join().unwrap()
        });
        let _ = std::fs::remove_dir_all(&folder);
        assert!(output.status.success(), "{readme}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "привет\n", "{readme}");
    }
}

#[test]
fn the_1c_names_exist() {
    let mut known = BTreeSet::new();
    for class in websocket_addin::native_api::reference() {
        known.extend(class.methods.iter().flat_map(|method| method.ru.iter().copied().chain([method.en])));
        known.extend(class.properties.iter().flat_map(|property| [property.ru, property.en]));
    }
    for readme in READMES {
        let script = block(readme, "bsl");
        let used: Vec<_> = script.match_indices("Клиент.").map(|(at, object)| &script[at + object.len()..]).collect();
        assert!(used.len() > 3, "{readme}: {used:?}");
        for name in used.iter().map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap()) {
            assert!(known.contains(name), "{readme}: {name}");
        }
    }
    assert_eq!(block("README.md", "bsl"), block("README.ru.md", "bsl"));
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = read("Cargo.toml");
    let mut in_dependencies = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = line.ends_with("dependencies]");
        } else if let Some((name, _)) = line.split_once('=').filter(|_| in_dependencies) {
            names.insert(name.trim().to_owned());
        }
    }
    assert!(names.len() > 10, "{names:?}");
    for readme in READMES {
        let text = read(readme);
        // Under the heading whose table names a crate.
        let heading = text.lines().find(|line| matches!(*line, "## Dependencies" | "## Зависимости")).unwrap();
        let (_, section) = text.split_once(&format!("{heading}\n")).unwrap();
        let listed: BTreeSet<String> = section
            .lines()
            .take_while(|line| !line.starts_with("## "))
            .filter(|line| line.starts_with("| `"))
            .flat_map(|line| line.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2))
            .map(str::to_owned)
            .collect();
        assert_eq!(listed, names, "{readme}");
    }
}

#[test]
fn links_lead_somewhere() {
    for readme in READMES {
        let text = read(readme);
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.starts_with("https://")) {
            assert!(root().join(target).exists(), "{readme}: {target}");
        }
    }
}
