//! The certificate in force.

use crate::net::{TlsServer, TlsSources};

/// The certificate that the running server presents, and where it came from.
pub(super) struct Tls {
    pub server: TlsServer,
    pub sources: TlsSources,
}
