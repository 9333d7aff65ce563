//! Signer on a PKCS#11 token: an HSM, a smart card, or SoftHSM2 in tests.
//!
//! The one place that loads a token library. Tokens are named by RFC 7512 URIs, by label and serial number and never by
//! slot; the hash is made here and the token only signs it (`CKM_ECDSA`). PKCS#11 v2.40 is enough.
//! Not a tool to set tokens up: tokens and their PINs are made with the vendor's own. The soft tokens of rehearsals are the
//! exception.
//! Modules stand in reading order; none imports one that stands above it.

mod agreement;
mod set;
mod transport;
mod vault;
mod wrapping_key;
mod secret_shape;
mod certificates;
mod wrap;
mod examination;
mod inventory;
mod raw;
mod visit;
mod uri_parts;
mod signer;
mod making;
mod soft_token;
mod survey;
mod keeper;
mod standing;
mod session;
mod pool;
mod key;
mod token;
mod module;
mod gate;
mod breaker;
mod crew;
mod counts;
mod call;
mod pin;
mod uri;
mod pin_source;

pub use agreement::{AgreeError, TokenAgreement};
pub use breaker::TokenState;
pub use call::CallFailed;
pub use certificates::{CertificateObject, KeyEvidence, evidence};
pub use counts::TokenCounts;
pub use examination::{Examination, MechanismFound, Need, examine};
pub use inventory::{Halves, KeyKind, KeyObject, TokenInventory, inventories, inventory};
pub use keeper::{Observer, TokenEvent};
pub use key::{Export, KeyProtection, KeyUse, PrivateKeyObject, TokenKey, Unusable};
pub use making::GenerateKeyError;
pub use module::LoadModuleError;
pub use pin::{AskError, LoadPinError, Pin};
pub use pin_source::PinSource;
pub use raw::RawSigner;
pub use secret_shape::{KeyLength, LONGEST_SECRET, SecretShapeError, check_device};
pub use session::UseTokenError;
pub use set::TokenSet;
pub use signer::{DestroyKeyError, OpenTokenError, TokenOptions, TokenSigner};
pub use soft_token::{MakeSoftTokenError, SoftTokens};
pub use standing::TokenStanding;
pub use survey::{KeyAttributes, PinTries, SurveyTokenError, TokenSurvey, survey};
pub use token::{FindTokenError, TokenDescription};
pub use transport::{WrappedTransport, make_transport, receive_transport};
pub use uri::{ParseTokenUriError, TokenUri};
pub use uri_parts::UriParts;
pub use vault::{KeyTransfer, NewKeys, RewrapError, Role, SESSIONS, SecretVault};
pub use wrap::{
    Copied, CopyKeyError, Door, Oaep, WrapRecipient, WrappedKey, copy_key, make_recipient, restore_key,
    seal_key, wrap_key,
};
pub use wrapping_key::{DoomedKey, KeyUses, SecretKeyError, WrappingKey, make_storage_key, wrapping_keys};
