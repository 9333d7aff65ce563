//! The EST front end: enrolment over HTTPS (RFC 7030, RFC 8951), from the request's octets to ca-core and back.
//!
//! It issues nothing, stores nothing and knows no key: what it is asked for it turns into requests to a
//! [`CertificationAuthority`](ca_core::authority::CertificationAuthority). Offered are `/cacerts`, `/csrattrs`,
//! `/simpleenroll` and `/simplereenroll`, with labels, and `/serverkeygen` and `/fullcmc` where a label says so.
//! Modules stand in reading order; none imports one that stands above it.
//!
//! One refusal, one record: a request that is refused leaves exactly one audit record, unless the server was too busy to
//! look at it at all.

pub mod routes;
pub mod desk;
mod media;
mod exchange;
pub mod reply;
mod observation;
mod refusal;
mod requester;
mod channel_binding;
pub mod config;
pub mod pacing;
pub mod guessing;
mod operation;
pub mod answer;
pub mod wire;
