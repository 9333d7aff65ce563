//! EST over CoAP and DTLS (RFC 9148): enrolment for devices that have no TCP.
//!
//! A front end beside the routes of `est-server`, whose desk decides everything: here are the paths and formats of RFC 9148.
//! Datagrams, DTLS, messages, blocks and limits are coap-kit's.
//!
//! Modules stand in reading order; none imports one that stands above it.

mod front;
mod resource;
mod format;
mod multipart;

pub use front::front;
