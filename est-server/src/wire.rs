//! Octets into types and back, and nothing else: no requester, no authority, no HTTP.
//!
//! Everything here is a pure function of its input. RFC 7030 §4, RFC 8951 §3.

pub mod server_key;
pub mod dlms_tools;
pub mod bulk;
pub mod simple_enroll;
pub mod csr_attributes;
pub mod cmc;
pub mod submitted;
pub mod base64;
