//! Whether the parts of a certificate profile fit together (RFC 5280 §4.2; Green Book 9.2.6.4).
//!
//! Finds every fault. Not whether a certificate keeps its profile: that is [`lint`](crate::lint)'s affair.

use const_oid::ObjectIdentifier;

use super::{
    AlternativeNameRule, Approval, Hierarchy, KeyPurpose, KeyUsageBit, Pointers, ProfileFault, ProfileParts,
    SubjectRule, ValidityRule, renewal,
};
use crate::oid;
use crate::validity::UnixTime;

/// Finds what is wrong with the parts of a profile, and what its keys are for if that can be said.
pub(super) fn examine(parts: &ProfileParts) -> (Option<KeyPurpose>, Vec<ProfileFault>) {
    let mut faults = Vec::new();
    let purpose = purpose_of(&parts.key_usage);
    if purpose.is_none() {
        faults.push(ProfileFault::KeyUsage);
    }
    check_authority(parts, purpose, &mut faults);
    check_extended_key_usage(parts, purpose, &mut faults);
    check_names(parts, &mut faults);
    check_validity(parts, &mut faults);
    renewal::check(parts, &mut faults);
    check_meter_facing(parts, &mut faults);
    check_short_lived(parts, &mut faults);
    if parts.version == 0 {
        faults.push(ProfileFault::Version);
    }
    if !(300..=4_096).contains(&parts.max_octets) {
        faults.push(ProfileFault::MaxOctets { octets: parts.max_octets });
    }
    (purpose, faults)
}

/// Tells whether certificates of such a profile are loaded into meters or into what parses like them.
pub(super) const fn is_meter_facing(parts: &ProfileParts) -> bool {
    parts.path_length.is_none()
        && matches!(parts.subject, SubjectRule::SystemTitle | SubjectRule::Empty | SubjectRule::Label16)
}

/// The four combinations of keyUsage bits that DLMS knows (Green Book 9.2.6.4, Table 29).
fn purpose_of(bits: &[KeyUsageBit]) -> Option<KeyPurpose> {
    use KeyUsageBit::{CrlSign, DigitalSignature, KeyAgreement, KeyCertSign};
    let mut sorted = bits.to_vec();
    sorted.sort_unstable();
    match sorted.as_slice() {
        [DigitalSignature] => Some(KeyPurpose::Signature),
        [KeyAgreement] => Some(KeyPurpose::KeyAgreement),
        [DigitalSignature, KeyAgreement] => Some(KeyPurpose::Tls),
        [KeyCertSign, CrlSign] => Some(KeyPurpose::CertificateSigning),
        _ => None,
    }
}

fn check_authority(parts: &ProfileParts, purpose: Option<KeyPurpose>, faults: &mut Vec<ProfileFault>) {
    // RFC 5280 §4.2.1.9: cA is asserted exactly when the key signs certificates.
    if (purpose == Some(KeyPurpose::CertificateSigning)) != parts.path_length.is_some() {
        faults.push(ProfileFault::BasicConstraints);
    }
    if parts.path_length.is_some() != (parts.hierarchy == Hierarchy::Authority) {
        faults.push(ProfileFault::Hierarchy);
    }
    let names_itself =
        matches!(parts.subject, SubjectRule::DistinguishedName { max_octets } if max_octets <= 127);
    if parts.path_length.is_some() && !names_itself {
        faults.push(ProfileFault::AuthorityName);
    }
    if parts.path_length.is_some() && parts.approval != Approval::NotNeeded {
        faults.push(ProfileFault::ApprovalOfAuthority);
    }
    if parts.issuing_window_seconds.is_some() && parts.path_length.is_none() {
        faults.push(ProfileFault::IssuingWindow);
    }
    // RFC 6960 §4.2.2.2.1: whoever trusts a responder without asking must be told so, and of responders only.
    if parts.ocsp_no_check != has_purpose(parts, oid::OCSP_SIGNING) {
        faults.push(ProfileFault::OcspNoCheck);
    }
}

fn has_purpose(parts: &ProfileParts, oid: ObjectIdentifier) -> bool {
    parts.extended_key_usage.as_ref().is_some_and(|rule| rule.purposes.contains(&oid))
}

fn check_extended_key_usage(
    parts: &ProfileParts,
    purpose: Option<KeyPurpose>,
    faults: &mut Vec<ProfileFault>,
) {
    match (&parts.extended_key_usage, purpose) {
        (None, Some(KeyPurpose::Tls)) => faults.push(ProfileFault::ExtendedKeyUsageMissing),
        (Some(rule), purpose) => {
            let any = oid::ANY_EXTENDED_KEY_USAGE;
            let doubled = rule
                .purposes
                .iter()
                .enumerate()
                .any(|(at, oid)| rule.purposes.iter().skip(at + 1).any(|other| other == oid));
            if rule.purposes.is_empty() || rule.purposes.contains(&any) || doubled {
                faults.push(ProfileFault::ExtendedKeyUsage);
            }
            // RFC 5280 §4.2.1.12: purposes that sign need digitalSignature; CAs have none here.
            if matches!(purpose, Some(KeyPurpose::KeyAgreement | KeyPurpose::CertificateSigning)) {
                faults.push(ProfileFault::ExtendedKeyUsage);
            }
            // A responder's key signs OCSP answers and does nothing else.
            let responder = rule.purposes.contains(&oid::OCSP_SIGNING);
            if responder && (rule.purposes.len() != 1 || purpose != Some(KeyPurpose::Signature)) {
                faults.push(ProfileFault::ExtendedKeyUsage);
            }
        }
        (None, _) => {}
    }
}

fn check_names(parts: &ProfileParts, faults: &mut Vec<ProfileFault>) {
    let hardware = matches!(parts.alternative_name, AlternativeNameRule::HardwareModule { .. });
    // RFC 5280 §4.1.2.6: an empty subject needs a (critical) subject alternative name.
    if parts.subject == SubjectRule::Empty && !hardware {
        faults.push(ProfileFault::NoName);
    }
    if hardware && !matches!(parts.subject, SubjectRule::Empty | SubjectRule::SystemTitle) {
        faults.push(ProfileFault::HardwareModuleWithoutTitle);
    }
}

fn check_validity(parts: &ProfileParts, faults: &mut Vec<ProfileFault>) {
    let sound = match parts.validity {
        ValidityRule::NoExpiry => true,
        // RFC 9810 §4.4.1: links are between CAs.
        ValidityRule::AsCertified { .. } => parts.path_length.is_some(),
        ValidityRule::Fixed { seconds } => (1..=UnixTime::NO_EXPIRY.seconds()).contains(&seconds),
        ValidityRule::Range { min_seconds, default_seconds, max_seconds } => {
            0 < min_seconds
                && min_seconds <= default_seconds
                && default_seconds <= max_seconds
                && max_seconds <= UnixTime::NO_EXPIRY.seconds()
        }
    };
    if !sound
        || parts.backdate_seconds > 3_600
        || parts.issuing_window_seconds.is_some_and(|window| window <= 0)
    {
        faults.push(ProfileFault::Validity);
    }
}

/// How long short-lived certificates are valid at most, in seconds: 7 days, as in the CA/Browser Forum's Baseline Requirements, 1.6.1.
const SHORT: i64 = 7 * 86_400;

fn check_short_lived(parts: &ProfileParts, faults: &mut Vec<ProfileFault>) {
    let longest = match parts.validity {
        ValidityRule::Fixed { seconds } => seconds,
        ValidityRule::Range { max_seconds, .. } => max_seconds,
        ValidityRule::NoExpiry | ValidityRule::AsCertified { .. } => i64::MAX,
    };
    let short = longest <= SHORT && parts.path_length.is_none() && parts.pointers == Pointers::None;
    if parts.short_lived && !short {
        faults.push(ProfileFault::ShortLived);
    }
}

fn check_meter_facing(parts: &ProfileParts, faults: &mut Vec<ProfileFault>) {
    if !is_meter_facing(parts) {
        return;
    }
    // Green Book 9.2.6.4: no cRLDistributionPoints on end entities; authorityInfoAccess is not in the table.
    if parts.pointers != Pointers::None {
        faults.push(ProfileFault::PointersOnMeterFacing);
    }
    let critical = parts.extended_key_usage.as_ref().is_some_and(|rule| rule.critical);
    let firmware = has_purpose(parts, oid::CODE_SIGNING);
    // Known DLMS parsers refuse a critical extended key usage.
    if critical && !firmware {
        faults.push(ProfileFault::CriticalExtendedKeyUsage);
    }
}
