//! Tells relying parties what was revoked: CRLs and CA certificates over plain HTTP, and answers to OCSP requests.
//!
//! In reading order, each module using only those below it:
//!
//! | module | what it does |
//! |---|---|
//! | [`routes`] | HTTP: paths, status codes, header fields |
//! | [`responder`] | an OCSP request to an OCSP response, signed or kept from before |
//! | [`repository`] | CRLs and CA certificates by their paths |
//! | [`publish`] | a CRL to a file that readers see whole or not at all |
//! | [`crl_reader`] | what a CRL says, read in pieces by a reader of its own |
//! | [`piecewise`] | a document as the body of a message |
//! | [`document`] | octets that do not change, in memory or in a file |
//! | [`aside`] | a file that takes the place of another |
//! | [`config`] | what a responder is told |
//!
//! It holds no CA key, writes nothing to the ledger, and never learns how a revocation was decided. What it serves is public:
//! there is no authentication, and nothing here may depend on one. RFC 5280, 6960, 5019, 9654, 9110, 9111.

pub mod routes;
pub mod responder;
pub mod repository;
pub mod publish;
pub mod crl_reader;
pub mod piecewise;
pub mod document;
pub mod aside;
pub mod config;
mod caching;
