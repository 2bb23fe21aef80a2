//! A peer whose bytes the test writes itself.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;
use tungstenite::handshake::derive_accept_key;

/// One end of a connection whose bytes the test writes itself.
pub struct Raw {
    pub socket: TcpStream,
    masked: bool,
}

impl Raw {
    /// A client of the server on that port; `window` bounds the kernel's receive buffer.
    pub fn client(port: u16, window: Option<usize>) -> Self {
        let kind = socket2::Type::STREAM;
        let socket = socket2::Socket::new(socket2::Domain::IPV4, kind, None).unwrap();
        if let Some(window) = window {
            socket.set_recv_buffer_size(window).unwrap();
        }
        socket.connect(&std::net::SocketAddr::from(([127, 0, 0, 1], port)).into()).unwrap();
        let mut raw = Self::over(socket.into(), true);
        let request = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        raw.socket.write_all(request.as_bytes()).unwrap();
        assert!(raw.head().starts_with("HTTP/1.1 101 "));
        raw
    }

    /// The next client of a listener of ours.
    pub fn accept(listener: &TcpListener) -> Self {
        let mut raw = Self::over(listener.accept().unwrap().0, false);
        let head = raw.head();
        let find = |line: &str| line.to_ascii_lowercase().strip_prefix("sec-websocket-key:").map(str::len);
        let key = head.lines().find_map(|line| find(line).map(|size| line[line.len() - size..].trim())).unwrap();
        let accept = derive_accept_key(key.as_bytes());
        let answer = format!(
            "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        raw.socket.write_all(answer.as_bytes()).unwrap();
        raw
    }

    fn over(socket: TcpStream, masked: bool) -> Self {
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        socket.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
        Self { socket, masked }
    }

    /// The same end, for another thread.
    pub fn again(&self) -> Self {
        Self { socket: self.socket.try_clone().unwrap(), masked: self.masked }
    }

    fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.socket.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        String::from_utf8(head).unwrap()
    }

    /// The wire bytes of a frame; the first byte holds FIN and the opcode.
    pub fn frame(&self, first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        let mask = if self.masked { 0x80 } else { 0 };
        match payload.len() {
            size @ ..126 => frame.push(mask | u8::try_from(size).unwrap()),
            size @ 126..65536 => {
                frame.push(mask | 126);
                frame.extend(u16::try_from(size).unwrap().to_be_bytes());
            }
            size => {
                frame.push(mask | 127);
                frame.extend((size as u64).to_be_bytes());
            }
        }
        if self.masked {
            // A mask of zeroes leaves the payload as it is.
            frame.extend([0; 4]);
        }
        frame.extend(payload);
        frame
    }

    pub fn write(&mut self, first: u8, payload: &[u8]) {
        let frame = self.frame(first, payload);
        self.socket.write_all(&frame).unwrap();
    }

    pub fn binary(&mut self, payload: &[u8]) {
        self.write(0x82, payload);
    }

    pub fn close(&mut self, code: u16) {
        self.write(0x88, &code.to_be_bytes());
    }

    /// Bytes that the other side's kernel has not acknowledged: they would be lost with this end.
    pub fn unacknowledged(&self) -> i32 {
        let mut bytes = 0;
        // SAFETY: an open socket, and a place for the number.
        assert_eq!(unsafe { libc::ioctl(self.socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) }, 0);
        bytes
    }

    /// The next frame: its first byte and its payload.
    pub fn read(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 2];
        self.socket.read_exact(&mut head).unwrap();
        let size = match head[1] & 0x7F {
            126 => {
                let mut size = [0; 2];
                self.socket.read_exact(&mut size).unwrap();
                usize::from(u16::from_be_bytes(size))
            }
            127 => {
                let mut size = [0; 8];
                self.socket.read_exact(&mut size).unwrap();
                usize::try_from(u64::from_be_bytes(size)).unwrap()
            }
            size => usize::from(size),
        };
        let mut mask = [0; 4];
        if head[1] & 0x80 != 0 {
            self.socket.read_exact(&mut mask).unwrap();
        }
        let mut payload = vec![0; size];
        self.socket.read_exact(&mut payload).unwrap();
        payload.iter_mut().enumerate().for_each(|(at, byte)| *byte ^= mask[at % 4]);
        (head[0], payload)
    }

    /// The code of the close frame that comes, whatever comes before it.
    pub fn read_close(&mut self) -> u16 {
        loop {
            let (first, payload) = self.read();
            if first & 0x0F == 8 {
                return u16::from_be_bytes(payload[..2].try_into().unwrap());
            }
        }
    }
}
