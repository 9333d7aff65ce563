//! The manifest as a file: made, checked, taken apart, altered, forged, and read by a program that we did not write.

#![cfg(test)]

mod altered;
mod forge;
mod forged;
mod foreign;
mod ground;
#[path = "../../../../policies/tests/certificates/hierarchy.rs"]
#[expect(dead_code, reason = "the rehearsal PKI of the profiles has more than is needed here")]
mod hierarchy;
mod memory;
mod openssl;
mod share;
mod whole;
