//! What an extension that a certification request carries means to us: it repeats what the profile gives, it says what only
//! the authority can say and is passed over, or it states a wish that is not granted, and the request is refused.
//!
//! Nothing is ever copied from a request: to pass over an extension is safe, and to refuse one only keeps its requester from
//! being surprised by the certificate.

use const_oid::ObjectIdentifier;
use der::Decode;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::certpolicy::PolicyInformation;
use x509_cert::ext::pkix::{BasicConstraints, CertificatePolicies, ExtendedKeyUsage, KeyUsage};

use super::ProveError;
use crate::oid;
use crate::profile::{CertificateProfile, KeyUsageBit};

/// What only the authority can say, so that nobody wishes for anything by writing it: clients that renew by copying their old
/// certificate, as libest does, repeat these. Their values are not read.
const PASSED_OVER: [ObjectIdentifier; 4] = [
    // RFC 5280 §4.2.1.1: which key of the issuer signed; a requester cannot know which one will.
    oid::AUTHORITY_KEY_IDENTIFIER,
    // RFC 5280 §4.2.1.2: a digest of the key, computed by us.
    oid::SUBJECT_KEY_IDENTIFIER,
    // RFC 5280 §4.2.1.13, §4.2.2.1: where the issuer publishes; it moves, and an old certificate names the old place.
    oid::CRL_DISTRIBUTION_POINTS,
    oid::AUTHORITY_INFO_ACCESS,
];

/// The request may repeat what the profile gives anyway, and what is the authority's to say; whatever else it asks for is
/// refused, known or not: powers (CA, OCSP, policy mappings), limits (name constraints, periods of use) and other names.
pub(super) fn check_extension(extension: &Extension, profile: &CertificateProfile) -> Result<(), ProveError> {
    let value = extension.extn_value.as_bytes();
    let harmless = match extension.extn_id {
        // Names were compared with the subject.
        oid::SUBJECT_ALT_NAME => true,
        oid::BASIC_CONSTRAINTS => {
            is_end_entity(value) && !profile.is_authority() || is_same_authority(value, profile)
        }
        oid::KEY_USAGE => KeyUsage::from_der(value).is_ok_and(|usage| within_usage(usage, profile)),
        oid::EXTENDED_KEY_USAGE => ExtendedKeyUsage::from_der(value)
            .is_ok_and(|usage| !usage.0.is_empty() && within_purposes(&usage.0, profile)),
        // RFC 5280 §4.2.1.4: a policy is an assurance; another one than the profile's is a wish.
        oid::CERTIFICATE_POLICIES => !extension.critical && is_policy_of(profile, value),
        // A critical one asks that those who rely on the certificate must obey it: that is a wish.
        other => PASSED_OVER.contains(&other) && !extension.critical,
    };
    if harmless { Ok(()) } else { Err(ProveError::Extension { extension: extension.extn_id }) }
}

/// Whether the value names the policy of the profile, without qualifiers, and no other.
fn is_policy_of(profile: &CertificateProfile, value: &[u8]) -> bool {
    let Ok(CertificatePolicies(asked)) = CertificatePolicies::from_der(value) else { return false };
    let ours = |policy: &PolicyInformation| {
        Some(policy.policy_identifier) == profile.parts().policy && policy.policy_qualifiers.is_none()
    };
    !asked.is_empty() && asked.iter().all(ours)
}

fn is_end_entity(value: &[u8]) -> bool {
    BasicConstraints::from_der(value).is_ok_and(|asked| !asked.ca && asked.path_len_constraint.is_none())
}

fn is_same_authority(value: &[u8], profile: &CertificateProfile) -> bool {
    let ours = profile.parts().path_length;
    ours.is_some()
        && BasicConstraints::from_der(value).is_ok_and(|asked| {
            asked.ca && (asked.path_len_constraint.is_none() || asked.path_len_constraint == ours)
        })
}

fn within_usage(asked: KeyUsage, profile: &CertificateProfile) -> bool {
    use x509_cert::ext::pkix::KeyUsages;
    let given = |flag| {
        let bit = match flag {
            KeyUsages::DigitalSignature => KeyUsageBit::DigitalSignature,
            KeyUsages::KeyAgreement => KeyUsageBit::KeyAgreement,
            KeyUsages::KeyCertSign => KeyUsageBit::KeyCertSign,
            KeyUsages::CRLSign => KeyUsageBit::CrlSign,
            KeyUsages::NonRepudiation
            | KeyUsages::KeyEncipherment
            | KeyUsages::DataEncipherment
            | KeyUsages::EncipherOnly
            | KeyUsages::DecipherOnly => return false,
        };
        profile.parts().key_usage.contains(&bit)
    };
    // RFC 5280 §4.2.1.3: at least one bit is set.
    !asked.0.is_empty() && asked.0.into_iter().all(given)
}

fn within_purposes(asked: &[ObjectIdentifier], profile: &CertificateProfile) -> bool {
    let given = profile.parts().extended_key_usage.as_ref();
    given.is_some_and(|rule| asked.iter().all(|purpose| rule.purposes.contains(purpose)))
}
