//! Programs of other people that a test talks to.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// No wait of these tests takes longer, on a slow machine either.
pub const DEADLINE: Duration = Duration::from_secs(120);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn script(name: &str) -> PathBuf {
    root().join("tests/interop").join(name)
}

fn set(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// The peer if it is installed. If not, the test is skipped, loudly; where nothing may be skipped it fails.
fn installed(what: &str, path: Option<PathBuf>) -> Option<PathBuf> {
    let found = path.filter(|path| path.exists());
    if found.is_none() {
        assert!(set("WSADDIN_NO_SKIP").is_none(), "{what} is missing, and nothing may be skipped");
        // Straight to the stream: what a passing test prints with eprintln! is not shown.
        let _ = writeln!(std::io::stderr(), "SKIPPED: {what} is missing; ./tests/run installs it and runs every test");
    }
    found
}

/// A program that answers line by line; it ends with this value.
pub struct Peer {
    name: String,
    child: Child,
    lines: Receiver<String>,
}

impl Peer {
    /// `tests/interop/NAME` with Python; `None`: not installed.
    pub fn python(name: &str, args: &[&str]) -> Option<Self> {
        let python = set("WSADDIN_PYTHON").map_or_else(|| root().join("target/venv/bin/python"), PathBuf::from);
        let python = installed("Python with websockets, aiohttp and Tornado", Some(python))?;
        Some(Self::start(name, Command::new(python).env("PYTHONDONTWRITEBYTECODE", "1").arg(script(name)).args(args)))
    }

    /// `tests/interop/NAME` with Node.js; `None`: not installed.
    pub fn node(name: &str, args: &[&str]) -> Option<Self> {
        let folder = set("WSADDIN_NODE_DIR").map_or_else(|| root().join("target/node"), PathBuf::from);
        installed("Node.js with ws", Some(folder.join("node_modules/ws")))?;
        Some(Self::start(name, Command::new("node").env("WSADDIN_NODE_DIR", folder).arg(script(name)).args(args)))
    }

    /// `tests/interop/NAME` with Perl; `None`: not installed.
    pub fn perl(name: &str) -> Option<Self> {
        let find = "print $INC{'Mojolicious.pm'}";
        let found = Command::new("perl").args(["-MMojolicious", "-e", find]).stderr(Stdio::null()).output().ok();
        let path = found.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).into_owned()));
        installed("Perl with Mojolicious", path)?;
        Some(Self::start(name, Command::new("perl").arg(script(name))))
    }

    /// Headless Chromium with a page; `None`: not installed. What it prints begins with `DevTools listening on URL`.
    pub fn chromium(page: &str) -> Option<Chromium> {
        let places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].map(PathBuf::from);
        let program = set("WSADDIN_CHROMIUM").map(PathBuf::from).or(places.into_iter().find(|path| path.exists()));
        let program = installed("Chromium", program)?;
        let profile = Profile::new();
        // It prints to its standard error; the shell only joins that to the output.
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec \"$0\" \"$@\" 2>&1"]).arg(program);
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"]);
        // A test must not ask anything outside this machine.
        command.args(["--disable-quic", "--disable-background-networking", "--disable-component-update"]);
        command.args(["--disable-sync", "--disable-breakpad", "--no-proxy-server", "--remote-debugging-port=0"]);
        command.arg(format!("--user-data-dir={}", profile.0.display())).arg(page);
        Some(Chromium { peer: Self::start("chromium", &mut command), _profile: profile })
    }

    /// Any program; its standard error goes where that of the test goes unless `command` says otherwise.
    pub fn start(name: &str, command: &mut Command) -> Self {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let (sender, lines) = channel();
        // Ends when the program does, which is at the latest when this value is dropped.
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { name: name.to_owned(), child, lines }
    }

    /// The next line that it prints.
    pub fn line(&self) -> String {
        let line = self.lines.recv_timeout(DEADLINE);
        line.unwrap_or_else(|error| panic!("{} printed nothing more: {error}", self.name))
    }

    /// The first line that begins so, without the beginning.
    pub fn line_after(&self, beginning: &str) -> String {
        loop {
            if let Some(rest) = self.line().strip_prefix(beginning) {
                return rest.to_owned();
            }
        }
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("stdin is open");
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).expect("it reads what is typed");
    }

    /// Waits until it ends by itself, and gives all that it still printed.
    pub fn end(self) -> (bool, Vec<String>) {
        self.end_within(DEADLINE)
    }

    /// The same for one that may print nothing for so long.
    pub fn end_within(mut self, silence: Duration) -> (bool, Vec<String>) {
        drop(self.child.stdin.take());
        let mut rest = Vec::new();
        // The channel is cut off when the program's output ends, that is, when the program does.
        loop {
            match self.lines.recv_timeout(silence) {
                Ok(line) => rest.push(line),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(error) => {
                    let last = &rest[rest.len().saturating_sub(20)..];
                    panic!("{} does not end: {error}; it printed at last {last:?}", self.name)
                }
            }
        }
        let status = self.child.wait().expect("it can be waited for");
        (status.success(), rest)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running browser and its profile, which goes away after it.
pub struct Chromium {
    pub peer: Peer,
    _profile: Profile,
}

struct Profile(PathBuf);

impl Profile {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("browser-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        std::fs::create_dir_all(&path).expect("a folder can be made");
        Self(path)
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
