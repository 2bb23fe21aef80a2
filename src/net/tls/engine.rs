//! The TLS engine under a connection: the platform's by native-tls, and for a server on Linux OpenSSL by its own
//! interface, because native-tls's acceptor stops at TLS 1.2 there.

use super::refusal::chain;
use native_tls::{MidHandshakeTlsStream, TlsStream};
#[cfg(target_os = "linux")]
use openssl::ssl::{ErrorCode, HandshakeError as SslHandshakeError, MidHandshakeSslStream, SslStream};
use std::io::{self, Read, Write};

/// Through with its handshake.
pub(in crate::net) enum Engine<S> {
    Native(TlsStream<S>),
    #[cfg(target_os = "linux")]
    Server(SslStream<S>),
}

/// In its handshake.
pub(in crate::net) enum Shaking<S> {
    Native(MidHandshakeTlsStream<S>),
    #[cfg(target_os = "linux")]
    Server(MidHandshakeSslStream<S>),
}

/// What a step of the handshake came to.
pub(in crate::net) enum Step<S> {
    Through(Engine<S>),
    Going(Shaking<S>),
    /// What the library says of it.
    Failed(String),
}

impl<S> From<Result<TlsStream<S>, native_tls::HandshakeError<S>>> for Step<S> {
    fn from(outcome: Result<TlsStream<S>, native_tls::HandshakeError<S>>) -> Self {
        match outcome {
            Ok(stream) => Step::Through(Engine::Native(stream)),
            Err(native_tls::HandshakeError::WouldBlock(stream)) => Step::Going(Shaking::Native(stream)),
            Err(native_tls::HandshakeError::Failure(error)) => Step::Failed(chain(&error)),
        }
    }
}

#[cfg(target_os = "linux")]
impl<S> From<Result<SslStream<S>, SslHandshakeError<S>>> for Step<S> {
    fn from(outcome: Result<SslStream<S>, SslHandshakeError<S>>) -> Self {
        match outcome {
            Ok(stream) => Step::Through(Engine::Server(stream)),
            Err(SslHandshakeError::WouldBlock(stream)) => Step::Going(Shaking::Server(stream)),
            Err(SslHandshakeError::Failure(stream)) => Step::Failed(chain(stream.error())),
            Err(SslHandshakeError::SetupFailure(error)) => Step::Failed(chain(&error)),
        }
    }
}

impl<S> Shaking<S> {
    pub fn get_ref(&self) -> &S {
        match self {
            Shaking::Native(stream) => stream.get_ref(),
            #[cfg(target_os = "linux")]
            Shaking::Server(stream) => stream.get_ref(),
        }
    }

    pub fn get_mut(&mut self) -> &mut S {
        match self {
            Shaking::Native(stream) => stream.get_mut(),
            #[cfg(target_os = "linux")]
            Shaking::Server(stream) => stream.get_mut(),
        }
    }
}

impl<S: Read + Write> Shaking<S> {
    pub fn handshake(self) -> Step<S> {
        match self {
            Shaking::Native(stream) => stream.handshake().into(),
            #[cfg(target_os = "linux")]
            Shaking::Server(stream) => stream.handshake().into(),
        }
    }
}

impl<S> Engine<S> {
    pub fn get_ref(&self) -> &S {
        match self {
            Engine::Native(stream) => stream.get_ref(),
            #[cfg(target_os = "linux")]
            Engine::Server(stream) => stream.get_ref(),
        }
    }

    pub fn get_mut(&mut self) -> &mut S {
        match self {
            Engine::Native(stream) => stream.get_mut(),
            #[cfg(target_os = "linux")]
            Engine::Server(stream) => stream.get_mut(),
        }
    }
}

impl<S: Read + Write> Engine<S> {
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Engine::Native(stream) => stream.read(buffer),
            #[cfg(target_os = "linux")]
            Engine::Server(stream) => stream.read(buffer),
        }
    }

    pub fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Engine::Native(stream) => stream.write(data),
            #[cfg(target_os = "linux")]
            Engine::Server(stream) => stream.write(data),
        }
    }

    /// Says goodbye, as far as the socket takes it now.
    pub fn shutdown(&mut self) -> io::Result<()> {
        match self {
            Engine::Native(stream) => stream.shutdown(),
            #[cfg(target_os = "linux")]
            Engine::Server(stream) => match stream.shutdown() {
                Ok(_) => Ok(()),
                Err(error) if error.code() == ErrorCode::ZERO_RETURN => Ok(()),
                Err(error) => Err(error.into_io_error().unwrap_or_else(io::Error::other)),
            },
        }
    }
}
