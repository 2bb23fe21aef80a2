//! Sends what it gets from anybody to everybody, over plain sockets, one epoll thread: a broadcast at its cheapest.

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::io::{ErrorKind, Read, Write};

/// Of one message, head included.
const SIZE: usize = 1028;

fn main() -> std::io::Result<()> {
    let mut poll = Poll::new()?;
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    socket.listen(4096)?;
    socket.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(socket.into());
    println!("{}", listener.local_addr()?.port());
    poll.registry().register(&mut listener, Token(usize::MAX - 1), Interest::READABLE)?;
    let mut peers: Vec<Option<TcpStream>> = Vec::new();
    let mut events = Events::with_capacity(1024);
    let (mut buffer, mut message) = (vec![0; 64 * 1024], Vec::new());
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            if event.token().0 == usize::MAX - 1 {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    poll.registry().register(&mut stream, Token(peers.len()), Interest::READABLE)?;
                    // It counts from now on, and is told so: a broadcast that it begins reaches those who came before.
                    peers.push(stream.write_all(b"+").is_ok().then_some(stream));
                }
                continue;
            }
            let Some(peer) = &mut peers[event.token().0] else { continue };
            match peer.read(&mut buffer) {
                Ok(0) => {
                    peers[event.token().0] = None;
                    continue;
                }
                Ok(count) => message.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(_) => {
                    peers[event.token().0] = None;
                    continue;
                }
            }
            if message.len() >= SIZE {
                for slot in &mut peers {
                    // One message fits into the kernel's buffer; who takes none has gone.
                    if slot.as_mut().is_some_and(|peer| peer.write_all(&message[..SIZE]).is_err()) {
                        *slot = None;
                    }
                }
                message.clear();
            }
        }
    }
}
