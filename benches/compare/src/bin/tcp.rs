//! A plain TCP echo, one epoll thread: what this machine gives at best. With an address as argument, and a number, it
//! connects that many times instead of listening.

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;

struct Peer {
    stream: TcpStream,
    /// What the kernel did not take, and how much of it went since.
    rest: Vec<u8>,
    sent: usize,
}

impl Peer {
    /// Echoes until nothing is left; false at the end.
    fn serve(&mut self, buffer: &mut [u8]) -> std::io::Result<bool> {
        loop {
            while self.sent < self.rest.len() {
                match self.stream.write(&self.rest[self.sent..]) {
                    Ok(count) => self.sent += count,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                    Err(error) => return Err(error),
                }
            }
            (self.sent, _) = (0, self.rest.clear());
            let count = match self.stream.read(buffer) {
                Ok(0) => return Ok(false),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            };
            let written = match self.stream.write(&buffer[..count]) {
                Ok(written) => written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                Err(error) => return Err(error),
            };
            self.rest.extend_from_slice(&buffer[written..count]);
            // A short read has drained the socket; the next edge tells of more.
            if self.rest.is_empty() && count < buffer.len() {
                return Ok(true);
            }
        }
    }
}

fn main() -> std::io::Result<()> {
    let mut poll = Poll::new()?;
    let mut peers: Vec<Option<Peer>> = Vec::new();
    let mut listener = None;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [address, count] = &arguments[..] {
        let address: SocketAddr = address.parse().expect("an address");
        for _ in 0..count.parse().expect("a number") {
            let stream = std::net::TcpStream::connect(address)?;
            stream.set_nonblocking(true)?;
            add(&poll, &mut peers, TcpStream::from_std(stream))?;
        }
    } else {
        let std = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
        std.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        std.listen(4096)?;
        std.set_nonblocking(true)?;
        let mut made = TcpListener::from_std(std.into());
        poll.registry().register(&mut made, Token(usize::MAX), Interest::READABLE)?;
        println!("{}", made.local_addr()?.port());
        listener = Some(made);
    }
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            if let (Token(usize::MAX), Some(listener)) = (event.token(), &listener) {
                while let Ok((stream, _)) = listener.accept() {
                    add(&poll, &mut peers, stream)?;
                }
            } else if let Some(place) = peers.get_mut(event.token().0)
                && let Some(peer) = place
                && !peer.serve(&mut buffer).unwrap_or(false)
            {
                *place = None;
            }
        }
    }
}

fn add(poll: &Poll, peers: &mut Vec<Option<Peer>>, mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    poll.registry().register(&mut stream, Token(peers.len()), Interest::READABLE | Interest::WRITABLE)?;
    peers.push(Some(Peer { stream, rest: Vec::new(), sent: 0 }));
    Ok(())
}
