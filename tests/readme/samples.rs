//! The samples compile without a warning; the README's C program runs.

use crate::addin::{EVENT_CLOSE, EVENT_MESSAGE, Received, Server};
use crate::page::{self, LANGUAGES, Part};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Milliseconds; everything is on this machine.
const DEADLINE: i64 = 120_000;
const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

fn blocks(page: &str, language: &str) -> Vec<String> {
    let code = |part| match part {
        Part::Code(of, code) if of == language => Some(code),
        _ => None,
    };
    page::parts(&page::read(page)).into_iter().filter_map(code).collect()
}

/// A folder of this test's own, for one page.
fn folder(page: &str, purpose: &str) -> PathBuf {
    let name = format!("{}-{purpose}-{}", page.replace('/', "-"), std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn compile(compiler: &str, standard: &str, folder: &Path, arguments: &[&str]) -> Result<(), String> {
    let mut compile = Command::new(compiler);
    compile.current_dir(folder).arg(standard).args(STRICT).arg("-I").arg(page::root().join("include")).args(arguments);
    let output = compile.output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Each is a whole source file, with what it includes.
#[test]
fn every_sample_compiles() {
    let mut seen = 0;
    for name in page::all() {
        for (language, compiler, standard) in [("c", "cc", "-std=c11"), ("cpp", "c++", "-std=c++17")] {
            for code in blocks(&name, language) {
                let folder = folder(&name, "samples");
                let file = format!("sample.{language}");
                std::fs::write(folder.join(&file), code).unwrap();
                let compiled = compile(compiler, standard, &folder, &["-fsyntax-only", &file]);
                let _ = std::fs::remove_dir_all(&folder);
                compiled.unwrap_or_else(|error| panic!("{name}: {error}"));
                seen += 1;
            }
        }
    }
    assert!(seen >= 2, "{seen}");
}

/// A script does not depend on the language of the page.
#[test]
fn the_readmes_have_the_same_script() {
    let [english, russian] = LANGUAGES.map(|language| blocks(language.readme, "bsl"));
    assert!(!english.is_empty());
    assert_eq!(english, russian);
}

#[test]
fn the_c_program_runs() {
    let server = Server::new().unwrap();
    server.run("127.0.0.1", 0).unwrap();
    let url = format!("ws://127.0.0.1:{}/?name=C", server.port().unwrap());
    let library = std::env::current_exe().unwrap().parent().unwrap().display().to_string();
    for language in LANGUAGES {
        let readme = language.readme;
        let folder = folder(readme, "program");
        let program = blocks(readme, "c").into_iter().next().unwrap_or_else(|| panic!("{readme} has no C program"));
        std::fs::write(folder.join("chat.c"), program).unwrap();
        let (search, run_path) = (format!("-L{library}"), format!("-Wl,-rpath,{library}"));
        let arguments = ["chat.c", "-o", "chat", &search, &run_path, "-lwebsocket_addin"];
        compile("cc", "-std=c11", &folder, &arguments).unwrap_or_else(|error| panic!("{readme}: {error}"));

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
