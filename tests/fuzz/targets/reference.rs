//! tungstenite's own WebSocket over the same bytes, as a second opinion.

use super::codec::Seen;
use std::io::{self, ErrorKind, Read, Write};
use tungstenite::Message;
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};

/// A peer that has said all it will say and takes whatever it is told.
struct Said<'a>(&'a [u8]);

impl Read for Said<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() { Err(ErrorKind::WouldBlock.into()) } else { self.0.read(into) }
    }
}

impl Write for Said<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What it makes of the bytes, up to a close or its first complaint, and whether it complained.
pub fn tungstenite(bytes: &[u8], server: bool) -> (Vec<Seen>, bool) {
    let role = if server { Role::Server } else { Role::Client };
    let mut config = WebSocketConfig::default();
    config.max_message_size = Some(super::codec::ROOMY);
    config.max_frame_size = Some(super::codec::ROOMY);
    let mut socket = WebSocket::from_raw_socket(Said(bytes), role, Some(config));
    let mut seen = Vec::new();
    loop {
        seen.push(match socket.read() {
            Ok(Message::Text(text)) => Seen::Message(true, text.as_bytes().to_vec()),
            Ok(Message::Binary(data)) => Seen::Message(false, data.to_vec()),
            Ok(Message::Ping(data)) => Seen::Ping(data.to_vec()),
            Ok(Message::Pong(data)) => Seen::Pong(data.to_vec()),
            Ok(Message::Close(close)) => {
                let reason = close.as_ref().map_or(String::new(), |close| close.reason.to_string());
                seen.push(Seen::Close(close.map(|close| close.code.into()), reason));
                return (seen, false);
            }
            Ok(Message::Frame(_)) => continue,
            Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => return (seen, false),
            Err(_) => return (seen, true),
        });
    }
}
