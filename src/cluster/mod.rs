//! Several servers as one, over a broker that speaks the protocol of Redis: names, groups and broadcasts across machines.
//!
//! It stands without sockets so far: what the setting says ([`url`]), the broker's protocol ([`resp`]) and the scripts
//! that run in the broker ([`scripts`]). The server does not use it yet: the layer grows from below, each piece with its
//! tests, and nothing of it is linked into the library until then.

pub mod resp;
pub mod scripts;
pub mod url;
