//! The head that a reverse proxy sends before everything else.

use super::Stream;
use crate::net::PeerAddress;
use crate::net::proxy_head::{LONGEST, ProxyHead, read_proxy_head};
use std::io::{self, ErrorKind};

impl Stream {
    /// Whom it speaks for, by its head, and whether that one speaks TLS, where that was told.
    pub fn spoken_for(&self) -> Option<(PeerAddress, Option<bool>)> {
        self.peer.as_ref().and_then(|peer| peer.spoken_for)
    }

    /// Looks for the head of a reverse proxy before anything else, and takes it if it is whole. `None`: more has to come.
    pub fn take_proxy_head(&mut self) -> io::Result<Option<ProxyHead>> {
        let mut first = [0; LONGEST];
        let seen = match self.peek(&mut first) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(seen) => seen,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        };
        let head = read_proxy_head(&first[..seen]);
        match head {
            ProxyHead::Partial => return Ok(None),
            ProxyHead::Whole { size, source, secure } => {
                let mut taken = 0;
                while taken < size {
                    taken += self.read(&mut first[taken..size])?;
                }
                let spoken_for = source.map(|source| (PeerAddress::Socket(source), secure));
                self.peer.iter_mut().for_each(|peer| peer.spoken_for = spoken_for);
            }
            ProxyHead::Absent | ProxyHead::Bad => {}
        }
        Ok(Some(head))
    }
}
