//! What the programs of the comparison have in common.

pub mod server;

use openssl::ssl::{SslConnector, SslMethod, SslMode, SslVerifyMode};
use std::io;

/// A request for a connection, without the empty line that ends it.
pub const REQUEST: &str = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// A frame that begins with the byte `first`, masked with `key` if there is one.
pub fn frame(first: u8, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let bit = if key.is_some() { 0x80 } else { 0 };
    let mut out = vec![first];
    match payload.len() {
        size @ 0..126 => out.push(bit | size as u8),
        size @ 126..65536 => {
            out.push(bit | 126);
            out.extend((size as u16).to_be_bytes());
        }
        size => {
            out.push(bit | 127);
            out.extend((size as u64).to_be_bytes());
        }
    }
    match key {
        None => out.extend(payload),
        Some(key) => {
            out.extend(key);
            out.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        }
    }
    out
}

/// A TLS client that takes whatever certificate comes: what is measured is not who is there.
pub fn trusting() -> io::Result<SslConnector> {
    let mut connector = SslConnector::builder(SslMethod::tls_client())?;
    connector.set_verify(SslVerifyMode::NONE);
    // A buffer for each connection would be the load's memory, not the server's.
    connector.set_mode(SslMode::RELEASE_BUFFERS);
    Ok(connector.build())
}

/// As many descriptors as can be had, here and in the programs, which inherit it.
pub fn raise_limit() -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a place for the limit, then a limit that was read.
    let result = unsafe {
        match libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) {
            0 => {
                limit.rlim_cur = limit.rlim_max;
                libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit)
            }
            failed => failed,
        }
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A listener on a free port, which it prints: so the comparison learns where a server is.
pub fn tokio_listener() -> io::Result<tokio::net::TcpListener> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind(std::net::SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let listener = socket.listen(4096)?;
    println!("{}", listener.local_addr()?.port());
    Ok(listener)
}
