//! What a client wants of a server with pinned keys, by OpenSSL.

use super::failure::Judged;
use super::names;
use super::pins;
use crate::error::Id;
use crate::options::Pin;
use openssl::ssl::SslRef;
use std::sync::Arc;

/// What a server with pinned keys has to prove.
pub(in crate::net) struct Proof {
    /// The name that its certificate has to be for, where that is checked.
    pub host: Option<Box<str>>,
    pub pins: Arc<[Pin]>,
}

impl Proof {
    /// The chain ends with a root that is trusted; without verification only the server's own key proves anything.
    pub fn judge(&self, ssl: &SslRef) -> std::result::Result<(), Judged> {
        let refused = || Judged::Is(Id::CertificateRefused);
        let own = ssl.peer_certificate().and_then(|own| own.to_der().ok()).ok_or_else(refused)?;
        let Some(host) = &self.host else { return pins::check([own], &self.pins) };
        names::check(&own, host).map_err(Judged::Is)?;
        let chain = ssl.verified_chain().ok_or_else(refused)?;
        pins::check(chain.iter().filter_map(|one| one.to_der().ok()), &self.pins)
    }
}
