//! nginx with a part of its configuration that stands elsewhere.

use super::common::Scratch;
use std::fs::File;
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = "/usr/sbin/nginx";
const LIMIT: Duration = Duration::from_secs(60);

/// One process, until this is dropped.
pub struct Nginx {
    child: Child,
    _scratch: Scratch,
}

impl Nginx {
    /// With this `server` block, when it listens on the port. `None`: nginx is not installed.
    pub fn start(port: u16, server: &str) -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            assert!(std::env::var_os("WSADDIN_NO_SKIP").is_none(), "{PROGRAM} is missing");
            eprintln!("SKIPPED: {PROGRAM} is missing");
            return None;
        }
        let scratch = Scratch::new(&format!("nginx-{port}"));
        let folder = scratch.path();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|name| format!("{name}_temp_path {name};\n"))
            .collect();
        let whole = format!("events {{}}\nhttp {{\naccess_log off;\n{temporary}{server}}}\n");
        std::fs::write(folder.join("config"), whole).unwrap();
        let main = format!("daemon off; master_process off; pid {}/pid; error_log stderr;", folder.display());
        let mut command = Command::new(PROGRAM);
        command.arg("-p").arg(folder).arg("-c").arg(folder.join("config")).args(["-e", "stderr", "-g", &main]);
        let log = folder.join("log");
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log).unwrap());
        let mut child = command.spawn().expect("nginx starts");
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "{}", std::fs::read_to_string(&log).unwrap());
            assert!(start.elapsed() < LIMIT, "nginx does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(Self { child, _scratch: scratch })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
