//! What a step of a handshake came to, whichever library does it.

use super::failure::Failure;

pub(in crate::net) enum Step<E, S> {
    Through(E),
    Going(S),
    Failed(Failure),
}
