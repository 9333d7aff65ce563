//! What a certification request under a profile is expected to say: the counterpart of [`draft`](crate::issuance::draft), told
//! to requesters beforehand.
//!
//! A request made by the template asks for nothing that the profile does not give. Nobody must follow it: what is refused is
//! decided where the request is proven. RFC 9908 §3.4, RFC 9810 §5.3.19.16.

use const_oid::ObjectIdentifier;
use der::Encode;
use x509_cert::ext::pkix::{ExtendedKeyUsage, SubjectAltName};

use crate::distinguished_name::DistinguishedName;
use crate::issuance::draft::{DraftError, hardware_module, key_usage};
use crate::oid;
use crate::profile::{AlternativeNameRule, CertificateProfile, SubjectRule};
use crate::suite::Curve;
use crate::system_title::SystemTitle;

/// What a request should say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestTemplate {
    /// The curve of the key; it decides the signature algorithm too.
    pub curve: Curve,
    /// The subject.
    pub subject: SubjectTemplate,
    /// The extensions to ask for, each at most once.
    pub extensions: Vec<ExtensionTemplate>,
}

/// What the subject of a request should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectTemplate {
    /// Whatever the requester is entitled to.
    Free,
    /// These attributes, one an RDN; the requester knows their values.
    Attributes(Vec<ObjectIdentifier>),
    /// This name.
    Name(DistinguishedName),
}

/// An extension to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionTemplate {
    /// Which.
    pub id: ObjectIdentifier,
    /// Whether it is critical.
    pub critical: bool,
    /// The DER of its value; `None` where the requester knows it.
    pub value: Option<Vec<u8>>,
}

impl RequestTemplate {
    /// Tells what a request under this profile should say; about the device too, where it is known who asks.
    ///
    /// # Errors
    /// [`DraftError`] where a value cannot be written, which no sound profile causes.
    pub fn of(profile: &CertificateProfile, title: Option<&SystemTitle>) -> Result<Self, DraftError> {
        let parts = profile.parts();
        let subject = match (&parts.subject, title) {
            (SubjectRule::SystemTitle, Some(title)) => {
                SubjectTemplate::Name(DistinguishedName::of_device(title)?)
            }
            (SubjectRule::SystemTitle | SubjectRule::Label16, _) => {
                SubjectTemplate::Attributes(vec![oid::COMMON_NAME])
            }
            (SubjectRule::Empty, _) => SubjectTemplate::Name(DistinguishedName::empty()),
            (SubjectRule::DistinguishedName { .. }, _) => SubjectTemplate::Free,
        };
        let mut extensions = vec![ExtensionTemplate {
            id: oid::KEY_USAGE,
            critical: true,
            value: Some(key_usage(&parts.key_usage).to_der()?),
        }];
        if let Some(rule) = &parts.extended_key_usage {
            let value = Some(ExtendedKeyUsage(rule.purposes.clone()).to_der()?);
            extensions.push(ExtensionTemplate {
                id: oid::EXTENDED_KEY_USAGE,
                critical: rule.critical,
                value,
            });
        }
        extensions.extend(names(profile, title)?);
        Ok(Self { curve: profile.curve(), subject, extensions })
    }
}

/// The subject alternative name: with its value where that is the device's, without where the requester must name something.
fn names(
    profile: &CertificateProfile,
    title: Option<&SystemTitle>,
) -> Result<Option<ExtensionTemplate>, DraftError> {
    let parts = profile.parts();
    // RFC 5280 §4.1.2.6: critical exactly when the subject is empty.
    let critical = parts.subject == SubjectRule::Empty;
    let value = match &parts.alternative_name {
        AlternativeNameRule::HardwareModule { hw_type } => match title {
            Some(title) => Some(SubjectAltName(vec![hardware_module(*hw_type, title)?]).to_der()?),
            None => None,
        },
        AlternativeNameRule::DnsNames { required: true, .. } => None,
        AlternativeNameRule::DnsNames { required: false, .. }
        | AlternativeNameRule::UriOrEmail
        | AlternativeNameRule::Absent => return Ok(None),
    };
    Ok(Some(ExtensionTemplate { id: oid::SUBJECT_ALT_NAME, critical, value }))
}
