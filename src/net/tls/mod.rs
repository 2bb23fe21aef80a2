//! TLS by the platform's own stack: certificates and keys in every usual form, the client's and the server's side, and
//! what failures mean.
//!
//! Everything here that takes a file or makes a [`TlsClient`] or [`TlsServer`] is for threads of ours: it reads files,
//! derives keys from passwords and calls OpenSSL, which leaves something behind in each thread.

mod acceptor;
mod connector;
mod encrypted;
mod engine;
mod identity;
mod key;
mod pem;
mod pkcs12;
mod refusal;
#[cfg(target_os = "linux")]
mod roots;
mod source;
#[cfg(test)]
mod tests;

pub use acceptor::TlsServer;
pub use connector::{TlsClient, TlsClients, TlsOptions};
pub use identity::TlsIdentity;
pub use source::TlsSources;

pub(super) use engine::{Engine, Shaking, Step};
pub(super) use refusal::{handshake_error, is_cut, read_error};
