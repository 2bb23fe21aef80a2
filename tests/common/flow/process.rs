//! What the system says of this process, and the same program in another role.

use super::{SOON, until};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A line of /proc/self/status in KiB.
pub fn status_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// How many threads of the library run.
pub fn our_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok())
        .filter(|name| name.starts_with("websocket-"))
        .count()
}

/// Open descriptors of this process.
pub fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Lets this process, and those it starts, have as many descriptors as can be had, within reason.
pub fn many_descriptors() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a live place for the limits.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit), 0);
        limit.rlim_cur = limit.rlim_max.min(16_384);
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
    }
}

/// Waits until a thread of this process sleeps inside the kernel.
pub fn until_asleep(thread: i32) {
    until("the thread waits", SOON, || {
        let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap();
        stat.rsplit(')').next().unwrap().trim_start().starts_with('S')
    });
}

pub fn thread_id() -> i32 {
    // SAFETY: no arguments, no failure.
    unsafe { libc::gettid() }
}

/// This test program again, as another process in one of its roles; killed at the end.
pub struct Role {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Role {
    /// `test` is the ignored test that plays the role; it reads `WSADDIN_ROLE`.
    pub fn start(test: &str, argument: &str) -> Self {
        Self::start_with(Command::new(std::env::current_exe().unwrap()), test, argument)
    }

    pub fn start_with(mut command: Command, test: &str, argument: &str) -> Self {
        command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]).env("WSADDIN_ROLE", argument);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    pub fn id(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: a child of ours that has not been waited for.
        assert_eq!(unsafe { libc::kill(self.id(), signal) }, 0);
    }

    /// What it says after `name=`.
    pub fn hear(&mut self, name: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the other process ended before it said {name}");
            if let Some((_, value)) = line.split_once(&format!("{name}=")) {
                return value.trim().to_owned();
            }
        }
    }

    pub fn tell(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The role that this process was started for; `None` in an ordinary test run.
pub fn role() -> Option<String> {
    std::env::var("WSADDIN_ROLE").ok()
}

/// In a role: tells the process that started it.
pub fn say(name: &str, value: impl std::fmt::Display) {
    println!("\n{name}={value}");
    std::io::stdout().flush().unwrap();
}

/// In a role: waits for a line from the process that started it; false when that has gone.
pub fn listen() -> bool {
    std::io::stdin().read_line(&mut String::new()).unwrap_or(0) > 0
}
