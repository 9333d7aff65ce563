//! The abuse catalogue against the CMP routes: one test per case, named after it.
//!
//! Messages go through the router as a listener would hand them over; the ports are doubles in memory. Every refusal must have
//! its failInfo and reason code, leave nothing in the ledger but one audit record, and never reach the key of the authority.

#![cfg(test)]

mod answers;
mod central_keys;
mod client;
mod confirmation;
mod desk;
mod doubles;
mod enrolment;
mod faults;
mod forwarding;
mod general;
mod header;
mod nested;
mod polling;
mod protection;
mod requests;
mod revocation;
mod told;
mod transactions;
mod transfer;
mod update;
mod world;

// The doubles of other crates' tests, as far as these tests need them.
#[path = "../../../est-server/tests/catalogue/csr.rs"]
#[expect(dead_code, reason = "shared with the tests of EST, which use the rest")]
mod csr;
#[path = "../../../est-server/tests/catalogue/octets.rs"]
#[expect(dead_code, reason = "shared with the tests of EST, which use the rest")]
mod octets;
#[path = "../../../est-server/tests/catalogue/pki.rs"]
#[expect(dead_code, reason = "shared with the tests of EST, which use the rest")]
mod pki;
