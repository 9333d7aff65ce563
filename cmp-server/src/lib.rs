//! The CMP front end (RFC 9810, RFC 9811, RFC 9483): from a message's octets to ca-core and back.
//!
//! It issues nothing, stores nothing and knows no key: what it is asked for it turns into requests to a
//! [`CertificationAuthority`](ca_core::authority::CertificationAuthority), and what must outlive a message it hands to the
//! ledger as a transaction. Modules stand in reading order; none imports one that stands above it.
//!
//! One refusal, one record: a message that is refused leaves exactly one audit record, unless nobody could read it at all.

pub mod routes;
pub mod desk;
mod place;
mod exchange;
mod protect;
mod sender;
mod memory;
mod header;
mod observation;
pub mod reply;
mod refusal;
pub mod config;
