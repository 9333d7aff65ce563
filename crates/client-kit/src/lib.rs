//! What clients of enrolment protocols share: a key in a file, the client's side of TLS, and where a server is.
//!
//! It knows no protocol and no server. Modules stand in reading order; none imports one that stands above it.

mod tls;
mod made_key;
mod key_file;
mod authority;

pub use authority::{Authority, ParseAuthorityError};
pub use key_file::{FileKey, ReadKeyError};
pub use made_key::{KeySigners, MadeKey, MadeKeyError};
pub use tls::{Credential, Identity, TlsError, trusting, trusting_nobody};
