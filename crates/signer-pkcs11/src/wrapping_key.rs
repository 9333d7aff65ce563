//! AES-256 keys that wrap the secrets of devices: made on a token, looked at, found by label, destroyed.
//!
//! Such a key wraps or unwraps and does nothing else: one that could also decrypt would give whoever has the PIN every secret that it wraps
//! (PKCS#11 v3.1 §5.18: what was wrapped is a ciphertext). Not the keys of authorities, which are pairs: see `key.rs`.

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use crate::call::CallFailed;
use crate::session::UseTokenError;
use crate::signer::OpenTokenError;
use crate::survey::KeyAttributes;
use crate::token::TokenDescription;
use crate::visit::Visit;
use crate::wrap::{CopyKeyError, Door};

/// The length of every wrapping key, in octets.
const OCTETS: u64 = 32;

/// A wrapping key as its token tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappingKey {
    /// Its label.
    pub label: String,
    /// Whether it can be, or ever was, elsewhere.
    pub attributes: KeyAttributes,
    /// What it may be used for.
    pub uses: KeyUses,
}

/// What a secret key may be used for: `CKA_WRAP` and the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyUses {
    /// `CKA_WRAP`.
    pub wrap: bool,
    /// `CKA_UNWRAP`.
    pub unwrap: bool,
    /// Any of `CKA_ENCRYPT`, `CKA_DECRYPT`, `CKA_SIGN`, `CKA_VERIFY`, `CKA_DERIVE`; a token that does not say so counts as if it did.
    pub other: bool,
}

impl KeyUses {
    /// Wraps and unwraps: a storage key.
    pub(crate) const BOTH: Self = Self { wrap: true, unwrap: true, other: false };
    /// Wraps only: a transport key where it was made.
    pub(crate) const WRAP: Self = Self { unwrap: false, ..Self::BOTH };
    /// Unwraps only: a transport key where it arrived.
    pub(crate) const UNWRAP: Self = Self { wrap: false, ..Self::BOTH };

    fn template(self) -> [Attribute; 7] {
        [
            Attribute::Wrap(self.wrap),
            Attribute::Unwrap(self.unwrap),
            Attribute::Encrypt(false),
            Attribute::Decrypt(false),
            Attribute::Sign(false),
            Attribute::Verify(false),
            Attribute::Derive(false),
        ]
    }

    fn read(session: &Session, handle: ObjectHandle) -> Result<Self, CallFailed> {
        let said = session.get_attributes(
            handle,
            &[
                AttributeType::Wrap,
                AttributeType::Unwrap,
                AttributeType::Encrypt,
                AttributeType::Decrypt,
                AttributeType::Sign,
                AttributeType::Verify,
                AttributeType::Derive,
            ],
        )?;
        let no_other = [
            Attribute::Encrypt(false),
            Attribute::Decrypt(false),
            Attribute::Sign(false),
            Attribute::Verify(false),
            Attribute::Derive(false),
        ];
        Ok(Self {
            wrap: said.contains(&Attribute::Wrap(true)),
            unwrap: said.contains(&Attribute::Unwrap(true)),
            other: !no_other.iter().all(|attribute| said.contains(attribute)),
        })
    }
}

impl WrappingKey {
    pub(crate) fn read(session: &Session, handle: ObjectHandle) -> Result<Self, CallFailed> {
        let mut label = String::new();
        for attribute in session.get_attributes(handle, &[AttributeType::Label])? {
            if let Attribute::Label(octets) = attribute {
                label = String::from_utf8_lossy(&octets).into_owned();
            }
        }
        let attributes = KeyAttributes::read(session, handle)?;
        Ok(Self { label, attributes, uses: KeyUses::read(session, handle)? })
    }

    /// Tells whether it stays on its token, and does nothing but wrapping and unwrapping.
    #[must_use]
    pub const fn is_kept(&self) -> bool {
        self.attributes.sensitive && !self.attributes.extractable && !self.uses.other
    }
}

/// Makes a storage key, which wraps and unwraps, and never leaves its token. What the token made otherwise is destroyed again.
///
/// # Errors
/// [`SecretKeyError`].
pub fn make_storage_key(
    at: Door<'_>,
    label: &str,
) -> Result<(TokenDescription, WrappingKey), SecretKeyError> {
    let visit = Visit::open(at.uri)?;
    visit.log_in(at.pin)?;
    let handle = generate(&visit.session, label, (KeyUses::BOTH, false))?;
    Ok((visit.found.description(), verified(&visit.session, handle, KeyUses::BOTH)?))
}

/// Lists the AES keys of a token.
///
/// # Errors
/// [`SecretKeyError`].
pub fn wrapping_keys(at: Door<'_>) -> Result<(TokenDescription, Vec<WrappingKey>), SecretKeyError> {
    let visit = Visit::open_to_read(at.uri)?;
    visit.log_in(at.pin)?;
    let wanted = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES)];
    let found = visit.session.find_objects(&wanted).map_err(failed)?;
    let read =
        |handle: &ObjectHandle| WrappingKey::read(&visit.session, *handle).map_err(UseTokenError::from);
    let keys = found.iter().map(read).collect::<Result<_, _>>()?;
    Ok((visit.found.description(), keys))
}

/// A wrapping key that was found, and is to be destroyed.
pub struct DoomedKey {
    visit: Visit,
    handle: ObjectHandle,
    key: WrappingKey,
}

impl DoomedKey {
    /// Finds the one AES key with this label.
    ///
    /// # Errors
    /// [`SecretKeyError`].
    pub fn find(at: Door<'_>, label: &str) -> Result<Self, SecretKeyError> {
        let visit = Visit::open(at.uri)?;
        visit.log_in(at.pin)?;
        let handle = match labelled(&visit.session, label)?.as_slice() {
            [handle] => *handle,
            [] => return Err(SecretKeyError::NotThere { label: label.to_owned() }),
            several => {
                return Err(SecretKeyError::Ambiguous { label: label.to_owned(), count: several.len() });
            }
        };
        let key = WrappingKey::read(&visit.session, handle).map_err(UseTokenError::from)?;
        Ok(Self { visit, handle, key })
    }

    /// Returns what the token tells of it.
    #[must_use]
    pub const fn key(&self) -> &WrappingKey {
        &self.key
    }

    /// Returns the token.
    #[must_use]
    pub fn token(&self) -> TokenDescription {
        self.visit.found.description()
    }

    /// Destroys it, and looks for it in vain.
    ///
    /// # Errors
    /// [`SecretKeyError`].
    pub fn destroy(self) -> Result<(), SecretKeyError> {
        self.visit.session.destroy_object(self.handle).map_err(failed)?;
        if labelled(&self.visit.session, &self.key.label)?.is_empty() {
            return Ok(());
        }
        Err(SecretKeyError::StillThere { label: self.key.label })
    }
}

impl core::fmt::Debug for DoomedKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("DoomedKey").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Makes a key on the token; with `leaves`, one that may be wrapped in turn until it is sealed.
pub(crate) fn generate(
    session: &Session,
    label: &str,
    (uses, leaves): (KeyUses, bool),
) -> Result<ObjectHandle, SecretKeyError> {
    refuse_taken(session, label)?;
    let mut template = vec![Attribute::ValueLen(OCTETS.into())];
    template.extend(on_token(label, (uses, leaves)));
    session.generate_key(&Mechanism::AesKeyGen, &template).map_err(failed)
}

/// What a wrapping key is told to be.
pub(crate) fn on_token(label: &str, (uses, leaves): (KeyUses, bool)) -> Vec<Attribute> {
    let mut template = vec![
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(leaves),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    template.extend(uses.template());
    template
}

/// Refuses a label that a secret key has, or none.
pub(crate) fn refuse_taken(session: &Session, label: &str) -> Result<(), SecretKeyError> {
    if label.is_empty() {
        return Err(SecretKeyError::NoLabel);
    }
    if labelled(session, label)?.is_empty() {
        return Ok(());
    }
    Err(SecretKeyError::Taken { label: label.to_owned() })
}

/// Reads whether the token keeps a key as it was told to; destroys it otherwise.
pub(crate) fn verified(
    session: &Session,
    handle: ObjectHandle,
    uses: KeyUses,
) -> Result<WrappingKey, SecretKeyError> {
    let read = WrappingKey::read(session, handle).map_err(UseTokenError::from);
    match read {
        Ok(key) if key.is_kept() && key.uses == uses => Ok(key),
        otherwise => {
            session.destroy_object(handle).map_err(failed)?;
            Err(otherwise
                .map_or_else(SecretKeyError::from, |key| SecretKeyError::NotAsAsked { label: key.label }))
        }
    }
}

/// Finds the secret keys with a label.
pub(crate) fn labelled(session: &Session, label: &str) -> Result<Vec<ObjectHandle>, UseTokenError> {
    let wanted = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Label(label.as_bytes().to_vec())];
    Ok(session.find_objects(&wanted).map_err(CallFailed::from)?)
}

pub(crate) fn failed(cause: cryptoki::error::Error) -> SecretKeyError {
    UseTokenError::from(CallFailed::from(cause)).into()
}

/// Why a wrapping key was not made, moved or destroyed.
#[derive(Debug, thiserror::Error)]
pub enum SecretKeyError {
    /// The token cannot be reached.
    #[error(transparent)]
    Open(#[from] OpenTokenError),
    /// The token fails.
    #[error(transparent)]
    Token(#[from] UseTokenError),
    /// It does not go from token to token.
    #[error(transparent)]
    Carry(#[from] CopyKeyError),
    /// Wrapping keys are told apart by their labels.
    #[error("a wrapping key needs a label")]
    NoLabel,
    /// Two keys with one label would be ambiguous.
    #[error("the token has a secret key {label:?} already")]
    Taken {
        /// The label.
        label: String,
    },
    /// There is none.
    #[error("the token has no secret key {label:?}")]
    NotThere {
        /// The label.
        label: String,
    },
    /// Several have the label.
    #[error(
        "{count} secret keys on the token have the label {label:?}, so which one is meant would be a guess"
    )]
    Ambiguous {
        /// The label.
        label: String,
        /// How many there are.
        count: usize,
    },
    /// The token keeps it less well than it was told; it was destroyed.
    #[error("the token made {label:?} a key that leaves it or does more than it was told; it was destroyed")]
    NotAsAsked {
        /// The label.
        label: String,
    },
    /// The token said that it was destroyed, and shows it.
    #[error("the token destroyed {label:?}, and still shows it")]
    StillThere {
        /// The label.
        label: String,
    },
}
