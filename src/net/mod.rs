//! Sockets, TLS, name lookup and readiness: everything that talks to the operating system's network.

mod dial;
mod listener;
mod moment;
mod proxy;
mod reactor;
mod resolve;
mod stream;
mod timers;
mod tls;
mod workers;

pub use dial::{Dial, DialState};
pub use listener::{Listener, interface_addresses};
pub use moment::Moment;
pub use proxy::{Step, Tunnel};
pub use reactor::{Reactor, Ready, Waker};
pub use resolve::{look_up, resolve_now};
pub use stream::Stream;
pub use timers::Timers;
pub use tls::{TlsClient, TlsClients, TlsIdentity, TlsOptions, TlsServer, TlsSources};
pub use workers::Workers;
