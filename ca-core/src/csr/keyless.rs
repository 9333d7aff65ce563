//! A request for a key and a certificate: without a key, or with one that is ignored, since the server is to make it.
//!
//! A certification request says how the key is to be delivered (RFC 7030 §4.4.1). One for a certificate alone that says so is
//! refused by its own reader.

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, OctetString, SetOfVec};
use der::{Decode, Encode, Sequence};
use sha2::{Digest, Sha256};
use x509_cert::attr::Attribute;

use super::{CsrError, RequestContent, WireInfo, WireRequest, not_der};
use crate::crowding::is_crowded;
use crate::oid;

/// The most key wraps that a requester may name.
const MAX_CAPABILITIES: usize = 64;

/// ```text
/// SMIMECapability ::= SEQUENCE { capabilityID OBJECT IDENTIFIER, parameters ANY OPTIONAL }  -- RFC 8551 §2.5.2
/// ```
#[derive(Sequence)]
struct WireCapability<'a> {
    id: ObjectIdentifier,
    parameters: Option<AnyRef<'a>>,
}

/// How a requester wants to be given the key that is made for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyDelivery {
    /// As it is, inside TLS.
    InTls,
    /// Encrypted to a public key that the server knows by this identifier (RFC 7030 §4.4.1.2).
    ToKey {
        /// The identifier.
        identifier: Vec<u8>,
        /// The algorithms that the requester reads; none where it does not say.
        capabilities: Vec<ObjectIdentifier>,
    },
    /// Encrypted under a secret key that both have (RFC 7030 §4.4.1.1).
    UnderSharedKey,
}

/// A request for a key and a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRequest {
    digest: [u8; 32],
    content: RequestContent,
}

impl KeyRequest {
    /// Takes a template without a key, in these octets (RFC 4211 §5).
    #[must_use]
    pub fn of_template(octets: &[u8], content: RequestContent) -> Self {
        Self { digest: Sha256::digest(octets).into(), content }
    }

    /// Reads a DER certification request of at most 16,384 octets, whatever its key and signature, and how the key is to be
    /// delivered.
    ///
    /// # Errors
    /// [`CsrError`].
    pub fn from_der(der: &[u8]) -> Result<(Self, KeyDelivery), CsrError> {
        if der.len() > 16_384 {
            return Err(CsrError::TooLong { octets: der.len() });
        }
        if is_crowded(der) {
            return Err(CsrError::Crowded);
        }
        let wire = WireRequest::from_der(der).map_err(not_der)?;
        let info: WireInfo<'_> = wire.info.decode_as().map_err(not_der)?;
        if info.version != 0 {
            return Err(CsrError::Version { version: info.version });
        }
        // The decoder sorts what DER wants sorted (X.690 §11.6): whatever it changed was not DER.
        if info.to_der().map_err(not_der)? != wire.info.to_der().map_err(not_der)? {
            return Err(CsrError::NotDer { position: None });
        }
        let all = info.attributes.iter().flat_map(SetOfVec::iter);
        let (of_delivery, others): (Vec<_>, Vec<_>) = all.partition(|attribute| says_how(attribute));
        let content = RequestContent::read(&info.subject, &others)?;
        Ok((Self { digest: Sha256::digest(der).into(), content }, read_delivery(&of_delivery)?))
    }

    /// Returns the SHA-256 of the octets as received.
    #[must_use]
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Returns what is asked for.
    #[must_use]
    pub const fn content(&self) -> &RequestContent {
        &self.content
    }
}

fn says_how(attribute: &Attribute) -> bool {
    [oid::ASYMMETRIC_DECRYPT_KEY_ID, oid::DECRYPT_KEY_ID, oid::SMIME_CAPABILITIES].contains(&attribute.oid)
}

fn read_delivery(attributes: &[&Attribute]) -> Result<KeyDelivery, CsrError> {
    let shared = one(attributes, oid::DECRYPT_KEY_ID)?.is_some();
    let capabilities = match one(attributes, oid::SMIME_CAPABILITIES)? {
        Some(value) => read_capabilities(value)?,
        None => Vec::new(),
    };
    match one(attributes, oid::ASYMMETRIC_DECRYPT_KEY_ID)? {
        // One of the two is meant, and nobody can say which.
        Some(_) if shared => Err(CsrError::Attribute { attribute: oid::DECRYPT_KEY_ID }),
        Some(value) => {
            let malformed = CsrError::Attribute { attribute: oid::ASYMMETRIC_DECRYPT_KEY_ID };
            let identifier: OctetString = value.decode_as().map_err(|_| malformed)?;
            Ok(KeyDelivery::ToKey { identifier: identifier.as_bytes().to_vec(), capabilities })
        }
        None if shared => Ok(KeyDelivery::UnderSharedKey),
        None => Ok(KeyDelivery::InTls),
    }
}

/// Returns the one value of the one attribute of a kind.
fn one<'a>(attributes: &[&'a Attribute], kind: ObjectIdentifier) -> Result<Option<&'a der::Any>, CsrError> {
    let mut found = attributes.iter().filter(|attribute| attribute.oid == kind);
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(attribute), None) => match attribute.values.as_slice() {
            [value] => Ok(Some(value)),
            _ => Err(CsrError::Attribute { attribute: kind }),
        },
        (Some(_), Some(_)) => Err(CsrError::DoubledAttribute { attribute: kind }),
    }
}

fn read_capabilities(value: &der::Any) -> Result<Vec<ObjectIdentifier>, CsrError> {
    let malformed = CsrError::Attribute { attribute: oid::SMIME_CAPABILITIES };
    let capabilities: Vec<WireCapability<'_>> = value.decode_as().map_err(|_| malformed)?;
    if capabilities.len() > MAX_CAPABILITIES {
        return Err(malformed);
    }
    Ok(capabilities.iter().map(|capability| capability.id).collect())
}
