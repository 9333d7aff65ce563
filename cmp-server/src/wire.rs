//! Octets into CMP messages and back, one file per clause of RFC 9810; no HTTP, no decision.
//!
//! The module of RFC 9810 App. F has EXPLICIT TAGS. Names and bodies stay octets where nobody looks inside.

pub mod message;
pub mod error_message;
pub mod status;
pub mod header;
