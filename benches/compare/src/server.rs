//! The programs under test: starting them, what they cost, and an end to those that take too long.

use std::io::{self, BufRead, BufReader, ErrorKind};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

/// A program under test. When its time is up it is killed, which ends every call that waits for it.
pub struct Server {
    process: Child,
    pub address: SocketAddr,
    limit: Duration,
    killed: Arc<AtomicBool>,
    /// Dropped to call the watch off.
    watch: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Server {
    /// Starts a server that prints its port on the first line, with as much time as it wants.
    pub fn start(command: &[String]) -> io::Result<Self> {
        Self::start_within(command, Duration::MAX)
    }

    /// The same with a limit.
    pub fn start_within(command: &[String], limit: Duration) -> io::Result<Self> {
        let mut server = Self::watched(command, ([127, 0, 0, 1], 0).into(), limit)?;
        let mut line = String::new();
        if let Some(output) = server.process.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let port = line.trim().parse::<u16>();
        let said = format!("{command:?} did not print its port: {line:?}");
        let port = port.map_err(|_| server.reason(io::Error::new(ErrorKind::InvalidData, said)))?;
        server.address.set_port(port);
        Ok(server)
    }

    /// Starts a program that connects to `address`.
    pub fn start_client(command: &[String], address: SocketAddr, count: usize, limit: Duration) -> io::Result<Self> {
        Self::watched(&[command, &[address.to_string(), count.to_string()]].concat(), address, limit)
    }

    /// The same with arguments of its own, and as much time as it wants.
    pub fn start_client_with(command: &[String], more: &[String], address: SocketAddr) -> io::Result<Self> {
        Self::watched(&[command, more].concat(), address, Duration::MAX)
    }

    fn watched(command: &[String], address: SocketAddr, limit: Duration) -> io::Result<Self> {
        let [program, arguments @ ..] = command else { return Err(ErrorKind::InvalidInput.into()) };
        let mut command = Command::new(program);
        let process = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let killed = Arc::new(AtomicBool::new(false));
        let (call_off, wait) = mpsc::channel::<()>();
        let (id, mark) = (process.id() as libc::pid_t, killed.clone());
        let thread = std::thread::spawn(move || {
            if wait.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                mark.store(true, SeqCst);
                // SAFETY: the number is the program's until it is waited for, which is done after this thread has ended.
                unsafe { libc::kill(id, libc::SIGKILL) };
            }
        });
        Ok(Self { process, address, limit, killed, watch: Some((call_off, thread)) })
    }

    /// Why something failed: the time was up, or else the `error`.
    pub fn reason(&self, error: io::Error) -> io::Error {
        match self.killed.load(SeqCst) {
            true => io::Error::new(ErrorKind::TimedOut, format!("was not done after {} s", self.limit.as_secs())),
            false => error,
        }
    }

    /// Asks it to end and waits until it has.
    pub fn end(mut self) -> io::Result<()> {
        let process = libc::pid_t::try_from(self.process.id()).map_err(io::Error::other)?;
        // SAFETY: a child that has not been waited for.
        unsafe { libc::kill(process, libc::SIGTERM) };
        self.await_end()?;
        self.call_off();
        self.process.wait().map(drop)
    }

    /// Waits without giving its number back, which the watch may need.
    fn await_end(&self) -> io::Result<()> {
        // SAFETY: a place for the answer; WNOWAIT leaves the child to be waited for.
        let result = unsafe {
            let mut info = std::mem::zeroed::<libc::siginfo_t>();
            libc::waitid(libc::P_PID, self.process.id(), &mut info, libc::WEXITED | libc::WNOWAIT)
        };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// User and system time of all its threads.
    pub fn cpu(&self) -> Duration {
        // A process's clock is its number, complemented and shifted by three, with CPUCLOCK_SCHED below: clock(3).
        clock((!(self.process.id() as libc::clockid_t) << 3) | 2)
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

    fn call_off(&mut self) {
        if let Some((call_off, thread)) = self.watch.take() {
            drop(call_off);
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.call_off();
        let _ = (self.process.kill(), self.process.wait());
    }
}

/// User and system time of this process.
pub fn own_cpu() -> Duration {
    clock(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn clock(id: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a place for the time.
    let result = unsafe { libc::clock_gettime(id, &mut time) };
    assert_eq!(result, 0, "no CPU clock: {}", io::Error::last_os_error());
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
