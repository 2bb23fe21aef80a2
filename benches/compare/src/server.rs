//! The programs under test: starting them, and what they cost.

use std::io::{self, BufRead, BufReader, ErrorKind};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A program under test.
pub struct Server {
    process: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Starts a server that prints its port on the first line.
    pub fn start(command: &[String]) -> io::Result<Self> {
        let mut process = spawn(command)?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let Ok(port) = line.trim().parse::<u16>() else {
            let _ = (process.kill(), process.wait());
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                format!("{command:?} did not print its port: {line:?}"),
            ));
        };
        Ok(Self { process, address: ([127, 0, 0, 1], port).into() })
    }

    /// Starts a program that connects to `address`.
    pub fn start_client(command: &[String], address: SocketAddr, count: usize) -> io::Result<Self> {
        let arguments = [command, &[address.to_string(), count.to_string()]].concat();
        Ok(Self { process: spawn(&arguments)?, address })
    }

    /// Asks it to end and waits until it has.
    pub fn end(mut self) -> io::Result<()> {
        let process = libc::pid_t::try_from(self.process.id()).map_err(io::Error::other)?;
        // SAFETY: a child that has not been waited for.
        unsafe { libc::kill(process, libc::SIGTERM) };
        self.process.wait().map(drop)
    }

    /// User and system time of all its threads.
    pub fn cpu(&self) -> Duration {
        // A process's clock is its number, complemented and shifted by three, with CPUCLOCK_SCHED below: clock(3).
        let clock = (!(self.process.id() as libc::clockid_t) << 3) | 2;
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: a place for the time.
        let result = unsafe { libc::clock_gettime(clock, &mut time) };
        assert_eq!(result, 0, "no CPU clock: {}", io::Error::last_os_error());
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }

    /// Resident memory that is its own, in bytes.
    pub fn memory(&self) -> io::Result<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.process.id()))?;
        let line = |name: &str| {
            let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
            rest.split_whitespace().next()?.parse::<u64>().ok()
        };
        let dirty = line("Private_Dirty:").zip(line("Private_Clean:"));
        dirty.map(|(dirty, clean)| (dirty + clean) * 1024).ok_or_else(|| ErrorKind::InvalidData.into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = (self.process.kill(), self.process.wait());
    }
}

fn spawn(command: &[String]) -> io::Result<Child> {
    let [program, arguments @ ..] = command else { return Err(ErrorKind::InvalidInput.into()) };
    Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()
}
