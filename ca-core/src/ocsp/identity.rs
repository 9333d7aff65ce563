//! The delegated responder: the certificate by which a CA lets another key speak of its certificates (RFC 6960 §4.2.2.2).
//!
//! Checked once, when it is made; whether it is still valid is asked at every answer. Holds no private key.

use const_oid::ObjectIdentifier;
use x509_cert::ext::pkix::KeyUsages;

use super::cert_id::IssuerHashes;
use crate::certificate::Certificate;
use crate::issuer::Issuer;
use crate::key_ref::KeyRef;
use crate::oid;
use crate::suite::Curve;
use crate::validity::{UnixTime, Validity};

/// A responder that a CA has delegated its answers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponderIdentity {
    certificate: Certificate,
    issuer: KeyRef,
    hashes: IssuerHashes,
    archive_cutoff: UnixTime,
    validity: Validity,
}

impl ResponderIdentity {
    /// Takes the certificate that `issuer` issued for its responder.
    ///
    /// # Errors
    /// [`ResponderIdentityError`] when it is not fit to sign answers at `now`.
    pub fn new(
        certificate: Certificate,
        issuer: &Issuer,
        now: UnixTime,
    ) -> Result<Self, ResponderIdentityError> {
        check_issued_by(&certificate, issuer)?;
        check_purpose(&certificate)?;
        check_absences(&certificate)?;
        let validity = both(certificate.validity(), issuer.certificate().validity())
            .filter(|validity| validity.contains(now))
            .ok_or_else(|| ResponderIdentityError::NotValid { now, validity: certificate.validity() })?;
        Ok(Self {
            issuer: issuer.key(),
            hashes: IssuerHashes::of(issuer),
            // Statuses are kept from the CA's first certificate on, and it has none from before it was one.
            archive_cutoff: issuer.certificate().validity().not_before(),
            validity,
            certificate,
        })
    }

    /// Returns the responder's certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Returns the name of the responder's key.
    #[must_use]
    pub fn key(&self) -> KeyRef {
        self.certificate.public_key().key_ref()
    }

    /// Returns the key of the CA that it answers for.
    #[must_use]
    pub const fn issuer(&self) -> KeyRef {
        self.issuer
    }

    /// Returns when answers by this responder can be verified: while its certificate and its issuer's are valid.
    #[must_use]
    pub const fn validity(&self) -> Validity {
        self.validity
    }

    /// Returns the hashes by which requests name the CA.
    #[must_use]
    pub const fn issuer_hashes(&self) -> &IssuerHashes {
        &self.hashes
    }

    /// Returns since when the CA's statuses are kept.
    pub(super) const fn archive_cutoff(&self) -> UnixTime {
        self.archive_cutoff
    }
}

fn both(one: Validity, other: Validity) -> Option<Validity> {
    Validity::new(one.not_before().max(other.not_before()), one.not_after().min(other.not_after()))
}

// RFC 6960 §4.2.2.2: issued directly by the CA, with the key that signs the certificates it answers for.
fn check_issued_by(certificate: &Certificate, issuer: &Issuer) -> Result<(), ResponderIdentityError> {
    let named = certificate.issuer() == issuer.name();
    let key_named = certificate.authority_key_identifier() == Some(issuer.key_identifier());
    let signed = issuer.certificate().public_key().verify(certificate.tbs(), certificate.signature());
    if !named || !key_named || signed.is_err() {
        return Err(ResponderIdentityError::NotIssuedBy { issuer: issuer.key() });
    }
    // A suite has one curve: an answer is not signed with a weaker one, nor with one that the suite's clients lack.
    let curve = certificate.public_key().curve();
    if curve != issuer.curve() {
        return Err(ResponderIdentityError::Curve { found: curve, expected: issuer.curve() });
    }
    Ok(())
}

fn check_purpose(certificate: &Certificate) -> Result<(), ResponderIdentityError> {
    if certificate.extended_key_usages() != [oid::OCSP_SIGNING] {
        return Err(ResponderIdentityError::ExtendedKeyUsage);
    }
    if certificate.key_usage().map(|usage| usage.0) != Some(KeyUsages::DigitalSignature.into()) {
        return Err(ResponderIdentityError::KeyUsage);
    }
    // RFC 6960 §4.2.2.2.1: nocheck, whose value is NULL, since nobody could say that a responder is revoked.
    if certificate.extension(oid::OCSP_NO_CHECK).map(|(_, value)| value) != Some(&[0x05, 0x00]) {
        return Err(ResponderIdentityError::NoNoCheck);
    }
    Ok(())
}

// RFC 5019 §2.2.2: neither CRL distribution points nor authority information access, which nocheck makes pointless; nor
// what would make it another kind of certificate.
fn check_absences(certificate: &Certificate) -> Result<(), ResponderIdentityError> {
    let unwanted = [oid::CRL_DISTRIBUTION_POINTS, oid::AUTHORITY_INFO_ACCESS, oid::SUBJECT_ALT_NAME];
    if let Some(oid) = unwanted.into_iter().find(|oid| certificate.extension(*oid).is_some()) {
        return Err(ResponderIdentityError::Extension { oid });
    }
    if certificate.basic_constraints().is_some_and(|constraints| constraints.ca) {
        return Err(ResponderIdentityError::Extension { oid: oid::BASIC_CONSTRAINTS });
    }
    Ok(())
}

/// Why a certificate does not make a responder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResponderIdentityError {
    /// Not issued directly by the CA's key.
    #[error("the responder certificate was not issued directly by the key {issuer} that it is to answer for")]
    NotIssuedBy {
        /// The CA's key.
        issuer: KeyRef,
    },
    /// On another curve than the CA.
    #[error("the responder's key is on {found}, the CA's on {expected}")]
    Curve {
        /// The responder's.
        found: Curve,
        /// The CA's.
        expected: Curve,
    },
    /// extendedKeyUsage is not OCSPSigning alone.
    #[error("the responder certificate has not exactly the extended key usage OCSPSigning")]
    ExtendedKeyUsage,
    /// keyUsage is not digitalSignature alone.
    #[error("the responder certificate has not exactly the key usage digitalSignature")]
    KeyUsage,
    /// id-pkix-ocsp-nocheck is absent or not NULL.
    #[error("the responder certificate lacks ocsp-nocheck with the value NULL")]
    NoNoCheck,
    /// An extension that a responder certificate must not have, or cA.
    #[error("the responder certificate must not have the extension {oid}")]
    Extension {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// Not valid now, or its issuer is not.
    #[error(
        "at {now} the responder certificate, valid from {} to {}, or its issuer's certificate is not valid",
        validity.not_before(),
        validity.not_after()
    )]
    NotValid {
        /// The present.
        now: UnixTime,
        /// When the responder's certificate is valid.
        validity: Validity,
    },
}
