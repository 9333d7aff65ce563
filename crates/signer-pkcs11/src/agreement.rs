//! Key agreement with a private key on a token: what opens content that was sealed for it (`CKM_ECDH1_DERIVE`).
//!
//! The private key stays where it is; what was agreed leaves the token, for the key derivation that CMS wants (RFC 5753 §7.2) and
//! tokens do not have. Not the sessions of a signer: see `visit.rs`.

use ca_core::key_ref::KeyRef;
use ca_core::public_key::PublicKey;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use der::Encode;
use der::asn1::OctetStringRef;
use zeroize::Zeroizing;

use crate::call::CallFailed;
use crate::key::{self, KeyProtection};
use crate::pin::Pin;
use crate::session::UseTokenError;
use crate::signer::OpenTokenError;
use crate::uri::TokenUri;
use crate::visit::Visit;

/// A private key on a token that agrees with others, in a session of its own.
pub struct TokenAgreement {
    visit: Visit,
    private: ObjectHandle,
    public_key: PublicKey,
}

impl core::fmt::Debug for TokenAgreement {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "TokenAgreement({})", self.public_key.key_ref())
    }
}

impl TokenAgreement {
    /// Opens a token and finds the private half of a key. The PIN is tried once.
    ///
    /// # Errors
    /// [`AgreeError`].
    pub fn open(uri: &TokenUri, pin: &Pin, public_key: &PublicKey) -> Result<Self, AgreeError> {
        let visit = Visit::open_to_read(uri)?;
        visit.log_in(pin)?;
        let all = key::list(&visit.session, uri.key()).map_err(AgreeError::Call)?;
        let found = all.into_iter().filter_map(|object| object.key.ok());
        let found = found.filter(|key| key.public_key == *public_key).collect::<Vec<_>>();
        let Some(key) = found.first() else {
            return Err(AgreeError::NoSuchKey { key: public_key.key_ref() });
        };
        if key.protection == KeyProtection::Extractable {
            return Err(AgreeError::MayLeave { label: key.label.clone() });
        }
        let handles = key::find(&visit.session, &key.id).map_err(AgreeError::Call)?;
        let [private] = handles.as_slice() else {
            let several = UseTokenError::AmbiguousKey { id: key.id.clone(), count: handles.len() };
            return Err(OpenTokenError::from(several).into());
        };
        Ok(Self { private: *private, visit, public_key: public_key.clone() })
    }

    /// Agrees with a public point, uncompressed as SEC 1 writes it, on the key's curve; gives the x coordinate.
    ///
    /// # Errors
    /// [`AgreeError`].
    pub fn agree(&self, point: &[u8]) -> Result<Zeroizing<Vec<u8>>, AgreeError> {
        // A point of no curve, or of another one, goes to no token.
        PublicKey::from_point(self.public_key.curve(), point).map_err(|_| AgreeError::NotAPoint)?;
        match self.derive(point) {
            Err(AgreeError::Call(_)) => {
                // PKCS#11 v2.40: tokens may want the point as CKA_EC_POINT has it.
                let wrapped = OctetStringRef::new(point).and_then(|octets| octets.to_der());
                self.derive(&wrapped.map_err(|_| AgreeError::NotAPoint)?)
            }
            done => done,
        }
    }

    fn derive(&self, point: &[u8]) -> Result<Zeroizing<Vec<u8>>, AgreeError> {
        let session = &self.visit.session;
        let octets = u64::try_from(self.public_key.curve().field_octets()).unwrap_or_default();
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::GENERIC_SECRET),
            Attribute::Token(false),
            Attribute::Sensitive(false),
            Attribute::Extractable(true),
            Attribute::ValueLen(octets.into()),
        ];
        let mechanism = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), point));
        let call = |cause| AgreeError::Call(CallFailed::from(cause));
        let agreed = session.derive_key(&mechanism, self.private, &template).map_err(call)?;
        let said = session.get_attributes(agreed, &[AttributeType::Value]);
        session.destroy_object(agreed).map_err(call)?;
        let mut value = None;
        for attribute in said.map_err(call)? {
            if let Attribute::Value(octets) = attribute {
                value = Some(Zeroizing::new(octets));
            }
        }
        value.filter(|value| value.len() == self.public_key.curve().field_octets()).ok_or(AgreeError::NoValue)
    }
}

/// Why a key on a token does not agree.
#[derive(Debug, thiserror::Error)]
pub enum AgreeError {
    /// The token cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenTokenError),
    /// No private key of this name is there.
    #[error("there is no private key {key} on the token, with a public key object beside it")]
    NoSuchKey {
        /// Its name.
        key: KeyRef,
    },
    /// The key may leave the token, so it may already be elsewhere.
    #[error("the key {label:?} may leave its token")]
    MayLeave {
        /// Its label.
        label: String,
    },
    /// What it is to agree with is no point on its curve.
    #[error("what the key is to agree with is no point on its curve")]
    NotAPoint,
    /// The token fails.
    #[error("the token does not agree: {0}")]
    Call(#[source] CallFailed),
    /// The token does not give out what was agreed.
    #[error("the token does not give out what was agreed")]
    NoValue,
}
