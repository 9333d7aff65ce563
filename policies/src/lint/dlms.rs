//! What an issuing engine for DLMS/COSEM must refuse, as far as a drafted certificate shows it.
//!
//! The numbers are those of one list of seventeen refusals. Where the others are decided:
//!
//! | no. | refusal | decided by |
//! |--:|---|---|
//! | 7 | a system title that is not on the list of expected devices, or another tenant's | `ca_core::registration`, and the ledger when the intent is recorded |
//! | 8 | a key that is certified for another device or purpose | the ledger when the intent is recorded |
//! | 9 | a request that does not prove possession of its key | `ca_core::csr`: a `ProofOfPossession` comes from nowhere else |
//! | 13 | a serial number that was used before (its length is below) | the ledger when the intent is recorded |
//! | 14 | a second active certificate for one device, purpose and hierarchy | the ledger when the intent is recorded |
//! | 15 | a hand-held unit without a live work order (its lifetime is below) | whoever asks: work orders are kept by the registration authority, not here |
//! | 17 | a signature with short integers: drawn again, not refused | `ca_core::signing` |
//!
//! Two habits of the parsers in the field need no rule of their own: that private extensions are DER is
//! `rfc5280.extension-der`; that alternative names are of kinds they read is `profile.alternative-name`. Green Book 9.2.6.

use ca_core::lint::{Examined, Rule, require, rfc5280};
use ca_core::oid;
use ca_core::profile::{Hierarchy, SubjectRule};
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use ca_core::system_title::SystemTitle;
use const_oid::ObjectIdentifier;
use der::{Encode, Tag, Tagged};
use x509_cert::ext::pkix::KeyUsages;

/// How long a certificate for work in the field may be valid at most, in seconds: 72 hours.
const MAX_MAINTENANCE_SECONDS: i64 = 72 * 3_600;

/// Every rule, by its number.
pub const RULES: &[Rule] = &[
    Rule::new("dlms.01", "Green Book 9.2.6.5", no_stronger_key_than_issuer),
    Rule::new("dlms.02", "Green Book 9.2.6.4, 9.2.6.5", rfc5280::fields::signature_algorithm),
    Rule::new("dlms.03", "Green Book 9.2.6.4, Table 28", nothing_for_authorities).only_if(meter_facing),
    Rule::new("dlms.04", "Green Book 9.2.6.4, Table 29", one_key_one_purpose).only_if(end_entity),
    Rule::new("dlms.05", "Green Book 9.2.6.4, Table 28", extended_key_usage_of_profile),
    Rule::new("dlms.06", "Green Book 9.2.6.4, Table 27", device_name).only_if(meter_facing),
    Rule::new("dlms.10", "Green Book 9.2.3.4; RFC 5480 §2.2", rfc5280::fields::public_key),
    Rule::new("dlms.11", "Green Book 9.2.6.6", rfc5280::fields::ends_before_issuer),
    Rule::new("dlms.12", "DLMS libraries: names in class 64, attribute 6", authority_name_length),
    Rule::new("dlms.13", "DLMS libraries: INTEGERs of 2 and 4 octets", serial_number_length),
    Rule::new("dlms.15", "A shift, 72 hours at most", maintenance_lifetime).only_if(maintenance),
    Rule::new("dlms.16", "The issuing window of the CA's profile", issuing_window),
];

fn end_entity(examined: &Examined<'_>) -> bool {
    !examined.input().profile.is_authority()
}

fn meter_facing(examined: &Examined<'_>) -> bool {
    examined.input().profile.is_meter_facing()
}

fn maintenance(examined: &Examined<'_>) -> bool {
    examined.input().profile.parts().hierarchy == Hierarchy::Maintenance
}

/// 1: no P-384 key under a P-256 issuer.
fn no_stronger_key_than_issuer(examined: &Examined<'_>) -> Result<(), String> {
    let key = examined.public_key().map(PublicKey::curve).ok();
    let weaker = key == Some(Curve::P384) && examined.signing_curve() == Some(Curve::P256);
    require(!weaker, || "a P-384 key cannot be certified by a P-256 issuer".to_owned())
}

/// 3: none of the extensions that belong to CAs on what meters load.
fn nothing_for_authorities(examined: &Examined<'_>) -> Result<(), String> {
    let refused = [
        (oid::BASIC_CONSTRAINTS, "basicConstraints"),
        (oid::CRL_DISTRIBUTION_POINTS, "cRLDistributionPoints"),
        (oid::AUTHORITY_INFO_ACCESS, "authorityInfoAccess"),
        (oid::ISSUER_ALT_NAME, "issuerAltName"),
    ];
    for (oid, name) in refused {
        require(!examined.has(oid), || format!("a meter-facing certificate has {name}"))?;
    }
    Ok(())
}

/// 4: an end entity's key is for signatures, for key agreement, or for both with an extended key usage.
fn one_key_one_purpose(examined: &Examined<'_>) -> Result<(), String> {
    let bits = examined.key_usage().0;
    let tls = KeyUsages::DigitalSignature | KeyUsages::KeyAgreement;
    let allowed = bits == KeyUsages::DigitalSignature
        || bits == KeyUsages::KeyAgreement
        || bits == tls && examined.has(oid::EXTENDED_KEY_USAGE);
    require(allowed, || {
        "the key usage is not digitalSignature, keyAgreement, or both with an extended key usage".to_owned()
    })
}

/// 5: the extended key usages are those of the profile, and critical when it says so.
fn extended_key_usage_of_profile(examined: &Examined<'_>) -> Result<(), String> {
    let expected = examined.input().profile.parts().extended_key_usage.as_ref();
    let wanted: &[ObjectIdentifier] = expected.map_or(&[], |rule| rule.purposes.as_slice());
    let found = examined.extended_key_usages();
    require(found == wanted, || {
        format!("the extended key usages are {found:?}, and the profile has {wanted:?}")
    })?;
    let critical = examined.extension(oid::EXTENDED_KEY_USAGE).is_some_and(|extension| extension.critical);
    require(critical == expected.is_some_and(|rule| rule.critical), || {
        format!("the extended key usage is critical: {critical}, and the profile has it otherwise")
    })
}

/// 6: one RDN with one common name in UTF8String: the 16 upper-case hexadecimal characters of a system title, or the 16
/// characters of a label; nothing at all where the profile leaves the subject empty.
fn device_name(examined: &Examined<'_>) -> Result<(), String> {
    let subject = examined.fields().subject();
    let rule = &examined.input().profile.parts().subject;
    if *rule == SubjectRule::Empty {
        return require(subject.is_empty(), || format!("the subject is {subject}, and the profile has none"));
    }
    let mut attributes = subject.iter();
    let (Some(attribute), None) = (attributes.next(), attributes.next()) else {
        return Err(format!("the subject {subject} is not one common name"));
    };
    require(attribute.oid == oid::COMMON_NAME && attribute.value.tag() == Tag::Utf8String, || {
        format!("the subject {subject} is not a common name in UTF8String")
    })?;
    let text = core::str::from_utf8(attribute.value.value()).unwrap_or_default();
    let fits = match rule {
        SubjectRule::Label16 => text.chars().count() == 16,
        SubjectRule::SystemTitle | SubjectRule::Empty | SubjectRule::DistinguishedName { .. } => {
            SystemTitle::parse(text).is_ok()
        }
    };
    require(fits, || format!("the common name {text:?} is not 16 characters as the profile has them"))
}

/// 12: the name of a CA has at most 127 octets, be it subject or issuer.
fn authority_name_length(examined: &Examined<'_>) -> Result<(), String> {
    let length = |name: &x509_cert::name::Name| {
        name.encoded_len().map_or(usize::MAX, |length| usize::try_from(length).unwrap_or(usize::MAX))
    };
    let issuer = length(examined.fields().issuer());
    let subject = if examined.is_authority() { length(examined.fields().subject()) } else { 0 };
    let longest = issuer.max(subject);
    require(longest <= 127, || format!("the name of a CA has {longest} octets, more than 127"))
}

/// 13: the serial number has neither 2 nor 4 octets.
fn serial_number_length(examined: &Examined<'_>) -> Result<(), String> {
    let octets = examined.fields().serial_number().as_bytes().len();
    require(!matches!(octets, 2 | 4), || {
        format!("the serial number has {octets} octets, which known DLMS parsers cannot read")
    })
}

/// 15: a certificate for work in the field ends within 72 hours.
fn maintenance_lifetime(examined: &Examined<'_>) -> Result<(), String> {
    let latest = examined.input().now.plus_seconds(MAX_MAINTENANCE_SECONDS);
    let not_after = examined.not_after();
    require(not_after <= latest, || {
        format!("the validity ends at {not_after}, and for work in the field it must end by {latest}")
    })
}

/// 16: the CA's issuing window is open; certificates for its OCSP responders are made until the CA itself expires.
fn issuing_window(examined: &Examined<'_>) -> Result<(), String> {
    let responder = examined.extended_key_usages().contains(&oid::OCSP_SIGNING);
    let Some(issuer) = examined.issuer().filter(|_| !responder) else {
        return Ok(());
    };
    let (now, window_ends) = (examined.input().now, issuer.window_ends());
    require(now <= window_ends, || format!("the issuing window closed at {window_ends}, and now is {now}"))
}
