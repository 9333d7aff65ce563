//! A CMP client for gateways, hand-held units and registration authorities (RFC 9810, RFC 9811, RFC 9483).
//!
//! A [`Conversation`] takes octets and gives octets: it does no I/O, and so goes over HTTP, in files, or within another server.
//! It knows nothing of any server's code, ours least of all; keys are behind the [`Signer`](ca_core::ports::Signer) port.
//! Modules stand in reading order; none imports one that stands above it.

mod connection;
mod endpoint;
mod conversation;
mod question;
mod information;
mod certificate;
mod central_key;
mod inspection;
mod sealing;
mod client;
mod error;

pub use client_kit::{Credential, FileKey, Identity, MadeKey, ReadKeyError};
pub use cmp_messages::protection::MacFamily;
pub use cms_messages::AgreementKey;

pub use certificate::Issued;
pub use client::{CmpClient, Means, SharedSecret};
pub use cmp_messages::operation::Operation;
pub use cmp_messages::status::PkiFailureInfo;
pub use connection::{Connection, TransferError};
pub use conversation::{Conversation, Outcome, Step};
pub use endpoint::{Endpoint, ParseEndpointError};
pub use error::{CmpError, Refusal};
pub use information::{Information, RootUpdate, Template};
pub use question::{
    CrlWanted, Forwarded, KeylessBody, KeylessRequest, Question, Request, Revocation, RevocationChange,
};
