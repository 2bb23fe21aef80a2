//! How much of what comes from outside a text for people quotes.

/// Bytes of a piece that a text quotes. A host's argument, or what a peer has sent, may be of any length.
pub(super) const QUOTED: usize = 300;
/// Bytes of what the system or a library says.
pub(super) const DETAIL: usize = 1000;

/// The beginning of what is quoted, and a sign that more followed.
pub(super) fn quote(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut short = text[..text.floor_char_boundary(most)].to_owned();
    short.push('…');
    short
}
