//! What OpenSSL is to make of a client's certificate: its authorities, their lists of revoked certificates, and what is
//! told of one that is good.

use super::client_authority::PeerCertificate;
use super::failure::chain as chain_of;
use crate::error::{Error, Id, Result};
use crate::library;
use crate::options::AskClients;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::ssl::{SslContextBuilder, SslOptions, SslSessionCacheMode, SslVerifyMode};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{
    CrlStatus, GeneralNameRef, X509, X509Crl, X509NameRef, X509Ref, X509StoreContextRef, X509VerifyResult,
};
use std::cmp::Ordering;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// See the module's page.
#[derive(Clone)]
pub(in crate::net::tls) struct Judge {
    ask: AskClients,
    authorities: Vec<X509>,
    lists: Arc<Vec<X509Crl>>,
}

impl Judge {
    /// Everywhere with OpenSSL.
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it is not")]
    pub fn is_possible() -> Result<()> {
        Ok(())
    }

    /// From DER.
    pub fn new(ask: AskClients, authorities: &[Vec<u8>], lists: &[Vec<u8>]) -> Result<Self> {
        let bad = |id: Id| move |error: ErrorStack| Error::of(id).detail(chain_of(&error));
        let authorities = authorities.iter().map(|der| X509::from_der(der)).collect::<std::result::Result<Vec<_>, _>>();
        let authorities = authorities.map_err(bad(Id::CertificateDamaged))?;
        let lists = lists.iter().map(|der| X509Crl::from_der(der)).collect::<std::result::Result<Vec<_>, _>>();
        let lists = lists.map_err(bad(Id::RevocationListDamaged))?;
        for list in &lists {
            let issued = |authority: &X509| {
                is_same(authority.subject_name(), list.issuer_name())
                    && authority.public_key().and_then(|key| list.verify(&key)).unwrap_or(false)
            };
            // Otherwise anybody could revoke, or hide what is revoked.
            if !authorities.iter().any(issued) {
                return Err(Error::of(Id::RevocationListForeign));
            }
        }
        Ok(Self { ask, authorities, lists: Arc::new(lists) })
    }

    /// Has a server ask its clients for a certificate.
    pub fn ask(&self, context: &mut SslContextBuilder) -> std::result::Result<(), ErrorStack> {
        let mut store = X509StoreBuilder::new()?;
        // Whoever is named is trusted, an authority below another one, too.
        store.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
        for authority in &self.authorities {
            store.add_cert(authority.clone())?;
            context.add_client_ca(authority)?;
        }
        context.set_verify_cert_store(store.build())?;
        // A session that is resumed is not judged again, so there are none: a certificate may have been revoked, and
        // the authorities may be others since.
        context.set_session_cache_mode(SslSessionCacheMode::OFF);
        context.set_options(SslOptions::NO_TICKET);
        context.set_num_tickets(0)?;
        let lists = self.lists.clone();
        let mode = match self.ask {
            AskClients::Request => SslVerifyMode::PEER,
            AskClients::Require => SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT,
        };
        context.set_verify_callback(mode, move |good, chain| good && allows(&lists, chain));
        Ok(())
    }
}

/// Whether the certificate of the chain that OpenSSL is at is on none of the lists.
fn allows(lists: &[X509Crl], chain: &mut X509StoreContextRef) -> bool {
    let against = chain.current_cert().and_then(|certificate| look_up(lists, certificate));
    if let Some(reason) = against {
        chain.set_error(reason);
    }
    against.is_none()
}

/// What the lists have against a certificate.
fn look_up(lists: &[X509Crl], certificate: &X509Ref) -> Option<X509VerifyResult> {
    let of_issuer = lists.iter().filter(|list| is_same(list.issuer_name(), certificate.issuer_name()));
    of_issuer.into_iter().find_map(|list| {
        if let CrlStatus::Revoked(_) = list.get_by_serial(certificate.serial_number()) {
            return Some(library::is_revoked());
        }
        // RFC 5280 section 6.3.3: one that is out of date says nothing of what has been revoked since.
        let now = Asn1Time::days_from_now(0).ok();
        let is_old = list.next_update().is_some_and(|until| now.is_none_or(|now| *until < now));
        is_old.then(library::is_list_old)
    })
}

fn is_same(one: &X509NameRef, other: &X509NameRef) -> bool {
    one.try_cmp(other).is_ok_and(|order| order == Ordering::Equal)
}

/// What the host is told of a certificate.
pub(in crate::net::tls) fn told(certificate: &X509Ref) -> PeerCertificate {
    let sha256 = certificate.digest(MessageDigest::sha256()).map(|digest| hex(&digest)).unwrap_or_default();
    let serial = certificate.serial_number().to_bn().and_then(|number| number.to_hex_str());
    let names = certificate.subject_alt_names();
    let names: Vec<String> = names.iter().flatten().filter_map(alternative).collect();
    PeerCertificate {
        subject: name(certificate.subject_name()),
        issuer: name(certificate.issuer_name()),
        serial: serial.map(|serial| serial.to_string()).unwrap_or_default(),
        sha256,
        not_after: date(certificate.not_after()),
        names,
    }
}

/// `CN=…, O=…`, the most special part first (RFC 4514, with a blank behind the comma).
fn name(name: &X509NameRef) -> String {
    let mut text = String::new();
    let mut entries: Vec<_> = name.entries().collect();
    entries.reverse();
    for entry in entries {
        let nid = entry.object().nid();
        let key = match nid {
            Nid::UNDEF => entry.object().to_string(),
            _ => nid.short_name().map_or_else(|_| entry.object().to_string(), str::to_owned),
        };
        let value = entry.data().to_string().unwrap_or_default();
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&key);
        text.push('=');
        for letter in value.chars() {
            // RFC 4514 section 2.4. A name must not begin a line of its own in somebody's log.
            if letter.is_control() {
                letter.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| _ = write!(text, "\\{byte:02X}"));
                continue;
            }
            if matches!(letter, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=') {
                text.push('\\');
            }
            text.push(letter);
        }
    }
    text
}

/// A name of a host, an e-mail address, a URI or an IP address. None of them has control characters: who reads one with
/// NUL would take its beginning for the whole.
fn alternative(name: &GeneralNameRef) -> Option<String> {
    let text = name.dnsname().or_else(|| name.email()).or_else(|| name.uri());
    let text = text.filter(|text| !text.chars().any(char::is_control));
    text.map(str::to_owned).or_else(|| {
        let bytes = name.ipaddress()?;
        let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
        let address = four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()?;
        Some(address.to_string())
    })
}

/// Before 1970 nothing that is good ends.
fn date(at: &Asn1TimeRef) -> SystemTime {
    let since = Asn1Time::from_unix(0).and_then(|start| start.diff(at));
    let seconds = since.map_or(0, |since| i64::from(since.days) * 86_400 + i64::from(since.secs));
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
