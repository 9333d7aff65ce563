//! CoAP over DTLS 1.2 for front ends (RFC 7252, RFC 7959, RFC 6347): from datagrams to requests for resources, and back.
//!
//! It knows no PKI word: what stands behind a path, and what a body means, is said by the [`Resources`] of a front end. DTLS is
//! OpenSSL's, single CoAP messages are coap-lite's; what is here is the message layer of RFC 7252, the blocks of RFC 7959, the
//! list of resources of RFC 6690, and limits for all of them. Optional: the installed program links OpenSSL only where it is
//! built with the feature `coaps`.
//!
//! Modules stand in reading order; none imports one that stands above it.

mod listener;
mod tally;
mod connection;
mod seats;
mod conversation;
mod transfer;
mod resources;
mod links;
mod request;
mod response;
mod format;
mod method;
mod limits;
mod block;
mod message;
mod dtls;

pub use block::BlockSize;
pub use conversation::{Conversation, House};
pub use dtls::{DtlsIdentity, LoadIdentityError};
pub use format::Format;
pub use limits::{CheckCoapsLimitsError, CoapsLimitFault, CoapsLimits, RawCoapsLimits};
pub use links::Link;
pub use listener::{BindCoapsError, CoapsListener, Front};
pub use method::Method;
pub use request::Target;
pub use resources::{Answering, Question, Resources, TooLarge};
pub use response::Response;
pub use tally::CoapsWatch;
pub use transfer::Budget;
