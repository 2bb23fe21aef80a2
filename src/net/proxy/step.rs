//! What an answer of a proxy leads to.

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Wait for more.
    More,
    /// Send this.
    Send(Vec<u8>),
    /// Send this on a new connection to the proxy.
    Again(Vec<u8>),
    /// The tunnel is open.
    Open,
}
