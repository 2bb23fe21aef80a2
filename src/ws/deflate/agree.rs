//! Agreeing on the parameters, RFC 7692 sections 5 and 7.1, at both ends.

use super::extension::{self, Extension};
use crate::error::{Error, Id, Result};
use crate::ws::redact;
use std::fmt::Write;

const NAME: &str = "permessage-deflate";
/// The largest window, and what holds where none is named.
const MAX_WINDOW: u8 = 15;

/// zlib compresses with no smaller one, so that many peers fail when they are asked to: Tornado closes the connection.
const MIN_REQUESTED_WINDOW: u8 = 9;

/// What the host wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Context takeover in both directions, at the price of memory for each connection. A server has the last word; a
    /// client that does without bears one that keeps its context.
    pub takeover: bool,
    /// The largest window in either direction, 8 to 15 bits. A server has the last word; a client bears one with a
    /// larger window.
    pub bits: u8,
}

/// What holds in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direction {
    /// A message may refer to those before it.
    pub takeover: bool,
    /// The sender refers no further back than 2 to this power, 8 to 15.
    pub bits: u8,
}

/// What was agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// For what we send.
    pub out: Direction,
    /// For what we receive.
    pub inward: Direction,
}

/// The parameters of an offer or an answer. `Some(None)` is a parameter without a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: Option<Option<u8>>,
}

impl Parameters {
    /// `None`: an unknown parameter, one given twice, or a value that is not allowed.
    fn read(extension: &Extension) -> Option<Self> {
        let mut read = Self::default();
        for (name, value) in &extension.parameters {
            match (name.as_str(), value) {
                ("server_no_context_takeover", None) if !read.server_no_context_takeover => {
                    read.server_no_context_takeover = true;
                }
                ("client_no_context_takeover", None) if !read.client_no_context_takeover => {
                    read.client_no_context_takeover = true;
                }
                ("server_max_window_bits", Some(value)) if read.server_max_window_bits.is_none() => {
                    read.server_max_window_bits = Some(window_bits(value)?);
                }
                // "Whatever you like" (section 7.1.2.2): in an offer, and in an answer that only repeats it.
                ("client_max_window_bits", None) if read.client_max_window_bits.is_none() => {
                    read.client_max_window_bits = Some(None);
                }
                ("client_max_window_bits", Some(value)) if read.client_max_window_bits.is_none() => {
                    read.client_max_window_bits = Some(Some(window_bits(value)?));
                }
                _ => return None,
            }
        }
        Some(read)
    }

    fn text(&self) -> String {
        let mut text = NAME.to_owned();
        // Writing to a String cannot fail.
        if self.server_no_context_takeover {
            text.push_str("; server_no_context_takeover");
        }
        if self.client_no_context_takeover {
            text.push_str("; client_no_context_takeover");
        }
        if let Some(bits) = self.server_max_window_bits {
            let _ = write!(text, "; server_max_window_bits={bits}");
        }
        match self.client_max_window_bits {
            Some(Some(bits)) => drop(write!(text, "; client_max_window_bits={bits}")),
            Some(None) => text.push_str("; client_max_window_bits"),
            None => {}
        }
        text
    }
}

/// Section 7.1.2: a decimal number from 8 to 15 without leading zeros.
fn window_bits(text: &str) -> Option<u8> {
    let bits: u8 = text.parse().ok()?;
    ((8..=MAX_WINDOW).contains(&bits) && text == bits.to_string()).then_some(bits)
}

/// A client's offers, preferred first. With the largest window there is one, that of browsers, which every server has
/// met: libwebsockets up to 3.0 closes the connection when it is made a second one, and some servers that cannot do
/// without their context decline, or close, when they are asked to. A host that bounds the window wants to save memory,
/// and so asks for all that saves some; for a server that cannot give it the offer of browsers follows.
fn offered(settings: Settings) -> Vec<Parameters> {
    let usual = Parameters { client_max_window_bits: Some(None), ..Parameters::default() };
    if settings.bits >= MAX_WINDOW {
        return vec![usual];
    }
    let saving = Parameters {
        server_no_context_takeover: !settings.takeover,
        client_no_context_takeover: !settings.takeover,
        server_max_window_bits: Some(settings.bits.max(MIN_REQUESTED_WINDOW)),
        client_max_window_bits: Some(Some(settings.bits)),
    };
    vec![saving, usual]
}

/// A client's `Sec-WebSocket-Extensions`.
pub fn offer(settings: Settings) -> String {
    offered(settings).iter().map(Parameters::text).collect::<Vec<_>>().join(", ")
}

/// What a server has agreed to; `None`: it does not compress. It need not fit an offer, as long as it can be met: what
/// a server does without being asked, and what it does not do for us, costs memory at most. Of what it asks of us all
/// can be met, since our offers leave it any window.
///
/// # Errors
/// `ExtensionAnswer`: the answer is malformed, names the extension twice, or has a parameter that is unknown, given
/// twice or of a value that is not allowed; the connection has to be failed (section 7.1).
pub fn accepted(settings: Settings, answer: &str) -> Result<Option<Agreement>> {
    let fault = || Error::new(Id::ExtensionAnswer, [redact::printable(answer, 200).into()]);
    let found = extension::parse(answer).ok_or_else(fault)?;
    let only = match &found[..] {
        [] => return Ok(None),
        [only] if only.name == NAME => only,
        _ => return Err(fault()),
    };
    let answered = Parameters::read(only).ok_or_else(fault)?;
    let bits = answered.client_max_window_bits.flatten().unwrap_or(MAX_WINDOW);
    Ok(Some(Agreement {
        out: Direction {
            takeover: settings.takeover && !answered.client_no_context_takeover,
            bits: bits.min(settings.bits),
        },
        inward: Direction {
            takeover: !answered.server_no_context_takeover,
            bits: answered.server_max_window_bits.unwrap_or(MAX_WINDOW),
        },
    }))
}

/// A server's answer to what a client offers, for the first offer that it can meet; `None`: no compression.
pub fn negotiate(settings: Settings, offered: &str) -> Option<(Agreement, String)> {
    let offers = extension::parse(offered)?;
    let mut own = offers.iter().filter(|offer| offer.name == NAME);
    let offer = own.find_map(Parameters::read)?;
    let server_bits = offer.server_max_window_bits.unwrap_or(MAX_WINDOW).min(settings.bits);
    let most = settings.bits.max(MIN_REQUESTED_WINDOW);
    let client_bits = offer.client_max_window_bits.map(|bits| bits.unwrap_or(MAX_WINDOW).min(most));
    let answer = Parameters {
        // A client that is not told may keep its own context: it has to be asked not to.
        server_no_context_takeover: offer.server_no_context_takeover || !settings.takeover,
        client_no_context_takeover: offer.client_no_context_takeover || !settings.takeover,
        server_max_window_bits: (offer.server_max_window_bits.is_some() || server_bits < MAX_WINDOW)
            .then_some(server_bits),
        client_max_window_bits: client_bits.filter(|bits| *bits < MAX_WINDOW).map(Some),
    };
    let agreement = Agreement {
        out: Direction { takeover: !answer.server_no_context_takeover, bits: server_bits },
        inward: Direction { takeover: !answer.client_no_context_takeover, bits: client_bits.unwrap_or(MAX_WINDOW) },
    };
    Some((agreement, answer.text()))
}

#[cfg(test)]
#[path = "agree_tests.rs"]
mod tests;
