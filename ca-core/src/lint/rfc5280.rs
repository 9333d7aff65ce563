//! The rules of RFC 5280 for certificates, with those of RFC 3161, 5480, 5758 and 6960 that it leads to.
//!
//! The table below is the list; one function per rule stands in the file of its subject. What a profile asks beyond the RFC
//! is not here. RFC 5280 §4, §6.1.

pub mod extensions;
pub mod fields;
pub mod names;
#[cfg(test)]
mod tests;
pub mod usages;

use crate::lint::Rule;
use crate::oid;

/// The name of the rule that the octets are DER: the only one that can be broken by octets that no other can look at.
pub(super) const DER: &str = "rfc5280.der";
/// Where that rule is written.
pub(super) const DER_CITATION: &str = "RFC 5280 §4.1, §4.1.2.5; X.690 §10, §11";

/// Every rule, in the order of the certificate's fields.
pub const RULES: &[Rule] = &[
    Rule::new(DER, DER_CITATION, fields::der),
    Rule::new("rfc5280.version", "RFC 5280 §4.1.2.1", fields::version),
    Rule::new("rfc5280.serial-number", "RFC 5280 §4.1.2.2", fields::serial_number),
    Rule::new(
        "rfc5280.signature-algorithm",
        "RFC 5280 §4.1.1.2, §4.1.2.3; RFC 5758 §3.2",
        fields::signature_algorithm,
    ),
    Rule::new("rfc5280.issuer-name", "RFC 5280 §4.1.2.4", fields::issuer_name),
    Rule::new("rfc5280.validity-order", "RFC 5280 §4.1.2.5", fields::validity_order),
    Rule::new("rfc5280.time-encoding", "RFC 5280 §4.1.2.5", fields::time_encoding),
    Rule::new("rfc5280.ends-before-issuer", "RFC 5280 §6.1.3 (a)(2)", fields::ends_before_issuer),
    Rule::new("rfc5280.issuer-valid-now", "RFC 5280 §6.1.3 (a)(2)", fields::issuer_valid_now),
    Rule::new("rfc5280.public-key", "RFC 5280 §4.1.2.7; RFC 5480 §2.1.1, §2.2", fields::public_key),
    Rule::new("rfc5280.unique-identifiers", "RFC 5280 §4.1.2.8", fields::unique_identifiers),
    Rule::new("rfc5280.name-strings", "RFC 5280 §4.1.2.4, App. A", names::strings),
    Rule::new("rfc5280.country", "RFC 5280 App. A; ISO 3166", names::country),
    Rule::new("rfc5280.name-lengths", "RFC 5280 App. A", names::lengths),
    Rule::new("rfc5280.subject-present", "RFC 5280 §4.1.2.6", names::subject_present),
    Rule::new("rfc5280.extensions-present", "RFC 5280 §4.1.2.9, §4.1", extensions::some),
    Rule::new("rfc5280.extension-once", "RFC 5280 §4.2", extensions::once),
    Rule::new("rfc5280.extension-der", "RFC 5280 §4.2; X.690 §10, §11", extensions::der),
    Rule::new("rfc5280.authority-key-identifier", "RFC 5280 §4.2.1.1", extensions::authority_key_identifier),
    Rule::new(
        "rfc5280.authority-key-identifier-value",
        "RFC 5280 §4.2.1.1",
        extensions::authority_key_identifier_value,
    ),
    Rule::new("rfc5280.subject-key-identifier", "RFC 5280 §4.2.1.2", extensions::subject_key_identifier),
    Rule::new(
        "rfc5280.subject-key-identifier-value",
        "RFC 5280 §4.2.1.2",
        extensions::subject_key_identifier_value,
    ),
    Rule::new("rfc5280.key-usage", "RFC 5280 §4.2.1.3", usages::key_usage),
    Rule::new("rfc5280.key-cert-sign", "RFC 5280 §4.2.1.3, §4.2.1.9", usages::key_cert_sign),
    Rule::new("rfc5280.certificate-policies", "RFC 5280 §4.2.1.4", extensions::certificate_policies)
        .only_if(|examined| examined.has(oid::CERTIFICATE_POLICIES)),
    Rule::new("rfc5280.subject-alt-name", "RFC 5280 §4.1.2.6, §4.2.1.6", names::alternative_name)
        .only_if(|examined| examined.has(oid::SUBJECT_ALT_NAME)),
    Rule::new("rfc5280.subject-alt-name-forms", "RFC 5280 §4.2.1.6", names::alternative_name_forms)
        .only_if(|examined| examined.has(oid::SUBJECT_ALT_NAME)),
    Rule::new("rfc5280.basic-constraints", "RFC 5280 §4.2.1.9", usages::basic_constraints),
    Rule::new("rfc5280.path-length", "RFC 5280 §4.2.1.9", usages::path_length),
    Rule::new("rfc5280.path-depth", "RFC 5280 §6.1.4 (l), (m)", usages::path_depth),
    Rule::new("rfc5280.extended-key-usage", "RFC 5280 §4.2.1.12", usages::extended_key_usage)
        .only_if(|examined| examined.has(oid::EXTENDED_KEY_USAGE)),
    Rule::new("rfc5280.usages-agree", "RFC 5280 §4.2.1.12", usages::agree),
    Rule::new("rfc3161.time-stamping", "RFC 3161 §2.3", usages::time_stamping),
    Rule::new("rfc6960.ocsp-signing", "RFC 6960 §4.2.2.2, §4.2.2.2.1", usages::ocsp_signing),
    Rule::new("rfc5280.crl-distribution-points", "RFC 5280 §4.2.1.13", extensions::crl_distribution_points)
        .only_if(|examined| examined.has(oid::CRL_DISTRIBUTION_POINTS)),
    Rule::new(
        "rfc5280.authority-information-access",
        "RFC 5280 §4.2.2.1",
        extensions::authority_information_access,
    )
    .only_if(|examined| examined.has(oid::AUTHORITY_INFO_ACCESS)),
];
