//! CMP over CoAP and DTLS (RFC 9482, RFC 9483 §6.2): messages for devices that have no TCP.
//!
//! A front end beside the routes of `cmp-server`, whose desk decides everything: here are the paths and the one format of RFC
//! 9482. Datagrams, DTLS, messages, blocks and limits are coap-kit's. Announcements are not made (RFC 9482 §2.6).
//!
//! Modules stand in reading order; none imports one that stands above it.

mod front;
mod path;

pub use front::front;
