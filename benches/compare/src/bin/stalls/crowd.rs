//! Many connections that only take what is broadcast to them.

use compare::REQUEST;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

struct Member {
    stream: TcpStream,
    /// Bytes of the current frame that have to come, and of its head those that have.
    left: usize,
    head: Vec<u8>,
}

/// Its members have shaken hands.
pub struct Crowd {
    poll: Poll,
    members: Vec<Member>,
    buffer: Vec<u8>,
}

impl Crowd {
    pub fn connect(address: SocketAddr, count: usize, offer: bool) -> io::Result<Self> {
        let (poll, mut members) = (Poll::new()?, Vec::new());
        for at in 0..count {
            let mut socket = std::net::TcpStream::connect(address)?;
            let extension = if offer { "Sec-WebSocket-Extensions: permessage-deflate\r\n" } else { "" };
            socket.write_all(format!("{REQUEST}{extension}\r\n").as_bytes())?;
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") {
                socket.read_exact(&mut byte)?;
                head.push(byte[0]);
            }
            socket.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(socket);
            poll.registry().register(&mut stream, Token(at), Interest::READABLE)?;
            members.push(Member { stream, left: 0, head: Vec::new() });
        }
        Ok(Self { poll, members, buffer: vec![0; 256 * 1024] })
    }

    /// Reads until each has a message, or `stop`; how many have one.
    pub fn take_one(&mut self, stop: &Arc<AtomicBool>) -> io::Result<usize> {
        let mut events = Events::with_capacity(1024);
        let mut done = 0;
        while done < self.members.len() && !stop.load(SeqCst) {
            self.poll.poll(&mut events, Some(Duration::from_millis(100)))?;
            for event in &events {
                done += self.read(event.token().0)?;
            }
        }
        Ok(done)
    }

    fn read(&mut self, at: usize) -> io::Result<usize> {
        let (member, mut done) = (&mut self.members[at], 0);
        loop {
            let mut bytes = match member.stream.read(&mut self.buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => &self.buffer[..count],
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(done),
                Err(error) => return Err(error),
            };
            while !bytes.is_empty() {
                if member.left == 0 {
                    member.head.push(bytes[0]);
                    bytes = &bytes[1..];
                    member.left = length(&member.head).unwrap_or(0);
                    continue;
                }
                let taken = bytes.len().min(member.left);
                member.left -= taken;
                bytes = &bytes[taken..];
                if member.left == 0 {
                    done += usize::from(member.head[0] & 0x0f < 8);
                    member.head.clear();
                }
            }
        }
    }
}

/// What follows a head that is complete. Nothing of a broadcast is empty.
fn length(head: &[u8]) -> Option<usize> {
    match (head.get(1)?, head.len()) {
        (126, 4) => Some(usize::from(u16::from_be_bytes([head[2], head[3]]))),
        (127, 10) => head[2..10].try_into().ok().map(|bytes| u64::from_be_bytes(bytes) as usize),
        (126 | 127, _) => None,
        (length, _) => Some(usize::from(*length)),
    }
}
