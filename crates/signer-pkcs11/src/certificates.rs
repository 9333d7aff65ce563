//! Certificates that are on a token beside its keys: what there is of attestation that PKCS#11 can show.
//!
//! PKCS#11 has no call for attestation. A token that attests does so by tools of its maker, and may keep what it said as a
//! certificate object. Nothing is judged here: whether a certificate is an attestation, and by whom, is read from it elsewhere.

use cryptoki::object::{Attribute, AttributeType, ObjectClass};

use ca_core::public_key::PublicKey;

use crate::call::CallFailed;
use crate::pin::Pin;
use crate::session::UseTokenError;
use crate::signer::OpenTokenError;
use crate::survey::KeyAttributes;
use crate::token::TokenDescription;
use crate::uri::TokenUri;
use crate::visit::Visit;

/// A certificate on a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateObject {
    /// `CKA_LABEL`
    pub label: String,
    /// `CKA_ID`, which that of its key is as well.
    pub id: Vec<u8>,
    /// `CKA_VALUE`, as it is.
    pub value: Vec<u8>,
}

/// A key with the certificates on its token.
#[derive(Debug)]
pub struct KeyEvidence {
    /// The token.
    pub token: TokenDescription,
    /// The version of its firmware.
    pub firmware: String,
    /// The label of the key.
    pub label: String,
    /// Its `CKA_ID`.
    pub id: Vec<u8>,
    /// Its public half.
    pub public_key: PublicKey,
    /// What the token says of the private half.
    pub attributes: KeyAttributes,
    /// Every certificate on the token, of this key or not.
    pub certificates: Vec<CertificateObject>,
}

/// Reads the one key that a URI names, and every certificate on its token. The PIN is tried once.
///
/// # Errors
/// [`OpenTokenError`].
pub fn evidence(uri: &TokenUri, pin: &Pin) -> Result<KeyEvidence, OpenTokenError> {
    let visit = Visit::open_to_read(uri)?;
    visit.log_in(pin)?;
    let key = visit.the_key(uri)?;
    let read = || -> Result<_, CallFailed> {
        let attributes = match crate::key::find(&visit.session, &key.id)?.as_slice() {
            [handle] => Some(KeyAttributes::read(&visit.session, *handle)?),
            [] | [_, ..] => None,
        };
        Ok((attributes, certificates(&visit)?))
    };
    let (attributes, certificates) = read().map_err(UseTokenError::from)?;
    Ok(KeyEvidence {
        firmware: crate::survey::TokenSurvey::of(&visit.found).firmware,
        token: visit.found.description(),
        attributes: attributes.ok_or_else(|| UseTokenError::AmbiguousKey { id: key.id.clone(), count: 2 })?,
        label: key.label,
        id: key.id,
        public_key: key.public_key,
        certificates,
    })
}

fn certificates(visit: &Visit) -> Result<Vec<CertificateObject>, CallFailed> {
    let mut found = Vec::new();
    for handle in visit.session.find_objects(&[Attribute::Class(ObjectClass::CERTIFICATE)])? {
        let mut one = CertificateObject { label: String::new(), id: Vec::new(), value: Vec::new() };
        let wanted = [AttributeType::Label, AttributeType::Id, AttributeType::Value];
        for attribute in visit.session.get_attributes(handle, &wanted)? {
            if let Attribute::Label(octets) = attribute {
                one.label = String::from_utf8_lossy(&octets).into_owned();
            } else if let Attribute::Id(octets) = attribute {
                one.id = octets;
            } else if let Attribute::Value(octets) = attribute {
                one.value = octets;
            }
        }
        found.push(one);
    }
    Ok(found)
}
