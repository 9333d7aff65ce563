//! The key under which the secrets of a delivery travel: made on the manufacturer's token, wrapped for the DSO's, received there.
//!
//! Where it was made it wraps and no more; where it arrived it unwraps and no more. It leaves the first token once, wrapped by RSAES-OAEP
//! (RFC 8017 §7.1) for an RSA key whose private half is on the second, and is then sealed. Who can put in another RSA key gets the
//! transport key: that it is the right one is for the caller to see to. OAEP says nothing of who wrapped; what is under the transport key
//! is to be believed by the signature on the delivery.

use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use crate::token::TokenDescription;
use crate::visit::Visit;
use crate::wrap::{self, CopyKeyError, Door, Oaep, WrapRecipient};
use crate::wrapping_key::{self, KeyUses, SecretKeyError, WrappingKey};

/// A transport key, wrapped for its recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedTransport {
    /// Its label, on both tokens.
    pub label: String,
    /// The hash of OAEP.
    pub oaep: Oaep,
    /// The key, wrapped: as many octets as the modulus of the recipient.
    pub octets: Vec<u8>,
}

/// Makes a transport key and wraps it for a recipient; it never leaves its token again. Where a step fails, none is left.
///
/// # Errors
/// [`SecretKeyError`].
pub fn make_transport(
    at: Door<'_>,
    label: &str,
    recipient: &WrapRecipient,
) -> Result<(TokenDescription, WrappingKey, WrappedTransport), SecretKeyError> {
    let visit = Visit::open(at.uri)?;
    visit.log_in(at.pin)?;
    let session = &visit.session;
    let handle = wrapping_key::generate(session, label, (KeyUses::WRAP, true))?;
    let wrapped = wrapped_for(session, handle, recipient).and_then(|sealed| {
        let seal = session.update_attributes(handle, &[Attribute::Extractable(false)]);
        seal.map_err(wrap::call("seal the transport key")).map(|()| sealed)
    });
    let (oaep, octets) = match wrapped {
        Ok(wrapped) => wrapped,
        Err(cause) => {
            session.destroy_object(handle).map_err(wrapping_key::failed)?;
            return Err(cause.into());
        }
    };
    let key = wrapping_key::verified(session, handle, KeyUses::WRAP)?;
    Ok((visit.found.description(), key, WrappedTransport { label: label.to_owned(), oaep, octets }))
}

/// With SHA-256, or with SHA-1 where the token refuses that.
fn wrapped_for(
    session: &Session,
    key: ObjectHandle,
    recipient: &WrapRecipient,
) -> Result<(Oaep, Vec<u8>), CopyKeyError> {
    let attempt = |oaep| wrap::wrap_for(session, recipient, (oaep, key)).map(|octets| (oaep, octets));
    match attempt(Oaep::Sha256) {
        Err(CopyKeyError::Call { .. }) => attempt(Oaep::Sha1),
        done => done,
    }
}

/// Unwraps a transport key into the token that has the recipient's private half: it unwraps, and never leaves it.
///
/// # Errors
/// [`SecretKeyError`].
pub fn receive_transport(
    to: Door<'_>,
    recipient: &WrapRecipient,
    wrapped: &WrappedTransport,
) -> Result<(TokenDescription, WrappingKey), SecretKeyError> {
    let visit = Visit::open(to.uri)?;
    visit.log_in(to.pin)?;
    let session = &visit.session;
    let private = wrap::private_half(&visit, recipient)?;
    wrapping_key::refuse_taken(session, &wrapped.label)?;
    let mut template = vec![Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES)];
    template.extend(wrapping_key::on_token(&wrapped.label, (KeyUses::UNWRAP, false)));
    let handle = session
        .unwrap_key(&wrapped.oaep.mechanism(), private, &wrapped.octets, &template)
        .map_err(wrap::call("unwrap the transport key"))?;
    let key = wrapping_key::verified(session, handle, KeyUses::UNWRAP)?;
    Ok((visit.found.description(), key))
}
