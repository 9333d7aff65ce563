//! Signer on a PKCS#11 token: an HSM, a smart card, or SoftHSM2 in tests.
//!
//! The one place that loads a token library. Tokens are named by RFC 7512 URIs, by label and serial number and never by
//! slot; the hash is made here and the token only signs it (`CKM_ECDSA`). PKCS#11 v2.40 is enough.
//! Not a tool to set tokens up: tokens, their PINs and their backups are made with the vendor's own. The soft tokens of
//! rehearsals are the exception.
//! Modules stand in reading order; none imports one that stands above it.

mod set;
mod signer;
mod soft_token;
mod survey;
mod keeper;
mod proof;
mod session;
mod pool;
mod key;
mod token;
mod module;
mod gate;
mod breaker;
mod crew;
mod call;
mod pin;
mod uri;
mod pin_source;

pub use breaker::TokenState;
pub use call::CallFailed;
pub use keeper::{Observer, TokenEvent};
pub use key::{KeyProtection, PrivateKeyObject, TokenKey, Unusable};
pub use module::LoadModuleError;
pub use pin::{AskError, LoadPinError, Pin};
pub use pin_source::PinSource;
pub use proof::{ProveKeyError, prove_key};
pub use session::UseTokenError;
pub use set::TokenSet;
pub use signer::{DestroyKeyError, GenerateKeyError, OpenTokenError, TokenOptions, TokenSigner, again_in};
pub use soft_token::{MakeSoftTokenError, SoftTokens};
pub use survey::{KeyAttributes, PinTries, SurveyTokenError, TokenSurvey, survey};
pub use token::{FindTokenError, TokenDescription};
pub use uri::{ParseTokenUriError, TokenUri};
