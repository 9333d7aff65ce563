//! The abuse catalogue against the EST routes: one test per case, named after it.
//!
//! Requests go through the router as a listener would hand them over; the ports are doubles in memory. Every refusal must
//! have its status and reason code, leave nothing in the ledger but one audit record, and never reach the signer.

#![cfg(test)]

mod answers;
mod approval;
mod attributes;
mod authentication;
mod binding;
mod bodies;
mod codes;
mod configuration;
mod csr;
mod desk;
mod extensions;
mod faults;
mod head_ends;
mod issuance;
mod keys;
mod ledger;
mod names;
mod octets;
mod paths;
mod pki;
mod renaming;
mod full_cmc;
mod server_keys;
mod world;
