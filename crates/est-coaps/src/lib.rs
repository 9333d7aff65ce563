//! EST over CoAP and DTLS (RFC 9148): enrolment for devices that have no TCP.
//!
//! A front end beside the routes of `est-server`, whose desk decides everything: here octets become submissions and answers
//! become octets. DTLS is OpenSSL's, single CoAP messages are coap-lite's; what is here is the message layer of RFC 7252,
//! the blocks of RFC 7959, the paths and formats of RFC 9148, and limits for all of them. Optional: the installed program
//! links OpenSSL only where it is built with the feature `coaps`.
//!
//! Modules stand in reading order; none imports one that stands above it.

mod listener;
mod tally;
mod connection;
mod seats;
mod conversation;
mod transfer;
mod request;
mod response;
mod resource;
mod format;
mod limits;
mod block;
mod message;
mod dtls;

pub use dtls::{DtlsIdentity, LoadIdentityError};
pub use limits::{CheckCoapsLimitsError, CoapsLimitFault, CoapsLimits, RawCoapsLimits};
pub use listener::{BindCoapsError, CoapsListener};
pub use tally::CoapsWatch;
