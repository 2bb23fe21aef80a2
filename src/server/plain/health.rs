//! The answer for load balancers, which ask every second.

use super::super::Shared;
use crate::http::{Request, Response};

impl Shared {
    pub(super) fn health(&self, request: &Request) -> Response {
        if !request.is_read() {
            return Response::wrong_method("GET, HEAD");
        }
        Response::json(200, r#"{"status":"ok"}"#.to_owned()).with("Cache-Control", "no-store")
    }
}
