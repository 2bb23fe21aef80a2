//! The answer for load balancers, which ask every second.

use super::super::Shared;
use crate::http::{Request, Response};
use crate::options::Opt;

impl Shared {
    pub(super) fn health(&self, request: &Request) -> Response {
        if !request.is_read() {
            return Response::wrong_method("GET, HEAD");
        }
        let (status, word) = if self.options.flag(Opt::Draining) { (503, "draining") } else { (200, "ok") };
        Response::json(status, format!(r#"{{"status":"{word}"}}"#)).with("Cache-Control", "no-store")
    }
}
