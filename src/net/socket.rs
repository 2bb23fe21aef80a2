//! Reading and writing a socket, below TLS.

use super::uninterrupted;
use mio::net::TcpStream;
#[cfg(target_os = "linux")]
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags};
use std::io::{self, IoSlice, Read, Write};

/// The socket under everything. mio's type for TCP holds a Unix socket as well: but for addresses and the options of TCP,
/// the system calls are the same. Writing never raises SIGPIPE in the host. On Linux the system is called without the C
/// library's functions: those are cancellation points, which take more instructions than the call itself, and no thread
/// is cancelled in here (see `library::border`).
#[derive(Debug)]
pub(super) struct Socket(pub(super) TcpStream);

impl Read for Socket {
    #[cfg(target_os = "linux")]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let (read, _) = uninterrupted(|| Ok(rustix::net::recv(&self.0, &mut *buf, RecvFlags::empty())?))?;
        Ok(read)
    }

    #[cfg(not(target_os = "linux"))]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        uninterrupted(|| self.0.read(buf))
    }
}

impl Write for Socket {
    #[cfg(target_os = "linux")]
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        uninterrupted(|| Ok(rustix::net::send(&self.0, buf, SendFlags::NOSIGNAL)?))
    }

    // Windows has no SIGPIPE, and mio must see the WouldBlock to arm the readiness again.
    #[cfg(not(target_os = "linux"))]
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    #[cfg(target_os = "linux")]
    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        uninterrupted(|| {
            let none = &mut SendAncillaryBuffer::default();
            Ok(rustix::net::sendmsg(&self.0, pieces, none, SendFlags::NOSIGNAL)?)
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(pieces)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
