//! The authority behind a front end, elsewhere: what the front end asks of it goes over CMP, under the certificate of a registration
//! authority (RFC 7030 §3.7, RFC 9483 §5).
//!
//! It keeps nothing on disk and decides nothing: a request is granted, refused or waits as the authority says, and whoever lost
//! an answer asks again. Modules stand in reading order; none imports one that stands above it.

mod upstream;
mod waiting;
mod refusal;
mod way;

pub use upstream::{CmpUpstream, CmpUpstreamParts};
pub use way::Way;
