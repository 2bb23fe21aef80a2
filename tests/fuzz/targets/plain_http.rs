//! Requests of plain HTTP, one behind the other with their bodies: the same verdicts however the bytes are cut, nothing
//! beyond the limits, and nothing that two readers could take for different requests.

use super::input::{Input, pieces};
use std::collections::VecDeque;
use websocket_addin::http::{Body, Framing, Request};
use websocket_addin::ws::{Heard, ServerHandshake};

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let (seed, limit) = (input.byte(), usize::from(input.word()));
    let rest = input.rest();
    same(&served(rest, 0, limit), &served(rest, seed, limit));
}

/// A head that is not whole may be refused the sooner the more of it comes at once; all else is the same.
fn same(whole: &[String], cut: &[String]) {
    let (short, long) = if whole.len() < cut.len() { (whole, cut) } else { (cut, whole) };
    let more = long.get(short.len()..).unwrap_or_default();
    let only_sooner = matches!(more, [] | [_]) && more.iter().all(|verdict| verdict.starts_with("refused"));
    assert!(long.starts_with(short) && only_sooner, "{whole:?}, but {cut:?}");
}

/// What has been read of each request; the last may be why no more is read. Bodies as far as they have come.
fn served(bytes: &[u8], seed: u8, limit: usize) -> Vec<String> {
    let mut coming: VecDeque<Vec<u8>> = pieces(bytes, seed).into_iter().map(<[u8]>::to_vec).collect();
    let mut verdicts = Vec::new();
    let mut handshake = ServerHandshake::new();
    while let Some(piece) = coming.pop_front() {
        let (head, rest) = match handshake.hear(&piece, true) {
            Ok(None) => continue,
            Ok(Some(Heard::Plain(head, rest))) => (head, rest),
            Ok(Some(Heard::WebSocket(request, _))) => {
                verdicts.push(format!("WebSocket {}", request.path()));
                return verdicts;
            }
            Err(refusal) => {
                verdicts.push(format!("refused {}", refusal.status));
                return verdicts;
            }
        };
        coming.push_front(rest);
        let request = match Request::parse(head) {
            Ok(request) => request,
            Err(fault) => {
                verdicts.push(format!("{fault:?}"));
                return verdicts;
            }
        };
        match body(&request, &mut coming, limit) {
            Ok(Some(body)) => verdicts.push(format!("{} {} {body:?}", request.method(), request.path())),
            Ok(None) => return verdicts,
            Err(fault) => {
                verdicts.push(fault);
                return verdicts;
            }
        }
        if !request.keeps_alive() {
            return verdicts;
        }
        let waiting = coming.pop_front().unwrap_or_default();
        handshake = ServerHandshake::after_plain(waiting);
        let waiting = handshake.take_waiting();
        if !waiting.is_empty() {
            coming.push_front(waiting);
        }
    }
    verdicts
}

/// The body; `None`: it is not whole.
fn body(request: &Request, coming: &mut VecDeque<Vec<u8>>, limit: usize) -> Result<Option<Vec<u8>>, String> {
    assert!(request.path().starts_with('/') || request.path().starts_with('?'), "{}", request.path());
    let framing = request.framing().map_err(|fault| format!("{fault:?}"))?;
    // Two ways to tell a body's end are none: RFC 9112 section 6.3.
    let told = [request.header("Content-Length"), request.header("Transfer-Encoding")];
    match framing {
        Framing::Chunked => assert!(told[0].is_none() && told[1].is_some()),
        Framing::Length(_) => assert!(told[1].is_none()),
    }
    let mut body = Body::new(framing, limit).map_err(|fault| format!("{fault:?}"))?;
    while !body.is_done() {
        let Some(piece) = coming.pop_front() else { return Ok(None) };
        let taken = body.feed(&piece).map_err(|fault| format!("{fault:?}"))?;
        assert!(taken == piece.len() || body.is_done());
        // Memory for what has come, not for what was announced.
        assert!(body.held() <= 2 * limit + 64 * 1024, "{} for {limit}", body.held());
        coming.push_front(piece[taken..].to_vec());
        if coming.front().is_some_and(Vec::is_empty) {
            coming.pop_front();
        }
    }
    let bytes = body.into_bytes();
    assert!(bytes.len() <= limit || framing == Framing::Length(0));
    Ok(Some(bytes))
}
