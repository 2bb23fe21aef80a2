//! A Unix socket that listens, and its file.

use super::UnixPath;
use crate::error::{Error, Id};
use crate::library;
use crate::net::uninterrupted;
use socket2::{Domain, Socket, Type};
use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Owner and group may connect.
const MODE: u32 = 0o660;
/// How long another server may take that begins in the same folder.
const PATIENCE: Duration = Duration::from_secs(1);

/// The file of a socket. It goes with the value, unless another one has taken its place.
struct SocketFile {
    path: PathBuf,
    /// Device and number.
    identity: (u64, u64),
}

impl SocketFile {
    fn new(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), identity: identity(path)? })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // It is the parent's.
        if library::is_forked() {
            return;
        }
        // Still listening, so no other server takes it for one that was left behind meanwhile.
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// See the module's page.
pub struct UnixSocket {
    /// The file goes first: nobody connects to a socket on which nothing accepts.
    _file: Option<SocketFile>,
    listener: mio::net::UnixListener,
}

impl UnixSocket {
    /// Listens at once; a file that a server has left behind is replaced.
    pub fn bind(path: &UnixPath, backlog: i32) -> Result<Self, Error> {
        let failed = |error: io::Error| {
            let id = match error.kind() {
                ErrorKind::AddrInUse => Id::UnixInUse,
                ErrorKind::PermissionDenied => Id::UnixFolderForbidden,
                ErrorKind::NotFound | ErrorKind::NotADirectory => Id::UnixFolderMissing,
                ErrorKind::AlreadyExists => return Error::of(Id::UnixOccupied),
                _ => Id::ListenFailed,
            };
            Error::of(id).system(&error)
        };
        let bound = match path.file() {
            Some(file) => Self::bind_file(path, file, backlog),
            None => Self::listening(path, backlog).map(|listener| Self { _file: None, listener }),
        };
        bound.map_err(failed)
    }

    fn bind_file(path: &UnixPath, file: &Path, backlog: i32) -> io::Result<Self> {
        // Between `bind` and `listen` a socket looks like one that was left behind.
        let _folder = lock_folder(file);
        let listener = match Self::listening(path, backlog) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                if !fs::symlink_metadata(file)?.file_type().is_socket() {
                    return Err(ErrorKind::AlreadyExists.into());
                }
                match connect(path) {
                    Err(refused) if refused.kind() == ErrorKind::ConnectionRefused => fs::remove_file(file)?,
                    // Somebody listens, or nobody can tell.
                    _ => return Err(error),
                }
                Self::listening(path, backlog)?
            }
            other => other?,
        };
        let bound = Self { _file: Some(SocketFile::new(file)?), listener };
        // What the process's mask has taken away; it never gives more.
        fs::set_permissions(file, Permissions::from_mode(MODE))?;
        Ok(bound)
    }

    fn listening(path: &UnixPath, backlog: i32) -> io::Result<mio::net::UnixListener> {
        let socket = new_socket()?;
        // The file gets its mode from here, so that nobody can connect before it is set.
        let socket = File::from(OwnedFd::from(socket));
        socket.set_permissions(Permissions::from_mode(MODE))?;
        let socket = Socket::from(OwnedFd::from(socket));
        socket.bind(&path.to_address()?)?;
        socket.listen(backlog)?;
        Ok(mio::net::UnixListener::from_std(OwnedFd::from(socket).into()))
    }

    /// Its name is free from now on.
    pub fn into_unnamed(self) -> mio::net::UnixListener {
        self.listener
    }

    pub fn source(&mut self) -> &mut mio::net::UnixListener {
        &mut self.listener
    }

    /// Accepts one connection; `WouldBlock` when there is none.
    pub fn accept(&self) -> io::Result<OwnedFd> {
        self.listener.accept().map(|(stream, _)| stream.into())
    }
}

fn new_socket() -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Connects, which is decided at once; `WouldBlock`: too many wait to be accepted.
pub fn connect(path: &UnixPath) -> io::Result<OwnedFd> {
    let socket = new_socket()?;
    uninterrupted(|| socket.connect(&path.to_address()?))?;
    Ok(socket.into())
}

/// Keeps other servers from beginning in the folder of this file until it is dropped; where the folder cannot
/// be read, they are not kept.
fn lock_folder(file: &Path) -> Option<File> {
    let folder = File::open(file.parent()?).ok()?;
    let until = Instant::now() + PATIENCE;
    loop {
        match folder.try_lock() {
            Ok(()) => return Some(folder),
            Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(Duration::from_millis(1)),
            Err(_) => return None,
        }
    }
}
