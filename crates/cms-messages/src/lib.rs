//! CMS messages of this suite: content for one recipient, content of one signer, and packages of one private key.
//!
//! Servers, clients and backups share it. The structures are those of the `cms` crate, the algorithms those of crates of others.
//! It decides nothing, and whoever opens brings the key or the secret. Modules stand in reading order; none imports one that
//! stands above it.

pub mod key_package;
pub mod certs_only;
pub mod signed;
pub mod enveloped;
mod agreement;
mod password;
mod wrap;
mod error;

pub use agreement::AgreementKey;
pub use error::{NotOpened, SealError};
pub use password::PasswordWrap;
pub use wrap::KeyWrap;
