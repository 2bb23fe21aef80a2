//! Proxies that other people wrote, each with a configuration of its own on a free port.
#![allow(dead_code, reason = "each test file uses its part")]

use super::common::Scratch;
use std::fs::File;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running program, ended with all of its children when it goes.
pub struct Daemon {
    child: Child,
    port: u16,
    scratch: Scratch,
    /// One more that goes with it.
    folder: Option<std::path::PathBuf>,
}

/// The full path of a program; Debian has some where only root's PATH leads.
fn program(name: &str) -> Option<std::path::PathBuf> {
    ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"]
        .iter()
        .map(|folder| std::path::Path::new(folder).join(name))
        .find(|path| path.exists())
}

impl Daemon {
    /// Starts `name`; `options` gets the port and the path of a file with what `config` says. `None`: not installed.
    fn start(name: &str, config: impl Fn(u16) -> String, options: impl Fn(u16, &str) -> Vec<String>) -> Option<Self> {
        let Some(path) = program(name) else {
            let must = std::env::var_os("WSADDIN_NO_SKIP").is_some_and(|value| value == "1");
            assert!(!must, "{name} is missing");
            let _ = writeln!(std::io::stderr(), "SKIPPED: {name} is missing");
            return None;
        };
        for round in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let scratch = Scratch::new(&format!("{name}-{port}-{round}"));
            let file = scratch.path().join("config");
            std::fs::write(&file, config(port)).unwrap();
            let log = File::create(scratch.path().join("log")).unwrap();
            let mut command = Command::new(&path);
            command.args(options(port, file.to_str().unwrap())).process_group(0).stdin(Stdio::null());
            let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
            let mut daemon = Self { child, port, scratch, folder: None };
            let deadline = Instant::now() + Duration::from_secs(20);
            while Instant::now() < deadline && daemon.child.try_wait().unwrap().is_none() {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Some(daemon);
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            // Somebody else took the port meanwhile, perhaps.
            eprintln!("{name}: {}", daemon.log());
        }
        panic!("{name} does not start");
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.scratch.path().join("log")).unwrap_or_default()
    }

    /// `127.0.0.1:port`
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// An HTTP proxy, with Basic credentials `user:password` where given.
    pub fn tinyproxy(credentials: Option<&str>) -> Option<Self> {
        let credentials = credentials.map(|both| format!("BasicAuth {}\n", both.replace(':', " "))).unwrap_or_default();
        let config =
            |port| format!("Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nLogLevel Info\n{credentials}");
        Self::start("tinyproxy", config, |_, file| vec!["-d".into(), "-c".into(), file.into()])
    }

    /// A SOCKS proxy without credentials.
    pub fn dante() -> Option<Self> {
        let users = if std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
            "user.privileged: root\nuser.unprivileged: nobody\n"
        } else {
            ""
        };
        let config = |port| {
            format!(
                "logoutput: stderr\ninternal: 127.0.0.1 port = {port}\nexternal: lo\nsocksmethod: none\n\
                 clientmethod: none\n{users}client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}\n\
                 socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 protocol: tcp }}\n"
            )
        };
        Self::start("danted", config, |port, file| {
            vec!["-f".into(), file.into(), "-p".into(), format!("{file}.{port}.pid"), "-N".into(), "1".into()]
        })
    }

    /// A SOCKS proxy with a user name and a password.
    pub fn microsocks(user: &str, password: &str) -> Option<Self> {
        Self::start(
            "microsocks",
            |_| String::new(),
            |port, _| {
                ["-i", "127.0.0.1", "-p", &port.to_string(), "-u", user, "-P", password].map(str::to_owned).to_vec()
            },
        )
    }

    /// An HTTP proxy with Digest credentials.
    pub fn squid(user: &str, password: &str) -> Option<Self> {
        // As root it becomes another user, whom not every folder lets in.
        let folder = std::env::temp_dir().join(format!("wsaddin-squid-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let known = folder.join("users");
        std::fs::write(&known, format!("{user}:{password}\n")).unwrap();
        let config = |port| {
            format!(
                "http_port 127.0.0.1:{port}\n\
                 auth_param digest program /usr/lib/squid/digest_file_auth {}\nauth_param digest children 1\n\
                 auth_param digest realm squid\nacl known proxy_auth REQUIRED\nhttp_access allow known\n\
                 http_access deny all\ncache deny all\naccess_log none\ncache_log /dev/null\npid_filename none\n\
                 shutdown_lifetime 0 seconds\nvisible_hostname squid.test\n",
                known.display()
            )
        };
        let options = |_, file: &str| ["-N", "-d", "1", "-f", file].map(str::to_owned).to_vec();
        let mut daemon = Self::start("squid", config, options)?;
        // Read when the first one comes.
        daemon.folder = Some(folder);
        Some(daemon)
    }

    /// A load balancer with these sections beside its page of statistics.
    pub fn haproxy(sections: &str) -> Option<Self> {
        let config = |port| {
            format!(
                "global\n    maxconn 100\ndefaults\n    mode http\n    timeout connect 20s\n    timeout client 20s\n    \
                 timeout server 20s\n    timeout check 20s\nlisten statistics\n    bind 127.0.0.1:{port}\n    \
                 stats enable\n    stats uri /\n{sections}"
            )
        };
        Self::start("haproxy", config, |_, file| ["-db", "-f", file].map(str::to_owned).to_vec())
    }

    /// A reverse proxy with this `location /`.
    pub fn nginx(location: &str) -> Option<Self> {
        let config = |port| {
            format!(
                "events {{}}\nhttp {{\n    access_log off;\n    client_body_temp_path body;\n    proxy_temp_path proxy;\n    \
                 fastcgi_temp_path fastcgi;\n    uwsgi_temp_path uwsgi;\n    scgi_temp_path scgi;\n    \
                 server {{\n        listen 127.0.0.1:{port};\n        location / {{ {location} }}\n    }}\n}}\n"
            )
        };
        Self::start("nginx", config, |_, file| {
            let folder = file.strip_suffix("config").unwrap();
            let main = format!("daemon off; master_process off; pid {folder}pid; error_log stderr;");
            ["-p", folder, "-c", file, "-e", "stderr", "-g", &main].map(str::to_owned).to_vec()
        })
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
