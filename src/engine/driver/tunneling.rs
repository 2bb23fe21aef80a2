//! Through a proxy: dialled as a server is, asked for a tunnel, and transparent from then on.

use super::setup::{Raw, Route};
use super::state::{Disposition, Driver, Phase};
use crate::engine::io::{DialPlan, ThreadContext};
use crate::error::{Code, Error, Id, Result};
use crate::host::Host;
use crate::log;
use crate::net::{Dial, Place, Step, TlsClient, Tunnel, UnixPath};
use std::io::{self, ErrorKind};

/// Bytes of an answer that are peeked at a time.
const MAX_PEEK: usize = 4096;

/// What to dial.
pub(super) enum Way {
    Network(Host, u16),
    /// On this machine, where no proxy leads.
    Local(UnixPath),
}

impl Driver {
    /// What to dial: the server, or the proxy that leads there.
    pub(super) fn choose_route(&mut self) -> Result<Way> {
        let Phase::Resolving(plan) = &self.phase else { return Err(Error::of(Id::Cancelled)) };
        let target = &plan.target;
        if let Some(path) = &target.socket {
            let way = Way::Local(path.clone());
            self.set_route(None);
            return Ok(way);
        }
        match plan.proxy.choose(target.secure, target.host.bare(), target.port)? {
            None => {
                let way = Way::Network(target.host.clone(), target.port);
                self.set_route(None);
                Ok(way)
            }
            Some(proxy) => {
                let way = Way::Network(proxy.host.clone(), proxy.port);
                log::info!(self.subject(), "through the proxy {}", proxy.shown());
                self.set_route(Some(Box::new(Route { proxy, open: false, resumed: None })));
                Ok(way)
            }
        }
    }

    fn set_route(&mut self, route: Option<Box<Route>>) {
        if let Some(client_part) = &mut self.client_part {
            client_part.proxy = route;
        }
    }

    /// A client's error with the address it was connecting to, and the proxy. Until the tunnel is open the error is the
    /// proxy's. A server did not connect, and names the peer in its own way.
    pub(super) fn connecting(&self, error: Error) -> Error {
        if !self.is_client() {
            return error;
        }
        let authority = self.authority().into();
        let error = match self.proxy() {
            None => Error::new(Id::ConnectingTo, [authority]).because(error),
            Some(route) => {
                // Before it is open there is no TLS on the way: these are our own files and settings.
                let ours = matches!(error.code(), Code::File | Code::Tls | Code::Certificate);
                let through =
                    Error::new(Id::ConnectingThrough, [authority, route.proxy.address().into()]).because(error);
                if route.open || ours { through } else { through.with_own_code() }
            }
        };
        self.after_redirects(error)
    }

    /// The proxy has been reached.
    pub(super) fn ask_proxy(
        &mut self,
        io: &mut ThreadContext,
        plan: Box<DialPlan>,
        tls: Option<TlsClient>,
    ) -> Disposition {
        let route = self.client_part.as_mut().and_then(|client_part| client_part.proxy.as_mut());
        let Some(route) = route else { return self.connected(io, plan, tls) };
        let tunnel = match route.resumed.take() {
            Some(resumed) => Ok(resumed),
            None => Tunnel::new(&route.proxy, &plan.target.host, plan.target.port)
                .map(|(tunnel, request)| (Box::new(tunnel), request)),
        };
        match tunnel {
            Err(error) => {
                self.phase = Phase::TlsHandshake(Some(plan));
                self.refuse_to_open(io, error)
            }
            Ok((tunnel, request)) => {
                log::debug!(self.subject(), "the proxy is reached, asking for a tunnel");
                self.phase = Phase::Tunneling { plan, tunnel, tls };
                self.say(io, request)
            }
        }
    }

    /// Asks on a new connection: the proxy does not keep the one on which it has refused.
    pub(super) fn reach_again(&mut self, io: &mut ThreadContext, request: Vec<u8>) -> Disposition {
        let Phase::Tunneling { plan, tunnel, tls } = std::mem::replace(&mut self.phase, Phase::Lingering) else {
            return Disposition::Keep;
        };
        let proxy = self.stream.take().and_then(|mut stream| {
            stream.deregister(&io.reactor);
            stream.peer_addr().and_then(|peer| peer.socket())
        });
        if let Some(route) = self.client_part.as_mut().and_then(|client_part| client_part.proxy.as_mut()) {
            route.resumed = Some((tunnel, request));
        }
        (self.raw, self.blocked_since, self.half_closed) = (None, None, false);
        let mut dial = Box::new(Dial::new(proxy.into_iter().map(Place::Tcp).collect(), self.subject()));
        let state = dial.advance(&io.reactor, self.token, io.now);
        self.phase = Phase::Dialing { plan, dial, tls };
        self.dialed(io, state)
    }

    fn say(&mut self, io: &mut ThreadContext, bytes: Vec<u8>) -> Disposition {
        self.raw = Raw::new(bytes);
        if self.flush(io) == Disposition::Remove { Disposition::Remove } else { self.tunnel(io) }
    }

    /// Goes on with the proxy's answers.
    pub(super) fn tunnel(&mut self, io: &mut ThreadContext) -> Disposition {
        loop {
            let (Phase::Tunneling { tunnel, .. }, Some(stream)) = (&mut self.phase, &mut self.stream) else {
                return Disposition::Keep;
            };
            let buffer = &mut io.input[..MAX_PEEK];
            let fed = match stream.peek(buffer) {
                Ok(0) => after_close(tunnel, None),
                Ok(count) => tunnel.feed(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Disposition::Keep,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => after_close(tunnel, Some(error)),
            };
            // Only what is the proxy's is taken off the socket.
            let step = fed.and_then(|(taken, step)| match stream.read(&mut io.input[..taken]) {
                Ok(count) if count == taken => Ok(step),
                Ok(_) => Err(Error::of(Id::ProxyCut)),
                Err(error) => Err(Error::of(Id::ProxyCut).system(&error)),
            });
            match step {
                Err(error) => return self.refuse_to_open(io, error),
                Ok(Step::More) => {}
                Ok(Step::Send(bytes)) => return self.say(io, bytes),
                Ok(Step::Again(bytes)) => return self.reach_again(io, bytes),
                Ok(Step::Open) => break,
            }
        }
        let Phase::Tunneling { plan, tls, .. } = std::mem::replace(&mut self.phase, Phase::Lingering) else {
            return Disposition::Remove;
        };
        log::debug!(self.subject(), "the tunnel is open");
        if let Some(route) = self.client_part.as_mut().and_then(|client_part| client_part.proxy.as_mut()) {
            route.open = true;
        }
        self.connected(io, plan, tls)
    }
}

/// What follows from the proxy's closing the connection.
fn after_close(tunnel: &mut Tunnel, error: Option<io::Error>) -> Result<(usize, Step)> {
    match (tunnel.retry(), error) {
        (Some(request), _) => Ok((0, Step::Again(request))),
        (None, None) => Err(tunnel.cut()),
        (None, Some(error)) => Err(Error::of(Id::ProxyCut).system(&error)),
    }
}
