//! From profile and request to the to-be-signed octets of a certificate (RFC 5280 §4.1).
//!
//! A pure function: the same input gives the same octets. Only what the profile names goes in; nothing is copied from a
//! certification request. Whether the result conforms is for [`lint`](crate::lint) to say, by other code.

use const_oid::ObjectIdentifier;
use der::asn1::{Any, AnyRef, GeneralizedTime, Ia5String, Null, OctetString, UtcTime};
use der::flagset::FlagSet;
use der::{DateTime, Decode, Encode, Sequence, Tag};
use spki::AlgorithmIdentifierRef;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::certpolicy::PolicyInformation;
use x509_cert::ext::pkix::name::{GeneralName, HardwareModuleName, OtherName};
use x509_cert::ext::pkix::{
    AccessDescription, AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints,
    CertificatePolicies, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName, SubjectKeyIdentifier,
};

use crate::distinguished_name::{DistinguishedName, NameError};
use crate::issuer::{Issuer, SignedBy};
use crate::oid;
use crate::point::distribution_points;
use crate::profile::{AlternativeNameRule, CertificateProfile, KeyUsageBit, Pointers, SubjectRule};
use crate::public_key::PublicKey;
use crate::scope::{CrlScope, Shard};
use crate::serial_number::SerialNumber;
use crate::subject::{AlternativeName, Subject, SubjectName};
use crate::system_title::SystemTitle;
use crate::validity::{UnixTime, Validity};

/// Everything that a draft is made of.
#[derive(Debug, Clone, Copy)]
pub struct DraftInput<'a> {
    /// Who will sign.
    pub signed_by: SignedBy<'a>,
    /// Which fields, which values.
    pub profile: &'a CertificateProfile,
    /// For whom.
    pub subject: &'a Subject,
    /// The key to certify.
    pub public_key: &'a PublicKey,
    /// Under which serial number.
    pub serial: &'a SerialNumber,
    /// For how long.
    pub validity: Validity,
    /// The shard of CRLs that will list it, if its issuer divides them.
    pub shard: Option<&'a Shard>,
}

/// ```text
/// TBSCertificate ::= SEQUENCE {
///     version         [0] EXPLICIT Version DEFAULT v1,
///     serialNumber        CertificateSerialNumber,
///     signature           AlgorithmIdentifier,
///     issuer              Name,
///     validity            Validity,
///     subject             Name,
///     subjectPublicKeyInfo SubjectPublicKeyInfo,
///     extensions      [3] EXPLICIT Extensions OPTIONAL }
/// ```
#[derive(Sequence)]
struct TbsCertificate<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: u8,
    serial_number: AnyRef<'a>,
    signature: AlgorithmIdentifierRef<'a>,
    issuer: AnyRef<'a>,
    validity: ValidityTimes,
    subject: AnyRef<'a>,
    subject_public_key_info: AnyRef<'a>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

/// ```text
/// Validity ::= SEQUENCE { notBefore Time, notAfter Time }
/// ```
#[derive(Sequence)]
struct ValidityTimes {
    not_before: Any,
    not_after: Any,
}

/// Drafts a certificate; returns the DER of its `TBSCertificate`.
///
/// # Errors
/// [`DraftError`] when subject, key and profile do not fit together.
pub fn draft(input: &DraftInput<'_>) -> Result<Vec<u8>, DraftError> {
    let subject = subject_name(input)?;
    let (issuer, curve) = match input.signed_by {
        SignedBy::Itself => (subject.clone(), input.public_key.curve()),
        SignedBy::Issuer(issuer) => (issuer.name().clone(), issuer.curve()),
    };
    let tbs = TbsCertificate {
        version: 2,
        serial_number: AnyRef::new(Tag::Integer, input.serial.octets())?,
        signature: AlgorithmIdentifierRef { oid: curve.signature_algorithm(), parameters: None },
        issuer: AnyRef::from_der(issuer.der())?,
        validity: ValidityTimes {
            not_before: time(input.validity.not_before())?,
            not_after: time(input.validity.not_after())?,
        },
        subject: AnyRef::from_der(subject.der())?,
        subject_public_key_info: AnyRef::from_der(input.public_key.spki_der())?,
        extensions: extensions(input, &subject)?,
    };
    Ok(tbs.to_der()?)
}

/// Encodes a time as RFC 5280 §4.1.2.5 wants it: UTCTime to the end of 2049, GeneralizedTime from 2050 on.
///
/// # Errors
/// What the DER codec says of a time before 1970 or after 9999.
pub fn time(time: UnixTime) -> der::Result<Any> {
    let seconds = u64::try_from(time.seconds()).map_err(|_| der::ErrorKind::DateTime)?;
    let date_time = DateTime::from_unix_duration(core::time::Duration::from_secs(seconds))?;
    if time < UnixTime::UTC_TIME_END {
        Any::encode_from(&UtcTime::from_date_time(date_time)?)
    } else {
        Any::encode_from(&GeneralizedTime::from_date_time(date_time))
    }
}

fn subject_name(input: &DraftInput<'_>) -> Result<DistinguishedName, DraftError> {
    match (&input.profile.parts().subject, &input.subject.name) {
        (SubjectRule::SystemTitle, SubjectName::Device(title)) => Ok(DistinguishedName::of_device(title)?),
        (SubjectRule::Empty, SubjectName::Device(_)) => Ok(DistinguishedName::empty()),
        (SubjectRule::DistinguishedName { max_octets }, SubjectName::Distinguished(name)) => {
            if name.der().len() > usize::from(*max_octets) {
                return Err(DraftError::NameTooLong { octets: name.der().len(), max_octets: *max_octets });
            }
            let nameless = name.is_empty() && input.subject.alternative_names.is_empty();
            let fits = is_plain(name) && !nameless && !claims_another_host(input, name);
            fits.then(|| name.clone()).ok_or(DraftError::SubjectDoesNotFit)
        }
        (SubjectRule::Label16, SubjectName::Distinguished(name)) if is_label(name) => Ok(name.clone()),
        (
            SubjectRule::SystemTitle | SubjectRule::Empty | SubjectRule::Label16,
            SubjectName::Distinguished(_),
        )
        | (SubjectRule::DistinguishedName { .. } | SubjectRule::Label16, SubjectName::Device(_)) => {
            Err(DraftError::SubjectDoesNotFit)
        }
    }
}

/// Single-valued RDNs of C, O, OU, CN and serialNumber, each at most once.
fn is_plain(name: &DistinguishedName) -> bool {
    const KNOWN: [ObjectIdentifier; 5] = [
        oid::COUNTRY_NAME,
        oid::ORGANIZATION_NAME,
        oid::ORGANIZATIONAL_UNIT_NAME,
        oid::COMMON_NAME,
        oid::SERIAL_NUMBER,
    ];
    let once =
        |oid: &ObjectIdentifier| name.attributes().iter().filter(|(other, _)| other == oid).count() == 1;
    name.is_single_valued() && name.attributes().iter().all(|(oid, _)| KNOWN.contains(oid) && once(oid))
}

/// Some relying parties still take a common name that looks like a host for one: it must be among the dNSNames.
fn claims_another_host(input: &DraftInput<'_>, name: &DistinguishedName) -> bool {
    let hosts = matches!(input.profile.parts().alternative_name, AlternativeNameRule::DnsNames { .. });
    let listed = |host: &str| {
        input.subject.alternative_names.iter().any(|name| match name {
            AlternativeName::Dns(listed) => listed.eq_ignore_ascii_case(host),
            AlternativeName::Uri(_) | AlternativeName::Email(_) => false,
        })
    };
    let looks_like_one = |text: &&str| text.contains('.') && !text.contains(' ');
    hosts && name.common_name().filter(looks_like_one).is_some_and(|host| !listed(host))
}

fn is_label(name: &DistinguishedName) -> bool {
    name.attributes().len() == 1 && name.common_name().is_some_and(|label| label.chars().count() == 16)
}

/// Writes the extensions in one fixed order: constraints and usages, key identifiers, policy, names, pointers.
fn extensions(input: &DraftInput<'_>, subject: &DistinguishedName) -> Result<Vec<Extension>, DraftError> {
    let parts = input.profile.parts();
    let mut all = Vec::with_capacity(8);
    if let Some(length) = parts.path_length {
        let constraints = BasicConstraints { ca: true, path_len_constraint: Some(length) };
        all.push(extension(oid::BASIC_CONSTRAINTS, true, &constraints)?);
    }
    // RFC 5280 §4.2.1.3; Green Book Table 28: keyUsage is critical.
    all.push(extension(oid::KEY_USAGE, true, &key_usage(&parts.key_usage))?);
    if let Some(rule) = &parts.extended_key_usage {
        let usage = ExtendedKeyUsage(rule.purposes.clone());
        all.push(extension(oid::EXTENDED_KEY_USAGE, rule.critical, &usage)?);
    }
    let ski = SubjectKeyIdentifier(OctetString::new(input.public_key.key_identifier(parts.key_identifier))?);
    all.push(extension(oid::SUBJECT_KEY_IDENTIFIER, false, &ski)?);
    if let SignedBy::Issuer(issuer) = input.signed_by {
        // RFC 5280 §4.2.1.1: the key identifier of the issuer's own certificate.
        let key_identifier = Some(OctetString::new(issuer.key_identifier())?);
        let aki = AuthorityKeyIdentifier { key_identifier, ..AuthorityKeyIdentifier::default() };
        all.push(extension(oid::AUTHORITY_KEY_IDENTIFIER, false, &aki)?);
    }
    if let Some(policy_identifier) = parts.policy {
        let policy = PolicyInformation { policy_identifier, policy_qualifiers: None };
        all.push(extension(oid::CERTIFICATE_POLICIES, false, &CertificatePolicies(vec![policy]))?);
    }
    if let Some(names) = alternative_names(input)? {
        // RFC 5280 §4.1.2.6: critical exactly when the subject is empty.
        all.push(extension(oid::SUBJECT_ALT_NAME, subject.is_empty(), &SubjectAltName(names))?);
    }
    if let SignedBy::Issuer(issuer) = input.signed_by {
        pointers(parts.pointers, (issuer, input.shard), &mut all)?;
    }
    if parts.ocsp_no_check {
        // RFC 6960 §4.2.2.2.1: the value is NULL and the extension should be non-critical.
        all.push(extension(oid::OCSP_NO_CHECK, false, &Null)?);
    }
    Ok(all)
}

fn extension<T: Encode>(extn_id: ObjectIdentifier, critical: bool, value: &T) -> der::Result<Extension> {
    Ok(Extension { extn_id, critical, extn_value: OctetString::new(value.to_der()?)? })
}

pub(crate) fn key_usage(bits: &[KeyUsageBit]) -> KeyUsage {
    let mut usage = FlagSet::<KeyUsages>::default();
    for bit in bits {
        usage |= match bit {
            KeyUsageBit::DigitalSignature => KeyUsages::DigitalSignature,
            KeyUsageBit::KeyAgreement => KeyUsages::KeyAgreement,
            KeyUsageBit::KeyCertSign => KeyUsages::KeyCertSign,
            KeyUsageBit::CrlSign => KeyUsages::CRLSign,
        };
    }
    KeyUsage(usage)
}

fn alternative_names(input: &DraftInput<'_>) -> Result<Option<Vec<GeneralName>>, DraftError> {
    let asked = input.subject.alternative_names.as_slice();
    let fits = match &input.profile.parts().alternative_name {
        AlternativeNameRule::HardwareModule { hw_type } => {
            let title = input.subject.system_title().ok_or(DraftError::SubjectDoesNotFit)?;
            if asked.is_empty() {
                return Ok(Some(vec![hardware_module(*hw_type, title)?]));
            }
            false
        }
        AlternativeNameRule::Absent => asked.is_empty(),
        AlternativeNameRule::DnsNames { required, max } => {
            asked.len() <= usize::from(*max)
                && !(*required && asked.is_empty())
                && asked.iter().all(|name| matches!(name, AlternativeName::Dns(_)))
        }
        AlternativeNameRule::UriOrEmail => asked.len() <= 1 && !matches!(asked, [AlternativeName::Dns(_)]),
    };
    if !fits {
        return Err(DraftError::AlternativeNamesDoNotFit);
    }
    general_names(asked)
}

/// ```text
/// HardwareModuleName ::= SEQUENCE { hwType OBJECT IDENTIFIER, hwSerialNum OCTET STRING }   -- RFC 4108 §5
/// ```
pub(crate) fn hardware_module(hw_type: ObjectIdentifier, title: &SystemTitle) -> der::Result<GeneralName> {
    let hw_serial_num = OctetString::new(title.octets().as_slice())?;
    let value = Any::encode_from(&HardwareModuleName { hw_type, hw_serial_num })?;
    Ok(GeneralName::OtherName(OtherName { type_id: oid::HARDWARE_MODULE_NAME, value }))
}

fn general_names(asked: &[AlternativeName]) -> Result<Option<Vec<GeneralName>>, DraftError> {
    let name = |name: &AlternativeName| -> der::Result<GeneralName> {
        Ok(match name {
            AlternativeName::Dns(text) => GeneralName::DnsName(Ia5String::new(text)?),
            AlternativeName::Uri(text) => GeneralName::UniformResourceIdentifier(Ia5String::new(text)?),
            AlternativeName::Email(text) => GeneralName::Rfc822Name(Ia5String::new(text)?),
        })
    };
    let names = asked.iter().map(name).collect::<der::Result<Vec<_>>>()?;
    Ok((!names.is_empty()).then_some(names))
}

fn pointers(
    wanted: Pointers,
    (issuer, shard): (&Issuer, Option<&Shard>),
    all: &mut Vec<Extension>,
) -> Result<(), DraftError> {
    let uri = |uri: &str| -> der::Result<GeneralName> {
        Ok(GeneralName::UniformResourceIdentifier(Ia5String::new(uri)?))
    };
    let points = issuer.points();
    if wanted == Pointers::None {
        return Ok(());
    }
    // RFC 5280 §5.2.5: the shard's CRL names itself with these very octets.
    let scope = CrlScope::of(shard);
    let crl = issuer.crl_uri(&scope).ok_or(DraftError::NoPublicationPoint)?;
    all.push(extension(oid::CRL_DISTRIBUTION_POINTS, false, &distribution_points(&crl)?)?);
    // RFC 5280 §4.2.1.15: non-critical.
    if let Some(delta) = issuer.freshest_uri(&scope) {
        all.push(extension(oid::FRESHEST_CRL, false, &distribution_points(&delta)?)?);
    }
    if wanted == Pointers::CrlAndAccess {
        let mut access = Vec::with_capacity(2);
        // An off-line root has no OCSP responder.
        if let Some(ocsp) = points.ocsp.as_deref() {
            access.push(AccessDescription { access_method: oid::ACCESS_OCSP, access_location: uri(ocsp)? });
        }
        let ca_issuers = points.ca_issuers.as_deref().ok_or(DraftError::NoPublicationPoint)?;
        access.push(AccessDescription {
            access_method: oid::ACCESS_CA_ISSUERS,
            access_location: uri(ca_issuers)?,
        });
        all.push(extension(oid::AUTHORITY_INFO_ACCESS, false, &AuthorityInfoAccessSyntax(access))?);
    }
    Ok(())
}

/// Why nothing can be drafted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// The subject is not of the kind the profile names.
    #[error("the subject is not of the kind that the profile names")]
    SubjectDoesNotFit,
    /// The distinguished name is longer than the profile allows.
    #[error("the subject has {octets} octets, of which the profile allows {max_octets}")]
    NameTooLong {
        /// Its length in octets.
        octets: usize,
        /// What the profile allows.
        max_octets: u16,
    },
    /// The alternative names are not of the kind or number that the profile allows.
    #[error("the alternative names are not of the kind or number that the profile allows")]
    AlternativeNamesDoNotFit,
    /// The profile wants a pointer that the issuer has no URI for.
    #[error("the profile wants URIs of the issuer's CRL and certificate, and not both are configured")]
    NoPublicationPoint,
    /// A name cannot be written.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The DER codec refused.
    #[error("the certificate cannot be encoded: {0}")]
    Encode(#[from] der::Error),
}
