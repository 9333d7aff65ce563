//! The extensions of a sample: order, criticality and size from its octets, what is in them from its profile, which the linter has
//! held them against.

use ca_core::certificate::Certificate;
use ca_core::oid;
use ca_core::profile::{AlternativeNameRule, CertificateProfile, SubjectRule};
use ca_core::public_key::KeyIdentifierMethod;
use const_oid::ObjectIdentifier;
use der::Encode;
use serde::Serialize;
use utoipa::ToSchema;

use super::words;

/// An extension of certificates of a profile.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ExtensionReference {
    /// Its name in the standard.
    pub(crate) name: String,
    /// Its object identifier.
    pub(crate) oid: String,
    /// Whether it is critical; absent where that depends on the request.
    pub(crate) critical: Option<bool>,
    /// What is in it.
    pub(crate) value: String,
    /// How long it is in the sample, with its header, in octets; absent where the sample has none.
    pub(crate) octets: Option<usize>,
}

/// Tells the extensions of a sample, and those that a request may add.
pub(super) fn told(
    certificate: &Certificate,
    profile: &CertificateProfile,
    field: impl Fn(&str) -> String,
) -> Vec<ExtensionReference> {
    let mut found: Vec<ExtensionReference> = certificate
        .extensions()
        .iter()
        .map(|extension| ExtensionReference {
            name: name(extension.extn_id).to_owned(),
            oid: extension.extn_id.to_string(),
            critical: Some(extension.critical),
            value: value(extension.extn_id, profile, &field),
            octets: extension.encoded_len().ok().and_then(|length| usize::try_from(u32::from(length)).ok()),
        })
        .collect();
    let names = &profile.parts().alternative_name;
    let is_optional = matches!(
        names,
        AlternativeNameRule::DnsNames { required: false, .. } | AlternativeNameRule::UriOrEmail
    );
    if is_optional && certificate.extension(oid::SUBJECT_ALT_NAME).is_none() {
        found.push(ExtensionReference {
            name: name(oid::SUBJECT_ALT_NAME).to_owned(),
            oid: oid::SUBJECT_ALT_NAME.to_string(),
            critical: None,
            value: words::alternative_name(names),
            octets: None,
        });
    }
    found
}

/// The name of an extension in RFC 5280 or RFC 6960.
fn name(oid: ObjectIdentifier) -> &'static str {
    const NAMES: [(ObjectIdentifier, &str); 11] = [
        (oid::BASIC_CONSTRAINTS, "basicConstraints"),
        (oid::KEY_USAGE, "keyUsage"),
        (oid::EXTENDED_KEY_USAGE, "extendedKeyUsage"),
        (oid::SUBJECT_KEY_IDENTIFIER, "subjectKeyIdentifier"),
        (oid::AUTHORITY_KEY_IDENTIFIER, "authorityKeyIdentifier"),
        (oid::CERTIFICATE_POLICIES, "certificatePolicies"),
        (oid::SUBJECT_ALT_NAME, "subjectAltName"),
        (oid::CRL_DISTRIBUTION_POINTS, "cRLDistributionPoints"),
        (oid::FRESHEST_CRL, "freshestCRL"),
        (oid::AUTHORITY_INFO_ACCESS, "authorityInfoAccess"),
        (oid::OCSP_NO_CHECK, "id-pkix-ocsp-nocheck"),
    ];
    NAMES.iter().find(|(known, _)| *known == oid).map_or("unknown", |(_, name)| name)
}

fn value(oid: ObjectIdentifier, profile: &CertificateProfile, field: impl Fn(&str) -> String) -> String {
    let parts = profile.parts();
    let identifier = match parts.key_identifier {
        KeyIdentifierMethod::Sha1Full => "SHA-1 of the public key, 20 octets (RFC 5280 §4.2.1.2, method 1)",
        KeyIdentifierMethod::Sha1Short => {
            "0100 and the last 60 bits of the SHA-1 of the public key, 8 octets (RFC 5280 §4.2.1.2, method 2)"
        }
    };
    match oid {
        oid::BASIC_CONSTRAINTS => format!("cA TRUE, pathLenConstraint {}", field("path_length")),
        oid::KEY_USAGE => field("key_usage"),
        oid::EXTENDED_KEY_USAGE => field("extended_key_usage"),
        oid::SUBJECT_KEY_IDENTIFIER => identifier.to_owned(),
        oid::AUTHORITY_KEY_IDENTIFIER => {
            "keyIdentifier alone: the subject key identifier of the authority's certificate".to_owned()
        }
        oid::CERTIFICATE_POLICIES => format!("{}, without qualifiers", field("policy")),
        oid::SUBJECT_ALT_NAME if parts.subject == SubjectRule::Empty => {
            format!("{}; critical, since the subject is empty", words::alternative_name(&parts.alternative_name))
        }
        oid::SUBJECT_ALT_NAME => words::alternative_name(&parts.alternative_name),
        oid::CRL_DISTRIBUTION_POINTS => {
            "one distribution point with one URI (http): the authority's CRL, or the shard that lists the certificate"
                .to_owned()
        }
        oid::FRESHEST_CRL => "one URI (http): the delta CRL".to_owned(),
        oid::AUTHORITY_INFO_ACCESS => {
            "caIssuers: one URI (http) of the authority's certificate; ocsp: one URI (http), of authorities with a responder"
                .to_owned()
        }
        oid::OCSP_NO_CHECK => "NULL".to_owned(),
        _ => String::new(),
    }
}
