//! The status server as relying parties see it: documents and answers over HTTP, checked here and by OpenSSL and GnuTLS.
//!
//! Routes are asked without a socket and with a clock that stands, except in `interop`, where programs that are not ours talk
//! to a server on loopback at the time that it is.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "tests may fail, and their helpers are not exempt by configuration"
)]

mod documents;
mod ranges;
mod resuming;
mod memory;
mod reader;
mod answers;
mod keeping;
mod publishing;
mod scopes;
mod speed;
mod interop;
mod http;
mod requests;
mod ports;
mod world;
