//! Rules for extensions as such, for key identifiers, policies and pointers.
//!
//! Usages and constraints have their own file. RFC 5280 §4.2, §4.2.1.1, §4.2.1.2, §4.2.1.4, §4.2.1.13, §4.2.2.1.

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, Null};
use der::{Decode, Encode, Reader, SliceReader};
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies,
    CrlDistributionPoints, ExtendedKeyUsage, IssuerAltName, KeyUsage, NameConstraints, PolicyConstraints,
    PolicyMappings, SubjectAltName, SubjectKeyIdentifier,
};

use crate::lint::{Examined, encodes_to, require};
use crate::oid;

/// How deep an extension of an unknown type may nest.
const MAX_DEPTH: u8 = 16;

/// There is at least one extension: the SEQUENCE is not empty.
pub(super) fn some(examined: &Examined<'_>) -> Result<(), String> {
    require(!examined.extensions().is_empty(), || "there is no extension".to_owned())
}

/// No extension appears twice.
pub(super) fn once(examined: &Examined<'_>) -> Result<(), String> {
    let mut seen = Vec::new();
    for extension in examined.extensions() {
        require(!seen.contains(&extension.extn_id), || {
            format!("the extension {} appears twice", extension.extn_id)
        })?;
        seen.push(extension.extn_id);
    }
    Ok(())
}

/// Each extension value is the DER of its type, or of anything if the type is not known here.
pub(super) fn der(examined: &Examined<'_>) -> Result<(), String> {
    for extension in examined.extensions() {
        require(is_der_of(extension.extn_id, extension.extn_value.as_bytes()), || {
            format!("the value of the extension {} is not DER of its type", extension.extn_id)
        })?;
    }
    Ok(())
}

fn is_der_of(extension: ObjectIdentifier, value: &[u8]) -> bool {
    match extension {
        oid::SUBJECT_KEY_IDENTIFIER => round_trips::<SubjectKeyIdentifier>(value),
        oid::KEY_USAGE => round_trips::<KeyUsage>(value),
        oid::SUBJECT_ALT_NAME => round_trips::<SubjectAltName>(value),
        oid::ISSUER_ALT_NAME => round_trips::<IssuerAltName>(value),
        oid::BASIC_CONSTRAINTS => round_trips::<BasicConstraints>(value),
        oid::NAME_CONSTRAINTS => round_trips::<NameConstraints>(value),
        oid::CRL_DISTRIBUTION_POINTS | oid::FRESHEST_CRL => round_trips::<CrlDistributionPoints>(value),
        oid::CERTIFICATE_POLICIES => round_trips::<CertificatePolicies>(value),
        oid::POLICY_MAPPINGS => round_trips::<PolicyMappings>(value),
        oid::AUTHORITY_KEY_IDENTIFIER => round_trips::<AuthorityKeyIdentifier>(value),
        oid::POLICY_CONSTRAINTS => round_trips::<PolicyConstraints>(value),
        oid::EXTENDED_KEY_USAGE => round_trips::<ExtendedKeyUsage>(value),
        oid::AUTHORITY_INFO_ACCESS => round_trips::<AuthorityInfoAccessSyntax>(value),
        oid::OCSP_NO_CHECK => round_trips::<Null>(value),
        _ => is_well_formed(value, MAX_DEPTH),
    }
}

fn round_trips<T: for<'a> Decode<'a> + Encode>(value: &[u8]) -> bool {
    T::from_der(value).is_ok_and(|decoded| encodes_to(&decoded, value))
}

/// Tells whether the octets are one DER value whose parts are DER values too.
fn is_well_formed(value: &[u8], depth: u8) -> bool {
    let (Ok(any), Some(deeper)) = (AnyRef::from_der(value), depth.checked_sub(1)) else {
        return false;
    };
    if !any.header().tag().is_constructed() {
        return true;
    }
    let Ok(mut reader) = SliceReader::new(any.value()) else {
        return any.value().is_empty();
    };
    while !reader.is_finished() {
        let Ok(part) = reader.tlv_bytes() else {
            return false;
        };
        if !is_well_formed(part, deeper) {
            return false;
        }
    }
    true
}

/// The authority key identifier is there (self-signed certificates may go without), not critical, and a key identifier only.
pub(super) fn authority_key_identifier(examined: &Examined<'_>) -> Result<(), String> {
    let Some(extension) = examined.extension(oid::AUTHORITY_KEY_IDENTIFIER) else {
        return require(examined.issuer().is_none(), || "there is no authority key identifier".to_owned());
    };
    require(!extension.critical, || "the authority key identifier is critical".to_owned())?;
    let Some(decoded) = examined.decoded::<AuthorityKeyIdentifier>(oid::AUTHORITY_KEY_IDENTIFIER) else {
        return Ok(());
    };
    let key_only = decoded.key_identifier.is_some()
        && decoded.authority_cert_issuer.is_none()
        && decoded.authority_cert_serial_number.is_none();
    require(key_only, || "the authority key identifier is not a key identifier alone".to_owned())
}

/// The authority key identifier is the subject key identifier of the issuer's certificate.
pub(super) fn authority_key_identifier_value(examined: &Examined<'_>) -> Result<(), String> {
    let identifier = examined
        .decoded::<AuthorityKeyIdentifier>(oid::AUTHORITY_KEY_IDENTIFIER)
        .and_then(|decoded| decoded.key_identifier);
    let expected = match examined.issuer() {
        Some(issuer) => Some(issuer.key_identifier()),
        None => examined
            .decoded::<SubjectKeyIdentifier>(oid::SUBJECT_KEY_IDENTIFIER)
            .map(|own| own.0.as_bytes().to_vec()),
    };
    let (Some(identifier), Some(expected)) = (identifier, expected) else {
        return Ok(());
    };
    require(identifier.as_bytes() == expected, || {
        "the authority key identifier is not the subject key identifier of the issuer".to_owned()
    })
}

/// The subject key identifier is there and not critical.
pub(super) fn subject_key_identifier(examined: &Examined<'_>) -> Result<(), String> {
    let extension = examined.extension(oid::SUBJECT_KEY_IDENTIFIER);
    require(extension.is_some(), || "there is no subject key identifier".to_owned())?;
    require(extension.is_some_and(|extension| !extension.critical), || {
        "the subject key identifier is critical".to_owned()
    })
}

/// The subject key identifier is computed from the key by the method that the profile names.
pub(super) fn subject_key_identifier_value(examined: &Examined<'_>) -> Result<(), String> {
    let identifier = examined.decoded::<SubjectKeyIdentifier>(oid::SUBJECT_KEY_IDENTIFIER);
    let method = examined.input().profile.parts().key_identifier;
    let expected = examined.public_key().ok().map(|key| key.key_identifier(method));
    let (Some(identifier), Some(expected)) = (identifier, expected) else {
        return Ok(());
    };
    require(identifier.0.as_bytes() == expected, || {
        format!("the subject key identifier is not that of the key by {method:?}")
    })
}

/// There is at least one certificate policy, and none appears twice.
pub(super) fn certificate_policies(examined: &Examined<'_>) -> Result<(), String> {
    let Some(policies) = examined.decoded::<CertificatePolicies>(oid::CERTIFICATE_POLICIES) else {
        return Ok(());
    };
    require(!policies.0.is_empty(), || "there is no certificate policy".to_owned())?;
    let mut seen = Vec::new();
    for policy in &policies.0 {
        require(!seen.contains(&policy.policy_identifier), || {
            format!("the certificate policy {} appears twice", policy.policy_identifier)
        })?;
        seen.push(policy.policy_identifier);
    }
    Ok(())
}

/// Each CRL distribution point gives full names, all of them `http://` URIs.
pub(super) fn crl_distribution_points(examined: &Examined<'_>) -> Result<(), String> {
    let Some(points) = examined.decoded::<CrlDistributionPoints>(oid::CRL_DISTRIBUTION_POINTS) else {
        return Ok(());
    };
    require(!points.0.is_empty(), || "there is no CRL distribution point".to_owned())?;
    for point in &points.0 {
        let fetchable = match &point.distribution_point {
            Some(DistributionPointName::FullName(names)) => {
                !names.is_empty() && names.iter().all(is_plain_http)
            }
            Some(DistributionPointName::NameRelativeToCRLIssuer(_)) | None => false,
        };
        require(fetchable, || "a CRL distribution point is not a plain http:// URI".to_owned())?;
    }
    Ok(())
}

/// Authority information access is not critical, not empty, and all of it `http://` URIs.
pub(super) fn authority_information_access(examined: &Examined<'_>) -> Result<(), String> {
    let critical = examined.extension(oid::AUTHORITY_INFO_ACCESS).is_some_and(|extension| extension.critical);
    require(!critical, || "authority information access is critical".to_owned())?;
    let Some(access) = examined.decoded::<AuthorityInfoAccessSyntax>(oid::AUTHORITY_INFO_ACCESS) else {
        return Ok(());
    };
    require(!access.0.is_empty(), || "authority information access is empty".to_owned())?;
    for description in &access.0 {
        let method = description.access_method;
        require([oid::ACCESS_OCSP, oid::ACCESS_CA_ISSUERS].contains(&method), || {
            format!("the access method {method} is neither OCSP nor caIssuers")
        })?;
        require(is_plain_http(&description.access_location), || {
            "an access location is not a plain http:// URI".to_owned()
        })?;
    }
    Ok(())
}

/// HTTPS here would need a certificate check to fetch what a certificate check needs.
fn is_plain_http(name: &GeneralName) -> bool {
    matches!(name, GeneralName::UniformResourceIdentifier(uri)
        if uri.as_str().strip_prefix("http://").is_some_and(|rest| !rest.is_empty()))
}
