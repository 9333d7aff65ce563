//! CMP and CRMF messages: octets into types and back, one file per clause of RFC 9810 and RFC 4211; and their protection.
//!
//! Servers and clients share it. It decides nothing, knows no HTTP, no key but a shared secret, and no certificate but as
//! octets. The modules of RFC 9810 have EXPLICIT TAGS, those of RFC 4211 IMPLICIT ones. Modules stand in reading order;
//! none imports one that stands above it.

pub mod message;
pub mod operation;
pub mod body;
pub mod forwarding;
pub mod nested;
pub mod polling;
pub mod general;
pub mod revocation;
pub mod confirmation;
pub mod certificate_response;
pub mod certificate_request;
pub mod error_message;
pub mod status;
pub mod protection;
pub mod header;
pub mod name;
