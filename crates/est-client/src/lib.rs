//! An EST client for gateways, hand-held units and head-ends (RFC 7030, RFC 8951, RFC 9908).
//!
//! It knows nothing of any server's code, ours least of all. Keys are behind the [`Signer`](ca_core::ports::Signer) port: in a
//! file, on a token, or wherever a maker keeps them. Modules stand in reading order; none imports one that stands above it.

mod connection;
mod http;
mod request;
mod attributes;
mod answer;
mod anchored;
mod endpoint;
mod error;

pub use anchored::CaCertificates;
pub use answer::DeliveredKey;
pub use attributes::CsrAttributes;
pub use client_kit::{Credential, FileKey, Identity, KeySigners, MadeKey, MadeKeyError, ReadKeyError};
pub use connection::{Connection, Operation, Password, Trust};
pub use endpoint::{Endpoint, ParseEndpointError};
pub use error::EstError;
pub use request::{RequestContent, key_request, request};
