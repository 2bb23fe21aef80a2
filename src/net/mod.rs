//! Sockets, TLS, name lookup and readiness: everything that talks to the operating system's network.

mod answer;
mod compact_instant;
mod dial;
mod listener;
mod peer;
mod place;
mod proxy;
mod proxy_head;
mod reactor;
mod resolve;
mod socket;
mod stream;
mod timers;
mod tls;
mod unix;
mod workers;

pub use answer::{Answer, AnswerReader, BadAnswer, StatusLine};
pub use compact_instant::CompactInstant;
pub use dial::{Dial, DialState};
pub use listener::{Listener, interface_places};
pub use peer::{Peer, PeerAddress};
pub use place::Place;
pub use proxy::{Step, Tunnel};
pub use proxy_head::{ProxyHead, read_proxy_head};
pub use reactor::{Reactor, Ready, Waker};
pub use resolve::{look_up, resolve_now};
pub use stream::Stream;
pub use timers::Timers;
pub use tls::{ClientTrust, PeerCertificate, TlsClient, TlsClients, TlsIdentity, TlsOptions, TlsServer, TlsSources};
pub use unix::UnixPath;
pub use workers::{Worker, Workers};

use std::io::{self, ErrorKind};

/// Makes a system call again as long as a signal of the host, whose handler runs on any thread, cuts it short. Here and
/// not where the outcome is looked at: TLS takes every error but `WouldBlock` for the end of its stream.
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}
