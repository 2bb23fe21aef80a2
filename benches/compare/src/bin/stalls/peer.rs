//! The other side of our library: a blocking WebSocket connection, plain or under TLS, that counts what it reads.

use compare::frame;
use openssl::ssl::{SslAcceptor, SslConnector, SslStream};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// What a program may take for anything.
const PATIENCE: Duration = Duration::from_secs(60);
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

trait Wire: Read + Write + Send {}
impl<T: Read + Write + Send> Wire for T {}

/// One connection to our library.
pub struct Peer {
    wire: BufReader<Box<dyn Wire>>,
    masked: bool,
    /// permessage-deflate was agreed on.
    pub compressed: bool,
}

fn patient(socket: TcpStream) -> io::Result<TcpStream> {
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}

fn invalid(text: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, text)
}

impl Peer {
    fn new(wire: Box<dyn Wire>, masked: bool) -> Self {
        Self { wire: BufReader::with_capacity(256 * 1024, wire), masked, compressed: false }
    }

    /// Connects to a server of ours and offers compression, or not.
    pub fn connect(address: SocketAddr, tls: Option<&SslConnector>, offer: bool) -> io::Result<Self> {
        let socket = patient(TcpStream::connect(address)?)?;
        let wire: Box<dyn Wire> = match tls {
            Some(tls) => Box::new(tls.connect("localhost", socket).map_err(io::Error::other)?),
            None => Box::new(socket),
        };
        let mut peer = Self::new(wire, true);
        let extension = if offer { "Sec-WebSocket-Extensions: permessage-deflate\r\n" } else { "" };
        peer.write(format!("{}{extension}\r\n", compare::REQUEST).as_bytes())?;
        let head = peer.head()?;
        peer.compressed = head.to_ascii_lowercase().contains("permessage-deflate");
        if head.starts_with("HTTP/1.1 101") { Ok(peer) } else { Err(invalid(head)) }
    }

    /// Waits for a client of ours.
    pub fn accept(listener: &TcpListener, tls: Option<&SslAcceptor>) -> io::Result<Self> {
        let socket = patient(listener.accept()?.0)?;
        let wire: Box<dyn Wire> = match tls {
            Some(tls) => {
                let stream: SslStream<TcpStream> = tls.accept(socket).map_err(io::Error::other)?;
                Box::new(stream)
            }
            None => Box::new(socket),
        };
        let mut peer = Self::new(wire, false);
        let head = peer.head()?;
        let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap_or_default();
        let digest = sha1_smol::Sha1::from(key.to_owned() + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest();
        let accept = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, digest.bytes());
        peer.compressed = head.to_ascii_lowercase().contains("permessage-deflate");
        let extension = match peer.compressed {
            true => {
                "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
            }
            false => "",
        };
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{extension}\r\n"
        );
        peer.write(answer.as_bytes())?;
        Ok(peer)
    }

    fn head(&mut self) -> io::Result<String> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.wire.read_line(&mut head)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(head)
    }

    /// A frame as this side has to send it.
    pub fn frame(&self, first: u8, payload: &[u8]) -> Vec<u8> {
        frame(first, payload, self.masked.then_some(KEY))
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.wire.get_mut().write_all(bytes)
    }

    /// Reads one frame; how many bytes it carried.
    pub fn read(&mut self) -> io::Result<u64> {
        loop {
            let (mut head, mut long) = ([0; 2], [0; 8]);
            self.wire.read_exact(&mut head)?;
            let extra = match head[1] & 0x7f {
                126 => 2,
                127 => 8,
                _ => 0,
            };
            self.wire.read_exact(&mut long[8 - extra..])?;
            let length = if extra == 0 { u64::from(head[1] & 0x7f) } else { u64::from_be_bytes(long) };
            let mut left = length + if head[1] & 0x80 == 0 { 0 } else { 4 };
            while left > 0 {
                let there = self.wire.fill_buf()?.len();
                if there == 0 {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                let taken = there.min(usize::try_from(left).unwrap_or(usize::MAX));
                self.wire.consume(taken);
                left -= taken as u64;
            }
            // Pings are the library's own business.
            if head[0] & 0x0f < 8 {
                return Ok(length);
            }
        }
    }
}
