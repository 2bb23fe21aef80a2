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

/// The results of the C interface for a certificate that nobody vouches for, and for a connection.
const CERTIFICATE: &str = "-14";
const OK: &str = "0";

/// The host there names files in another encoding than the library (tests/bundle/host.c reads a log), and has no signals.
const NOT_ON_WINDOWS: &[&str] = &["log", "suspended"];

/// Warnings; behind the first `C_TOO` for clang's C++ only, where a slot in a table that nobody may derive from has to
/// be virtual all the same.
const STRICT: &[&str] = &["-O1", "-Wall", "-Wextra", "-Werror", "-Wno-unnecessary-virtual-specifier"];
const C_TOO: usize = 4;

/// Runs everything in every way that this machine has, and says what ran where.
pub fn run_all(project: &Project, list: &List, target: &Target, name: &str, contents: &[u8]) -> Result<Vec<String>> {
    let mut ran = Vec::new();
    let programs = &runner::empty(project.work.join("hosts").join(&target.name))?;
    for runner in Runner::all(project, target)? {
        let folder = runner::scratch(project, &runner, target)?;
        std::fs::write(folder.join(name), contents)?;
        let host = Host { project, list, target, runner: &runner, programs, folder: &folder, library: name };
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
    /// Where they are compiled, once for all runners.
    programs: &'a Path,
    folder: &'a Path,
    library: &'a str,
}

impl Host<'_> {
    fn run(&self) -> Result<String> {
        if self.target.is_windows() && !self.runner.is_newer_wine {
            self.stand_in()?;
        }
        let program = self.program("host");
        self.compile(&program, "cc", &[self.source("tests/bundle/host.c")], &[])?;
        let server = TlsServer::start(self.project, self.folder)?;
        self.expect(self.command(&program).args([&server.url, CERTIFICATE]), "host: everything as expected")?;
        let mut trusting = self.command(&program);
        trusting.args([&server.url, OK]);
        if self.target.is_windows() {
            trusting.arg(TlsServer::DER);
        } else {
            trusting.env("SSL_CERT_FILE", self.runner.inside(&self.folder.join(TlsServer::PEM)));
        }
        self.expect(&mut trusting, "host: everything as expected")?;
        if self.target.is_windows() {
            self.run_msvc()?;
        }
        let scenarios = self.run_scenarios()?;
        if !self.runner.is_newer_wine {
            return Ok(format!("(C, wss, 1C: {scenarios})"));
        }
        self.run_tls_server()?;
        Ok(format!("(C, wss, 1C: {scenarios}, server with TLS 1.2 and 1.3)"))
    }

    /// The library as a server with TLS, with a client in Python, and the 1C host's scenario about it.
    fn run_tls_server(&self) -> Result<()> {
        let program = self.program("tls_server");
        self.compile(&program, "cc", &[self.source("tests/bundle/tls_server.c")], &["-lsecur32", "-ladvapi32"])?;
        let python = tools::need("python", &[&self.project.work.join("venv/bin")])?;
        let empty = self.folder.join("priorities");
        std::fs::write(&empty, "")?;
        // Wine's versions of TLS are those that GnuTLS says it has.
        for (version, priorities) in
            [("TLSv1.3", self.runner.inside(&empty).as_path()), ("TLSv1.2", Path::new("/dev/null"))]
        {
            let mut talk = Command::new(&python);
            talk.arg(self.source("tests/bundle/tls_server.py")).arg(self.folder).arg(version);
            let inner = self.command(&program);
            talk.arg(inner.get_program()).args(inner.get_args());
            talk.envs(self.runner.environment()).env("GNUTLS_SYSTEM_PRIORITY_FILE", priorities);
            self.expect(&mut talk, &format!("tls_server: {version}: everything as expected")).context(version)?;
            let mut scenario = self.command(&self.program("host1c"));
            scenario.args(["tls", "."]).env("HOST1C_SLOW", "1").env("GNUTLS_SYSTEM_PRIORITY_FILE", priorities);
            self.expect(&mut scenario, "tls: passed").with_context(|| format!("tls, {version}"))?;
        }
        Ok(())
    }

    /// The host of 1C in C, which writes Microsoft's object layout down by hand.
    fn run_msvc(&self) -> Result<()> {
        let program = self.program("msvc_host");
        self.compile(&program, "cc", &[self.source("tests/host1c/msvc_host.c")], &[])?;
        self.expect(&mut self.command(&program), "msvc_host: everything as expected")
    }

    /// The host of 1C in C++, with everything that it can do alone.
    fn run_scenarios(&self) -> Result<String> {
        let program = self.program("host1c");
        self.compile_scenarios(&program)?;
        let tests = std::fs::read_to_string(self.source("tests/native_host.rs"))?;
        let mut scenarios = scenarios(&tests).context("tests/native_host.rs lists the scenarios")?;
        if self.target.is_windows() {
            scenarios.retain(|scenario| !NOT_ON_WINDOWS.contains(scenario));
        }
        for scenario in &scenarios {
            let mut command = self.command(&program);
            command.arg(scenario).env("HOST1C_SLOW", "1");
            self.expect(&mut command, &format!("{scenario}: passed")).context((*scenario).to_owned())?;
        }
        Ok(format!("{} scenarios", scenarios.len()))
    }

    fn compile_scenarios(&self, program: &str) -> Result<()> {
        let mut sources = self.sources("tests/host1c", "cpp")?;
        if !self.target.is_windows() {
            return self.compile(program, "c++", &sources, &[]);
        }
        // The objects' side is compiled by Microsoft's rules, as 1C:Enterprise is; the rest has other means there.
        let bridge = self.programs.join("msvc.o");
        if !bridge.exists() {
            let mut command = self.zig("c++", "windows-msvc")?;
            command.args(["-nostdlib", "-ffreestanding", "-fno-exceptions", "-fno-rtti"]);
            command.args(["-std=c++17", "-Wno-unused-command-line-argument"]).args(STRICT);
            command.arg("-I").arg(self.source("tests/bundle/windows/freestanding"));
            command.arg("-c").arg(self.source("tests/bundle/windows/msvc.cpp")).arg("-o").arg(&bridge);
            tools::output(&mut command)?;
        }
        let ours = self.sources("tests/bundle/windows", "cpp")?;
        let name = |path: &Path| path.file_name().unwrap_or_default().to_owned();
        sources.retain(|source| name(source) != "bench.cpp" && ours.iter().all(|other| name(other) != name(source)));
        sources.extend(ours.into_iter().filter(|source| name(source) != "msvc.cpp"));
        sources.push(bridge);
        self.compile(program, "c++", &sources, &["-DWIN32_LEAN_AND_MEAN", "-DNOMINMAX", "-lws2_32"])
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
        let output = self.folder.join("output");
        let mut outcome = tools::output_within(command, LIMIT, &output);
        // Wine's server has lost the program, which says nothing of the library.
        if outcome.as_ref().is_err_and(|error| error.to_string().contains("wine client error")) {
            outcome = tools::output_within(command, LIMIT, &output);
        }
        let said = outcome?;
        ensure!(said.contains(last_line), "it ended early:\n{said}");
        Ok(())
    }

    fn program(&self, name: &str) -> String {
        if self.target.is_windows() { format!("{name}.exe") } else { name.to_owned() }
    }

    /// By zig, so that on Linux the program asks for no newer C library than the file under test; MinGW's own compiler
    /// is enough for C on Windows. `language` is `cc` or `c++`.
    fn compile(&self, program: &str, language: &str, sources: &[PathBuf], options: &[&str]) -> Result<()> {
        let compiled = self.programs.join(program);
        if !compiled.exists() {
            let mut command = match (self.target.is_windows(), language) {
                (true, "cc") => self.mingw()?,
                (true, _) => self.zig(language, "windows-gnu")?,
                (false, _) => self.zig(language, &format!("linux-gnu.{}", self.list.glibc))?,
            };
            command.arg(if language == "cc" { "-std=gnu11" } else { "-std=c++17" });
            command.args(if language == "cc" { &STRICT[..C_TOO] } else { STRICT });
            let mut folders = vec!["include", "tests/bundle"];
            if self.target.is_windows() {
                folders.push("tests/bundle/windows");
            }
            for folder in folders {
                command.arg("-I").arg(self.source(folder));
            }
            command.args(sources).arg("-o").arg(&compiled).args(options);
            command.args(if self.target.is_windows() { ["-lcrypt32"].as_slice() } else { &["-ldl", "-pthread"] });
            tools::output(&mut command)?;
        }
        std::fs::copy(&compiled, self.folder.join(program))?;
        Ok(())
    }

    fn zig(&self, language: &str, system: &str) -> Result<Command> {
        let mut command = Command::new(tools::need("python-zig", &[&self.project.work.join("venv/bin")])?);
        let machine = if self.target.machine() == "i686" { "x86" } else { self.target.machine() };
        command.args([language, "-target", &format!("{machine}-{system}")]);
        Ok(command)
    }

    fn sources(&self, folder: &str, extension: &str) -> Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(self.source(folder))?;
        let mut sources: Vec<PathBuf> = entries.flatten().map(|source| source.path()).collect();
        sources.retain(|source| source.extension().is_some_and(|found| found == extension));
        sources.sort();
        Ok(sources)
    }

    /// The system library that Wine lacks.
    fn stand_in(&self) -> Result<()> {
        let mut command = self.mingw()?;
        command.arg("-shared").arg(self.source("tests/bundle/bcryptprimitives.c"));
        command.args(["-ladvapi32", "-Wl,--kill-at", "-o"]).arg(self.folder.join("bcryptprimitives.dll"));
        tools::output(&mut command).map(drop)
    }

    fn mingw(&self) -> Result<Command> {
        Ok(Command::new(tools::need(&format!("{}-w64-mingw32-gcc", self.target.machine()), &[])?))
    }

    fn source(&self, path: &str) -> PathBuf {
        self.project.root.join(path)
    }
}

/// Those that need nobody else, from the list of the test that runs them all.
fn scenarios(tests: &str) -> Option<Vec<&str>> {
    let (_, rest) = tests.split_once("const ALONE: &[&str] = &[")?;
    let (list, _) = rest.split_once(']')?;
    let names: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    (!names.is_empty()).then_some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_scenarios() {
        let tests = include_str!("../../../tests/native_host.rs");
        assert!(scenarios(tests).is_some_and(|names| names.contains(&"unload") && !names.contains(&"bench")));
        assert_eq!(scenarios("const ALONE: &[&str] = &[\n    \"a\",\n    \"b\",\n];\n\"c\""), Some(vec!["a", "b"]));
    }
}
