//! Who a certificate is for: a device by its system title, or something else by a distinguished name.
//!
//! The subject of a request says what is wanted; whether the requester is entitled to it is registration's decision.

use core::fmt;

use der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::{GeneralName, HardwareModuleName};

use crate::distinguished_name::DistinguishedName;
use crate::oid;
use crate::system_title::SystemTitle;

/// The subject of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its name.
    pub name: SubjectName,
    /// Its alternative names beside a hardwareModuleName, in the order they will be written.
    pub alternative_names: Vec<AlternativeName>,
}

/// The name of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectName {
    /// A meter, gateway, head-end or hand-held unit.
    Device(SystemTitle),
    /// A distinguished name; empty when alternative names say it all.
    Distinguished(DistinguishedName),
}

/// A subject alternative name of the kinds that profiles can allow (RFC 5280 §4.2.1.6), in ASCII.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlternativeName {
    /// dNSName.
    Dns(String),
    /// uniformResourceIdentifier.
    Uri(String),
    /// rfc822Name.
    Email(String),
}

impl Subject {
    /// Returns the subject that is this device and nothing else.
    #[must_use]
    pub const fn device(title: SystemTitle) -> Self {
        Self { name: SubjectName::Device(title), alternative_names: Vec::new() }
    }

    /// Returns the subject of this distinguished name, without alternative names.
    #[must_use]
    pub const fn distinguished(name: DistinguishedName) -> Self {
        Self { name: SubjectName::Distinguished(name), alternative_names: Vec::new() }
    }

    /// Reads a subject name and, if there is one, the value of a subjectAltName extension.
    ///
    /// A name that is exactly a system title is a device's; so is an empty one beside a hardwareModuleName.
    ///
    /// # Errors
    /// [`SubjectError`].
    pub fn read(name: &DistinguishedName, alternative_names: Option<&[u8]>) -> Result<Self, SubjectError> {
        let (module, alternative_names) = match alternative_names {
            Some(value) => read_alternative_names(value)?,
            None => (None, Vec::new()),
        };
        let name = match (name.system_title(), module) {
            (Some(title), Some(module)) if title != module => return Err(SubjectError::NamesDisagree),
            (Some(title), _) => SubjectName::Device(title),
            (None, Some(module)) if name.is_empty() => SubjectName::Device(module),
            (None, Some(_)) => return Err(SubjectError::NamesDisagree),
            (None, None) => SubjectName::Distinguished(name.clone()),
        };
        Ok(Self { name, alternative_names })
    }

    /// Returns the system title, if the subject is a device.
    #[must_use]
    pub const fn system_title(&self) -> Option<&SystemTitle> {
        match &self.name {
            SubjectName::Device(title) => Some(title),
            SubjectName::Distinguished(_) => None,
        }
    }
}

/// Reads at most 16 names: at most one hardwareModuleName, the rest dNSName, URI and rfc822Name.
fn read_alternative_names(value: &[u8]) -> Result<(Option<SystemTitle>, Vec<AlternativeName>), SubjectError> {
    let names = SubjectAltName::from_der(value).map_err(|_| SubjectError::AlternativeNamesNotDer)?.0;
    if names.is_empty() || names.len() > 16 {
        return Err(SubjectError::AlternativeNameCount { count: names.len() });
    }
    let mut module = None;
    let mut texts = Vec::new();
    for name in &names {
        match name {
            GeneralName::DnsName(text) => texts.push(AlternativeName::Dns(dns_name(text.as_str())?)),
            GeneralName::UniformResourceIdentifier(text) => {
                texts.push(AlternativeName::Uri(printable(text.as_str())?));
            }
            GeneralName::Rfc822Name(text) => texts.push(AlternativeName::Email(printable(text.as_str())?)),
            GeneralName::OtherName(other)
                if other.type_id == oid::HARDWARE_MODULE_NAME && module.is_none() =>
            {
                let read: HardwareModuleName =
                    other.value.decode_as().map_err(|_| SubjectError::AlternativeNamesNotDer)?;
                let octets = read.hw_serial_num.as_bytes();
                let title =
                    octets.try_into().map_err(|_| SubjectError::HardwareSerial { octets: octets.len() })?;
                module = Some(SystemTitle::new(title));
            }
            GeneralName::OtherName(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EdiPartyName(_)
            | GeneralName::IpAddress(_)
            | GeneralName::RegisteredId(_) => return Err(SubjectError::AlternativeNameKind),
        }
    }
    Ok((module, texts))
}

/// Accepts a host name of letters, digits and hyphens in labels; no wildcard, and no address: the last label is not a number
/// (RFC 5280 §4.2.1.6, RFC 1034 §3.5, RFC 3696 §2).
fn dns_name(text: &str) -> Result<String, SubjectError> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let numeric =
        text.rsplit('.').next().is_some_and(|last| last.bytes().all(|octet| octet.is_ascii_digit()));
    (text.len() <= 253 && text.split('.').all(label) && !numeric)
        .then(|| text.to_owned())
        .ok_or(SubjectError::AlternativeNameText)
}

fn printable(text: &str) -> Result<String, SubjectError> {
    let graphic = text.bytes().all(|octet| octet.is_ascii_graphic());
    ((1..=255).contains(&text.len()) && graphic)
        .then(|| text.to_owned())
        .ok_or(SubjectError::AlternativeNameText)
}

impl fmt::Display for Subject {
    /// Writes what listings and audit records show: the system title, the distinguished name, or the first other name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.alternative_names.first()) {
            (SubjectName::Device(title), _) => write!(f, "{title}"),
            (SubjectName::Distinguished(name), Some(first)) if name.is_empty() => write!(f, "{first}"),
            (SubjectName::Distinguished(name), _) => write!(f, "{name}"),
        }
    }
}

impl fmt::Display for AlternativeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(text) | Self::Uri(text) | Self::Email(text) => f.write_str(text),
        }
    }
}

/// Why a name and its alternatives are not a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// The alternative names are not DER.
    #[error("the subject alternative name is not DER")]
    AlternativeNamesNotDer,
    /// None, or more than 16.
    #[error("a subject has 1 to 16 alternative names, not {count}")]
    AlternativeNameCount {
        /// How many.
        count: usize,
    },
    /// A kind that no profile allows.
    #[error("an alternative name is a dNSName, a URI, an e-mail address or one hardwareModuleName")]
    AlternativeNameKind,
    /// Text that such a name must not hold.
    #[error("an alternative name has characters or a length that it must not have")]
    AlternativeNameText,
    /// A hardwareModuleName whose serial number is not a system title.
    #[error("the serial number of the hardwareModuleName has {octets} octets, not 8")]
    HardwareSerial {
        /// How many octets.
        octets: usize,
    },
    /// Subject and hardwareModuleName name different devices.
    #[error("the subject and the hardwareModuleName do not name the same device")]
    NamesDisagree,
}

#[cfg(test)]
mod tests {
    use super::*;
    use der::Encode;
    use der::asn1::Ia5String;

    fn san(names: Vec<GeneralName>) -> Vec<u8> {
        SubjectAltName(names).to_der().unwrap()
    }

    fn dns(text: &str) -> GeneralName {
        GeneralName::DnsName(Ia5String::new(text).unwrap())
    }

    #[test]
    fn an_exact_system_title_is_a_device() {
        let title = SystemTitle::new([1; 8]);
        let name = DistinguishedName::of_device(&title).unwrap();
        assert_eq!(Subject::read(&name, None), Ok(Subject::device(title)));
    }

    #[test]
    fn refuses_wildcards_unknown_kinds_and_too_many_names() {
        let empty = DistinguishedName::empty();
        let read = |names| Subject::read(&empty, Some(&san(names)));
        assert_eq!(read(vec![dns("*.example.org")]), Err(SubjectError::AlternativeNameText));
        assert_eq!(read(vec![dns("a..b")]), Err(SubjectError::AlternativeNameText));
        assert_eq!(read(vec![dns("192.0.2.1")]), Err(SubjectError::AlternativeNameText));
        assert_eq!(
            read(vec![GeneralName::IpAddress(der::asn1::OctetString::new([127, 0, 0, 1]).unwrap())]),
            Err(SubjectError::AlternativeNameKind)
        );
        assert_eq!(read(vec![dns("a"); 17]), Err(SubjectError::AlternativeNameCount { count: 17 }));
        assert_eq!(
            Subject::read(&empty, Some(&[0x30, 0])),
            Err(SubjectError::AlternativeNameCount { count: 0 })
        );
    }
}
