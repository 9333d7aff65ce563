//! What goes into a work order, looked at beforehand: certificates that fit the meter, and certificates that may be removed.
//!
//! Not a validation of paths: what is issued was verified where it was issued, and the meter verifies what it imports.

use ca_core::certificate::{Certificate, CertificateError};
use ca_core::serial_number::SerialNumber;
use ca_core::suite::Curve;
use ca_core::system_title::SystemTitle;

use super::Addressee;
use crate::security_setup::{
    CertificateEntity, CertificateEntry, CertificateIdentification, CertificateType, MeterKey, is_authority,
    key_of,
};

/// A certificate for one of a meter's own keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCertificate {
    key: MeterKey,
    certificate: Box<Certificate>,
}

impl IssuedCertificate {
    /// Takes a DER certificate for a key of a meter.
    ///
    /// # Errors
    /// [`MaterialError`] when it is another device's, of another purpose or on another curve.
    pub fn new(addressee: &Addressee, key: MeterKey, der: &[u8]) -> Result<Self, MaterialError> {
        let certificate = read(der)?;
        let title = certificate.system_title();
        if title != Some(addressee.title) {
            return Err(MaterialError::OtherTitle { title, wanted: addressee.title });
        }
        let purpose = key_of(&certificate);
        if purpose != Some(key) {
            return Err(MaterialError::OtherPurpose { found: purpose, wanted: key });
        }
        let (curve, wanted) = (certificate.public_key().curve(), addressee.suite.curve());
        if curve != wanted {
            return Err(MaterialError::OtherCurve { curve, wanted });
        }
        Ok(Self { key, certificate: Box::new(certificate) })
    }

    /// Returns the key that it is for.
    #[must_use]
    pub const fn key(&self) -> MeterKey {
        self.key
    }

    /// Returns the certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

/// A certification authority's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityCertificate(Box<Certificate>);

impl AuthorityCertificate {
    /// Takes a DER certificate.
    ///
    /// # Errors
    /// [`MaterialError::NotAuthority`] when its `basicConstraints` do not say that it is a CA's.
    pub fn new(der: &[u8]) -> Result<Self, MaterialError> {
        let certificate = read(der)?;
        if is_authority(&certificate) {
            Ok(Self(Box::new(certificate)))
        } else {
            Err(MaterialError::NotAuthority)
        }
    }

    /// Returns the certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.0
    }
}

/// A client's or third party's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate(Box<Certificate>);

impl ClientCertificate {
    /// Takes a DER certificate.
    ///
    /// # Errors
    /// [`MaterialError`] when it is a CA's or the meter's own, or names no system title: a meter finds it by that.
    pub fn new(addressee: &Addressee, der: &[u8]) -> Result<Self, MaterialError> {
        let certificate = read(der)?;
        if is_authority(&certificate) {
            return Err(MaterialError::Authority);
        }
        match certificate.system_title() {
            None => Err(MaterialError::NoTitle),
            Some(title) if title == addressee.title => Err(MaterialError::OfTheMeter),
            Some(_) => Ok(Self(Box::new(certificate))),
        }
    }

    /// Returns the certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.0
    }
}

/// A certificate that `remove_certificate` may be called on: a client's or an authority's, never the meter's own, since that
/// would destroy the private key (Green Book 9.2.6.6.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovableCertificate(CertificateIdentification);

impl RemovableCertificate {
    /// A client's certificate, by its system title and what it is for.
    ///
    /// # Errors
    /// [`MaterialError::OfTheMeter`].
    pub fn of_client(
        addressee: &Addressee,
        client: SystemTitle,
        kind: CertificateType,
    ) -> Result<Self, MaterialError> {
        if client == addressee.title {
            return Err(MaterialError::OfTheMeter);
        }
        let entity = CertificateEntity::Client;
        Ok(Self(CertificateIdentification::ByEntity { entity, kind, title: client }))
    }

    /// Another one's certificate that is at hand, by serial number and issuer.
    ///
    /// # Errors
    /// [`MaterialError::OfTheMeter`].
    pub fn of_certificate(addressee: &Addressee, der: &[u8]) -> Result<Self, MaterialError> {
        let certificate = read(der)?;
        if certificate.system_title() == Some(addressee.title) {
            return Err(MaterialError::OfTheMeter);
        }
        Ok(Self::by_serial(certificate.serial().clone(), certificate.issuer().der().to_vec()))
    }

    /// A certificate that the meter listed in attribute 6, if that says it is not its own, and its subject says so too.
    ///
    /// # Errors
    /// [`MaterialError::OfTheMeter`], or [`MaterialError::Serial`] where the listed number is none.
    pub fn listed(addressee: &Addressee, entry: &CertificateEntry) -> Result<Self, MaterialError> {
        if entry.entity == CertificateEntity::Server || entry.title() == Some(addressee.title) {
            return Err(MaterialError::OfTheMeter);
        }
        let serial = entry.serial_number().ok_or(MaterialError::Serial)?;
        Ok(Self::by_serial(serial, entry.issuer.clone()))
    }

    const fn by_serial(serial: SerialNumber, issuer: Vec<u8>) -> Self {
        Self(CertificateIdentification::BySerial { serial, issuer })
    }

    /// Returns what names it on the wire.
    #[must_use]
    pub const fn identification(&self) -> &CertificateIdentification {
        &self.0
    }
}

fn read(der: &[u8]) -> Result<Certificate, MaterialError> {
    Certificate::from_der(der).map_err(MaterialError::Unreadable)
}

/// Why something is not to be in a work order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MaterialError {
    /// Not a certificate.
    #[error(transparent)]
    Unreadable(CertificateError),
    /// A certificate for the meter names another device, or none.
    #[error("the certificate is of {}, not of {wanted}", title.map_or_else(|| "no device".to_owned(), |title| title.to_string()))]
    OtherTitle {
        /// Whose it is.
        title: Option<SystemTitle>,
        /// Whose it should be.
        wanted: SystemTitle,
    },
    /// A certificate for one of the meter's keys is for another purpose.
    #[error("the certificate is for {}, not for {}", found.map_or("no key of a meter", MeterKey::name), wanted.name())]
    OtherPurpose {
        /// What it is for.
        found: Option<MeterKey>,
        /// What it should be for.
        wanted: MeterKey,
    },
    /// A certificate for the meter has a key of another suite.
    #[error("the certificate has a {curve} key, and the meter has {wanted} keys")]
    OtherCurve {
        /// Which it has.
        curve: Curve,
        /// Which it should have.
        wanted: Curve,
    },
    /// A certificate that should be an authority's is not.
    #[error("the certificate is not a certification authority's")]
    NotAuthority,
    /// A certificate that should be a client's is an authority's.
    #[error("the certificate is a certification authority's, not a client's")]
    Authority,
    /// A client's certificate names no system title.
    #[error("the certificate names no system title, by which a meter finds a client's")]
    NoTitle,
    /// What should be another one's is the meter's own, which is never removed: its private key would be destroyed.
    #[error("the certificate is the meter's own, which is replaced by import and never removed")]
    OfTheMeter,
    /// A serial number that is none.
    #[error("the serial number that the meter lists is not one by RFC 5280")]
    Serial,
}

impl MaterialError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "dlms.certificate_unreadable",
            Self::OtherTitle { .. } => "dlms.other_title",
            Self::OtherPurpose { .. } => "dlms.other_purpose",
            Self::OtherCurve { .. } => "dlms.other_curve",
            Self::NotAuthority => "dlms.not_an_authority",
            Self::Authority | Self::NoTitle => "dlms.not_a_client",
            Self::OfTheMeter => "dlms.own_certificate",
            Self::Serial => "dlms.serial_number",
        }
    }
}
