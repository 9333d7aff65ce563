//! Profiles for the tests: a few of those that the field uses, cut down to what a test looks at.

use ca_core::oid;
use ca_core::profile::{
    AlternativeNameRule, Approval, CertificateProfile, ExtendedKeyUsageRule, Hierarchy, KeyReuse,
    KeyUsageBit, NameChange, Pointers, ProfileId, ProfileParts, RenewalRule, RenewalWindow, SubjectRule,
    ValidityRule,
};
use ca_core::public_key::KeyIdentifierMethod;
use ca_core::suite::SecuritySuite;

use crate::doubles::clock::{DAY, HOUR};

pub(crate) fn id(text: &str) -> ProfileId {
    ProfileId::parse(text).unwrap()
}

pub(crate) fn made(parts: ProfileParts) -> CertificateProfile {
    CertificateProfile::new(parts).unwrap()
}

/// An operational signature certificate of a device: the pattern of all others.
pub(crate) fn operational(suite: SecuritySuite) -> ProfileParts {
    ProfileParts {
        id: id("op-ds"),
        version: 3,
        suite,
        hierarchy: Hierarchy::Operational,
        subject: SubjectRule::SystemTitle,
        alternative_name: AlternativeNameRule::Absent,
        path_length: None,
        key_usage: vec![KeyUsageBit::DigitalSignature],
        extended_key_usage: None,
        validity: ValidityRule::Fixed { seconds: 365 * DAY },
        backdate_seconds: 0,
        issuing_window_seconds: None,
        policy: None,
        key_identifier: KeyIdentifierMethod::Sha1Full,
        pointers: Pointers::None,
        ocsp_no_check: false,
        full_length_signature: true,
        key_reuse: KeyReuse::Refused,
        name_change: NameChange::Refused,
        renewal: RenewalRule { window: RenewalWindow::AnyTime, ..RenewalRule::DEFAULT },
        approval: Approval::NotNeeded,
        transition_issuer: false,
        short_lived: false,
        revoke_replaced_after_seconds: None,
        max_octets: 700,
    }
}

/// A key-agreement certificate of a device.
pub(crate) fn key_agreement(suite: SecuritySuite) -> ProfileParts {
    ProfileParts { id: id("op-ka"), key_usage: vec![KeyUsageBit::KeyAgreement], ..operational(suite) }
}

/// A TLS certificate of a gateway, which may keep its key and have host names.
pub(crate) fn gateway(suite: SecuritySuite) -> ProfileParts {
    ProfileParts {
        id: id("op-tls"),
        key_usage: vec![KeyUsageBit::DigitalSignature, KeyUsageBit::KeyAgreement],
        extended_key_usage: Some(ExtendedKeyUsageRule {
            purposes: vec![oid::SERVER_AUTH, oid::CLIENT_AUTH],
            critical: false,
        }),
        alternative_name: AlternativeNameRule::DnsNames { required: false, max: 4 },
        key_reuse: KeyReuse::Allowed,
        ..operational(suite)
    }
}

/// A technician's shift.
pub(crate) fn maintenance(suite: SecuritySuite) -> ProfileParts {
    ProfileParts {
        id: id("hhu-ds"),
        hierarchy: Hierarchy::Maintenance,
        short_lived: true,
        validity: ValidityRule::Range {
            min_seconds: HOUR / 4,
            default_seconds: 12 * HOUR,
            max_seconds: 24 * HOUR,
        },
        ..operational(suite)
    }
}

/// A factory certificate.
pub(crate) fn factory(suite: SecuritySuite) -> ProfileParts {
    ProfileParts {
        id: id("factory-ds"),
        hierarchy: Hierarchy::Factory,
        validity: ValidityRule::Fixed { seconds: 2_000 * DAY },
        ..operational(suite)
    }
}

/// A TLS server.
pub(crate) fn server(suite: SecuritySuite) -> ProfileParts {
    ProfileParts {
        id: id("server"),
        hierarchy: Hierarchy::Infrastructure,
        subject: SubjectRule::DistinguishedName { max_octets: 200 },
        alternative_name: AlternativeNameRule::DnsNames { required: true, max: 16 },
        extended_key_usage: Some(ExtendedKeyUsageRule { purposes: vec![oid::SERVER_AUTH], critical: false }),
        validity: ValidityRule::Fixed { seconds: 90 * DAY },
        max_octets: 1_024,
        ..operational(suite)
    }
}

/// A person, or a station that acts as a registration authority.
pub(crate) fn named(suite: SecuritySuite) -> ProfileParts {
    ProfileParts {
        id: id("named"),
        hierarchy: Hierarchy::Infrastructure,
        subject: SubjectRule::DistinguishedName { max_octets: 200 },
        alternative_name: AlternativeNameRule::UriOrEmail,
        extended_key_usage: Some(ExtendedKeyUsageRule {
            purposes: vec![oid::CLIENT_AUTH, oid::CMC_RA],
            critical: false,
        }),
        ..operational(suite)
    }
}

/// An OCSP responder.
pub(crate) fn responder(suite: SecuritySuite) -> ProfileParts {
    ProfileParts {
        id: id("ocsp"),
        alternative_name: AlternativeNameRule::Absent,
        extended_key_usage: Some(ExtendedKeyUsageRule { purposes: vec![oid::OCSP_SIGNING], critical: false }),
        validity: ValidityRule::Fixed { seconds: 14 * DAY },
        ocsp_no_check: true,
        ..named(suite)
    }
}

/// A CA with this path length.
pub(crate) fn authority(suite: SecuritySuite, path_length: u8) -> ProfileParts {
    ProfileParts {
        id: id("sub"),
        hierarchy: Hierarchy::Authority,
        subject: SubjectRule::DistinguishedName { max_octets: 127 },
        path_length: Some(path_length),
        key_usage: vec![KeyUsageBit::KeyCertSign, KeyUsageBit::CrlSign],
        validity: ValidityRule::Fixed { seconds: 5_000 * DAY },
        ..operational(suite)
    }
}
