//! Loads and uses a file of the bundle from programs in C, the way its hosts do.

use super::runner::{self, Runner};
use super::tls::TlsServer;
use crate::project::Project;
use crate::targets::{List, Target};
use crate::tools;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// For one program; the slowest, under an emulator, takes a quarter of it.
const LIMIT: Duration = Duration::from_secs(240);

/// The results of the C interface for a certificate that nobody vouches for, and for one that is fine with HTTP
/// behind it that is no WebSocket.
const CERTIFICATE: &str = "-14";
const HANDSHAKE: &str = "-16";

/// Runs everything in every way that this machine has, and says what ran where.
pub fn run_all(project: &Project, list: &List, target: &Target, name: &str, contents: &[u8]) -> Result<Vec<String>> {
    let mut ran = Vec::new();
    for runner in Runner::all(project, target)? {
        let folder = runner::scratch(project, &runner, target)?;
        std::fs::write(folder.join(name), contents)?;
        let host = Host { project, list, target, runner: &runner, folder: &folder, library: name };
        let what = host.run().with_context(|| runner.name)?;
        ran.push(format!("{} {what}", runner.name));
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(ran)
}

struct Host<'a> {
    project: &'a Project,
    list: &'a List,
    target: &'a Target,
    runner: &'a Runner,
    folder: &'a Path,
    library: &'a str,
}

impl Host<'_> {
    fn run(&self) -> Result<String> {
        let program = self.compile("tests/bundle/host.c", "host")?;
        let server = TlsServer::start(self.folder)?;
        self.expect(self.command(&program).args([&server.url, CERTIFICATE]), "host: everything as expected")?;
        let mut trusting = self.command(&program);
        trusting.args([&server.url, HANDSHAKE]);
        if self.target.is_windows() {
            trusting.arg(TlsServer::DER);
        } else {
            trusting.env("SSL_CERT_FILE", self.runner.inside(&self.folder.join(TlsServer::PEM)));
        }
        self.expect(&mut trusting, "host: everything as expected")?;
        if !self.target.is_windows() {
            return Ok("(C, TLS)".to_owned());
        }
        let program = self.compile("tests/host1c/msvc_host.c", "msvc_host")?;
        self.expect(&mut self.command(&program), "msvc_host: everything as expected")?;
        Ok("(C, TLS, 1C)".to_owned())
    }

    /// A program, called with the library; it runs in the folder.
    fn command(&self, program: &str) -> Command {
        let mut command = self.runner.command(self.folder, program);
        if self.target.is_windows() {
            command.arg(self.library);
        } else {
            command.arg(self.runner.inside(&self.folder.join(self.library)));
        }
        command.current_dir(self.folder);
        command
    }

    fn expect(&self, command: &mut Command, last_line: &str) -> Result<()> {
        let said = tools::output_within(command, LIMIT, &self.folder.join("output"))?;
        ensure!(said.contains(last_line), "it ended early:\n{said}");
        Ok(())
    }

    /// By MinGW for Windows and by zig for Linux, so that the program asks for no newer C library than the file under
    /// test.
    fn compile(&self, source: &str, program: &str) -> Result<String> {
        let mut command;
        let mut program = program.to_owned();
        if self.target.is_windows() {
            program.push_str(".exe");
            command = self.mingw()?;
            if !self.folder.join("bcryptprimitives.dll").exists() {
                let mut stand_in = self.mingw()?;
                stand_in.arg("-shared").arg(self.source("tests/bundle/bcryptprimitives.c"));
                stand_in.args(["-ladvapi32", "-Wl,--kill-at", "-o"]).arg(self.folder.join("bcryptprimitives.dll"));
                tools::output(&mut stand_in)?;
            }
        } else {
            command = Command::new(tools::need("python-zig", &[&self.project.work.join("venv/bin")])?);
            let machine = if self.target.machine() == "i686" { "x86" } else { self.target.machine() };
            command.args(["cc", "-target", &format!("{machine}-linux-gnu.{}", self.list.glibc)]);
        }
        command.args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror"]);
        command.arg("-I").arg(self.source("include")).arg("-I").arg(self.source("tests/bundle"));
        command.arg(self.source(source)).arg("-o").arg(self.folder.join(&program));
        command.arg(if self.target.is_windows() { "-lcrypt32" } else { "-ldl" });
        tools::output(&mut command)?;
        Ok(program)
    }

    fn mingw(&self) -> Result<Command> {
        Ok(Command::new(tools::need(&format!("{}-w64-mingw32-gcc", self.target.machine()), &[])?))
    }

    fn source(&self, path: &str) -> PathBuf {
        self.project.root.join(path)
    }
}
