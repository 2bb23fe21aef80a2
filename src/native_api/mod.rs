//! The 1C:Enterprise face: the Native API objects `Client` and `Server`.
//!
//! `exports` makes objects, `abi` is what the host sees of them, `component` does what every object does, the classes'
//! tables say what each can, and `events`, `pump` and `external_events` bring external events to the host.

mod abi;
#[cfg(test)]
mod abi_tests;
mod call;
mod client_class;
mod component;
pub mod convert;
mod event_form;
mod events;
mod exports;
mod external_events;
mod host;
mod host_calls;
#[cfg(test)]
mod number_tests;
mod parameter;
mod place;
mod pump;
mod reference;
mod server_class;
mod shuffle;
mod table;
mod text;
mod units;
mod variant;
mod waits;

pub use reference::{ClassInfo, MethodInfo, ParameterInfo, PropertyInfo, ValueKind, reference};
