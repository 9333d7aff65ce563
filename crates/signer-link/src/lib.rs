//! The signer in a process of its own: what its requesters speak with it, what it looks at before it signs, and its log.
//!
//! A certification authority asks through [`client::SignerLink`], which is its `Signer` port; the process of the signer answers
//! through [`server::LinkServer`] at a [`desk::SigningDesk`]. Which keys there are, and on which token, is for the program to
//! compose. Threads and blocking sockets only.
//! Modules stand in reading order; none imports one that stands above it.

pub mod client;
pub mod server;
pub mod guarded;
pub mod charter;
pub mod log;
pub mod desk;
pub mod denial;
mod wire;
