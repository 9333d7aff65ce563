//! A certification request for a key in our own signer (RFC 2986).
//!
//! A sub-CA's states subject and key and asks for nothing: what a certificate holds is decided by the profile. Clients of other
//! servers give attributes along.

use der::asn1::{AnyRef, SetOfVec};
use der::{Decode, Encode, Sequence};
use x509_cert::attr::Attribute;

use super::message::sign;
use crate::csr::{CertificationRequest, CsrError, KeyRequest};
use crate::distinguished_name::DistinguishedName;
use crate::key_ref::KeyRef;
use crate::ports::Signer;
use crate::signing::SignFailure;

/// ```text
/// CertificationRequestInfo ::= SEQUENCE {
///     version       INTEGER { v1(0) },
///     subject       Name,
///     subjectPKInfo SubjectPublicKeyInfo,
///     attributes    [0] IMPLICIT SET OF Attribute }
/// ```
#[derive(Sequence)]
struct CertificationRequestInfo<'a> {
    version: u8,
    subject: AnyRef<'a>,
    public_key: AnyRef<'a>,
    // RFC 2986 §4.1: the field is there, though empty.
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    attributes: SetOfVec<Attribute>,
}

/// Makes a certification request, which asks for nothing, for a key that the signer holds.
///
/// # Errors
/// [`DraftCsrError`].
pub fn certification_request(
    subject: &DistinguishedName,
    key: &KeyRef,
    signer: &dyn Signer,
) -> Result<CertificationRequest, DraftCsrError> {
    certification_request_asking(subject, Vec::new(), key, signer)
}

/// Makes a certification request with these attributes for a key that the signer holds.
///
/// # Errors
/// [`DraftCsrError`].
pub fn certification_request_asking(
    subject: &DistinguishedName,
    attributes: Vec<Attribute>,
    key: &KeyRef,
    signer: &dyn Signer,
) -> Result<CertificationRequest, DraftCsrError> {
    Ok(CertificationRequest::from_der(&signed(subject, attributes, key, signer)?)?)
}

/// Makes a request for a key, which says among its attributes how that is to be delivered; DER. The key that signs is ignored
/// (RFC 7030 §4.4.1).
///
/// # Errors
/// [`DraftCsrError`].
pub fn key_request_asking(
    subject: &DistinguishedName,
    attributes: Vec<Attribute>,
    key: &KeyRef,
    signer: &dyn Signer,
) -> Result<Vec<u8>, DraftCsrError> {
    let der = signed(subject, attributes, key, signer)?;
    KeyRequest::from_der(&der)?;
    Ok(der)
}

fn signed(
    subject: &DistinguishedName,
    attributes: Vec<Attribute>,
    key: &KeyRef,
    signer: &dyn Signer,
) -> Result<Vec<u8>, DraftCsrError> {
    let public_key = signer.public_key(key).map_err(SignFailure::from)?;
    let info = CertificationRequestInfo {
        version: 0,
        subject: AnyRef::from_der(subject.der())?,
        public_key: AnyRef::from_der(public_key.spki_der())?,
        attributes: SetOfVec::try_from(attributes)?,
    };
    Ok(sign(&info.to_der()?, &public_key, signer)?)
}

/// Why there is no certification request.
#[derive(Debug, thiserror::Error)]
pub enum DraftCsrError {
    /// The key did not sign.
    #[error(transparent)]
    NotSigned(#[from] SignFailure),
    /// The DER codec refused.
    #[error("the certification request cannot be encoded: {0}")]
    Encode(#[from] der::Error),
    /// It cannot be read back.
    #[error("the certification request made here is not one: {0}")]
    NotReadBack(#[from] CsrError),
}
