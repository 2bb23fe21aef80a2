//! The certificate in force.

use crate::net::{TlsServer, TlsSources};

/// What the running server shows newcomers, and where it came from.
pub(super) struct Tls {
    pub server: TlsServer,
    pub sources: TlsSources,
}
