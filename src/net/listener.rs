//! A listening socket.

use super::peer::PeerAddress;
use super::place::Place;
use super::reactor::Reactor;
use super::resolve::{lacks_zone, look_up, resolve_now};
use super::stream::Stream;
use super::unix::UnixPath;
#[cfg(unix)]
use super::unix::UnixSocket;
use crate::error::{Error, Id, Result};
use crate::host::Host;
use mio::net::TcpListener;
use mio::{Interest, Token};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};

/// Connections that the kernel keeps until they are accepted; std's 128 is too few for a burst.
const BACKLOG: i32 = 4096;

/// See the module's page.
pub struct Listener {
    socket: Kind,
    place: Place,
}

enum Kind {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixSocket),
}

impl Listener {
    /// Listens at once. An IPv6 listener with `v6_only` leaves IPv4 to another.
    pub fn bind(place: &Place, v6_only: bool) -> Result<Self> {
        match place {
            Place::Tcp(address) => Self::bind_tcp(*address, v6_only),
            Place::Unix(path) => Self::bind_unix(path),
        }
    }

    #[cfg(unix)]
    fn bind_unix(path: &UnixPath) -> Result<Self> {
        let fail = |error| Error::new(Id::ListenOn, [path.to_string().into()]).because(error).with_own_code();
        let socket = UnixSocket::bind(path, BACKLOG).map_err(fail)?;
        Ok(Self { socket: Kind::Unix(socket), place: Place::Unix(path.clone()) })
    }

    #[cfg(not(unix))]
    fn bind_unix(_: &UnixPath) -> Result<Self> {
        Err(Error::of(Id::UnixNone))
    }

    fn bind_tcp(address: SocketAddr, v6_only: bool) -> Result<Self> {
        let fail = |error: io::Error| {
            let id = match error.kind() {
                ErrorKind::AddrInUse => Id::PortInUse,
                ErrorKind::AddrNotAvailable => Id::InterfaceForeign,
                ErrorKind::PermissionDenied => Id::PortForbidden,
                _ if lacks_zone(&address) => Id::ZoneMissing,
                _ => Id::ListenFailed,
            };
            Error::new(Id::ListenOn, [address.to_string().into()]).because(Error::of(id).system(&error)).with_own_code()
        };
        let socket = Self::open(address, v6_only).map_err(fail)?;
        let address = socket.local_addr().map_err(fail)?;
        Ok(Self { socket: Kind::Tcp(socket), place: Place::Tcp(address) })
    }

    fn open(address: SocketAddr, v6_only: bool) -> io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            socket.set_only_v6(v6_only)?;
        }
        // On unix it lets a server start again while old connections still time out, and refuses a second listener.
        // On Windows the same option would share the port. There the default refuses a second listener of the usual
        // kind, and old connections do not block a new listener; the exclusive one refuses one that would share it, too.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        #[cfg(windows)]
        crate::library::take_port_alone(&socket)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(TcpListener::from_std(socket.into()))
    }

    pub fn register(&mut self, reactor: &Reactor, token: usize) -> io::Result<()> {
        let (registry, token) = (reactor.registry(), Token(token));
        match &mut self.socket {
            Kind::Tcp(socket) => registry.register(socket, token, Interest::READABLE),
            #[cfg(unix)]
            Kind::Unix(socket) => registry.register(socket.source(), token, Interest::READABLE),
        }
    }

    /// Accepts one connection; `WouldBlock` when there is none.
    pub fn accept(&mut self) -> io::Result<(Stream, PeerAddress)> {
        match &self.socket {
            Kind::Tcp(socket) => {
                let (socket, peer) = socket.accept()?;
                let peer = PeerAddress::Socket(peer);
                Ok((Stream::new(socket, peer), peer))
            }
            #[cfg(unix)]
            Kind::Unix(socket) => socket.accept().map(|socket| (Stream::local(socket), PeerAddress::Unix)),
        }
    }

    /// Stops listening, also where a child of this process has a copy of the socket, on which nothing would accept.
    pub fn close(self, reactor: &Reactor) {
        match self.socket {
            Kind::Tcp(mut socket) => {
                let _ = reactor.registry().deregister(&mut socket);
                let _ = SockRef::from(&socket).shutdown(Shutdown::Both);
            }
            #[cfg(unix)]
            Kind::Unix(socket) => {
                let mut socket = socket.into_unnamed();
                let _ = reactor.registry().deregister(&mut socket);
                let _ = SockRef::from(&socket).shutdown(Shutdown::Both);
            }
        }
    }

    pub fn place(&self) -> &Place {
        &self.place
    }
}

/// The places that an interface name stands for, each with whether it must leave IPv4 alone; the first is needed,
/// the second is for machines that have IPv6.
pub fn interface_places(interface: &str, port: u16) -> Result<Vec<(Place, bool)>> {
    let tcp = |address: SocketAddr, v6_only| (Place::Tcp(address), v6_only);
    let both = |v4: Ipv4Addr, v6: Ipv6Addr| vec![tcp((v4, port).into(), false), tcp((v6, port).into(), true)];
    let text = interface.trim();
    if let Some(path) = text.strip_prefix("unix:") {
        return Ok(vec![(Place::Unix(UnixPath::parse(path)?), false)]);
    }
    match text {
        "" | "*" => return Ok(both(Ipv4Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED)),
        _ if Host::parse(text).is_some_and(|host| host.is_localhost()) => {
            return Ok(both(Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST));
        }
        _ => {}
    }
    let host = Host::literal(text.strip_suffix('.').unwrap_or(text));
    let host = host.ok_or_else(|| Error::new(Id::InterfaceInvalid, [interface.into()]))?;
    // No name server is asked about an address, so this does not wait.
    let found = resolve_now(&host, port).map_or_else(|| look_up(&host, port), Ok);
    let found =
        found.map_err(|error| Error::new(Id::ListenOn, [host.to_string().into()]).because(error).with_own_code())?;
    Ok(found.into_iter().take(1).map(|address| tcp(address, address.is_ipv6())).collect())
}
