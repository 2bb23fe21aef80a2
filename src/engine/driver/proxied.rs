//! A reverse proxy in front: the head that it may send before everything else, and the headers that it adds.

use super::state::{Disposition, Driver, Phase};
use crate::engine::io::ThreadContext;
use crate::error::{Error, Id};
use crate::log;
use crate::net::{Peer, ProxyHead, Stream};

impl Driver {
    /// Reads the head of a trusted proxy, if there is one, and goes on with TLS or the request.
    pub(super) fn read_proxy_head(&mut self, io: &mut ThreadContext) -> Disposition {
        let Some(stream) = &mut self.stream else { return Disposition::Remove };
        match stream.take_proxy_head() {
            Ok(None) => {
                // What has come stays there: the edge is armed again for what follows.
                let _ = stream.reregister(&io.reactor, self.token);
                return Disposition::Keep;
            }
            Ok(Some(ProxyHead::Bad)) => return self.break_off(io, Error::of(Id::ProxyHeadBad)),
            Ok(Some(ProxyHead::Whole { source: Some(source), .. })) => {
                log::debug!(self.subject(), "the proxy speaks for {source}");
            }
            Ok(Some(ProxyHead::Absent | ProxyHead::Partial | ProxyHead::Whole { .. })) => {}
            Err(error) => return self.break_off(io, Error::of(Id::ClosedEarly).detail(error)),
        }
        let before = std::mem::replace(&mut self.phase, Phase::AwaitingRequest(Box::default()));
        if let (Phase::AwaitingProxyHead(Some(tls)), Some(stream)) = (before, &mut self.stream) {
            stream.start_tls_server(&tls);
            self.phase = Phase::TlsHandshake(None);
        }
        self.readable(io)
    }

    /// Who is at the other end, before any header is looked at.
    pub(super) fn peer(&self) -> Peer {
        let own = self.stream.as_ref().and_then(Stream::peer_addr);
        let secure = self.stream.as_ref().is_some_and(Stream::is_tls);
        match self.stream.as_ref().and_then(Stream::spoken_for) {
            None => Peer { address: own, proxy: None, secure },
            Some((address, told)) => Peer { address: Some(address), proxy: own, secure: told.unwrap_or(secure) },
        }
    }
}
