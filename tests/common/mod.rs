//! What the tests of the C interface share: the library beside the test, the system's compiler, deadlines.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The folder of the cdylib that belongs to this test: `cargo test` does not refresh the copy one level higher.
pub fn library_folder() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

pub fn library() -> PathBuf {
    library_folder().join("libwebsocket_addin.so")
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder of its own that goes away with the value.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Compiles strictly, and links to the library when there is a program to make.
pub fn compile(compiler: &str, options: &[&str], sources: &[&Path], program: Option<&Path>) {
    let mut command = Command::new(compiler);
    command.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"]).args(options);
    command.arg("-I").arg(root().join("include")).args(sources);
    if let Some(program) = program {
        command.arg("-o").arg(program).args(["-lwebsocket_addin", "-pthread", "-ldl"]);
    }
    let output = command.output().unwrap_or_else(|error| panic!("{compiler} does not start: {error}"));
    assert!(output.status.success(), "{compiler} failed:\n{}", String::from_utf8_lossy(&output.stderr));
}

/// The options that link a program to the library beside this test.
pub fn link_options() -> Vec<String> {
    let folder = library_folder().display().to_string();
    vec![format!("-L{folder}"), format!("-Wl,-rpath,{folder}")]
}

/// Runs a program to its end, and kills it when that takes longer than `limit`.
pub fn run(command: &mut Command, limit: Duration) -> Output {
    let shown = format!("{command:?}");
    let mut child = command
        // Cargo puts the copy of the library there that it does not refresh.
        .env_remove("LD_LIBRARY_PATH")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{shown} does not start: {error}"));
    let readers = [drain(child.stdout.take().expect("it is piped")), drain(child.stderr.take().expect("it is piped"))];
    let deadline = Instant::now() + limit;
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break Some(status),
            None if Instant::now() > deadline => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let [stdout, stderr] = readers.map(|reader| reader.join().unwrap());
    let text = format!("{}\n{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    let status = status.unwrap_or_else(|| panic!("{shown} took longer than {limit:?}:\n{text}"));
    Output { status, stdout, stderr }
}

fn drain(mut pipe: impl std::io::Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        let _ = pipe.read_to_end(&mut all);
        all
    })
}

/// The same, and it has to exit with 0.
pub fn run_well(command: &mut Command, limit: Duration) -> String {
    let shown = format!("{command:?}");
    let output = run(command, limit);
    let text = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{shown}: {}\n{text}", output.status);
    text
}

/// The functions that a C header declares: `wsaddin_x(` outside comments and typedefs.
pub fn declared_functions(header: &str) -> BTreeSet<String> {
    let mut names = names(&without_comments(header), |rest| rest.starts_with('('));
    names.retain(|name| name.starts_with("wsaddin_"));
    names
}

/// The macros that it defines.
pub fn defined_macros(header: &str) -> BTreeSet<String> {
    let lines = header.lines().filter_map(|line| line.strip_prefix("#define "));
    let names = lines.map(|line| line.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap());
    names.filter(|name| name.starts_with("WSADDIN_")).map(str::to_owned).collect()
}

pub fn without_comments(text: &str) -> String {
    let mut rest = text;
    let mut code = String::new();
    while let Some(start) = rest.find("/*") {
        code.push_str(&rest[..start]);
        rest = rest[start..].find("*/").map_or("", |end| &rest[start + end + 2..]);
    }
    code + rest
}

/// The names `wsaddin_…` and `WSADDIN_…` in a C text, those whose rest of the text passes.
pub fn names(code: &str, passes: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = BTreeSet::new();
    let mut at = 0;
    while let Some(start) = code[at..].find(is_word).map(|offset| at + offset) {
        let end = code[start..].find(|c| !is_word(c)).map_or(code.len(), |offset| start + offset);
        let word = &code[start..end];
        if (word.starts_with("wsaddin_") || word.starts_with("WSADDIN_")) && passes(&code[end..]) {
            found.insert(word.to_owned());
        }
        at = end;
    }
    found
}
