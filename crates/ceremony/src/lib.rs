//! What a ceremony is to do, what it did, and how outsiders check it again.
//!
//! Holds no key, opens no token and no network: signatures come from the [`Signer`](ca_core::ports::Signer) port, and acts
//! are done by the ceremony program. Modules stand in reading order; none imports one that stands above it.

pub mod earlier;
pub mod verify;
pub mod bundle;
pub mod script;
pub mod record;
pub mod quorum;
pub mod transcript;
pub mod file;
pub mod people;
pub mod stated_time;
mod exact_json;
pub mod words;
#[cfg(test)]
pub(crate) mod sample;
