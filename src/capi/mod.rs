//! The C interface: what `include/websocket_addin.h` declares.
//!
//! An exported function is plain Rust that cbindgen and rustfmt can read, its body one closure in `guard`. Raw
//! pointers die in `args`; everything behind works on references. The doc comments here are the header's comments, and
//! its first page is in `include/cbindgen.toml`.
#![allow(non_camel_case_types, reason = "these are the names of the C types")]
#![allow(
    clippy::missing_safety_doc,
    reason = "the contract of pointers is the same everywhere: the header's first page"
)]

mod args;
mod batch;
mod client;
mod client_options;
mod client_state;
mod client_trust;
mod events;
mod general;
mod guard;
mod handle;
mod lookup;
mod message;
mod names;
mod plain_http;
mod policy;
mod result;
mod server;
mod server_limits;
mod server_options;
mod server_state;
mod server_trust;
mod slot;
mod tls;

pub use batch::*;
pub use client::*;
pub use client_options::*;
pub use client_state::*;
pub use client_trust::*;
pub use events::*;
pub use general::*;
pub use handle::{wsaddin_client, wsaddin_server};
pub use lookup::*;
pub use message::*;
pub use names::*;
pub use plain_http::*;
pub use policy::*;
pub use result::*;
pub use server::*;
pub use server_limits::*;
pub use server_options::*;
pub use server_state::*;
pub use server_trust::*;
pub use tls::*;
