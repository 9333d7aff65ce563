//! Whether what is delivered with a device is what it says: its texts, its certificates, its wrapped secrets.
//!
//! A certificate must lead to a trust anchor of the manufacturer who delivers it, the same by which its devices are let in, and
//! name the device. Whether its key is known elsewhere the ledger decides, where two deliveries may race.

use crate::certificate::{Certificate, CertificateError};
use crate::oid;
use crate::path::{PathError, Purpose, TrustAnchor, validate};
use crate::profile::KeyPurpose;
use crate::record::{CheckedDevice, DeliveredDevice, DeviceCredential, ExpectedDevice, WrappedSecret};
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// How long a text of a device may be, in characters.
pub const MAX_TEXT: usize = 64;

/// The longest certificate that is kept, in octets.
const MAX_CERTIFICATE_OCTETS: usize = 4_096;

/// How many certificates, and how many secrets, come with one device at most.
const MAX_ITEMS: usize = 16;

/// How long wrapped octets are: RFC 3394 makes at least 24, and nothing of DLMS needs more than the last.
const SECRET_OCTETS: core::ops::RangeInclusive<usize> = 16..=512;

/// Checks a delivered device, on behalf of the owner to whom it is delivered.
///
/// A certificate that has ended, or not begun, is kept all the same: whether that matters is the door's affair.
///
/// # Errors
/// [`DeliveredFault`]: the first that is found.
pub fn check(
    device: DeliveredDevice,
    (owner, manufacturer): (&TenantId, &TenantId),
    anchors: &[TrustAnchor],
    now: UnixTime,
) -> Result<CheckedDevice, DeliveredFault> {
    for (field, text) in [
        ("serial number", &device.serial_number),
        ("model", &device.model),
        ("firmware", &device.firmware),
        ("batch", &device.batch),
    ] {
        if !is_plain(text) {
            return Err(DeliveredFault::Text { field });
        }
    }
    check_secrets(&device.secrets)?;
    let credentials = credentials(&device, anchors, now)?;
    let DeliveredDevice {
        title, serial_number, model, firmware, batch, region, concentrator, secrets, ..
    } = device;
    let expected = ExpectedDevice {
        tenant: owner.clone(),
        title,
        manufacturer: Some(manufacturer.clone()),
        serial_number,
        model,
        firmware,
        batch,
        region,
        concentrator,
    };
    Ok(CheckedDevice { expected, credentials, secrets })
}

/// Tells whether a text is short and printable.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    text.chars().count() <= MAX_TEXT && !text.chars().any(char::is_control)
}

fn check_secrets(secrets: &[WrappedSecret]) -> Result<(), DeliveredFault> {
    if secrets.len() > MAX_ITEMS {
        return Err(DeliveredFault::TooMany);
    }
    for (place, one) in secrets.iter().enumerate() {
        let twice = secrets
            .iter()
            .take(place)
            .any(|other| (other.kind, &other.wrapped_by) == (one.kind, &one.wrapped_by));
        if twice || one.wrapped_by.is_empty() || !is_plain(&one.wrapped_by) {
            return Err(DeliveredFault::Secret { kind: one.kind.name() });
        }
        if !SECRET_OCTETS.contains(&one.octets.len()) {
            return Err(DeliveredFault::Secret { kind: one.kind.name() });
        }
    }
    Ok(())
}

/// Reads the device's own certificates; those of CAs that come along only help to find the path.
fn credentials(
    device: &DeliveredDevice,
    anchors: &[TrustAnchor],
    now: UnixTime,
) -> Result<Vec<DeviceCredential>, DeliveredFault> {
    if device.certificates.len() > MAX_ITEMS {
        return Err(DeliveredFault::TooMany);
    }
    let mut own = Vec::new();
    let mut above = Vec::new();
    for der in &device.certificates {
        if der.len() > MAX_CERTIFICATE_OCTETS {
            return Err(DeliveredFault::TooLong { octets: der.len() });
        }
        let certificate = Certificate::from_der(der)?;
        let is_authority = certificate.basic_constraints().is_some_and(|constraints| constraints.ca);
        if is_authority { above.push(certificate) } else { own.push(certificate) }
    }
    own.into_iter().map(|certificate| credential(device, certificate, (&above, anchors), now)).collect()
}

fn credential(
    device: &DeliveredDevice,
    certificate: Certificate,
    path: (&[Certificate], &[TrustAnchor]),
    now: UnixTime,
) -> Result<DeviceCredential, DeliveredFault> {
    if certificate.system_title() != Some(device.title) {
        return Err(DeliveredFault::OtherTitle);
    }
    let purpose = purpose(&certificate).ok_or(DeliveredFault::Usage)?;
    let credential = DeviceCredential {
        key_fingerprint: certificate.public_key().fingerprint(),
        purpose,
        issuer: certificate.issuer().to_string().chars().take(200).collect(),
        serial: certificate.serial().clone(),
        validity: certificate.validity(),
        certificate: certificate.der().to_vec(),
    };
    match validate(certificate, Purpose::EndEntity, path, now) {
        Ok(_) | Err(PathError::Expired { .. } | PathError::NotYetValid { .. }) => Ok(credential),
        Err(_) => Err(DeliveredFault::ForeignCertificate { issuer: credential.issuer }),
    }
}

/// Tells what a key is for by its usages (Green Book 9.2.6.3): both at once, or an extended one, is TLS.
fn purpose(certificate: &Certificate) -> Option<KeyPurpose> {
    let usage = certificate.key_usage()?;
    let extended = certificate.extended_key_usages();
    let tls = extended.iter().any(|oid| [oid::CLIENT_AUTH, oid::SERVER_AUTH].contains(oid));
    match (usage.digital_signature(), usage.key_agreement()) {
        (true, _) if tls => Some(KeyPurpose::Tls),
        (true, true) => Some(KeyPurpose::Tls),
        (true, false) => Some(KeyPurpose::Signature),
        (false, true) => Some(KeyPurpose::KeyAgreement),
        (false, false) => None,
    }
}

/// Why a delivered device is not taken in, whatever is on record.
#[derive(Debug, thiserror::Error)]
pub enum DeliveredFault {
    /// A text is long, or has characters that cannot be printed.
    #[error("the {field} has more than {MAX_TEXT} characters, or some that cannot be printed")]
    Text {
        /// Which.
        field: &'static str,
    },
    /// A certificate is not one that we work with.
    #[error("a certificate of the device cannot be read: {0}")]
    Certificate(#[from] CertificateError),
    /// A certificate is too long to be kept.
    #[error("a certificate of {octets} octets is longer than the {MAX_CERTIFICATE_OCTETS} that are kept")]
    TooLong {
        /// How long it is.
        octets: usize,
    },
    /// A certificate names another device, or none.
    #[error("a certificate that came with the device does not name it")]
    OtherTitle,
    /// A certificate leads to no trust anchor of the manufacturer.
    #[error("the certificate by {issuer} leads to no trust anchor of this manufacturer")]
    ForeignCertificate {
        /// Its issuer's name.
        issuer: String,
    },
    /// A certificate is neither for signatures nor for key agreement.
    #[error("a certificate of the device says neither digitalSignature nor keyAgreement")]
    Usage,
    /// A secret has an impossible length, no wrapping key, or stands there twice.
    #[error("the wrapped {kind} has an impossible length, names no wrapping key, or stands there twice")]
    Secret {
        /// Its kind.
        kind: &'static str,
    },
    /// More certificates or secrets than a device has.
    #[error("more than {MAX_ITEMS} certificates or secrets came with the device")]
    TooMany,
}

impl DeliveredFault {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Text { .. } => "device.text",
            Self::Certificate(_) | Self::TooLong { .. } => "device.certificate_malformed",
            Self::OtherTitle => "device.other_title",
            Self::ForeignCertificate { .. } => "device.foreign_certificate",
            Self::Usage => "device.certificate_usage",
            Self::Secret { .. } => "device.secret",
            Self::TooMany => "device.too_many",
        }
    }
}
