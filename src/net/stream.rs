//! A connected socket, plain or under TLS, that never blocks.

mod head;

use super::peer::PeerAddress;
use super::place::Place;
use super::reactor::Reactor;
use super::socket::Socket;
use super::tls::{self, Engine, MidHandshake, PeerCertificate, Step, TlsClient, TlsServer};
use crate::error::{Error, Id, Result};
use crate::host::Host;
use crate::library;
use mio::net::TcpStream;
use mio::{Interest, Token};
use socket2::SockRef;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

enum Layer {
    Plain(Socket),
    /// The TLS handshake's first step, which may be the one that costs, waits for its turn.
    Fresh(Socket, Box<Side>),
    /// With the name that the server's certificate must have; at a server, none.
    MidHandshake(Box<(MidHandshake<Socket>, Option<Box<Host>>)>),
    Tls(Box<Engine<Socket>>),
    /// A failed TLS handshake took the socket with it.
    Dead(Option<Error>),
}

enum Side {
    Client(TlsClient, Box<Host>),
    Server(TlsServer),
}

/// What is known of a peer.
struct Known {
    address: PeerAddress,
    spoken_for: Option<(PeerAddress, Option<bool>)>,
}

/// See the module's page.
pub struct Stream {
    layer: Layer,
    /// Until it is known elsewhere.
    peer: Option<Box<Known>>,
}

fn interest() -> Interest {
    Interest::READABLE | Interest::WRITABLE
}

fn dead() -> io::Error {
    io::Error::new(ErrorKind::NotConnected, "the TLS handshake failed")
}

impl Stream {
    /// Whether [`Stream::held_back`] is to be trusted with a `None`.
    pub const TELLS_HELD_BACK: bool = cfg!(target_os = "linux");

    pub(super) fn new(socket: TcpStream, peer: PeerAddress) -> Self {
        // Small messages must not wait for the acknowledgement of earlier ones.
        let _ = socket.set_nodelay(true);
        Self { layer: Layer::Plain(Socket(socket)), peer: Some(Box::new(Known { address: peer, spoken_for: None })) }
    }

    /// A connected Unix socket that does not block.
    #[cfg(unix)]
    pub(super) fn local(socket: std::os::fd::OwnedFd) -> Self {
        let known = Known { address: PeerAddress::Unix, spoken_for: None };
        Self { layer: Layer::Plain(Socket(TcpStream::from_std(socket.into()))), peer: Some(Box::new(known)) }
    }

    /// Starts a connect; writable means that it is decided. `WouldBlock`: to be tried again.
    pub fn dial(place: &Place) -> io::Result<Self> {
        match place {
            Place::Tcp(address) => {
                TcpStream::connect(*address).map(|socket| Self::new(socket, PeerAddress::Socket(*address)))
            }
            #[cfg(unix)]
            Place::Unix(path) => super::unix::connect(path).map(Self::local),
            #[cfg(not(unix))]
            Place::Unix(_) => Err(ErrorKind::Unsupported.into()),
        }
    }

    /// Whether the connect is through; an error when it failed.
    pub fn dial_finished(&self) -> io::Result<bool> {
        let Some(socket) = self.socket() else { return Err(dead()) };
        if let Some(error) = socket.take_error()? {
            return Err(error);
        }
        if self.peer_addr() == Some(PeerAddress::Unix) {
            // It was decided at once.
            return Ok(true);
        }
        match socket.peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
            Err(error) if is_in_progress(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn socket(&self) -> Option<&TcpStream> {
        match &self.layer {
            Layer::Plain(socket) | Layer::Fresh(socket, _) => Some(&socket.0),
            Layer::MidHandshake(mid_handshake) => Some(&mid_handshake.0.get_ref().0),
            Layer::Tls(stream) => Some(&stream.get_ref().0),
            Layer::Dead(_) => None,
        }
    }

    fn socket_mut(&mut self) -> Option<&mut TcpStream> {
        match &mut self.layer {
            Layer::Plain(socket) | Layer::Fresh(socket, _) => Some(&mut socket.0),
            Layer::MidHandshake(mid_handshake) => Some(&mut mid_handshake.0.get_mut().0),
            Layer::Tls(stream) => Some(&mut stream.get_mut().0),
            Layer::Dead(_) => None,
        }
    }

    pub fn register(&mut self, reactor: &Reactor, token: usize) -> io::Result<()> {
        self.socket_mut().map_or(Ok(()), |socket| reactor.registry().register(socket, Token(token), interest()))
    }

    /// Changes the token, and arms the edge again.
    pub fn reregister(&mut self, reactor: &Reactor, token: usize) -> io::Result<()> {
        self.socket_mut().map_or(Ok(()), |socket| reactor.registry().reregister(socket, Token(token), interest()))
    }

    /// Before it is dropped.
    pub fn deregister(&mut self, reactor: &Reactor) {
        if let Some(socket) = self.socket_mut() {
            let _ = reactor.registry().deregister(socket);
            if library::has_child() {
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
    }

    /// Reads what is there; 0 at the end of the stream, `WouldBlock` when there is nothing.
    pub fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.layer {
            Layer::Plain(socket) => socket.read(buf),
            Layer::Tls(stream) => match stream.read(buf) {
                // A peer that closes TCP without close_notify: WebSocket has its own close handshake.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof || tls::is_cut(&error) => Ok(0),
                other => other,
            },
            Layer::Fresh(..) | Layer::MidHandshake(_) => Err(ErrorKind::WouldBlock.into()),
            Layer::Dead(_) => Err(dead()),
        }
    }

    /// The same into the spare room of `into`, at most `most` bytes; `None` where there is no such way.
    #[cfg(unix)]
    pub fn read_into(&mut self, into: &mut Vec<u8>, most: usize) -> Option<io::Result<usize>> {
        match &self.layer {
            Layer::Plain(socket) => Some(library::receive(&socket.0, into, most)),
            _ => None,
        }
    }

    // mio must see the WouldBlock to arm the readiness again.
    #[cfg(not(unix))]
    pub fn read_into(&mut self, _: &mut Vec<u8>, _: usize) -> Option<io::Result<usize>> {
        None
    }

    /// Looks at what could be read, before any TLS, and leaves it there.
    pub fn peek(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.layer {
            Layer::Plain(socket) => socket.0.peek(buf),
            _ => Err(dead()),
        }
    }

    /// Whether reading may stop after `got` of `asked` bytes without losing the edge.
    pub fn is_drained(&self, got: usize, asked: usize) -> bool {
        // mio arms the readiness again on Windows, and TLS has its own buffer: there only WouldBlock tells.
        cfg!(unix) && got < asked && matches!(self.layer, Layer::Plain(_))
    }

    /// Whether a write of `took` of `offered` bytes says that the kernel takes no more until it is writable again.
    pub fn is_full(&self, took: usize, offered: usize) -> bool {
        // As for `is_drained`.
        cfg!(unix) && took < offered && matches!(self.layer, Layer::Plain(_))
    }

    /// What an error of reading says about the TLS handshake, where it does; `client`: whose it was.
    pub fn tls_refusal(&self, error: &io::Error, client: bool) -> Option<Error> {
        matches!(self.layer, Layer::Tls(_)).then(|| tls::read_error(error, client.then_some(""))).flatten()
    }

    /// Writes what the kernel takes. Under TLS, bytes that were offered and not taken must be offered again.
    pub fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match &mut self.layer {
            Layer::Plain(socket) => socket.write(buf),
            Layer::Tls(stream) => stream.write(buf),
            Layer::Fresh(..) | Layer::MidHandshake(_) => Err(ErrorKind::WouldBlock.into()),
            Layer::Dead(_) => Err(dead()),
        }
    }

    /// Writes two pieces with one call; under TLS only of the first, unless it is empty.
    pub fn write_both(&mut self, first: &[u8], second: &[u8]) -> io::Result<usize> {
        match &mut self.layer {
            Layer::Plain(socket) if !first.is_empty() && !second.is_empty() => {
                socket.write_vectored(&[IoSlice::new(first), IoSlice::new(second)])
            }
            _ if first.is_empty() => self.write(second),
            _ => self.write(first),
        }
    }

    /// Says that nothing more will be written.
    pub fn shut_down(&mut self) {
        if let Layer::Tls(stream) = &mut self.layer {
            let _ = stream.shutdown();
        }
        if let Some(socket) = self.socket() {
            let _ = socket.shutdown(Shutdown::Write);
        }
    }

    /// Dropping it will reset the connection, so that the peer learns at once.
    pub fn abort(&mut self) {
        if let Some(socket) = self.socket() {
            let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
        }
    }

    pub fn peer_addr(&self) -> Option<PeerAddress> {
        self.peer.as_ref().map(|peer| peer.address)
    }

    /// Forgets who it is: that is known elsewhere.
    pub fn forget_peer(&mut self) {
        self.peer = None;
    }

    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.socket().and_then(|socket| socket.local_addr().ok())
    }

    pub fn is_plain(&self) -> bool {
        matches!(self.layer, Layer::Plain(_))
    }

    /// What a server knows of its client by a certificate that it has asked for.
    pub fn client_certificate(&self) -> Option<PeerCertificate> {
        match &self.layer {
            Layer::Tls(engine) => engine.client_certificate(),
            _ => None,
        }
    }

    pub fn is_tls(&self) -> bool {
        matches!(self.layer, Layer::Fresh(..) | Layer::MidHandshake(_) | Layer::Tls(_))
    }

    /// How long the peer's kernel has been silent while its window holds back what we have to send; `None` when nothing
    /// is held back, or where the system does not tell.
    pub fn held_back(&self) -> Option<Duration> {
        self.socket().and_then(library::held_back)
    }

    /// Lets the system give up a peer that acknowledges nothing for so long, where [`Stream::held_back`] cannot tell.
    pub fn give_up_after(&self, limit: Duration) {
        if let Some(socket) = self.socket() {
            library::give_up_after(socket, limit);
        }
    }

    /// Goes on as a TLS client; [`Stream::handshake`] drives it.
    pub fn start_tls_client(&mut self, tls: &TlsClient, host: &Host) {
        self.start_tls(Side::Client(tls.clone(), Box::new(host.clone())));
    }

    /// Goes on as a TLS server; [`Stream::handshake`] drives it.
    pub fn start_tls_server(&mut self, tls: &TlsServer) {
        self.start_tls(Side::Server(tls.clone()));
    }

    fn start_tls(&mut self, side: Side) {
        self.layer = match std::mem::replace(&mut self.layer, Layer::Dead(None)) {
            Layer::Plain(socket) => Layer::Fresh(socket, Box::new(side)),
            other => other,
        };
    }

    /// Goes on with the TLS handshake; true when it is through (a plain stream: always).
    ///
    /// # Errors
    /// Why it failed. `TlsUnused` at a server: the peer left without a byte, as a check of the port does. `TlsNot` at a
    /// server whose stream is plain afterwards: the peer sends a text, as HTTP is, and reads an answer without TLS.
    pub fn handshake(&mut self) -> Result<bool> {
        let (step, host) = match std::mem::replace(&mut self.layer, Layer::Dead(None)) {
            Layer::Fresh(socket, side) => match *side {
                Side::Client(tls, host) => (tls.connect(host.bare(), socket), Some(host)),
                Side::Server(tls) => match first_byte(&socket) {
                    Ok(None) => {
                        self.layer = Layer::Fresh(socket, Box::new(Side::Server(tls)));
                        return Ok(false);
                    }
                    Ok(Some(byte)) if byte.is_ascii_alphabetic() => {
                        self.layer = Layer::Plain(socket);
                        return Err(Error::of(Id::TlsNot));
                    }
                    Ok(Some(_)) => (tls.accept(socket), None),
                    Err(error) => {
                        self.layer = Layer::Dead(Some(error.clone()));
                        return Err(error);
                    }
                },
            },
            Layer::MidHandshake(mid_handshake) => {
                let (mid_handshake, host) = *mid_handshake;
                (mid_handshake.handshake(), host)
            }
            Layer::Dead(error) => return Err(error.unwrap_or_else(|| Error::of(Id::TlsFailed))),
            layer @ (Layer::Plain(_) | Layer::Tls(_)) => {
                self.layer = layer;
                return Ok(true);
            }
        };
        match step {
            Step::Through(engine) => {
                self.layer = Layer::Tls(Box::new(engine));
                Ok(true)
            }
            Step::Going(mid_handshake) => {
                self.layer = Layer::MidHandshake(Box::new((mid_handshake, host)));
                Ok(false)
            }
            Step::Failed(failure) => {
                let error = tls::handshake_error(failure, host.map(|host| host.shown()).as_deref());
                self.layer = Layer::Dead(Some(error.clone()));
                Err(error)
            }
        }
    }
}

/// The first byte that waits to be read; `None`: it has not come yet.
fn first_byte(socket: &Socket) -> Result<Option<u8>> {
    let mut byte = [0];
    loop {
        match socket.0.peek(&mut byte) {
            Ok(0) => return Err(Error::of(Id::TlsUnused)),
            Ok(_) => return Ok(Some(byte[0])),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::of(Id::TlsUnused).system(&error)),
        }
    }
}

#[cfg(unix)]
fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINPROGRESS)
}

#[cfg(not(unix))]
fn is_in_progress(_: &io::Error) -> bool {
    false
}
