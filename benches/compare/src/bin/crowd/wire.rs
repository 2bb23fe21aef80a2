//! A socket of the crowd, plain or under TLS, that never blocks.

use mio::net::TcpStream;
use openssl::ssl::{SslConnector, SslStream};
use std::io::{self, Read, Write};

pub enum Wire {
    Plain(TcpStream),
    /// Its first read or write begins the handshake.
    Tls(Box<SslStream<TcpStream>>),
}

impl Wire {
    pub fn new(stream: TcpStream, tls: Option<&SslConnector>) -> io::Result<Self> {
        let Some(connector) = tls else { return Ok(Self::Plain(stream)) };
        let mut ssl = connector.configure()?.into_ssl("localhost")?;
        ssl.set_connect_state();
        Ok(Self::Tls(Box::new(SslStream::new(ssl, stream)?)))
    }

    pub fn stream(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(session) => session.get_mut(),
        }
    }

    /// 0 at the end of the stream.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(session) => session.read(buffer),
        }
    }

    pub fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(data),
            Self::Tls(session) => session.write(data),
        }
    }
}
