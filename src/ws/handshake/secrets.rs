//! What a client has sent in confidence, so that a server that repeats it brings it into no error's text.

use crate::ws::{Target, redact};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;

/// Shorter ones are not told apart from ordinary words.
const SHORTEST: usize = 4;

/// The secrets of one request, the longest first: one may be a part of another.
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    pub fn of(target: &Target, headers: &[(String, String)], protocols: &[&str]) -> Self {
        let mut found = Vec::new();
        let authorizations = headers.iter().filter(|(name, _)| redact::is_secret(name)).map(|(_, value)| value);
        for value in authorizations.chain(&target.authorization) {
            of_header(value, &mut found);
        }
        if let Some((_, query)) = target.resource.split_once('?') {
            found.push(query.to_owned());
            for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
                if redact::is_secret(name) {
                    found.push(percent_decode_str(value).decode_utf8_lossy().into_owned());
                    found.push(value.to_owned());
                }
            }
        }
        let entries = protocols.iter().filter_map(|entry| entry.split_once('.'));
        found.extend(entries.filter(|(front, _)| redact::is_secret(front)).map(|(_, token)| token.to_owned()));
        found.retain(|secret| secret.len() >= SHORTEST);
        found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        found.dedup();
        Self(found)
    }

    pub fn mask(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
    }
}

/// The whole value, its credentials behind the scheme, the name and password in them, and the values of cookies.
fn of_header(value: &str, found: &mut Vec<String>) {
    found.push(value.to_owned());
    if let Some((_, credentials)) = value.split_once(' ') {
        let credentials = credentials.trim();
        found.push(credentials.to_owned());
        let decoded = BASE64_STANDARD.decode(credentials).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some((_, password)) = decoded.as_deref().and_then(|both| both.split_once(':')) {
            found.push(password.to_owned());
        }
    }
    found.extend(value.split(';').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value.trim().to_owned()));
}
