//! Rules for the subject name and the subject alternative name.
//!
//! The issuer name needs none: it is octet for octet the issuer's subject name. RFC 5280 §4.1.2.4, §4.1.2.6, §4.2.1.6,
//! App. A; RFC 4108 §5; RFC 1034 §3.5.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc4519;
use der::Tagged;
use der::asn1::{Ia5StringRef, PrintableStringRef, Utf8StringRef};
use der::{Tag, asn1::Any};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::{GeneralName, HardwareModuleName};

use crate::lint::{Examined, require};
use crate::oid;

/// emailAddress (RFC 5280 App. A).
const EMAIL_ADDRESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1");

/// ub-common-name, ub-organization-name, ub-organizational-unit-name, ub-serial-number: 64 characters each.
const LIMITED: [ObjectIdentifier; 4] =
    [oid::COMMON_NAME, oid::ORGANIZATION_NAME, oid::ORGANIZATIONAL_UNIT_NAME, oid::SERIAL_NUMBER];

/// Attributes are UTF8String or PrintableString, except those that RFC 5280 gives one string type of their own.
pub(super) fn strings(examined: &Examined<'_>) -> Result<(), String> {
    for AttributeTypeAndValue { oid, value } in examined.fields().subject().iter() {
        let allowed: &[Tag] = match *oid {
            oid::COUNTRY_NAME | oid::SERIAL_NUMBER | rfc4519::DN_QUALIFIER => &[Tag::PrintableString],
            EMAIL_ADDRESS | rfc4519::DC => &[Tag::Ia5String],
            _ => &[Tag::Utf8String, Tag::PrintableString],
        };
        require(allowed.contains(&value.tag()) && text(value).is_some(), || {
            format!("the attribute {oid} of the subject is {}, not {}", value.tag(), join(allowed))
        })?;
    }
    Ok(())
}

fn join(tags: &[Tag]) -> String {
    tags.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

/// Returns the text of a string value, or `None` when it holds what its type cannot.
fn text(value: &Any) -> Option<&str> {
    if value.tag() == Tag::PrintableString {
        value.decode_as::<PrintableStringRef<'_>>().ok().map(|text| text.as_str())
    } else if value.tag() == Tag::Ia5String {
        value.decode_as::<Ia5StringRef<'_>>().ok().map(|text| text.as_str())
    } else {
        value.decode_as::<Utf8StringRef<'_>>().ok().map(|text| text.as_str())
    }
}

/// A country is two upper-case letters.
pub(super) fn country(examined: &Examined<'_>) -> Result<(), String> {
    for attribute in examined.fields().subject().iter() {
        let two_letters =
            |text: &str| text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_uppercase());
        let octets = String::from_utf8_lossy(attribute.value.value());
        require(attribute.oid != oid::COUNTRY_NAME || two_letters(&octets), || {
            format!("the country {octets:?} is not a code of two upper-case letters")
        })?;
    }
    Ok(())
}

/// No attribute is empty, and none is longer than its upper bound.
pub(super) fn lengths(examined: &Examined<'_>) -> Result<(), String> {
    for AttributeTypeAndValue { oid, value } in examined.fields().subject().iter() {
        let characters = String::from_utf8_lossy(value.value()).chars().count();
        require(characters > 0, || format!("the attribute {oid} of the subject is empty"))?;
        require(characters <= 64 || !LIMITED.contains(oid), || {
            format!("the attribute {oid} of the subject has {characters} characters, more than 64")
        })?;
    }
    Ok(())
}

/// A CA has a subject name; an end entity has one or a subject alternative name.
pub(super) fn subject_present(examined: &Examined<'_>) -> Result<(), String> {
    let named = !examined.fields().subject().is_empty();
    require(named || !examined.is_authority(), || "the subject of a CA is empty".to_owned())?;
    require(named || examined.has(oid::SUBJECT_ALT_NAME), || {
        "the subject is empty and there is no subject alternative name".to_owned()
    })
}

/// The subject alternative name holds a name, and is critical exactly when the subject is empty.
pub(super) fn alternative_name(examined: &Examined<'_>) -> Result<(), String> {
    let critical = examined.extension(oid::SUBJECT_ALT_NAME).is_some_and(|extension| extension.critical);
    let nameless = examined.fields().subject().is_empty();
    require(critical == nameless, || {
        format!("the subject alternative name is critical: {critical}; the subject is empty: {nameless}")
    })?;
    let names = examined.decoded::<SubjectAltName>(oid::SUBJECT_ALT_NAME);
    require(names.is_none_or(|names| !names.0.is_empty()), || {
        "the subject alternative name holds no name".to_owned()
    })
}

/// Each alternative name has the form that its kind asks for.
pub(super) fn alternative_name_forms(examined: &Examined<'_>) -> Result<(), String> {
    let names = examined.decoded::<SubjectAltName>(oid::SUBJECT_ALT_NAME).unwrap_or_default();
    for name in &names.0 {
        require(has_its_form(name), || format!("the alternative name {name:?} is malformed"))?;
    }
    Ok(())
}

fn has_its_form(name: &GeneralName) -> bool {
    match name {
        GeneralName::DnsName(name) => is_host_name(name.as_str()),
        GeneralName::Rfc822Name(name) => is_mailbox(name.as_str()),
        GeneralName::UniformResourceIdentifier(uri) => is_absolute_uri(uri.as_str()),
        GeneralName::IpAddress(octets) => matches!(octets.as_bytes().len(), 4 | 16),
        GeneralName::DirectoryName(name) => !name.is_empty(),
        GeneralName::OtherName(name) if name.type_id == oid::HARDWARE_MODULE_NAME => {
            name.value.decode_as::<HardwareModuleName>().is_ok()
        }
        GeneralName::OtherName(_) | GeneralName::EdiPartyName(_) | GeneralName::RegisteredId(_) => true,
    }
}

/// The preferred name syntax of RFC 1034 §3.5 as RFC 1123 §2.1 relaxed it: no blank, no wildcard, no trailing dot.
fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

fn is_mailbox(name: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_graphic());
    name.rsplit_once('@')
        .is_some_and(|(local, host)| plain(local) && !local.contains('@') && is_host_name(host))
}

/// RFC 5280 §4.2.1.6: not a relative URI; a scheme and a scheme-specific part are there.
fn is_absolute_uri(uri: &str) -> bool {
    let scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet))
    };
    uri.bytes().all(|octet| octet.is_ascii_graphic())
        && uri.split_once(':').is_some_and(|(name, rest)| scheme(name) && !rest.is_empty())
}
