//! Which certificate is meant: by whose and what for, or by serial number and issuer (`certificate_identification`).

use core::fmt;

use ca_core::profile::KeyPurpose;
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;

use super::{SetupError, eight_octets, enumerated, octet_string, structure};
use crate::axdr::Data;
use crate::der_text::{integer_content, integer_tlv};

/// `certificate_entity`: whose certificate it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CertificateEntity {
    /// 0: the meter's own.
    Server,
    /// 1: a client's or third party's.
    Client,
    /// 2: a certification authority's.
    Authority,
    /// 3: somebody else's.
    Other,
}

impl CertificateEntity {
    /// All of them; the place is the number.
    pub const ALL: [Self; 4] = [Self::Server, Self::Client, Self::Authority, Self::Other];

    /// Returns the number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Server => 0,
            Self::Client => 1,
            Self::Authority => 2,
            Self::Other => 3,
        }
    }

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Authority => "certification authority",
            Self::Other => "other",
        }
    }

    pub(super) fn read(data: &Data) -> Result<Self, SetupError> {
        let number = enumerated(data, "certificate_entity")?;
        let found = Self::ALL.into_iter().find(|entity| entity.number() == number);
        found.ok_or(SetupError::Number { what: "certificate_entity", number })
    }
}

/// `certificate_type`: what the certified key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CertificateType {
    /// 0, 1 or 2: one of the three that a meter makes keys for.
    Of(MeterKey),
    /// 3: another one, such as a certification authority's.
    Other,
}

impl CertificateType {
    /// Returns the number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Of(key) => key.number(),
            Self::Other => 3,
        }
    }

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Of(key) => key.name(),
            Self::Other => "other",
        }
    }

    pub(super) fn read(data: &Data) -> Result<Self, SetupError> {
        match enumerated(data, "certificate_type")? {
            3 => Ok(Self::Other),
            number => MeterKey::from_number(number)
                .map(Self::Of)
                .ok_or(SetupError::Number { what: "certificate_type", number }),
        }
    }
}

/// A key pair that a meter makes: `certificate_type` of methods 4 and 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MeterKey {
    /// 0: digital signature.
    Signature,
    /// 1: key agreement.
    KeyAgreement,
    /// 2: TLS.
    Tls,
}

impl MeterKey {
    /// All of them; the place is the number.
    pub const ALL: [Self; 3] = [Self::Signature, Self::KeyAgreement, Self::Tls];

    /// Returns the number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Signature => 0,
            Self::KeyAgreement => 1,
            Self::Tls => 2,
        }
    }

    /// Returns the key with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.number() == number)
    }

    /// Returns the word for it, which is that of the purpose.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.purpose().name()
    }

    /// Returns the key that this word names.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// Returns what its certificate is for.
    #[must_use]
    pub const fn purpose(self) -> KeyPurpose {
        match self {
            Self::Signature => KeyPurpose::Signature,
            Self::KeyAgreement => KeyPurpose::KeyAgreement,
            Self::Tls => KeyPurpose::Tls,
        }
    }

    /// Returns the key whose certificate is for this purpose, if a meter makes such keys.
    #[must_use]
    pub fn for_purpose(purpose: KeyPurpose) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.purpose() == purpose)
    }

    pub(super) fn read(data: &Data) -> Result<Self, SetupError> {
        let number = enumerated(data, "certificate_type")?;
        Self::from_number(number).ok_or(SetupError::Number { what: "certificate_type of a key pair", number })
    }
}

/// ```text
/// certificate_identification ::= structure {
///     certificate_identification_type enum,    -- 0 by entity, 1 by serial number
///     certification_identification_options CHOICE {
///         structure { certificate_entity enum, certificate_type enum, system_title octet-string },
///         structure { serial_number octet-string, issuer octet-string } } }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateIdentification {
    /// By whose it is and what for.
    ByEntity {
        /// Whose.
        entity: CertificateEntity,
        /// What for.
        kind: CertificateType,
        /// The system title of whose it is.
        title: SystemTitle,
    },
    /// By serial number and issuer.
    BySerial {
        /// The serial number; on the wire its DER INTEGER with tag and length.
        serial: SerialNumber,
        /// The issuer's DER name.
        issuer: Vec<u8>,
    },
}

impl CertificateIdentification {
    /// The certificate that a meter has for one of its own keys.
    #[must_use]
    pub const fn own(title: SystemTitle, key: MeterKey) -> Self {
        Self::ByEntity { entity: CertificateEntity::Server, kind: CertificateType::Of(key), title }
    }

    pub(super) fn to_data(&self) -> Data {
        let (choice, options) = match self {
            Self::ByEntity { entity, kind, title } => (
                0,
                vec![
                    Data::Enum(entity.number()),
                    Data::Enum(kind.number()),
                    Data::OctetString(title.octets().to_vec()),
                ],
            ),
            Self::BySerial { serial, issuer } => {
                (1, vec![Data::OctetString(integer_tlv(serial.octets())), Data::OctetString(issuer.clone())])
            }
        };
        Data::Structure(vec![Data::Enum(choice), Data::Structure(options)])
    }

    pub(super) fn read(data: &Data) -> Result<Self, SetupError> {
        const WHAT: &str = "certificate_identification";
        let [choice, options] = structure(data, WHAT)?;
        match enumerated(choice, "certificate_identification_type")? {
            0 => {
                let [entity, kind, title] = structure(options, WHAT)?;
                Ok(Self::ByEntity {
                    entity: CertificateEntity::read(entity)?,
                    kind: CertificateType::read(kind)?,
                    title: SystemTitle::new(eight_octets(title, "system_title")?),
                })
            }
            1 => {
                let [serial, issuer] = structure(options, WHAT)?;
                let serial = octet_string(serial, "serial_number")?;
                let serial =
                    integer_content(serial).and_then(|content| SerialNumber::from_octets(content).ok());
                let serial = serial.ok_or(SetupError::NotDer { what: "serial_number" })?;
                Ok(Self::BySerial { serial, issuer: octet_string(issuer, "issuer")?.to_vec() })
            }
            number => Err(SetupError::Number { what: "certificate_identification_type", number }),
        }
    }
}

impl fmt::Display for CertificateIdentification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByEntity { entity, kind, title } => {
                write!(f, "the {} certificate of {} {title}", kind.name(), entity.name())
            }
            Self::BySerial { serial, issuer } => {
                write!(f, "the certificate with serial number {serial} of {}", crate::der_text::name(issuer))
            }
        }
    }
}
