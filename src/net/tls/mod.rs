//! TLS by the platform's own stack: certificates and keys in every usual form, the client's and the server's side, and
//! what failures mean.
//!
//! Everything here that takes a file or makes a [`TlsClient`] or [`TlsServer`] is for threads of ours: it reads files,
//! derives keys from passwords and calls OpenSSL, which leaves something behind in each thread.

mod acceptor;
mod client_authority;
#[cfg(unix)]
mod client_judge;
mod connector;
mod cost;
mod encrypted;
mod failure;
#[cfg(any(windows, test))]
mod for_windows;
mod identity;
mod key;
mod key_block;
mod material;
mod names;
mod pem;
mod pins;
mod pkcs12;
#[cfg(unix)]
#[path = "openssl.rs"]
mod platform;
#[cfg(windows)]
#[path = "schannel.rs"]
mod platform;
#[cfg(unix)]
mod proof;
mod refusal;
#[cfg(unix)]
mod roots;
mod source;
mod step;
#[cfg(test)]
mod tests;
mod trial;

pub use acceptor::TlsServer;
pub use client_authority::{ClientTrust, PeerCertificate};
pub use connector::{TlsClient, TlsClients, TlsOptions};
pub use identity::TlsIdentity;
pub use source::TlsSources;

pub(super) use platform::{Engine, MidHandshake};
pub(super) use refusal::{handshake_error, is_cut, read_error};
pub(super) use step::Step;
