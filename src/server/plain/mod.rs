//! Plain HTTP on the server's port: what a request asks for, and who answers it.
//!
//! Called on the I/O thread, so that nothing here may take long: what does is done by a worker ([`Reply::Later`]).

mod control;
mod health;
mod metrics;
mod pages;
mod parameters;
mod places;

use super::Shared;
use crate::engine::{Connection, Plain, Reply, lock};
use crate::http::{Request, Response};
use crate::net::Peer;
use crate::options::Opt;
use crate::ws::Refusal;
use std::sync::Arc;

/// Who answers a request.
enum Service {
    /// With the part of the path behind `ControlPath`.
    Control(String),
    Health,
    Page,
}

impl Shared {
    pub(super) fn has_plain_http(&self) -> bool {
        [Opt::HealthPath, Opt::PagesFolder, Opt::ControlPath]
            .iter()
            .any(|option| !self.options.text(*option).is_empty())
    }

    fn service(&self, path: &str) -> Option<Service> {
        let text = |option| self.options.text(option);
        let health = text(Opt::HealthPath);
        if !health.is_empty() && *path == *health {
            return Some(Service::Health);
        }
        if let Some(below) = self.below_control(path) {
            return Some(Service::Control(below));
        }
        (!text(Opt::PagesFolder).is_empty()).then_some(Service::Page)
    }

    /// The head of a request has come.
    pub(super) fn take_plain(&self, connection: &Arc<Connection>, peer: Peer, request: &Request) -> Plain {
        let Some(service) = self.service(request.path()) else {
            // As where there is no plain HTTP at all.
            return Plain::Refuse(match request.is_read() {
                true => Refusal::plain(426, Refusal::WEBSOCKET),
                false => Refusal::plain(405, "GET is needed"),
            });
        };
        let placed = self.traced(peer, |name| request.header(name)).and_then(|peer| {
            let from = peer.address.and_then(|address| address.ip());
            self.take_place(connection, from)
        });
        if let Err(refusal) = placed {
            return Plain::Refuse(refusal);
        }
        match service {
            Service::Health => Plain::Answer(Reply::Now(self.health(request))),
            Service::Control(below) => self.control(request, &below),
            Service::Page => self.page(request),
        }
    }

    /// Its body, too: only control asks for one.
    pub(super) fn take_plain_body(&self, request: &Request, body: Vec<u8>) -> Reply {
        match self.service(request.path()) {
            Some(Service::Control(below)) => self.control_body(request, &below, body),
            // The path was set anew meanwhile.
            _ => Response::text(404, "Not found").into(),
        }
    }

    pub(super) fn count_plain(&self, status: u16) {
        *lock(&self.plain_answers).entry(status).or_default() += 1;
    }
}
