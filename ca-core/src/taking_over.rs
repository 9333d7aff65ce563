//! Reading certificates that another program issued under a key that is an authority's here now, so that they can be kept on record.
//!
//! Lenient in what the subject is and has, since it exists whatever we think of it: any key, any name, any extensions. Strict in
//! what makes it this authority's: the issuer's name, a serial number that RFC 5280 allows, and the signature. Nothing here says that
//! a profile or a lint would let it pass. RFC 5280 §4.1.

use der::{Decode, Encode};
use sha2::{Digest, Sha256};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};

use crate::audit::{Act, AuditEvent};
use crate::certificate::to_be_signed;
use crate::crowding::is_crowded;
use crate::distinguished_name::DistinguishedName;
use crate::issuer::Issuer;
use crate::key_ref::KeyRef;
use crate::oid;
use crate::profile::KeyPurpose;
use crate::record::{CertificateId, Revocation, TakenOverCertificate};
use crate::serial_number::{SerialNumber, SerialNumberError};
use crate::tenant::TenantId;
use crate::validity::{UnixTime, Validity};

/// The longest subject that is kept, in octets; a longer one is cut.
const LONGEST_SUBJECT: usize = 1_024;

/// Reads a certificate of another program, and checks that this issuer's key signed it.
///
/// `event` has who takes it over, when and from where in its detail; what it tells of is filled in here.
///
/// # Errors
/// [`TakeOverError`].
pub fn read(
    issuer: &Issuer,
    der: &[u8],
    revocation: Option<Revocation>,
    event: AuditEvent,
) -> Result<TakenOverCertificate, TakeOverError> {
    let described = describe((issuer.key(), issuer.tenant()), der, revocation, event)?;
    let parsed = x509_cert::Certificate::from_der(der).map_err(not_certificate)?;
    let tbs = parsed.tbs_certificate();
    let name = tbs.issuer().to_der().map_err(not_certificate)?;
    let same = name == issuer.name().der()
        || DistinguishedName::from_der(&name).is_ok_and(|name| name.matches(issuer.name()));
    if !same {
        return Err(TakeOverError::OtherIssuer { issuer: tbs.issuer().to_string() });
    }
    let signed = to_be_signed(der).map_err(|_| TakeOverError::NotCertificate { position: None })?;
    let signature = parsed.signature().as_bytes().ok_or(TakeOverError::Signature)?;
    issuer
        .certificate()
        .public_key()
        .verify_of_another(parsed.signature_algorithm().oid, signed, signature)
        .map_err(|_| TakeOverError::Signature)?;
    Ok(described)
}

/// Reads what a certificate says, without asking who signed it: of one that was taken over before.
///
/// # Errors
/// [`TakeOverError`].
pub fn describe(
    (issuer, tenant): (KeyRef, &TenantId),
    der: &[u8],
    revocation: Option<Revocation>,
    event: AuditEvent,
) -> Result<TakenOverCertificate, TakeOverError> {
    if is_crowded(der) {
        return Err(TakeOverError::Crowded);
    }
    let parsed = x509_cert::Certificate::from_der(der).map_err(not_certificate)?;
    let tbs = parsed.tbs_certificate();
    let serial = SerialNumber::from_octets(tbs.serial_number().as_bytes())?;
    let seconds = |time: &x509_cert::time::Time| {
        i64::try_from(time.to_unix_duration().as_secs()).map(UnixTime::from_seconds).ok()
    };
    let validity = seconds(&tbs.validity().not_before)
        .zip(seconds(&tbs.validity().not_after))
        .and_then(|(from, to)| Validity::new(from, to))
        .ok_or(TakeOverError::Validity)?;
    let key = tbs.subject_public_key_info().to_der().map_err(not_certificate)?;
    let id = CertificateId { issuer, serial };
    Ok(TakenOverCertificate {
        certificate: der.to_vec(),
        tenant: tenant.clone(),
        subject: subject(tbs.subject())?,
        key_fingerprint: Sha256::digest(key).into(),
        purpose: purpose(tbs.extensions().map_or(&[], Vec::as_slice)),
        validity,
        revocation,
        event: AuditEvent {
            act: Act::CertificateTakenOver,
            issuer: Some(id.issuer),
            serial: Some(id.serial.clone()),
            reason: String::new(),
            digest: Sha256::digest(der).to_vec(),
            ..event
        },
        id,
    })
}

/// The system title where the name is a device's, else the name as RFC 4514 writes it, cut where it is very long.
fn subject(name: &x509_cert::name::Name) -> Result<String, TakeOverError> {
    let der = name.to_der().map_err(not_certificate)?;
    let title = DistinguishedName::from_der(&der).ok().and_then(|name| name.system_title());
    let mut text = title.map_or_else(|| name.to_string(), |title| title.to_string());
    text.retain(|character| !character.is_control());
    while text.len() > LONGEST_SUBJECT {
        text.pop();
    }
    Ok(text)
}

/// For what the key is, by keyUsage; where that says nothing of ours, as if it signed.
#[must_use]
pub fn purpose(extensions: &[x509_cert::ext::Extension]) -> KeyPurpose {
    let value = |oid| {
        let of = extensions.iter().find(|extension| extension.extn_id == oid);
        of.map(|extension| extension.extn_value.as_bytes())
    };
    let authority = value(oid::BASIC_CONSTRAINTS)
        .and_then(|value| BasicConstraints::from_der(value).ok())
        .is_some_and(|constraints| constraints.ca);
    let usage = value(oid::KEY_USAGE).and_then(|value| KeyUsage::from_der(value).ok());
    let extended = value(oid::EXTENDED_KEY_USAGE).and_then(|value| ExtendedKeyUsage::from_der(value).ok());
    let signs = usage.is_none_or(|usage| usage.digital_signature());
    if authority {
        KeyPurpose::CertificateSigning
    } else if extended
        .is_some_and(|usages| usages.0.contains(&oid::SERVER_AUTH) || usages.0.contains(&oid::CLIENT_AUTH))
    {
        KeyPurpose::Tls
    } else if usage.is_some_and(|usage| usage.key_agreement()) && !signs {
        KeyPurpose::KeyAgreement
    } else {
        KeyPurpose::Signature
    }
}

fn not_certificate(cause: der::Error) -> TakeOverError {
    TakeOverError::NotCertificate { position: cause.position().map(u32::from) }
}

/// Why octets are no certificate of this authority.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TakeOverError {
    /// More elements than certificates have, or deeper ones.
    #[error("it has more elements than any certificate of its length, or deeper ones")]
    Crowded,
    /// Not DER of a certificate.
    #[error("it is no certificate in DER (octet {})", position.unwrap_or_default())]
    NotCertificate {
        /// Where the decoder stopped, in octets.
        position: Option<u32>,
    },
    /// The serial number is unusable.
    #[error(transparent)]
    Serial(#[from] SerialNumberError),
    /// Another authority's name stands in it.
    #[error("it names another issuer: {issuer}")]
    OtherIssuer {
        /// Which.
        issuer: String,
    },
    /// The authority's key did not sign it.
    #[error("the authority's key did not sign it")]
    Signature,
    /// notAfter lies before notBefore, or neither can be counted.
    #[error("it ends before it begins")]
    Validity,
}

impl TakeOverError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Crowded | Self::NotCertificate { .. } => "migration.unreadable",
            Self::Serial(_) => "migration.serial-number",
            Self::OtherIssuer { .. } => "migration.other-issuer",
            Self::Signature => "migration.signature",
            Self::Validity => "migration.validity",
        }
    }
}
